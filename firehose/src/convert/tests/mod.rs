mod malformed;
mod parquet_files;
mod types;

use std::collections::HashMap;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::schema::{ClashPolicy, Field};

fn inferred(policy: ClashPolicy) -> Conversion {
    Conversion {
        columns: Columns::Inferred(policy),
        is_lenient: true,
        naming: Naming::default(),
        timestamp_formats: Vec::new(),
        parquet: ParquetOptions::default(),
    }
}

fn given(columns: &[(&str, &str)]) -> (Conversion, Schema) {
    let fields = columns.iter().map(|(name, kind)| Field::new(*name, kind.parse().unwrap())).collect();
    let conversion = Conversion { columns: Columns::Given, ..inferred(ClashPolicy::ErrorPrefix) };
    (conversion, Schema { version: 1, fields })
}

/// Converts and returns what came out with the errors by the number of their record.
fn run(conversion: &Conversion, schema: &Schema, records: &[String]) -> (Converted<Vec<u8>>, Vec<(usize, String)>) {
    let mut errors = Vec::new();
    let numbered = || records.iter().enumerate().map(|(number, text)| Numbered(number, text));
    let converted = convert(
        numbered,
        conversion,
        schema,
        || Ok(Vec::new()),
        |said| match said {
            Some((record, error)) => errors.push((record.0, error.to_string())),
            None => errors.clear(),
        },
    );
    (converted.unwrap(), errors)
}

struct Numbered<'a>(usize, &'a str);

impl AsRef<[u8]> for Numbered<'_> {
    fn as_ref(&self) -> &[u8] {
        self.1.as_bytes()
    }
}

fn batches(file: &[u8]) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file)).unwrap();
    builder.build().unwrap().map(|batch| batch.unwrap()).collect()
}

/// The rows of a Parquet file as JSON; JSON text columns give their value to the column they stand in for.
fn rows(converted: &Converted<Vec<u8>>) -> Vec<Value> {
    let Some(file) = &converted.file else { return Vec::new() };
    let mut rows = Vec::new();
    for batch in batches(file) {
        let fields = batch.schema();
        for row in 0..batch.num_rows() {
            let members = fields.fields().iter().zip(batch.columns());
            rows.push(object(members.map(|(field, column)| (field.name().as_str(), column.as_ref())), row));
        }
    }
    rows
}

fn object<'a>(members: impl Iterator<Item = (&'a str, &'a dyn Array)>, row: usize) -> Value {
    let mut object = Map::new();
    for (name, column) in members {
        let value = value(column, row);
        match (name.strip_suffix("__json"), &value) {
            (Some(_), Value::Null) => {}
            (None, Value::Null) if object.contains_key(name) => {}
            (Some(name), Value::String(text)) => {
                object.insert(name.to_owned(), serde_json::from_str(text).unwrap());
            }
            _ => {
                object.insert(name.to_owned(), value);
            }
        }
    }
    Value::Object(object)
}

fn value(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).into(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value(row).to_string().into(),
        DataType::Binary => base64_simd::STANDARD.encode_to_string(column.as_binary::<i32>().value(row)).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).into(),
        DataType::Timestamp(_, _) => column.as_primitive::<TimestampMicrosecondType>().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::List(_) => {
            let elements = column.as_list::<i32>().value(row);
            (0..elements.len()).map(|element| value(elements.as_ref(), element)).collect::<Vec<_>>().into()
        }
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let entry = |entry| (key_text(&value(keys, entry)), value(values, entry));
            let object: Map<_, _> = (0..entries.len()).map(entry).collect();
            assert_eq!(object.len(), entries.len(), "no key is there twice");
            object.into()
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns();
            object(fields.iter().zip(columns).map(|(field, column)| (field.name().as_str(), column.as_ref())), row)
        }
        other => panic!("unexpected column type {other}"),
    }
}

/// The key of a map as JSON can have it.
fn key_text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// What a value says: nothing is null, numbers are doubles, members that say nothing are gone, and order is none.
fn essence(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap()),
        Value::Array(elements) => {
            let elements: Vec<Value> = elements.iter().map(essence).collect();
            if elements.iter().all(Value::is_null) { Value::Null } else { elements.into() }
        }
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(k, v)| (k.clone(), essence(v))).filter(|(_, v)| !v.is_null()).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            if members.is_empty() { Value::Null } else { Value::Object(members.into_iter().collect()) }
        }
        other => other.clone(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            any_object(inner).prop_map(Value::Object),
        ]
    })
}

fn any_object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![Just("a"), Just("b"), Just("c\"d"), Just("é"), Just("deep.er")];
    prop::collection::vec((key, value), 0..5)
        .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn every_value_is_read_back_with_a_json_column_for_clashes(
        objects in prop::collection::vec(any_object(any_json()), 1..12)
    ) {
        let records: Vec<String> = objects.iter().map(|object| serde_json::to_string(object).unwrap()).collect();
        let conversion = inferred(ClashPolicy::JsonColumn);
        let (converted, errors) = run(&conversion, &Schema::default(), &records);
        let expected: Vec<Value> = objects.iter().map(|object| essence(&Value::Object(object.clone()))).collect();
        if converted.schema.fields.is_empty() {
            prop_assert!(expected.iter().all(Value::is_null));
            prop_assert_eq!(errors.len(), records.len());
            return Ok(());
        }
        prop_assert_eq!(errors, vec![]);
        let read: Vec<Value> = rows(&converted).iter().map(essence).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn clashing_records_fail_whole_and_the_others_are_read_back(
        objects in prop::collection::vec(any_object(any_json()), 1..12)
    ) {
        let records: Vec<String> = objects.iter().map(|object| serde_json::to_string(object).unwrap()).collect();
        let conversion = inferred(ClashPolicy::ErrorPrefix);
        let (converted, errors) = run(&conversion, &Schema::default(), &records);
        prop_assert_eq!(converted.row_count as usize + errors.len(), records.len());
        let good = objects.iter().enumerate().filter(|(number, _)| errors.iter().all(|(failed, _)| failed != number));
        let expected: Vec<Value> = good.map(|(_, object)| essence(&Value::Object(object.clone()))).collect();
        let read: Vec<Value> = rows(&converted).iter().map(essence).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn redoing_repeats_the_bytes_and_what_was_learnt_is_enough(
        objects in prop::collection::vec(any_object(any_json()), 1..12), is_json_column in any::<bool>()
    ) {
        let records: Vec<String> = objects.iter().map(|object| serde_json::to_string(object).unwrap()).collect();
        let policy = if is_json_column { ClashPolicy::JsonColumn } else { ClashPolicy::ErrorPrefix };
        let (first, first_errors) = run(&inferred(policy), &Schema::default(), &records);
        let (redone, redone_errors) = run(&inferred(policy), &Schema::default(), &records);
        prop_assert_eq!(&first.file, &redone.file);
        prop_assert_eq!(&first_errors, &redone_errors);
        let (known, known_errors) = run(&inferred(policy), &first.schema, &records);
        prop_assert_eq!(&first.schema, &known.schema);
        let failed = |errors: &[(usize, String)]| errors.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        prop_assert_eq!(failed(&first_errors), failed(&known_errors));
        let said = |converted| rows(converted).iter().map(essence).collect::<Vec<_>>();
        prop_assert_eq!(said(&first), said(&known));
    }

    #[test]
    fn bytes_that_are_no_json_never_panic(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
        for conversion in [inferred(ClashPolicy::JsonColumn), given(&[("a", "json"), ("b", "bigint")]).0] {
            let converted = convert(|| records.iter(), &conversion, &Schema::default(), || Ok(Vec::new()), |_| {}).unwrap();
            prop_assert!(converted.failed_count as usize <= records.len());
        }
    }
}

#[test]
fn given_columns_take_what_fits_and_ignore_the_rest() {
    let (conversion, schema) = given(&[
        ("id", "bigint"),
        ("small", "tinyint"),
        ("at", "timestamp"),
        ("day", "date"),
        ("text", "string"),
        ("raw", "json"),
        ("nested", "struct<a:array<double>>"),
    ]);
    let records = [
        r#"{"id":1,"small":-128,"at":"1970-01-01T00:00:01Z","day":"1970-01-03","text":"x","raw":{"k": [1.0 ]},"nested":{"a":[1,null]}}"#,
        r#"{"unknown":{"deep":[1,{}]},"id":"7","text":12,"raw":null}"#,
        r#"{"id":2,"id":3}"#,
    ];
    let (converted, errors) = run(&conversion, &schema, &records.map(str::to_owned));
    assert_eq!(errors, []);
    let expected = [
        json!({"id":1,"small":-128,"at":1_000_000,"day":2,"text":"x","raw":r#"{"k": [1.0 ]}"#,"nested":{"a":[1.0,null]}}),
        json!({"id":7,"small":null,"at":null,"day":null,"text":"12","raw":null,"nested":null}),
        json!({"id":3,"small":null,"at":null,"day":null,"text":null,"raw":null,"nested":null}),
    ];
    assert_eq!(rows(&converted), expected);
}

#[test]
fn what_does_not_fit_is_reported_with_its_column_and_leaves_nothing_behind() {
    let (conversion, schema) = given(&[("a", "struct<b:array<tinyint>>"), ("c", "string")]);
    let cases = [
        (r#"{"c":"x","a":{"b":[1,300]}}"#, "a.b: expected tinyint, found the integer 300."),
        (r#"{"a":[1]}"#, "a: expected struct, found an array."),
        (r#"{"c":{"d":1}}"#, "c: expected string, found an object."),
        (r#"{"c":"x""#, "Encountered malformed JSON."),
        (r#"{"c":"x"} trailing"#, "Encountered malformed JSON."),
        ("[]", "Encountered malformed JSON."),
        ("", "The record holds no JSON object."),
        (r#"{"a":{"b":[1,2]}}"#, ""),
    ];
    let (converted, errors) = run(&conversion, &schema, &cases.map(|(record, _)| record.to_owned()));
    for (number, (_, expected)) in cases.iter().enumerate().take(cases.len() - 1) {
        let (_, error) = errors.iter().find(|(failed, _)| *failed == number).unwrap();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(rows(&converted), [json!({"a":{"b":[1,2]},"c":null})]);
}

#[test]
fn a_record_may_hold_several_objects_and_fails_as_a_whole() {
    let conversion = inferred(ClashPolicy::ErrorPrefix);
    let records =
        ["{\"a\":1}\n{\"a\":2}\n", "{\"a\":3}{\"a\":\"clash\"}", "{\"a\":4,\"b\":true}{\"a\":5}", "{\"a\":6}\n"];
    let (converted, errors) = run(&conversion, &Schema::default(), &records.map(str::to_owned));
    assert_eq!(errors.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1]);
    let expected = [(1, None), (2, None), (4, Some(true)), (5, None), (6, None)];
    assert_eq!(rows(&converted), expected.map(|(a, b)| json!({"a":a,"b":b})));
    let many = "{}".repeat(crate::limits::ROWS_PER_RECORD_MAX + 1);
    let (_, errors) = run(&conversion, &Schema::default(), &[many]);
    assert!(errors[0].1.contains("at most"), "{errors:?}");
}

#[test]
fn a_schema_that_grows_after_the_first_chunk_gives_one_file_with_all_columns() {
    let row_count = crate::limits::CHUNK_ROWS_MAX + 10;
    let records: Vec<String> = (0..row_count)
        .map(|n| if n + 5 < row_count { format!(r#"{{"n":{n}}}"#) } else { format!(r#"{{"n":{n},"late":"x"}}"#) })
        .chain(["nonsense".to_owned()])
        .collect();
    let (converted, errors) = run(&inferred(ClashPolicy::ErrorPrefix), &Schema::default(), &records);
    assert_eq!((converted.row_count as usize, converted.schema.version), (row_count, 1));
    assert_eq!(errors.len(), 1, "each failed record is told of once");
    let rows = rows(&converted);
    assert_eq!(rows.len(), row_count);
    assert_eq!(rows[0], json!({"n":0,"late":null}));
    assert_eq!(rows[row_count - 1], json!({"n":row_count - 1,"late":"x"}));
}

#[test]
fn hostile_nesting_and_widths_are_refused() {
    let open = "[".repeat(500_000);
    let records = [format!(r#"{{"x":{open}"#), format!(r#"{{"j":{open}"#), open];
    let (conversion, schema) = given(&[("j", "json"), ("list", "array<struct<a:bigint,b:bigint,c:bigint>>")]);
    let (converted, errors) = run(&conversion, &schema, &records);
    assert_eq!((converted.row_count, errors.len()), (0, 3));
    let wide = format!(r#"{{"list":[{}{{}}]}}"#, "{},".repeat(3_000_000));
    let (_, errors) = run(&conversion, &schema, &[wide]);
    assert!(errors[0].1.contains("take more than"), "{errors:?}");
    let (_, errors) = run(&inferred(ClashPolicy::JsonColumn), &Schema::default(), &records);
    assert_eq!(errors.len(), 3);
}

#[test]
fn keys_follow_the_rules_of_the_deserialiser() {
    let (mut conversion, schema) =
        given(&[("user_id", "string"), ("ts", "bigint"), ("plain", "struct<inner_key:bigint>")]);
    conversion.naming = Naming {
        is_case_insensitive: true,
        converts_dots: true,
        columns_by_key: HashMap::from([("timestamp".to_owned(), "ts".to_owned())]),
    };
    let records = [
        r#"{"User.Id":"u","TimeStamp":1,"PLAIN":{"Inner.Key":5}}"#,
        r#"{"User.Id":"v","TimeStamp":2,"PLAIN":{"Inner.Key":6}}"#,
    ];
    let (converted, errors) = run(&conversion, &schema, &records.map(str::to_owned));
    assert_eq!(errors, []);
    assert_eq!(rows(&converted)[1], json!({"user_id":"v","ts":2,"plain":{"inner_key":6}}));
    let (converted, _) = run(
        &Conversion { columns: Columns::Inferred(ClashPolicy::ErrorPrefix), ..conversion },
        &Schema::default(),
        &records.map(str::to_owned),
    );
    assert_eq!(rows(&converted)[0], json!({"user_id":"u","ts":1,"plain":{"inner_key":5}}));
}

#[test]
fn mappings_hold_in_structs_and_where_their_column_is() {
    let (mut conversion, schema) = given(&[
        ("ts", "bigint"),
        ("timestamp", "bigint"),
        ("plain", "struct<Timestamp:bigint,a_b:bigint>"),
        ("nested", "array<struct<a_b:bigint,ts:bigint>>"),
        ("userId", "string"),
    ]);
    conversion.naming = Naming {
        is_case_insensitive: true,
        converts_dots: true,
        columns_by_key: HashMap::from([
            ("timestamp".to_owned(), "ts".to_owned()),
            ("user.id".to_owned(), "userId".to_owned()),
        ]),
    };
    let records = [
        r#"{"TimeStamp":1,"plain":{"timestamp":2,"A.B":3},"nested":[{"timestamp":4},{"TS":5,"a.b":6}],"user.id":"u"}"#,
        r#"{"userid":"v","nested":[],"plain":{"TIMESTAMP":7},"timestamp":8}"#,
    ];
    let (converted, errors) = run(&conversion, &schema, &records.map(str::to_owned));
    assert_eq!(errors, []);
    let expected = [
        json!({"ts":1,"timestamp":null,"plain":{"Timestamp":2,"a_b":3},
            "nested":[{"a_b":null,"ts":4},{"a_b":6,"ts":5}],"userId":"u"}),
        json!({"ts":8,"timestamp":null,"plain":{"Timestamp":7,"a_b":null},"nested":[],"userId":"v"}),
    ];
    assert_eq!(rows(&converted), expected);
}

#[test]
fn timestamp_formats_are_tried_in_order_for_dates_and_timestamps() {
    let (mut conversion, schema) = given(&[("at", "timestamp"), ("day", "date"), ("all", "array<timestamp>")]);
    conversion.timestamp_formats = ["dd/MM/yyyy HH:mm:ss", "millis"].map(|format| format.parse().unwrap()).to_vec();
    let records = [
        r#"{"at":"07/02/2018 19:58:48","day":"03/01/1970 00:00:00","all":[1500,"1500","1970-01-01 00:00:02",2.5]}"#,
        r#"{"at":"2018.02.07"}"#,
    ];
    let (converted, errors) = run(&conversion, &schema, &records.map(str::to_owned));
    assert_eq!(
        rows(&converted),
        [json!({"at":1_518_033_528_000_000_i64,"day":2,"all":[1_500_000,1_500_000,2_000_000,2_500]})]
    );
    assert!(errors[0].1.contains("at: expected timestamp, found the string \"2018.02.07\""), "{errors:?}");
}

#[test]
fn every_compression_and_version_is_read_back() {
    for compression in [Compression::Uncompressed, Compression::Gzip, Compression::Snappy, Compression::Zstd] {
        for version in [WriterVersion::V1, WriterVersion::V2] {
            let parquet = ParquetOptions { compression, version, ..ParquetOptions::default() };
            let conversion = Conversion { parquet, ..inferred(ClashPolicy::ErrorPrefix) };
            let (converted, _) = run(&conversion, &Schema::default(), &[r#"{"a":"x"}"#.to_owned()]);
            assert_eq!(rows(&converted), [json!({"a":"x"})]);
        }
    }
}
