//! What buckets of every kind do alike, through `object_store`.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutResult,
};
use tracing::warn;

use super::SinkError;

/// Objects beyond this are sent in parts, so that the time allowed for one request does not bound their size.
pub(super) const WHOLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of a part; S3 takes no smaller ones than 5 MiB.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts of one object. Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const PARTS_MAX: usize = 10_000;

/// Parts of one object that are under way at a time. They are slices of the object, so that they cost no memory.
const PARTS_IN_FLIGHT_MAX: usize = 4;

/// One bucket of an object store.
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) store: Arc<dyn ObjectStore>,
}

impl Bucket {
    pub(super) fn error(&self, action: &'static str, key: &str, reason: String) -> SinkError {
        SinkError { action, key: key.to_owned(), bucket: self.name.clone(), reason }
    }

    fn path(&self, action: &'static str, key: &str) -> Result<Path, SinkError> {
        Path::parse(key).map_err(|error| self.error(action, key, error.to_string()))
    }

    /// Stores an object with one request.
    pub(super) async fn put_whole(&self, key: &str, object: Bytes) -> Result<(), SinkError> {
        let path = self.path("store", key)?;
        let stored = self.store.put_opts(&path, object.into(), PutOptions::default()).await;
        stored.map(|_| ()).map_err(|error| self.error("store", key, explain(&error)))
    }

    /// Stores an object in parts. It appears as a whole with the last request; after a failure the parts are dropped again.
    pub(super) async fn put_parts(&self, key: &str, object: Bytes) -> Result<(), SinkError> {
        let path = self.path("store", key)?;
        let fail = |error: object_store::Error| self.error("store", key, explain(&error));
        let mut upload = self.store.put_multipart_opts(&path, PutMultipartOptions::default()).await.map_err(fail)?;
        match send_parts(upload.as_mut(), &object).await {
            Ok(_) => Ok(()),
            Err(error) => {
                if let Err(error) = upload.abort().await {
                    // What is left costs space until a rule of the bucket for incomplete uploads removes it.
                    warn!(key, bucket = self.name, error = explain(&error), "cannot drop the parts of a failed upload");
                }
                Err(fail(error))
            }
        }
    }

    /// The size of an object.
    pub(super) async fn size_of(&self, key: &str) -> Result<Option<u64>, SinkError> {
        let path = self.path("find", key)?;
        match self.store.head(&path).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error("find", key, explain(&error))),
        }
    }

    /// An object of at most `byte_count_max` bytes.
    pub(super) async fn get(&self, key: &str, byte_count_max: u64) -> Result<Option<Bytes>, SinkError> {
        let path = self.path("read", key)?;
        let found = match self.store.get_opts(&path, GetOptions::default()).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.error("read", key, explain(&error))),
        };
        // A body is never longer than the length that stands in its header, which is this size.
        if found.meta.size > byte_count_max {
            let reason = format!("it has {} bytes, and at most {byte_count_max} are taken", found.meta.size);
            return Err(self.error("read", key, reason));
        }
        found.bytes().await.map(Some).map_err(|error| self.error("read", key, explain(&error)))
    }

    /// Removes an object; one that is not there is removed already.
    pub(super) async fn delete(&self, key: &str) -> Result<(), SinkError> {
        let path = self.path("delete", key)?;
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error("delete", key, explain(&error))),
        }
    }
}

/// Sends the parts and ends the upload. After a failure those under way are waited for, as a part that arrives after the
/// upload was dropped stays for good.
async fn send_parts(upload: &mut dyn MultipartUpload, object: &Bytes) -> object_store::Result<PutResult> {
    let has_failed = AtomicBool::new(false);
    let ranges = part_ranges(object.len()).take_while(|_| !has_failed.load(Ordering::Relaxed));
    let parts = stream::iter(ranges).map(|range| upload.put_part(object.slice(range).into()));
    let outcomes =
        parts.buffer_unordered(PARTS_IN_FLIGHT_MAX).inspect_err(|_| has_failed.store(true, Ordering::Relaxed));
    let failure = outcomes.filter_map(async |outcome| outcome.err()).collect::<Vec<_>>().await.into_iter().next();
    failure.map_or(Ok(()), Err)?;
    upload.complete().await
}

/// The parts of an object, all of one size but the last, as some stores ask for.
fn part_ranges(byte_count: usize) -> impl Iterator<Item = Range<usize>> {
    let part_bytes = PART_BYTES.max(byte_count.div_ceil(PARTS_MAX));
    (0..byte_count).step_by(part_bytes).map(move |start| start..(start + part_bytes).min(byte_count))
}

/// An error with its causes on one line; each cause is left out where the text before it has it already.
pub(super) fn explain(error: &dyn std::error::Error) -> String {
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

    #[test]
    fn parts_cover_an_object_and_are_never_too_many() {
        for byte_count in [1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, PART_BYTES * PARTS_MAX + 1] {
            let ranges: Vec<_> = part_ranges(byte_count).collect();
            assert!(ranges.len() <= PARTS_MAX);
            assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, byte_count));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].len() >= pair[1].len()));
        }
    }
}
