//! The event that S3 tells of an object.
//!
//! Source: S3 User Guide, "Event message structure".

use chrono::{DateTime, SecondsFormat};
use serde_json::json;
use url::form_urlencoded;

use super::{LandedObject, Owner};

/// An object that was created, as a notification tells it.
pub(super) struct Event<'a> {
    pub(super) object: &'a LandedObject,
    pub(super) owner: &'a Owner,
    pub(super) configuration_id: &'a str,
}

impl Event<'_> {
    /// The message.
    pub(super) fn to_json(&self) -> String {
        let LandedObject { bucket, key, byte_count, etag, landed_ms } = self.object;
        let time = i64::try_from(*landed_ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        let mut object = json!({ "key": encode_key(key), "size": byte_count });
        if let Some(etag) = etag {
            object["eTag"] = etag.trim_matches('"').into();
        }
        // Of two events of one key, the one with the greater sequencer is the later.
        object["sequencer"] = format!("{landed_ms:016X}").into();
        json!({"Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": self.owner.region,
            "eventTime": time.to_rfc3339_opts(SecondsFormat::Millis, true),
            "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": self.owner.account },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": "", "x-amz-id-2": "" },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": self.configuration_id,
                "bucket": {
                    "name": bucket,
                    "ownerIdentity": { "principalId": self.owner.account },
                    "arn": format!("arn:aws:s3:::{bucket}"),
                },
                "object": object,
            },
        }]})
        .to_string()
    }
}

/// A key as events have it: URL-encoded, spaces as `+`, slashes as they are.
fn encode_key(key: &str) -> String {
    key.split('/')
        .map(|part| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>())
        .collect::<Vec<_>>()
        .join("/")
}
