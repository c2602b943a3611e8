//! [`Subscriptions`]: which consumer is subscribed to which shard.
//!
//! A consumer has one subscription to a shard. Another call within five seconds of the last successful one is refused,
//! whatever became of that; a later one takes over. Nothing of this is kept across a restart.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use shard_store::stream::{ShardNumber, StreamId};
use tokio::sync::watch;

use crate::limits::SUBSCRIPTION_TAKEOVER;

/// A consumer and a shard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubscriptionKey {
    pub(crate) stream: StreamId,
    pub(crate) consumer: String,
    /// When the consumer was registered, in milliseconds since the Unix epoch.
    pub(crate) registered_ms: u64,
    pub(crate) shard: ShardNumber,
}

/// All subscriptions, also those that ended a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<SubscriptionKey, Entry>>);

#[derive(Debug)]
struct Entry {
    started_ms: u64,
    /// What the subscription holds the other end of, for as long as it goes on.
    superseded: watch::Sender<bool>,
}

/// The right to be the subscription of a consumer to a shard, until another call takes it.
#[derive(Debug)]
pub(crate) struct Claim(watch::Receiver<bool>);

impl Subscriptions {
    /// Claims a subscription at `now_ms`, and takes it from whoever has it. `None` if it is too soon for that.
    pub(crate) fn claim(self: &Arc<Self>, key: SubscriptionKey, now_ms: u64) -> Option<Claim> {
        let mut entries = self.0.lock();
        let is_recent =
            |entry: &Entry| u128::from(now_ms.saturating_sub(entry.started_ms)) < SUBSCRIPTION_TAKEOVER.as_millis();
        if entries.get(&key).is_some_and(is_recent) {
            return None;
        }
        // Those that matter no more are let go of, so that the map grows with the subscriptions under way.
        entries.retain(|_, entry| is_recent(entry) || entry.superseded.receiver_count() > 0);
        let (superseded, claim) = watch::channel(false);
        if let Some(previous) = entries.insert(key, Entry { started_ms: now_ms, superseded }) {
            previous.superseded.send_replace(true);
        }
        Some(Claim(claim))
    }
}

impl Claim {
    /// Waits until another call has taken over.
    pub(crate) async fn superseded(&mut self) {
        if self.0.wait_for(|is_superseded| *is_superseded).await.is_err() {
            // The entry is let go of only after this claim; there is nothing to wait for.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(shard: u32) -> SubscriptionKey {
        SubscriptionKey { stream: StreamId(1), consumer: "app".to_owned(), registered_ms: 0, shard: ShardNumber(shard) }
    }

    #[tokio::test]
    async fn a_call_is_refused_for_five_seconds_and_then_takes_over() {
        let subscriptions = Arc::new(Subscriptions::default());
        let mut first = subscriptions.claim(key(0), 1_000).unwrap();
        assert!(subscriptions.claim(key(0), 5_999).is_none());
        subscriptions.claim(key(1), 5_999).unwrap();
        let _second = subscriptions.claim(key(0), 6_000).unwrap();
        first.superseded().await;
    }

    #[tokio::test]
    async fn what_has_ended_counts_for_five_seconds_and_is_then_forgotten() {
        let subscriptions = Arc::new(Subscriptions::default());
        drop(subscriptions.claim(key(0), 0).unwrap());
        assert!(subscriptions.claim(key(0), 4_999).is_none());
        let _other = subscriptions.claim(key(1), 5_000).unwrap();
        assert_eq!(subscriptions.0.lock().len(), 1);
    }
}
