//! Converts a file of JSON lines to zstd Parquet as a delivery stream does, on one core: `ndjson_to_parquet INPUT OUTPUT`.
//!
//! `bench/compare` runs it beside other engines. It prints the number of rows.

use std::fs::File;
use std::io::{self, BufWriter};

use firehose::convert::{Columns, Conversion, Naming, ParquetOptions, convert};
use firehose::schema::{ClashPolicy, Schema};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [input, output] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "give INPUT and OUTPUT")?;
    // Mapped, as the records of a log are.
    let lines = shard_store::map_file(&File::options().read(true).write(true).open(input)?)?;
    let conversion = Conversion {
        columns: Columns::Inferred(ClashPolicy::ErrorPrefix),
        is_lenient: false,
        naming: Naming { is_case_insensitive: true, ..Naming::default() },
        timestamp_formats: Vec::new(),
        parquet: ParquetOptions::default(),
    };
    let records = || lines.split_inclusive(|byte| *byte == b'\n');
    let make_output = || -> io::Result<_> { Ok(BufWriter::new(File::create(&output)?)) };
    let converted = convert(records, &conversion, &Schema::default(), make_output, |_| {})?;
    if converted.failed_count > 0 {
        return Err(format!("{} records do not convert", converted.failed_count).into());
    }
    println!("{}", converted.row_count);
    Ok(())
}
