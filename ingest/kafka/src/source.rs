//! [`KafkaTopics`]: reads the topics of the configured clusters.

use std::sync::Arc;

use firehose::topic::{Feed, TopicSource};
use prometheus_client::registry::Registry;
use shard_store::log::BoxFuture;
use tokio::sync::oneshot;

use crate::metrics::Metrics;
use crate::options::Options;
use crate::reader::Reader;

/// Reads the topics of the configured clusters, each delivery stream's on a thread of its own.
pub struct KafkaTopics {
    options: Arc<Options>,
    metrics: Metrics,
}

impl KafkaTopics {
    /// A source with these options, which have no [`Options::problems`]. Its metrics go to `registry`.
    pub fn new(options: Options, registry: &mut Registry) -> Self {
        Self { options: Arc::new(options), metrics: Metrics::register(registry) }
    }
}

impl TopicSource for KafkaTopics {
    fn knows(&self, cluster: &str) -> bool {
        self.options.cluster(cluster).is_some()
    }

    fn read(&self, feed: Feed) -> BoxFuture<'static, ()> {
        let feed = Arc::new(feed);
        let (options, metrics) = (Arc::clone(&self.options), self.metrics.clone());
        Box::pin(async move {
            let cluster = &feed.topic().cluster;
            let Some(found) = options.cluster(cluster) else {
                feed.set_trouble(format!("cluster {cluster} is not configured under kafka.clusters"));
                return feed.stopped().await;
            };
            let name = feed.key().name.clone();
            let config = options.client_config(found);
            let reader = Reader::new(Arc::clone(&feed), Arc::clone(&options), config, metrics.reader(&name));
            let (ending, ended) = oneshot::channel::<()>();
            let spawned = std::thread::Builder::new().name("kafka-reader".to_owned()).spawn(move || {
                reader.run();
                drop(ending);
            });
            match spawned {
                // It never sends: that it is gone is what is waited for.
                Ok(_) => drop(ended.await),
                Err(error) => {
                    feed.set_trouble(format!("no thread could be started to read the topic: {error}"));
                    feed.stopped().await;
                }
            }
            metrics.remove(&name);
        })
    }
}
