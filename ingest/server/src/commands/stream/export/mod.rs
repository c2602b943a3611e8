//! `headwater stream export`: all records that a stream has.

mod progress;
mod target;
mod write;

use std::collections::BTreeSet;
use std::path::Path;

use consumers::Reader;
use consumers::reader::{Batch, Options};

use crate::cli::{ExportArgs, ExportFormat};
use crate::commands::connect;
use crate::failure::{Failure, Outcome};
use crate::output::{counted, grouped, note};
use crate::signals::Signals;
use progress::Progress;
use target::Target;
use write::Form;

/// Writes the records and says how many there were. A signal stops it, and a file that is not complete does not appear.
pub(super) async fn run(endpoint: &str, args: &ExportArgs) -> Result<Outcome, Failure> {
    let form = form(args)?;
    let mut signals = Signals::listen()?;
    let client = connect(endpoint, &args.name).await?;
    let mut export = Export::open(args.output.as_deref(), form)?;
    let options = Options { start: args.from.0, until: args.to, is_finite: true, ..Options::default() };
    let mut reader = Reader::open(client, &args.name, options).await?;
    loop {
        let batch = tokio::select! {
            batch = reader.next() => batch?,
            _ = signals.next() => {
                note(format_args!("stopped after {}", export.counts()));
                return Ok(Outcome::Interrupted);
            }
        };
        match batch {
            Some(batch) => export.take(&batch)?,
            None => return export.finish(),
        }
    }
}

fn form(args: &ExportArgs) -> Result<Form, Failure> {
    match (args.format, args.metadata) {
        (ExportFormat::Raw, true) => {
            Err(Failure::Usage("--metadata writes JSON lines; leave out --format raw".to_owned()))
        }
        (ExportFormat::Raw, false) => Ok(Form::Raw),
        (ExportFormat::Ndjson, false) => Ok(Form::Lines),
        (ExportFormat::Ndjson, true) => Ok(Form::Metadata),
    }
}

/// What was written so far, and where.
struct Export {
    target: Target,
    form: Form,
    progress: Progress,
    shards: BTreeSet<String>,
    record_count: u64,
    data_bytes: u64,
    /// Records that take more than one line of the output.
    broken_count: u64,
}

impl Export {
    fn open(path: Option<&Path>, form: Form) -> Result<Self, Failure> {
        let target = Target::open(path)?;
        let progress = Progress::new(path.is_some());
        Ok(Self { target, form, progress, shards: BTreeSet::new(), record_count: 0, data_bytes: 0, broken_count: 0 })
    }

    fn take(&mut self, batch: &Batch) -> Result<(), Failure> {
        for record in &batch.records {
            self.form.write(&mut self.target, &batch.shard_id, record).map_err(|source| self.target.failure(source))?;
            self.record_count += 1;
            self.data_bytes += record.data.len() as u64;
            self.broken_count += u64::from(self.form.breaks(&record.data));
        }
        if !self.shards.contains(&batch.shard_id) {
            self.shards.insert(batch.shard_id.clone());
        }
        let reached = batch.records.last().and_then(|record| record.approximate_arrival_timestamp);
        self.progress.set(self.record_count, self.data_bytes, reached);
        Ok(())
    }

    fn finish(self) -> Result<Outcome, Failure> {
        let counts = self.counts();
        self.target.finish()?;
        drop(self.progress);
        note(counts);
        if self.broken_count > 0 {
            note(format_args!(
                "{} of them have line ends inside, so there are more lines than records; --metadata keeps them apart",
                grouped(self.broken_count)
            ));
        }
        Ok(Outcome::Done)
    }

    fn counts(&self) -> String {
        let (records, shards) = (counted(self.record_count, "record"), counted(self.shards.len() as u64, "shard"));
        format!("{records} ({} of data) from {shards}", counted(self.data_bytes, "byte"))
    }
}
