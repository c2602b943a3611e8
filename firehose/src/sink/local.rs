//! Buckets as directories.
//!
//! `object_store` writes an object beside its place and renames it there, so it appears whole or not at all; asked to, it
//! syncs the file, its directory, and every directory it had to make.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use shard_store::log::BoxFuture;

use super::bucket::Bucket;
use super::{Sink, SinkError};

pub(super) struct LocalSink {
    bucket: Bucket,
    dir: PathBuf,
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
        Ok(Self { bucket: Bucket { name: bucket.to_owned(), store: Arc::new(store) }, dir })
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
            self.bucket.put_whole(key, object).await?;
            self.remove_leftovers(key);
            Ok(())
        })
    }

    fn size_of<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, SinkError>> {
        Box::pin(self.bucket.size_of(key))
    }

    fn get<'a>(&'a self, key: &'a str, byte_count_max: u64) -> BoxFuture<'a, Result<Option<Bytes>, SinkError>> {
        Box::pin(self.bucket.get(key, byte_count_max))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            self.bucket.delete(key).await?;
            // Deleted is deleted after a power loss too, which `object_store` sees to for new objects only.
            let folder = self.dir.join(key).parent().map_or_else(|| self.dir.clone(), Path::to_owned);
            let synced = tokio::task::spawn_blocking(move || File::open(folder)?.sync_all()).await;
            match synced.map_err(std::io::Error::other).flatten() {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(self.bucket.error("delete", key, error.to_string()))
                }
                _ => Ok(()),
            }
        })
    }
}
