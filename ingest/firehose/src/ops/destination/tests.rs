//! Whole configurations: what they mean, and how they are described.

use firehose::definition::{
    Backup, BufferHints, Destination, Endpoint, HttpEndpoint, IcebergEndpoint, IcebergTable, IndexRotation,
    ObjectCompression, OpenSearchEndpoint, Processor, RedshiftEndpoint, Secret, SplunkEndpoint, SubRecords, Transform,
};
use serde_json::{Value, json};

use super::*;

const ROLE: &str = "arn:aws:iam::000000000000:role/r";

fn place(more: Value) -> Value {
    let mut place = json!({"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"});
    place.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    place
}

fn planned(kind: Kind, configuration: Value) -> (Destination, Value) {
    let configuration = Configuration::read(kind, configuration).unwrap();
    let mut validator = Validator::new();
    configuration.validate(&mut validator, "X", false);
    validator.finish().unwrap();
    (configuration.plan().unwrap(), Value::Object(configuration.describe().unwrap()))
}

/// A destination in the bucket, but for what `change` makes of it.
fn expected(change: impl FnOnce(&mut Destination)) -> Destination {
    let mut destination = Destination {
        bucket: "lake".to_owned(),
        prefix: String::new(),
        error_prefix: String::new(),
        time_zone: String::new(),
        file_extension: String::new(),
        buffer: BufferHints { size_mib: 5, interval_seconds: 300 },
        compression: ObjectCompression::Uncompressed,
        conversion: None,
        processors: Vec::new(),
        is_partitioned: false,
        backup: None,
        endpoint: None,
    };
    change(&mut destination);
    destination
}

fn parameters(parameters: &[(&str, &str)]) -> Value {
    parameters.iter().map(|(name, value)| json!({"ParameterName": name, "ParameterValue": value})).collect()
}

#[test]
fn every_processor_is_understood_and_put_in_its_order() {
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f:live";
    let processors = json!([
        {"Type": "AppendDelimiterToRecord", "Parameters": parameters(&[("Delimiter", "\\r\\n")])},
        {"Type": "MetadataExtraction",
            "Parameters": parameters(&[("MetadataExtractionQuery", "{k:.k}"), ("JsonParsingEngine", "JQ-1.6")])},
        {"Type": "Lambda", "Parameters": parameters(&[("LambdaArn", arn), ("BufferSizeInMBs", "0.5"),
            ("NumberOfRetries", "0"), ("BufferIntervalInSeconds", "60"), ("RoleArn", ROLE)])},
        {"Type": "RecordDeAggregation",
            "Parameters": parameters(&[("SubRecordType", "DELIMITED"), ("Delimiter", "fHw=")])},
        {"Type": "Decompression"},
    ]);
    let configuration = place(json!({
        "ProcessingConfiguration": {"Enabled": true, "Processors": processors},
        "DynamicPartitioningConfiguration": {"Enabled": true},
        "Prefix": "!{partitionKeyFromQuery:k}/!{partitionKeyFromLambda:l}/", "ErrorOutputPrefix": "e/",
        "S3BackupMode": "Enabled", "S3BackupConfiguration": place(json!({"Prefix": "b/", "CompressionFormat": "ZIP"})),
        "CompressionFormat": "ZSTD",
    }));
    let (destination, described) = planned(Kind::S3, configuration);
    let steps = vec![
        Processor::Decompression,
        Processor::Deaggregation(SubRecords::Delimited { delimiter: b"||".to_vec() }),
        Processor::Lambda(Transform { function: arn.to_owned(), retry_count: 0, buffer_bytes: 512 * 1024 }),
        Processor::MetadataExtraction { query: "{k:.k}".to_owned() },
        Processor::Delimiter { text: "\r\n".to_owned() },
    ];
    let same = expected(|destination| {
        destination.prefix = "!{partitionKeyFromQuery:k}/!{partitionKeyFromLambda:l}/".to_owned();
        destination.error_prefix = "e/".to_owned();
        destination.buffer.size_mib = 128;
        destination.compression = ObjectCompression::Zstd;
        destination.processors = steps;
        destination.is_partitioned = true;
        destination.backup = Some(Backup {
            bucket: "lake".to_owned(),
            prefix: "b/".to_owned(),
            error_prefix: String::new(),
            compression: ObjectCompression::Zip,
        });
    });
    assert_eq!(destination, same);
    let s3 = &described["ExtendedS3DestinationDescription"];
    assert_eq!(s3["ProcessingConfiguration"]["Processors"], processors);
    let partitioning = json!({"Enabled": true, "RetryOptions": {"DurationInSeconds": 300}});
    assert_eq!(s3["DynamicPartitioningConfiguration"], partitioning);
    assert_eq!(s3["S3BackupDescription"]["BufferingHints"], json!({"SizeInMBs": 5, "IntervalInSeconds": 300}));
    assert_eq!(described["S3DestinationDescription"]["BucketARN"], "arn:aws:s3:::lake");
}

#[test]
fn processors_have_defaults() {
    let url = "http://localhost:9000/transform";
    let processors = json!([{"Type": "Lambda", "Parameters": parameters(&[("LambdaArn", url)])},
        {"Type": "AppendDelimiterToRecord"}]);
    let configuration = place(json!({"ProcessingConfiguration": {"Enabled": true, "Processors": processors}}));
    let (destination, _) = planned(Kind::S3, configuration);
    let transform = Transform { function: url.to_owned(), retry_count: 3, buffer_bytes: 1 << 20 };
    let steps = vec![Processor::Lambda(transform), Processor::Delimiter { text: "\n".to_owned() }];
    assert_eq!(destination, expected(|destination| destination.processors = steps));
    let off = place(json!({"ProcessingConfiguration": {"Processors": processors}}));
    let (destination, described) = planned(Kind::S3, off);
    assert_eq!(destination, expected(|_| {}));
    assert_eq!(described["ExtendedS3DestinationDescription"]["ProcessingConfiguration"]["Enabled"], false);
}

#[test]
fn an_http_endpoint_keeps_its_access_key_to_itself() {
    let configuration = json!({
        "EndpointConfiguration": {"Url": "http://localhost:8080/in", "Name": "mine", "AccessKey": "hidden"},
        "RequestConfiguration": {"ContentEncoding": "GZIP",
            "CommonAttributes": [{"AttributeName": "a", "AttributeValue": "1"}]},
        "S3BackupMode": "AllData", "S3Configuration": place(json!({"ErrorOutputPrefix": "e/"})),
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0},
    });
    let (destination, described) = planned(Kind::HttpEndpoint, configuration);
    let http = HttpEndpoint {
        url: "http://localhost:8080/in".to_owned(),
        name: Some("mine".to_owned()),
        access_key: Some(Secret("hidden".to_owned())),
        is_gzip: true,
        common_attributes: vec![("a".to_owned(), "1".to_owned())],
        retry_seconds: 300,
    };
    let same = expected(|destination| {
        destination.error_prefix = "e/".to_owned();
        destination.buffer = BufferHints { size_mib: 64, interval_seconds: 0 };
        destination.backup = Some(location::backup(destination));
        destination.endpoint = Some(Endpoint::Http(http));
    });
    assert_eq!(destination, same);
    let http = &described["HttpEndpointDestinationDescription"];
    assert_eq!(http["EndpointConfiguration"], json!({"Url": "http://localhost:8080/in", "Name": "mine"}));
    assert_eq!(http["S3DestinationDescription"]["CompressionFormat"], "UNCOMPRESSED");
    assert!(http.get("S3Configuration").is_none());
}

#[test]
fn each_destination_has_the_defaults_of_aws() {
    let splunk = json!({"HECEndpoint": "https://host:8088", "HECEndpointType": "Raw", "HECToken": "t",
        "S3Configuration": place(json!({}))});
    let (destination, described) = planned(Kind::Splunk, splunk);
    let collector = SplunkEndpoint {
        url: "https://host:8088".to_owned(),
        is_event: false,
        token: Secret("t".to_owned()),
        acknowledgment_seconds: 180,
        retry_seconds: 3600,
    };
    let same = expected(|destination| {
        destination.buffer = BufferHints { size_mib: 5, interval_seconds: 60 };
        destination.endpoint = Some(Endpoint::Splunk(collector));
    });
    assert_eq!(destination, same);
    let splunk = &described["SplunkDestinationDescription"];
    assert_eq!((&splunk["S3BackupMode"], &splunk["HECToken"]), (&json!("FailedEventsOnly"), &json!("t")));

    let cluster = json!({"RoleARN": ROLE, "ClusterEndpoint": "https://host", "IndexName": "i", "TypeName": "",
        "S3Configuration": place(json!({}))});
    let same = expected(|destination| {
        destination.endpoint = Some(Endpoint::OpenSearch(OpenSearchEndpoint {
            url: "https://host".to_owned(),
            index: "i".to_owned(),
            rotation: IndexRotation::OneDay,
            type_name: None,
            has_document_id: true,
            retry_seconds: 300,
        }));
    });
    for (kind, name) in [
        (Kind::OpenSearch, "AmazonopensearchserviceDestinationDescription"),
        (Kind::Elasticsearch, "ElasticsearchDestinationDescription"),
    ] {
        let (destination, described) = planned(kind, cluster.clone());
        assert_eq!(destination, same);
        assert_eq!(described[name]["S3BackupMode"], "FailedDocumentsOnly");
        assert_eq!(described[name]["IndexRotationPeriod"], "OneDay");
    }
}

#[test]
fn databases_and_catalogs_are_understood() {
    let redshift = json!({"RoleARN": ROLE, "ClusterJDBCURL": "jdbc:postgresql://127.0.0.1:5432/web", "Username": "u",
        "Password": "secret", "CopyCommand": {"DataTableName": "t", "DataTableColumns": "a,b", "CopyOptions": "json 'auto'"},
        "S3Configuration": place(json!({"CompressionFormat": "GZIP"}))});
    let (destination, described) = planned(Kind::Redshift, redshift);
    let cluster = RedshiftEndpoint {
        host: "127.0.0.1".to_owned(),
        port: 5432,
        database: "web".to_owned(),
        user: "u".to_owned(),
        password: Secret("secret".to_owned()),
        table: "t".to_owned(),
        columns: "a,b".to_owned(),
        copy_options: "json 'auto'".to_owned(),
        role_arn: ROLE.to_owned(),
        retry_seconds: 3600,
    };
    let same = expected(|destination| {
        destination.compression = ObjectCompression::Gzip;
        destination.endpoint = Some(Endpoint::Redshift(cluster));
    });
    assert_eq!(destination, same);
    let redshift = &described["RedshiftDestinationDescription"];
    assert!(redshift.get("Password").is_none() && redshift["Username"] == "u", "{redshift}");

    let catalog_arn = "arn:aws:glue:us-east-1:000000000000:catalog";
    let iceberg = json!({"RoleARN": ROLE, "S3Configuration": place(json!({})),
        "CatalogConfiguration": {"CatalogARN": catalog_arn, "WarehouseLocation": "s3://lake/w"},
        "TableCreationConfiguration": {"Enabled": true}, "SchemaEvolutionConfiguration": {"Enabled": true},
        "DestinationTableConfigurationList": [{"DestinationDatabaseName": "d", "DestinationTableName": "t",
            "PartitionSpec": {"Identity": [{"SourceName": "day"}]}, "S3ErrorOutputPrefix": "t/"}]});
    let (destination, _) = planned(Kind::Iceberg, iceberg);
    let table = IcebergTable {
        database: "d".to_owned(),
        name: "t".to_owned(),
        partition_columns: vec!["day".to_owned()],
        error_prefix: "t/".to_owned(),
    };
    let endpoint = IcebergEndpoint {
        catalog_arn: catalog_arn.to_owned(),
        warehouse: Some("s3://lake/w".to_owned()),
        tables: vec![table],
        creates_tables: true,
        evolves_schemas: true,
        retry_seconds: 300,
    };
    assert_eq!(destination, expected(|destination| destination.endpoint = Some(Endpoint::Iceberg(endpoint))));
}

#[test]
fn an_update_keeps_secrets_that_are_not_told_again() {
    let before = json!({"EndpointConfiguration": {"Url": "https://a", "AccessKey": "hidden"},
        "S3Configuration": place(json!({}))});
    let update = json!({"EndpointConfiguration": {"Url": "https://b"}, "S3Update": {"Prefix": "p/"}});
    let before = Configuration::read(Kind::HttpEndpoint, before).unwrap();
    let update = Configuration::read(Kind::HttpEndpoint, update).unwrap();
    let after = before.merge(&update).unwrap().plan().unwrap();
    let Some(Endpoint::Http(http)) = after.endpoint else { panic!("no endpoint") };
    assert_eq!((http.url.as_str(), http.access_key), ("https://b", Some(Secret("hidden".to_owned()))));
    assert_eq!((after.bucket.as_str(), after.prefix.as_str()), ("lake", "p/"));
}
