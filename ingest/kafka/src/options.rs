//! The options, as they stand in a configuration file under `[kafka]`.

use std::collections::BTreeMap;
use std::time::Duration;

use bytesize::ByteSize;
use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

use crate::limits::STATISTICS_INTERVAL;

/// Properties that decide what is read and when; they are not for a configuration to change.
const OURS: &[&str] = &[
    "allow.auto.create.topics",
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.partition.eof",
    "isolation.level",
    "metadata.broker.list",
    "queued.max.messages.kbytes",
    "statistics.interval.ms",
];

/// What an ARN of a cluster begins with, before its name.
const CLUSTER: &str = ":cluster/";

/// How Kafka topics are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// The most that each delivery stream reads ahead of its deliveries, on the disk.
    pub undelivered_size: ByteSize,
    /// Memory for what is fetched ahead, for each delivery stream.
    pub fetch_memory: ByteSize,
    /// How often it is looked whether a topic has more partitions.
    #[serde(with = "humantime_serde")]
    pub metadata_interval: Duration,
    /// The clusters, each by its ARN or the name in that.
    pub clusters: BTreeMap<String, Cluster>,
}

/// How a cluster is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cluster {
    /// Addresses of some of its brokers, `HOST:PORT`, with commas between them.
    pub bootstrap_servers: String,
    /// Further properties of librdkafka, by their names there.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            undelivered_size: ByteSize::gib(4),
            fetch_memory: ByteSize::mib(64),
            metadata_interval: Duration::from_secs(30),
            clusters: BTreeMap::new(),
        }
    }
}

impl Options {
    /// The cluster of this ARN: by the whole of it, or by its name.
    pub(crate) fn cluster(&self, arn: &str) -> Option<&Cluster> {
        self.clusters.get(arn).or_else(|| {
            let (_, resource) = arn.split_once(CLUSTER)?;
            self.clusters.get(resource.split('/').next()?)
        })
    }

    /// What a consumer of the cluster is made with.
    pub(crate) fn client_config(&self, cluster: &Cluster) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "headwater")
            // It is demanded for reading; nothing is committed to it, and nobody joins it.
            .set("group.id", "headwater");
        for (name, value) in &cluster.properties {
            config.set(name, value);
        }
        config
            .set("bootstrap.servers", &cluster.bootstrap_servers)
            .set("allow.auto.create.topics", "false")
            .set("auto.offset.reset", "error")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "false")
            .set("isolation.level", "read_committed")
            .set("queued.max.messages.kbytes", (self.fetch_memory.as_u64() / 1024).clamp(1, 1 << 20).to_string())
            .set("statistics.interval.ms", STATISTICS_INTERVAL.as_millis().to_string());
        config
    }

    /// Everything that is wrong with the options, each as a sentence with its key.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(ByteSize::mib(1)..=ByteSize::gib(1)).contains(&self.fetch_memory) {
            problems.push(format!("kafka.fetch-memory is {}; it must be from 1 MiB to 1 GiB", self.fetch_memory));
        }
        if self.undelivered_size < ByteSize::mib(1) {
            problems.push(format!("kafka.undelivered-size is {}; it must be at least 1 MiB", self.undelivered_size));
        }
        if self.metadata_interval < Duration::from_millis(100) {
            problems.push("kafka.metadata-interval is too short; it must be at least 100ms".to_owned());
        }
        problems.extend(self.clusters.iter().flat_map(|(name, cluster)| {
            let key = format!("kafka.clusters.{name:?}");
            self.cluster_problems(cluster).into_iter().map(move |problem| format!("{key}{problem}"))
        }));
        problems
    }

    fn cluster_problems(&self, cluster: &Cluster) -> Vec<String> {
        let mut problems = Vec::new();
        if cluster.bootstrap_servers.trim().is_empty() {
            problems.push(".bootstrap-servers is empty; name a broker, HOST:PORT".to_owned());
        }
        let ours = cluster.properties.keys().filter(|name| OURS.contains(&name.as_str()));
        problems.extend(ours.map(|name| format!(".properties: {name} is for the server to decide")));
        if let Err(error) = self.client_config(cluster).create_native_config() {
            problems.push(format!(".properties: {error}"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(cluster: &str, properties: &[(&str, &str)]) -> Options {
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = Cluster { bootstrap_servers: "broker:9092".to_owned(), properties };
        Options { clusters: BTreeMap::from([(cluster.to_owned(), found)]), ..Options::default() }
    }

    #[test]
    fn a_cluster_is_found_by_its_arn_or_its_name() {
        let arn = "arn:aws:kafka:us-east-1:000000000000:cluster/clicks/0a1b-2";
        assert!(options(arn, &[]).cluster(arn).is_some());
        assert!(options("clicks", &[]).cluster(arn).is_some());
        assert!(options("click", &[]).cluster(arn).is_none());
        assert!(options("clicks", &[]).cluster("arn:aws:kafka:x").is_none());
    }

    #[test]
    fn properties_reach_librdkafka_unless_they_are_ours() {
        let good = options("a", &[("socket.timeout.ms", "1000"), ("fetch.wait.max.ms", "10")]);
        assert_eq!(good.problems(), Vec::<String>::new());
        assert_eq!(good.client_config(&good.clusters["a"]).get("socket.timeout.ms"), Some("1000"));
        for properties in [[("enable.auto.commit", "true")], [("no.such.property", "1")], [("socket.timeout.ms", "x")]]
        {
            assert_eq!(options("a", &properties).problems().len(), 1, "{properties:?}");
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let mut options = options("a", &[("isolation.level", "read_uncommitted")]);
        options.fetch_memory = ByteSize::b(1);
        options.undelivered_size = ByteSize::b(1);
        options.metadata_interval = Duration::ZERO;
        if let Some(cluster) = options.clusters.get_mut("a") {
            cluster.bootstrap_servers = " ".to_owned();
        }
        assert_eq!(options.problems().len(), 5, "{:?}", options.problems());
    }
}
