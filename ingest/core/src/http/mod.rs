//! The HTTP listener: HTTP/1.1 and HTTP/2 (prior knowledge) on one port, within bounds.
//!
//! What one peer can take is bounded (body, headers, time, streams), and what all of them can take together is too:
//! connections are counted before they are accepted, and the memory for bodies is handed out by a gate before
//! they are read. A refused body is read and thrown away, up to a bound, so that the client reads its answer and goes on
//! using the connection.
//!
//! Not here: TLS, and anything that knows what a request is for.

pub(crate) mod body;
mod connection;
mod error;
mod idle;
mod serve;

pub use error::BindError;
pub use serve::{Listener, serve};
