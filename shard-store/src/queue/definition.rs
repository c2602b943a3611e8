//! What is stored about a queue beside its deliveries: one catalog record, `queue/ACCOUNT/REGION/ID`, as JSON.
//!
//! A newer version may add members; an older one ignores what it does not know. Members are never given another meaning.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::{RECEIVES_MAX_DEFAULT, VISIBILITY_TIMEOUT_S_DEFAULT};
use crate::stream::{PolicyText, StreamId, StreamKey};

/// What the keys of queue definitions begin with.
pub(crate) const PREFIX: &str = "queue/";

/// Names a queue among all that there ever were, here and in other stores: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueueId(String);

impl QueueId {
    /// The id of these random bytes.
    pub(crate) fn new(random: [u8; 16]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where in its stream a queue began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QueueStart {
    /// At the oldest record that was kept.
    TrimHorizon,
    /// Behind the newest record.
    Latest,
    /// At the first record that arrived at this time or later, in milliseconds since the Unix epoch.
    AtTimestamp(u64),
}

/// What can be changed about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// For how long a received record is in flight where the reader says nothing else, in seconds.
    pub visibility_timeout_s: u32,
    /// After how many receives without an acknowledgement a record becomes a dead letter; none if never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receives_max: Option<u32>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self { visibility_timeout_s: VISIBILITY_TIMEOUT_S_DEFAULT, receives_max: Some(RECEIVES_MAX_DEFAULT) }
    }
}

/// A queue as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its id, of which its ARN is made.
    pub id: QueueId,
    /// Its name, unique in the account and region of its stream.
    pub name: String,
    /// The stream that it delivers.
    pub stream: StreamKey,
    /// Tells that stream from another of its name.
    pub stream_id: StreamId,
    /// When the queue was created, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Where it began.
    pub start: QueueStart,
    /// When what it began with arrived, or could have at the earliest, in milliseconds since the Unix epoch.
    pub start_ms: u64,
    /// What can be changed about it.
    pub attributes: Attributes,
    /// Its tags, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Who else may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyText>,
}

impl Definition {
    /// The part of the catalog's keys that names it.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}/{}", self.stream.account, self.stream.region, self.id)
    }

    /// Where it stands in the catalog.
    pub(crate) fn catalog_key(&self) -> String {
        format!("{PREFIX}{}", self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_what_earlier_versions_wrote() {
        let definition = Definition {
            id: QueueId::new([0xab; 16]),
            name: "work".to_owned(),
            stream: StreamKey::new("000000000000", "us-east-1", "clicks"),
            stream_id: StreamId(10),
            created_ms: 1_700_000_000_000,
            start: QueueStart::AtTimestamp(5),
            start_ms: 6,
            attributes: Attributes::default(),
            tags: BTreeMap::new(),
            policy: None,
        };
        let json = concat!(
            r#"{"id":"abababababababababababababababab","name":"work","#,
            r#""stream":{"account":"000000000000","region":"us-east-1","name":"clicks"},"stream_id":10,"#,
            r#""created_ms":1700000000000,"start":{"AT_TIMESTAMP":5},"start_ms":6,"#,
            r#""attributes":{"visibility_timeout_s":30,"receives_max":6}}"#,
        );
        assert_eq!(serde_json::to_string(&definition).unwrap(), json);
        assert_eq!(serde_json::from_str::<Definition>(json).unwrap(), definition);
        assert_eq!(definition.catalog_key(), "queue/000000000000/us-east-1/abababababababababababababababab");
    }
}
