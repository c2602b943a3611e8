//! Which column a JSON key belongs to.

use std::borrow::Cow;
use std::collections::HashMap;

/// The rules of the deserialiser for keys.
///
/// Source: Firehose API Reference, "OpenXJsonSerDe".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Keys are converted to lower case.
    pub is_case_insensitive: bool,
    /// Dots in keys become underscores.
    pub converts_dots: bool,
    /// The column of a top-level key that does not have the column's name.
    pub columns_by_key: HashMap<String, String>,
}

impl Naming {
    /// The name of the column that `key` belongs to; the mappings hold for top-level keys.
    pub(crate) fn column_name<'a>(&'a self, key: &'a str, is_top_level: bool) -> Cow<'a, str> {
        let mut name = Cow::Borrowed(key);
        if self.is_case_insensitive && key.chars().any(|c| !c.is_ascii() || c.is_ascii_uppercase()) {
            name = Cow::Owned(key.to_lowercase());
        }
        if is_top_level && let Some(column) = self.columns_by_key.get(name.as_ref()) {
            return Cow::Borrowed(column);
        }
        if self.converts_dots && name.contains('.') {
            name = Cow::Owned(name.replace('.', "_"));
        }
        name
    }
}
