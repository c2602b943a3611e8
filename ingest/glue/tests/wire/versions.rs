//! Versions of tables.

use serde_json::{Value, json};

use crate::client::{Server, table};

/// A server with a table at version 2, of which version 1 was not kept.
async fn server() -> Server {
    let mut server = Server::start().await;
    server.create_database("web").await;
    server.create_table("web", table("clicks", &["a int"])).await;
    update(&mut server, &["a int", "b int"], json!({})).await;
    update(&mut server, &["a int", "b int", "c int"], json!({"SkipArchive": true})).await;
    server
}

fn update_of(columns: &[&str], more: Value) -> Value {
    let mut input = json!({"DatabaseName": "Web", "TableInput": table("Clicks", columns)});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

async fn update(server: &mut Server, columns: &[&str], more: Value) {
    assert_eq!(server.call("UpdateTable", update_of(columns, more)).await, json!({}));
}

fn version_of(version: Option<&str>) -> Value {
    json!({"DatabaseName": "Web", "TableName": "Clicks", "VersionId": version})
}

fn column_count(table: &Value) -> usize {
    table["StorageDescriptor"]["Columns"].as_array().unwrap().len()
}

#[tokio::test]
async fn every_update_is_a_version_and_kept_unless_asked_not_to() {
    let mut server = server().await;
    let latest = server.call("GetTable", json!({"DatabaseName": "web", "Name": "clicks"})).await["Table"].clone();
    assert_eq!((latest["VersionId"].as_str(), column_count(&latest)), (Some("2"), 3));
    let versions = server.call("GetTableVersions", json!({"DatabaseName": "web", "TableName": "clicks"})).await;
    let versions: Vec<_> = versions["TableVersions"].as_array().unwrap().iter().collect();
    let told: Vec<_> =
        versions.iter().map(|it| (it["VersionId"].as_str().unwrap(), column_count(&it["Table"]))).collect();
    assert_eq!(told, [("2", 3), ("0", 1)], "the latest comes first");
    assert_eq!(versions[1]["Table"]["CreateTime"], latest["CreateTime"]);
    assert_eq!(versions[1]["Table"]["VersionId"], "0");
    let one = server.call("GetTableVersion", version_of(Some("0"))).await["TableVersion"].clone();
    assert_eq!(&one, versions[1]);
    let unnamed = server.call("GetTableVersion", version_of(None)).await["TableVersion"].clone();
    assert_eq!(&unnamed, versions[0]);
    for missing in ["1", "3", "x", "-1", "00"] {
        let refusal = server.refused("GetTableVersion", version_of(Some(missing))).await;
        assert_eq!(refusal, "EntityNotFoundException: Version not found.", "{missing}");
    }
}

#[tokio::test]
async fn an_update_of_another_version_is_refused() {
    let mut server = server().await;
    for stale in ["1", "3", "x"] {
        let refusal = server.refused("UpdateTable", update_of(&["z int"], json!({"VersionId": stale}))).await;
        let text = "ConcurrentModificationException: Update table failed due to concurrent modifications.";
        assert_eq!(refusal, text, "{stale}");
    }
    update(&mut server, &["z int"], json!({"VersionId": "2", "Name": "CLICKS"})).await;
    let told = server.call("GetTable", json!({"DatabaseName": "web", "Name": "clicks"})).await;
    assert_eq!((told["Table"]["VersionId"].as_str(), column_count(&told["Table"])), (Some("3"), 1));
}

#[tokio::test]
async fn versions_are_listed_in_pages() {
    let mut server = server().await;
    for _ in 0..2 {
        update(&mut server, &["a int"], json!({})).await;
    }
    let (mut found, mut token, mut sizes) = (Vec::new(), Value::Null, Vec::new());
    loop {
        let input = json!({"DatabaseName": "web", "TableName": "clicks", "MaxResults": 3, "NextToken": token});
        let page = server.call("GetTableVersions", input).await;
        let versions = page["TableVersions"].as_array().unwrap();
        sizes.push(versions.len());
        found.extend(versions.iter().map(|version| version["VersionId"].as_str().unwrap().to_owned()));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((found.join(" ").as_str(), sizes), ("4 3 2 0", vec![3, 1]));
}

#[tokio::test]
async fn versions_but_the_latest_are_deleted() {
    let mut server = server().await;
    let latest = server.refused("DeleteTableVersion", version_of(Some("2"))).await;
    let text = "InvalidInputException: Version 2 of table clicks is its latest and cannot be deleted. Delete the table instead.";
    assert_eq!(latest, text);
    assert_eq!(server.call("DeleteTableVersion", version_of(Some("0"))).await, json!({}));
    let gone = "EntityNotFoundException: Version not found.";
    assert_eq!(server.refused("DeleteTableVersion", version_of(Some("0"))).await, gone);
    assert_eq!(server.refused("GetTableVersion", version_of(Some("0"))).await, gone);
    let missing = json!({"DatabaseName": "web", "TableName": "views", "VersionId": "0"});
    assert_eq!(server.refused("DeleteTableVersion", missing).await, "EntityNotFoundException: Table views not found.");
}

#[tokio::test]
async fn a_batch_tells_of_each_version_that_was_not_deleted() {
    let mut server = server().await;
    let batch = |table: &str| json!({"DatabaseName": "web", "TableName": table, "VersionIds": ["0", "1"]});
    let answer = server.call("BatchDeleteTableVersion", batch("Clicks")).await;
    let detail = json!({"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Version not found."});
    assert_eq!(answer, json!({"Errors": [{"TableName": "clicks", "VersionId": "1", "ErrorDetail": detail}]}));
    assert_eq!(
        server.refused("BatchDeleteTableVersion", batch("views")).await,
        "EntityNotFoundException: Table views not found."
    );
}
