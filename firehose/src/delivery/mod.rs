//! Delivery: from the logs of a source to objects in a bucket, each record exactly once.
//!
//! ```text
//! Collecting ──size or age──> build ──commit──> Intended ──upload all──> commit ──> Collecting
//!                                    intent and              checkpoint moves and
//!                                 learnt schema              the intent goes, as one
//! ```
//!
//! An [`Intent`] says which records become which objects; with it, and with the schema it starts from, building gives the
//! same bytes whenever it is done. So after a crash, wherever it came, an open intent is built and uploaded again under the
//! same names before anything else, and what had been uploaded is replaced by itself. Without an open intent nothing was
//! uploaded that the checkpoint does not cover.
//!
//! While records are collected, only their positions and sizes are kept. They are read when the object is built, so a
//! buffer costs no memory, however long it waits.
//!
//! - [`machine`] decides: a state machine without I/O or clock.
//! - [`build`] makes the objects of an intent, on a blocking thread.
//! - [`driver`] is the task of one delivery stream: it does what the machine says, and reports what came of it.
//!
//! A failure of the bucket or of the disk is retried for ever, with growing pauses, and told once when it begins and once
//! when it ends. Meanwhile nothing of the budget is held, so other delivery streams go on.
//!
//! What this does not do: hold records back from their retention. A record that expires before its bucket returns is lost,
//! as it is at AWS, and is told.

mod build;
mod driver;
mod intent;
mod machine;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use build::Recipe;
pub(crate) use driver::{Command, Driver, Parts};
pub use intent::{Intent, IntentObject, Range};
pub use status::DeliveryStatus;
pub(crate) use status::Status;
