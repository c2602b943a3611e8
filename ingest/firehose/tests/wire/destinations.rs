//! Configurations of destinations that are refused, each with the exact words.

use serde_json::{Value, json};

use super::client::{ROLE, Server, conversion, destination};

const S3: &str = "ExtendedS3DestinationConfiguration";
const HTTP: &str = "HttpEndpointDestinationConfiguration";
const SPLUNK: &str = "SplunkDestinationConfiguration";
const OPEN_SEARCH: &str = "AmazonopensearchserviceDestinationConfiguration";
const ELASTICSEARCH: &str = "ElasticsearchDestinationConfiguration";
const REDSHIFT: &str = "RedshiftDestinationConfiguration";
const ICEBERG: &str = "IcebergDestinationConfiguration";

fn with(mut configuration: Value, more: Value) -> Value {
    configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    configuration
}

fn place() -> Value {
    json!({"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"})
}

/// The smallest configuration of a kind.
fn smallest(kind: &str) -> Value {
    match kind {
        HTTP => json!({"EndpointConfiguration": {"Url": "https://host/path"}, "S3Configuration": place()}),
        SPLUNK => json!({"HECEndpoint": "https://host:8088", "HECEndpointType": "Event", "HECToken": "t",
            "S3Configuration": place()}),
        OPEN_SEARCH | ELASTICSEARCH => {
            json!({"RoleARN": ROLE, "ClusterEndpoint": "https://host", "IndexName": "i", "S3Configuration": place()})
        }
        REDSHIFT => json!({"RoleARN": ROLE, "ClusterJDBCURL": "jdbc:redshift://host:5439/db", "Username": "u",
            "Password": "secret", "CopyCommand": {"DataTableName": "t"}, "S3Configuration": place()}),
        ICEBERG => json!({"RoleARN": ROLE, "S3Configuration": place(),
            "CatalogConfiguration": {"CatalogARN": "arn:aws:glue:us-east-1:000000000000:catalog"},
            "DestinationTableConfigurationList": [{"DestinationDatabaseName": "d", "DestinationTableName": "t"}]}),
        _ => destination(json!({})),
    }
}

async fn refusals(kind: &str, cases: Vec<(Value, &str)>) {
    let mut server = Server::start().await;
    for (more, expected) in cases {
        let input = json!({"DeliveryStreamName": "x", kind: with(smallest(kind), more)});
        assert_eq!(server.refused("CreateDeliveryStream", input.clone()).await, expected, "{input}");
    }
    assert_eq!(server.call("ListDeliveryStreams", json!({})).await["DeliveryStreamNames"], json!([]));
}

fn processing(processors: Value) -> Value {
    json!({"ProcessingConfiguration": {"Enabled": true, "Processors": processors}})
}

fn lambda(parameters: &[(&str, &str)]) -> Value {
    let parameters: Vec<Value> =
        parameters.iter().map(|(name, value)| json!({"ParameterName": name, "ParameterValue": value})).collect();
    json!({"Type": "Lambda", "Parameters": parameters})
}

fn step(kind: &str, parameters: &[(&str, &str)]) -> Value {
    with(lambda(parameters), json!({"Type": kind}))
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_configurations_that_do_not_fit_together_are_refused() {
    let conversion_of = |more: Value| with(conversion(more), json!({}));
    let cases = vec![
        (
            json!({"BufferingHints": {"SizeInMBs": 5}}),
            "InvalidArgumentException: BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither.",
        ),
        (
            json!({"BucketARN": "arn:aws:s3:::.."}),
            "InvalidArgumentException: BucketARN arn:aws:s3:::.. names no bucket.",
        ),
        (
            json!({"Prefix": "!{timestamp:yyyy}/"}),
            "InvalidArgumentException: ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.",
        ),
        (json!({"CustomTimeZone": "Mars/Base"}), "InvalidArgumentException: the time zone Mars/Base is not known."),
        (
            json!({"EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "x"}}}),
            "InvalidArgumentException: EncryptionConfiguration.KMSEncryptionConfig is not supported by this server.",
        ),
        (
            json!({"CloudWatchLoggingOptions": {"Enabled": true}}),
            "InvalidArgumentException: CloudWatchLoggingOptions is not supported by this server.",
        ),
        (
            json!({"S3BackupMode": "Enabled"}),
            "InvalidArgumentException: S3 backup destination configuration is required when enabling S3 backup.",
        ),
        (
            json!({"S3BackupMode": "Enabled", "S3BackupConfiguration": with(place(), json!({"FileExtension": ".x"}))}),
            "InvalidArgumentException: S3BackupConfiguration has no FileExtension; use ExtendedS3DestinationConfiguration.",
        ),
        (
            with(conversion(json!({})), json!({"CompressionFormat": "GZIP"})),
            "InvalidArgumentException: The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled",
        ),
        (
            with(conversion(json!({})), json!({"BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}})),
            "InvalidArgumentException: BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled.",
        ),
        (
            conversion_of(json!({"InputFormatConfiguration": null})),
            "InvalidArgumentException: InputFormatConfiguration must not be null",
        ),
        (
            conversion_of(json!({"InputFormatConfiguration": {"Deserializer": {}}})),
            "InvalidArgumentException: Deserializer must not be null",
        ),
        (
            conversion_of(
                json!({"InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}, "HiveJsonSerDe": {}}}}),
            ),
            "InvalidArgumentException: More than one deserializer specified. Only one may be chosen.",
        ),
        (
            conversion_of(json!({"OutputFormatConfiguration": null})),
            "InvalidArgumentException: OutputFormatConfiguration must not be null",
        ),
        (
            conversion_of(json!({"OutputFormatConfiguration": {"Serializer": {}}})),
            "InvalidArgumentException: Serializer must not be null",
        ),
        (
            conversion_of(json!({"OutputFormatConfiguration": {"Serializer": {"OrcSerDe": {}}}})),
            "InvalidArgumentException: OutputFormatConfiguration.Serializer.OrcSerDe is not supported by this server.",
        ),
        (
            conversion_of(json!({"OutputFormatConfiguration": {"Serializer": {"OrcSerDe": {}, "ParquetSerDe": {}}}})),
            "InvalidArgumentException: More than one serializer specified. Only one may be chosen.",
        ),
        (
            conversion_of(
                json!({"OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"MaxPaddingBytes": 1}}}}),
            ),
            "InvalidArgumentException: ParquetSerDe.MaxPaddingBytes is not supported by this server.",
        ),
        (
            conversion_of(json!({"SchemaConfiguration": {"DatabaseName": "web", "TableName": "hits"}})),
            "InvalidArgumentException: SchemaConfiguration.RoleARN must be given.",
        ),
    ];
    refusals(S3, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dynamic_partitioning_asks_for_prefixes_buffers_and_processors_that_fit() {
    let partitioned = |more: Value| {
        let base = json!({"DynamicPartitioningConfiguration": {"Enabled": true}, "ErrorOutputPrefix": "e/!{firehose:error-output-type}/",
            "Prefix": "!{partitionKeyFromQuery:k}/"});
        with(base, more)
    };
    let extraction =
        [step("MetadataExtraction", &[("MetadataExtractionQuery", "{k:.k}"), ("JsonParsingEngine", "JQ-1.6")])];
    let delimiter = [step("AppendDelimiterToRecord", &[])];
    let cases = vec![
        (
            json!({"Prefix": "!{partitionKeyFromQuery:k}/", "ErrorOutputPrefix": "e/"}),
            "InvalidArgumentException: Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.",
        ),
        (
            json!({"Prefix": "!{partitionKeyFromColumn:k}/", "ErrorOutputPrefix": "e/"}),
            "InvalidArgumentException: Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.",
        ),
        (
            json!({"ErrorOutputPrefix": "!{partitionKeyFromQuery:k}/"}),
            "InvalidArgumentException: Dynamic Partitioning Namespaces can't be part of an error prefix expression",
        ),
        (
            processing(json!(extraction)),
            "InvalidArgumentException: class com.amazonaws.services.firehose.internal.model.MetadataExtractionProcessor can only be present when Dynamic Partitioning is enabled.",
        ),
        (
            partitioned(json!({"BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}})),
            "InvalidArgumentException: BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled.",
        ),
        (
            partitioned(json!({"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0}})),
            "InvalidArgumentException: BufferingHints.IntervalInSeconds must not be 0 when Dynamic Partitioning is enabled.",
        ),
        (
            partitioned(json!({})),
            "InvalidArgumentException: Processing Configuration is not enabled when DataPartitioning is enabled",
        ),
        (
            partitioned(json!({"Prefix": "a/"})),
            "InvalidArgumentException: S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled",
        ),
        (
            partitioned(processing(json!(delimiter))),
            "InvalidArgumentException: MetadataExtraction processor should be present when S3 Prefix has partitionKeyFromQuery namespace",
        ),
        (
            with(partitioned(processing(json!(extraction))), json!({"Prefix": "!{partitionKeyFromLambda:k}/"})),
            "InvalidArgumentException: Lambda should be present when S3 Prefix contains keys from partitionKeyFromLambda namespace",
        ),
        (
            partitioned(json!({"DynamicPartitioningConfiguration": {"RetryOptions": {"DurationInSeconds": 7201}}})),
            "ValidationException: 1 validation error detected: Value '7201' at 'extendedS3DestinationConfiguration.dynamicPartitioningConfiguration.retryOptions.durationInSeconds' failed to satisfy constraint: Member must have value less than or equal to 7200",
        ),
    ];
    refusals(S3, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processors_that_are_not_whole_are_refused() {
    let arn = ("LambdaArn", "arn:aws:lambda:us-east-1:000000000000:function:f");
    let one = |step: Value| processing(json!([step]));
    let cases = vec![
        (
            processing(json!([])),
            "InvalidArgumentException: A maximum of 5 and a minimum of 1 processor needs to be supplied when processing is enabled.",
        ),
        (
            processing(json!([lambda(&[arn]), lambda(&[arn])])),
            "InvalidArgumentException: Cannot have more than 1 Lambda processor.",
        ),
        (one(lambda(&[])), "InvalidArgumentException: LambdaArn is required when Lambda processor is used."),
        (
            one(lambda(&[("LambdaArn", "f")])),
            "InvalidArgumentException: LambdaArn f is neither an ARN nor a URL that begins with https:// or http://.",
        ),
        (
            one(lambda(&[arn, ("NumberOfRetries", "301")])),
            "InvalidArgumentException: Number of retries for lambda must be between 0 and 300.",
        ),
        (
            one(lambda(&[arn, ("BufferSizeInMBs", "0.1")])),
            "InvalidArgumentException: BufferSizeInMBs for lambda processor must be between 0.2 and 3.",
        ),
        (
            one(lambda(&[arn, ("BufferSizeInMBs", "NaN")])),
            "InvalidArgumentException: BufferSizeInMBs for lambda processor must be between 0.2 and 3.",
        ),
        (
            one(lambda(&[arn, ("BufferIntervalInSeconds", "-1")])),
            "InvalidArgumentException: BufferIntervalInSeconds for lambda processor must be between 0 and 900.",
        ),
        (one(lambda(&[arn, arn])), "InvalidArgumentException: The parameter LambdaArn is there twice."),
        (
            one(lambda(&[arn, ("Delimiter", "x")])),
            "InvalidArgumentException: The processor Lambda takes no parameter Delimiter.",
        ),
        (
            one(step("MetadataExtraction", &[("MetadataExtractionQuery", "{k:.k}")])),
            "InvalidArgumentException: MetaDataExtraction JSON Parsing Engine has to be one of JQ-1.6",
        ),
        (
            one(step("MetadataExtraction", &[("JsonParsingEngine", "JQ-1.6")])),
            "InvalidArgumentException: MetadataExtractionQuery is required when MetadataExtraction is used.",
        ),
        (
            one(step("Decompression", &[("CompressionFormat", "ZIP")])),
            "InvalidArgumentException: CompressionFormat has to be GZIP",
        ),
        (
            one(step("CloudWatchLogProcessing", &[("DataMessageExtraction", "true")])),
            "InvalidArgumentException: CloudWatchLogProcessingProcessor can only be enabled with DecompressionProcessor",
        ),
        (
            one(step("CloudWatchLogProcessing", &[])),
            "InvalidArgumentException: Invalid parameter value for DataMessageExtraction. Allowed values are True and False.",
        ),
        (
            one(step("RecordDeAggregation", &[])),
            "InvalidArgumentException: SubRecordType has to be one of JSON, DELIMITED",
        ),
        (
            one(step("RecordDeAggregation", &[("SubRecordType", "DELIMITED"), ("Delimiter", "|")])),
            "InvalidArgumentException: Delimiter has to be given in base64 when SubRecordType is DELIMITED",
        ),
        (
            one(step("AppendDelimiterToRecord", &[("Delimiter", "\\x")])),
            "InvalidArgumentException: Delimiter may have a backslash only in \\n, \\r, \\t and \\\\.",
        ),
        (
            one(json!({"Type": "Shout", "Parameters": [{"ParameterName": "Volume", "ParameterValue": " "}, {}]})),
            "ValidationException: 5 validation errors detected: Value 'Shout' at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.type' failed to satisfy constraint: Member must satisfy enum value set: [RecordDeAggregation, Decompression, CloudWatchLogProcessing, Lambda, MetadataExtraction, AppendDelimiterToRecord]; Value 'Volume' at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.1.member.parameterName' failed to satisfy constraint: Member must satisfy enum value set: [LambdaArn, NumberOfRetries, MetadataExtractionQuery, JsonParsingEngine, RoleArn, BufferSizeInMBs, BufferIntervalInSeconds, SubRecordType, Delimiter, CompressionFormat, DataMessageExtraction]; Value ' ' at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.1.member.parameterValue' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(?!\\s*$).+; Value null at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.2.member.parameterName' failed to satisfy constraint: Member must not be null; Value null at 'extendedS3DestinationConfiguration.processingConfiguration.processors.1.member.parameters.2.member.parameterValue' failed to satisfy constraint: Member must not be null",
        ),
    ];
    refusals(S3, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_endpoints_that_cannot_be_are_refused() {
    let attributes = |attributes: Value| json!({"RequestConfiguration": {"CommonAttributes": attributes}});
    let cases = vec![
        (
            json!({"EndpointConfiguration": {"Url": "ftp://host"}}),
            "ValidationException: 1 validation error detected: Value 'ftp://host' at 'httpEndpointDestinationConfiguration.endpointConfiguration.url' failed to satisfy constraint: Member must satisfy regular expression pattern: https?://.*",
        ),
        (
            json!({"EndpointConfiguration": {"Url": "https://"}}),
            "InvalidArgumentException: EndpointConfiguration.Url https:// is not a URL of a host.",
        ),
        (
            json!({"EndpointConfiguration": {"Url": "https://host", "AccessKey": "x".repeat(4097)}}),
            "ValidationException: 1 validation error detected: Value '…' at 'httpEndpointDestinationConfiguration.endpointConfiguration.accessKey' failed to satisfy constraint: Member must have length less than or equal to 4096",
        ),
        (
            json!({"EndpointConfiguration": null, "S3Configuration": null}),
            "ValidationException: 2 validation errors detected: Value null at 'httpEndpointDestinationConfiguration.endpointConfiguration' failed to satisfy constraint: Member must not be null; Value null at 'httpEndpointDestinationConfiguration.s3Configuration' failed to satisfy constraint: Member must not be null",
        ),
        (
            json!({"BufferingHints": {"SizeInMBs": 65, "IntervalInSeconds": 901}}),
            "ValidationException: 2 validation errors detected: Value '65' at 'httpEndpointDestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value less than or equal to 64; Value '901' at 'httpEndpointDestinationConfiguration.bufferingHints.intervalInSeconds' failed to satisfy constraint: Member must have value less than or equal to 900",
        ),
        (
            json!({"BufferingHints": {"IntervalInSeconds": 60}}),
            "InvalidArgumentException: BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither.",
        ),
        (
            json!({"RequestConfiguration": {"ContentEncoding": "BR"}}),
            "ValidationException: 1 validation error detected: Value 'BR' at 'httpEndpointDestinationConfiguration.requestConfiguration.contentEncoding' failed to satisfy constraint: Member must satisfy enum value set: [NONE, GZIP]",
        ),
        (
            attributes(
                json!([{"AttributeName": "a", "AttributeValue": "1"}, {"AttributeName": "a", "AttributeValue": "2"}]),
            ),
            "InvalidArgumentException: Http Endpoint Common Attributes have duplicate name a",
        ),
        (
            attributes(json!([{"AttributeName": "a"}])),
            "ValidationException: 1 validation error detected: Value null at 'httpEndpointDestinationConfiguration.requestConfiguration.commonAttributes.1.member.attributeValue' failed to satisfy constraint: Member must not be null",
        ),
        (
            json!({"RetryOptions": {"DurationInSeconds": -1}, "S3BackupMode": "AllEvents"}),
            "ValidationException: 2 validation errors detected: Value '-1' at 'httpEndpointDestinationConfiguration.retryOptions.durationInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 0; Value 'AllEvents' at 'httpEndpointDestinationConfiguration.s3BackupMode' failed to satisfy constraint: Member must satisfy enum value set: [FailedDataOnly, AllData]",
        ),
        (
            json!({"SecretsManagerConfiguration": {"Enabled": true, "SecretARN": "x"}}),
            "InvalidArgumentException: SecretsManagerConfiguration is not supported by this server.",
        ),
        (
            json!({"S3Configuration": with(place(), json!({"Prefix": "!{partitionKeyFromQuery:k}/"}))}),
            "InvalidArgumentException: Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.",
        ),
        (
            json!({"S3Configuration": with(place(), json!({"CustomTimeZone": "UTC"}))}),
            "InvalidArgumentException: S3Configuration has no CustomTimeZone; use ExtendedS3DestinationConfiguration.",
        ),
        (
            json!({"S3Configuration": with(place(), json!({"CompressionFormat": "RAR"}))}),
            "ValidationException: 1 validation error detected: Value 'RAR' at 'httpEndpointDestinationConfiguration.s3Configuration.compressionFormat' failed to satisfy constraint: Member must satisfy enum value set: [UNCOMPRESSED, GZIP, ZIP, Snappy, HADOOP_SNAPPY, ZSTD]",
        ),
    ];
    refusals(HTTP, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn splunk_collectors_that_cannot_be_are_refused() {
    let cases = vec![
        (
            json!({"HECEndpoint": "host:8088"}),
            "InvalidArgumentException: Invalid HECEndpoint. Supported endpoint format is https://<domain>:<port>.",
        ),
        (json!({"HECToken": null}), "InvalidArgumentException: HECToken is required for Splunk Destination"),
        (
            json!({"HECEndpoint": null, "HECEndpointType": "event"}),
            "ValidationException: 2 validation errors detected: Value null at 'splunkDestinationConfiguration.hECEndpoint' failed to satisfy constraint: Member must not be null; Value 'event' at 'splunkDestinationConfiguration.hECEndpointType' failed to satisfy constraint: Member must satisfy enum value set: [Raw, Event]",
        ),
        (
            json!({"HECAcknowledgmentTimeoutInSeconds": 179}),
            "ValidationException: 1 validation error detected: Value '179' at 'splunkDestinationConfiguration.hECAcknowledgmentTimeoutInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 180",
        ),
        (
            json!({"BufferingHints": {"SizeInMBs": 6, "IntervalInSeconds": 61}}),
            "ValidationException: 2 validation errors detected: Value '6' at 'splunkDestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value less than or equal to 5; Value '61' at 'splunkDestinationConfiguration.bufferingHints.intervalInSeconds' failed to satisfy constraint: Member must have value less than or equal to 60",
        ),
        (
            json!({"S3BackupMode": "AllData"}),
            "ValidationException: 1 validation error detected: Value 'AllData' at 'splunkDestinationConfiguration.s3BackupMode' failed to satisfy constraint: Member must satisfy enum value set: [FailedEventsOnly, AllEvents]",
        ),
        (
            json!({"CloudWatchLoggingOptions": {"Enabled": true}}),
            "InvalidArgumentException: CloudWatchLoggingOptions is not supported by this server.",
        ),
        (
            json!({"SecretsManagerConfiguration": {"Enabled": true}}),
            "InvalidArgumentException: SecretsManagerConfiguration is not supported by this server.",
        ),
    ];
    refusals(SPLUNK, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_that_cannot_be_are_refused_under_both_their_names() {
    for (kind, path) in [
        (OPEN_SEARCH, "amazonopensearchserviceDestinationConfiguration"),
        (ELASTICSEARCH, "elasticsearchDestinationConfiguration"),
    ] {
        let domain = "arn:aws:es:us-east-1:000000000000:domain/logs";
        let invalid = format!(
            "ValidationException: 4 validation errors detected: Value 'host' at '{path}.clusterEndpoint' failed to satisfy constraint: Member must satisfy regular expression pattern: https?:.*; Value null at '{path}.indexName' failed to satisfy constraint: Member must not be null; Value 'OneYear' at '{path}.indexRotationPeriod' failed to satisfy constraint: Member must satisfy enum value set: [NoRotation, OneHour, OneDay, OneWeek, OneMonth]; Value '101' at '{path}.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have value less than or equal to 100"
        );
        let cases = vec![
            (
                json!({"ClusterEndpoint": "host", "IndexName": null, "IndexRotationPeriod": "OneYear", "BufferingHints": {"SizeInMBs": 101}}),
                invalid.as_str(),
            ),
            (
                json!({"DomainARN": domain}),
                "InvalidArgumentException: Cannot provide both Elasticsearch cluster endpoint and domain ARN. Provide either the cluster endpoint or domain arn.",
            ),
            (
                json!({"ClusterEndpoint": null}),
                "InvalidArgumentException: Provide either the Elasticsearch cluster endpoint or domain arn.",
            ),
            (
                json!({"ClusterEndpoint": null, "DomainARN": domain}),
                "InvalidArgumentException: DomainARN is not supported by this server; give the URL as ClusterEndpoint.",
            ),
            (
                json!({"ClusterEndpoint": "https:x"}),
                "InvalidArgumentException: ClusterEndpoint https:x is not a URL of a host.",
            ),
            (
                json!({"VpcConfiguration": {"SubnetIds": ["a"]}}),
                "InvalidArgumentException: VpcConfiguration is not supported by this server.",
            ),
        ];
        refusals(kind, cases).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_cannot_be_are_refused() {
    let pattern = r"jdbc:(redshift|postgresql)://[A-Za-z0-9.-]+:\d{1,5}/[a-zA-Z0-9_$-]+";
    let bad_url = |url: &str| {
        format!(
            "ValidationException: 1 validation error detected: Value '{url}' at 'redshiftDestinationConfiguration.clusterJDBCURL' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
        )
    };
    let urls = [
        "jdbc:mysql://host:1/db",
        "jdbc:redshift://host/db",
        "jdbc:redshift://host:65536/db",
        "jdbc:redshift://host:1/",
    ];
    let texts = urls.map(bad_url);
    let mut cases: Vec<(Value, &str)> =
        urls.iter().zip(&texts).map(|(url, text)| (json!({"ClusterJDBCURL": url}), text.as_str())).collect();
    cases.extend([
        (json!({"Username": null}), "InvalidArgumentException: Redshift Database Username is required for Redshift Destination"),
        (json!({"Password": null}), "InvalidArgumentException: Redshift Database Password is required for Redshift Destination"),
        (json!({"Password": "short"}), "ValidationException: 1 validation error detected: Value '…' at 'redshiftDestinationConfiguration.password' failed to satisfy constraint: Member must have length greater than or equal to 6"),
        (json!({"CopyCommand": {}}), "ValidationException: 1 validation error detected: Value null at 'redshiftDestinationConfiguration.copyCommand.dataTableName' failed to satisfy constraint: Member must not be null"),
        (json!({"CopyCommand": null}), "ValidationException: 1 validation error detected: Value null at 'redshiftDestinationConfiguration.copyCommand' failed to satisfy constraint: Member must not be null"),
        (json!({"S3Configuration": with(place(), json!({"CompressionFormat": "ZIP"}))}), "InvalidArgumentException: Only the following compression formats are allowed when using Redshift: [UNCOMPRESSED, GZIP]"),
        (json!({"S3BackupMode": "Enabled"}), "InvalidArgumentException: S3 backup destination configuration is required when enabling S3 backup."),
        (json!({"SecretsManagerConfiguration": {"Enabled": true}}), "InvalidArgumentException: SecretsManagerConfiguration is not supported by this server."),
    ]);
    refusals(REDSHIFT, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogs_that_cannot_be_are_refused() {
    let table = |more: Value| {
        let table = with(json!({"DestinationDatabaseName": "d", "DestinationTableName": "t"}), more);
        json!({ "DestinationTableConfigurationList": [table] })
    };
    let cases = vec![
        (
            json!({"CatalogConfiguration": null}),
            "ValidationException: 1 validation error detected: Value null at 'icebergDestinationConfiguration.catalogConfiguration' failed to satisfy constraint: Member must not be null",
        ),
        (
            json!({"CatalogConfiguration": {}}),
            "InvalidArgumentException: CatalogConfiguration.CatalogARN must be given.",
        ),
        (
            json!({"CatalogConfiguration": {"CatalogARN": "x", "WarehouseLocation": "/tmp"}}),
            r"ValidationException: 2 validation errors detected: Value 'x' at 'icebergDestinationConfiguration.catalogConfiguration.catalogARN' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:.*:glue:.*:\d{12}:catalog(?:(/[a-z0-9_-]+){1,2})?; Value '/tmp' at 'icebergDestinationConfiguration.catalogConfiguration.warehouseLocation' failed to satisfy constraint: Member must satisfy regular expression pattern: s3:\/\/.*",
        ),
        (
            json!({"DestinationTableConfigurationList": []}),
            "InvalidArgumentException: A single default destination table configuration must be provided when both Lambda and MetadataExtraction processors are not provided",
        ),
        (
            json!({"S3BackupMode": "AllData"}),
            "InvalidArgumentException: S3BackupMode.AllData is not supported for Iceberg as destination.",
        ),
        (
            json!({"TableCreationConfiguration": {"Enabled": true}}),
            "InvalidArgumentException: CatalogConfiguration.WarehouseLocation must be given when table creation is enabled.",
        ),
        (
            table(json!({"UniqueKeys": ["id"]})),
            "InvalidArgumentException: DestinationTableConfigurationList.UniqueKeys is not supported by this server.",
        ),
        (
            table(json!({"DestinationTableName": "a b"})),
            r"ValidationException: 1 validation error detected: Value 'a b' at 'icebergDestinationConfiguration.destinationTableConfigurationList.1.member.destinationTableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\.\_]+",
        ),
        (
            table(json!({"PartitionSpec": {"Identity": [{}]}})),
            "ValidationException: 1 validation error detected: Value null at 'icebergDestinationConfiguration.destinationTableConfigurationList.1.member.partitionSpec.identity.1.member.sourceName' failed to satisfy constraint: Member must not be null",
        ),
    ];
    refusals(ICEBERG, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_stream_has_one_source_and_one_destination_that_are_known_here() {
    let mut server = Server::start().await;
    let s3 = || destination(json!({}));
    let cases = [
        (json!({}), "InvalidArgumentException: Exactly one destination configuration is supported for a Firehose"),
        (
            json!({S3: s3(), "S3DestinationConfiguration": s3()}),
            "InvalidArgumentException: Exactly one destination configuration is supported for a Firehose",
        ),
        (
            json!({S3: s3(), SPLUNK: smallest(SPLUNK)}),
            "InvalidArgumentException: Exactly one destination configuration is supported for a Firehose",
        ),
        (
            json!({"S3DestinationConfiguration": destination(json!({"FileExtension": ".x"}))}),
            "InvalidArgumentException: S3DestinationConfiguration has no FileExtension; use ExtendedS3DestinationConfiguration.",
        ),
        (
            json!({"SnowflakeDestinationConfiguration": {}}),
            "InvalidArgumentException: SnowflakeDestinationConfiguration is not supported by this server.",
        ),
        (
            json!({"AmazonOpenSearchServerlessDestinationConfiguration": {}}),
            "InvalidArgumentException: AmazonOpenSearchServerlessDestinationConfiguration is not supported by this server.",
        ),
        (
            json!({S3: s3(), "DeliveryStreamType": "DatabaseAsSource"}),
            "InvalidArgumentException: DeliveryStreamType DatabaseAsSource is not supported by this server.",
        ),
        (
            json!({S3: s3(), "DatabaseSourceConfiguration": {}}),
            "InvalidArgumentException: DatabaseSourceConfiguration is not supported by this server.",
        ),
        (
            json!({S3: s3(), "DeliveryStreamType": "KinesisStreamAsSource"}),
            "InvalidArgumentException: KinesisStreamSourceConfiguration must be given for a DeliveryStreamType of KinesisStreamAsSource.",
        ),
        (
            json!({S3: s3(), "KinesisStreamSourceConfiguration": super::client::kinesis_source("none")}),
            "InvalidArgumentException: KinesisStreamSourceConfiguration can only be given for a DeliveryStreamType of KinesisStreamAsSource.",
        ),
        (
            json!({S3: s3(), "DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": super::client::kinesis_source("none")}),
            "InvalidArgumentException: KinesisStreamARN: stream none under account 000000000000 in us-east-1 not found.",
        ),
        (
            json!({S3: s3(), "DirectPutSourceConfiguration": {"ThroughputHintInMBs": 101}}),
            "ValidationException: 1 validation error detected: Value '101' at 'directPutSourceConfiguration.throughputHintInMBs' failed to satisfy constraint: Member must have value less than or equal to 100",
        ),
    ];
    for (mut input, expected) in cases {
        input["DeliveryStreamName"] = json!("x");
        assert_eq!(server.refused("CreateDeliveryStream", input.clone()).await, expected, "{input}");
    }
    let off = json!({"ProcessingConfiguration": {"Enabled": false}, "S3BackupMode": "Disabled",
        "CloudWatchLoggingOptions": {"Enabled": false}, "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "DynamicPartitioningConfiguration": {"Enabled": false}});
    server.create("off", destination(off)).await;
    let plain = json!({"DeliveryStreamName": "plain", "S3DestinationConfiguration": s3()});
    server.call("CreateDeliveryStream", plain).await;
}
