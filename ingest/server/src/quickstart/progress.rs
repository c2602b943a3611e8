//! How far a stage is: a bar on a terminal, a line for each tenth elsewhere.

use std::fmt;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::output::{grouped, note};

/// The progress of one stage.
pub(crate) struct Progress {
    label: &'static str,
    total: u64,
    bar: Option<ProgressBar>,
    tenths_told: u64,
}

impl Progress {
    /// Begins a stage of `total` events.
    pub(crate) fn new(label: &'static str, total: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total).with_prefix(label);
            let template = "{prefix:>10} [{bar:40}] {human_pos}/{human_len} events, {rate}/s, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> ").with_key("rate", write_rate));
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { label, total, bar, tenths_told: 0 }
    }

    /// The stage has come so far.
    pub(crate) fn set(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        let tenths = done.saturating_mul(10).checked_div(self.total).unwrap_or(10);
        if tenths > self.tenths_told {
            self.tenths_told = tenths;
            note(format_args!("{}: {} of {} events", self.label, grouped(done), grouped(self.total)));
        }
    }
}

fn write_rate(state: &ProgressState, text: &mut dyn fmt::Write) {
    // If the text cannot be written, the bar is shown without it.
    let _ = text.write_str(&grouped(state.per_sec() as u64));
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}
