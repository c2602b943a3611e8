//! Where objects are stored: a thin layer over `object_store`.
//!
//! A [`Sink`] is one bucket. It stores an object as a whole or not at all, and on `Ok` the object is as durable as the
//! store can make it. Storing the same object again under the same key does no harm, which is what retries rest on.
//!
//! What this does not do: retry. The delivery decides how long to wait, and sees to it that a bucket that refuses holds up
//! nothing but itself (see [`crate::delivery`]).

mod config;
#[cfg(test)]
pub(crate) mod faulty;
mod local;
mod s3;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use shard_store::log::BoxFuture;

pub use config::{ConfigError, Options};

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
}

/// Opens buckets.
pub trait Sinks: Send + Sync + 'static {
    /// The bucket called `bucket`.
    ///
    /// # Errors
    /// Its directory cannot be made, or its client cannot be set up.
    fn open(&self, bucket: &str) -> Result<Arc<dyn Sink>, SinkError>;
}

/// Buckets of the configured object store.
pub struct ObjectSinks(Kind);

enum Kind {
    Local { root: PathBuf },
    S3 { options: Options },
}

impl ObjectSinks {
    /// The object store that `options` name; without a URL, the buckets are directories in `default_dir`.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn new(options: &Options, default_dir: &Path) -> Result<Self, ConfigError> {
        Ok(Self(match options.location()? {
            config::Location::Default => Kind::Local { root: default_dir.to_owned() },
            config::Location::Directory(root) => Kind::Local { root },
            config::Location::S3 => Kind::S3 { options: options.clone() },
        }))
    }
}

impl Sinks for ObjectSinks {
    fn open(&self, bucket: &str) -> Result<Arc<dyn Sink>, SinkError> {
        match &self.0 {
            Kind::Local { root } => Ok(Arc::new(local::LocalSink::open(root, bucket)?)),
            Kind::S3 { options } => Ok(Arc::new(s3::S3Sink::open(options, bucket)?)),
        }
    }
}

/// What both kinds do alike: one object through an `object_store`.
async fn put_object(
    store: &dyn object_store::ObjectStore,
    bucket: &str,
    key: &str,
    object: Bytes,
) -> Result<(), SinkError> {
    let fail = |reason: String| SinkError { action: "store", key: key.to_owned(), bucket: bucket.to_owned(), reason };
    let path = object_store::path::Path::parse(key).map_err(|error| fail(error.to_string()))?;
    let options = object_store::PutOptions::default();
    store.put_opts(&path, object.into(), options).await.map_err(|error| fail(explain(&error)))?;
    Ok(())
}

async fn object_size(store: &dyn object_store::ObjectStore, bucket: &str, key: &str) -> Result<Option<u64>, SinkError> {
    let fail = |reason: String| SinkError { action: "find", key: key.to_owned(), bucket: bucket.to_owned(), reason };
    let path = object_store::path::Path::parse(key).map_err(|error| fail(error.to_string()))?;
    let options = object_store::GetOptions { head: true, ..object_store::GetOptions::default() };
    match store.get_opts(&path, options).await {
        Ok(found) => Ok(Some(found.meta.size)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(fail(explain(&error))),
    }
}

/// An error with its causes on one line; each cause is left out where the text before it has it already.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
