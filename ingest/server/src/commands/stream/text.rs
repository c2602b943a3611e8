//! How streams and shards are written for people.

use chrono::{DateTime, SecondsFormat};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use consumers::model::HashKeyRange;
use consumers::streams::Mode;
use ingest_wire::Timestamp;

use crate::failure::Failure;
use crate::output::data_line;

/// A table without rows.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.to_vec());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Aligns the numbers of a column.
pub(super) fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Prints a table without spaces at the ends of its lines.
pub(crate) fn print(table: &Table) -> Result<(), Failure> {
    data_line(table.trim_fmt())
}

/// A mode in a word.
pub(super) fn mode(mode: &Mode) -> &str {
    match mode.stream_mode.as_str() {
        "PROVISIONED" => "provisioned",
        "ON_DEMAND" => "on-demand",
        other => other,
    }
}

/// Hours, as days if they are whole.
pub(super) fn hours(hours: u32) -> String {
    if hours.is_multiple_of(24) { format!("{} d", hours / 24) } else { format!("{hours} h") }
}

/// A time in RFC 3339, to the second, which `--from` takes.
pub(crate) fn time(time: Timestamp) -> String {
    let time = DateTime::from_timestamp_millis(time.unix_millis());
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

/// A time in RFC 3339, to the millisecond.
pub(super) fn time_exact(time: Timestamp) -> String {
    let time = DateTime::from_timestamp_millis(time.unix_millis());
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true)).unwrap_or_default()
}

/// Where a range of hash keys begins and ends, in percent of all of them.
pub(super) fn percents(keys: HashKeyRange) -> (f64, f64) {
    let percent = |key: u128| (key as f64 / 2_f64.powi(128) * 1e6).round() / 1e4;
    (percent(keys.starting_hash_key), percent(keys.ending_hash_key))
}

/// A range of hash keys in percent of all of them.
pub(super) fn share(keys: HashKeyRange) -> String {
    let (from, to) = percents(keys);
    format!("{from:.2}–{to:.2} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_told_in_percent() {
        let share_of = |starting_hash_key, ending_hash_key| share(HashKeyRange { starting_hash_key, ending_hash_key });
        assert_eq!(share_of(0, u128::MAX), "0.00–100.00 %");
        assert_eq!(share_of(1 << 126, (1 << 127) - 1), "25.00–50.00 %");
        assert_eq!(share_of(u128::MAX / 3, u128::MAX), "33.33–100.00 %");
    }

    #[test]
    fn retention_is_in_days_if_they_are_whole() {
        assert_eq!([24, 36, 168].map(hours), ["1 d", "36 h", "7 d"]);
    }

    #[test]
    fn times_are_in_rfc_3339() {
        assert_eq!(time(Timestamp::from_unix_millis(1_431_857_100_500)), "2015-05-17T10:05:00Z");
    }
}
