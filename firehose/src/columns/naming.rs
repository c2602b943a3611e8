//! Which column a JSON key belongs to.

use std::borrow::Cow;
use std::collections::HashMap;

/// The rules of the deserialiser for keys. They hold at every level of nesting.
///
/// Source: Firehose API Reference, "OpenXJsonSerDe".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Keys and columns match whatever their case.
    pub is_case_insensitive: bool,
    /// Dots in keys become underscores.
    pub converts_dots: bool,
    /// The column of a key that does not have the column's name.
    pub columns_by_key: HashMap<String, String>,
}

impl Naming {
    /// The name of the column that `key` belongs to. A mapping counts where its column `exists`, and where no column has
    /// the key's own name either, as one mapping serves all the structs of a record.
    pub(crate) fn column_name<'a>(&'a self, key: &'a str, exists: impl Fn(&str) -> bool) -> Cow<'a, str> {
        let folded = self.fold(key);
        let mapped = self.columns_by_key.get(folded.as_ref());
        let name = match folded {
            name if self.converts_dots && name.contains('.') => Cow::Owned(name.replace('.', "_")),
            name => name,
        };
        match mapped {
            Some(column) if exists(&self.fold(column)) || !exists(&name) => Cow::Borrowed(column),
            _ => name,
        }
    }

    /// The spelling under which names are compared.
    pub(crate) fn fold<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.is_case_insensitive && name.chars().any(|c| !c.is_ascii() || c.is_ascii_uppercase()) {
            return Cow::Owned(name.to_lowercase());
        }
        Cow::Borrowed(name)
    }
}
