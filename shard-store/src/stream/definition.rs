//! What is stored about a stream: one catalog record, `stream/ACCOUNT/REGION/NAME`, as JSON.
//!
//! A newer version may add members; an older one ignores what it does not know. Members are never given another
//! meaning. Throttle balances and iterators are not stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::hash_range::{HashRange, tile_the_key_space};
use super::limits::{RECORD_BYTES_MAX_DEFAULT, RETENTION_HOURS_DEFAULT};
use super::monitoring::ShardMetric;
use super::policy::PolicyText;
use super::shard::ShardNumber;
use crate::keyring::KeyId;
use crate::log::LogId;
use crate::queue::QueueId;

/// What the keys of stream definitions begin with.
pub(crate) const PREFIX: &str = "stream/";

/// Names a stream: names are unique within an account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamKey {
    /// The account, 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The name.
    pub name: String,
}

impl StreamKey {
    /// The stream called `name` of an account in a region.
    pub fn new(account: impl Into<String>, region: impl Into<String>, name: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into(), name: name.into() }
    }

    /// Where its definition stands in the catalog.
    pub(crate) fn catalog_key(&self) -> String {
        format!("{PREFIX}{}/{}/{}", self.account, self.region, self.name)
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of account {} in {}", self.name, self.account, self.region)
    }
}

/// Tells a stream from every other that has or had its name. Ids are never used twice in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub u64);

/// How a stream's capacity is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StreamMode {
    /// The user says how many shards there are.
    Provisioned,
    /// The number of shards follows the load.
    OnDemand,
}

/// Which shards the records of a stream go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RecordDistribution {
    /// To the shard of their partition key, or of the hash key that overrides it.
    #[default]
    UserPartitionKey,
    /// To whichever shard has room: evenly, and in no order.
    Auto,
}

impl RecordDistribution {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a stream's records are encrypted with at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// The key of the store's keyring.
    pub key: KeyId,
    /// The key's id, alias or ARN, as it was asked for.
    pub name: String,
}

/// A stream as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    #[serde(flatten)]
    pub(crate) facts: Facts,
    pub(crate) shards: Vec<ShardDefinition>,
}

/// What is stored about a stream beside its shards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) key: StreamKey,
    pub(crate) id: StreamId,
    pub(crate) created_ms: u64,
    pub(crate) mode: StreamMode,
    #[serde(default = "retention_hours_default")]
    pub(crate) retention_hours: u32,
    /// What arrived before this time had expired when the retention was raised, and stays so.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) expired_before_ms: u64,
    #[serde(default = "record_bytes_max_default")]
    pub(crate) record_bytes_max: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// When the number of shards was updated, as far as it still counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) shard_count_updates_ms: Vec<u64>,
    /// When the mode was changed, as far as it still counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mode_changes_ms: Vec<u64>,
    /// The MiB a second that an on-demand stream is kept warm for.
    #[serde(default, skip_serializing_if = "is_cold")]
    pub(crate) warm_mibps: u32,
    /// Which shards its records go to.
    #[serde(default, skip_serializing_if = "RecordDistribution::is_default")]
    pub(crate) distribution: RecordDistribution,
    /// What its records are encrypted with at rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encryption: Option<Encryption>,
    /// The registered consumers, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) consumers: BTreeMap<String, Consumer>,
    /// The queues that deliver its records.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) queues: BTreeSet<QueueId>,
    /// Who may do what with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<PolicyText>,
    /// What is shown of each of its shards.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) shard_metrics: BTreeSet<ShardMetric>,
}

impl Facts {
    /// Those of a stream that is created now.
    pub(crate) fn new(key: StreamKey, id: StreamId, mode: StreamMode, created_ms: u64) -> Self {
        Self {
            key,
            id,
            created_ms,
            mode,
            retention_hours: RETENTION_HOURS_DEFAULT,
            expired_before_ms: 0,
            record_bytes_max: RECORD_BYTES_MAX_DEFAULT,
            tags: BTreeMap::new(),
            shard_count_updates_ms: Vec::new(),
            mode_changes_ms: Vec::new(),
            warm_mibps: 0,
            distribution: RecordDistribution::default(),
            encryption: None,
            consumers: BTreeMap::new(),
            queues: BTreeSet::new(),
            policy: None,
            shard_metrics: BTreeSet::new(),
        }
    }
}

/// A registered consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// When it was registered, in milliseconds since the Unix epoch. Tells it from others that have or had its name.
    pub created_ms: u64,
    /// Its tags, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Who may do what with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyText>,
}

/// A shard as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardDefinition {
    pub(crate) number: ShardNumber,
    pub(crate) log: LogId,
    pub(crate) range: HashRange,
    pub(crate) created_ms: u64,
    /// The generation of its sequence numbers; see [`super::sequence`].
    pub(crate) generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<ShardNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) adjacent_parent: Option<ShardNumber>,
    /// When it was closed. Where its records end is not stored: its log is sealed, and knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) closed_ms: Option<u64>,
}

fn retention_hours_default() -> u32 {
    RETENTION_HOURS_DEFAULT
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_cold(warm_mibps: &u32) -> bool {
    *warm_mibps == 0
}

fn record_bytes_max_default() -> u64 {
    RECORD_BYTES_MAX_DEFAULT
}

impl Definition {
    /// Checks what the rest of the code relies on.
    ///
    /// # Errors
    /// A sentence about the first fact that does not hold.
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        if !self.shards.is_sorted_by(|left, right| left.number < right.number) {
            return Err("its shards are not in the order of their numbers");
        }
        let open = self.shards.iter().filter(|shard| shard.closed_ms.is_none());
        if !tile_the_key_space(open.map(|shard| shard.range)) {
            return Err("the hash ranges of its open shards do not tile the key space");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash_range::HashKey;
    use super::*;

    fn shard(number: u32, start: u128, end: u128) -> ShardDefinition {
        ShardDefinition {
            number: ShardNumber(number),
            log: LogId(u64::from(number) + 10),
            range: HashRange { start: HashKey(start), end: HashKey(end) },
            created_ms: 1_700_000_000_000,
            generation: 1_700_000_000,
            parent: None,
            adjacent_parent: None,
            closed_ms: None,
        }
    }

    fn definition(shards: Vec<ShardDefinition>) -> Definition {
        let key = StreamKey::new("000000000000", "us-east-1", "clicks");
        let facts = Facts::new(key, StreamId(10), StreamMode::Provisioned, 1_700_000_000_000);
        Definition { facts, shards }
    }

    #[test]
    fn a_definition_survives_its_json() {
        let mut parent = shard(0, 0, u128::MAX);
        parent.closed_ms = Some(5);
        let mut child = shard(1, 0, u128::MAX);
        child.parent = Some(ShardNumber(0));
        let mut definition = definition(vec![parent, child]);
        definition.facts.tags.insert("team".to_owned(), "web".to_owned());
        definition.facts.policy = Some(PolicyText::new("{\"Statement\": []}".to_owned()));
        definition.facts.shard_metrics.insert(ShardMetric::IncomingBytes);
        let json = serde_json::to_vec(&definition).unwrap();
        assert_eq!(serde_json::from_slice::<Definition>(&json).unwrap(), definition);
    }

    #[test]
    fn the_json_is_what_earlier_versions_wrote() {
        let json = concat!(
            r#"{"key":{"account":"000000000000","region":"us-east-1","name":"clicks"},"id":10,"#,
            r#""created_ms":1700000000000,"mode":"PROVISIONED","retention_hours":24,"record_bytes_max":1048576,"#,
            r#""shards":[{"number":0,"log":10,"range":{"start":"0","end":"340282366920938463463374607431768211455"},"#,
            r#""created_ms":1700000000000,"generation":1700000000}]}"#,
        );
        let definition = definition(vec![shard(0, 0, u128::MAX)]);
        assert_eq!(serde_json::to_string(&definition).unwrap(), json);
    }

    #[test]
    fn members_of_a_newer_version_are_ignored() {
        let mut json = serde_json::to_value(definition(vec![shard(0, 0, u128::MAX)])).unwrap();
        json["invented_later"] = serde_json::json!({"a": 1});
        assert!(serde_json::from_value::<Definition>(json).is_ok());
    }

    #[test]
    fn open_shards_must_tile_and_stand_in_order() {
        assert_eq!(definition(vec![shard(0, 0, 9), shard(1, 10, u128::MAX)]).check_invariants(), Ok(()));
        assert!(definition(vec![shard(0, 0, 9)]).check_invariants().is_err());
        assert!(definition(vec![shard(1, 0, 9), shard(0, 10, u128::MAX)]).check_invariants().is_err());
        assert!(definition(vec![]).check_invariants().is_err());
    }
}
