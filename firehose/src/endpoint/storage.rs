//! What endpoints that load objects need: the destination's bucket, and a place to make objects in.

use std::fmt;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use bytes::Bytes;
use shard_store::map_file;

use crate::definition::ObjectCompression;
use crate::object;
use crate::record::Record;
use crate::sink::{Sink, SinkError, Sinks};
use crate::spool::Spool;

/// Where an endpoint makes and stores objects.
#[derive(Clone)]
pub(crate) struct Storage {
    /// Opens buckets.
    pub(crate) sinks: Arc<dyn Sinks>,
    /// Holds objects in the making.
    pub(crate) spool: Spool,
    /// The destination's bucket.
    pub(crate) bucket: String,
    /// The compression of objects in it.
    pub(crate) compression: ObjectCompression,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl Storage {
    /// A bucket.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) async fn open(&self, bucket: &str) -> Result<Arc<dyn Sink>, SinkError> {
        let (sinks, name) = (Arc::clone(&self.sinks), bucket.to_owned());
        match tokio::task::spawn_blocking(move || sinks.open(&name)).await {
            Ok(opened) => opened,
            Err(error) => Err(failed("objects", bucket, error.to_string())),
        }
    }

    /// Stores records as one object of the destination's bucket, unless an object of that key is there already.
    ///
    /// # Errors
    /// The object cannot be made, or the bucket refuses it.
    pub(crate) async fn store_records(&self, key: &str, records: &[Record]) -> Result<(), SinkError> {
        let sink = self.open(&self.bucket).await?;
        // An object is there whole or not at all, and nobody else writes this key.
        if sink.size_of(key).await?.is_some() {
            return Ok(());
        }
        let datas: Vec<Bytes> = records.iter().map(|record| record.data.clone()).collect();
        let (spool, compression, object_key) = (self.spool.clone(), self.compression, key.to_owned());
        let encoded = tokio::task::spawn_blocking(move || {
            let mut output = BufWriter::new(spool.scratch()?);
            object::encode_to(datas.iter().map(|data| &data[..]), compression, &object_key, &mut output)?;
            output.flush()?;
            map_file(output.get_ref())
        })
        .await;
        let object = match encoded {
            Ok(Ok(object)) => object,
            Ok(Err(error)) => return Err(failed(key, &self.bucket, error.to_string())),
            Err(error) => return Err(failed(key, &self.bucket, error.to_string())),
        };
        sink.put(key, object).await
    }
}

fn failed(key: &str, bucket: &str, reason: String) -> SinkError {
    SinkError { action: "store", key: key.to_owned(), bucket: bucket.to_owned(), reason }
}
