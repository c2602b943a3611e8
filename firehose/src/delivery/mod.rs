//! Delivery: from the logs of a source to a destination, each record exactly once.
//!
//! ```text
//! Collecting ──size or age──> stage, build ──commit──> Intended ──upload all, send──> commit ──> Collecting
//!                                         intent and                       checkpoint moves and
//!                                      learnt schema                        the intent goes, as one
//! ```
//!
//! An [`Intent`] says which records become which objects; with it, and with the schema it starts from, building gives the
//! same bytes whenever it is done. So after a crash, wherever it came, an open intent is built and uploaded again under the
//! same names before anything else, and what had been uploaded is replaced by itself. Without an open intent nothing was
//! uploaded that the checkpoint does not cover. Where processing may not give the same twice (a function is called), the
//! processed records are made durable before the intent, and are what a redo begins with.
//!
//! Records that are sent to an endpoint have the same id and the same order in a redo. What they are there, exactly once or
//! at least once, is the endpoint's to say (see [`crate::endpoint`]).
//!
//! While records are collected, only their positions and sizes are kept. They are read when the object is built, so a
//! buffer costs no memory, however long it waits; nor do built objects and processed records, which stand in mapped files.
//!
//! | module | what it does |
//! |---|---|
//! | [`machine`] | decides: a state machine without I/O or clock |
//! | [`source_records`], [`staged`] | the records of an intent, as they lie in their logs and as they were processed |
//! | [`sizing`] | learns how much to read for an object of the size that is wanted |
//! | [`recipe`], [`build`], [`body`] | make the objects of an intent, on a blocking thread |
//! | [`driver`] | the task of one delivery stream: does what the machine says, and reports what came of it |
//!
//! A failure of the bucket or of the disk is retried for ever, with growing pauses, and told once when it begins and once
//! when it ends; that of an endpoint for its retry duration. Meanwhile nothing of the budget is held, so other delivery
//! streams go on.
//!
//! What this does not do: hold records back from their retention. A record that expires before its bucket returns is lost,
//! as it is at AWS, and is told.

mod body;
mod build;
mod driver;
mod intent;
mod machine;
mod recipe;
mod shared;
mod sizing;
mod source_records;
mod staged;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use body::{Body, BodyWriter};
pub(crate) use driver::{Command, Driver, Parts};
pub use intent::{Intent, IntentObject, ObjectKind, Period, Range, StagedFile};
pub(crate) use recipe::Recipe;
pub(crate) use shared::Shared;
pub use status::DeliveryStatus;
pub(crate) use status::{Status, Trouble};
