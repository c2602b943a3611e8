//! The binary `headwater`; all of it is in the library, so that tests can start the same program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ingest_server::main()
}
