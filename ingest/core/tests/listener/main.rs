//! The listener, the router and authentication together, over real sockets and in raw bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod bounds;
mod events;
mod harness;
mod protocol;
mod shutdown;
