//! [`Condition`], one key of a statement's `Condition`.

use super::document::InvalidPolicy;
use super::operator::{Comparison, Operator};
use super::request::Request;

/// How a key of several values is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// The key has one value.
    None,
    /// `ForAnyValue:`
    Any,
    /// `ForAllValues:`
    All,
}

/// One key of a statement's `Condition`, with all that it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    quantifier: Quantifier,
    is_negated: bool,
    /// Whether it holds where the key is not there: `…IfExists`.
    holds_if_absent: bool,
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// Whether the key is absent.
    IsAbsent(bool),
    /// The key's value compares with one of these.
    AnyOf(Vec<Comparison>),
}

impl Condition {
    /// Reads `operator`: one of [`Operator`]'s, perhaps `ForAnyValue:` or `ForAllValues:` before it and `IfExists` behind.
    ///
    /// Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context
    /// keys".
    pub(super) fn parse(
        operator: &str,
        key: String,
        values: &[String],
        has_variables: bool,
    ) -> Result<Self, InvalidPolicy> {
        let unknown = || InvalidPolicy::new(format!("unknown condition operator \"{operator}\""));
        if values.is_empty() {
            return Err(InvalidPolicy::new(format!("the condition upon \"{key}\" has no value")));
        }
        let (quantifier, name) = match operator.split_once(':') {
            None => (Quantifier::None, operator),
            Some(("ForAnyValue", name)) => (Quantifier::Any, name),
            Some(("ForAllValues", name)) => (Quantifier::All, name),
            Some(_) => return Err(unknown()),
        };
        if name == "Null" && quantifier == Quantifier::None {
            let [value] = values else {
                return Err(InvalidPolicy::new(format!("Null upon \"{key}\" has more than one value")));
            };
            let is_absent = value.parse().map_err(|_| Comparison::invalid(value, name))?;
            let test = Test::IsAbsent(is_absent);
            return Ok(Self { quantifier, is_negated: false, holds_if_absent: false, key, test });
        }
        let (name, holds_if_absent) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (operator, is_negated) = Operator::parse(name).ok_or_else(unknown)?;
        let comparisons = values.iter().map(|value| {
            Comparison::parse(operator, value, has_variables).ok_or_else(|| Comparison::invalid(value, name))
        });
        let test = Test::AnyOf(comparisons.collect::<Result<_, _>>()?);
        Ok(Self { quantifier, is_negated, holds_if_absent, key, test })
    }

    /// Whether it holds of a request.
    pub(super) fn holds(&self, request: &Request<'_>) -> bool {
        let values = request.values(&self.key);
        let comparisons = match &self.test {
            Test::IsAbsent(is_absent) => return values.is_empty() == *is_absent,
            Test::AnyOf(comparisons) => comparisons,
        };
        if values.is_empty() && self.holds_if_absent {
            return true;
        }
        let is_one = |value: &str| comparisons.iter().any(|comparison| comparison.holds(value, request));
        match self.quantifier {
            // An absent key is none of what it may be, and so all that it may not be.
            Quantifier::None => values.iter().any(|value| is_one(value)) != self.is_negated,
            Quantifier::Any => values.iter().any(|value| is_one(value) != self.is_negated),
            Quantifier::All => values.iter().all(|value| is_one(value) != self.is_negated),
        }
    }
}
