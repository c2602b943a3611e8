//! The door through its listener: bytes in, bytes out, over one connection that must stay usable whatever it carried.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod bad_input;
mod client;
mod databases;
mod delivery;
mod tables;
mod versions;
