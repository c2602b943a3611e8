//! Channels: what is to be delivered from a stream to where, one catalog record each, `channel/ACCOUNT/REGION/NAME`.
//!
//! A stream has at most one channel to a bucket and one to a table, and cannot be deleted while it has any. What a channel is
//! configured to do is its front door's to say, and kept here as JSON; nothing delivers yet.
//!
//! Source: Kinesis Data Streams API Reference, "CreateChannel"; Developer Guide, "Delivery quotas and limits".

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definition::{StreamId, StreamKey, StreamMode};
use super::error::ChannelError;
use super::limits::TAGS_PER_STREAM_MAX;
use super::registry::Streams;
use crate::catalog::{self, Catalog, Change};
use crate::error::CatalogError;
use crate::sync::Mutex;

const PREFIX: &str = "channel/";

/// Names a channel: names are unique within an account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChannelKey {
    /// The account, 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The name.
    pub name: String,
}

impl ChannelKey {
    /// The channel called `name` of an account in a region.
    pub fn new(account: impl Into<String>, region: impl Into<String>, name: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into(), name: name.into() }
    }

    fn catalog_key(&self) -> String {
        format!("{PREFIX}{}/{}/{}", self.account, self.region, self.name)
    }
}

impl fmt::Display for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of account {} in {}", self.name, self.account, self.region)
    }
}

/// Where a channel delivers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChannelDestination {
    /// Objects in a bucket.
    S3,
    /// A table.
    S3Tables,
}

/// A channel as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name, account and region.
    pub key: ChannelKey,
    /// Tells it from every other that has or had its name.
    pub id: u64,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Where its records come from.
    pub stream: StreamKey,
    /// Which of the streams that have or had that name.
    pub stream_id: StreamId,
    /// When that stream was created, likewise.
    pub stream_created_ms: u64,
    /// Where they go.
    pub destination: ChannelDestination,
    /// What the front door knows of it besides, with all defaults filled in.
    pub configuration: Value,
    /// Its tags, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// What a channel is created with.
#[derive(Clone, Debug)]
pub struct NewChannel {
    /// Its name, account and region.
    pub key: ChannelKey,
    /// Where its records come from.
    pub stream: StreamKey,
    /// Where they go.
    pub destination: ChannelDestination,
    /// See [`Channel::configuration`].
    pub configuration: Value,
    /// The key that what it delivers is encrypted with: its id, alias or ARN. It must be there.
    pub encryption_key: Option<String>,
    /// Its tags, by key.
    pub tags: BTreeMap<String, String>,
}

/// All channels of a store, by their catalog keys.
#[derive(Debug, Default)]
pub(super) struct Channels(Mutex<BTreeMap<String, Arc<Channel>>>);

impl Channels {
    /// Reads what is stored.
    pub(super) fn open(catalog: &dyn Catalog) -> Result<Self, CatalogError> {
        let stored = catalog::scan::<Channel>(catalog, PREFIX)?;
        Ok(Self(Mutex::new(stored.into_iter().map(|(key, channel)| (key, Arc::new(channel))).collect())))
    }
}

impl Streams {
    /// Creates a channel of an on-demand stream. Blocks on the disk; on `Ok` the channel survives power loss.
    ///
    /// # Errors
    /// See [`ChannelError`]; nothing is created then.
    pub fn create_channel(&self, new: NewChannel) -> Result<Arc<Channel>, ChannelError> {
        let _control = self.take_control();
        let NewChannel { key, stream, destination, configuration, encryption_key, tags } = new;
        let source = self.find(&stream).ok_or_else(|| ChannelError::StreamNotFound { key: stream.clone() })?;
        if source.mode() != StreamMode::OnDemand {
            return Err(ChannelError::NotOnDemand { key: stream });
        }
        if self.channel(&key).is_some() {
            return Err(ChannelError::AlreadyExists { key });
        }
        if self.channels_of(source.id()).iter().any(|channel| channel.destination == destination) {
            return Err(ChannelError::TooManyChannels { key: stream });
        }
        if let Some(name) = encryption_key {
            self.store().keyring().resolve(&name)?;
        }
        let channel = Channel {
            // Log ids are never used twice; this one has no log.
            id: self.store().allocate_logs(1)?.first().map_or(0, |log| log.0),
            key,
            created_ms: self.clock().unix_millis(),
            stream,
            stream_id: source.id(),
            stream_created_ms: source.created_ms(),
            destination,
            configuration,
            tags,
        };
        self.store_channel(channel)
    }

    /// The channel of this name.
    pub fn channel(&self, key: &ChannelKey) -> Option<Arc<Channel>> {
        self.channels().0.lock().get(&key.catalog_key()).cloned()
    }

    /// Up to `count` channels of an account in a region that `is_shown`, in the order of their names, from behind the name
    /// `after` on.
    pub fn list_channels(
        &self,
        account: &str,
        region: &str,
        after: Option<&str>,
        count: usize,
        is_shown: impl Fn(&Channel) -> bool,
    ) -> Vec<Arc<Channel>> {
        let prefix = ChannelKey::new(account, region, "").catalog_key();
        let from =
            after.map_or_else(|| Bound::Included(prefix.clone()), |after| Bound::Excluded(format!("{prefix}{after}")));
        let channels = self.channels().0.lock();
        let listed = channels.range((from, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(&prefix));
        listed.map(|(_, channel)| channel).filter(|channel| is_shown(channel)).take(count).cloned().collect()
    }

    /// The channels of a stream.
    pub fn channels_of(&self, stream: StreamId) -> Vec<Arc<Channel>> {
        self.channels().0.lock().values().filter(|channel| channel.stream_id == stream).cloned().collect()
    }

    /// Changes what is stored about a channel. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound`, `Catalog`, or that of `change`; nothing is changed then.
    pub fn change_channel<E: From<ChannelError>>(
        &self,
        key: &ChannelKey,
        change: impl FnOnce(&mut Channel) -> Result<(), E>,
    ) -> Result<Arc<Channel>, E> {
        let _control = self.take_control();
        let channel = self.channel(key).ok_or_else(|| ChannelError::NotFound { key: key.clone() })?;
        let mut changed = Channel::clone(&channel);
        change(&mut changed)?;
        Ok(self.store_channel(changed)?)
    }

    /// Adds tags to a channel; those of the same key are replaced. Blocks on the disk.
    ///
    /// # Errors
    /// `TooManyTags`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn add_channel_tags(&self, key: &ChannelKey, tags: BTreeMap<String, String>) -> Result<(), ChannelError> {
        self.change_channel(key, |channel| {
            channel.tags.extend(tags);
            if channel.tags.len() > TAGS_PER_STREAM_MAX {
                return Err(ChannelError::TooManyTags { key: channel.key.clone(), tags_max: TAGS_PER_STREAM_MAX });
            }
            Ok(())
        })
        .map(drop)
    }

    /// Removes the tags with these keys from a channel, as far as it has them. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound` or `Catalog`; nothing is changed then.
    pub fn remove_channel_tags(&self, key: &ChannelKey, tag_keys: &[String]) -> Result<(), ChannelError> {
        self.change_channel(key, |channel| {
            tag_keys.iter().for_each(|tag_key| drop(channel.tags.remove(tag_key)));
            Ok::<_, ChannelError>(())
        })
        .map(drop)
    }

    /// Deletes a channel. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound` or `Catalog`; the channel is still there then.
    pub fn delete_channel(&self, key: &ChannelKey) -> Result<(), ChannelError> {
        let _control = self.take_control();
        let catalog_key = key.catalog_key();
        if self.channel(key).is_none() {
            return Err(ChannelError::NotFound { key: key.clone() });
        }
        self.store().catalog().commit(&[Change::delete(catalog_key.clone())])?;
        self.channels().0.lock().remove(&catalog_key);
        Ok(())
    }

    fn store_channel(&self, channel: Channel) -> Result<Arc<Channel>, ChannelError> {
        let catalog_key = channel.key.catalog_key();
        self.store().catalog().commit(&[Change::put(catalog_key.clone(), &channel)])?;
        let channel = Arc::new(channel);
        self.channels().0.lock().insert(catalog_key, Arc::clone(&channel));
        Ok(channel)
    }
}
