//! [`Streams`]: all streams of a store, found by account, region and name.
//!
//! A look-up is three hash look-ups behind a read lock and allocates nothing. Creating, changing and deleting are
//! serialised by a lock of their own, held while the catalog commits, so that look-ups never wait for the disk.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::ops::Bound;
use std::sync::Arc;

use super::channel::Channels;
use super::config::Options;
use super::definition::{
    self, Definition, Facts, RecordDistribution, ShardDefinition, StreamId, StreamKey, StreamMode,
};
use super::error::{ChangeError, CreateError, DeleteError, OpenStreamsError, TooManyShards};
use super::hash_range::HashRange;
use super::peaks::{self, AllPeaks};
use super::shard::{Shard, ShardNumber};
use super::snapshot::Stream;
use super::token::Signer;
use crate::catalog::{self, Change};
use crate::clock::Clock;
use crate::log::LogId;
use crate::store::Store;
use crate::sync::{Mutex, MutexGuard, Notify, RwLock};

/// The streams of one account and region, in the order of their names.
type Names = BTreeMap<String, Arc<Stream>>;

/// By account, then region, then name: each step can be looked up with a borrowed text.
type Index = HashMap<String, HashMap<String, Names>>;

/// What a stream is created with.
#[derive(Clone, Debug)]
pub struct NewStream {
    /// Its name, account and region.
    pub key: StreamKey,
    /// How many shards it starts with.
    pub shard_count: NonZeroU32,
    /// How its capacity is decided.
    pub mode: StreamMode,
    /// The most bytes of data and partition key together that a record may have.
    pub record_bytes_max: u64,
    /// The MiB a second that an on-demand stream is kept warm for; 0 for none.
    pub warm_mibps: u32,
    /// Which shards its records go to; anything but the default is for on-demand streams only.
    pub distribution: RecordDistribution,
    /// Its tags, by key.
    pub tags: BTreeMap<String, String>,
}

/// All streams of a store.
pub struct Streams {
    store: Store,
    options: Options,
    signer: Signer,
    index: RwLock<Index>,
    /// Held by whoever changes a stream or their set, from the first check to the change of the index.
    control: Mutex<()>,
    peaks: AllPeaks,
    channels: Channels,
    /// Told after a stream was replaced in the index, or removed from it.
    replaced: Notify,
}

impl Streams {
    /// Opens the streams that are defined in the store's catalog. Blocks on the disk.
    ///
    /// # Errors
    /// See [`OpenStreamsError`].
    pub fn open(store: Store, options: Options) -> Result<Arc<Self>, OpenStreamsError> {
        let mut index = Index::new();
        let now_ms = store.clock().unix_millis();
        for (_, definition) in catalog::scan::<Definition>(&**store.catalog(), definition::PREFIX)? {
            if let Err(reason) = definition.check_invariants() {
                return Err(OpenStreamsError::Definition { key: definition.facts.key, reason });
            }
            insert(&mut index, Arc::new(open_stream(&store, &options, definition, now_ms)));
        }
        let signer = Signer::new(store.secret());
        let peaks = AllPeaks::open(&**store.catalog())?;
        let channels = Channels::open(&**store.catalog())?;
        Ok(Arc::new(Self {
            store,
            options,
            signer,
            index: RwLock::new(index),
            control: Mutex::new(()),
            peaks,
            channels,
            replaced: Notify::new(),
        }))
    }

    /// The stream called `name` of an account in a region.
    pub fn get(&self, account: &str, region: &str, name: &str) -> Option<Arc<Stream>> {
        self.index.read().get(account)?.get(region)?.get(name).cloned()
    }

    /// Up to `count` streams of an account in a region, in the order of their names, from behind the name `after` on.
    pub fn list(&self, account: &str, region: &str, after: Option<&str>, count: usize) -> Vec<Arc<Stream>> {
        let index = self.index.read();
        let Some(names) = index.get(account).and_then(|regions| regions.get(region)) else { return Vec::new() };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        names.range::<str, _>((from, Bound::Unbounded)).take(count).map(|(_, stream)| Arc::clone(stream)).collect()
    }

    /// Every stream, in no particular order.
    pub(super) fn all(&self) -> Vec<Arc<Stream>> {
        let index = self.index.read();
        index.values().flat_map(HashMap::values).flat_map(BTreeMap::values).cloned().collect()
    }

    /// Creates a stream, which is at once ready for use. Blocks on the disk; on `Ok` the stream survives power loss.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is created then.
    pub fn create(&self, new: NewStream) -> Result<Arc<Stream>, CreateError> {
        let _control = self.control.lock();
        if self.find(&new.key).is_some() {
            return Err(CreateError::AlreadyExists { key: new.key });
        }
        if new.warm_mibps > 0 {
            self.check_warm(&new.key, new.warm_mibps)??;
        }
        self.check_shard_limit(&new.key.account, &new.key.region, u64::from(new.shard_count.get()))?;
        let now_ms = self.store.clock().unix_millis();
        let definition = self.create_define(new, now_ms)?;
        let change = Change::put(definition.facts.key.catalog_key(), &definition);
        self.store.catalog().commit(&[change])?;
        let stream = Arc::new(open_stream(&self.store, &self.options, definition, now_ms));
        insert(&mut self.index.write(), Arc::clone(&stream));
        Ok(stream)
    }

    /// Checks that an account may have so many more open shards in a region.
    pub(super) fn check_shard_limit(&self, account: &str, region: &str, requested: u64) -> Result<(), TooManyShards> {
        let present = self.open_shard_count(account, region);
        let shards_max = u64::from(self.options.shards_max);
        if requested == 0 || present + requested <= shards_max {
            return Ok(());
        }
        let (account, region) = (account.to_owned(), region.to_owned());
        Err(TooManyShards { account, region, present, requested, shards_max })
    }

    /// The open shards of an account in a region.
    pub fn open_shard_count(&self, account: &str, region: &str) -> u64 {
        let index = self.index.read();
        let names = index.get(account).and_then(|regions| regions.get(region));
        names.into_iter().flat_map(BTreeMap::values).map(|stream| stream.open_shard_count() as u64).sum()
    }

    fn create_define(&self, new: NewStream, now_ms: u64) -> Result<Definition, CreateError> {
        let logs = self.store.allocate_logs(new.shard_count.get())?;
        // There is at least one shard, and log ids are never used twice.
        let id = StreamId(logs.first().map_or(0, |log| log.0));
        let shards = HashRange::split_evenly(new.shard_count)
            .zip(logs)
            .zip(0..)
            .map(|((range, log), number)| ShardDefinition {
                number: ShardNumber(number),
                log,
                range,
                created_ms: now_ms,
                generation: now_ms / 1_000,
                parent: None,
                adjacent_parent: None,
                closed_ms: None,
            })
            .collect();
        let NewStream { key, mode, record_bytes_max, warm_mibps, distribution, tags, .. } = new;
        let facts = Facts { record_bytes_max, warm_mibps, distribution, tags, ..Facts::new(key, id, mode, now_ms) };
        Ok(Definition { facts, shards })
    }

    /// Changes what is stored about a stream beside its shards. Blocks on the disk.
    ///
    /// # Errors
    /// That of `change`, and `NotFound` or `Catalog`; nothing is changed then.
    pub(super) fn change(
        &self,
        key: &StreamKey,
        change: impl FnOnce(&mut Facts, u64) -> Result<(), ChangeError>,
    ) -> Result<Arc<Stream>, ChangeError> {
        self.change_with(key, |_, facts, now_ms| change(facts, now_ms).map(|()| Vec::new()))
    }

    /// As [`Streams::change`], together with other changes of the catalog.
    ///
    /// # Errors
    /// As [`Streams::change`].
    pub(crate) fn change_with<E: From<ChangeError>>(
        &self,
        key: &StreamKey,
        change: impl FnOnce(&Stream, &mut Facts, u64) -> Result<Vec<Change>, E>,
    ) -> Result<Arc<Stream>, E> {
        let _control = self.take_control();
        let stream = self.find(key).ok_or_else(|| ChangeError::NotFound { key: key.clone() })?;
        let mut definition = stream.define();
        let mut changes = change(&stream, &mut definition.facts, self.clock().unix_millis())?;
        changes.push(Change::put(key.catalog_key(), &definition));
        self.store.catalog().commit(&changes).map_err(ChangeError::from)?;
        let changed = Arc::new(Stream::new(definition.facts, stream.shards().to_vec(), stream.is_enforced()));
        self.replace(Arc::clone(&changed));
        Ok(changed)
    }

    /// The right to change streams, which one at a time has.
    pub(super) fn take_control(&self) -> MutexGuard<'_, ()> {
        self.control.lock()
    }

    /// Puts a stream in the place of its older snapshot.
    pub(super) fn replace(&self, stream: Arc<Stream>) {
        insert(&mut self.index.write(), stream);
        self.replaced.notify_waiters();
    }

    /// Waits until there is another snapshot of a stream than this one. `None` if the stream was deleted.
    pub async fn successor(&self, stream: &Arc<Stream>) -> Option<Arc<Stream>> {
        loop {
            // Registered before the look, so that no change in between is missed.
            let mut replaced = std::pin::pin!(self.replaced.notified());
            replaced.as_mut().enable();
            let current = self.find(stream.key()).filter(|current| current.id() == stream.id())?;
            if !Arc::ptr_eq(&current, stream) {
                return Some(current);
            }
            replaced.await;
        }
    }

    pub(crate) fn find(&self, key: &StreamKey) -> Option<Arc<Stream>> {
        self.get(&key.account, &key.region, &key.name)
    }

    /// Deletes a stream and all its records. Blocks on the disk. Whoever still holds the stream can no longer append to
    /// it; who waits for its records is woken.
    ///
    /// # Errors
    /// See [`DeleteError`]; the stream is still there then.
    pub fn delete(&self, account: &str, region: &str, name: &str) -> Result<(), DeleteError> {
        let logs = self.delete_definition(account, region, name)?;
        // Outside the lock: removing many files takes a while, and the name is free already.
        if let Err(error) = self.store.remove_logs(&logs) {
            // The stream is gone for good; its files are removed when the store is opened again.
            tracing::warn!(stream = name, %error, "cannot remove all files of a deleted stream");
        }
        Ok(())
    }

    fn delete_definition(&self, account: &str, region: &str, name: &str) -> Result<Vec<LogId>, DeleteError> {
        let _control = self.control.lock();
        let stream = self
            .get(account, region, name)
            .ok_or_else(|| DeleteError::NotFound { key: StreamKey::new(account, region, name) })?;
        if stream.has_queues() {
            return Err(DeleteError::HasQueues { key: stream.key().clone() });
        }
        if !self.channels_of(stream.id()).is_empty() {
            return Err(DeleteError::HasChannels { key: stream.key().clone() });
        }
        let logs: Vec<_> = stream.shards().iter().map(|shard| shard.log_id()).collect();
        let mut changes = self.store.drop_logs(&logs);
        changes.push(Change::delete(stream.key().catalog_key()));
        changes.push(Change::delete(peaks::catalog_key(stream.key())));
        self.store.catalog().commit(&changes)?;
        self.peaks.forget(stream.id());
        remove(&mut self.index.write(), stream.key());
        self.replaced.notify_waiters();
        Ok(logs)
    }

    pub(super) fn channels(&self) -> &Channels {
        &self.channels
    }

    pub(super) fn peaks(&self) -> &AllPeaks {
        &self.peaks
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// What signs the iterators and page tokens of these streams.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The clock by which throttles, iterators and retention live.
    pub fn clock(&self) -> &dyn Clock {
        &**self.store.clock()
    }

    /// As [`Streams::clock`], to be kept.
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.store.clock())
    }

    /// The options they were opened with.
    pub fn options(&self) -> &Options {
        &self.options
    }
}

fn open_stream(store: &Store, options: &Options, definition: Definition, now_ms: u64) -> Stream {
    let Definition { facts, shards } = definition;
    let shards = shards.into_iter().map(|shard| Arc::new(open_shard(store, shard, now_ms))).collect();
    let is_enforced = options.enforces(&facts.key.name);
    Stream::new(facts, shards, is_enforced)
}

pub(super) fn open_shard(store: &Store, definition: ShardDefinition, now_ms: u64) -> Shard {
    let log = store.log(definition.log);
    if definition.closed_ms.is_some() {
        // Logs do not remember it. What matters happens at once; there is nothing on its way to wait for.
        drop(log.seal());
    }
    Shard::new(definition, log, now_ms)
}

fn insert(index: &mut Index, stream: Arc<Stream>) {
    let StreamKey { account, region, name } = stream.key().clone();
    index.entry(account).or_default().entry(region).or_default().insert(name, stream);
}

fn remove(index: &mut Index, key: &StreamKey) {
    let Some(regions) = index.get_mut(&key.account) else { return };
    let Some(names) = regions.get_mut(&key.region) else { return };
    names.remove(&key.name);
    // Regions come from clients: an empty one must not stay behind.
    if names.is_empty() {
        regions.remove(&key.region);
    }
    if regions.is_empty() {
        index.remove(&key.account);
    }
}
