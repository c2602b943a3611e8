//! [`Queues`]: all queues of a store, found by account, region, and id or name.
//!
//! A queue is created and deleted by one commit together with the mention that its stream makes of it, so that a stream
//! always knows its queues: it counts them among its consumers, and is not deleted while it has any.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Weak};

use super::definition::{self, Attributes, Definition, QueueId, QueueStart};
use super::delivery::Queue;
use super::error::{DeliveryError, OpenQueuesError, QueueError};
use super::ledger::Ledger;
use super::limits::TAGS_PER_QUEUE_MAX;
use super::state::Deliveries;
use crate::catalog::{self, Change};
use crate::stream::error::ChangeError;
use crate::stream::{PolicyText, StartingPosition, Stream, StreamKey, StreamMode, Streams};
use crate::sync::{Mutex, RwLock};

/// What a queue is created with.
#[derive(Clone, Debug)]
pub struct NewQueue {
    /// Its stream.
    pub stream: StreamKey,
    /// Its name.
    pub name: String,
    /// Where in the stream it begins.
    pub start: QueueStart,
    /// What can be changed later.
    pub attributes: Attributes,
    /// Its tags, by key.
    pub tags: BTreeMap<String, String>,
}

/// A change of the attributes of a queue; what is none stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttributesChange {
    /// See [`Attributes::visibility_timeout_s`].
    pub visibility_timeout_s: Option<u32>,
    /// See [`Attributes::receives_max`].
    pub receives_max: Option<Option<u32>>,
}

impl AttributesChange {
    /// What becomes of `attributes`.
    pub fn of(self, attributes: Attributes) -> Attributes {
        Attributes {
            visibility_timeout_s: self.visibility_timeout_s.unwrap_or(attributes.visibility_timeout_s),
            receives_max: self.receives_max.unwrap_or(attributes.receives_max),
        }
    }
}

/// The queues of an account in a region, in the order of their names.
type Names = BTreeMap<String, Arc<Queue>>;

#[derive(Default)]
struct Index {
    by_id: HashMap<String, Arc<Queue>>,
    by_name: HashMap<(String, String), Names>,
}

/// All queues of a store.
pub struct Queues {
    streams: Arc<Streams>,
    index: RwLock<Index>,
    /// Held by whoever changes a queue or their set, from the first check to the change of the index. Taken before the
    /// lock of the streams.
    control: Mutex<()>,
}

impl Queues {
    /// Opens the queues that are defined in the store's catalog. Blocks on the disk.
    ///
    /// # Errors
    /// See [`OpenQueuesError`].
    pub fn open(streams: Arc<Streams>) -> Result<Arc<Self>, OpenQueuesError> {
        let mut index = Index::default();
        for (_, definition) in catalog::scan::<Definition>(&**streams.store().catalog(), definition::PREFIX)? {
            let receives_max = definition.attributes.receives_max;
            let ledger = Ledger::open(streams.store(), &definition.path(), receives_max)?;
            let stream = streams.find(&definition.stream);
            let queue = Queue::new(definition, ledger);
            if let Some(stream) = stream {
                queue.open_check(&stream)?;
            }
            index.insert(Arc::new(queue));
        }
        Ok(Arc::new(Self { streams, index: RwLock::new(index), control: Mutex::new(()) }))
    }

    /// The streams that they deliver.
    pub fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    /// The queue with this id of an account in a region.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, account: &str, region: &str, id: &str) -> Result<Arc<Queue>, QueueError> {
        let queue = self.index.read().by_id.get(id).cloned();
        let is_there = |queue: &Arc<Queue>| {
            let stream = &queue.definition().stream;
            stream.account == account && stream.region == region
        };
        queue.filter(is_there).ok_or_else(|| QueueError::NotFound { id: id.to_owned() })
    }

    /// Up to `count` queues of an account in a region that `is_wanted`, in the order of their names, from behind the name
    /// `after` on.
    pub fn list(
        &self,
        account: &str,
        region: &str,
        after: Option<&str>,
        count: usize,
        is_wanted: impl Fn(&Definition) -> bool,
    ) -> Vec<Arc<Definition>> {
        let index = self.index.read();
        let Some(names) = index.by_name.get(&(account.to_owned(), region.to_owned())) else { return Vec::new() };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let definitions = names.range::<str, _>((from, Bound::Unbounded)).map(|(_, queue)| queue.definition());
        definitions.filter(|definition| is_wanted(definition)).take(count).collect()
    }

    /// Creates a queue, which is at once ready for use. Blocks on the disk; on `Ok` the queue survives power loss.
    ///
    /// # Errors
    /// See [`QueueError`]; nothing is created then.
    pub fn create(&self, new: NewQueue) -> Result<Arc<Queue>, QueueError> {
        let _control = self.control.lock();
        let NewQueue { stream: key, name, start, attributes, tags } = new;
        if self.index.read().named(&key).is_some_and(|names| names.contains_key(&name)) {
            return Err(QueueError::AlreadyExists { name });
        }
        check_tags(&name, &tags)?;
        let id = self.new_id()?;
        let settings = self.streams.account_settings(&key.account, &key.region)?;
        let mut created = None;
        self.streams.change_with(&key, |stream, facts, now_ms| {
            if facts.mode != StreamMode::OnDemand {
                return Err(QueueError::NotOnDemand { key: key.clone() });
            }
            facts.check_consumer_room(&settings, now_ms)?;
            let cursors = begin(stream, start, now_ms)?;
            let definition = Definition {
                id: id.clone(),
                name,
                stream: key.clone(),
                stream_id: stream.id(),
                created_ms: now_ms,
                start,
                start_ms: start_ms(stream, start, now_ms),
                attributes,
                tags,
                policy: None,
            };
            let state = Deliveries::new(cursors, attributes.receives_max);
            let (ledger, mut changes) = Ledger::create(self.streams.store(), &definition.path(), state)?;
            changes.push(Change::put(definition.catalog_key(), &definition));
            facts.queues.insert(id);
            created = Some(Arc::new(Queue::new(definition, ledger)));
            Ok(changes)
        })?;
        let queue = created.expect("the change that makes it was made");
        self.index.write().insert(Arc::clone(&queue));
        Ok(queue)
    }

    fn new_id(&self) -> Result<QueueId, QueueError> {
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| ChangeError::Key(crate::error::KeyError::NoRandomness))?;
        Ok(QueueId::new(random))
    }

    /// Deletes a queue. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound`, or `Stream` if the deletion could not be made durable; the queue is still there then.
    pub fn delete(&self, account: &str, region: &str, id: &str) -> Result<(), QueueError> {
        let _control = self.control.lock();
        let queue = self.get(account, region, id)?;
        let definition = queue.definition();
        queue.ledger().remove(|mut changes| {
            changes.push(Change::delete(definition.catalog_key()));
            self.streams.change_with(&definition.stream, |_, facts, _| {
                facts.queues.remove(&definition.id);
                Ok::<_, QueueError>(changes)
            })
        })?;
        queue.end();
        self.index.write().remove(&definition);
        Ok(())
    }

    /// Changes the attributes of a queue. What is in flight stays so for as long as it was to. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound`, or `Stream` if the change could not be made durable; nothing is changed then.
    pub fn update(
        &self,
        account: &str,
        region: &str,
        id: &str,
        change: AttributesChange,
    ) -> Result<Arc<Definition>, QueueError> {
        self.change(account, region, id, |definition| {
            definition.attributes = change.of(definition.attributes);
            Ok(())
        })
    }

    /// Adds tags to a queue; those of the same key are replaced. Blocks on the disk.
    ///
    /// # Errors
    /// `TooManyTags`, and as [`Queues::update`].
    pub fn add_tags(
        &self,
        account: &str,
        region: &str,
        id: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<Arc<Definition>, QueueError> {
        self.change(account, region, id, |definition| {
            definition.tags.extend(tags);
            check_tags(&definition.name, &definition.tags)
        })
    }

    /// Removes the tags with these keys from a queue, as far as it has them. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Queues::update`].
    pub fn remove_tags(
        &self,
        account: &str,
        region: &str,
        id: &str,
        tag_keys: &[String],
    ) -> Result<Arc<Definition>, QueueError> {
        self.change(account, region, id, |definition| {
            tag_keys.iter().for_each(|tag_key| drop(definition.tags.remove(tag_key)));
            Ok(())
        })
    }

    /// Puts a policy upon a queue, in the place of the one it has, or takes that away. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Queues::update`].
    pub fn set_policy(
        &self,
        account: &str,
        region: &str,
        id: &str,
        policy: Option<PolicyText>,
    ) -> Result<Arc<Definition>, QueueError> {
        self.change(account, region, id, |definition| {
            definition.policy = policy;
            Ok(())
        })
    }

    fn change(
        &self,
        account: &str,
        region: &str,
        id: &str,
        change: impl FnOnce(&mut Definition) -> Result<(), QueueError>,
    ) -> Result<Arc<Definition>, QueueError> {
        let _control = self.control.lock();
        let queue = self.get(account, region, id)?;
        let mut definition = Definition::clone(&queue.definition());
        change(&mut definition)?;
        self.streams.store().catalog().commit(&[Change::put(definition.catalog_key(), &definition)])?;
        queue.redefine(definition);
        Ok(queue.definition())
    }

    /// Forgets what every queue knows of records that have expired. One that fails is logged and tried again by the next
    /// sweep.
    pub fn sweep(&self) {
        let queues: Vec<_> = self.index.read().by_id.values().cloned().collect();
        for queue in queues {
            match queue.sweep(&self.streams) {
                Ok(()) | Err(DeliveryError::NotFound { .. }) => {}
                Err(error) => {
                    let definition = queue.definition();
                    tracing::warn!(queue = %definition.id, %error, "cannot forget records past their retention");
                }
            }
        }
    }
}

/// Sweeps again and again, as often as the streams do, until the queues are dropped.
pub async fn run(queues: Weak<Queues>) {
    loop {
        let Some(interval) = queues.upgrade().map(|queues| queues.streams.options().retention_sweep_interval) else {
            return;
        };
        tokio::time::sleep(interval).await;
        let Some(queues) = queues.upgrade() else { return };
        if tokio::task::spawn_blocking(move || queues.sweep()).await.is_err() {
            tracing::error!("the sweep of the queues panicked; they remember expired records until a restart");
            return;
        }
    }
}

impl Index {
    fn named(&self, key: &StreamKey) -> Option<&Names> {
        self.by_name.get(&(key.account.clone(), key.region.clone()))
    }

    fn insert(&mut self, queue: Arc<Queue>) {
        let definition = queue.definition();
        let place = (definition.stream.account.clone(), definition.stream.region.clone());
        self.by_name.entry(place).or_default().insert(definition.name.clone(), Arc::clone(&queue));
        self.by_id.insert(definition.id.to_string(), queue);
    }

    fn remove(&mut self, definition: &Definition) {
        self.by_id.remove(definition.id.as_str());
        let place = (definition.stream.account.clone(), definition.stream.region.clone());
        if let Some(names) = self.by_name.get_mut(&place) {
            names.remove(&definition.name);
            // Regions come from clients: an empty one must not stay behind.
            if names.is_empty() {
                self.by_name.remove(&place);
            }
        }
    }
}

fn check_tags(name: &str, tags: &BTreeMap<String, String>) -> Result<(), QueueError> {
    if tags.len() > TAGS_PER_QUEUE_MAX {
        return Err(QueueError::TooManyTags { name: name.to_owned(), tags_max: TAGS_PER_QUEUE_MAX });
    }
    Ok(())
}

/// Where each shard is read first. Shards that come later are read from their beginning.
fn begin(stream: &Stream, start: QueueStart, now_ms: u64) -> Result<Vec<(u32, u64)>, QueueError> {
    let position = match start {
        QueueStart::TrimHorizon => StartingPosition::TrimHorizon,
        QueueStart::Latest => StartingPosition::Latest,
        QueueStart::AtTimestamp(timestamp_ms) => StartingPosition::AtTimestamp(timestamp_ms),
    };
    let shards = stream.shards().iter();
    shards.map(|shard| Ok((shard.number().0, shard.position(position, now_ms)?))).collect()
}

/// When what a queue begins with can have arrived at the earliest, in milliseconds since the Unix epoch.
fn start_ms(stream: &Stream, start: QueueStart, now_ms: u64) -> u64 {
    let horizon_ms = stream.horizon_ms(now_ms).max(stream.created_ms());
    match start {
        QueueStart::TrimHorizon => horizon_ms,
        QueueStart::Latest => now_ms,
        QueueStart::AtTimestamp(timestamp_ms) => timestamp_ms.max(horizon_ms),
    }
}
