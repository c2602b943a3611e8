//! An update of a destination, laid over its configuration.
//!
//! Source: Firehose API Reference, "UpdateDestination": members that are not given keep their values. That holds within the
//! structures of S3 places, hints, retry options and conversions too; a structure that says one thing as a whole takes the
//! place of the one before.

use serde_json::Value;

/// The structures that an update replaces as a whole.
const WHOLE: &[&str] = &[
    "ProcessingConfiguration",
    "EncryptionConfiguration",
    "Deserializer",
    "Serializer",
    "CopyCommand",
    "RequestConfiguration",
    "CloudWatchLoggingOptions",
];

/// Members of which only one may be given: one in an update takes the place of the other.
const ALTERNATIVES: &[(&str, &str)] = &[("ClusterEndpoint", "DomainARN"), ("DomainARN", "ClusterEndpoint")];

/// Lays an update over a configuration.
pub(crate) fn merge(configuration: &mut Value, update: Value) {
    let Value::Object(update) = update else {
        *configuration = update;
        return;
    };
    let Value::Object(members) = configuration else {
        *configuration = Value::Object(update);
        return;
    };
    for (name, other) in ALTERNATIVES {
        if update.contains_key(*name) {
            members.remove(*other);
        }
    }
    for (name, value) in update {
        match members.get_mut(&name) {
            Some(member) if !WHOLE.contains(&name.as_str()) => merge(member, value),
            _ => {
                members.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_that_are_not_given_keep_their_values() {
        let mut configuration = json!({"Prefix": "a/", "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 60},
            "S3BackupConfiguration": {"BucketARN": "b", "Prefix": "p"}, "ClusterEndpoint": "x"});
        let update = json!({"BufferingHints": {"SizeInMBs": 6}, "S3BackupConfiguration": {"Prefix": "q"}, "DomainARN": "y",
            "FileExtension": ".x"});
        merge(&mut configuration, update);
        let expected = json!({"Prefix": "a/", "BufferingHints": {"SizeInMBs": 6, "IntervalInSeconds": 60},
            "S3BackupConfiguration": {"BucketARN": "b", "Prefix": "q"}, "DomainARN": "y", "FileExtension": ".x"});
        assert_eq!(configuration, expected);
    }

    #[test]
    fn lists_and_structures_that_say_one_thing_are_replaced() {
        let mut configuration = json!({"ProcessingConfiguration": {"Enabled": true, "Processors": [1, 2]}, "List": [1, 2],
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}}});
        let update = json!({"ProcessingConfiguration": {"Enabled": false}, "List": [3],
            "InputFormatConfiguration": {"Deserializer": {"HiveJsonSerDe": {}}}});
        merge(&mut configuration, update.clone());
        assert_eq!(configuration, update);
    }
}
