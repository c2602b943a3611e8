//! Loading into a PostgreSQL server, beyond AWS: the records themselves, in one transaction.
//!
//! Records go in chunks, each behind a savepoint. A chunk that is refused because of a row is halved until the row stands
//! alone; that record is refused, and all others are loaded. Any other failure, and too many such rows, undo everything.

use std::collections::BTreeMap;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::types::Type;

use super::connection::{Connection, within};
use super::deliveries::{self, Delivery};
use super::failure::{Failure, reason};
use super::format::{Format, Lines, append_values};
use super::statement::Target;
use crate::endpoint::{Batch, Verdict};
use crate::record::{Reason, Record};

/// Records of one statement, at most.
const CHUNK_RECORDS_MAX: usize = 1_000;

/// Bytes of one statement, at most, unless one record has more.
const CHUNK_BYTES_MAX: usize = 1024 * 1024;

/// Statements that may be refused because of rows before the batch is: enough to find some 400 bad rows.
const REFUSALS_MAX: usize = 4_000;

/// Records that may be refused before the batch is: the server has to remember each.
const REFUSED_MAX: usize = 20_000;

const TOO_MANY: &str = "too many records of the batch are not what CopyOptions says";

const MALFORMED: &str = "Redshift.DataLoadFailed";

/// One load under way.
struct Load<'a> {
    connection: &'a Connection,
    target: &'a Target,
    format: Format,
    records: &'a [Record],
    refused: BTreeMap<usize, Arc<Reason>>,
    refusal_count: usize,
}

/// Loads a batch, unless the server has it already.
pub(super) async fn load(connection: &Connection, target: &Target, batch: &Batch<'_>) -> Result<Vec<Verdict>, Failure> {
    let format = Format::new(target).map_err(Failure::Options)?;
    deliveries::prepare(connection).await?;
    if let Delivery::Done(refused) = deliveries::begin(connection, batch.id, batch.now_ms).await? {
        return Ok(deliveries::verdicts_again(batch.records.len(), refused));
    }
    let records = batch.records;
    let mut load = Load { connection, target, format, records, refused: BTreeMap::new(), refusal_count: 0 };
    load.run().await?;
    deliveries::commit(connection, batch.id, &load.refused).await?;
    Ok(deliveries::verdicts(records.len(), load.refused))
}

impl Load<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let mut ranges = chunks(self.records);
        ranges.reverse();
        while let Some(range) = ranges.pop() {
            match self.try_range(range.clone()).await {
                Ok(()) if self.refused.len() > REFUSED_MAX => return Err(Failure::Options(TOO_MANY.to_owned())),
                Ok(()) => {}
                Err(error) if error.is_of_row() => {
                    self.refusal_count += 1;
                    if self.refusal_count > REFUSALS_MAX {
                        return Err(error);
                    }
                    match range.len() {
                        0 | 1 => {
                            self.refused.insert(range.start, Arc::new(error.reason()));
                        }
                        count => {
                            let middle = range.start + count / 2;
                            ranges.extend([middle..range.end, range.start..middle]);
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Loads the records of a range, or none of them.
    async fn try_range(&mut self, range: Range<usize>) -> Result<(), Failure> {
        self.connection.execute("SAVEPOINT chunk").await?;
        let loaded = match &self.format {
            Format::Json => self.load_json(range).await,
            Format::Lines(lines) => {
                let lines = lines.clone();
                self.load_lines(&lines, range).await
            }
        };
        match loaded {
            Ok(()) => self.connection.execute("RELEASE chunk").await,
            Err(error) if error.is_of_row() => {
                self.connection.execute("ROLLBACK TO chunk; RELEASE chunk").await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn load_json(&mut self, range: Range<usize>) -> Result<(), Failure> {
        let mut values = String::new();
        for at in range {
            let Some(record) = self.records.get(at) else { continue };
            if let Err(problem) = append_values(&record.data, &mut values) {
                self.refuse(at, &problem);
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        let (table, columns) = (&self.target.table, &self.target.columns);
        let selected = if columns.is_empty() { "*" } else { columns };
        let into = self.target.table_with_columns();
        let insert =
            format!("INSERT INTO {into} SELECT {selected} FROM json_populate_recordset(NULL::{table}, $1::text::json)");
        let list = format!("[{values}]");
        within(self.connection.client.execute_typed(&insert, &[(&list, Type::TEXT)])).await??;
        Ok(())
    }

    async fn load_lines(&mut self, lines: &Lines, range: Range<usize>) -> Result<(), Failure> {
        let copy = lines.copy(self.target);
        let sink = within(self.connection.client.copy_in::<_, Bytes>(&copy)).await??;
        let mut sink = pin!(sink);
        let records = self.records;
        let sending = async {
            for at in range {
                let Some(record) = records.get(at) else { continue };
                if let Some(problem) = lines.problem(&record.data) {
                    self.refuse(at, problem);
                    continue;
                }
                sink.feed(record.data.clone()).await?;
                if !record.data.is_empty() && !record.data.ends_with(b"\n") {
                    sink.feed(Bytes::from_static(b"\n")).await?;
                }
            }
            Ok::<(), tokio_postgres::Error>(())
        };
        // A server that refuses stops taking lines; why, it says at the end.
        let sent = within(sending).await?;
        within(sink.as_mut().finish()).await??;
        Ok(sent?)
    }

    /// Refuses a record that is found to be bad before it is sent; a range may be tried several times.
    fn refuse(&mut self, at: usize, problem: &str) {
        self.refused.entry(at).or_insert_with(|| Arc::new(reason(MALFORMED, problem)));
    }
}

/// Divides records into ranges of at most so many records and bytes.
fn chunks(records: &[Record]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut byte_count) = (0, 0);
    for (at, record) in records.iter().enumerate() {
        let is_full = at - start >= CHUNK_RECORDS_MAX || byte_count + record.data.len() > CHUNK_BYTES_MAX;
        if is_full && at > start {
            ranges.push(start..at);
            (start, byte_count) = (at, 0);
        }
        byte_count += record.data.len();
    }
    if start < records.len() {
        ranges.push(start..records.len());
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::redshift::tests::record;

    #[test]
    fn chunks_hold_every_record_once_and_are_bounded() {
        assert!(chunks(&[]).is_empty());
        let records = vec![record("x"); 2_500];
        assert_eq!(chunks(&records), [0..1_000, 1_000..2_000, 2_000..2_500]);
        let big = "y".repeat(600 * 1024);
        let records = [record(&big), record(&big), record("z"), record(&"w".repeat(2 * 1024 * 1024)), record("v")];
        assert_eq!(chunks(&records), [0..1, 1..3, 3..4, 4..5]);
    }
}
