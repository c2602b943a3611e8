//! Registered consumers: names that readers of a stream go by, each with its own read throughput.
//!
//! A consumer is told from another that had its name by the second in which it was registered, which is in its ARN. It is
//! ready for use at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::AccountSettings;
use super::definition::{Consumer, Facts, StreamKey, StreamMode};
use super::error::ChangeError;
use super::limits::{CONSUMERS_PER_COMMITTED_STREAM_MAX, CONSUMERS_PER_STREAM_MAX};
use super::registry::Streams;
use super::settings::merge_tags;
use super::snapshot::Stream;

/// Names a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerKey {
    /// Its stream.
    pub stream: StreamKey,
    /// Its name.
    pub name: String,
    /// The second since the Unix epoch in which it was registered; none for whichever has the name now.
    pub created_s: Option<u64>,
}

impl ConsumerKey {
    fn not_found(&self) -> ChangeError {
        ChangeError::ConsumerNotFound { key: self.stream.clone(), consumer: self.name.clone() }
    }

    fn names(&self, consumer: &Consumer) -> bool {
        self.created_s.is_none_or(|created_s| created_s == consumer.created_ms / 1_000)
    }
}

impl Stream {
    /// The consumer that a key names.
    ///
    /// # Errors
    /// `ConsumerNotFound`.
    pub fn consumer(&self, key: &ConsumerKey) -> Result<&Consumer, ChangeError> {
        let consumer = self.consumers().get(&key.name).filter(|consumer| key.names(consumer));
        consumer.ok_or_else(|| key.not_found())
    }
}

impl Streams {
    /// Registers a consumer. Blocks on the disk.
    ///
    /// # Errors
    /// `ConsumerExists`, `TooManyConsumers`, `TooManyTags`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn register_consumer(
        &self,
        key: &StreamKey,
        name: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<Arc<Stream>, ChangeError> {
        let settings = self.account_settings(&key.account, &key.region)?;
        self.change(key, |facts, now_ms| {
            if facts.consumers.contains_key(name) {
                return Err(ChangeError::ConsumerExists { key: key.clone(), consumer: name.to_owned() });
            }
            facts.check_consumer_room(&settings, now_ms)?;
            let mut consumer = Consumer { created_ms: now_ms, tags: BTreeMap::new(), policy: None };
            merge_tags(key, &mut consumer.tags, tags)?;
            facts.consumers.insert(name.to_owned(), consumer);
            Ok(())
        })
    }

    /// Removes a consumer. Blocks on the disk.
    ///
    /// # Errors
    /// `ConsumerNotFound`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn deregister_consumer(&self, key: &ConsumerKey) -> Result<Arc<Stream>, ChangeError> {
        self.change(&key.stream, |facts, _| {
            if !facts.consumers.get(&key.name).is_some_and(|consumer| key.names(consumer)) {
                return Err(key.not_found());
            }
            facts.consumers.remove(&key.name);
            Ok(())
        })
    }

    /// Adds tags to a consumer; those of the same key are replaced. Blocks on the disk.
    ///
    /// # Errors
    /// `TooManyTags`, `ConsumerNotFound`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn add_consumer_tags(
        &self,
        key: &ConsumerKey,
        tags: BTreeMap<String, String>,
    ) -> Result<Arc<Stream>, ChangeError> {
        self.change_consumer(key, |consumer| merge_tags(&key.stream, &mut consumer.tags, tags))
    }

    /// Removes the tags with these keys from a consumer, as far as it has them. Blocks on the disk.
    ///
    /// # Errors
    /// `ConsumerNotFound`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn remove_consumer_tags(&self, key: &ConsumerKey, tag_keys: &[String]) -> Result<Arc<Stream>, ChangeError> {
        self.change_consumer(key, |consumer| {
            tag_keys.iter().for_each(|tag_key| drop(consumer.tags.remove(tag_key)));
            Ok(())
        })
    }

    pub(super) fn change_consumer(
        &self,
        key: &ConsumerKey,
        change: impl FnOnce(&mut Consumer) -> Result<(), ChangeError>,
    ) -> Result<Arc<Stream>, ChangeError> {
        self.change(&key.stream, |facts, _| {
            let consumer = facts.consumers.get_mut(&key.name).filter(|consumer| key.names(consumer));
            change(consumer.ok_or_else(|| key.not_found())?)
        })
    }
}

impl Facts {
    /// Checks that the stream may have one more consumer. A queue counts as one.
    ///
    /// # Errors
    /// `TooManyConsumers`.
    pub(crate) fn check_consumer_room(&self, settings: &AccountSettings, now_ms: u64) -> Result<(), ChangeError> {
        let consumers_max = consumers_max(self.mode, settings, now_ms);
        if self.consumers.len() + self.queues.len() >= consumers_max {
            return Err(ChangeError::TooManyConsumers { key: self.key.clone(), consumers_max });
        }
        Ok(())
    }
}

/// How many consumers a stream may have.
fn consumers_max(mode: StreamMode, settings: &AccountSettings, now_ms: u64) -> usize {
    if mode == StreamMode::OnDemand && settings.is_committed(now_ms) {
        CONSUMERS_PER_COMMITTED_STREAM_MAX
    } else {
        CONSUMERS_PER_STREAM_MAX
    }
}
