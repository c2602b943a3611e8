//! Changing what a stream is beside its shards: tags and retention.
//!
//! Each change is one commit of the stream's definition, and makes a new snapshot. Which values a request may ask for
//! (the limits of single values, patterns) is checked by a front door.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::definition::{Facts, StreamKey};
use super::error::ChangeError;
use super::limits::TAGS_PER_STREAM_MAX;
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
