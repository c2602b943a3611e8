//! Files have what the options ask for, as an independent reader finds it.

use std::sync::Arc;

use ::parquet::basic::Encoding;
use ::parquet::bloom_filter::Sbbf;
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::properties::ReaderProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::serialized_reader::ReadOptionsBuilder;

use super::*;

fn tuned(tuning: ParquetTuning) -> Conversion {
    let parquet = ParquetOptions { tuning, ..ParquetOptions::default() };
    Conversion { parquet, ..inferred(ClashPolicy::ErrorPrefix) }
}

fn file_of(conversion: &Conversion, records: &[String]) -> Vec<u8> {
    let (converted, errors) = run(conversion, &Schema::default(), records);
    assert_eq!(errors, []);
    converted.file.unwrap()
}

fn open(file: &[u8]) -> SerializedFileReader<Bytes> {
    let properties = ReaderProperties::builder().set_read_bloom_filter(true).build();
    let options = ReadOptionsBuilder::new().with_reader_properties(properties).build();
    SerializedFileReader::new_with_options(Bytes::copy_from_slice(file), options).unwrap()
}

fn row_groups(file: &[u8]) -> Vec<RowGroupMetaData> {
    open(file).metadata().row_groups().to_vec()
}

/// Users that come again, with nulls, and numbers all over.
fn clicks(count: usize) -> Vec<String> {
    let click = |number: usize| {
        let shuffled = number.wrapping_mul(7_919) % 10_007;
        if shuffled.is_multiple_of(11) {
            return format!(r#"{{"n":{shuffled}}}"#);
        }
        format!(
            r#"{{"n":{shuffled},"user":"u{}","in":{{"id":{number},"tags":["t{}","all"]}}}}"#,
            shuffled % 100,
            shuffled % 7
        )
    };
    (0..count).map(click).collect()
}

#[test]
fn rows_of_each_row_group_are_in_the_order_it_says() {
    let sort_by = ["user desc", "n"].map(|column| column.parse().unwrap()).to_vec();
    let records = clicks(crate::limits::CHUNK_ROWS_MAX + 5_000);
    let file = file_of(&tuned(ParquetTuning { sort_by, ..ParquetTuning::default() }), &records);
    let groups = row_groups(&file);
    assert_eq!(groups.len(), 2);
    let mut count = 0;
    for (position, group) in groups.iter().enumerate() {
        let columns = group.sorting_columns().unwrap();
        let said: Vec<_> = columns
            .iter()
            .map(|column| {
                let path = group.column(column.column_idx as usize).column_path().string();
                (path, column.descending, column.nulls_first)
            })
            .collect();
        assert_eq!(said, [("user".to_owned(), true, false), ("n".to_owned(), false, false)]);
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(&file)).unwrap();
        let mut before: Option<(Option<String>, i64)> = None;
        for batch in builder.with_row_groups(vec![position]).build().unwrap() {
            let batch = batch.unwrap();
            let users = batch.column_by_name("user").unwrap().as_string::<i32>();
            let numbers = batch.column_by_name("n").unwrap().as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let user = users.is_valid(row).then(|| users.value(row).to_owned());
                let now = (user, numbers.value(row));
                if let Some(before) = &before {
                    // The largest user first, and null after all of them.
                    assert!(before.0 > now.0 || (before.0 == now.0 && before.1 <= now.1), "{before:?} {now:?}");
                }
                before = Some(now);
                count += 1;
            }
        }
    }
    assert_eq!(count, records.len());
}

#[test]
fn an_order_ends_before_a_column_that_has_none() {
    let records = clicks(200);
    for (sort_by, expected) in [(&["n", "nowhere", "user"][..], 1), (&["in", "n"], 0), (&["nowhere"], 0), (&[], 0)] {
        let sort_by = sort_by.iter().map(|column| column.parse().unwrap()).collect();
        let file = file_of(&tuned(ParquetTuning { sort_by, ..ParquetTuning::default() }), &records);
        let said = row_groups(&file)[0].sorting_columns().map_or(0, Vec::len);
        assert_eq!(said, expected);
        let numbers: Vec<i64> = batches(&file)
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        assert_eq!(numbers.is_sorted(), expected > 0, "rows keep their order, or have the one that is said");
    }
}

#[test]
fn bloom_filters_know_what_is_in_their_columns_and_no_other_column_has_one() {
    let bloom_filter_columns = ["user", "in.id", "in.tags", "nowhere"].map(str::to_owned).to_vec();
    let file = file_of(&tuned(ParquetTuning { bloom_filter_columns, ..ParquetTuning::default() }), &clicks(2_000));
    let reader = open(&file);
    let group = reader.get_row_group(0).unwrap();
    let filter = |name: &str| -> Option<Arc<Sbbf>> {
        let columns = group.metadata().columns();
        let leaf = columns.iter().position(|column| column.column_path().string() == name).unwrap();
        group.get_column_bloom_filter(leaf).cloned().map(Arc::new)
    };
    assert!(filter("n").is_none());
    let users = filter("user").unwrap();
    assert!((0..100).all(|user| users.check(&format!("u{user}").as_str())));
    let misses = (100..300).filter(|user| !users.check(&format!("u{user}").as_str())).count();
    assert!(misses > 150, "{misses} of 200 are told to be away");
    assert!(filter("in.tags.list.element").unwrap().check(&"t3"));
    assert!(filter("in.id").unwrap().check(&1_000_i64));
}

#[test]
fn a_page_index_is_there_if_it_is_asked_for() {
    for page_index in [false, true] {
        let file = file_of(&tuned(ParquetTuning { page_index, ..ParquetTuning::default() }), &clicks(10));
        for column in row_groups(&file)[0].columns() {
            assert_eq!(column.column_index_offset().is_some(), page_index);
            assert_eq!(column.offset_index_offset().is_some(), page_index);
            assert!(column.statistics().is_some());
        }
    }
}

#[test]
fn row_groups_end_where_they_should() {
    let records = clicks(1_000);
    let file = file_of(&tuned(ParquetTuning { row_group_rows: 300, ..ParquetTuning::default() }), &records);
    let counts: Vec<_> = row_groups(&file).iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(counts, [300, 300, 300, 100]);
    let sort_by = vec!["n".parse().unwrap()];
    let tuning = ParquetTuning { row_group_rows: 300, sort_by, ..ParquetTuning::default() };
    let groups = row_groups(&file_of(&tuned(tuning), &records));
    assert!(groups.iter().all(|group| group.sorting_columns().is_some_and(|columns| columns.len() == 1)));
    assert_eq!(groups.len(), 4);
}

#[test]
fn version_dictionary_and_level_are_as_asked() {
    let records = clicks(3_000);
    for (version, expected) in [(WriterVersion::V1, 1), (WriterVersion::V2, 2)] {
        for is_dictionary_enabled in [false, true] {
            let mut conversion = tuned(ParquetTuning::default());
            conversion.parquet.version = version;
            conversion.parquet.is_dictionary_enabled = is_dictionary_enabled;
            let file = file_of(&conversion, &records);
            assert_eq!(open(&file).metadata().file_metadata().version(), expected);
            let users = row_groups(&file)[0].column(1).clone();
            assert_eq!(users.column_path().string(), "user");
            let has_dictionary = users.encodings().any(|encoding| encoding == Encoding::RLE_DICTIONARY);
            assert_eq!(has_dictionary, is_dictionary_enabled);
        }
    }
    let words = |number: usize| (0..60).map(move |word| format!("word{} ", (number * word * 7_919) % 1_009));
    let texts: Vec<_> = (0..500).map(|number| json!({"t": words(number).collect::<String>()}).to_string()).collect();
    let length = |zstd_level| {
        let mut conversion = tuned(ParquetTuning { zstd_level, ..ParquetTuning::default() });
        conversion.parquet.is_dictionary_enabled = false;
        file_of(&conversion, &texts).len()
    };
    assert!(length(19) < length(1));
}
