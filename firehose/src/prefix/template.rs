//! Prefixes as they are written: text with expressions.

use chrono::DateTime;
use chrono_tz::Tz;

use super::PrefixError;
use super::java_time::Pattern;
use super::period::Unit;

const DEFAULT_PATTERN: &str = "yyyy/MM/dd/HH/";

/// Where a partition key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    Query,
    Lambda,
    Column,
}

impl KeySource {
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Query => "partitionKeyFromQuery",
            Self::Lambda => "partitionKeyFromLambda",
            Self::Column => "partitionKeyFromColumn",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Timestamp(Pattern),
    RandomString,
    ErrorOutputType,
    Key { source: KeySource, name: String },
    EventTime(Pattern),
}

/// What an expression may refer to. One instant serves all expressions of a prefix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) arrival: DateTime<Tz>,
    pub(crate) event: DateTime<Tz>,
    pub(crate) random: &'a str,
    pub(crate) error_output_type: &'a str,
    /// The values of the keys, in their order in the template.
    pub(crate) values: &'a [String],
}

/// One prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, PrefixError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once("!{") {
            parts.push(Part::Literal(literal.to_owned()));
            let (expression, tail) = tail.split_once('}').ok_or(PrefixError::Unclosed)?;
            parts.push(parse_expression(expression)?);
            rest = tail;
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(Self(parts))
    }

    pub(crate) fn has_expressions(&self) -> bool {
        self.0.iter().any(|part| !matches!(part, Part::Literal(_)))
    }

    pub(crate) fn has_timestamp(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Timestamp(_)))
    }

    pub(crate) fn has_event_time(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::EventTime(_)))
    }

    pub(crate) fn has_error_output_type(&self) -> bool {
        self.0.contains(&Part::ErrorOutputType)
    }

    /// The keys, in their order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (KeySource, &str)> {
        self.0.iter().filter_map(|part| match part {
            Part::Key { source, name } => Some((*source, name.as_str())),
            _ => None,
        })
    }

    /// The first expression that depends on the record, as it was written.
    pub(crate) fn first_of_record(&self) -> Option<String> {
        let (source, name) = match self.keys().next() {
            None if self.has_event_time() => return Some("!{event-time:…}".to_owned()),
            None => return None,
            Some(key) => key,
        };
        Some(format!("!{{{}:{name}}}", source.namespace()))
    }

    /// The finest unit that the expressions of the arrival show.
    pub(crate) fn arrival_unit(&self) -> Option<Unit> {
        let units = self.0.iter().filter_map(|part| match part {
            Part::Timestamp(pattern) => pattern.finest_unit(),
            _ => None,
        });
        units.min()
    }

    /// The finest unit that the expressions of the event time show.
    pub(crate) fn event_unit(&self) -> Option<Unit> {
        let units = self.0.iter().filter_map(|part| match part {
            Part::EventTime(pattern) => pattern.finest_unit(),
            _ => None,
        });
        units.min()
    }

    pub(crate) fn prepend(&mut self, text: &str) {
        self.0.insert(0, Part::Literal(text.to_owned()));
    }

    pub(crate) fn append_default_time(&mut self) -> Result<(), PrefixError> {
        self.0.push(Part::Timestamp(Pattern::parse(DEFAULT_PATTERN)?));
        Ok(())
    }

    pub(crate) fn append_error_output_type(&mut self) {
        self.0.extend([Part::ErrorOutputType, Part::Literal("/".to_owned())]);
    }

    pub(crate) fn evaluate(&self, facts: Facts<'_>) -> String {
        let mut text = String::new();
        let mut values = facts.values.iter();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Timestamp(pattern) => text.push_str(&pattern.format(&facts.arrival)),
                Part::EventTime(pattern) => text.push_str(&pattern.format(&facts.event)),
                Part::RandomString => text.push_str(facts.random),
                Part::ErrorOutputType => text.push_str(facts.error_output_type),
                Part::Key { .. } => text.push_str(values.next().map_or("", String::as_str)),
            }
        }
        text
    }
}

fn parse_expression(expression: &str) -> Result<Part, PrefixError> {
    let key = |source, name: &str| Part::Key { source, name: name.to_owned() };
    Ok(match expression.split_once(':') {
        Some(("timestamp", pattern)) if !pattern.is_empty() => Part::Timestamp(Pattern::parse(pattern)?),
        Some(("event-time", pattern)) if !pattern.is_empty() => Part::EventTime(Pattern::parse(pattern)?),
        Some(("firehose", "random-string")) => Part::RandomString,
        Some(("firehose", "error-output-type")) => Part::ErrorOutputType,
        Some(("partitionKeyFromQuery", name)) if !name.is_empty() => key(KeySource::Query, name),
        Some(("partitionKeyFromLambda", name)) if !name.is_empty() => key(KeySource::Lambda, name),
        Some(("partitionKeyFromColumn", name)) if !name.is_empty() => key(KeySource::Column, name),
        _ => return Err(PrefixError::Expression { expression: format!("!{{{expression}}}") }),
    })
}
