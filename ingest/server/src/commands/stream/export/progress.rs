//! How far an export is, on a terminal.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar};
use ingest_wire::Timestamp;

use crate::commands::stream::text;
use crate::output::grouped;

/// A line that is written anew; none if stderr is no terminal, or if the records themselves go to one.
pub(super) struct Progress {
    line: Option<ProgressBar>,
}

impl Progress {
    /// The line, if there is a terminal for it alone.
    pub(super) fn new(is_to_file: bool) -> Self {
        let line = (io::stderr().is_terminal() && (is_to_file || !io::stdout().is_terminal())).then(|| {
            let line = ProgressBar::new_spinner();
            line.enable_steady_tick(Duration::from_millis(200));
            line
        });
        Self { line }
    }

    /// So much was written, and the last record arrived at this time.
    pub(super) fn set(&self, record_count: u64, byte_count: u64, reached: Option<Timestamp>) {
        let Some(line) = &self.line else { return };
        let mut message = format!("{} records, {}", grouped(record_count), HumanBytes(byte_count));
        if let Some(reached) = reached {
            message = format!("{message}, up to {}", text::time(reached));
        }
        line.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}
