//! Queues: the records of a stream, handed out to any number of readers, each until it is acknowledged.
//!
//! A queue delivers every record of its stream at least once, in no particular order, and remembers of each whether it is
//! in flight, waits for another try, is a dead letter or done. It keeps no records: they are read from the shards.
//!
//! | module | what it is about |
//! |---|---|
//! | [`state`] | the state machine: cursors and entries, without I/O or clock |
//! | [`event`] | what can happen to it, and the bytes of that |
//! | `ledger` | the state with its log of events and its checkpoints: what makes it durable |
//! | [`delivery`] | a queue over a stream: receiving, waiting, acknowledging |
//! | `receipt` | the signed handles of deliveries |
//! | [`definition`], [`registry`] | what is stored about a queue; all queues of a store |
//!
//! The state and its ledger know sources and ordinals, not streams, so that queues of other things can be built on them.
//!
//! # What is durable when
//! An acknowledgement, and every other change that a reader asks for, is as durable as the store is configured to make it
//! before it is answered; a record that was acknowledged is never delivered again. A receive is written without being waited
//! for: with `fsync` a power loss can undo the last ones, and their records are delivered again, with the lower count.
//!
//! # Bounds
//! Memory holds a cursor for each shard and an entry for each record that was received and is not done, of which there are
//! [`limits::ALIVE_RECORDS_MAX`] and [`limits::DEAD_RECORDS_MAX`] at most; a queue at the first limit receives nothing new
//! until something is acknowledged, and one at the second delivers on what should have become a dead letter. The log is
//! trimmed to what follows the last checkpoint, which is made every few megabytes.
//!
//! # What a handle is good for
//! A handle names the last delivery of its record: it can be used until the record is delivered again, acknowledged or
//! expired, also after its visibility timeout. AWS does not say so of old handles; this is what its queues elsewhere do.

pub mod definition;
pub mod delivery;
pub mod error;
pub mod event;
mod ledger;
pub mod limits;
mod receipt;
pub mod registry;
pub mod state;

pub use definition::{Attributes, Definition, QueueId, QueueStart};
pub use delivery::{Act, Ask, Delivered, Queue};
pub use registry::{AttributesChange, NewQueue, Queues};

#[cfg(test)]
mod tests;
