//! MetadataExtraction: a jq expression makes partition keys of a JSON record.
//!
//! The first output of the expression must be an object; each of its members is a key, and must be a text, a number or a
//! boolean. What AWS does with further outputs is not documented; here they are not asked for. jaq stands for jq 1.6; where
//! they differ, its README says how. Which expressions are taken, and what that guarantees, is in [`bounds`].
//!
//! Source: Firehose Developer Guide, "Understand partitioning keys"; the texts of the reasons are those of its error records.

mod bounds;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::thread;

use jaq_core::data::JustLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::Val;

use super::ProcessorError;
use crate::convert::is_nested_deeper;
use crate::limits::NESTING_MAX;
use crate::record::Reason;

/// Characters of an expression. Source: Firehose API Reference, "ProcessorParameter".
const EXPRESSION_CHARS_MAX: usize = 5_120;

/// The stack that the expression is read on: its parser recurses.
const COMPILE_STACK_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of a record that an expression is evaluated on: as values it takes up to a hundred times as much.
const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// The same, if patterns are looked for in it: each place where there is one takes hundreds of bytes.
const PATTERN_RECORD_BYTES_MAX: usize = 64 * 1024;

type Data = JustLut<Val>;

/// An expression, ready for use.
pub(super) struct Query {
    filter: Filter<Data>,
    record_bytes_max: usize,
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").finish_non_exhaustive()
    }
}

impl Query {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is no jq, or its evaluation would not be bounded.
    pub(super) fn new(text: &str) -> Result<Self, ProcessorError> {
        let refused = |reason: String| ProcessorError::Query { query: text.to_owned(), reason };
        if text.chars().count() > EXPRESSION_CHARS_MAX {
            return Err(refused(format!("it has more than {EXPRESSION_CHARS_MAX} characters")));
        }
        thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(COMPILE_STACK_BYTES).name("jq-compile".to_owned());
            let compiling = thread
                .spawn_scoped(scope, || compile(text))
                .map_err(|error| refused(format!("it cannot be compiled: {error}")))?;
            let compiled = compiling.join().unwrap_or_else(|_| Err("it cannot be compiled".to_owned()));
            compiled.map_err(refused)
        })
    }

    /// The keys that the expression makes of a record.
    ///
    /// # Errors
    /// The record is no JSON, the expression fails, or what it makes are no keys.
    pub(super) fn keys(&self, data: &[u8]) -> Result<BTreeMap<String, String>, Reason> {
        if data.len() > self.record_bytes_max {
            let message =
                format!("The record has more than the {} bytes that a jq expression takes.", self.record_bytes_max);
            return Err(Reason::not_partitioned(&message));
        }
        // A record that a library stumbles over must not stop the records behind it.
        let keys = std::panic::catch_unwind(AssertUnwindSafe(|| self.evaluate(data)));
        keys.unwrap_or_else(|_| Err(Reason::not_partitioned("The jq expression cannot be evaluated on the record.")))
    }

    fn evaluate(&self, data: &[u8]) -> Result<BTreeMap<String, String>, Reason> {
        // The parser recurses, and so does the interpreter on what is nested.
        if is_nested_deeper(data, NESTING_MAX) {
            return Err(Reason::not_partitioned(&format!("The record is nested deeper than {NESTING_MAX} levels.")));
        }
        let record = jaq_json::read::parse_single(data)
            .map_err(|error| Reason::not_partitioned(&format!("Non JSON record provided: {error}")))?;
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new([]));
        let output = match self.filter.id.run((context, record)).next() {
            Some(Ok(output)) => output,
            Some(Err(exception)) => {
                let text = exception.get_err().map_or_else(|_| "it broke off".to_owned(), |error| error.to_string());
                return Err(Reason::not_partitioned(&format!("The jq expression failed: {}", clip(&text))));
            }
            None => return Err(Reason::not_partitioned("The jq expression gave nothing.")),
        };
        let Val::Obj(members) = output else {
            return Err(Reason::not_partitioned("The jq expression did not give an object."));
        };
        members.iter().map(|(name, value)| key(name, value)).collect()
    }
}

/// A key with its value.
fn key(name: &Val, value: &Val) -> Result<(String, String), Reason> {
    let text = |value: &Val| match value {
        Val::TStr(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        Val::Bool(_) | Val::Num(_) => Some(value.to_string()),
        _ => None,
    };
    match (text(name), value) {
        (None, _) => Err(Reason::not_partitioned("The name of a partition key is no text.")),
        (Some(_), Val::Null) => Err(Reason::not_partitioned("partitionKeys values must not be null or empty")),
        (Some(name), value) => match text(value) {
            Some(value) => Ok((name, value)),
            None => {
                let message = format!("The value of the partition key {} is no text, number or boolean.", clip(&name));
                Err(Reason::not_partitioned(&message))
            }
        },
    }
}

/// The beginning of a text that may be as long as a record.
fn clip(text: &str) -> String {
    text.chars().take(200).collect()
}

fn compile(text: &str) -> Result<Query, String> {
    let term = jaq_core::load::parse(text, |parser| parser.term()).ok_or("it is not valid jq")?;
    let has_patterns = bounds::check(&term)?;
    let record_bytes_max = if has_patterns { PATTERN_RECORD_BYTES_MAX } else { RECORD_BYTES_MAX };
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    // A text in a record may be JSON that is nested deeper than the record.
    let json = jaq_json::funs().filter(|(name, ..)| *name != "fromjson");
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(json).chain([from_json()]);
    let arena = Arena::default();
    let modules = Loader::new(definitions)
        .load(&arena, File { code: text, path: () })
        .map_err(|_| "it is not valid jq".to_owned())?;
    let compiled = Compiler::default().with_funs(functions).compile(modules);
    compiled.map(|filter| Query { filter, record_bytes_max }).map_err(|errors| {
        let mut names = errors.iter().flat_map(|(_, undefined)| undefined.iter().map(|(name, _)| *name));
        format!("{} is not defined", names.next().unwrap_or("something"))
    })
}

/// `fromjson`, for one value that is not nested too deeply.
fn from_json() -> jaq_core::native::Fun<Data> {
    jaq_core::native::run::<Data>(("fromjson", Box::new([]), |cv| jaq_core::native::bome(parse_json(cv.1))))
}

fn parse_json(value: Val) -> jaq_core::ValR<Val> {
    let Val::TStr(text) = &value else { return Err(jaq_core::Error::typ(value, "string")) };
    if is_nested_deeper(text, NESTING_MAX) {
        return Err(jaq_core::Error::str(format!("JSON nested deeper than {NESTING_MAX} levels")));
    }
    jaq_json::read::parse_single(text).map_err(jaq_core::Error::str)
}

#[cfg(test)]
mod tests;
