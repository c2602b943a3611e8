//! Reading the Parquet back: is every event there exactly once, and is it what was sent?
//!
//! A bit for each event number tells the missing and the doubled; every field of every row is compared with the event made
//! anew from its number.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayAccessor, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::click::{Click, Clicks};
use super::progress::Progress;
use crate::failure::Failure;
use crate::output::grouped;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Check {
    pub(crate) row_count: u64,
    /// Views by page, of all rows.
    pub(crate) views: HashMap<String, u64>,
    unique_count: u64,
    doubled_count: u64,
    foreign_count: u64,
    altered_count: u64,
    first_altered: Option<String>,
}

impl Check {
    /// What is wrong, if anything.
    pub(crate) fn mismatch(&self, event_count: u64) -> Option<String> {
        let missing_count = event_count - self.unique_count.min(event_count);
        let counts = [
            (missing_count, "events are missing"),
            (self.doubled_count, "rows repeat an event"),
            (self.foreign_count, "rows have the number of no event"),
            (self.altered_count, "rows differ from what was sent"),
        ];
        let wrong: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", grouped(*count)))
            .collect();
        let example = self.first_altered.as_ref().map(|text| format!("; for example {text}")).unwrap_or_default();
        (!wrong.is_empty()).then(|| wrong.join(", ") + &example)
    }

    /// The most viewed pages, with their views.
    pub(crate) fn top_pages(&self, count: usize) -> Vec<(&str, u64)> {
        let mut pages: Vec<(&str, u64)> = self.views.iter().map(|(page, views)| (page.as_str(), *views)).collect();
        pages.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        pages.truncate(count);
        pages
    }
}

/// Reads all files.
pub(crate) async fn read_back(files: &[PathBuf], event_count: u64) -> Result<Check, Failure> {
    let files = files.to_vec();
    let reading = tokio::task::spawn_blocking(move || {
        let mut reader = Reader::new(event_count);
        for path in &files {
            reader.read_file(path).map_err(|reason| {
                Failure::Quickstart(format!("the Parquet file {} cannot be read: {reason}", path.display()))
            })?;
        }
        Ok(reader.check)
    });
    reading.await.map_err(|source| Failure::System { action: "read the Parquet files", source: source.into() })?
}

struct Reader {
    clicks: Clicks,
    event_count: u64,
    /// One bit an event number.
    seen: Vec<u64>,
    check: Check,
    progress: Progress,
}

impl Reader {
    fn new(event_count: u64) -> Self {
        let word_count = usize::try_from(event_count.div_ceil(64)).unwrap_or(usize::MAX);
        Self {
            clicks: Clicks::new(),
            event_count,
            seen: vec![0; word_count],
            check: Check::default(),
            progress: Progress::new("checking", event_count),
        }
    }

    fn read_file(&mut self, path: &Path) -> Result<(), String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let batches = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|error| error.to_string())?;
        for batch in batches {
            let batch = batch.map_err(|error| error.to_string())?;
            self.read_batch(&Columns::of(&batch)?);
            self.progress.set(self.check.row_count);
        }
        Ok(())
    }

    fn read_batch(&mut self, columns: &Columns) {
        for row in 0..columns.row_count {
            self.check.row_count += 1;
            if let Some(page) = columns.page.value(row) {
                count_view(&mut self.check.views, page);
            }
            let number = columns.event_number.value(row).and_then(|number| u64::try_from(number).ok());
            match number.filter(|number| *number < self.event_count) {
                Some(number) => self.read_event(columns, row, number),
                None => self.check.foreign_count += 1,
            }
        }
    }

    fn read_event(&mut self, columns: &Columns, row: usize, number: u64) {
        let word = usize::try_from(number / 64).ok().and_then(|index| self.seen.get_mut(index));
        let Some(word) = word else { return };
        let bit = 1 << (number % 64);
        if *word & bit != 0 {
            self.check.doubled_count += 1;
            return;
        }
        *word |= bit;
        self.check.unique_count += 1;
        if let Some(field) = columns.first_difference(row, &self.clicks.event(number)) {
            self.check.altered_count += 1;
            self.check.first_altered.get_or_insert_with(|| format!("event {number} has another {field}"));
        }
    }
}

/// Counts a view without allocating a key for a page that is known.
fn count_view(views: &mut HashMap<String, u64>, page: &str) {
    match views.get_mut(page) {
        Some(count) => *count += 1,
        None => {
            views.insert(page.to_owned(), 1);
        }
    }
}

/// The columns of a batch, by the fields of an event. A field that no event had so far has no column, and is null.
struct Columns {
    row_count: usize,
    event_number: Column<Int64Array>,
    event_id: Column<StringArray>,
    event_time: Column<StringArray>,
    session_id: Column<StringArray>,
    user_id: Column<Int64Array>,
    page: Column<StringArray>,
    referrer: Column<StringArray>,
    country: Column<StringArray>,
    device: Column<StringArray>,
    client_ip: Column<StringArray>,
    dwell_ms: Column<Int64Array>,
    scroll_depth: Column<Float64Array>,
    is_signed_in: Column<BooleanArray>,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Self, String> {
        Ok(Self {
            row_count: batch.num_rows(),
            event_number: Column::of(batch, "event_number")?,
            event_id: Column::of(batch, "event_id")?,
            event_time: Column::of(batch, "event_time")?,
            session_id: Column::of(batch, "session_id")?,
            user_id: Column::of(batch, "user_id")?,
            page: Column::of(batch, "page")?,
            referrer: Column::of(batch, "referrer")?,
            country: Column::of(batch, "country")?,
            device: Column::of(batch, "device")?,
            client_ip: Column::of(batch, "client_ip")?,
            dwell_ms: Column::of(batch, "dwell_ms")?,
            scroll_depth: Column::of(batch, "scroll_depth")?,
            is_signed_in: Column::of(batch, "is_signed_in")?,
        })
    }

    /// The first field of a row that is not as in `sent`.
    fn first_difference(&self, row: usize, sent: &Click) -> Option<&'static str> {
        let number = |number: u64| i64::try_from(number).ok();
        let is_same = [
            ("event_id", self.event_id.value(row) == Some(&sent.event_id)),
            ("event_time", self.event_time.value(row) == Some(&sent.event_time)),
            ("session_id", self.session_id.value(row) == Some(&sent.session_id)),
            ("user_id", self.user_id.value(row) == number(sent.user_id)),
            ("page", self.page.value(row) == Some(&sent.page)),
            ("referrer", self.referrer.value(row) == sent.referrer),
            ("country", self.country.value(row) == Some(sent.country)),
            ("device", self.device.value(row) == Some(sent.device)),
            ("client_ip", self.client_ip.value(row) == Some(&sent.client_ip)),
            ("dwell_ms", self.dwell_ms.value(row) == number(sent.dwell_ms)),
            ("scroll_depth", self.scroll_depth.value(row) == Some(sent.scroll_depth)),
            ("is_signed_in", self.is_signed_in.value(row) == Some(sent.is_signed_in)),
        ];
        is_same.iter().find(|(_, is_same)| !is_same).map(|(field, _)| *field)
    }
}

/// One column, or none.
struct Column<A>(Option<A>);

impl<A: Array + Clone + 'static> Column<A> {
    fn of(batch: &RecordBatch, name: &str) -> Result<Self, String> {
        let Some(array) = batch.column_by_name(name) else { return Ok(Self(None)) };
        let typed: Option<&A> = array.as_any().downcast_ref();
        let typed = typed.ok_or_else(|| format!("the column {name} has the type {}", array.data_type()))?;
        Ok(Self(Some(typed.clone())))
    }

    /// The value of a row; null, and beyond the end, there is none.
    fn value<'a>(&'a self, row: usize) -> Option<<&'a A as ArrayAccessor>::Item>
    where
        &'a A: ArrayAccessor,
    {
        let array = self.0.as_ref()?;
        (row < array.len() && array.is_valid(row)).then(|| array.value(row))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::ArrayRef;
    use parquet::arrow::ArrowWriter;

    use super::*;

    /// Writes these events as Parquet, after `alter` had its way with them.
    fn parquet_of(numbers: &[u64], alter: impl Fn(&mut Click)) -> tempfile::NamedTempFile {
        let clicks = Clicks::new();
        let events: Vec<Click> = numbers
            .iter()
            .map(|number| {
                let mut click = clicks.event(*number);
                alter(&mut click);
                click
            })
            .collect();
        let texts = |field: fn(&Click) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(events.iter().map(field)))
        };
        let numbers = |field: fn(&Click) -> u64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(events.iter().map(|event| i64::try_from(field(event)).unwrap())))
        };
        let columns: [(&str, ArrayRef); 13] = [
            ("event_number", numbers(|event| event.event_number)),
            ("event_id", texts(|event| &event.event_id)),
            ("event_time", texts(|event| &event.event_time)),
            ("session_id", texts(|event| &event.session_id)),
            ("user_id", numbers(|event| event.user_id)),
            ("page", texts(|event| &event.page)),
            ("referrer", Arc::new(events.iter().map(|event| event.referrer).collect::<StringArray>())),
            ("country", texts(|event| event.country)),
            ("device", texts(|event| event.device)),
            ("client_ip", texts(|event| &event.client_ip)),
            ("dwell_ms", numbers(|event| event.dwell_ms)),
            ("scroll_depth", Arc::new(Float64Array::from_iter_values(events.iter().map(|event| event.scroll_depth)))),
            ("is_signed_in", Arc::new(events.iter().map(|event| Some(event.is_signed_in)).collect::<BooleanArray>())),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    fn check(event_count: u64, files: &[tempfile::NamedTempFile]) -> Check {
        let mut reader = Reader::new(event_count);
        for file in files {
            reader.read_file(file.path()).unwrap();
        }
        reader.check
    }

    #[test]
    fn all_events_once_are_no_mismatch() {
        let files = [parquet_of(&[3, 0, 2], |_| ()), parquet_of(&[1, 4], |_| ())];
        let check = check(5, &files);
        assert_eq!((check.row_count, check.mismatch(5)), (5, None));
        assert_eq!(check.views.values().sum::<u64>(), 5);
    }

    #[test]
    fn missing_doubled_and_foreign_rows_are_told_apart() {
        let check = check(5, &[parquet_of(&[0, 1, 1, 9], |_| ())]);
        let expected = "3 events are missing, 1 rows repeat an event, 1 rows have the number of no event";
        assert_eq!(check.mismatch(5).as_deref(), Some(expected));
    }

    #[test]
    fn one_altered_field_is_found() {
        let check = check(
            2,
            &[parquet_of(&[0, 1], |click| {
                if click.event_number == 1 {
                    click.dwell_ms += 1;
                }
            })],
        );
        let expected = "1 rows differ from what was sent; for example event 1 has another dwell_ms";
        assert_eq!(check.mismatch(2).as_deref(), Some(expected));
    }
}
