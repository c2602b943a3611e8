//! [`Operator`]s of conditions, and [`Comparison`], an operator with a value to compare with.

use std::cmp::Ordering;
use std::net::IpAddr;

use chrono::{DateTime, NaiveDate};
use ipnet::IpNet;

use super::document::InvalidPolicy;
use super::glob::{Case, Glob, Syntax};
use super::request::Request;

/// How the values of a key are compared. Negations are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Text(Case),
    Like,
    Number(Order),
    Date(Order),
    Bool,
    IpAddress,
    Arn,
}

/// Which orders of a request's value and a policy's value are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// Reads the end of an operator's name: the order, and whether it is negated.
    fn parse(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "Equals" => (Self::Equal, false),
            "NotEquals" => (Self::Equal, true),
            "LessThan" => (Self::Less, false),
            "LessThanEquals" => (Self::LessOrEqual, false),
            "GreaterThan" => (Self::Greater, false),
            "GreaterThanEquals" => (Self::GreaterOrEqual, false),
            _ => return None,
        })
    }

    fn holds(self, found: Option<Ordering>) -> bool {
        found.is_some_and(|found| match self {
            Self::Equal => found.is_eq(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        })
    }
}

impl Operator {
    /// Reads an operator's name without what may stand around it. Returns also whether it is negated.
    ///
    /// Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
    pub(super) fn parse(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "StringEquals" => (Self::Text(Case::Counts), false),
            "StringNotEquals" => (Self::Text(Case::Counts), true),
            "StringEqualsIgnoreCase" => (Self::Text(Case::Ignored), false),
            "StringNotEqualsIgnoreCase" => (Self::Text(Case::Ignored), true),
            "StringLike" => (Self::Like, false),
            "StringNotLike" => (Self::Like, true),
            "Bool" => (Self::Bool, false),
            "IpAddress" => (Self::IpAddress, false),
            "NotIpAddress" => (Self::IpAddress, true),
            "ArnEquals" | "ArnLike" => (Self::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Self::Arn, true),
            _ => {
                let of = |kind: &str, operator: fn(Order) -> Self| {
                    let (order, is_negated) = Order::parse(name.strip_prefix(kind)?)?;
                    Some((operator(order), is_negated))
                };
                return of("Numeric", Self::Number).or_else(|| of("Date", Self::Date));
            }
        })
    }
}

/// An operator with a value to compare with, read once.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Comparison {
    Text(Glob, Case),
    Number(f64, Order),
    /// In milliseconds since the Unix epoch.
    Date(i64, Order),
    Bool(bool),
    IpAddress(IpNet),
    Arn(Glob),
}

// Numbers are finite: every one equals itself.
impl Eq for Comparison {}

impl Comparison {
    /// Reads the value that a policy compares with. Only texts and ARNs have variables.
    pub(super) fn parse(operator: Operator, value: &str, has_variables: bool) -> Option<Self> {
        let glob = |has_wildcards| Glob::parse(value, Syntax { has_wildcards, has_variables });
        Some(match operator {
            Operator::Text(case) => Self::Text(glob(false), case),
            Operator::Like => Self::Text(glob(true), Case::Counts),
            Operator::Number(order) => Self::Number(number(value)?, order),
            Operator::Date(order) => Self::Date(date(value)?, order),
            Operator::Bool => Self::Bool(truth(value)?),
            Operator::IpAddress => Self::IpAddress(net(value)?),
            Operator::Arn => Self::Arn(glob(true)),
        })
    }

    /// The error of a value that an operator cannot compare with.
    pub(super) fn invalid(value: &str, operator: &str) -> InvalidPolicy {
        InvalidPolicy::new(format!("invalid value \"{value}\" of condition operator {operator}"))
    }

    /// Whether it holds of a request's value. Not of one that is of another kind.
    pub(super) fn holds(&self, value: &str, request: &Request<'_>) -> bool {
        match self {
            Self::Text(glob, case) => glob.matches(value, request, *case),
            Self::Number(than, order) => order.holds(number(value).and_then(|number| number.partial_cmp(than))),
            Self::Date(than, order) => order.holds(date(value).map(|date| date.cmp(than))),
            Self::Bool(expected) => truth(value) == Some(*expected),
            Self::IpAddress(net) => value.parse::<IpAddr>().is_ok_and(|address| net.contains(&address.to_canonical())),
            Self::Arn(glob) => glob.matches_arn(value, request),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn truth(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") { Some(true) } else { is("false").then_some(false) }
}

/// Reads a time as ISO 8601 writes it, to the day or the second, or as seconds since the Unix epoch.
fn date(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1_000);
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis());
    }
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

/// Reads `203.0.113.0/24`, or one address.
fn net(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
