//! What the tests share: the server as a child process, SDK clients for it, and readers of what it delivers.

pub(crate) mod clients;
pub(crate) mod coverage;
pub(crate) mod delivery;
pub(crate) mod draws;
pub(crate) mod parquet_files;
pub(crate) mod raw;
pub(crate) mod records;
pub(crate) mod s3;
pub(crate) mod server;

use std::future::Future;
use std::time::Duration;

/// How long a condition may take to come true. Far longer than it ever should: reaching it fails the test.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often a condition is looked at again.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until `condition` gives a value.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut condition: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not happen within {PATIENCE:?}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits for something that must not take for ever.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}
