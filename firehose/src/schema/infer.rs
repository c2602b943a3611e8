//! Inference and evolution: a row that surprises the columns teaches the schema.
//!
//! Rows are written straight into columns as long as they fit. Only a row that does not (a new member, a float in a new
//! integer column, a clash) comes here as a tree. Values that say nothing (null, `[]`, `{}`, and what holds nothing else)
//! teach nothing and fit every column, so that reading the same records again with what they taught teaches no more.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::{Field, Schema, Type};
use crate::columns::Naming;
use crate::limits::{COLUMN_NAME_BYTES_MAX, COLUMNS_MAX, NESTING_MAX};

/// Appended to the name of a column to name the JSON text column that keeps the values which clash with its type.
pub(crate) const JSON_SUFFIX: &str = "__json";

/// What becomes of a value whose type clashes with that of its inferred column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClashPolicy {
    /// The record goes to the error prefix.
    #[default]
    ErrorPrefix,
    /// The value goes to a JSON text column beside it, named after it with `__json`.
    JsonColumn,
}

/// A value does not fit its column, or the row does not fit a schema at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Clash {
    /// The path of the column.
    pub path: String,
    /// Why it does not fit.
    pub reason: String,
}

/// A schema that learns from rows.
#[derive(Clone, Debug)]
pub struct Inference {
    /// What earlier objects were written with: it is only ever added to.
    committed: Schema,
    current: Schema,
    policy: ClashPolicy,
}

impl Inference {
    /// Goes on from `committed`.
    pub fn new(committed: Schema, policy: ClashPolicy) -> Self {
        Self { current: committed.clone(), committed, policy }
    }

    /// The schema with all that was learnt, one version later than the one it went on from if anything was.
    pub fn schema(&self) -> &Schema {
        &self.current
    }

    /// Whether anything was learnt.
    pub fn is_changed(&self) -> bool {
        self.current != self.committed
    }

    /// Learns the row's new members. Values that clash with their column are moved, within `row`, to the member of
    /// their JSON text column if the policy says so, and `5.0` becomes `5` where the column is an older one of integers;
    /// returns whether anything in the row was changed.
    ///
    /// # Errors
    /// A clash that the policy sends to the error prefix, or a row beyond the limits; nothing is learnt then.
    pub(crate) fn absorb(&mut self, row: &mut Map<String, Value>, naming: &Naming) -> Result<bool, Clash> {
        let mut fields = self.current.fields.clone();
        let mut lesson = Lesson { naming, policy: self.policy, path: Vec::new(), is_rewritten: false };
        lesson.absorb_members(Some(&self.committed.fields), &mut fields, row)?;
        let is_rewritten = lesson.is_rewritten;
        let learnt = Schema { version: self.committed.version + 1, fields };
        if learnt.leaf_count() > COLUMNS_MAX {
            let reason = format!("the row would give the schema more than {COLUMNS_MAX} columns");
            return Err(Clash { path: "record".to_owned(), reason });
        }
        if learnt.fields != self.current.fields {
            self.current = learnt;
        }
        Ok(is_rewritten)
    }
}

/// One row being absorbed.
struct Lesson<'a> {
    naming: &'a Naming,
    policy: ClashPolicy,
    path: Vec<String>,
    is_rewritten: bool,
}

impl Lesson<'_> {
    fn clash(&self, reason: impl Into<String>) -> Clash {
        Clash { path: self.path.join("."), reason: reason.into() }
    }

    fn absorb_members(
        &mut self,
        committed: Option<&[Field]>,
        fields: &mut Vec<Field>,
        object: &mut Map<String, Value>,
    ) -> Result<(), Clash> {
        if self.path.len() >= NESTING_MAX {
            return Err(self.clash(format!("nested deeper than {NESTING_MAX} levels")));
        }
        let keys: Vec<String> = object.keys().cloned().collect();
        for key in keys {
            let Some(value) = object.get_mut(&key) else { continue };
            let name = self.column_name(fields, &key);
            // A clash found deep inside may come after other values in there were moved, so the whole is kept.
            let original = matches!(self.policy, ClashPolicy::JsonColumn).then(|| value.clone());
            self.path.push(name.clone());
            let outcome = self.absorb_value(committed, fields, &name, value);
            self.path.pop();
            match (outcome, original) {
                (Ok(()), _) => {}
                (Err(clash), None) => return Err(clash),
                (Err(clash), Some(original)) => {
                    let side = self.side_column(fields, &name).ok_or(clash)?;
                    object.remove(&key);
                    object.insert(side, original);
                    self.is_rewritten = true;
                }
            }
        }
        Ok(())
    }

    /// The column that a key belongs to, spelt as it is if it is known.
    fn column_name(&self, fields: &[Field], key: &str) -> String {
        let find = |folded: &str| fields.iter().find(|field| self.naming.fold(&field.name) == folded);
        let name = self.naming.column_name(key, |name| find(name).is_some());
        find(&self.naming.fold(&name)).map_or_else(|| name.into_owned(), |field| field.name.clone())
    }

    /// Learns the member `name`; on a clash `fields` is as it was.
    fn absorb_value(
        &mut self,
        committed: Option<&[Field]>,
        fields: &mut Vec<Field>,
        name: &str,
        value: &mut Value,
    ) -> Result<(), Clash> {
        let committed = committed.and_then(|fields| fields.iter().find(|field| field.name == name));
        if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
            let mut kind = field.kind.clone();
            self.fit(committed.map(|field| &field.kind), &mut kind, value)?;
            field.kind = kind;
        } else if let Some(kind) = self.infer(value)? {
            if name.is_empty() || name.len() > COLUMN_NAME_BYTES_MAX {
                return Err(self.clash(format!("a column's name has 1 to {COLUMN_NAME_BYTES_MAX} bytes")));
            }
            fields.push(Field::new(name, kind));
        }
        Ok(())
    }

    /// The name of the JSON text column beside `name`, made if it is not there; `None` if another column has the name.
    fn side_column(&self, fields: &mut Vec<Field>, name: &str) -> Option<String> {
        let side = format!("{name}{JSON_SUFFIX}");
        if side.len() > COLUMN_NAME_BYTES_MAX {
            return None;
        }
        match fields.iter().find(|field| field.name == side) {
            Some(field) => (field.kind == Type::Json).then_some(side),
            None => {
                fields.push(Field::new(&side, Type::Json));
                Some(side)
            }
        }
    }

    /// The type of a value seen for the first time; `None` while nothing but null, `[]` and `{}` was seen in it.
    fn infer(&mut self, value: &mut Value) -> Result<Option<Type>, Clash> {
        Ok(match value {
            Value::Null => None,
            Value::Bool(_) => Some(Type::Boolean),
            // Integers beyond 64 bits are what JavaScript makes of them.
            Value::Number(number) => Some(if number.is_i64() { Type::BigInt } else { Type::Double }),
            Value::String(_) => Some(Type::String),
            Value::Array(elements) => {
                let mut kind: Option<Type> = None;
                for element in elements {
                    match &mut kind {
                        Some(kind) => self.fit(None, kind, element)?,
                        None => kind = self.infer_nested(element)?,
                    }
                }
                kind.map(|element| Type::Array(Box::new(element)))
            }
            Value::Object(object) => {
                let mut fields = Vec::new();
                self.absorb_members(None, &mut fields, object)?;
                (!fields.is_empty()).then_some(Type::Struct(fields))
            }
        })
    }

    /// As [`Self::infer`], one level deeper.
    fn infer_nested(&mut self, value: &mut Value) -> Result<Option<Type>, Clash> {
        if self.path.len() >= NESTING_MAX {
            return Err(self.clash(format!("nested deeper than {NESTING_MAX} levels")));
        }
        self.path.push("[]".to_owned());
        let kind = self.infer(value);
        self.path.pop();
        kind
    }

    /// Fits `value` into `kind`, which may grow, and may turn from integer to double if it is not `committed`.
    fn fit(&mut self, committed: Option<&Type>, kind: &mut Type, value: &mut Value) -> Result<(), Clash> {
        match (&mut *kind, value) {
            (_, Value::Null)
            | (Type::Json, _)
            | (Type::Boolean, Value::Bool(_))
            | (Type::Double, Value::Number(_))
            | (Type::String, Value::String(_)) => Ok(()),
            (Type::BigInt, Value::Number(number)) if number.is_i64() => Ok(()),
            (Type::BigInt, Value::Number(_)) if committed.is_none() => {
                *kind = Type::Double;
                Ok(())
            }
            (Type::BigInt, Value::Number(number)) if let Some(integer) = as_integer(number) => {
                *number = integer;
                self.is_rewritten = true;
                Ok(())
            }
            (Type::Struct(fields), Value::Object(object)) => {
                let committed = committed.and_then(|kind| match kind {
                    Type::Struct(fields) => Some(fields.as_slice()),
                    _ => None,
                });
                self.absorb_members(committed, fields, object)
            }
            (Type::Array(element), Value::Array(values)) => {
                let committed = committed.and_then(|kind| match kind {
                    Type::Array(element) => Some(element.as_ref()),
                    _ => None,
                });
                self.path.push("[]".to_owned());
                let outcome = values.iter_mut().try_for_each(|value| self.fit(committed, element, value));
                self.path.pop();
                outcome
            }
            (_, value) if is_nothing(value) => Ok(()),
            (kind, value) => Err(self.clash(format!("expected {kind}, found {}", kind_of(value)))),
        }
    }
}

/// Whether a value says nothing about its type.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.iter().all(is_nothing),
        Value::Object(members) => members.values().all(is_nothing),
        _ => false,
    }
}

/// The integer that a floating point number without a fraction is, as some producers write it.
fn as_integer(number: &Number) -> Option<Number> {
    let value = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < 9e15)?;
    Some(Number::from(value as i64))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a floating point number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(inference: &mut Inference, row: &str) -> Result<Map<String, Value>, Clash> {
        let mut row = serde_json::from_str(row).unwrap();
        inference.absorb(&mut row, &Naming::default()).map(|_| row)
    }

    fn columns(inference: &Inference) -> Vec<String> {
        inference.schema().fields.iter().map(|field| format!("{} {}", field.name, field.kind)).collect()
    }

    #[test]
    fn new_members_become_columns_and_one_version() {
        let mut inference = Inference::new(Schema::default(), ClashPolicy::ErrorPrefix);
        learn(&mut inference, r#"{"a":1,"b":null,"c":{"d":[true]},"e":[],"f":{}}"#).unwrap();
        learn(&mut inference, r#"{"b":"x","c":{"g":1.5}}"#).unwrap();
        assert_eq!(columns(&inference), ["a bigint", "c struct<d:array<boolean>,g:double>", "b string"]);
        assert_eq!(inference.schema().version, 1);
    }

    #[test]
    fn integers_and_floats_unify_while_the_column_is_new() {
        let mut inference = Inference::new(Schema::default(), ClashPolicy::ErrorPrefix);
        learn(&mut inference, r#"{"a":1,"b":[1,2.5],"c":18446744073709551615}"#).unwrap();
        learn(&mut inference, r#"{"a":1.5}"#).unwrap();
        assert_eq!(columns(&inference), ["a double", "b array<double>", "c double"]);
    }

    #[test]
    fn a_committed_integer_column_stays_one() {
        let committed = Schema { version: 3, fields: vec![Field::new("a", Type::BigInt)] };
        let mut inference = Inference::new(committed.clone(), ClashPolicy::ErrorPrefix);
        let clash = learn(&mut inference, r#"{"a":1.5,"new":1}"#).unwrap_err();
        assert_eq!(clash.to_string(), "a: expected bigint, found a floating point number");
        assert_eq!(inference.schema(), &committed, "a row that clashes teaches nothing");
        let row = learn(&mut inference, r#"{"a":-5.0}"#).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"a":-5}"#);
    }

    #[test]
    fn clashes_move_to_a_json_column_whole() {
        let mut inference = Inference::new(Schema::default(), ClashPolicy::JsonColumn);
        learn(&mut inference, r#"{"a":[{"x":1}]}"#).unwrap();
        let row = learn(&mut inference, r#"{"a":[{"x":"s"},7]}"#).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"a__json":[{"x":"s"},7]}"#);
        assert_eq!(columns(&inference), ["a array<struct<x:bigint>>", "a__json json"]);
        let row = learn(&mut inference, r#"{"a":[{"x":"s"}]}"#).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"a":[{"x__json":"s"}]}"#);
    }

    #[test]
    fn the_schema_is_bounded() {
        let mut inference = Inference::new(Schema::default(), ClashPolicy::JsonColumn);
        let mut wide: Map<String, Value> = (0..=COLUMNS_MAX).map(|n| (format!("c{n}"), Value::from(n))).collect();
        assert!(inference.absorb(&mut wide, &Naming::default()).is_err());
        let deep = format!("{}1{}", r#"{"a":"#.repeat(NESTING_MAX + 1), "}".repeat(NESTING_MAX + 1));
        let row = learn(&mut inference, &deep).unwrap();
        assert_eq!(row.len(), 1, "the level too deep is kept as text");
        let long = format!(r#"{{"{}":1}}"#, "n".repeat(COLUMN_NAME_BYTES_MAX + 1));
        assert!(learn(&mut inference, &long).is_err());
    }
}
