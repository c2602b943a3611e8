//! The same program as `headwater`, built here so that the tests of this package can start it as a child process: cargo
//! tells a test only where the binaries of its own package are.

use std::process::ExitCode;

fn main() -> ExitCode {
    ingest_server::main()
}
