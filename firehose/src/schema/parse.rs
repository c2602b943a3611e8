//! Reads the type language of Hive and Glue.

use std::str::FromStr;

use super::{Field, Type};
use crate::columns::PRECISION_MAX;
use crate::limits::{COLUMNS_MAX, NESTING_MAX};

/// Characters of a `varchar` and of a `char`. Source: Apache Hive, "LanguageManual Types".
const VARCHAR_MAX: u16 = u16::MAX;
const CHAR_MAX: u16 = 255;

/// Digits of a `decimal` that does not say. Source: likewise.
const PRECISION_DEFAULT: u8 = 10;

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
            "varchar" => self.text_length(VARCHAR_MAX)?.map_or(Type::String, Type::Varchar),
            "char" | "character" => self.text_length(CHAR_MAX)?.map_or(Type::String, Type::Char),
            "decimal" | "numeric" => self.decimal()?,
            "binary" => Type::Binary,
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
            "map" => self.map(depth + 1)?,
            "interval" | "uniontype" => {
                return Err(self.error(format!("{word} is not supported; `json` keeps any value as text")));
            }
            _ => return Err(self.error(format!("unknown type {word:?}"))),
        })
    }

    /// A number in the brackets of a type.
    fn number<N: FromStr>(&mut self, what: &str) -> Result<N, TypeError> {
        let position = self.position;
        self.word()?.parse().map_err(|_| Self { position, ..*self }.error(format!("expected {what}")))
    }

    /// The length in `varchar(n)`; without one the text has no bound.
    fn text_length(&mut self, length_max: u16) -> Result<Option<u16>, TypeError> {
        if !self.rest().starts_with('(') {
            return Ok(None);
        }
        self.expect('(')?;
        let length = self.number("a length")?;
        if !(1..=length_max).contains(&length) {
            return Err(self.error(format!("expected a length from 1 to {length_max}")));
        }
        self.expect(')')?;
        Ok(Some(length))
    }

    fn decimal(&mut self) -> Result<Type, TypeError> {
        let (mut precision, mut scale) = (PRECISION_DEFAULT, 0);
        if self.rest().starts_with('(') {
            self.expect('(')?;
            precision = self.number("a precision")?;
            if self.rest().starts_with(',') {
                self.expect(',')?;
                scale = self.number("a scale")?;
            }
            self.expect(')')?;
        }
        if !(1..=PRECISION_MAX).contains(&precision) || scale > precision {
            return Err(self.error(format!("expected a precision from 1 to {PRECISION_MAX}, and a scale up to that")));
        }
        Ok(Type::Decimal { precision, scale })
    }

    fn map(&mut self, depth: usize) -> Result<Type, TypeError> {
        self.expect('<')?;
        let key = self.kind(depth)?;
        if !key.is_primitive() {
            return Err(self.error(format!("{key} cannot be the key of a map, which is of a primitive type")));
        }
        self.expect(',')?;
        let value = self.kind(depth)?;
        self.expect('>')?;
        Ok(Type::Map(Box::new(key), Box::new(value)))
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
        for text in [
            "boolean",
            "bigint",
            "array<string>",
            "struct<a:int,b:array<struct<c:double,d:json>>>",
            "timestamp",
            "decimal(38,38)",
            "varchar(65535)",
            "char(255)",
            "binary",
            "map<int,map<string,array<decimal(3,0)>>>",
        ] {
            let kind: Type = text.parse().unwrap();
            assert_eq!(kind.to_string(), text);
        }
    }

    #[test]
    fn case_and_blanks_do_not_matter_and_bounds_have_defaults() {
        let kind: Type = " STRUCT< a : VarChar(10) , b:Integer > ".parse().unwrap();
        assert_eq!(kind.to_string(), "struct<a:varchar(10),b:int>");
        let kind: Type = "struct<a:varchar,b:char,c:decimal,d:Numeric( 5 )>".parse().unwrap();
        assert_eq!(kind.to_string(), "struct<a:string,b:string,c:decimal(10,0),d:decimal(5,0)>");
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
            ("varchar(0)", "a length from 1 to 65535"),
            ("char(256)", "a length from 1 to 255"),
            ("decimal(39,2)", "a precision from 1 to 38"),
            ("decimal(3,4)", "a scale up to that"),
            ("decimal(3", "expected ')'"),
            ("decimal()", "expected a name"),
            ("map<string>", "expected ','"),
            ("map<array<int>,int>", "cannot be the key"),
            ("uniontype<int,string>", "not supported"),
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
