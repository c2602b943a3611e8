//! [`Form`]: the members of one structure while they are validated.

use std::fmt;

use firehose::definition::Secret;
use ingest_core::{Member, Validator, Value};

/// A secret while it is validated: it is not shown, not even to who sent it.
pub(crate) struct Hidden {
    char_count: usize,
}

impl Value for Hidden {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }

    fn length(&self) -> Option<usize> {
        Some(self.char_count)
    }
}

/// The members of one structure: where it stands in the request, and whether it is a part of an update, which requires no
/// member.
pub(crate) struct Form<'v> {
    validator: &'v mut Validator,
    path: String,
    is_update: bool,
}

impl<'v> Form<'v> {
    /// A configuration at `path`.
    pub(crate) fn new(validator: &'v mut Validator, path: String, is_update: bool) -> Self {
        Self { validator, path, is_update }
    }

    /// The form of the structure that is the member `name`.
    pub(crate) fn inner(&mut self, name: &str) -> Form<'_> {
        Form { path: self.at(name), is_update: self.is_update, validator: self.validator }
    }

    /// As [`Form::inner`], of a structure that takes the place of the one before: it requires its members in an update too.
    pub(crate) fn whole(&mut self, name: &str) -> Form<'_> {
        Form { path: self.at(name), is_update: false, validator: self.validator }
    }

    /// A text.
    pub(crate) fn text<'a>(&'a mut self, name: &str, value: Option<&'a str>) -> Member<'a, String, &'a str> {
        let path = self.at(name);
        self.validator.member(path, value)
    }

    /// A text that a new configuration must have.
    pub(crate) fn required<'a>(&'a mut self, name: &str, value: Option<&'a str>) -> Member<'a, String, &'a str> {
        let is_update = self.is_update;
        let member = self.text(name, value);
        if is_update { member } else { member.required() }
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &str, value: Option<i64>) -> Member<'_, String, i64> {
        let path = self.at(name);
        self.validator.member(path, value)
    }

    /// A secret text.
    pub(crate) fn secret(&mut self, name: &str, value: Option<&Secret>) -> Member<'_, String, Hidden> {
        let path = self.at(name);
        self.validator.member(path, value.map(|secret| Hidden { char_count: secret.0.chars().count() }))
    }

    /// A list.
    pub(crate) fn list<'a, T>(&'a mut self, name: &str, value: Option<&'a [T]>) -> Member<'a, String, &'a [T]> {
        let path = self.at(name);
        self.validator.member(path, value)
    }

    /// Notes that a structure is not there that a new configuration must have.
    pub(crate) fn missing(&mut self, name: &str) {
        self.required(name, None);
    }

    fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}
