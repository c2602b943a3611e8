//! Benchmarks with their floors beside them, and measurements of what the server promises.
//!
//! - `append` measures appends in process: with `page-cache` durability beside a copy and CRC-32C into a mapped file, with
//!   `fsync` beside a raw sequential write and fdatasync of the same bytes. Compare the throughputs within one run: the
//!   machine may be shared.
//! - `restart` kills a server that is being written to, and tells how long it takes to start again, by the amount stored.
//! - `subscribe` tells what SubscribeToShard costs in memory, with readers that do not read, and how long a record takes
//!   from its put to a subscriber.
//!
//! The last two start the real server as a child: the benchmark's own program again, see [`server`].

pub mod server;
pub mod subscription;
