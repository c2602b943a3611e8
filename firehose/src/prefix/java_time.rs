//! The patterns of Java's `DateTimeFormatter`, as far as object names need them.
//!
//! Source: Java SE 8 API, "Class DateTimeFormatter", "Patterns for Formatting and Parsing".

use std::fmt::Write;

use chrono::{DateTime, Datelike, Offset, Timelike};
use chrono_tz::Tz;

use super::PrefixError;
use super::period::Unit;

/// The letters that are understood; what each repetition means is told by [`Pattern::format`].
const LETTERS: &str = "yuMLdDHhkKmsSnaEeQqwYVZXx";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Literal(String),
    Field { letter: char, width: usize },
}

/// A pattern that was understood in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Item>);

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, PrefixError> {
        let mut items = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\'' {
                items.push(Item::Literal(parse_quoted(&mut chars, text)?));
            } else if c.is_ascii_alphabetic() {
                let mut width = 1;
                while chars.next_if_eq(&c).is_some() {
                    width += 1;
                }
                if !LETTERS.contains(c) || width > 9 {
                    let letters = c.to_string().repeat(width);
                    return Err(PrefixError::Pattern { pattern: text.to_owned(), letters });
                }
                items.push(Item::Field { letter: c, width });
            } else {
                items.push(Item::Literal(c.to_string()));
            }
        }
        Ok(Self(items))
    }

    /// The finest unit of time that the pattern shows, if it shows any.
    pub(crate) fn finest_unit(&self) -> Option<Unit> {
        self.0
            .iter()
            .filter_map(|item| match item {
                Item::Literal(_) => None,
                Item::Field { letter, .. } => unit(*letter),
            })
            .min()
    }

    pub(crate) fn format(&self, instant: &DateTime<Tz>) -> String {
        let mut text = String::new();
        for item in &self.0 {
            match item {
                Item::Literal(literal) => text.push_str(literal),
                Item::Field { letter, width } => text.push_str(&field(instant, *letter, *width)),
            }
        }
        text
    }
}

/// What stands between quotes; two quotes are one.
fn parse_quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, text: &str) -> Result<String, PrefixError> {
    let mut literal = String::new();
    loop {
        match chars.next() {
            None => return Err(PrefixError::Quote { pattern: text.to_owned() }),
            Some('\'') if chars.next_if_eq(&'\'').is_some() => literal.push('\''),
            Some('\'') if literal.is_empty() => return Ok("'".to_owned()),
            Some('\'') => return Ok(literal),
            Some(c) => literal.push(c),
        }
    }
}

/// The unit that a field counts; zones count none.
fn unit(letter: char) -> Option<Unit> {
    match letter {
        'y' | 'u' => Some(Unit::Year),
        'M' | 'L' | 'Q' | 'q' => Some(Unit::Month),
        // Weeks begin on other days than months do; days are in one of each.
        'd' | 'D' | 'E' | 'e' | 'w' | 'Y' => Some(Unit::Day),
        'H' | 'k' | 'K' | 'h' | 'a' => Some(Unit::Hour),
        'm' => Some(Unit::Minute),
        's' => Some(Unit::Second),
        'S' | 'n' => Some(Unit::Millisecond),
        _ => None,
    }
}

fn padded(number: impl Into<i64>, width: usize) -> String {
    format!("{:0width$}", number.into())
}

fn field(instant: &DateTime<Tz>, letter: char, width: usize) -> String {
    let named = |short: &str, long: &str| instant.format(if width == 4 { long } else { short }).to_string();
    match letter {
        'y' | 'u' if width == 2 => padded(instant.year().rem_euclid(100), 2),
        'y' | 'u' => padded(instant.year(), width),
        'Y' if width == 2 => padded(instant.iso_week().year().rem_euclid(100), 2),
        'Y' => padded(instant.iso_week().year(), width),
        'M' | 'L' if width > 2 => named("%b", "%B"),
        'M' | 'L' => padded(instant.month(), width),
        'd' => padded(instant.day(), width),
        'D' => padded(instant.ordinal(), width),
        'H' => padded(instant.hour(), width),
        'k' => padded(if instant.hour() == 0 { 24 } else { instant.hour() }, width),
        'K' => padded(instant.hour() % 12, width),
        'h' => padded(instant.hour12().1, width),
        'm' => padded(instant.minute(), width),
        's' => padded(instant.second(), width),
        'S' => padded(instant.nanosecond(), 9).chars().take(width).collect(),
        'n' => padded(instant.nanosecond(), width),
        'a' => instant.format("%p").to_string(),
        'E' | 'e' if letter == 'E' || width > 2 => named("%a", "%A"),
        'e' => padded(instant.weekday().number_from_sunday(), width),
        'Q' | 'q' => padded((instant.month() - 1) / 3 + 1, width.min(2)),
        'w' => padded(instant.iso_week().week(), width),
        'V' => instant.timezone().name().to_owned(),
        _ => offset(instant, letter, width),
    }
}

/// The zone's offset: `Z` is `+0000` and the longer ones have a colon, `X` writes `Z` for zero.
fn offset(instant: &DateTime<Tz>, letter: char, width: usize) -> String {
    let seconds = instant.offset().fix().local_minus_utc();
    if letter == 'X' && seconds == 0 {
        return "Z".to_owned();
    }
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let mut text = String::from(if seconds < 0 { "-" } else { "+" });
    let has_minutes = letter == 'Z' || width > 1 || minutes != 0;
    let separator =
        if (letter == 'Z' && width > 3) || (letter != 'Z' && width % 2 == 1 && width > 1) { ":" } else { "" };
    // Writing to a string does not fail.
    let _ = write!(text, "{hours:02}");
    if has_minutes {
        let _ = write!(text, "{separator}{minutes:02}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(pattern: &str, zone: Tz) -> String {
        let instant = DateTime::from_timestamp_millis(1_535_364_305_006).unwrap().with_timezone(&zone);
        Pattern::parse(pattern).unwrap().format(&instant)
    }

    #[test]
    fn patterns_are_written_as_java_writes_them() {
        for (pattern, expected) in [
            ("yyyy/MM/dd/HH/", "2018/08/27/10/"),
            ("yy-M-d'T'h:mm:ss.SSS a", "18-8-27T10:05:05.006 AM"),
            ("DDD", "239"),
            ("MMM MMMM EEE EEEE", "Aug August Mon Monday"),
            ("'year='yyyy''", "year=2018'"),
            ("'it''s'", "it's"),
            ("Z XXX VV", "+0000 Z UTC"),
            ("Q w YYYY", "3 35 2018"),
        ] {
            assert_eq!(format(pattern, Tz::UTC), expected, "{pattern}");
        }
        assert_eq!(format("yyyy-MM-dd HH Z XXX", Tz::Asia__Kolkata), "2018-08-27 15 +0530 +05:30");
    }

    #[test]
    fn the_finest_unit_of_a_pattern_is_what_it_shows() {
        let cases = [
            ("yyyy/MM/dd/HH/", Some(Unit::Hour)),
            ("'minutes mm' yyyy-MM", Some(Unit::Month)),
            ("HH:mm", Some(Unit::Minute)),
            ("YYYY-'W'w", Some(Unit::Day)),
            ("SSS", Some(Unit::Millisecond)),
            ("VV", None),
        ];
        for (pattern, unit) in cases {
            assert_eq!(Pattern::parse(pattern).unwrap().finest_unit(), unit, "{pattern}");
        }
    }

    #[test]
    fn patterns_that_are_not_understood_are_refused() {
        for pattern in ["B", "yyyyyyyyyy", "'open", "zzz"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
