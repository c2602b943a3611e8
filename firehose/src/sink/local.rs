//! Buckets as directories.
//!
//! `object_store` writes an object beside its place and renames it there, so it appears whole or not at all; asked to, it
//! syncs the file, its directory, and every directory it had to make.

use std::fs::File;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use shard_store::log::BoxFuture;

use super::{Sink, SinkError, object_size, put_object};

pub(super) struct LocalSink {
    bucket: String,
    dir: PathBuf,
    store: LocalFileSystem,
}

impl LocalSink {
    /// The bucket's directory in `root`, made if it is not there.
    pub(super) fn open(root: &Path, bucket: &str) -> Result<Self, SinkError> {
        let dir = root.join(bucket);
        let fail = |reason: String| SinkError {
            action: "store",
            key: "objects".to_owned(),
            bucket: bucket.to_owned(),
            reason: format!("{} is not usable as a directory: {reason}; check its permissions", dir.display()),
        };
        std::fs::create_dir_all(&dir).map_err(|error| fail(error.to_string()))?;
        // The entries of the new directories must last as long as the objects in them.
        for parent in dir.ancestors().skip(1).take(2) {
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| fail(error.to_string()))?;
        }
        let store = LocalFileSystem::new_with_prefix(&dir).map_err(|error| fail(error.to_string()))?.with_fsync(true);
        Ok(Self { bucket: bucket.to_owned(), dir, store })
    }

    /// Removes what uploads of `key` left behind that were killed half way. Nobody else writes this key.
    fn remove_leftovers(&self, key: &str) {
        for number in 1.. {
            // No leftover has this number, as is usual, or it cannot be removed: it harms nobody but the tidy.
            if std::fs::remove_file(self.dir.join(format!("{key}#{number}"))).is_err() {
                return;
            }
        }
    }
}

impl Sink for LocalSink {
    fn put<'a>(&'a self, key: &'a str, object: Bytes) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            put_object(&self.store, &self.bucket, key, object).await?;
            self.remove_leftovers(key);
            Ok(())
        })
    }

    fn size_of<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, SinkError>> {
        Box::pin(object_size(&self.store, &self.bucket, key))
    }
}
