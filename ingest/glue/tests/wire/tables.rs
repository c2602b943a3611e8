//! Tables.

use serde_json::{Value, json};

use crate::client::{Server, table};

/// A table with a value for every member that is honoured.
fn whole(name: &str) -> Value {
    json!({
        "Name": name, "Description": "clicks\nof people", "Owner": "web", "LastAccessTime": 1_700_000_000.5,
        "LastAnalyzedTime": 1_700_000_001.0, "Retention": 7,
        "StorageDescriptor": {
            "Columns": [
                {"Name": "id", "Type": "bigint", "Comment": "of the click", "Parameters": {"k": "v"}},
                {"Name": "Tags", "Type": "array<struct<a:int,b:string>>"},
                {"Name": "untyped"},
            ],
            "Location": "s3://lake/clicks/", "AdditionalLocations": ["s3://lake/more/"],
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "Compressed": false, "NumberOfBuckets": -1,
            "SerdeInfo": {
                "Name": "parquet",
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
            "BucketColumns": ["id"], "SortColumns": [{"Column": "id", "SortOrder": 1}],
            "Parameters": {"classification": "parquet"},
            "SkewedInfo": {
                "SkewedColumnNames": ["id"], "SkewedColumnValues": ["1"], "SkewedColumnValueLocationMaps": {"1": "s3://x"},
            },
            "StoredAsSubDirectories": true,
        },
        "PartitionKeys": [{"Name": "day", "Type": "string"}],
        "ViewOriginalText": "SELECT 1", "ViewExpandedText": "SELECT 1", "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "comment": ""},
    })
}

#[tokio::test]
async fn a_table_is_told_as_it_was_given() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    let created = server.call("CreateTable", json!({"DatabaseName": "Web", "TableInput": whole("Clicks")})).await;
    assert_eq!(created, json!({}));
    let mut told = server.call("GetTable", json!({"DatabaseName": "WEB", "Name": "CLICKS"})).await["Table"].clone();
    let members = told.as_object_mut().unwrap();
    let (created, updated) = (members.remove("CreateTime").unwrap(), members.remove("UpdateTime").unwrap());
    assert!(created == updated && created.as_f64().unwrap() > 1_700_000_000.0, "{created} {updated}");
    let mut expected = whole("clicks");
    let more = json!({
        "DatabaseName": "web", "CreatedBy": "arn:aws:iam::000000000000:root", "IsRegisteredWithLakeFormation": false,
        "CatalogId": "000000000000", "VersionId": "0",
    });
    expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_table_exists_once_and_only_in_a_database() {
    let mut server = Server::start().await;
    let input = json!({"DatabaseName": "web", "TableInput": table("clicks", &["id int"])});
    let missing = "EntityNotFoundException: Database web not found.";
    assert_eq!(server.refused("CreateTable", input.clone()).await, missing);
    assert_eq!(server.refused("GetTables", json!({"DatabaseName": "WEB"})).await, missing);
    assert_eq!(server.refused("GetTable", json!({"DatabaseName": "web", "Name": "clicks"})).await, missing);
    server.create_database("web").await;
    server.call("CreateTable", input).await;
    let again = json!({"DatabaseName": "WEB", "TableInput": table("CLICKS", &[])});
    assert_eq!(server.refused("CreateTable", again).await, "AlreadyExistsException: Table already exists.");
}

#[tokio::test]
async fn a_table_that_is_deleted_is_gone() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    server.create_table("web", table("clicks", &["id int"])).await;
    let name = json!({"DatabaseName": "Web", "Name": "Clicks"});
    assert_eq!(server.call("DeleteTable", name.clone()).await, json!({}));
    let gone = "EntityNotFoundException: Table clicks not found.";
    assert_eq!(server.refused("DeleteTable", name.clone()).await, gone);
    assert_eq!(server.refused("GetTable", name).await, gone);
    let update = json!({"DatabaseName": "web", "TableInput": table("clicks", &[])});
    assert_eq!(server.refused("UpdateTable", update).await, gone);
}

#[tokio::test]
async fn a_batch_tells_of_each_table_that_was_not_deleted() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    for name in ["a", "b", "c"] {
        server.create_table("web", table(name, &[])).await;
    }
    let batch = |names: &[&str]| json!({"DatabaseName": "web", "TablesToDelete": names});
    let answer = server.call("BatchDeleteTable", batch(&["A", "Missing", "c"])).await;
    let detail = json!({"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Table missing not found."});
    assert_eq!(answer, json!({"Errors": [{"TableName": "Missing", "ErrorDetail": detail}]}));
    assert_eq!(names(&server.call("GetTables", json!({"DatabaseName": "web"})).await), ["b"]);
    assert_eq!(server.call("BatchDeleteTable", batch(&[])).await, json!({"Errors": []}));
    let elsewhere = json!({"DatabaseName": "other", "TablesToDelete": ["b"]});
    assert_eq!(
        server.refused("BatchDeleteTable", elsewhere).await,
        "EntityNotFoundException: Database other not found."
    );
}

fn names(answer: &Value) -> Vec<String> {
    let tables = answer["TableList"].as_array().unwrap();
    tables.iter().map(|table| table["Name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn tables_are_listed_in_pages_and_by_expression() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    for name in ["clicks", "clicks_raw", "orders", "views", "views_raw"] {
        server.create_table("web", table(name, &[])).await;
    }
    let (mut found, mut token, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = server.call("GetTables", json!({"DatabaseName": "web", "MaxResults": 2, "NextToken": token})).await;
        found.extend(names(&page));
        pages += 1;
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((found.join(" ").as_str(), pages), ("clicks clicks_raw orders views views_raw", 3));
    for (expression, expected) in [
        ("clicks", "clicks"),
        ("CLICKS.*", "clicks clicks_raw"),
        (".*raw", "clicks_raw views_raw"),
        ("orders|views", "orders views"),
        ("nothing", ""),
        ("", "clicks clicks_raw orders views views_raw"),
    ] {
        let answer = server.call("GetTables", json!({"DatabaseName": "web", "Expression": expression})).await;
        assert_eq!(names(&answer).join(" "), expected, "{expression}");
    }
    let page = json!({"DatabaseName": "web", "Expression": ".*raw", "MaxResults": 1});
    let page = server.call("GetTables", page).await;
    assert_eq!(names(&page), ["clicks_raw"]);
    let next = json!({"DatabaseName": "web", "Expression": ".*raw", "MaxResults": 1, "NextToken": page["NextToken"]});
    assert_eq!(names(&server.call("GetTables", next).await), ["views_raw"]);
    let federated = server.call("GetTables", json!({"DatabaseName": "web", "ResourceShareType": "FEDERATED"})).await;
    assert_eq!(federated, json!({"TableList": []}));
}

#[tokio::test]
async fn of_a_table_only_what_is_asked_is_told() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    server.create_table("web", whole("clicks")).await;
    let asked = |attributes: &[&str]| json!({"DatabaseName": "web", "Name": "clicks", "AttributesToGet": attributes});
    let name = server.call("GetTable", asked(&["NAME"])).await["Table"].clone();
    assert!(name["Name"] == "clicks" && name["TableType"].is_null() && name["StorageDescriptor"].is_null(), "{name}");
    let kind = server.call("GetTable", asked(&["NAME", "TABLE_TYPE"])).await["Table"].clone();
    assert!(kind["TableType"] == "EXTERNAL_TABLE" && kind["Parameters"].is_null(), "{kind}");
    let whole = server.call("GetTable", asked(&["DEFAULT"])).await["Table"].clone();
    assert!(whole["StorageDescriptor"].is_object(), "{whole}");
}
