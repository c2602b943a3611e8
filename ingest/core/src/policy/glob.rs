//! [`Glob`], a text with wildcards and policy variables.

use super::request::Request;

/// A part of a [`Glob`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `?`
    One,
    /// `*`
    Many,
    /// `${key}` or `${key, 'default'}`
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// A piece with its variables replaced: a character, or a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glyph {
    Char(char),
    One,
    Many,
}

/// What is special in a [`Glob`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    pub(super) has_wildcards: bool,
    pub(super) has_variables: bool,
}

/// A text that others are compared with: `*` stands for any characters, `?` for one, `${key}` for what the request says.
///
/// Source: IAM User Guide, "IAM JSON policy elements: Variables and tags".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(Vec<Piece>);

impl Glob {
    /// Reads a glob. Every text is one: what is no variable stands for itself.
    pub(super) fn parse(text: &str, syntax: Syntax) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            let variable = if syntax.has_variables { parse_variable(rest) } else { None };
            let (piece, after) = match (variable, char) {
                (Some((Piece::Text(escaped), after)), _) => {
                    plain.push_str(&escaped);
                    rest = after;
                    continue;
                }
                (Some((piece, after)), _) => (piece, after),
                (None, '*') if syntax.has_wildcards => (Piece::Many, rest.get(1..).unwrap_or_default()),
                (None, '?') if syntax.has_wildcards => (Piece::One, rest.get(1..).unwrap_or_default()),
                (None, char) => {
                    plain.push(char);
                    rest = rest.get(char.len_utf8()..).unwrap_or_default();
                    continue;
                }
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(piece);
            rest = after;
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Self(pieces)
    }

    /// Whether the whole of `value` is like this. Not if a variable has no value.
    pub(super) fn matches(&self, value: &str, request: &Request<'_>, case: Case) -> bool {
        self.expand(request).is_some_and(|pattern| is_like(&pattern, value, case))
    }

    /// As [`Glob::matches`], for ARNs: each of the six parts by itself, so that no wildcard reaches across a colon but in
    /// the last.
    pub(super) fn matches_arn(&self, value: &str, request: &Request<'_>) -> bool {
        let Some(pattern) = self.expand(request) else { return false };
        let parts: Vec<_> = pattern.splitn(ARN_PARTS, |glyph| *glyph == Glyph::Char(':')).collect();
        let values: Vec<_> = value.splitn(ARN_PARTS, ':').collect();
        parts.len() == values.len()
            && parts.into_iter().zip(values).all(|(pattern, value)| is_like(pattern, value, Case::Counts))
    }

    fn expand(&self, request: &Request<'_>) -> Option<Vec<Glyph>> {
        let mut glyphs = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => glyphs.extend(text.chars().map(Glyph::Char)),
                Piece::One => glyphs.push(Glyph::One),
                Piece::Many => glyphs.push(Glyph::Many),
                Piece::Variable { key, default } => {
                    let values = request.values(key);
                    // A key with several values cannot stand for one text.
                    let value = match values.as_slice() {
                        [value] => value,
                        [] => default.as_deref()?,
                        _ => return None,
                    };
                    // What stands in a request is never a wildcard.
                    glyphs.extend(value.chars().map(Glyph::Char));
                }
            }
        }
        Some(glyphs)
    }
}

/// Whether upper and lower case are different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Counts,
    Ignored,
}

const ARN_PARTS: usize = 6;

/// Reads the variable, or the escaped character, that `text` begins with. Returns what follows it too.
fn parse_variable(text: &str) -> Option<(Piece, &str)> {
    let (inner, after) = text.strip_prefix("${")?.split_once('}')?;
    let piece = match inner {
        "*" | "?" | "$" => Piece::Text(inner.to_owned()),
        _ => match inner.split_once(',') {
            None => Piece::Variable { key: inner.trim().to_owned(), default: None },
            Some((key, default)) => {
                let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                Piece::Variable { key: key.trim().to_owned(), default: Some(default.to_owned()) }
            }
        },
    };
    Some((piece, after))
}

/// Compares greedily: only the last `*` is ever gone back to, so the time is the product of the lengths at most.
fn is_like(pattern: &[Glyph], value: &str, case: Case) -> bool {
    let is_same = |left: char, right: char| {
        left == right || (case == Case::Ignored && left.to_lowercase().eq(right.to_lowercase()))
    };
    let mut rest_of_pattern = pattern;
    let mut rest_of_value = value.chars();
    let mut last_star = None;
    loop {
        let mut after = rest_of_value.clone();
        match (rest_of_pattern.split_first(), after.next()) {
            (Some((Glyph::Many, behind)), _) => {
                last_star = Some((behind, rest_of_value.clone()));
                rest_of_pattern = behind;
                continue;
            }
            (Some((Glyph::One, behind)), Some(_)) => {
                (rest_of_pattern, rest_of_value) = (behind, after);
                continue;
            }
            (Some((Glyph::Char(expected), behind)), Some(char)) if is_same(*expected, char) => {
                (rest_of_pattern, rest_of_value) = (behind, after);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        // The last star takes one character more.
        let Some((behind, mut taken)) = last_star else { return false };
        if taken.next().is_none() {
            return false;
        }
        (rest_of_pattern, rest_of_value) = (behind, taken.clone());
        last_star = Some((behind, taken));
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::Caller;
    use super::*;

    const ALL: Syntax = Syntax { has_wildcards: true, has_variables: true };

    fn request() -> Request<'static> {
        let arn = "arn:aws:iam::111111111111:user/a*b";
        Request::new(Caller::Account { account: "111111111111", arn }, "s:Act", "r", 0)
    }

    fn is_like(pattern: &str, value: &str) -> bool {
        Glob::parse(pattern, ALL).matches(value, &request(), Case::Counts)
    }

    #[test]
    fn wildcards_stand_for_any_characters_or_one() {
        for (pattern, value) in [
            ("", ""),
            ("*", ""),
            ("*", "anything:at/all"),
            ("a*c", "ac"),
            ("a*c", "abbbc"),
            ("a*b*c", "aXbYbZc"),
            ("?", "ü"),
            ("a??d", "abcd"),
            ("*ab", "aab"),
            ("**", "x"),
        ] {
            assert!(is_like(pattern, value), "{pattern} {value}");
        }
        for (pattern, value) in [("", "a"), ("?", ""), ("a*c", "ab"), ("a?c", "ac"), ("abc", "abcd"), ("A", "a")] {
            assert!(!is_like(pattern, value), "{pattern} {value}");
        }
    }

    #[test]
    fn variables_stand_for_the_request_s_values_in_which_nothing_is_special() {
        assert!(is_like("x/${aws:username}", "x/a*b") && !is_like("x/${aws:username}", "x/aXb"));
        assert!(is_like("${AWS:PrincipalAccount}?", "1111111111112"));
        assert!(is_like("${aws:nothing, 'someone'}", "someone"));
        assert!(!is_like("${aws:nothing}", "") && !is_like("*${aws:nothing}", "x"));
        assert!(is_like("${*}${?}${$}", "*?$") && !is_like("${*}", "x"));
        assert!(is_like("${unclosed", "${unclosed"));
    }

    #[test]
    fn older_policies_have_no_variables_and_plain_texts_no_wildcards() {
        let old = Syntax { has_wildcards: true, has_variables: false };
        assert!(Glob::parse("${aws:username}", old).matches("${aws:username}", &request(), Case::Counts));
        let plain = Syntax { has_wildcards: false, has_variables: true };
        assert!(!Glob::parse("a*", plain).matches("ab", &request(), Case::Counts));
    }

    #[test]
    fn wildcards_of_arns_end_at_colons() {
        let matches = |pattern, value| Glob::parse(pattern, ALL).matches_arn(value, &request());
        assert!(matches("arn:aws:sns:*:1*:topic", "arn:aws:sns:eu-1:12:topic"));
        assert!(!matches("arn:aws:sns:*:topic", "arn:aws:sns:eu-1:12:topic"));
        assert!(matches("arn:aws:x:::a*", "arn:aws:x:::a:b:c"));
        assert!(!matches("*", "arn:aws:x:::a"));
    }

    #[test]
    fn a_hostile_pattern_takes_time_in_proportion_to_both_lengths() {
        let pattern = format!("*{}b", "a".repeat(2_000));
        assert!(!is_like(&pattern, &"a".repeat(20_000)));
        assert!(!is_like(&"*a".repeat(1_000), &"b".repeat(20_000)));
    }
}
