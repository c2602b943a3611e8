//! JSON records become columns, with a schema that is given and with one that is inferred.

use bytes::Bytes;
use firehose::convert::{Columns, Conversion, Converted, Naming, ParquetOptions, RecordError, convert};
use firehose::schema::{ClashPolicy, Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::seed;

/// The first byte's bits choose the conversion; with a given schema, the first line is its columns (`name type;…`). Every
/// other line is a record.
pub(crate) fn run(input: &[u8]) {
    let Some((choices, rest)) = input.split_first() else { return };
    let mut lines = rest.split(|byte| *byte == b'\n');
    let (columns, schema) = match choices & 3 {
        0 => (Columns::Inferred(ClashPolicy::ErrorPrefix), Schema::default()),
        1 => (Columns::Inferred(ClashPolicy::JsonColumn), Schema::default()),
        _ => match schema_of(lines.next().unwrap_or_default()) {
            Some(schema) => (Columns::Given, schema),
            None => return,
        },
    };
    let conversion = Conversion {
        columns,
        is_lenient: choices & 4 != 0,
        naming: Naming { is_case_insensitive: choices & 8 != 0, converts_dots: choices & 16 != 0, ..Naming::default() },
        timestamp_formats: Vec::new(),
        parquet: ParquetOptions::default(),
    };
    let records: Vec<&[u8]> = lines.collect();
    let (first, errors) = converted(&records, &conversion, &schema);
    check(&first, &errors);
    let (second, _) = converted(&records, &conversion, &schema);
    assert_eq!(first.file, second.file, "a delivery that is redone has the same bytes");
    assert_eq!(first.schema, second.schema);
}

fn schema_of(line: &[u8]) -> Option<Schema> {
    let text = std::str::from_utf8(line).ok()?;
    let field = |column: &str| {
        let (name, kind) = column.split_once(' ')?;
        Some(Field::new(name, kind.parse().ok()?))
    };
    let fields: Vec<Field> = text.split(';').map(field).collect::<Option<_>>()?;
    // What refuses a table with two columns of a name stands before the conversion.
    let mut names: Vec<_> = fields.iter().map(|field| field.name.to_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    (names.len() == fields.len()).then_some(Schema { version: 1, fields })
}

fn converted(records: &[&[u8]], conversion: &Conversion, schema: &Schema) -> (Converted<Vec<u8>>, Vec<RecordError>) {
    let mut errors = Vec::new();
    let converted = convert(
        || records.iter(),
        conversion,
        schema,
        || Ok(Vec::new()),
        |said| match said {
            Some((_, error)) => errors.push(error.clone()),
            None => errors.clear(),
        },
    );
    (converted.expect("no record fails the whole file"), errors)
}

fn check(converted: &Converted<Vec<u8>>, errors: &[RecordError]) {
    assert_eq!(converted.failed_count, errors.len() as u64, "each record that does not convert is reported once");
    assert!(errors.iter().all(|error| !error.message.is_empty()));
    let Some(file) = &converted.file else {
        assert_eq!(converted.row_count, 0);
        return;
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file)).expect("the file is Parquet");
    assert_eq!(reader.schema().fields().len(), converted.schema.fields.len());
    let batches = reader.build().expect("the file is Parquet");
    let row_count: usize = batches.map(|batch| batch.expect("every page is read").num_rows()).sum();
    assert_eq!(row_count as u64, converted.row_count, "each row is there");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let records = "{\"user\":\"u1\",\"ms\":1,\"at\":\"2026-11-23T08:30:00Z\",\"tags\":[\"a\",null],\"in\":{\"x\":1.5,\"y\":true}}\n\
                   {\"user\":7,\"ms\":1.5,\"new\":[{\"a\":1},{\"b\":\"c\"}]}\nnot json\n{\"ms\":\"1\",\"in\":[]}{\"ms\":2}";
    let columns =
        "user string;ms int;at timestamp;tags array<string>;in struct<x:double,y:boolean>;day date;raw json\n";
    let mut seeds: Vec<_> = [0, 1, 8, 16].map(|choices| seed(choices, records)).to_vec();
    seeds.extend([2, 6, 14].map(|choices| seed(choices, &format!("{columns}{records}"))));
    seeds
}
