//! What is refused, and in which words.

use serde_json::{Value, json};

use crate::client::{Server, table};

const SINGLE_LINE: &str = r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*";

#[tokio::test]
async fn what_is_required_is_missed_in_the_words_of_aws() {
    let mut server = Server::start().await;
    let null = |member: &str| format!("Value null at '{member}' failed to satisfy constraint: Member must not be null");
    for (operation, members) in [
        ("CreateDatabase", vec!["databaseInput"]),
        ("GetDatabase", vec!["name"]),
        ("UpdateDatabase", vec!["name", "databaseInput"]),
        ("DeleteDatabase", vec!["name"]),
        ("CreateTable", vec!["databaseName", "table"]),
        ("GetTable", vec!["databaseName", "name"]),
        ("GetTables", vec!["databaseName"]),
        ("UpdateTable", vec!["databaseName", "table"]),
        ("DeleteTable", vec!["databaseName", "name"]),
        ("BatchDeleteTable", vec!["databaseName", "tablesToDelete"]),
        ("GetTableVersion", vec!["databaseName", "tableName"]),
        ("GetTableVersions", vec!["databaseName", "tableName"]),
        ("DeleteTableVersion", vec!["databaseName", "tableName", "versionId"]),
        ("BatchDeleteTableVersion", vec!["databaseName", "tableName", "versionIds"]),
    ] {
        let failures: Vec<String> = members.iter().map(|member| null(member)).collect();
        let plural = if failures.len() == 1 { "" } else { "s" };
        let expected = format!(
            "ValidationException: {} validation error{plural} detected: {}",
            failures.len(),
            failures.join("; ")
        );
        assert_eq!(server.refused(operation, json!({})).await, expected, "{operation}");
    }
}

#[tokio::test]
async fn the_members_of_a_table_have_constraints() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    let long = |count: usize| "l".repeat(count);
    let descriptor = |member: &str, value: Value| json!({"Name": "t", "StorageDescriptor": {member: value}});
    let shorter = |max: usize| format!("Member must have length less than or equal to {max}");
    let pattern = format!("Member must satisfy regular expression pattern: {SINGLE_LINE}");
    let required = "Member must not be null".to_owned();
    for (table, member, constraint) in [
        (json!({"Description": "d"}), "table.name", required.clone()),
        (json!({"Name": ""}), "table.name", "Member must have length greater than or equal to 1".to_owned()),
        (json!({"Name": long(256)}), "table.name", shorter(255)),
        (json!({"Name": "a\nb"}), "table.name", pattern.clone()),
        (json!({"Name": "t", "Owner": long(256)}), "table.owner", shorter(255)),
        (json!({"Name": "t", "Description": long(2049)}), "table.description", shorter(2048)),
        (json!({"Name": "t", "TableType": long(256)}), "table.tableType", shorter(255)),
        (json!({"Name": "t", "ViewOriginalText": long(409_601)}), "table.viewOriginalText", shorter(409_600)),
        (
            json!({"Name": "t", "Retention": -1}),
            "table.retention",
            "Member must have value greater than or equal to 0".to_owned(),
        ),
        (json!({"Name": "t", "Parameters": {"k": long(512_001)}}), "table.parameters.value", shorter(512_000)),
        (json!({"Name": "t", "PartitionKeys": [{}]}), "table.partitionKeys.1.member.name", required.clone()),
        (
            descriptor("Columns", json!([{"Name": "a"}, {"Name": "b", "Comment": "b\nc"}])),
            "table.storageDescriptor.columns.2.member.comment",
            pattern.clone(),
        ),
        (
            descriptor("Columns", json!([{"Name": "a", "Type": long(131_073)}])),
            "table.storageDescriptor.columns.1.member.type",
            shorter(131_072),
        ),
        (descriptor("Location", json!(long(2057))), "table.storageDescriptor.location", shorter(2056)),
        (descriptor("InputFormat", json!(long(129))), "table.storageDescriptor.inputFormat", shorter(128)),
        (
            descriptor("SortColumns", json!([{"Column": "a", "SortOrder": 2}])),
            "table.storageDescriptor.sortColumns.1.member.sortOrder",
            "Member must have value less than or equal to 1".to_owned(),
        ),
        (
            descriptor("SerdeInfo", json!({"Name": ""})),
            "table.storageDescriptor.serdeInfo.name",
            "Member must have length greater than or equal to 1".to_owned(),
        ),
    ] {
        for operation in ["CreateTable", "UpdateTable"] {
            let refusal = server.refused(operation, json!({"DatabaseName": "web", "TableInput": table})).await;
            assert!(refusal.starts_with("ValidationException: 1 validation error detected: Value "), "{refusal}");
            let expected = format!(" at '{member}' failed to satisfy constraint: {constraint}");
            assert!(refusal.ends_with(&expected), "{refusal}\n{expected}");
        }
    }
    assert_eq!(server.call("GetTables", json!({"DatabaseName": "web"})).await, json!({"TableList": []}));
}

#[tokio::test]
async fn lists_have_bounds() {
    let mut server = Server::start().await;
    for (operation, input, text) in [
        (
            "GetDatabases",
            json!({"MaxResults": 0}),
            "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            "GetTables",
            json!({"DatabaseName": "d", "MaxResults": 101}),
            "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
        ),
        (
            "GetDatabases",
            json!({"ResourceShareType": "MINE"}),
            "Value 'MINE' at 'resourceShareType' failed to satisfy constraint: Member must satisfy enum value set: [FOREIGN, ALL, FEDERATED]",
        ),
        (
            "GetTables",
            json!({"DatabaseName": "d", "AttributesToGet": ["SIZE"]}),
            "Value 'SIZE' at 'attributesToGet.1.member' failed to satisfy constraint: Member must satisfy enum value set: [NAME, TABLE_TYPE, DEFAULT, LATEST_ICEBERG_METADATA]",
        ),
        (
            "BatchDeleteTable",
            json!({"DatabaseName": "d", "TablesToDelete": vec!["t"; 101]}),
            "Value '[101 members]' at 'tablesToDelete' failed to satisfy constraint: Member must have length less than or equal to 100",
        ),
        (
            "BatchDeleteTableVersion",
            json!({"DatabaseName": "d", "TableName": "t", "VersionIds": [""]}),
            "Value '' at 'versionIds.1.member' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
    ] {
        let expected = format!("ValidationException: 1 validation error detected: {text}");
        assert_eq!(server.refused(operation, input).await, expected, "{operation}");
    }
    let token = server.refused("GetDatabases", json!({"NextToken": "not one"})).await;
    assert_eq!(token, "InvalidInputException: NextToken is not one that this operation gave.");
    server.create_database("web").await;
    let expression = server.refused("GetTables", json!({"DatabaseName": "web", "Expression": "("})).await;
    assert_eq!(expression, "InvalidInputException: The expression ( is not a regular expression.");
}

#[tokio::test]
async fn what_would_have_no_effect_is_refused_by_name() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    server.create_table("web", table("t", &["a int"])).await;
    let in_database =
        |member: &str, value: Value| json!({"Name": "web", "DatabaseInput": {"Name": "web", member: value}});
    let in_table =
        |member: &str, value: Value| json!({"DatabaseName": "web", "TableInput": {"Name": "t", member: value}});
    let beside =
        |member: &str, value: Value| json!({"DatabaseName": "web", "TableInput": {"Name": "t"}, member: value});
    let of_table = |member: &str, value: Value| json!({"DatabaseName": "web", "Name": "t", member: value});
    let granted =
        json!([{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["SELECT"]}]);
    let reference = json!({"SchemaReference": {"SchemaVersionNumber": 1}});
    for (operation, input, what) in [
        ("CreateDatabase", json!({"DatabaseInput": {"Name": "d"}, "Tags": {"a": "b"}}), "Tags"),
        ("UpdateDatabase", in_database("TargetDatabase", json!({"DatabaseName": "x"})), "DatabaseInput.TargetDatabase"),
        (
            "UpdateDatabase",
            in_database("FederatedDatabase", json!({"ConnectionName": "x"})),
            "DatabaseInput.FederatedDatabase",
        ),
        (
            "UpdateDatabase",
            in_database("CreateTableDefaultPermissions", granted),
            "DatabaseInput.CreateTableDefaultPermissions but that IAM_ALLOWED_PRINCIPALS may do ALL",
        ),
        (
            "UpdateDatabase",
            json!({"Name": "web", "DatabaseInput": {"Name": "other"}}),
            "DatabaseInput.Name other than Name",
        ),
        ("CreateTable", in_table("TargetTable", json!({"Name": "x"})), "TableInput.TargetTable"),
        ("CreateTable", in_table("FederatedTable", json!({"Identifier": "x"})), "TableInput.FederatedTable"),
        ("UpdateTable", in_table("ViewDefinition", json!({"IsProtected": true})), "TableInput.ViewDefinition"),
        ("UpdateTable", in_table("StorageDescriptor", reference), "TableInput.StorageDescriptor.SchemaReference"),
        ("CreateTable", beside("PartitionIndexes", json!([{"IndexName": "i", "Keys": ["a"]}])), "PartitionIndexes"),
        ("CreateTable", beside("TransactionId", json!("x")), "TransactionId"),
        (
            "CreateTable",
            json!({"DatabaseName": "web", "Name": "n", "OpenTableFormatInput": {"IcebergInput": {}}}),
            "OpenTableFormatInput",
        ),
        ("UpdateTable", beside("Force", json!(true)), "Force"),
        ("UpdateTable", beside("ViewUpdateAction", json!("ADD")), "ViewUpdateAction"),
        ("UpdateTable", beside("Name", json!("other")), "TableInput.Name other than Name"),
        ("GetTable", of_table("QueryAsOfTime", json!(1.5)), "QueryAsOfTime"),
        (
            "GetTable",
            of_table("AttributesToGet", json!(["LATEST_ICEBERG_METADATA"])),
            "AttributesToGet LATEST_ICEBERG_METADATA",
        ),
        ("DeleteTable", of_table("TransactionId", json!("x")), "TransactionId"),
    ] {
        let expected = format!("InvalidInputException: {what} is not supported by this server.");
        assert_eq!(server.refused(operation, input).await, expected, "{operation}");
    }
    // Nothing is asked for with these.
    let tags = json!({"DatabaseInput": {"Name": "d", "CreateTableDefaultPermissions": []}, "Tags": {}});
    server.call("CreateDatabase", tags).await;
    server.call("UpdateTable", beside("Force", json!(false))).await;
}

#[tokio::test]
async fn the_catalog_of_another_account_is_closed() {
    let mut server = Server::start().await;
    server.create_database("web").await;
    let own = server.call("GetDatabase", json!({"CatalogId": "000000000000", "Name": "web"})).await;
    assert_eq!(own["Database"]["Name"], "web");
    let refusal = server.refused("GetDatabase", json!({"CatalogId": "000000000001", "Name": "web"})).await;
    assert_eq!(
        refusal,
        "AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: glue:GetDatabase on \
         resource: arn:aws:glue:us-east-1:000000000001:catalog because no resource-based policy allows the \
         glue:GetDatabase action"
    );
}

#[tokio::test]
async fn bodies_are_bounded_and_read_strictly() {
    let mut server = Server::start().await;
    let large = json!({"DatabaseInput": {"Name": "d", "Parameters": {"k": "v".repeat(2 << 20)}}});
    assert_eq!(
        server.refused("CreateDatabase", large).await,
        "InvalidInputException: The request has more than 2097152 bytes."
    );
    let values: serde_json::Map<String, Value> =
        (0..3).map(|n| (format!("k{n}"), json!("v".repeat(400_000)))).collect();
    let entity = json!({"DatabaseInput": {"Name": "d", "Parameters": values}});
    assert_eq!(
        server.refused("CreateDatabase", entity).await,
        "InvalidInputException: The database takes more than the 1048576 bytes that this server stores of one."
    );
    server.create_database("web").await;
    let columns = json!({"DatabaseName": "web", "TableInput": {"Name": "t", "PartitionKeys": vec![json!({}); 10_001]}});
    let refusal = server.refused("CreateTable", columns).await;
    assert!(refusal.starts_with("SerializationException") && refusal.contains("more than 10000 members"), "{refusal}");
    for input in [json!({"DatabaseInput": []}), json!({"DatabaseInput": {"Name": 7}}), json!([])] {
        let refusal = server.refused("CreateDatabase", input).await;
        assert!(refusal.starts_with("SerializationException"), "{refusal}");
    }
}

#[tokio::test]
async fn operations_that_are_not_here_say_so() {
    let mut server = Server::start().await;
    let absent = server.refused("CreatePartition", json!({})).await;
    assert_eq!(
        absent,
        "UnsupportedOperationException: CreatePartition is an operation of glue that this server does not support."
    );
    let unknown = server.refused("StartCrawler", json!({})).await;
    assert_eq!(
        unknown,
        "UnknownOperationException: X-Amz-Target names no operation of this server: AWSGlue.StartCrawler"
    );
}
