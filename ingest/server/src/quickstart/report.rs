//! What is shown at the end: a table of figures, the most viewed pages, and what to try next.

use std::path::Path;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use super::BUCKET;
use super::check::Check;
use super::landing::Landing;
use super::load::Load;
use crate::failure::Failure;
use crate::output::{data_line, grouped};

/// The pages that are shown.
const TOP_PAGE_COUNT: usize = 5;

/// Prints the figures.
pub(crate) fn print(load: &Load, landing: &Landing, check: &Check) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    for (name, value) in figures(load, landing) {
        table.add_row([name, value.as_str()]);
    }
    align_right(&mut table, 1);
    data_line(table)?;

    let mut pages = Table::new();
    pages.load_style(UTF8_BORDERS_ONLY).set_header(["most viewed pages, from the Parquet files", "views"]);
    for (page, views) in check.top_pages(TOP_PAGE_COUNT) {
        pages.add_row([page.to_owned(), grouped(views)]);
    }
    align_right(&mut pages, 1);
    data_line(pages)
}

fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn figures(load: &Load, landing: &Landing) -> Vec<(&'static str, String)> {
    let seconds = load.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let latency = |quantile: f64| format!("{:.2} ms", load.latency.value_at_quantile(quantile) as f64 / 1_000.0);
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    vec![
        ("events sent", grouped(load.event_count)),
        ("JSON sent", megabytes(load.json_bytes)),
        ("time to send", format!("{seconds:.1} s")),
        ("events/s", grouped((load.event_count as f64 / seconds) as u64)),
        ("MB/s", format!("{:.1}", load.json_bytes as f64 / 1e6 / seconds)),
        ("entries sent again", grouped(load.retried_count)),
        ("put latency p50 (up to 500 events a request)", latency(0.5)),
        ("put latency p99", latency(0.99)),
        ("put latency p99.9", latency(0.999)),
        ("last row in Parquet after", format!("{:.1} s", landing.elapsed.as_secs_f64())),
        ("Parquet files", grouped(landing.files.len() as u64)),
        ("Parquet", megabytes(landing.file_bytes)),
        ("compression ratio", format!("{:.1}", load.json_bytes as f64 / landing.file_bytes.max(1) as f64)),
    ]
}

/// Prints what to try next.
pub(crate) fn print_next(kept: Option<&Path>) -> Result<(), Failure> {
    let Some(dir) = kept else {
        return data_line(
            "Next:\n  headwater quickstart --data-dir demo   # the same, and the data is kept\n  headwater serve                        # \
             a server for your own events; README.md, \"Five minutes\", shows boto3 and the AWS CLI",
        );
    };
    let objects = dir.join("objects").join(BUCKET);
    data_line(format_args!(
        "Next:\n  duckdb -c \"SELECT country, count(*) FROM '{objects}/clicks/**/*.parquet' GROUP BY ALL ORDER BY ALL\"\n  \
         headwater serve --data-dir {dir}   # the same data behind the Kinesis API\n  \
         headwater tail --stream clicks --from trim-horizon --no-follow | head   # while it serves\n  \
         headwater verify {dir}   # while it does not",
        objects = objects.display(),
        dir = dir.display(),
    ))
}
