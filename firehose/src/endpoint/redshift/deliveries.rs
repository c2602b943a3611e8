//! The table in which a server remembers what was delivered to it, [`TABLE`].
//!
//! The id of a batch goes into it in the transaction that loads the batch, so it is there exactly if the records are. A
//! batch whose answer was lost is not loaded again. The table is made where the user's tables are made by default, if it
//! is not there; rows older than the longest outage may be deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, within};
use super::failure::{Failure, reason};
use crate::endpoint::Verdict;
use crate::record::Reason;

/// The table's name.
const TABLE: &str = "headwater_deliveries";

/// What the server knows of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Nothing; from now on it is its own to load.
    New,
    /// It was loaded, but for the records that were refused: their positions and the reasons.
    Done(Vec<(usize, String, String)>),
}

/// Makes the table if it is not there. Not within a transaction.
pub(super) async fn prepare(connection: &Connection) -> Result<(), Failure> {
    let look = format!("SELECT batch FROM {TABLE} LIMIT 0");
    match connection.query(&look).await {
        Err(Failure::Server { state, .. }) if state.code() == "42P01" => {}
        other => return other.map(|_| ()),
    }
    let columns = match connection.is_redshift {
        true => "batch varchar(36) NOT NULL PRIMARY KEY, delivered_at timestamp NOT NULL",
        false => "batch uuid NOT NULL PRIMARY KEY, delivered_at timestamptz NOT NULL DEFAULT now(), refused text",
    };
    match connection.execute(&format!("CREATE TABLE IF NOT EXISTS {TABLE} ({columns})")).await {
        Ok(()) => Ok(()),
        // Somebody else may have made it at the same time.
        Err(error) => connection.query(&look).await.map(|_| ()).map_err(|_| error),
    }
}

/// Begins a transaction, and enters a batch in it unless it was delivered before. Waits for another transaction that has
/// entered it and is not done.
pub(super) async fn begin(connection: &Connection, batch: Uuid, now_ms: u64) -> Result<Delivery, Failure> {
    connection.execute("BEGIN").await?;
    if connection.is_redshift {
        return begin_redshift(connection, batch, now_ms).await;
    }
    let insert = format!("INSERT INTO {TABLE} (batch) VALUES ('{batch}') ON CONFLICT DO NOTHING RETURNING batch");
    if !connection.query(&insert).await?.is_empty() {
        return Ok(Delivery::New);
    }
    let refused = connection.query(&format!("SELECT refused FROM {TABLE} WHERE batch = '{batch}'")).await?;
    let refused = refused.first().filter(|text| !text.is_empty());
    let refused = refused.map(|text| serde_json::from_str(text)).transpose();
    refused
        .map(|refused| Delivery::Done(refused.unwrap_or_default()))
        .map_err(|error| Failure::Unknown(format!("{TABLE}.refused of batch {batch} cannot be read: {error}")))
}

/// Redshift does not enforce keys, so whoever enters a batch keeps all others out until it is done.
async fn begin_redshift(connection: &Connection, batch: Uuid, now_ms: u64) -> Result<Delivery, Failure> {
    connection.execute(&format!("LOCK {TABLE}")).await?;
    let found = connection.query(&format!("SELECT batch FROM {TABLE} WHERE batch = '{batch}'")).await?;
    if !found.is_empty() {
        return Ok(Delivery::Done(Vec::new()));
    }
    let now = chrono::DateTime::from_timestamp_millis(i64::try_from(now_ms).unwrap_or_default()).unwrap_or_default();
    let now = now.format("%Y-%m-%d %H:%M:%S");
    connection.execute(&format!("INSERT INTO {TABLE} (batch, delivered_at) VALUES ('{batch}', '{now}')")).await?;
    Ok(Delivery::New)
}

/// Ends the transaction. `refused` are the records that were not loaded.
pub(super) async fn commit(
    connection: &Connection,
    batch: Uuid,
    refused: &BTreeMap<usize, Arc<Reason>>,
) -> Result<(), Failure> {
    if !refused.is_empty() {
        let refused: Vec<_> = refused.iter().map(|(at, reason)| (at, &reason.code, &reason.message)).collect();
        let text = serde_json::to_string(&refused).map_err(|error| Failure::Options(error.to_string()))?;
        let update = format!("UPDATE {TABLE} SET refused = $1 WHERE batch = '{batch}'");
        within(connection.client.execute_typed(&update, &[(&text, Type::TEXT)])).await??;
    }
    connection.execute("COMMIT").await.map_err(|error| match error {
        Failure::Server { .. } => error,
        lost => Failure::Unknown(lost.to_string()),
    })
}

/// The verdicts on `count` records that were loaded, but for those of `refused`.
pub(super) fn verdicts(count: usize, refused: impl IntoIterator<Item = (usize, Arc<Reason>)>) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Delivered; count];
    for (at, reason) in refused {
        if let Some(verdict) = verdicts.get_mut(at) {
            *verdict = Verdict::Refused(reason);
        }
    }
    verdicts
}

/// The verdicts on a batch of `count` records that was loaded before.
pub(super) fn verdicts_again(count: usize, refused: Vec<(usize, String, String)>) -> Vec<Verdict> {
    verdicts(count, refused.into_iter().map(|(at, code, message)| (at, Arc::new(reason(&code, &message)))))
}
