//! Changing what a stream is beside its shards: tags, retention, mode, record size, encryption.
//!
//! Each change is one commit of the stream's definition, and makes a new snapshot. Which values a request may ask for
//! (the limits of single values, patterns) is checked by a front door.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::definition::{Encryption, Facts, RecordDistribution, StreamKey, StreamMode};
use super::error::ChangeError;
use super::limits::{MODE_CHANGES_MAX, MODE_CHANGES_PERIOD, TAGS_PER_STREAM_MAX};
use super::registry::Streams;
use super::snapshot::{Stream, horizon_ms};

impl Streams {
    /// Adds tags to a stream; those of the same key are replaced. Blocks on the disk.
    ///
    /// # Errors
    /// `TooManyTags`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn add_tags(&self, key: &StreamKey, tags: BTreeMap<String, String>) -> Result<Arc<Stream>, ChangeError> {
        self.change(key, |facts, _| merge_tags(&facts.key, &mut facts.tags, tags))
    }

    /// Removes the tags with these keys from a stream, as far as it has them. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound` or `Catalog`; nothing is changed then.
    pub fn remove_tags(&self, key: &StreamKey, tag_keys: &[String]) -> Result<Arc<Stream>, ChangeError> {
        self.change(key, |facts, _| {
            tag_keys.iter().for_each(|tag_key| drop(facts.tags.remove(tag_key)));
            Ok(())
        })
    }

    /// Raises the retention of a stream. Records that have expired stay so. Blocks on the disk.
    ///
    /// # Errors
    /// `ShorterRetention`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn raise_retention(&self, key: &StreamKey, asked_hours: u32) -> Result<Arc<Stream>, ChangeError> {
        self.change(key, |facts, now_ms| {
            let present_hours = facts.retention_hours;
            if asked_hours < present_hours {
                return Err(ChangeError::ShorterRetention { key: facts.key.clone(), asked_hours, present_hours });
            }
            facts.expired_before_ms = horizon_ms(facts, now_ms);
            facts.retention_hours = asked_hours;
            Ok(())
        })
    }

    /// Lowers the retention of a stream: what is older expires at once. Blocks on the disk.
    ///
    /// # Errors
    /// `LongerRetention`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn lower_retention(&self, key: &StreamKey, asked_hours: u32) -> Result<Arc<Stream>, ChangeError> {
        self.change(key, |facts: &mut Facts, _| {
            let present_hours = facts.retention_hours;
            if asked_hours > present_hours {
                return Err(ChangeError::LongerRetention { key: facts.key.clone(), asked_hours, present_hours });
            }
            facts.retention_hours = asked_hours;
            Ok(())
        })
    }

    /// Sets the most bytes of data and partition key together that a record may have. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound` or `Catalog`; nothing is changed then.
    pub fn set_record_bytes_max(&self, key: &StreamKey, byte_count: u64) -> Result<Arc<Stream>, ChangeError> {
        self.change(key, |facts, _| {
            facts.record_bytes_max = byte_count;
            Ok(())
        })
    }

    /// Sets how the capacity of a stream is decided. Its shards stay as they are at first. Blocks on the disk.
    ///
    /// # Errors
    /// `HasQueues`, `TooManyModeChanges`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn set_mode(&self, key: &StreamKey, mode: StreamMode) -> Result<Arc<Stream>, ChangeError> {
        let before = self.find(key).filter(|stream| stream.mode() != mode);
        if let Some(stream) = before.filter(|_| mode == StreamMode::OnDemand) {
            // Before the change, so that no look at its load comes between.
            self.begin_on_demand(&stream)?;
        }
        self.change(key, |facts, now_ms| note_mode_change(facts, mode, now_ms))
    }

    /// Sets which shards the records of an on-demand stream go to that are put from now on. Blocks on the disk.
    ///
    /// # Errors
    /// `NotOnDemand`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn set_distribution(
        &self,
        key: &StreamKey,
        distribution: RecordDistribution,
    ) -> Result<Arc<Stream>, ChangeError> {
        self.change(key, |facts, _| {
            if facts.mode != StreamMode::OnDemand {
                return Err(ChangeError::NotOnDemand { key: facts.key.clone() });
            }
            facts.distribution = distribution;
            Ok(())
        })
    }

    /// Encrypts the records that are put from now on with a key of the store's keyring: its id, alias or ARN. Blocks on the
    /// disk.
    ///
    /// # Errors
    /// `Key`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn start_encryption(&self, key: &StreamKey, name: String) -> Result<Arc<Stream>, ChangeError> {
        let encryption = Encryption { key: self.store().keyring().resolve(&name)?, name };
        self.change(key, |facts, _| {
            facts.encryption = Some(encryption);
            Ok(())
        })
    }

    /// Stops encrypting with a key, named as in [`Streams::start_encryption`]; a stream that does not encrypt stays as it
    /// is. Blocks on the disk.
    ///
    /// # Errors
    /// `OtherKey` if the stream encrypts with another one, `Key`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn stop_encryption(&self, key: &StreamKey, name: &str) -> Result<Arc<Stream>, ChangeError> {
        let asked = self.store().keyring().resolve(name)?;
        self.change(key, |facts, _| match facts.encryption.take_if(|encryption| encryption.key == asked) {
            None if facts.encryption.is_some() => {
                Err(ChangeError::OtherKey { key: facts.key.clone(), asked: name.to_owned() })
            }
            _ => Ok(()),
        })
    }
}

/// Sets the mode, unless it was changed too often. What only an on-demand stream can be set to ends with its mode.
pub(super) fn note_mode_change(facts: &mut Facts, mode: StreamMode, now_ms: u64) -> Result<(), ChangeError> {
    if facts.mode == mode {
        return Ok(());
    }
    if mode == StreamMode::Provisioned && !facts.queues.is_empty() {
        return Err(ChangeError::HasQueues { key: facts.key.clone() });
    }
    let since_ms = u128::from(now_ms).saturating_sub(MODE_CHANGES_PERIOD.as_millis());
    facts.mode_changes_ms.retain(|changed_ms| u128::from(*changed_ms) > since_ms);
    let count = facts.mode_changes_ms.len();
    if count >= MODE_CHANGES_MAX {
        return Err(ChangeError::TooManyModeChanges { key: facts.key.clone(), count });
    }
    facts.mode_changes_ms.push(now_ms);
    facts.mode = mode;
    facts.warm_mibps = 0;
    facts.distribution = RecordDistribution::default();
    Ok(())
}

/// Adds `more` to the `tags` of a stream or consumer.
pub(super) fn merge_tags(
    key: &StreamKey,
    tags: &mut BTreeMap<String, String>,
    more: BTreeMap<String, String>,
) -> Result<(), ChangeError> {
    tags.extend(more);
    if tags.len() > TAGS_PER_STREAM_MAX {
        return Err(ChangeError::TooManyTags { key: key.clone(), tags_max: TAGS_PER_STREAM_MAX });
    }
    Ok(())
}
