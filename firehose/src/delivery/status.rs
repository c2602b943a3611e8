//! How a delivery stream is doing, for people and metrics.

use parking_lot::Mutex;

/// How a delivery stream is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It reads and delivers.
    #[default]
    Running,
    /// Something refuses; it is tried again until it does not.
    Retrying {
        /// What refuses, as a sentence.
        reason: String,
    },
    /// Its source stream was deleted. What was read before is delivered.
    SourceMissing,
    /// It was stopped.
    Stopped,
}

/// The status of one delivery stream, shared with its task.
#[derive(Debug, Default)]
pub(crate) struct Status(Mutex<DeliveryStatus>);

impl Status {
    pub(crate) fn get(&self) -> DeliveryStatus {
        self.0.lock().clone()
    }

    /// Sets the status and returns the one before.
    pub(crate) fn set(&self, status: DeliveryStatus) -> DeliveryStatus {
        std::mem::replace(&mut *self.0.lock(), status)
    }
}
