//! Which jq expressions are taken: those whose evaluation is bounded by the record, whatever the record.
//!
//! The interpreter has no bound of its own: it cannot be stopped, and it recurses on the stack. So an expression is looked at
//! before it is ever evaluated. What can loop or recurse is refused (`def`, `reduce`, `foreach`, `range`, `recurse`, `while`,
//! `repeat`, …), and so is what would not answer the same twice (`now`, `input`, `env`). For the rest a bound is computed of
//! what it makes in all, as *factor × sizeᵈᵉᵍʳᵉᵉ* of the record's size; the degree must be at most 1 and the factor at most
//! [`FACTOR_MAX`]. So `[.[] | .id]` is taken, but `{a: .[], b: .[]}`, which pairs all with all, is not; nor is
//! `.name * .count`, which repeats a text as often as a record says.
//!
//! What is guaranteed: an expression that is taken ends, its stack is bounded by [`DEPTH_MAX`], and it makes values of at most
//! [`FACTOR_MAX`] times the record's size.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

use crate::limits::NESTING_MAX;

/// How much larger than its record may be what an expression makes of it.
const FACTOR_MAX: u64 = 1_000;

/// Levels of an expression.
const DEPTH_MAX: usize = 100;

/// How often a text may be repeated.
const TIMES_MAX: u64 = 16;

/// Functions that give numbers only, or fail.
const NUMERIC: &[&str] =
    &["tonumber", "length", "floor", "ceil", "round", "sqrt", "mktime", "fromdate", "fromdateiso8601"];

/// Bytes of a constant that count as much as a value of the record.
const CONSTANT_BYTES: u64 = 16;

/// What texts grow by at most when they are escaped.
const ESCAPE_FACTOR: u64 = 6;

/// Functions whose output is about as large as their input.
const PLAIN: &[&str] = &[
    "null",
    "true",
    "false",
    "empty",
    "not",
    "error",
    "values",
    "nulls",
    "booleans",
    "numbers",
    "finites",
    "normals",
    "strings",
    "arrays",
    "objects",
    "iterables",
    "scalars",
    "type",
    "length",
    "utf8bytelength",
    "abs",
    "floor",
    "ceil",
    "round",
    "sqrt",
    "fabs",
    "trunc",
    "isnan",
    "isinfinite",
    "isnormal",
    "infinite",
    "nan",
    "tonumber",
    "toboolean",
    "ascii_downcase",
    "ascii_upcase",
    "ltrim",
    "rtrim",
    "trim",
    "explode",
    "implode",
    "reverse",
    "sort",
    "unique",
    "min",
    "max",
    "add",
    "any",
    "all",
    "first",
    "last",
    "flatten",
    "keys",
    "keys_unsorted",
    "to_entries",
    "from_entries",
    "todate",
    "fromdate",
    "todateiso8601",
    "fromdateiso8601",
    "gmtime",
    "mktime",
    "fromjson",
    "isboolean",
    "isnumber",
    "isstring",
    "isarray",
    "isobject",
    "@base64d",
    "@urid",
];

/// Functions whose output is a text of their input.
const TEXTS: &[&str] = &["tostring", "tojson", "@text", "@json", "@base64", "@uri", "@html", "@sh"];

/// Functions of constants, about as large as their input.
const OF_CONSTANTS: &[&str] = &[
    "strftime",
    "strptime",
    "split",
    "splits",
    "test",
    "match",
    "capture",
    "scan",
    "ltrimstr",
    "rtrimstr",
    "startswith",
    "endswith",
    "has",
    "contains",
    "inside",
    "index",
    "rindex",
    "indices",
    "flatten",
    "nth",
];

/// Those that look for patterns, and make much of each place where there is one.
const PATTERNS: &[&str] = &["test", "match", "capture", "scan", "splits", "sub", "gsub"];

/// Those that may have several outputs.
const SEVERAL: &[&str] = &["splits", "match", "capture", "scan"];

/// Functions of filters that see a part of the input at a time.
const OF_FILTERS: &[&str] = &[
    "map",
    "map_values",
    "select",
    "with_entries",
    "sort_by",
    "group_by",
    "unique_by",
    "min_by",
    "max_by",
    "any",
    "all",
    "first",
    "isempty",
    "add",
    "error",
    "sub",
    "gsub",
    "pow",
    "log",
];

/// A bound of all outputs for all inputs together: `factor × sizeᵈᵉᵍʳᵉᵉ`.
#[derive(Clone, Copy, Debug)]
struct Bound {
    degree: u32,
    factor: u64,
    /// There may be several outputs for one input.
    is_several: bool,
}

impl Bound {
    /// Of both, one beside the other.
    fn and(self, other: Self) -> Self {
        Self {
            degree: self.degree.max(other.degree),
            factor: self.factor.saturating_add(other.factor),
            is_several: self.is_several || other.is_several,
        }
    }

    fn times(self, factor: u64) -> Self {
        Self { factor: self.factor.saturating_mul(factor), ..self }
    }

    fn several(self, is_several: bool) -> Self {
        Self { is_several, ..self }
    }
}

/// What an expression may refer to at some place in it.
struct Scope<'a> {
    /// All inputs there, together.
    input: Bound,
    /// There may be as many inputs as the record has parts.
    is_divided: bool,
    /// The variables, with what they amount to for all inputs together.
    variables: HashMap<&'a str, Bound>,
    depth: usize,
    /// Something looks for patterns.
    has_patterns: Rc<Cell<bool>>,
}

impl<'a> Scope<'a> {
    /// The scope of something within, which `input` is all inputs of.
    fn within(&self, input: Bound, is_divided: bool) -> Result<Self, String> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("it is nested deeper than {DEPTH_MAX} levels"));
        }
        let is_divided_here = is_divided && !self.is_divided;
        let each = |bound: &Bound| Bound { degree: bound.degree + u32::from(is_divided_here), ..*bound };
        let variables = self.variables.iter().map(|(name, bound)| (*name, each(bound))).collect();
        let is_divided = self.is_divided || is_divided;
        let has_patterns = Rc::clone(&self.has_patterns);
        Ok(Self { input, is_divided, variables, depth: self.depth + 1, has_patterns })
    }

    /// A value of its own for each input.
    fn constant(&self, byte_count: usize) -> Bound {
        let factor = 1 + byte_count as u64 / CONSTANT_BYTES;
        Bound { degree: u32::from(self.is_divided), factor, is_several: false }
    }

    fn bound(&self, term: &Term<&'a str>) -> Result<Bound, String> {
        let inner = self.within(self.input, false)?;
        let bound = match term {
            Term::Id => self.input.several(false),
            Term::Recurse => self.input.times(NESTING_MAX as u64).several(true),
            Term::Num(_) | Term::Arr(None) => self.constant(0),
            Term::Str(format, parts) => inner.bound_str(format.is_some(), parts)?,
            Term::Arr(Some(term)) => inner.bound(term)?.and(self.constant(0)).several(false),
            Term::Obj(members) => inner.bound_obj(members)?,
            Term::Neg(term) => inner.bound(term)?,
            Term::BinOp(left, op, right) => inner.bound_binary(left, op, right)?,
            Term::TryCatch(body, None) => inner.bound(body)?,
            Term::TryCatch(body, Some(catch)) => inner.bound(body)?.and(inner.bound(catch)?),
            Term::IfThenElse(branches, otherwise) => inner.bound_if(branches, otherwise.as_deref())?,
            Term::Call(name, arguments) => inner.bound_call(name, arguments)?,
            Term::Var(name) => *self.variables.get(name).ok_or_else(|| format!("{name} is not defined"))?,
            Term::Path(head, path) => inner.bound_path(head, path)?,
            Term::Label(..) | Term::Break(_) => return refused("label"),
            Term::Fold(name, ..) => return refused(name),
            Term::Def(..) => return refused("def"),
        };
        if bound.degree > 1 || bound.factor > FACTOR_MAX {
            return Err("what it makes can be too large for the size of a record".to_owned());
        }
        Ok(bound)
    }

    /// The bound of a term that must not have several outputs, where each would go with each of another's.
    fn single(&self, term: &Term<&'a str>, what: &str) -> Result<Bound, String> {
        let bound = self.bound(term)?;
        if bound.is_several {
            return Err(format!("{what} may have several values; collect them in an array, or take the first"));
        }
        Ok(bound)
    }

    fn bound_str(&self, is_formatted: bool, parts: &[StrPart<&'a str, Term<&'a str>>]) -> Result<Bound, String> {
        let mut bound = self.constant(parts.iter().map(part_bytes).sum());
        for part in parts {
            if let StrPart::Term(term) = part {
                bound = bound.and(self.single(term, "a value in a text")?.times(ESCAPE_FACTOR));
            }
        }
        Ok(if is_formatted { bound.times(ESCAPE_FACTOR) } else { bound })
    }

    fn bound_obj(&self, members: &[(Term<&'a str>, Option<Term<&'a str>>)]) -> Result<Bound, String> {
        let mut bound = self.constant(0);
        for (key, value) in members {
            bound = bound.and(self.single(key, "the key of a member")?);
            bound = match value {
                Some(value) => bound.and(self.single(value, "the value of a member")?),
                // `{name}` is `{name: .name}`.
                None => bound.and(self.input.several(false)),
            };
        }
        Ok(bound)
    }

    fn bound_binary(
        &self,
        left: &Term<&'a str>,
        op: &BinaryOp<&'a str>,
        right: &Term<&'a str>,
    ) -> Result<Bound, String> {
        match op {
            BinaryOp::Pipe(None) => {
                let left = self.bound(left)?;
                let right = self.within(left, left.is_several)?.bound(right)?;
                Ok(right.several(left.is_several || right.is_several))
            }
            BinaryOp::Pipe(Some(Pattern::Var(name))) => {
                let value = self.single(left, "what a variable is bound to")?;
                let mut scope = self.within(self.input, false)?;
                scope.variables.insert(name, value);
                scope.bound(right)
            }
            BinaryOp::Pipe(Some(_)) => refused("as with a pattern"),
            BinaryOp::Comma => Ok(self.bound(left)?.and(self.bound(right)?).several(true)),
            BinaryOp::Alt => Ok(self.bound(left)?.and(self.bound(right)?)),
            BinaryOp::Math(Math::Mul) => self.bound_product(left, right),
            BinaryOp::Math(_) | BinaryOp::Cmp(_) | BinaryOp::Or | BinaryOp::And => {
                Ok(self.single(left, "an operand")?.and(self.single(right, "an operand")?))
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                refused("assignment")
            }
        }
    }

    /// A product with a number in the expression: a text is repeated as often as that says.
    fn bound_product(&self, left: &Term<&'a str>, right: &Term<&'a str>) -> Result<Bound, String> {
        let ((Term::Num(number), other) | (other, Term::Num(number))) = (left, right) else {
            return Err("* is supported with a number in the expression only, since it repeats texts".to_owned());
        };
        let bound = self.single(other, "an operand")?;
        if is_numeric(other) {
            return Ok(bound);
        }
        let count = number.parse::<f64>().map_or(u64::MAX, |number| number.abs().ceil() as u64);
        if count > TIMES_MAX {
            return Err(format!("* {number} would repeat a text; write (… | tonumber) * {number}"));
        }
        Ok(bound.times(count.max(1)))
    }

    fn bound_if(
        &self,
        branches: &[(Term<&'a str>, Term<&'a str>)],
        otherwise: Option<&Term<&'a str>>,
    ) -> Result<Bound, String> {
        let mut bound = match otherwise {
            Some(term) => self.bound(term)?,
            None => self.input.several(false),
        };
        for (condition, then) in branches {
            bound = bound.and(self.single(condition, "a condition")?).and(self.bound(then)?);
        }
        Ok(bound)
    }

    fn bound_call(&self, name: &str, arguments: &[Term<&'a str>]) -> Result<Bound, String> {
        let input = self.input.several(false).and(self.constant(0));
        if PATTERNS.contains(&name) || (name == "split" && arguments.len() > 1) {
            self.has_patterns.set(true);
        }
        match arguments {
            [] if PLAIN.contains(&name) => Ok(input),
            [] if TEXTS.contains(&name) => Ok(input.times(ESCAPE_FACTOR)),
            [separator] if name == "join" && is_text(separator) => Ok(input.times(1 + text_bytes(separator) as u64)),
            [_, ..] if OF_CONSTANTS.contains(&name) && arguments.iter().all(|it| is_number(it) || is_text(it)) => {
                Ok(input.several(SEVERAL.contains(&name)))
            }
            [_, ..] if OF_FILTERS.contains(&name) => {
                let mut bound = input;
                for argument in arguments {
                    bound = bound.and(self.within(self.input, true)?.bound(argument)?);
                }
                Ok(bound)
            }
            _ => Err(format!("{name} with {} arguments of this kind is not supported", arguments.len())),
        }
    }

    fn bound_path(&self, head: &Term<&'a str>, path: &Path<Term<&'a str>>) -> Result<Bound, String> {
        let mut bound = self.bound(head)?;
        for (part, _) in &path.0 {
            let indices: Vec<&Term<&str>> = match part {
                Part::Index(index) => vec![index],
                Part::Range(None, None) => {
                    bound = bound.several(true);
                    continue;
                }
                Part::Range(from, to) => from.iter().chain(to).collect(),
            };
            if !indices.into_iter().all(is_index) {
                return Err("an index must be a number or a text in the expression".to_owned());
            }
        }
        Ok(bound)
    }
}

fn refused<T>(what: &str) -> Result<T, String> {
    Err(format!("{what} is not supported"))
}

/// Whether what a term gives is a number, or fails.
fn is_numeric(term: &Term<&str>) -> bool {
    match term {
        Term::Call(name, arguments) => arguments.is_empty() && NUMERIC.contains(name),
        Term::BinOp(_, BinaryOp::Pipe(_), last) => is_numeric(last),
        term => is_number(term),
    }
}

fn is_number(term: &Term<&str>) -> bool {
    matches!(term, Term::Num(_))
}

/// Whether a term is a text without values in it.
fn is_text(term: &Term<&str>) -> bool {
    matches!(term, Term::Str(None, parts) if parts.iter().all(|part| !matches!(part, StrPart::Term(_))))
}

fn is_index(term: &Term<&str>) -> bool {
    is_number(term) || is_text(term) || matches!(term, Term::Neg(term) if is_number(term))
}

fn part_bytes<T>(part: &StrPart<&str, T>) -> usize {
    match part {
        StrPart::Str(text) => text.len(),
        StrPart::Char(_) => 4,
        StrPart::Term(_) => 0,
    }
}

fn text_bytes(term: &Term<&str>) -> usize {
    if let Term::Str(_, parts) = term { parts.iter().map(part_bytes).sum() } else { 0 }
}

/// Looks at an expression, and tells whether it looks for patterns.
///
/// # Errors
/// Why it is not taken.
pub(super) fn check(term: &Term<&str>) -> Result<bool, String> {
    let input = Bound { degree: 1, factor: 1, is_several: false };
    let has_patterns = Rc::default();
    let scope =
        Scope { input, is_divided: false, variables: HashMap::new(), depth: 0, has_patterns: Rc::clone(&has_patterns) };
    scope.bound(term)?;
    Ok(has_patterns.get())
}
