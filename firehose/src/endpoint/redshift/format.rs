//! How records are loaded into a PostgreSQL server, which knows neither buckets nor the options of Redshift's `COPY`.

use serde::de::IgnoredAny;

use super::statement::{Target, Token};

/// How the records are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Each record holds JSON objects, whose members are columns.
    Json,
    /// Lines, with values that a delimiter divides.
    Lines(Lines),
}

/// How lines are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    delimiter: char,
    /// `None` where nothing is quoted.
    quote: Option<char>,
    /// A backslash escapes.
    is_escaped: bool,
    /// What stands for null.
    null: String,
}

/// A character that no text has: PostgreSQL's CSV has to have a quote.
const NO_QUOTE: char = '\u{8}';

impl Format {
    /// Reads the options of `COPY` as Redshift does.
    ///
    /// # Errors
    /// The option that has no counterpart, as a sentence.
    ///
    /// Source: Redshift Database Developer Guide, "COPY", parameters of data format, conversion and load.
    pub(super) fn new(target: &Target) -> Result<Self, String> {
        let mut options = Reader(&target.options);
        let (mut delimiter, mut quote, mut null) = (None, None, None);
        let (mut is_json, mut is_csv, mut is_escaped) = (false, false, false);
        while let Some(option) = options.next() {
            match option.to_ascii_lowercase().as_str() {
                "format" | "as" => {}
                "json" => match options.literal() {
                    None | Some("auto") => is_json = true,
                    Some(other) => return Err(refuse(&format!("json '{other}'"))),
                },
                "csv" => is_csv = true,
                "quote" => quote = Some(options.char()?),
                "delimiter" => delimiter = Some(options.char()?),
                "null" => null = options.literal().map(str::to_owned),
                "emptyasnull" => null = Some(String::new()),
                "escape" => is_escaped = true,
                // Of the object in the bucket, of Redshift's own upkeep, or what is done here in any case.
                "gzip" | "zstd" | "lzop" | "bzip2" => {}
                "compupdate" | "statupdate" => options.skip_word(&["on", "off", "true", "false", "preset"]),
                "region" | "encoding" | "maxerror" => options.skip_value(),
                "timeformat" | "dateformat" => match options.literal() {
                    Some("auto") => {}
                    _ => return Err(refuse(option)),
                },
                _ => return Err(refuse(option)),
            }
        }
        if is_json {
            return Ok(Self::Json);
        }
        if is_csv && is_escaped {
            return Err(refuse("escape with csv"));
        }
        Ok(Self::Lines(Lines {
            delimiter: delimiter.unwrap_or(if is_csv { ',' } else { '|' }),
            quote: is_csv.then(|| quote.unwrap_or('"')),
            is_escaped,
            null: null.unwrap_or_else(|| if is_csv { String::new() } else { r"\N".to_owned() }),
        }))
    }
}

impl Lines {
    /// The statement that takes the lines.
    pub(super) fn copy(&self, target: &Target) -> String {
        let quoted = |text: &str| text.replace('\'', "''");
        let (delimiter, null) = (quoted(&self.delimiter.to_string()), quoted(&self.null));
        let format = match self.quote {
            _ if self.is_escaped => "FORMAT text".to_owned(),
            quote => format!("FORMAT csv, QUOTE '{0}', ESCAPE '{0}'", quoted(&quote.unwrap_or(NO_QUOTE).to_string())),
        };
        let table = target.table_with_columns();
        format!("COPY {table} FROM STDIN WITH ({format}, DELIMITER '{delimiter}', NULL '{null}')")
    }

    /// Why a record would spoil those behind it, if it would.
    pub(super) fn problem(&self, record: &[u8]) -> Option<&'static str> {
        let mut lines = record.split(|byte| *byte == b'\n');
        if lines.any(|line| line.strip_suffix(b"\r").unwrap_or(line) == br"\.") {
            return Some("The record has a line that ends the data.");
        }
        let text = record.strip_suffix(b"\n").unwrap_or(record);
        if self.is_escaped && text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1 {
            return Some("The record ends in an escape.");
        }
        let quote = u8::try_from(self.quote?).ok()?;
        let quote_count = record.iter().filter(|byte| **byte == quote).count();
        (quote_count % 2 == 1).then_some("The record has a quote that does not end.")
    }
}

fn refuse(option: &str) -> String {
    format!("CopyOptions has {option}, which a PostgreSQL server cannot do.")
}

/// Reads options one by one.
struct Reader<'a>(&'a [Token]);

impl<'a> Reader<'a> {
    /// The next token, as a text.
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(match first {
            Token::Word(text) | Token::Literal(text) => text,
        })
    }

    fn skip_word(&mut self, words: &[&str]) {
        if self.0.first().is_some_and(|token| words.iter().any(|word| token.is(word))) {
            self.next();
        }
    }

    fn skip_value(&mut self) {
        self.skip_word(&["as"]);
        self.next();
    }

    /// The literal that follows, if one does.
    fn literal(&mut self) -> Option<&'a str> {
        let tokens = match self.0.split_first() {
            Some((first, rest)) if first.is("as") => rest,
            _ => self.0,
        };
        let (Token::Literal(text), rest) = tokens.split_first()? else { return None };
        self.0 = rest;
        Some(text)
    }

    /// The literal that follows, of one character.
    fn char(&mut self) -> Result<char, String> {
        let text = self.literal().unwrap_or_default();
        let text = if text == r"\t" { "\t" } else { text };
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if c.is_ascii() => Ok(c),
            _ => Err("CopyOptions has a delimiter or a quote that is not one character.".to_owned()),
        }
    }
}

/// Appends the JSON values of a record to a list, with commas between them. The error is a sentence; nothing is appended then.
pub(super) fn append_values(record: &[u8], list: &mut String) -> Result<(), String> {
    let text = std::str::from_utf8(record).map_err(|_| "The record is not UTF-8.".to_owned())?;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (before, mut start) = (list.len(), 0);
    while let Some(value) = values.next() {
        if let Err(error) = value {
            list.truncate(before);
            return Err(format!("The record is not JSON: {error}."));
        }
        let end = values.byte_offset();
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(text.get(start..end).unwrap_or_default().trim());
        start = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::RedshiftEndpoint;
    use crate::endpoint::redshift::tests::settings;

    fn read(options: &str) -> Result<Format, String> {
        let target = Target::new(&RedshiftEndpoint { copy_options: options.to_owned(), ..settings() }).unwrap();
        Format::new(&target)
    }

    fn copy(options: &str) -> String {
        let target = Target::new(&RedshiftEndpoint { copy_options: options.to_owned(), ..settings() }).unwrap();
        let Format::Lines(lines) = read(options).unwrap() else { panic!("{options}") };
        lines.copy(&target)
    }

    #[test]
    fn the_options_of_redshift_become_those_of_postgresql() {
        for options in
            ["json 'auto'", "FORMAT AS JSON 'auto'", "json gzip", "format json AS 'auto' REGION AS 'eu-west-1'"]
        {
            assert_eq!(read(options), Ok(Format::Json), "{options}");
        }
        assert_eq!(
            copy(""),
            "COPY clicks FROM STDIN WITH (FORMAT csv, QUOTE '\u{8}', ESCAPE '\u{8}', DELIMITER '|', NULL '\\N')"
        );
        assert_eq!(
            copy("CSV QUOTE AS '%' delimiter ';' statupdate off maxerror 5"),
            "COPY clicks FROM STDIN WITH (FORMAT csv, QUOTE '%', ESCAPE '%', DELIMITER ';', NULL '')"
        );
        assert_eq!(
            copy(r"delimiter '\t' escape emptyasnull"),
            "COPY clicks FROM STDIN WITH (FORMAT text, DELIMITER '\t', NULL '')"
        );
        for options in ["json 's3://b/paths'", "parquet", "fixedwidth 'a:1'", "delimiter 'ab'", "csv escape"] {
            assert!(read(options).is_err(), "{options}");
        }
    }

    #[test]
    fn records_that_would_spoil_others_are_told() {
        let lines = |options| match read(options).unwrap() {
            Format::Lines(lines) => lines,
            Format::Json => panic!("{options}"),
        };
        let (csv, text) = (lines("csv"), lines("escape"));
        for record in ["a,b\n", "\"a\nb\",c", "", "a\\", "x\\."] {
            assert_eq!(csv.problem(record.as_bytes()), None, "{record}");
        }
        for record in ["a,\"b\n", "a\n\\.\n", "\\.", "\\.\r\nx"] {
            assert!(csv.problem(record.as_bytes()).is_some(), "{record}");
        }
        assert!(text.problem(b"a\\\n").is_some() && text.problem(b"a\\\\").is_none());
    }

    #[test]
    fn the_values_of_records_are_divided() {
        let mut list = String::new();
        for record in [&b" {\"a\":1}\n"[..], b"\n", br#"{"a":2}{"a":3} {"a":4}"#] {
            append_values(record, &mut list).unwrap();
        }
        for record in [&b"{\"a\":1}],[{}"[..], b"{", b"\xff", b"{}{}{"] {
            assert!(append_values(record, &mut list).is_err());
        }
        assert_eq!(list, r#"{"a":1},{"a":2},{"a":3},{"a":4}"#);
    }
}
