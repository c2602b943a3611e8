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

/// What a task beside the delivery cannot do at the moment, as a sentence.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// What it is, if there is any.
    pub(crate) fn get(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// There is trouble; told once when it begins.
    pub(crate) fn tell(&self, delivery_stream: &str, trouble: String) {
        let mut known = self.0.lock();
        if known.is_none() {
            tracing::error!(delivery_stream, trouble, "something beside the delivery fails and is retried");
        }
        *known = Some(trouble);
    }

    /// There is none any more; told once when it ends.
    pub(crate) fn clear(&self, delivery_stream: &str) {
        if let Some(trouble) = self.0.lock().take() {
            tracing::info!(delivery_stream, trouble, "what failed beside the delivery goes on");
        }
    }
}
