//! Delivery streams that convert to the columns of a table.

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};

use crate::client::{Server, table};

const ROLE: &str = "arn:aws:iam::000000000000:role/firehose";

/// A delivery stream that converts to the columns of a table.
fn stream(name: &str, schema: Value) -> Value {
    let mut schema_configuration = json!({"RoleARN": ROLE});
    schema_configuration.as_object_mut().unwrap().extend(schema.as_object().unwrap().clone());
    json!({
        "DeliveryStreamName": name,
        "ExtendedS3DestinationConfiguration": {
            "RoleARN": ROLE,
            "BucketARN": "arn:aws:s3:::lake",
            "Prefix": format!("{name}/"),
            "ErrorOutputPrefix": format!("{name}-errors/"),
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 900},
            "DataFormatConversionConfiguration": {
                "SchemaConfiguration": schema_configuration,
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            },
        },
    })
}

async fn create(server: &mut Server, name: &str, schema: Value) {
    server.call_target("Firehose_20150804.CreateDeliveryStream", stream(name, schema)).await;
}

async fn put(server: &mut Server, stream: &str, record: Value) {
    let data = base64_simd::STANDARD.encode_to_string(record.to_string());
    let input = json!({"DeliveryStreamName": stream, "Record": {"Data": data}});
    server.call_target("Firehose_20150804.PutRecord", input).await;
}

/// The columns of a Parquet file, each with its type.
fn columns(file: &[u8]) -> Vec<String> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(file)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    schema.columns().iter().map(|column| format!("{} {:?}", column.name(), column.physical_type())).collect()
}

#[tokio::test]
async fn a_delivery_stream_converts_to_the_columns_of_its_table_in_the_version_it_names() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    server.create_table("web", table("clicks", &["id bigint", "path string"])).await;
    let names = json!({"DatabaseName": "web", "TableName": "clicks"});
    create(&mut server, "old", names.clone()).await;
    let update =
        json!({"DatabaseName": "web", "TableInput": table("clicks", &["id int", "path string", "ok boolean"])});
    server.call("UpdateTable", update).await;
    let with = |version: &str| json!({"DatabaseName": "Web", "TableName": "Clicks", "VersionId": version});
    create(&mut server, "pinned", with("0")).await;
    create(&mut server, "latest", with("LATEST")).await;
    for stream in ["old", "pinned", "latest"] {
        put(&mut server, stream, json!({"id": 1, "path": "/", "ok": true, "other": 1})).await;
    }
    let objects = server.objects().await;
    let of = |stream: &str| {
        let found: Vec<_> = objects.iter().filter(|(key, _)| key.starts_with(&format!("{stream}/"))).collect();
        assert_eq!(found.len(), 1, "{stream}");
        columns(&found[0].1)
    };
    assert_eq!(of("pinned"), ["id INT64", "path BYTE_ARRAY"]);
    assert_eq!(of("latest"), ["id INT32", "path BYTE_ARRAY", "ok BOOLEAN"]);
    assert_eq!(of("old"), of("latest"), "it follows the table");
}

#[tokio::test]
async fn a_table_that_is_gone_leaves_its_columns() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    server.create_table("web", table("clicks", &["id int"])).await;
    create(&mut server, "clicks", json!({"DatabaseName": "web", "TableName": "clicks"})).await;
    server.call("DeleteDatabase", json!({"Name": "web"})).await;
    put(&mut server, "clicks", json!({"id": 1, "path": "/"})).await;
    let objects = server.objects().await;
    assert_eq!(columns(&objects[0].1), ["id INT32"]);
}

#[tokio::test]
async fn a_delivery_stream_without_its_table_is_refused() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    server.create_table("web", table("bad", &["id bignum"])).await;
    server.create_table("web", table("clicks", &["id int"])).await;
    for (schema, text) in [
        (
            json!({"DatabaseName": "shop", "TableName": "clicks"}),
            "SchemaConfiguration: Database shop not found. Create it",
        ),
        (json!({"DatabaseName": "web", "TableName": "views"}), "SchemaConfiguration: Table views not found. Create it"),
        (
            json!({"DatabaseName": "web", "TableName": "clicks", "VersionId": "1"}),
            "SchemaConfiguration: Version 1 of table clicks not found.",
        ),
        (
            json!({"DatabaseName": "web", "TableName": "clicks", "Region": "eu-west-1"}),
            "SchemaConfiguration: Database web not found.",
        ),
        (
            json!({"DatabaseName": "web", "TableName": "clicks", "CatalogId": "000000000001"}),
            "SchemaConfiguration: Access was denied when calling Glue.",
        ),
        (
            json!({"DatabaseName": "web", "TableName": "bad"}),
            "SchemaConfiguration: table web.bad: column id: column type \"bignum\" at character 6: unknown type \"bignum\".",
        ),
    ] {
        let refusal = server.refused_target("Firehose_20150804.CreateDeliveryStream", stream("s", schema)).await;
        assert!(refusal.starts_with(&format!("InvalidArgumentException: {text}")), "{refusal}");
    }
}
