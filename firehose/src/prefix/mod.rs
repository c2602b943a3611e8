//! Where objects go: prefixes with expressions, and the names of objects.
//!
//! A prefix is text with expressions `!{namespace:value}`. It is read, and refused with a sentence, when the delivery stream
//! is created, so that evaluating it later can fail only for what a record says.
//!
//! | expression | says | where |
//! |---|---|---|
//! | `timestamp:PATTERN` | when the object's oldest record arrived | both prefixes |
//! | `firehose:random-string` | eleven characters | both |
//! | `firehose:error-output-type` | why records failed | error prefix, which must have it |
//! | `partitionKeyFromQuery:KEY` | a member of what the jq expression made of the record | prefix, with dynamic partitioning |
//! | `partitionKeyFromLambda:KEY` | a partition key that the function gave | likewise |
//! | `partitionKeyFromColumn:PATH` | a scalar of the JSON record, beyond AWS | prefix |
//! | `event-time:PATTERN` | when the event happened, beyond AWS | prefix |
//!
//! Records are grouped by what they say: a [`Partition`] is the values of the keys, the period of the event time (the finest
//! unit that the prefix shows) and the lane. With `lateness` set, a record whose event time is older than its arrival less
//! that, or is further ahead of it, goes to the late lane, which has a prefix of its own. That is decided from the record
//! alone, so a delivery that is done again decides the same.
//!
//! A value must leave the key an object's key: not empty, without control characters, and such that no folder of the
//! evaluated prefix is empty, `.` or `..`. `/` is taken, and makes folders. A value that does not refuses its record.
//!
//! Source: Firehose Developer Guide, "Understand custom prefixes for Amazon S3 objects", "Use Amazon S3 bucket prefix to deliver
//! data" and "Configure Amazon S3 object name format". An error prefix without expressions gets the error type and the time
//! appended, as AWS does in practice; its page is silent. So it is on what AWS does with values that cannot stand in keys.
//!
//! What this does not do: find the values, which is [`crate::process`]'s; limit how many partitions there are.

mod error;
mod java_time;
mod partition;
mod period;
mod template;

use chrono_tz::Tz;
use object_store::path::Path;

use crate::config::StreamOptions;
use crate::definition::{Destination, Processor};
use crate::limits::{EVALUATED_PREFIX_BYTES_MAX, EVALUATED_PREFIX_CHARS_MAX};
use crate::record::{ErrorOutputType, PartitionKeys, Reason};

pub use error::PrefixError;
pub(crate) use partition::Partition;
use period::instant;
use template::{Facts, KeySource, Template};

/// Eleven characters, as many as AWS's.
const RANDOM_EXAMPLE: &str = "random-text";

/// Bytes that a time may take more than another: `September` and `May`, `Wednesday` and `Friday`.
const TIME_SLACK_BYTES: usize = 64;

/// When a record is too late, or too early.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lateness {
    millis: u64,
    prefix: Template,
}

/// The prefixes of a delivery stream's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes {
    data: Template,
    late: Option<Lateness>,
    error: Template,
    zone: Tz,
    /// Bytes of the longer data prefix without its values.
    fixed_bytes: usize,
}

impl Prefixes {
    /// Reads prefixes that depend on no record; none or an empty one is the default, and so is the zone, UTC.
    ///
    /// # Errors
    /// What is wrong with them, for the person who wrote them.
    pub fn parse(prefix: &str, error_prefix: &str, zone: &str) -> Result<Self, PrefixError> {
        let prefixes = Self::read(prefix, error_prefix, zone)?;
        match prefixes.data.first_of_record() {
            Some(expression) => Err(PrefixError::NotPartitioned { expression }),
            None => Ok(prefixes),
        }
    }

    /// Reads the prefixes of a destination, with the options of its delivery stream.
    ///
    /// # Errors
    /// What is wrong with them, for the person who wrote them.
    pub(crate) fn new(destination: &Destination, options: &StreamOptions) -> Result<Self, PrefixError> {
        let Destination { prefix, error_prefix, time_zone, .. } = destination;
        let mut prefixes = Self::read(prefix, error_prefix, time_zone)?;
        if let Some(lateness) = options.lateness {
            let mut late = prefixes.data.clone();
            match &options.late_prefix {
                Some(prefix) => late = read_data(prefix)?,
                None => late.prepend("late/"),
            }
            let millis = u64::try_from(lateness.as_millis()).unwrap_or(u64::MAX);
            prefixes.late = Some(Lateness { millis, prefix: late });
            prefixes.check()?;
        }
        prefixes.check_keys(destination, options)?;
        Ok(prefixes)
    }

    fn read(prefix: &str, error_prefix: &str, zone: &str) -> Result<Self, PrefixError> {
        let zone: Tz = match zone {
            "" => Tz::UTC,
            _ => zone.parse().map_err(|_| PrefixError::Zone { zone: zone.to_owned() })?,
        };
        let data = read_data(prefix)?;
        if Template::parse(prefix)?.has_expressions() && error_prefix.is_empty() {
            return Err(PrefixError::ErrorPrefixMissing);
        }
        let mut error = Template::parse(if error_prefix.is_empty() { prefix } else { error_prefix })?;
        if let Some(expression) = error.first_of_record() {
            return Err(PrefixError::KeyInErrorPrefix { expression });
        }
        if !error.has_expressions() {
            error.append_error_output_type();
            error.append_default_time()?;
        } else if !error.has_error_output_type() {
            return Err(PrefixError::ErrorTypeMissing);
        }
        let mut prefixes = Self { data, late: None, error, zone, fixed_bytes: 0 };
        prefixes.check()?;
        Ok(prefixes)
    }

    /// Evaluates all once, so that what every evaluation would show is refused now.
    fn check(&mut self) -> Result<(), PrefixError> {
        let error = self.error_prefix(0, RANDOM_EXAMPLE, ErrorOutputType::OpenSearchFailed);
        check_path(&error)?;
        for template in self.templates() {
            check_path(&self.evaluate(template, "key"))?;
        }
        self.fixed_bytes = self.templates().map(|template| self.evaluate(template, "").len()).max().unwrap_or(0);
        Ok(())
    }

    fn evaluate(&self, template: &Template, value: &str) -> String {
        let values: Vec<String> = template.keys().map(|_| value.to_owned()).collect();
        let (arrival, event) = (instant(0, self.zone), instant(0, self.zone));
        template.evaluate(Facts { arrival, event, random: RANDOM_EXAMPLE, error_output_type: "", values: &values })
    }

    /// That there is where the keys come from.
    fn check_keys(&self, destination: &Destination, options: &StreamOptions) -> Result<(), PrefixError> {
        let mut is_of_record = false;
        for template in self.templates() {
            is_of_record |= template.first_of_record().is_some();
            for (source, name) in template.keys() {
                let has = |wanted: fn(&Processor) -> bool| destination.processors.iter().any(wanted);
                let (processor, is_there) = match source {
                    KeySource::Column => continue,
                    KeySource::Query => {
                        ("MetadataExtraction", has(|it| matches!(it, Processor::MetadataExtraction { .. })))
                    }
                    KeySource::Lambda => ("Lambda", has(|it| matches!(it, Processor::Lambda(_)))),
                };
                let namespace = source.namespace();
                if !destination.is_partitioned {
                    return Err(PrefixError::NotPartitioned { expression: format!("!{{{namespace}:{name}}}") });
                }
                if !is_there {
                    return Err(PrefixError::ProcessorMissing { processor, namespace });
                }
            }
        }
        if destination.is_partitioned && !is_of_record {
            return Err(PrefixError::KeyMissing);
        }
        if self.needs_event_time() && options.event_time_column.is_none() {
            return Err(PrefixError::EventTimeMissing);
        }
        Ok(())
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.data).chain(self.late.iter().map(|late| &late.prefix))
    }

    /// Whether records are grouped at all.
    pub(crate) fn is_partitioned(&self) -> bool {
        self.late.is_some() || self.data.first_of_record().is_some()
    }

    /// Whether records need an event time.
    pub(crate) fn needs_event_time(&self) -> bool {
        self.late.is_some() || self.templates().any(Template::has_event_time)
    }

    /// The paths of the columns whose values are keys.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let keys = self.templates().flat_map(Template::keys);
        keys.filter_map(|(source, name)| (source == KeySource::Column).then_some(name))
    }

    fn template(&self, partition: &Partition) -> &Template {
        match &self.late {
            Some(late) if partition.is_late => &late.prefix,
            _ => &self.data,
        }
    }

    /// The group of a record that has these keys and arrived at `arrival_ms`.
    ///
    /// # Errors
    /// A key is missing, or its value cannot stand in an object's key.
    pub(crate) fn partition(&self, keys: &PartitionKeys, arrival_ms: u64) -> Result<Partition, Reason> {
        let event_ms = match keys.event_ms {
            None if self.needs_event_time() => {
                return Err(Reason::not_partitioned("The record has no event time."));
            }
            event_ms => event_ms.unwrap_or(arrival_ms),
        };
        let is_late = self.late.as_ref().is_some_and(|late| event_ms.abs_diff(arrival_ms) > late.millis);
        let mut partition = Partition { is_late, ..Partition::default() };
        let template = self.template(&partition);
        for (source, name) in template.keys() {
            let values = match source {
                KeySource::Query => &keys.query,
                KeySource::Lambda => &keys.lambda,
                KeySource::Column => &keys.column,
            };
            match values.get(name) {
                Some(value) if !value.is_empty() => partition.values.push(value.clone()),
                _ => return Err(Reason::not_partitioned("partitionKeys values must not be null or empty")),
            }
        }
        partition.event_ms = template.event_unit().map(|unit| unit.start(event_ms, self.zone));
        self.check_values(&partition, arrival_ms)?;
        Ok(partition)
    }

    fn check_values(&self, partition: &Partition, arrival_ms: u64) -> Result<(), Reason> {
        let length: usize = partition.values.iter().map(String::len).sum();
        let is_plain =
            |value: &String| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte));
        let is_short = self.fixed_bytes + TIME_SLACK_BYTES + length <= EVALUATED_PREFIX_CHARS_MAX;
        // Nearly all are; formatting the times of every record would cost more than everything else here.
        if is_short && partition.values.iter().all(is_plain) {
            return Ok(());
        }
        check_path(&self.data_prefix(partition, arrival_ms, RANDOM_EXAMPLE)).map_err(|error| {
            Reason::not_partitioned(&format!("The values of the partition keys cannot be used: {error}"))
        })
    }

    /// The prefix of an object of a partition whose oldest record arrived at `oldest_arrival_ms`.
    pub(crate) fn data_prefix(&self, partition: &Partition, oldest_arrival_ms: u64, random: &str) -> String {
        let arrival = instant(oldest_arrival_ms, self.zone);
        let event = partition.event_ms.map_or(arrival, |event_ms| instant(event_ms, self.zone));
        let values = &partition.values;
        self.template(partition).evaluate(Facts { arrival, event, random, error_output_type: "", values })
    }

    /// The prefix of an object of records that failed, the oldest of which arrived at `arrival_ms`.
    pub(crate) fn error_prefix(&self, arrival_ms: u64, random: &str, output_type: ErrorOutputType) -> String {
        let arrival = instant(arrival_ms, self.zone);
        let error_output_type = output_type.as_str();
        self.error.evaluate(Facts { arrival, event: arrival, random, error_output_type, values: &[] })
    }

    /// When nothing more can come to the folder of a partition's records that arrive at `arrival_ms`, in milliseconds since
    /// the Unix epoch: when the finest unit ends that the prefix shows of the arrival; if it shows only the event time, when
    /// that unit ends and the lateness, if any, is over. `None` if it shows no time. Records of the late lane have no such
    /// end but that of their arrival.
    pub(crate) fn period_end(&self, partition: &Partition, arrival_ms: u64) -> Option<u64> {
        let template = self.template(partition);
        if let Some(unit) = template.arrival_unit() {
            return Some(unit.end(arrival_ms, self.zone));
        }
        if partition.is_late {
            return None;
        }
        let end_ms = template.event_unit().zip(partition.event_ms).map(|(unit, at_ms)| unit.end(at_ms, self.zone))?;
        Some(end_ms.saturating_add(self.late.as_ref().map_or(0, |late| late.millis)))
    }

    /// What follows the prefix: `NAME-VERSION-yyyy-MM-dd-HH-mm-ss-UUID`.
    pub fn suffix(&self, delivery_stream: &str, version: u32, arrival_ms: u64, uuid: &str) -> String {
        let time = instant(arrival_ms, self.zone).format("%Y-%m-%d-%H-%M-%S");
        format!("{delivery_stream}-{version}-{time}-{uuid}")
    }
}

/// Reads a prefix of records that did not fail. One that says neither when nor what gets the time of arrival appended.
fn read_data(prefix: &str) -> Result<Template, PrefixError> {
    let mut data = Template::parse(prefix)?;
    if data.has_error_output_type() {
        return Err(PrefixError::ErrorTypeInPrefix);
    }
    if !data.has_timestamp() && data.first_of_record().is_none() {
        data.append_default_time()?;
    }
    Ok(data)
}

/// Whether an evaluated prefix can begin an object's key.
fn check_path(prefix: &str) -> Result<(), PrefixError> {
    if prefix.contains("!{") {
        return Err(PrefixError::Unclosed);
    }
    if prefix.chars().count() > EVALUATED_PREFIX_CHARS_MAX || prefix.len() > EVALUATED_PREFIX_BYTES_MAX {
        return Err(PrefixError::TooLong);
    }
    let name = format!("{prefix}name");
    let is_control = prefix.chars().any(char::is_control);
    if is_control || Path::parse(&name).is_err() || name.starts_with('/') {
        return Err(PrefixError::Path { prefix: prefix.to_owned() });
    }
    Ok(())
}

/// The prefix of a record with this value in a column and this event time, for the fuzzers.
#[cfg(feature = "fuzzing")]
pub(crate) fn prefix_of_values(value: &str, event_ms: u64) -> Option<String> {
    let data = read_data("safe/x!{partitionKeyFromColumn:k}!{partitionKeyFromColumn:k}/!{event-time:yyyy}/").ok()?;
    let error = Template::parse("!{firehose:error-output-type}/").ok()?;
    let mut prefixes = Prefixes { data, late: None, error, zone: Tz::UTC, fixed_bytes: 0 };
    prefixes.check().ok()?;
    let column = [("k".to_owned(), value.to_owned())].into();
    let keys = PartitionKeys { column, event_ms: Some(event_ms), ..PartitionKeys::default() };
    let partition = prefixes.partition(&keys, event_ms).ok()?;
    Some(prefixes.data_prefix(&partition, event_ms, RANDOM_EXAMPLE))
}

#[cfg(test)]
mod tests;
