//! Redshift, and beyond AWS any PostgreSQL server.
//!
//! The records of a batch become one object in the destination's bucket, as at AWS. Then:
//!
//! | server | what is done | a record that does not fit |
//! |---|---|---|
//! | Redshift | a manifest that names the object, and a `COPY` of it | fails the load |
//! | PostgreSQL | the records themselves are loaded, as JSON or lines | is found and refused, the others are loaded |
//!
//! **Exactly once**: the id of the batch goes into a table of the server's ([`deliveries`]) in the transaction that loads it.
//!
//! A load that still fails when the retry duration is over is left for a load by hand: the object stays, and a manifest of
//! it is put under `errors/manifests/`, as at AWS.
//!
//! Source: Firehose Developer Guide, "Understand data delivery in Amazon Data Firehose" and "Handle data delivery failures".

mod connection;
mod deliveries;
mod failure;
mod format;
mod options;
mod postgres;
mod statement;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::json;
use shard_store::log::BoxFuture;
use tokio::time::timeout;

pub use options::{DatabaseOptions, TlsMode};

use self::connection::Connection;
use self::deliveries::Delivery;
use self::failure::Failure;
use self::statement::Target;
use super::{Batch, Endpoint, EndpointContext, EndpointError, Storage, Verdict};
use crate::definition::RedshiftEndpoint;
use crate::sink::SinkError;

/// How long one load may take in all.
const LOAD_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Where manifests go of objects that are loaded, and of those that were given up.
const MANIFESTS: &str = "manifests";
const MANIFESTS_GIVEN_UP: &str = "errors/manifests";

/// A cluster, or a server.
pub(super) struct Redshift {
    settings: RedshiftEndpoint,
    target: Target,
    options: DatabaseOptions,
    storage: Storage,
}

impl Redshift {
    /// Reads the settings; no connection is made yet.
    pub(super) fn open(settings: &RedshiftEndpoint, context: &EndpointContext) -> Result<Self, EndpointError> {
        let target =
            Target::new(settings).map_err(|reason| EndpointError::Setting { setting: "CopyCommand", reason })?;
        let (settings, options, storage) = (settings.clone(), context.databases.clone(), context.storage.clone());
        Ok(Self { settings, target, options, storage })
    }

    async fn load(&self, batch: &Batch<'_>) -> Result<Vec<Verdict>, Failure> {
        self.storage.store_records(batch.object_key, batch.records).await.map_err(bucket)?;
        match self.load_object(batch).await {
            // Whether the records are there, the server can tell.
            Err(Failure::Unknown(_)) => self.load_object(batch).await,
            outcome => outcome,
        }
    }

    async fn load_object(&self, batch: &Batch<'_>) -> Result<Vec<Verdict>, Failure> {
        let connection = Connection::open(&self.settings, &self.options).await?;
        if connection.is_redshift {
            self.copy(&connection, batch).await
        } else {
            postgres::load(&connection, &self.target, batch).await
        }
    }

    /// Makes Redshift load the object.
    async fn copy(&self, connection: &Connection, batch: &Batch<'_>) -> Result<Vec<Verdict>, Failure> {
        let manifest_key = self.put_manifest(MANIFESTS, batch).await.map_err(bucket)?;
        deliveries::prepare(connection).await?;
        if let Delivery::New = deliveries::begin(connection, batch.id, batch.now_ms).await? {
            let url = format!("s3://{}/{manifest_key}", self.storage.bucket);
            connection.execute(&self.target.copy(&url)).await?;
            deliveries::commit(connection, batch.id, &Default::default()).await?;
        }
        Ok(vec![Verdict::Delivered; batch.records.len()])
    }

    /// Stores the manifest of a batch's object; returns its key.
    ///
    /// Source: Redshift Database Developer Guide, "Using a manifest to specify data files".
    async fn put_manifest(&self, folder: &str, batch: &Batch<'_>) -> Result<String, SinkError> {
        let key = manifest_key(folder, batch);
        let url = format!("s3://{}/{}", self.storage.bucket, batch.object_key);
        let manifest = json!({"entries": [{"url": url, "mandatory": true}]}).to_string();
        self.storage.open(&self.storage.bucket).await?.put(&key, Bytes::from(manifest)).await?;
        Ok(key)
    }
}

impl Endpoint for Redshift {
    fn send<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Vec<Verdict>> {
        Box::pin(async move {
            if batch.records.is_empty() {
                return Vec::new();
            }
            let loaded = timeout(LOAD_TIMEOUT, self.load(batch)).await;
            match loaded.unwrap_or(Err(Failure::Timeout { what: "the load" })) {
                Ok(verdicts) => verdicts,
                Err(failure) => vec![Verdict::Again(Arc::new(failure.reason())); batch.records.len()],
            }
        })
    }

    fn give_up<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<bool, SinkError>> {
        Box::pin(async move {
            self.storage.store_records(batch.object_key, batch.records).await?;
            self.put_manifest(MANIFESTS_GIVEN_UP, batch).await?;
            Ok(true)
        })
    }
}

fn bucket(error: SinkError) -> Failure {
    Failure::Bucket(error.to_string())
}

/// The key of a batch's manifest: the same whenever it is made. It stands in a statement, so it is plain.
fn manifest_key(folder: &str, batch: &Batch<'_>) -> String {
    let oldest_ms = batch.records.iter().map(|record| record.origin.arrival_ms).min().unwrap_or(batch.now_ms);
    let oldest = i64::try_from(oldest_ms).ok().and_then(DateTime::<Utc>::from_timestamp_millis).unwrap_or_default();
    let name = batch.object_key.rsplit('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    format!("{folder}/{}/{name}", oldest.format("%Y/%m/%d/%H"))
}
