//! The binary `headwater`: command line, configuration, wiring, metrics.
//!
//! ```text
//! main ─> cli ─> commands/<command> ─┬─> config (defaults < file < environment < flags, then validated)
//!                                    ├─> server (store, streams, delivery, doors, listener)
//!                                    └─> consumers (put, tail, stream, quickstart are clients like any other)
//! ```
//!
//! Everything is reachable from [`main`], so a test binary that calls it is the same program. What this crate does not do:
//! anything that a front door, the store or the delivery decides.

mod cli;
mod commands;
pub mod config;
mod failure;
mod lines;
mod logging;
mod output;
mod quickstart;
pub mod server;
mod signals;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use cli::{Cli, Command};
use failure::{Failure, Outcome};

/// Runs the program with the arguments of the process, and returns its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for, and go to stdout; a closed pipe there is nobody's concern.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match run(cli) {
        Ok(outcome) => outcome.exit_code(),
        Err(failure) => {
            if !failure.is_silent() {
                output::complain(&failure);
            }
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::System { action: "start the runtime", source })?;
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => commands::serve::run(args).await,
            Command::Quickstart(args) => commands::quickstart::run(args).await,
            Command::Put(args) => commands::put::run(args).await,
            Command::Tail(args) => commands::tail::run(&args.endpoint, &args.stream, &args.options).await,
            Command::Stream(args) => commands::stream::run(args).await,
            Command::Delivery(args) => commands::delivery::run(args).await,
            Command::Verify(args) => commands::verify::run(args).await,
            Command::Key(args) => commands::key::run(args).await,
        }
    });
    // What has to be finished is finished by now; what still runs (a read from a terminal, say) is left behind.
    runtime.shutdown_timeout(Duration::ZERO);
    outcome
}
