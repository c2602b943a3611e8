//! The concurrent core under many schedules: the real engine and the real streams on shuttle's primitives (`src/sync/`).
//!
//! One thread runs at a time, and at every lock, atomic, condition and channel a scheduler decides which one goes on: at
//! random, or by priorities that change at a few points (PCT), which finds orders that chance hardly ever makes. A thread
//! that waits for what never comes is a deadlock and fails the test, so no lost wake-up passes.
//!
//! | module | what it finds; each of these was put into the code once, and was found |
//! |---|---|
//! | `records` | a position published before the bytes are in place, before the journal is synced, outside the log's lock, or after its waiters were woken; an acknowledgement before the sync; a waiter that looks before it is registered |
//! | `seals` | a seal that marks the log outside the lock and so tells an end that appends go past, or wakes nobody |
//! | `trims` | a reader that takes the list of segments before the position it reads up to |
//! | `resharding` | writers who are told of the new shards before these can be found |
//! | `throttles` | credit that is looked at under one lock and taken under the next |
//!
//! They also hold what nobody broke yet: no record is lost, stored twice or overtaken while shards are split and merged, and
//! no segment or journal file goes while somebody needs it.
//!
//!     cargo test -p shard-store --features shuttle --test schedules
//!
//! `SCHEDULES=10000` runs more of them; a failure prints its schedule, which `SCHEDULE=…` runs again.
//!
//! What this does not show: wrong memory orderings (shuttle is sequentially consistent), and time, which stands still.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod explore;
mod place;
mod records;
mod resharding;
mod seals;
mod throttles;
mod trims;
