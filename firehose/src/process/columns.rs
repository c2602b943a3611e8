//! Partition keys and the event time from members of JSON records, beyond AWS.
//!
//! Members are found in the text, without a tree of it. A record that is no JSON, or where a member is missing or no scalar,
//! has no such key; what needs it then refuses the record.

use std::collections::BTreeSet;

use sonic_rs::{JsonValueTrait, LazyValue};

use crate::columns::parse_timestamp;
use crate::config::StreamOptions;
use crate::convert::is_nested_deeper;
use crate::limits::NESTING_MAX;
use crate::prefix::Prefixes;
use crate::process::ProcessorError;
use crate::record::{PartitionKeys, Reason};

/// Numbers from here on are milliseconds, below it seconds: 10¹¹ seconds is the year 5138.
const MILLIS_FROM: f64 = 1e11;

/// Numbers from here on are microseconds: 10¹⁴ milliseconds is the year 5138.
const MICROS_FROM: f64 = 1e14;

/// The members of objects that lead to a value.
#[derive(Clone, Debug)]
struct Path {
    name: String,
    members: Vec<String>,
}

impl Path {
    fn parse(name: &str) -> Result<Self, ProcessorError> {
        let members: Vec<String> = name.split('.').map(str::to_owned).collect();
        if members.iter().any(String::is_empty) {
            return Err(ProcessorError::Column { path: name.to_owned() });
        }
        Ok(Self { name: name.to_owned(), members })
    }

    fn find<'a>(&self, data: &'a [u8]) -> Option<LazyValue<'a>> {
        sonic_rs::get(data, &self.members).ok()
    }
}

/// The columns that a delivery stream divides its records by.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnKeys {
    keys: Vec<Path>,
    event_time: Option<Path>,
}

impl ColumnKeys {
    /// The columns that the prefixes ask for.
    pub(super) fn new(prefixes: &Prefixes, options: &StreamOptions) -> Result<Self, ProcessorError> {
        let names: BTreeSet<&str> = prefixes.columns().collect();
        let column = options.event_time_column.as_deref().filter(|_| prefixes.needs_event_time());
        Ok(Self {
            keys: names.into_iter().map(Path::parse).collect::<Result<_, _>>()?,
            event_time: column.map(Path::parse).transpose()?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.event_time.is_none()
    }

    /// Adds the keys of a record to `keys`.
    ///
    /// # Errors
    /// The record is nested too deeply to be read.
    pub(super) fn extract(&self, data: &[u8], keys: &mut PartitionKeys) -> Result<(), Reason> {
        if self.is_empty() {
            return Ok(());
        }
        // The parser skips over values by recursion.
        if is_nested_deeper(data, NESTING_MAX) {
            return Err(Reason::not_partitioned(&format!("The record is nested deeper than {NESTING_MAX} levels.")));
        }
        for path in &self.keys {
            if let Some(text) = path.find(data).as_ref().and_then(scalar) {
                keys.column.insert(path.name.clone(), text);
            }
        }
        if let Some(path) = &self.event_time {
            keys.event_ms = path.find(data).as_ref().and_then(event_ms);
        }
        Ok(())
    }
}

/// The text of a scalar: a string without its quotes, anything else as it is written.
fn scalar(value: &LazyValue<'_>) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    (value.is_number() || value.is_boolean()).then(|| value.as_raw_str().to_owned())
}

/// Milliseconds since the Unix epoch; a time before it is none.
fn event_ms(value: &LazyValue<'_>) -> Option<u64> {
    if let Some(text) = value.as_str() {
        return u64::try_from(parse_timestamp(text)?.div_euclid(1_000)).ok();
    }
    let number = value.as_f64()?;
    let millis = match number {
        _ if number < 0.0 => return None,
        _ if number < MILLIS_FROM => number * 1e3,
        _ if number < MICROS_FROM => number,
        _ => number / 1e3,
    };
    // Later years have five digits, and no pattern is made for them.
    (millis < MILLIS_FROM * 1e3).then_some(millis as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extracted(data: &str, columns: &[&str], time: &str) -> PartitionKeys {
        let keys = columns.iter().map(|name| Path::parse(name).unwrap()).collect();
        let columns = ColumnKeys { keys, event_time: Some(Path::parse(time).unwrap()) };
        let mut keys = PartitionKeys::default();
        columns.extract(data.as_bytes(), &mut keys).unwrap();
        keys
    }

    #[test]
    fn scalars_are_found_by_their_path() {
        let data = r#"{"a":{"b":"t\u00e9xt","n":null},"i":10,"f":1.0,"t":true,"l":[1],"e":""}"#;
        let keys = extracted(data, &["a.b", "a.n", "i", "f", "t", "l", "a", "i.x", "none", "e"], "i");
        let found: Vec<(&str, &str)> =
            keys.column.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, [("a.b", "téxt"), ("e", ""), ("f", "1.0"), ("i", "10"), ("t", "true")]);
        assert_eq!(extracted("no json", &["a"], "a"), PartitionKeys::default());
    }

    #[test]
    fn times_are_read_by_their_magnitude_or_as_text() {
        for (value, expected) in [
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000.25", Some(1_700_000_000_250)),
            ("1700000000123", Some(1_700_000_000_123)),
            ("1700000000123456", Some(1_700_000_000_123)),
            ("\"2023-11-14T22:13:20Z\"", Some(1_700_000_000_000)),
            ("\"2023-11-14 22:13:20\"", Some(1_700_000_000_000)),
            ("\"yesterday\"", None),
            ("-1", None),
            ("1e30", None),
            ("true", None),
        ] {
            let keys = extracted(&format!(r#"{{"ts":{value}}}"#), &[], "ts");
            assert_eq!(keys.event_ms, expected, "{value}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let columns = ColumnKeys { keys: vec![Path::parse("a").unwrap()], event_time: None };
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(columns.extract(deep.as_bytes(), &mut PartitionKeys::default()).is_err());
        assert!(Path::parse("a..b").is_err());
    }
}
