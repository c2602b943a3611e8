//! [`Policy`], and how its text is read.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use super::condition::Condition;
use super::glob::{Glob, Syntax};
use super::principal::Principal;
use super::request::Request;
use super::statement::{Effect, Selection, Statement, Verdict};

/// A resource policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// A text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidPolicy {
    reason: String,
}

impl InvalidPolicy {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl Policy {
    /// Reads a policy. Its size, and whether the actions and resources are its door's, is for the door to check.
    ///
    /// # Errors
    /// A sentence about the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidPolicy> {
        let policy: RawPolicy = serde_json::from_str(text).map_err(|error| InvalidPolicy::new(error.to_string()))?;
        let has_variables = match policy.version.as_deref() {
            Some("2012-10-17") => true,
            Some("2008-10-17") | None => false,
            Some(other) => return Err(InvalidPolicy::new(format!("unknown version \"{other}\""))),
        };
        let OneOrMany(raw_statements) = policy.statement;
        if raw_statements.is_empty() {
            return Err(InvalidPolicy::new("there is no statement"));
        }
        let mut ids = HashSet::new();
        let repeated =
            raw_statements.iter().filter_map(|statement| statement.sid.as_ref()).find(|sid| !ids.insert(*sid));
        if let Some(sid) = repeated {
            return Err(InvalidPolicy::new(format!("two statements have the Sid \"{sid}\"")));
        }
        let statements = raw_statements.into_iter().map(|statement| statement.read(has_variables));
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// What the policy says of a request.
    pub fn decide(&self, request: &Request<'_>) -> Verdict {
        let mut verdict = Verdict::Silent;
        for statement in self.statements.iter().filter(|statement| statement.is_about(request)) {
            match statement.effect {
                Effect::Deny => return Verdict::Deny,
                Effect::Allow => verdict = Verdict::Allow,
            }
        }
        verdict
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawPolicy {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<RawStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawStatement {
    sid: Option<String>,
    effect: Effect,
    principal: Option<RawPrincipals>,
    not_principal: Option<RawPrincipals>,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: Unique<Unique<OneOrMany<Scalar>>>,
}

impl RawStatement {
    fn read(self, has_variables: bool) -> Result<Statement, InvalidPolicy> {
        let (principals, is_negated) = either("Principal", self.principal, self.not_principal)?;
        let principals = Selection { is_negated, listed: principals.0 };
        let syntax = Syntax { has_wildcards: true, has_variables };
        let glob = |text: &String| Glob::parse(text, syntax);
        let (actions, is_negated) = either("Action", self.action, self.not_action)?;
        check_each("Action", &actions.0, is_action)?;
        let actions = Selection { is_negated, listed: actions.0.iter().map(glob).collect() };
        let (resources, is_negated) = either("Resource", self.resource, self.not_resource)?;
        check_each("Resource", &resources.0, |resource| resource == "*" || resource.starts_with("arn:"))?;
        let resources = Selection { is_negated, listed: resources.0.iter().map(glob).collect() };
        let mut conditions = Vec::new();
        for (operator, keys) in self.condition.0 {
            for (key, OneOrMany(values)) in keys.0 {
                let values: Vec<_> = values.into_iter().map(|Scalar(value)| value).collect();
                conditions.push(Condition::parse(&operator, key, &values, has_variables)?);
            }
        }
        Ok(Statement { effect: self.effect, principals, actions, resources, conditions })
    }
}

/// The element that is there, `Action` or `NotAction`, and whether it is the latter.
fn either<T>(name: &str, plain: Option<T>, negated: Option<T>) -> Result<(T, bool), InvalidPolicy> {
    match (plain, negated) {
        (Some(element), None) => Ok((element, false)),
        (None, Some(element)) => Ok((element, true)),
        (None, None) => Err(InvalidPolicy::new(format!("a statement has no {name}"))),
        (Some(_), Some(_)) => Err(InvalidPolicy::new(format!("a statement has both {name} and Not{name}"))),
    }
}

fn check_each(name: &str, values: &[String], is_valid: impl Fn(&str) -> bool) -> Result<(), InvalidPolicy> {
    if values.is_empty() {
        return Err(InvalidPolicy::new(format!("a statement has an empty {name}")));
    }
    match values.iter().find(|value| !is_valid(value)) {
        Some(value) => Err(InvalidPolicy::new(format!("invalid {name} \"{value}\""))),
        None => Ok(()),
    }
}

/// Whether a text is `*`, or `service:Operation` with wildcards.
fn is_action(text: &str) -> bool {
    let is_part = |part: &str, more: &[char]| {
        !part.is_empty() && part.chars().all(|char| char.is_ascii_alphanumeric() || more.contains(&char))
    };
    text == "*"
        || text.split_once(':').is_some_and(|(service, name)| is_part(service, &['-']) && is_part(name, &['*', '?']))
}

/// `"*"`, or `{"AWS": …, "Service": …}`.
struct RawPrincipals(Vec<Principal>);

impl<'de> Deserialize<'de> for RawPrincipals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Principals;
        impl<'de> Visitor<'de> for Principals {
            type Value = RawPrincipals;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"*\" or a map of principals")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawPrincipals, E> {
                match text {
                    "*" => Ok(RawPrincipals(vec![Principal::Everybody])),
                    _ => Err(E::custom(format_args!("invalid principal \"{text}\""))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawPrincipals, A::Error> {
                let kinds: Unique<OneOrMany<String>> = Unique::deserialize(MapAccessDeserializer::new(map))?;
                let named =
                    kinds.0.iter().flat_map(|(kind, OneOrMany(names))| names.iter().map(move |name| (kind, name)));
                let principals: Result<Vec<_>, _> = named.map(|(kind, name)| Principal::parse(kind, name)).collect();
                let principals = principals.map_err(de::Error::custom)?;
                if principals.is_empty() {
                    return Err(de::Error::custom("a statement has an empty Principal"));
                }
                Ok(RawPrincipals(principals))
            }
        }
        deserializer.deserialize_any(Principals)
    }
}

/// One thing, or a list of them.
struct OneOrMany<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Things<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Things<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(de::value::StrDeserializer::new(text)).map(|thing| OneOrMany(vec![thing]))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
                T::deserialize(de::value::BoolDeserializer::new(value)).map(|thing| OneOrMany(vec![thing]))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                T::deserialize(de::value::I64Deserializer::new(value)).map(|thing| OneOrMany(vec![thing]))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
                T::deserialize(de::value::U64Deserializer::new(value)).map(|thing| OneOrMany(vec![thing]))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
                T::deserialize(de::value::F64Deserializer::new(value)).map(|thing| OneOrMany(vec![thing]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|thing| OneOrMany(vec![thing]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany)
            }
        }
        deserializer.deserialize_any(Things(PhantomData))
    }
}

/// A map in which no key stands twice.
struct Unique<T>(BTreeMap<String, T>);

impl<T> Default for Unique<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Unique<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, T>()? {
                    if entries.contains_key(&key) {
                        return Err(de::Error::custom(format_args!("duplicate key \"{key}\"")));
                    }
                    entries.insert(key, value);
                }
                Ok(Unique(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// A value of a condition: a text, or a number or truth value that stands for its text.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a truth value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }
        deserializer.deserialize_any(Text)
    }
}
