//! Databases.

use serde_json::{Value, json};

use crate::client::{CBOR, Server, table};

#[tokio::test]
async fn a_database_is_told_as_it_was_given() {
    let mut server = Server::start().await;
    let input = json!({
        "Name": "Web", "Description": "what people do\nthere", "LocationUri": "s3://lake/web/",
        "Parameters": {"owner": "größe"}, "Unknown": 1,
    });
    assert_eq!(server.call("CreateDatabase", json!({"DatabaseInput": input})).await, json!({}));
    let mut told = server.call("GetDatabase", json!({"Name": "WEB"})).await["Database"].clone();
    assert!(told["CreateTime"].as_f64().unwrap() > 1_700_000_000.0, "{told}");
    told.as_object_mut().unwrap().remove("CreateTime");
    let expected = json!({
        "Name": "web", "Description": "what people do\nthere", "LocationUri": "s3://lake/web/",
        "Parameters": {"owner": "größe"}, "CatalogId": "000000000000",
        "CreateTableDefaultPermissions":
            [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}],
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_database_is_replaced_and_deleted_with_its_tables() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    let created = server.call("GetDatabase", json!({"Name": "web"})).await["Database"]["CreateTime"].clone();
    server.create_table("web", table("clicks", &["id int"])).await;
    let input = json!({"Name": "WEB", "DatabaseInput": {"Name": "Web", "Description": "new"}});
    assert_eq!(server.call("UpdateDatabase", input).await, json!({}));
    let told = server.call("GetDatabase", json!({"Name": "web"})).await;
    assert_eq!(told["Database"]["Description"], "new");
    assert_eq!(told["Database"]["CreateTime"], created);
    assert!(server.metrics().contains("ingest_glue_tables 1\n"), "{}", server.metrics());
    assert_eq!(server.call("DeleteDatabase", json!({"Name": "web"})).await, json!({}));
    let gone = "EntityNotFoundException: Database web not found.";
    assert_eq!(server.refused("GetDatabase", json!({"Name": "web"})).await, gone);
    assert_eq!(server.refused("DeleteDatabase", json!({"Name": "web"})).await, gone);
    let update = json!({"Name": "web", "DatabaseInput": {"Name": "web"}});
    assert_eq!(server.refused("UpdateDatabase", update).await, gone);
    server.create_database("web").await;
    assert_eq!(server.call("GetTables", json!({"DatabaseName": "web"})).await, json!({"TableList": []}));
    let metrics = server.metrics();
    assert!(metrics.contains("ingest_glue_tables 0\n") && metrics.contains("ingest_glue_databases 1\n"), "{metrics}");
}

#[tokio::test]
async fn a_database_exists_once_in_whatever_case() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    let again = server.refused("CreateDatabase", json!({"DatabaseInput": {"Name": "WEB"}})).await;
    assert_eq!(again, "AlreadyExistsException: Database already exists.");
}

#[tokio::test]
async fn databases_are_listed_in_pages() {
    let mut server = Server::start().await;
    assert_eq!(server.call("GetDatabases", json!({})).await, json!({"DatabaseList": []}));
    for number in 0..5 {
        server.create_database(&format!("d{number}")).await;
    }
    let (mut names, mut sizes, mut token) = (Vec::new(), Vec::new(), Value::Null);
    loop {
        let page = server.call("GetDatabases", json!({"MaxResults": 2, "NextToken": token})).await;
        let databases = page["DatabaseList"].as_array().unwrap();
        sizes.push(databases.len());
        names.extend(databases.iter().map(|database| database["Name"].as_str().unwrap().to_owned()));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((names.join(" ").as_str(), sizes), ("d0 d1 d2 d3 d4", vec![2, 2, 1]));
    let names_only = server.call("GetDatabases", json!({"AttributesToGet": ["NAME"], "MaxResults": 1})).await;
    assert_eq!(names_only["DatabaseList"], json!([{"Name": "d0", "CatalogId": "000000000000"}]));
    let foreign = server.call("GetDatabases", json!({"ResourceShareType": "FOREIGN"})).await;
    assert_eq!(foreign, json!({"DatabaseList": []}));
    let all = server.call("GetDatabases", json!({"ResourceShareType": "ALL"})).await;
    assert_eq!(all["DatabaseList"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn cbor_says_the_same() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    server.create_table("web", table("clicks", &["id int"])).await;
    // {"DatabaseName": "web", "Name": "clicks"}
    let body = b"\xa2\x6cDatabaseName\x63web\x64Name\x66clicks";
    let answer = server.send("AWSGlue.GetTable", CBOR, body).await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8_lossy(&answer.body);
    assert!(text.contains("StorageDescriptor") && text.contains("VersionId") && text.contains("clicks"), "{text}");
}
