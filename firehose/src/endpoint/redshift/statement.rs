//! The texts of statements: what a user may say in them, and what becomes of it.
//!
//! A table, its columns and the options of `COPY` are the user's own text. They are taken as identifiers, words and
//! literals only, so that whatever they say remains part of the one statement.

use crate::definition::RedshiftEndpoint;

/// Where a load goes, ready to stand in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The table, with its schema if one was given.
    pub(super) table: String,
    /// The columns with commas between them; empty for all.
    pub(super) columns: String,
    /// The options of `COPY`.
    pub(super) options: Vec<Token>,
    role_arn: String,
}

/// A part of the options of `COPY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword or a number.
    Word(String),
    /// A literal, as it stands between its quotes.
    Literal(String),
}

impl Target {
    /// Reads the settings of a destination.
    ///
    /// # Errors
    /// What is wrong with them, as a sentence.
    pub(super) fn new(settings: &RedshiftEndpoint) -> Result<Self, String> {
        let table = settings.table.trim();
        let parts = split_identifier(table).filter(|parts| parts.len() <= 3);
        parts.ok_or_else(|| format!("DataTableName {table:?} is not the name of a table."))?;
        let mut columns = Vec::new();
        for column in settings.columns.split(',').map(str::trim).filter(|column| !column.is_empty()) {
            let parts = split_identifier(column).filter(|parts| parts.len() == 1);
            parts.ok_or_else(|| format!("DataTableColumns has {column:?}, which is not the name of a column."))?;
            columns.push(column);
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/:".contains(c);
        if !settings.role_arn.chars().all(is_plain) {
            return Err(format!("RoleARN {:?} is not an ARN.", settings.role_arn));
        }
        Ok(Self {
            table: table.to_owned(),
            columns: columns.join(", "),
            options: tokens(&settings.copy_options)?,
            role_arn: settings.role_arn.clone(),
        })
    }

    /// The table followed by its columns, if any were given.
    pub(super) fn table_with_columns(&self) -> String {
        if self.columns.is_empty() { self.table.clone() } else { format!("{} ({})", self.table, self.columns) }
    }

    /// The statement that makes Redshift load what a manifest names. `url` is the manifest's.
    ///
    /// Source: Redshift Database Developer Guide, "COPY"; Firehose API Reference, "CopyCommand".
    pub(super) fn copy(&self, url: &str) -> String {
        let options: String = self.options.iter().map(|token| format!(" {token}")).collect();
        let table = self.table_with_columns();
        let (url, role) = (url.replace('\'', "''"), &self.role_arn);
        format!("COPY {table} FROM '{url}' CREDENTIALS 'aws_iam_role={role}' MANIFEST{options}")
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Literal(text) => write!(f, "'{}'", text.replace('\'', "''")),
        }
    }
}

impl Token {
    /// Whether it is the keyword `keyword`, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// The parts of a name like `schema.table` or `"Schema"."Table"`; `None` if it is no name.
fn split_identifier(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let byte_count = match rest.strip_prefix('"') {
            Some(quoted) => quoted.find('"').filter(|end| *end > 0)? + 2,
            None => rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at_checked(byte_count)?;
        let is_quoted = part.starts_with('"');
        if !is_quoted && !part.starts_with(|c: char| c.is_alphabetic() || c == '_') || part.contains('\0') {
            return None;
        }
        parts.push(part);
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None if after.is_empty() => return Some(parts),
            None => return None,
        }
    }
}

/// The parts of the options of `COPY`. A semicolon at the end is left out: AWS's own examples have one.
fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let text = text.trim();
    let mut rest = text.strip_suffix(';').unwrap_or(text).trim();
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let token;
        (token, rest) = match rest.strip_prefix('\'') {
            Some(rest) => {
                literal(rest).ok_or("CopyOptions has a literal that does not end, or that ends in a backslash.")?
            }
            None => word(rest).ok_or_else(|| {
                let found = rest.chars().next().unwrap_or_default();
                format!("CopyOptions has {found:?}; it takes keywords, numbers and literals in single quotes.")
            })?,
        };
        tokens.push(token);
        rest = rest.trim_start();
    }
    Ok(tokens)
}

fn word(text: &str) -> Option<(Token, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
    Some((Token::Word(word.to_owned()), rest))
}

/// The literal whose opening quote was read, and what follows it. Redshift reads a backslash before a quote as an escape,
/// other servers do not: where they would not agree on the end of the literal, it is refused.
fn literal(text: &str) -> Option<(Token, &str)> {
    let mut value = String::new();
    let mut backslash_count = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if backslash_count % 2 == 1 => return None,
            '\'' => {
                let rest = text.get(at + 1..)?;
                if !rest.starts_with('\'') {
                    return Some((Token::Literal(value), rest));
                }
                chars.next();
            }
            '\0' => return None,
            _ => {}
        }
        backslash_count = if c == '\\' { backslash_count + 1 } else { 0 };
        value.push(c);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::redshift::tests::settings;

    fn target(table: &str, columns: &str, copy_options: &str) -> Result<Target, String> {
        let (table, columns, copy_options) = (table.to_owned(), columns.to_owned(), copy_options.to_owned());
        Target::new(&RedshiftEndpoint { table, columns, copy_options, ..settings() })
    }

    #[test]
    fn a_copy_is_what_the_guide_tells() {
        let copy =
            |table, columns, options| target(table, columns, options).unwrap().copy("s3://lake/manifests/2026/x");
        assert_eq!(
            copy("clicks", "", "json 'auto'"),
            "COPY clicks FROM 's3://lake/manifests/2026/x' \
             CREDENTIALS 'aws_iam_role=arn:aws:iam::123456789012:role/loads' MANIFEST json 'auto'"
        );
        assert_eq!(
            copy(r#"web."Clicks""#, "id,  \"When\"", r"delimiter '\t' lzop;"),
            "COPY web.\"Clicks\" (id, \"When\") FROM 's3://lake/manifests/2026/x' \
             CREDENTIALS 'aws_iam_role=arn:aws:iam::123456789012:role/loads' MANIFEST delimiter '\\t' lzop"
        );
        assert!(copy("a", "", "null as 'it''s'").ends_with("MANIFEST null as 'it''s'"));
    }

    #[test]
    fn nothing_leaves_its_statement() {
        for table in ["", "a b", "a;b", "a'b", "\"a", "\"a\"\"b\"", "a.b.c.d", "1a", "a.", "a--", "\"\"", "a(b"] {
            assert!(target(table, "", "").is_err(), "{table}");
        }
        for columns in ["a b", "a.b", "a)", "\"a", "a, b;"] {
            assert!(target("t", columns, "").is_err(), "{columns}");
        }
        for options in
            ["json 'auto'; drop table x", "csv -- x", "csv /* x", "json 'auto", r"null '\' x", "csv (x)", "\"x\""]
        {
            assert!(target("t", "", options).is_err(), "{options}");
        }
        assert!(Target::new(&RedshiftEndpoint { role_arn: "arn:'x".to_owned(), ..settings() }).is_err());
    }
}
