//! Where objects are stored: a thin layer over `object_store`.
//!
//! A [`Sink`] is one bucket. It stores an object as a whole or not at all, and on `Ok` the object is as durable as the
//! store can make it. Storing the same object again under the same key does no harm, which is what retries rest on.
//!
//! What this does not do: retry. The delivery decides how long to wait, and sees to it that a bucket that refuses holds up
//! nothing but itself (see [`crate::delivery`]).

mod bucket;
mod config;
#[cfg(test)]
pub(crate) mod faulty;
mod local;
mod remote;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use shard_store::log::BoxFuture;

use config::Location;
pub use config::{ConfigError, Options};
use remote::Cloud;

/// A bucket refused, could not be reached, or does not make sense.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {action} {key} in bucket {bucket}: {reason}")]
pub struct SinkError {
    /// What was being done, a verb.
    pub action: &'static str,
    /// The object.
    pub key: String,
    /// The bucket.
    pub bucket: String,
    /// What the store said.
    pub reason: String,
}

/// One bucket.
pub trait Sink: Send + Sync + 'static {
    /// Stores an object, replacing any of the same key. On `Ok` it is durable and visible.
    ///
    /// # Errors
    /// The object may be there all the same, if only the answer was lost.
    fn put<'a>(&'a self, key: &'a str, object: Bytes) -> BoxFuture<'a, Result<(), SinkError>>;

    /// The size of an object in bytes, or `None` if there is none of that key.
    ///
    /// # Errors
    /// The bucket refuses or cannot be reached.
    fn size_of<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, SinkError>>;

    /// An object, or `None` if there is none of that key.
    ///
    /// # Errors
    /// It has more than `byte_count_max` bytes, which are not read then; the bucket refuses or cannot be reached.
    fn get<'a>(&'a self, key: &'a str, byte_count_max: u64) -> BoxFuture<'a, Result<Option<Bytes>, SinkError>>;

    /// Removes an object for good; one that is not there is removed already.
    ///
    /// # Errors
    /// The object may be gone all the same, if only the answer was lost.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SinkError>>;
}

/// Opens buckets.
pub trait Sinks: Send + Sync + 'static {
    /// The bucket called `bucket`.
    ///
    /// # Errors
    /// Its directory cannot be made, or its client cannot be set up.
    fn open(&self, bucket: &str) -> Result<Arc<dyn Sink>, SinkError>;

    /// What an object is called outside, as in manifests.
    fn url(&self, bucket: &str, key: &str) -> String {
        format!("s3://{bucket}/{key}")
    }
}

/// Buckets of the configured object store.
pub struct ObjectSinks(Kind);

enum Kind {
    Local { root: PathBuf },
    Remote { cloud: Cloud, options: Box<Options> },
}

impl ObjectSinks {
    /// The object store that `options` name; without a URL, the buckets are directories in `default_dir`.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn new(options: &Options, default_dir: &Path) -> Result<Self, ConfigError> {
        Ok(Self(match options.location()? {
            Location::Default => Kind::Local { root: default_dir.to_owned() },
            Location::Directory(root) => Kind::Local { root },
            Location::Remote(cloud) => Kind::Remote { cloud, options: Box::new(options.clone()) },
        }))
    }
}

impl Sinks for ObjectSinks {
    fn open(&self, bucket: &str) -> Result<Arc<dyn Sink>, SinkError> {
        match &self.0 {
            Kind::Local { root } => Ok(Arc::new(local::LocalSink::open(root, bucket)?)),
            Kind::Remote { cloud, options } => Ok(Arc::new(remote::RemoteSink::open(*cloud, options, bucket)?)),
        }
    }

    fn url(&self, bucket: &str, key: &str) -> String {
        let scheme = match &self.0 {
            Kind::Local { root } => return format!("file://{}/{bucket}/{key}", root.display()),
            Kind::Remote { cloud: Cloud::S3, .. } => "s3",
            Kind::Remote { cloud: Cloud::Azure, .. } => "az",
            Kind::Remote { cloud: Cloud::Google, .. } => "gs",
        };
        format!("{scheme}://{bucket}/{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn objects_are_stored_whole_replaced_and_measured() {
        let dir = tempfile::tempdir().unwrap();
        let sinks = ObjectSinks::new(&Options::default(), &dir.path().join("objects")).unwrap();
        let sink = sinks.open("lake").unwrap();
        assert_eq!(sink.size_of("a/b/c").await.unwrap(), None);
        for text in ["first", "second one"] {
            sink.put("a/b/c", Bytes::from(text)).await.unwrap();
            assert_eq!(sink.size_of("a/b/c").await.unwrap(), Some(text.len() as u64));
        }
        assert_eq!(std::fs::read(dir.path().join("objects/lake/a/b/c")).unwrap(), b"second one");
        assert_eq!(sink.get("a/b/c", 10).await.unwrap().unwrap(), "second one");
        let error = sink.get("a/b/c", 9).await.unwrap_err().to_string();
        assert!(error.contains("it has 10 bytes"), "{error}");
        for _ in 0..2 {
            sink.delete("a/b/c").await.unwrap();
            assert_eq!(sink.get("a/b/c", 10).await.unwrap(), None);
        }
        sink.delete("no/such/folder/x").await.unwrap();
    }

    #[tokio::test]
    async fn what_a_killed_upload_left_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let sinks = ObjectSinks::new(&Options::default(), dir.path()).unwrap();
        let sink = sinks.open("lake").unwrap();
        std::fs::write(dir.path().join("lake/object#1"), "half").unwrap();
        sink.put("object", Bytes::from_static(b"whole")).await.unwrap();
        let names: Vec<_> =
            std::fs::read_dir(dir.path().join("lake")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["object"]);
    }

    #[tokio::test]
    async fn a_bucket_that_cannot_be_made_or_reached_says_so() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lake"), "a file in the way").unwrap();
        let sinks = ObjectSinks::new(&Options::default(), dir.path()).unwrap();
        let error = sinks.open("lake").err().unwrap().to_string();
        assert!(error.contains("in bucket lake"), "{error}");
        let options = Options {
            url: Some("s3://".to_owned()),
            endpoint: Some("http://127.0.0.1:1".to_owned()),
            access_key_id: Some("a".to_owned()),
            secret_access_key: Some("b".to_owned()),
            allow_http: true,
            ..Options::default()
        };
        let sink = ObjectSinks::new(&options, dir.path()).unwrap().open("lake").unwrap();
        let error = sink.put("x", Bytes::new()).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot store x in bucket lake: "), "{error}");
    }
}
