//! The door through its listener: bytes in, bytes out, over one connection that must stay usable whatever it carried.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod bad_input;
mod cbor;
mod channels;
mod client;
mod consumers;
mod encryption;
mod get;
mod list;
mod monitoring;
mod on_demand;
mod policy;
mod put;
mod queue_records;
mod queues;
mod rates;
mod reshard;
mod retention;
mod settings;
mod streams;
mod subscribe;
mod tags;
