//! Changing the [`Settings`] of a delivery stream: tags, and the encryption of its own log.

use std::collections::BTreeMap;
use std::sync::Arc;

use shard_store::catalog::Change;
use shard_store::error::KeyError;
use shard_store::stream::{Encryption, StreamKey};

use super::DeliveryStreams;
use crate::definition::Settings;
use crate::error::ChangeError;
use crate::limits::TAGS_MAX;

impl DeliveryStreams {
    /// The key with this id, alias or ARN in the store's keyring. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound`, or the keyring cannot be read.
    pub fn find_key(&self, name: &str) -> Result<Encryption, KeyError> {
        Ok(Encryption { key: self.shared.store.keyring().resolve(name)?, name: name.to_owned() })
    }

    /// Adds tags; those of keys that are there are replaced. Blocks on the disk; on `Ok` they survive power loss.
    ///
    /// # Errors
    /// `TooManyTags`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn add_tags(&self, key: &StreamKey, tags: BTreeMap<String, String>) -> Result<(), ChangeError> {
        self.change(key, |settings| {
            settings.tags.extend(tags);
            if settings.tags.len() > TAGS_MAX {
                return Err(ChangeError::TooManyTags { key: key.clone(), limit: TAGS_MAX });
            }
            Ok(())
        })
    }

    /// Removes tags; keys that are not there are passed over. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound` or `Catalog`; nothing is changed then.
    pub fn remove_tags(&self, key: &StreamKey, tag_keys: &[String]) -> Result<(), ChangeError> {
        self.change(key, |settings| {
            settings.tags.retain(|tag_key, _| !tag_keys.contains(tag_key));
            Ok(())
        })
    }

    /// Encrypts the records that are put from now on, or stops encrypting; those that are there stay as they are, and
    /// readable. Blocks on the disk.
    ///
    /// # Errors
    /// `NotDirectPut`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn set_encryption(&self, key: &StreamKey, encryption: Option<Encryption>) -> Result<(), ChangeError> {
        self.change(key, |settings| {
            settings.encryption = encryption;
            Ok(())
        })
    }

    fn change(
        &self,
        key: &StreamKey,
        change: impl FnOnce(&mut Settings) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        let _control = self.control.lock();
        let stream = self.get(key).ok_or_else(|| ChangeError::NotFound { key: key.clone() })?;
        let before = stream.settings();
        let mut settings = Settings::clone(&before);
        change(&mut settings)?;
        if settings == *before {
            return Ok(());
        }
        let is_encryption_changed = settings.encryption != before.encryption;
        if is_encryption_changed && stream.log.is_none() {
            return Err(ChangeError::NotDirectPut { key: key.clone() });
        }
        self.shared.store.catalog().commit(&[Change::put(stream.definition().settings_key(), &settings)])?;
        stream.apply_settings(Arc::new(settings));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use prometheus_client::registry::Registry;
    use shard_store::Store;
    use shard_store::clock::SystemClock;
    use shard_store::keyring::DELIVERY_ALIAS;
    use shard_store::log::NewRecord;
    use shard_store::stream::Streams;

    use super::*;
    use crate::definition::{BufferHints, Destination, ObjectCompression};
    use crate::engine::{Environment, NewDeliveryStream, NewSource};
    use crate::sink::{ObjectSinks, Options as SinkOptions};
    use crate::topic::NoTopics;

    fn open(dir: &Path) -> Arc<DeliveryStreams> {
        let mut registry = Registry::default();
        let options = shard_store::Options::default();
        let store = Store::open(&dir.join("store"), options, Arc::new(SystemClock), &mut registry).unwrap();
        let environment = Environment {
            sources: Streams::open(store.clone(), shard_store::stream::Options::default()).unwrap(),
            topics: Arc::new(NoTopics),
            tables: Arc::new(std::collections::BTreeMap::new()),
            sinks: Arc::new(ObjectSinks::new(&SinkOptions::default(), &dir.join("objects")).unwrap()),
            work_dir: dir.join("delivery"),
            store,
        };
        DeliveryStreams::open(environment, crate::Options::default(), &mut registry).unwrap()
    }

    /// Within a runtime of its own, whose end ends all tasks, so that the store can be opened again.
    fn in_a_program(dir: &Path, run: impl AsyncFnOnce(Arc<DeliveryStreams>)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { run(open(dir)).await });
        runtime.shutdown_timeout(std::time::Duration::from_secs(30));
    }

    fn create(streams: &DeliveryStreams, settings: Settings) -> StreamKey {
        let key = StreamKey::new("000000000000", "us-east-1", "clicks");
        let destination = Destination {
            bucket: "lake".to_owned(),
            prefix: String::new(),
            error_prefix: String::new(),
            time_zone: String::new(),
            file_extension: String::new(),
            buffer: BufferHints { size_mib: 128, interval_seconds: 900 },
            compression: ObjectCompression::Uncompressed,
            conversion: None,
            processors: Vec::new(),
            is_partitioned: false,
            backup: None,
            endpoint: None,
        };
        let attributes = serde_json::Value::Null;
        streams
            .create(NewDeliveryStream {
                key: key.clone(),
                source: NewSource::DirectPut,
                destination,
                attributes,
                settings,
            })
            .unwrap();
        key
    }

    async fn put(streams: &DeliveryStreams, key: &StreamKey, data: &[u8]) {
        let record = NewRecord { partition_key: "", explicit_hash_key: None, data: &data };
        streams.get(key).unwrap().put(&[record]).unwrap().record_ids().await.unwrap();
    }

    fn is_on_disk(dir: &Path, text: &[u8]) -> bool {
        std::fs::read_dir(dir).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => is_on_disk(&path, text),
                false => std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text),
            }
        })
    }

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn tags_and_encryption_are_there_after_a_restart_and_gone_with_the_delivery_stream() {
        let dir = tempfile::tempdir().unwrap();
        in_a_program(dir.path(), async |streams| {
            let settings = Settings { tags: tags(&[("a", "1"), ("b", "2")]), ..Settings::default() };
            let key = create(&streams, settings);
            put(&streams, &key, b"told in the clear").await;
            streams.add_tags(&key, tags(&[("b", "3"), ("c", "4")])).unwrap();
            streams.remove_tags(&key, &["a".to_owned(), "none".to_owned()]).unwrap();
            let encryption = streams.find_key(DELIVERY_ALIAS).unwrap();
            streams.set_encryption(&key, Some(encryption)).unwrap();
            put(&streams, &key, b"told in secret").await;
        });
        in_a_program(dir.path(), async |streams| {
            let key = StreamKey::new("000000000000", "us-east-1", "clicks");
            put(&streams, &key, b"also kept secret").await;
            let settings = streams.get(&key).unwrap().settings();
            assert_eq!(settings.tags, tags(&[("b", "3"), ("c", "4")]));
            assert_eq!(settings.encryption.as_ref().map(|encryption| encryption.name.as_str()), Some(DELIVERY_ALIAS));
            assert_eq!(streams.drain(std::time::Duration::from_secs(30)).await, Vec::<String>::new());
        });
        let store = dir.path().join("store");
        assert!(is_on_disk(&store, b"told in the clear"));
        assert!(!is_on_disk(&store, b"told in secret") && !is_on_disk(&store, b"also kept secret"));
        assert!(is_on_disk(&dir.path().join("objects"), b"told in the cleartold in secretalso kept secret"));
        in_a_program(dir.path(), async |streams| {
            let key = StreamKey::new("000000000000", "us-east-1", "clicks");
            streams.delete(&key).await.unwrap();
            assert!(matches!(streams.set_encryption(&key, None), Err(ChangeError::NotFound { .. })));
            assert_eq!(create(&streams, Settings::default()), key);
            assert_eq!(*streams.get(&key).unwrap().settings(), Settings::default());
        });
    }

    #[test]
    fn a_delivery_stream_has_fifty_tags_at_most() {
        let dir = tempfile::tempdir().unwrap();
        in_a_program(dir.path(), async |streams| {
            let key = create(&streams, Settings::default());
            let many = (0..TAGS_MAX).map(|number| (number.to_string(), String::new())).collect();
            streams.add_tags(&key, many).unwrap();
            streams.add_tags(&key, tags(&[("0", "replaced")])).unwrap();
            let refusal = streams.add_tags(&key, tags(&[("one more", "")]));
            assert!(matches!(refusal, Err(ChangeError::TooManyTags { limit: TAGS_MAX, .. })));
            assert_eq!(streams.get(&key).unwrap().settings().tags.len(), TAGS_MAX);
        });
    }
}
