//! [`DeliveryStreams`]: all delivery streams of a store, found by account, region and name, each with its task.

mod change;
mod settings;
mod stream;

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::OptionFuture;
use parking_lot::{Mutex, RwLock};
use prometheus_client::registry::Registry;
use shard_store::Store;
use shard_store::catalog::{self, Change};
use shard_store::error::CatalogError;
use shard_store::log::LogId;
use shard_store::stream::StreamKey;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

pub use change::ReplayFrom;
pub use stream::{DeliveryStream, PendingPut};

use crate::config::Options;
use crate::definition::{self, Checkpoint, Definition, Destination, Position, Settings, Source};
use crate::delivery::{Command, Driver, Intent, Parts, Recipe, Shared, Status};
use crate::error::{CreateError, DeleteError, OpenError};
use crate::limits::DELIVERY_STREAMS_MAX;
use crate::metrics::{Metrics, StreamMetrics};
use crate::notify::Notifier;
use crate::outbox::{self, Outbox, Sender};
use crate::partitions::{self, Keeper};
use crate::schema::{Schema, TableSchemas, TableSource, Tables};
use crate::sink::Sinks;
use crate::source::SourceStreams;
use crate::spool::Spool;
use crate::throttle::PutThrottle;
use crate::topic::{Feed, Topic, TopicLogs, TopicSource};

/// How long a task that was told to stop may take to notice.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What a delivery stream is created with.
#[derive(Clone, Debug)]
pub struct NewDeliveryStream {
    /// Its name, account and region.
    pub key: StreamKey,
    /// Where its records come from.
    pub source: NewSource,
    /// Where the objects go.
    pub destination: Destination,
    /// What a front door keeps with it to describe it.
    pub attributes: serde_json::Value,
    /// What can be changed later. Only one that takes direct puts may be encrypted.
    pub settings: Settings,
}

/// Where the records of a new delivery stream come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewSource {
    /// They are put to it.
    DirectPut,
    /// They are read from this stream, from now on.
    Stream(StreamKey),
    /// They are copied from a topic.
    Topic {
        /// The topic.
        topic: Topic,
        /// From when on, in milliseconds since the Unix epoch; 0 is the beginning, and without it only what comes from now on.
        read_from_ms: Option<u64>,
    },
}

/// What delivery streams work with.
pub struct Environment {
    /// Keeps their definitions, and the records that are put to them.
    pub store: Store,
    /// Finds the streams that they read.
    pub sources: Arc<dyn SourceStreams>,
    /// Reads the topics that they are fed from.
    pub topics: Arc<dyn TopicSource>,
    /// Opens the buckets that they write to.
    pub sinks: Arc<dyn Sinks>,
    /// Has the tables that conversions name; those that are not there are looked for in the options.
    pub tables: Arc<dyn Tables>,
    /// A directory for what is about to be delivered, made if it is not there; nobody else may write to it.
    pub work_dir: PathBuf,
}

/// All delivery streams of a store.
pub struct DeliveryStreams {
    shared: Arc<Shared>,
    topics: Arc<dyn TopicSource>,
    metrics: Metrics,
    runtime: Handle,
    index: RwLock<BTreeMap<StreamKey, Arc<DeliveryStream>>>,
    /// Held by whoever changes the set of delivery streams, from the first check to the change of the index.
    control: Mutex<()>,
}

fn share(environment: Environment, options: Options) -> Result<Shared, OpenError> {
    let Environment { store, sources, sinks, tables, work_dir, topics: _ } = environment;
    let memory_kib = u32::try_from(options.memory_budget.as_u64() / 1024).unwrap_or(u32::MAX >> 1).min(u32::MAX >> 1);
    let builder_count = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Shared {
        spool: Spool::open(&work_dir)
            .map_err(|error| OpenError::WorkDir { dir: work_dir, reason: error.to_string() })?,
        store,
        sources,
        sinks,
        tables: TableSchemas::new(tables, options.tables.clone()),
        options,
        memory: Arc::new(Semaphore::new(memory_kib as usize)),
        memory_kib,
        builders: Arc::new(Semaphore::new(builder_count)),
    })
}

impl DeliveryStreams {
    /// Opens the delivery streams that are defined in the store's catalog, and starts their tasks on the current runtime.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// See [`OpenError`].
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn open(environment: Environment, options: Options, registry: &mut Registry) -> Result<Arc<Self>, OpenError> {
        let problems = options.problems();
        if !problems.is_empty() {
            return Err(OpenError::Options { problems });
        }
        let streams = Self {
            topics: Arc::clone(&environment.topics),
            shared: Arc::new(share(environment, options)?),
            metrics: Metrics::register(registry),
            runtime: Handle::current(),
            index: RwLock::default(),
            control: Mutex::new(()),
        };
        streams.sweep_spool()?;
        for (_, definition) in catalog::scan::<Definition>(&**streams.shared.store.catalog(), definition::PREFIX)? {
            let key = definition.key.clone();
            let recipe = Recipe::new(&definition, &streams.shared)
                .map_err(|error| OpenError::Definition { key: key.clone(), reason: error.to_string() })?;
            let stream = streams.start(definition, recipe)?;
            streams.index.write().insert(key, stream);
        }
        Ok(Arc::new(streams))
    }

    /// Removes staged records that no intent knows: their delivery was done, or its intent was never made.
    fn sweep_spool(&self) -> Result<(), OpenError> {
        let catalog = &**self.shared.store.catalog();
        let intents = catalog::scan::<Intent>(catalog, definition::INTENT_PREFIX)?;
        let names: HashSet<String> = intents.into_iter().filter_map(|(_, intent)| Some(intent.staged?.name)).collect();
        self.shared
            .spool
            .sweep(|name| names.contains(name))
            .map_err(|error| OpenError::Spool { reason: error.to_string() })
    }

    /// The delivery stream called `name` of an account in a region.
    pub fn get(&self, key: &StreamKey) -> Option<Arc<DeliveryStream>> {
        self.index.read().get(key).cloned()
    }

    /// The delivery streams of an account in a region, in the order of their names, from behind the name `after` on.
    pub fn list(&self, account: &str, region: &str, after: &str) -> Vec<Arc<DeliveryStream>> {
        let from = StreamKey::new(account, region, after);
        let index = self.index.read();
        let behind = index.range((Bound::Excluded(from), Bound::Unbounded));
        behind
            .take_while(|(key, _)| key.account == account && key.region == region)
            .map(|(_, stream)| Arc::clone(stream))
            .collect()
    }

    /// Every delivery stream, in the order of their keys.
    pub fn all(&self) -> Vec<Arc<DeliveryStream>> {
        self.index.read().values().cloned().collect()
    }

    /// Creates a delivery stream, which is at once ready for use. Of a source stream it delivers what arrives from now on.
    /// Blocks on the disk; on `Ok` it survives power loss.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is created then.
    pub fn create(&self, new: NewDeliveryStream) -> Result<Arc<DeliveryStream>, CreateError> {
        let _control = self.control.lock();
        self.create_check(&new.key)?;
        let now_ms = self.shared.store.clock().unix_millis();
        let (source, checkpoint) = self.create_source(new.source, now_ms)?;
        let definition = Definition {
            key: new.key,
            id: uuid::Uuid::new_v4().to_string(),
            created_ms: now_ms,
            updated_ms: None,
            version: 1,
            source,
            destination: new.destination,
            attributes: new.attributes,
        };
        let recipe = Recipe::new(&definition, &self.shared)?;
        if let Some(table) = TableSource::new(&self.shared.tables, &definition) {
            let name = table.key().to_string();
            table.schema(1).map_err(|error| CreateError::Table { name, error })?;
        }
        self.shared.store.catalog().commit(&[
            Change::put(Definition::catalog_key(&definition.key), &definition),
            Change::put(definition.checkpoint_key(), &checkpoint),
            Change::put(definition.settings_key(), &new.settings),
        ])?;
        let key = definition.key.clone();
        let stream = self.start(definition, recipe)?;
        self.index.write().insert(key, Arc::clone(&stream));
        Ok(stream)
    }

    fn create_check(&self, key: &StreamKey) -> Result<(), CreateError> {
        if self.get(key).is_some() {
            return Err(CreateError::AlreadyExists { key: key.clone() });
        }
        if self.list(&key.account, &key.region, "").len() >= DELIVERY_STREAMS_MAX {
            let (account, region) = (key.account.clone(), key.region.clone());
            return Err(CreateError::TooMany { account, region, limit: DELIVERY_STREAMS_MAX });
        }
        Ok(())
    }

    fn create_source(&self, source: NewSource, now_ms: u64) -> Result<(Source, Checkpoint), CreateError> {
        let key = match source {
            NewSource::DirectPut => {
                // There is one log, since one was asked for.
                let log = self.shared.store.allocate_logs(1)?.first().copied().unwrap_or(LogId(0));
                return Ok((Source::DirectPut { log }, Checkpoint::default()));
            }
            NewSource::Topic { topic, .. } if !self.topics.knows(&topic.cluster) => {
                return Err(CreateError::ClusterNotFound { cluster: topic.cluster });
            }
            NewSource::Topic { read_from_ms: Some(from_ms), .. } if from_ms > now_ms => {
                return Err(CreateError::StartsLater);
            }
            NewSource::Topic { topic, read_from_ms } => {
                let started_ms = read_from_ms.unwrap_or(now_ms);
                return Ok((Source::Topic { topic, started_ms }, Checkpoint::default()));
            }
            NewSource::Stream(key) => key,
        };
        let stream = self.shared.sources.find(&key).ok_or_else(|| CreateError::SourceNotFound { key: key.clone() })?;
        let positions = stream.logs.iter().map(|log| Position { log: log.id, next_ordinal: log.log.end() }).collect();
        Ok((Source::Stream { key, id: stream.id, started_ms: now_ms }, Checkpoint { positions }))
    }

    /// Starts the task of a delivery stream where the catalog says that it stands.
    fn start(&self, definition: Definition, mut recipe: Recipe) -> Result<Arc<DeliveryStream>, CatalogError> {
        let catalog = &**self.shared.store.catalog();
        let checkpoint = catalog::get(catalog, &definition.checkpoint_key())?.unwrap_or_default();
        let intent = catalog::get(catalog, &definition.intent_key())?;
        let schema = self.start_schema(&definition)?;
        let settings: Settings = catalog::get(catalog, &definition.settings_key())?.unwrap_or_default();
        let metrics = self.metrics.stream(&definition.key.name);
        let definition = Arc::new(definition);
        let (control, commands) = watch::channel(Command::Run);
        let status = Arc::new(Status::default());
        let (topic, feed) = self.start_topic(&definition, &checkpoint, &commands)?.unzip();
        let (outbox, sender) = self.start_outbox(recipe.take_notifier(), &definition, &metrics, &commands)?.unzip();
        let keeper = Keeper::new(
            &self.shared,
            &definition,
            recipe.parquet_options(),
            topic.clone(),
            commands.clone(),
            metrics.clone(),
            outbox.clone(),
        );
        let mut troubles = vec![keeper.trouble()];
        troubles.extend(sender.iter().map(Sender::trouble));
        let driver = Driver::new(Parts {
            shared: Arc::clone(&self.shared),
            topic: topic.clone(),
            definition: Arc::clone(&definition),
            recipe,
            metrics: metrics.clone(),
            status: Arc::clone(&status),
            control: commands,
            checkpoint,
            intent,
            schema,
            landing: keeper.landing(),
            outbox,
        });
        let log = match &definition.source {
            Source::DirectPut { log } => Some((*log, self.shared.store.log(*log))),
            Source::Stream { .. } | Source::Topic { .. } => None,
        };
        let feeding = feed.map(|feed| self.topics.read(feed));
        let sending = sender.map(Sender::run);
        let task = self.runtime.spawn(async move {
            let feeding = OptionFuture::from(feeding);
            tokio::join!(driver.run(), keeper.run(), OptionFuture::from(sending), feeding);
        });
        let stream = DeliveryStream {
            log,
            throttle: PutThrottle::new(self.shared.store.clock().unix_millis(), settings.put_mib_per_second),
            settings: RwLock::default(),
            is_enforced: self.shared.options.enforces(&definition.key.name),
            clock: Arc::clone(self.shared.store.clock()),
            metrics,
            status,
            troubles,
            topic,
            control,
            task: Mutex::new(Some(task)),
            definition,
        };
        stream.apply_settings(Arc::new(settings));
        Ok(Arc::new(stream))
    }

    /// The notices of what lands, and what sends them, if anybody wants to know.
    fn start_outbox(
        &self,
        notifier: Option<Notifier>,
        definition: &Arc<Definition>,
        metrics: &StreamMetrics,
        commands: &watch::Receiver<Command>,
    ) -> Result<Option<(Arc<Outbox>, Sender)>, CatalogError> {
        let Some(notifier) = notifier else { return Ok(None) };
        let store = self.shared.store.clone();
        let outbox = Arc::new(Outbox::open(&**store.catalog(), &definition.id, metrics.clone())?);
        let sender = Sender::new(store, Arc::clone(definition), Arc::clone(&outbox), notifier, commands.clone());
        Ok(Some((outbox, sender)))
    }

    /// The logs of the topic that a delivery stream is fed from, and what feeds them.
    fn start_topic(
        &self,
        definition: &Definition,
        checkpoint: &Checkpoint,
        commands: &watch::Receiver<Command>,
    ) -> Result<Option<(Arc<TopicLogs>, Feed)>, CatalogError> {
        let Source::Topic { topic, started_ms } = &definition.source else { return Ok(None) };
        let logs = Arc::new(TopicLogs::open(self.shared.store.clone(), definition.partitions_key(), checkpoint)?);
        let (key, runtime) = (definition.key.clone(), self.runtime.clone());
        let feed = Feed::new(key, topic.clone(), *started_ms, Arc::clone(&logs), commands.clone(), runtime);
        Ok(Some((logs, feed)))
    }

    /// The schema to convert with: that of the table as it is now, or the one that was learnt.
    fn start_schema(&self, definition: &Definition) -> Result<Schema, CatalogError> {
        let catalog = &**self.shared.store.catalog();
        let stored: Schema = catalog::get(catalog, &definition.schema_key())?.unwrap_or_default();
        let Some(table) = TableSource::new(&self.shared.tables, definition) else { return Ok(stored) };
        let schema = table.current(&stored);
        if schema != stored {
            // Kept for the day when the table is no longer there.
            catalog.commit(&[Change::put(definition.schema_key(), &schema)])?;
        }
        Ok(schema)
    }

    /// Deletes a delivery stream with the records that it has not delivered. An upload that is under way may still appear.
    ///
    /// # Errors
    /// See [`DeleteError`].
    pub async fn delete(self: &Arc<Self>, key: &StreamKey) -> Result<(), DeleteError> {
        let stream = self.get(key).ok_or_else(|| DeleteError::NotFound { key: key.clone() })?;
        let streams = Arc::clone(self);
        let delete = async move {
            stream.stop(Command::Stop, STOP_PATIENCE).await;
            tokio::task::spawn_blocking(move || streams.delete_stored(&stream)).await
        };
        let deleted = self.to_the_end(delete).await?;
        deleted.unwrap_or_else(|error| Err(DeleteError::Catalog(CatalogError::Storage { reason: error.to_string() })))
    }

    fn delete_stored(&self, stream: &Arc<DeliveryStream>) -> Result<(), DeleteError> {
        let definition = stream.definition();
        let (partition_logs, partitions_removed) = stream.topic.as_ref().map(|topic| topic.close()).unzip();
        let mut logs: Vec<LogId> = partition_logs.unwrap_or_default();
        logs.extend(stream.log.iter().map(|(id, _)| *id));
        let mut changes = self.shared.store.drop_logs(&logs);
        changes.extend(partitions_removed);
        changes.extend([
            Change::delete(Definition::catalog_key(&definition.key)),
            Change::delete(definition.checkpoint_key()),
            Change::delete(definition.intent_key()),
            Change::delete(definition.schema_key()),
            Change::delete(definition.settings_key()),
        ]);
        let catalog = &**self.shared.store.catalog();
        let mut keys = partitions::catalog_keys(catalog, &definition.id)?;
        keys.extend(outbox::catalog_keys(catalog, &definition.id)?);
        changes.extend(keys.into_iter().map(Change::delete));
        {
            let _control = self.control.lock();
            // Somebody else may have deleted it meanwhile, and created another of this name.
            if !self.get(&definition.key).is_some_and(|present| Arc::ptr_eq(&present, stream)) {
                return Err(DeleteError::NotFound { key: definition.key.clone() });
            }
            self.shared.store.catalog().commit(&changes)?;
            self.index.write().remove(&definition.key);
        }
        if !self.index.read().keys().any(|key| key.name == definition.key.name) {
            self.metrics.remove(&definition.key.name);
        }
        self.shared.store.remove_logs(&logs)?;
        Ok(())
    }

    /// Delivers what all delivery streams have buffered, without waiting for size or age, and stops them; what is not
    /// done in `patience` is left for the next start. Returns the names of those that were not done.
    pub async fn drain(&self, patience: Duration) -> Vec<String> {
        let streams = self.all();
        for stream in &streams {
            stream.control.send_replace(Command::Drain);
        }
        let deadline = tokio::time::Instant::now() + patience;
        let mut undone = Vec::new();
        for stream in streams {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            if !stream.stop(Command::Drain, left).await {
                undone.push(stream.definition.key.name.clone());
            }
        }
        undone
    }
}
