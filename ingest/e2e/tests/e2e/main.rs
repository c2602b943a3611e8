//! The real AWS SDKs for Rust against the real program, started as a child process.
//!
//! One test binary: it links the SDKs once. Each test has a server and a data directory of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::large_futures, reason = "the SDK's futures are large, and those of the tests few")]

mod auth;
mod bad_input;
mod chaos;
mod firehose;
mod kill9;
mod kinesis;
mod queue_kill9;
mod restart;
mod startup;
mod support;
