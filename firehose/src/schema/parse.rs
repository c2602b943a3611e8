//! Reads the type language of Hive and Glue.

use std::str::FromStr;

use super::{Field, Type};
use crate::limits::{COLUMNS_MAX, NESTING_MAX};

/// A type text that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column type {text:?} at character {position}: {reason}")]
pub struct TypeError {
    text: String,
    position: usize,
    reason: String,
}

impl FromStr for Type {
    type Err = TypeError;

    /// Reads a type as Glue writes it, in any case, for example `struct<a:int,b:array<string>>`.
    fn from_str(text: &str) -> Result<Self, TypeError> {
        let mut parser = Parser { text, position: 0 };
        let kind = parser.kind(0)?;
        if parser.rest().is_empty() { Ok(kind) } else { Err(parser.error("unexpected text after the type")) }
    }
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Parser<'a> {
    /// What is not read yet, from its first visible character.
    fn rest(&mut self) -> &'a str {
        let rest = self.text.get(self.position..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.position += rest.len() - trimmed.len();
        trimmed
    }

    fn error(&self, reason: impl Into<String>) -> TypeError {
        TypeError { text: self.text.to_owned(), position: self.position, reason: reason.into() }
    }

    fn expect(&mut self, symbol: char) -> Result<(), TypeError> {
        if self.rest().starts_with(symbol) {
            self.position += symbol.len_utf8();
            return Ok(());
        }
        Err(self.error(format!("expected {symbol:?}")))
    }

    fn word(&mut self) -> Result<&'a str, TypeError> {
        let rest = self.rest();
        let end = rest.find(|c: char| "<>:,()".contains(c) || c.is_whitespace()).unwrap_or(rest.len());
        let (word, _) = rest.split_at(end);
        if word.is_empty() {
            return Err(self.error("expected a name"));
        }
        self.position += end;
        Ok(word)
    }

    fn kind(&mut self, depth: usize) -> Result<Type, TypeError> {
        if depth > NESTING_MAX {
            return Err(self.error(format!("nested deeper than {NESTING_MAX} levels")));
        }
        let word = self.word()?.to_ascii_lowercase();
        Ok(match word.as_str() {
            "boolean" => Type::Boolean,
            "tinyint" => Type::TinyInt,
            "smallint" => Type::SmallInt,
            "int" | "integer" => Type::Int,
            "bigint" | "long" => Type::BigInt,
            "float" => Type::Float,
            "double" => Type::Double,
            "string" => Type::String,
            "varchar" | "char" => self.text_length()?,
            "date" => Type::Date,
            "timestamp" => Type::Timestamp,
            "json" => Type::Json,
            "array" => {
                self.expect('<')?;
                let element = self.kind(depth + 1)?;
                self.expect('>')?;
                Type::Array(Box::new(element))
            }
            "struct" => Type::Struct(self.members(depth + 1)?),
            "decimal" | "binary" | "map" | "interval" | "uniontype" => {
                return Err(self.error(format!("{word} is not supported; `json` keeps any value as text")));
            }
            _ => return Err(self.error(format!("unknown type {word:?}"))),
        })
    }

    /// The length of `varchar(n)` does not change how the text is stored.
    fn text_length(&mut self) -> Result<Type, TypeError> {
        if self.rest().starts_with('(') {
            self.expect('(')?;
            if self.word()?.parse::<u32>().is_err() {
                return Err(self.error("expected a length"));
            }
            self.expect(')')?;
        }
        Ok(Type::String)
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Field>, TypeError> {
        let mut members: Vec<Field> = Vec::new();
        self.expect('<')?;
        loop {
            let name = self.word()?;
            if members.len() >= COLUMNS_MAX {
                // Looking for a name among them is to take no longer, however long the text.
                return Err(self.error(format!("more than {COLUMNS_MAX} members")));
            }
            if members.iter().any(|member| member.name == name) {
                return Err(self.error(format!("member {name:?} is there twice")));
            }
            self.expect(':')?;
            let kind = self.kind(depth)?;
            members.push(Field::new(name, kind));
            if self.rest().starts_with(',') {
                self.expect(',')?;
            } else {
                self.expect('>')?;
                return Ok(members);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for text in
            ["boolean", "bigint", "array<string>", "struct<a:int,b:array<struct<c:double,d:json>>>", "timestamp"]
        {
            let kind: Type = text.parse().unwrap();
            assert_eq!(kind.to_string(), text);
        }
    }

    #[test]
    fn case_blanks_and_lengths_do_not_matter() {
        let kind: Type = " STRUCT< a : VarChar(10) , b:Integer > ".parse().unwrap();
        assert_eq!(kind.to_string(), "struct<a:string,b:int>");
    }

    #[test]
    fn faults_name_the_text_and_the_place() {
        for (text, reason) in [
            ("", "expected a name"),
            ("array<int", "expected '>'"),
            ("struct<a>", "expected ':'"),
            ("struct<>", "expected a name"),
            ("int int", "unexpected text"),
            ("varchar(x)", "expected a length"),
            ("decimal(10,2)", "not supported"),
            ("bignum", "unknown type"),
            ("struct<a:int,a:int>", "there twice"),
        ] {
            let error = text.parse::<Type>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let wide: Vec<String> = (0..=COLUMNS_MAX).map(|number| format!("m{number}:int")).collect();
        let wide = format!("struct<{}>", wide.join(","));
        assert!(wide.parse::<Type>().unwrap_err().to_string().contains("more than 1000 members"));
        let deep = "array<".repeat(1_000_000);
        assert!(deep.parse::<Type>().unwrap_err().to_string().contains("nested deeper"));
    }
}
