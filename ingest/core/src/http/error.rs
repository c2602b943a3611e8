//! Why the listener cannot be opened.

use std::net::SocketAddr;

/// Why the listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Anybody could do anything.
    #[error(
        "refusing to listen on {address}, which is reachable from other machines, without credentials: configure \
         [[credentials]], listen on 127.0.0.1, or set allow-remote-without-credentials = true"
    )]
    Unprotected {
        /// The configured address.
        address: SocketAddr,
    },
    /// The system refuses.
    #[error("cannot listen on {address}: {source}; choose another address with --listen, or stop what uses it")]
    Refused {
        /// The configured address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}
