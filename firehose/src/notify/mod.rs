//! Notifications that objects have landed, as S3 sends them.
//!
//! A [`Notifier`] tells every target of a delivery stream about objects, each in a message of its own, as S3 does. It sends
//! once: whoever calls it repeats the call until it succeeds, so that each object is told at least once, and the event of
//! an object is the same each time.
//!
//! What this does not do: remember which objects were told; queues and topics of the FIFO kind, which S3 has none of either.
//!
//! Source: S3 User Guide, "Event message structure".

mod event;
mod options;
mod target;
#[cfg(test)]
mod tests;

use self::event::Event;
pub use self::options::Options;
use self::target::Target;
use crate::config::EndpointOptions;

/// An object that is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LandedObject {
    /// Its bucket.
    pub(crate) bucket: String,
    /// Its key.
    pub(crate) key: String,
    /// Its size in bytes.
    pub(crate) byte_count: u64,
    /// Its entity tag, if the store told one.
    pub(crate) etag: Option<String>,
    /// When it landed, in milliseconds since the Unix epoch; the same however often it is told.
    pub(crate) landed_ms: u64,
}

/// The delivery stream's account and region: its buckets are taken to be of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) account: String,
    pub(crate) region: String,
}

/// Targets were not told, or cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot notify {target}: {reason}")]
pub(crate) struct NotifyError {
    /// The target, without what is secret in it.
    pub(crate) target: String,
    /// What went wrong.
    pub(crate) reason: String,
}

/// Tells targets about objects.
#[derive(Debug)]
pub(crate) struct Notifier {
    owner: Owner,
    targets: Vec<(Target, String)>,
}

impl Notifier {
    /// Sets the targets up. No connection is made yet.
    ///
    /// # Errors
    /// A target that cannot be used as it is configured.
    pub(crate) fn open(options: &[Options], connections: &EndpointOptions, owner: Owner) -> Result<Self, NotifyError> {
        let open = |options: &Options| {
            let target = Target::open(options, connections, &owner.region)?;
            Ok((target, options.configuration_id.clone()))
        };
        let targets = options.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { owner, targets })
    }

    /// Tells every target about `objects`, in their order. A target that fails is told nothing more; the others are.
    ///
    /// # Errors
    /// The first target that was not told everything. Some objects may have been told: the call is to be repeated.
    pub(crate) async fn notify(&self, objects: &[LandedObject], now_ms: u64) -> Result<(), NotifyError> {
        let mut outcome = Ok(());
        for (target, configuration_id) in &self.targets {
            for object in objects {
                let event = Event { object, owner: &self.owner, configuration_id }.to_json();
                if let Err(error) = target.tell(event, now_ms).await {
                    outcome = outcome.and(Err(error));
                    break;
                }
            }
        }
        outcome
    }
}
