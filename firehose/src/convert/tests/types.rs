//! Values of every type are read back as they were sent.

use chrono::{DateTime, NaiveDate, SecondsFormat};

use super::*;
use crate::schema::Type;

/// A value as JSON text, and as it is read back.
type Sent = (String, Value);

fn any_primitive() -> impl Strategy<Value = Type> {
    let decimal = (1..=38_u8).prop_flat_map(|precision| {
        (Just(precision), 0..=precision).prop_map(|(precision, scale)| Type::Decimal { precision, scale })
    });
    prop_oneof![
        Just(Type::Boolean),
        Just(Type::TinyInt),
        Just(Type::SmallInt),
        Just(Type::Int),
        Just(Type::BigInt),
        Just(Type::Float),
        Just(Type::Double),
        Just(Type::String),
        (1..6_u16).prop_map(Type::Varchar),
        (1..6_u16).prop_map(Type::Char),
        Just(Type::Binary),
        Just(Type::Date),
        Just(Type::Timestamp),
        decimal,
    ]
}

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![8 => any_primitive(), 1 => Just(Type::Json)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|element| Type::Array(Box::new(element))),
            (any_primitive(), inner.clone()).prop_map(|(key, value)| Type::Map(Box::new(key), Box::new(value))),
            prop::collection::vec(inner, 1..4).prop_map(|kinds| Type::Struct(members(kinds))),
        ]
    })
}

fn members(kinds: Vec<Type>) -> Vec<Field> {
    kinds.into_iter().zip(0..).map(|(kind, number)| Field::new(format!("m{number}"), kind)).collect()
}

fn plain(value: impl Into<Value>) -> Sent {
    let value = value.into();
    (value.to_string(), value)
}

fn quoted(text: &str, expected: impl Into<Value>) -> Sent {
    (Value::from(text).to_string(), expected.into())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-b ]{0,8}"]
}

fn any_value(kind: &Type) -> BoxedStrategy<Sent> {
    let value = match kind {
        Type::Map(key, value) => any_map(key, value),
        Type::Array(element) => {
            let array = |sent: Vec<Sent>| {
                let (texts, values): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
                (format!("[{}]", texts.join(",")), Value::from(values))
            };
            prop::collection::vec(any_value(element), 0..4).prop_map(array).boxed()
        }
        Type::Struct(fields) => any_row(fields),
        Type::Json => any_json()
            .prop_filter("null is no text", |json| !json.is_null())
            .prop_map(|json| {
                let text = json.to_string();
                (text.clone(), Value::from(text))
            })
            .boxed(),
        primitive => any_primitive_value(primitive),
    };
    prop_oneof![1 => Just(plain(Value::Null)), 6 => value].boxed()
}

fn any_primitive_value(kind: &Type) -> BoxedStrategy<Sent> {
    match *kind {
        Type::Boolean => any::<bool>().prop_map(plain).boxed(),
        Type::TinyInt => any::<i8>().prop_map(plain).boxed(),
        Type::SmallInt => any::<i16>().prop_map(plain).boxed(),
        Type::Int => any::<i32>().prop_map(plain).boxed(),
        Type::BigInt => any::<i64>().prop_map(plain).boxed(),
        Type::Float => (-1e9..1e9_f32).prop_map(plain).boxed(),
        Type::Double => (-1e300..1e300).prop_map(plain).boxed(),
        Type::Varchar(length) => any_text().prop_map(move |text| quoted(&text, cut(&text, length))).boxed(),
        Type::Char(length) => {
            any_text().prop_map(move |text| quoted(&text, cut(&text, length).trim_end_matches(' '))).boxed()
        }
        Type::Binary => prop::collection::vec(any::<u8>(), 0..6)
            .prop_map(|bytes| plain(base64_simd::STANDARD.encode_to_string(bytes)))
            .boxed(),
        Type::Date => (-100_000..100_000_i64)
            .prop_map(|days| {
                let date = NaiveDate::default() + chrono::Duration::days(days);
                quoted(&date.to_string(), days)
            })
            .boxed(),
        Type::Timestamp => (-4_000_000_000_000_000..4_000_000_000_000_000_i64)
            .prop_map(|micros| {
                let instant = DateTime::from_timestamp_micros(micros).unwrap();
                quoted(&instant.to_rfc3339_opts(SecondsFormat::Micros, true), micros)
            })
            .boxed(),
        Type::Decimal { precision, scale } => any_decimal(precision, scale),
        _ => any_text().prop_map(plain).boxed(),
    }
}

fn cut(text: &str, length: u16) -> String {
    text.chars().take(usize::from(length)).collect()
}

/// A decimal as a number or as a string; it is read back in units of its last digit.
fn any_decimal(precision: u8, scale: u8) -> BoxedStrategy<Sent> {
    let bound = 10_i128.pow(u32::from(precision));
    (-bound + 1..bound, any::<bool>())
        .prop_map(move |(units, is_text)| {
            let digits = format!("{:0>width$}", units.unsigned_abs(), width = usize::from(scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
            let point = if fraction.is_empty() { "" } else { "." };
            let text = format!("{}{whole}{point}{fraction}", if units < 0 { "-" } else { "" });
            let text = if is_text { format!("{text:?}") } else { text };
            (text, Value::from(units.to_string()))
        })
        .boxed()
}

fn any_map(key: &Type, value: &Type) -> BoxedStrategy<Sent> {
    let map = |entries: Vec<(Sent, Sent)>| {
        let mut object = Map::new();
        let mut texts = Vec::new();
        for ((key, expected_key), (value, expected)) in entries {
            let key = if key.starts_with('"') { key } else { format!("{key:?}") };
            texts.push(format!("{key}:{value}"));
            object.insert(key_text(&expected_key), expected);
        }
        (format!("{{{}}}", texts.join(",")), Value::from(object))
    };
    prop::collection::vec((any_primitive_value(key), any_value(value)), 0..4).prop_map(map).boxed()
}

/// A row, or a struct; members may be left out.
fn any_row(fields: &[Field]) -> BoxedStrategy<Sent> {
    let members: Vec<_> = fields
        .iter()
        .map(|field| {
            let name = field.name.clone();
            prop::option::weighted(0.8, any_value(&field.kind)).prop_map(move |sent| (name.clone(), sent))
        })
        .collect();
    members
        .prop_map(|members| {
            let mut object = Map::new();
            let mut texts = Vec::new();
            for (name, sent) in members {
                let (text, expected) = sent.unwrap_or_else(|| (String::new(), Value::Null));
                if !text.is_empty() {
                    texts.push(format!("{name:?}:{text}"));
                }
                object.insert(name, expected);
            }
            (format!("{{{}}}", texts.join(",")), Value::from(object))
        })
        .boxed()
}

fn any_table() -> impl Strategy<Value = (Vec<Field>, Vec<Sent>)> {
    prop::collection::vec(any_type(), 1..4).prop_flat_map(|kinds| {
        let fields = members(kinds);
        (Just(fields.clone()), prop::collection::vec(any_row(&fields), 1..8))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn values_of_every_type_are_read_back((fields, sent) in any_table()) {
        let (conversion, _) = given(&[]);
        let schema = Schema { version: 1, fields };
        for field in &schema.fields {
            prop_assert_eq!(&field.kind.to_string().parse::<Type>().unwrap(), &field.kind);
        }
        let (records, expected): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
        let (converted, errors) = run(&conversion, &schema, &records);
        prop_assert_eq!(errors, vec![]);
        prop_assert_eq!(rows(&converted), expected);
        let leaves = ::parquet::file::reader::SerializedFileReader::new(Bytes::from(converted.file.unwrap())).unwrap();
        let descriptor = ::parquet::file::reader::FileReader::metadata(&leaves).file_metadata().schema_descr_ptr();
        prop_assert_eq!(descriptor.num_columns(), schema.leaf_count());
    }

    /// A row that fails leaves nothing behind in any column, however far it came.
    #[test]
    fn rows_that_fail_leave_the_others_alone((fields, sent) in any_table()) {
        let (conversion, _) = given(&[]);
        let fields: Vec<Field> = fields.into_iter().chain([Field::new("last", Type::TinyInt)]).collect();
        let (mut records, mut expected) = (Vec::new(), Vec::new());
        for (text, mut value) in sent {
            let open = text.strip_suffix('}').unwrap();
            let separator = if open == "{" { "" } else { "," };
            records.push(format!("{open}{separator}\"last\":1}}"));
            records.push(format!("{open}{separator}\"last\":\"x\"}}"));
            value["last"] = json!(1);
            expected.push(value);
        }
        let (converted, errors) = run(&conversion, &Schema { version: 1, fields }, &records);
        prop_assert_eq!(errors.len(), expected.len());
        prop_assert_eq!(rows(&converted), expected);
    }

    #[test]
    fn sorting_by_any_column_loses_no_row((fields, sent) in any_table(), is_descending in any::<bool>()) {
        let (mut conversion, _) = given(&[]);
        conversion.parquet.tuning.sort_by = vec![SortColumn { column: "m0".to_owned(), is_descending }];
        conversion.parquet.tuning.bloom_filter_columns = fields.iter().map(|field| field.name.clone()).collect();
        conversion.parquet.tuning.page_index = true;
        let (records, expected): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
        let (converted, errors) = run(&conversion, &Schema { version: 1, fields }, &records);
        prop_assert_eq!(errors, vec![]);
        let texts = |rows: Vec<Value>| {
            let mut texts: Vec<String> = rows.iter().map(|row| essence(row).to_string()).collect();
            texts.sort();
            texts
        };
        prop_assert_eq!(texts(rows(&converted)), texts(expected));
    }
}
