//! The patterns of Joda-Time, read: how HiveJsonSerDe is told what timestamps look like.
//!
//! Sources: Firehose API Reference, "HiveJsonSerDe"; Joda-Time API, "Class DateTimeFormat". As there, numbers may have fewer
//! digits than their letters, names may be short or long and in any case, and what a text leaves open is the beginning of
//! 1970 (of 2000, if the text has a month or a day without a year). A text without a zone is in UTC.
//!
//! Two-digit years are those of 1969 to 2068: Joda's window moves with the clock, and a delivery that is redone must read
//! what it read before.

use std::str::FromStr;

use chrono::{FixedOffset, NaiveDate, NaiveTime, TimeZone, Weekday};
use chrono_tz::Tz;

/// One way to read timestamps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `millis`: milliseconds since the epoch.
    Millis,
    /// A pattern of Joda-Time.
    Pattern(Pattern),
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timestamp format {pattern:?}: {reason}")]
pub struct TimestampFormatError {
    pattern: String,
    reason: String,
}

/// A pattern of Joda-Time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Literal(String),
    /// A number of at most so many digits.
    Number {
        field: Field,
        digits_max: usize,
    },
    /// A year of two digits.
    ShortYear {
        field: Field,
        digits_max: usize,
    },
    Fraction {
        digits_max: usize,
    },
    Month,
    Weekday,
    HalfDay,
    Era,
    Offset,
    Zone,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Century,
    Year,
    WeekYear,
    Week,
    Weekday,
    DayOfYear,
    Month,
    Day,
    /// 0 to 23.
    Hour,
    /// 1 to 24.
    ClockHour,
    /// 0 to 11.
    HalfDayHour,
    /// 1 to 12.
    HalfDayClockHour,
    Minute,
    Second,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Letters of one kind, at most; more have no meaning in any field.
const LETTERS_MAX: usize = 9;

impl FromStr for TimestampFormat {
    type Err = TimestampFormatError;

    fn from_str(text: &str) -> Result<Self, TimestampFormatError> {
        let fail = |reason: String| TimestampFormatError { pattern: text.to_owned(), reason };
        if text == "millis" {
            return Ok(Self::Millis);
        }
        if text.is_empty() {
            return Err(fail("it is empty".to_owned()));
        }
        Pattern::parse(text).map(Self::Pattern).map_err(fail)
    }
}

impl TimestampFormat {
    /// Microseconds since the epoch, if the whole text is of this format.
    pub(crate) fn parse(&self, text: &str) -> Option<i64> {
        match self {
            Self::Millis => {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
                let is_number = fraction.bytes().all(|digit| digit.is_ascii_digit());
                // As in Hive, a fraction of a millisecond is left out.
                whole.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(1_000)
            }
            Self::Pattern(pattern) => pattern.read(text),
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\'' {
                items.push(Item::Literal(parse_quoted(&mut chars)?));
            } else if c.is_ascii_alphabetic() {
                let mut width = 1;
                while chars.next_if_eq(&c).is_some() {
                    width += 1;
                }
                items.push(item(c, width, is_number_next(chars.clone()))?);
            } else {
                items.push(Item::Literal(c.to_string()));
            }
        }
        Ok(Self(items))
    }

    fn read(&self, text: &str) -> Option<i64> {
        let mut moment = Moment::default();
        let mut rest = text;
        for item in &self.0 {
            rest = moment.read(item, rest)?;
        }
        if rest.is_empty() { moment.micros() } else { None }
    }
}

/// What stands between quotes; two quotes are one.
fn parse_quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    if chars.next_if_eq(&'\'').is_some() {
        return Ok("'".to_owned());
    }
    let mut literal = String::new();
    loop {
        match chars.next() {
            None => return Err("a quote is not closed".to_owned()),
            Some('\'') if chars.next_if_eq(&'\'').is_some() => literal.push('\''),
            Some('\'') => return Ok(literal),
            Some(c) => literal.push(c),
        }
    }
}

/// Whether a number follows without anything in between.
fn is_number_next(mut chars: std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    match chars.next() {
        // Three letters and more are a name.
        Some('M') => chars.take_while(|c| *c == 'M').count() < 2,
        next => next.is_some_and(|c| "CxwDdeyYHhKkmsS".contains(c)),
    }
}

fn item(letter: char, width: usize, is_number_next: bool) -> Result<Item, String> {
    let letters = || letter.to_string().repeat(width.min(LETTERS_MAX + 1));
    if width > LETTERS_MAX {
        return Err(format!("{} has more than {LETTERS_MAX} letters", letters()));
    }
    let number = |field, digits_max: usize| Item::Number { field, digits_max: digits_max.max(width) };
    // A year that another number follows has no more digits than letters.
    let digits_max = if is_number_next { width } else { LETTERS_MAX };
    Ok(match letter {
        'y' | 'Y' if width == 2 => Item::ShortYear { field: Field::Year, digits_max },
        'x' if width == 2 => Item::ShortYear { field: Field::WeekYear, digits_max },
        'y' | 'Y' => number(Field::Year, digits_max),
        'x' => number(Field::WeekYear, digits_max),
        'C' => number(Field::Century, 2),
        'w' => number(Field::Week, 2),
        'e' => number(Field::Weekday, 1),
        'D' => number(Field::DayOfYear, 3),
        'M' if width > 2 => Item::Month,
        'M' => number(Field::Month, 2),
        'd' => number(Field::Day, 2),
        'H' => number(Field::Hour, 2),
        'k' => number(Field::ClockHour, 2),
        'K' => number(Field::HalfDayHour, 2),
        'h' => number(Field::HalfDayClockHour, 2),
        'm' => number(Field::Minute, 2),
        's' => number(Field::Second, 2),
        'S' => Item::Fraction { digits_max: width },
        'E' => Item::Weekday,
        'a' => Item::HalfDay,
        'G' => Item::Era,
        'Z' if width > 2 => Item::Zone,
        'Z' => Item::Offset,
        'z' => return Err(format!("{} is a zone's name, which cannot be read; Z, ZZ and ZZZ can", letters())),
        _ => return Err(format!("{} is no letter of a pattern; quote text with '", letters())),
    })
}

/// What a text has said so far.
#[derive(Default)]
struct Moment {
    century: Option<i32>,
    year: Option<i32>,
    week_year: Option<i32>,
    week: Option<u32>,
    weekday: Option<u32>,
    day_of_year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
    hour: Option<u32>,
    half_day_hour: Option<u32>,
    is_afternoon: bool,
    is_before_christ: bool,
    minute: u32,
    second: u32,
    micros: u32,
    offset: Option<FixedOffset>,
    zone: Option<Tz>,
}

impl Moment {
    /// Reads one item from the beginning of `text`; returns what follows.
    fn read<'a>(&mut self, item: &Item, text: &'a str) -> Option<&'a str> {
        match item {
            Item::Literal(literal) => {
                let (start, rest) = text.split_at_checked(literal.len())?;
                start.eq_ignore_ascii_case(literal).then_some(rest)
            }
            Item::Number { field, digits_max } => {
                let (number, _, rest) = number(text, *digits_max)?;
                self.set(*field, number)?;
                Some(rest)
            }
            Item::ShortYear { field, digits_max } => {
                let (year, digit_count, rest) = number(text, *digits_max)?;
                let century = if year < 69 { 2000 } else { 1900 };
                self.set(*field, if digit_count == 2 { century + year } else { year })?;
                Some(rest)
            }
            Item::Fraction { digits_max } => {
                let (fraction, digit_count, rest) = number(text, *digits_max)?;
                let scale = 6 - i32::try_from(digit_count).ok()?;
                let power = 10_u32.pow(scale.unsigned_abs());
                self.micros = if scale < 0 { fraction / power } else { fraction * power };
                Some(rest)
            }
            Item::Month => name(text, &MONTHS).map(|(position, rest)| {
                self.month = Some(position + 1);
                rest
            }),
            // The date says it better.
            Item::Weekday => name(text, &WEEKDAYS).map(|(position, rest)| {
                self.weekday = Some(position + 1);
                rest
            }),
            Item::HalfDay => name(text, &["am", "pm"]).map(|(position, rest)| {
                self.is_afternoon = position == 1;
                rest
            }),
            Item::Era => name(text, &["ad", "bc"]).map(|(position, rest)| {
                self.is_before_christ = position == 1;
                rest
            }),
            Item::Offset => {
                let (offset, rest) = offset(text)?;
                self.offset = Some(offset);
                Some(rest)
            }
            Item::Zone => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
                let (zone, rest) = text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()));
                self.zone = Some(zone.parse().ok()?);
                Some(rest)
            }
        }
    }

    fn set(&mut self, field: Field, number: u32) -> Option<()> {
        let year = || i32::try_from(number).ok();
        match field {
            Field::Century => self.century = Some(year()?),
            Field::Year => self.year = Some(year()?),
            Field::WeekYear => self.week_year = Some(year()?),
            Field::Week => self.week = Some(number),
            Field::Weekday => self.weekday = Some(number),
            Field::DayOfYear => self.day_of_year = Some(number),
            Field::Month => self.month = Some(number),
            Field::Day => self.day = Some(number),
            Field::Hour => self.hour = Some(number),
            Field::ClockHour => self.hour = Some(clock(number, 24)?),
            Field::HalfDayHour => self.half_day_hour = Some(number).filter(|hour| *hour < 12),
            Field::HalfDayClockHour => self.half_day_hour = Some(clock(number, 12)?),
            Field::Minute => self.minute = number,
            Field::Second => self.second = number,
        }
        Some(())
    }

    fn date(&self) -> Option<NaiveDate> {
        if let (None, Some(week)) = (self.month, self.week) {
            let weekday = u8::try_from(self.weekday.unwrap_or(1).checked_sub(1)?).ok()?;
            let year = self.week_year.or(self.year).unwrap_or(1970);
            return NaiveDate::from_isoywd_opt(year, week, Weekday::try_from(weekday).ok()?);
        }
        let is_dated = self.month.is_some() || self.day.is_some();
        let year = match (self.year.or(self.week_year), self.century) {
            (Some(year), Some(century)) if year < 100 => century.checked_mul(100)?.checked_add(year)?,
            (Some(year), _) => year,
            (None, Some(century)) => century.checked_mul(100)?,
            (None, None) if is_dated => 2000,
            (None, None) => 1970,
        };
        let year = if self.is_before_christ { 1 - year } else { year };
        match self.day_of_year {
            Some(day) => NaiveDate::from_yo_opt(year, day),
            None => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1)),
        }
    }

    /// Microseconds since the epoch; `None` if there is no such moment.
    fn micros(&self) -> Option<i64> {
        let half_day_hour = self.half_day_hour.map(|hour| hour + if self.is_afternoon { 12 } else { 0 });
        let hour = self.hour.or(half_day_hour).unwrap_or(0);
        let time = NaiveTime::from_hms_micro_opt(hour, self.minute, self.second, self.micros)?;
        let local = self.date()?.and_time(time);
        let utc = match (self.offset, self.zone) {
            (Some(offset), _) => local.checked_sub_offset(offset)?,
            // A local time that a change of clocks skips is no moment; of one that it repeats, the first is meant.
            (None, Some(zone)) => zone.from_local_datetime(&local).earliest()?.naive_utc(),
            (None, None) => local,
        };
        Some(utc.and_utc().timestamp_micros())
    }
}

/// An hour that is counted from 1, where the last one is zero.
fn clock(number: u32, hour_count: u32) -> Option<u32> {
    (1..=hour_count).contains(&number).then_some(number % hour_count)
}

/// A number of one to `digits_max` digits, how many it has, and what follows.
fn number(text: &str, digits_max: usize) -> Option<(u32, usize, &str)> {
    let digit_count = text.bytes().take(digits_max).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(digit_count);
    Some((digits.parse().ok()?, digit_count, rest))
}

/// The position of the name that `text` begins with, long or in its first three letters, and what follows.
fn name<'a>(text: &'a str, names: &[&str]) -> Option<(u32, &'a str)> {
    let find = |length: fn(&str) -> usize| {
        names.iter().zip(0..).find_map(|(name, position)| {
            let (start, rest) = text.split_at_checked(length(name))?;
            name.get(..length(name))?.eq_ignore_ascii_case(start).then_some((position, rest))
        })
    };
    find(str::len).or_else(|| find(|name| name.len().min(3)))
}

/// An offset from UTC: `Z`, `+hh`, `+hhmm` or `+hh:mm`.
fn offset(text: &str) -> Option<(FixedOffset, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((FixedOffset::east_opt(0)?, rest));
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, _, rest) = number(rest, 2).filter(|(_, digit_count, _)| *digit_count == 2)?;
    let minutes = number(rest.strip_prefix(':').unwrap_or(rest), 2).filter(|(_, digit_count, _)| *digit_count == 2);
    let (minutes, _, rest) = minutes.unwrap_or((0, 0, rest));
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    Some((FixedOffset::east_opt(sign * seconds)?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pattern: &str, text: &str) -> Option<String> {
        let format: TimestampFormat = pattern.parse().unwrap();
        let micros = format.parse(text)?;
        Some(chrono::DateTime::from_timestamp_micros(micros)?.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
    }

    #[test]
    fn texts_are_read_as_joda_reads_them() {
        for (pattern, text, expected) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2018-02-07T19:58:48.123+0100", "2018-02-07T18:58:48.123"),
            ("yyyy-MM-dd'T'HH:mm:ssZZ", "2018-02-07T19:58:48-08:30", "2018-02-08T04:28:48"),
            ("yyyy-MM-dd HH:mm ZZ", "2018-02-07 19:58 Z", "2018-02-07T19:58:00"),
            ("yyyy-MM-dd HH:mm ZZZ", "2018-07-07 19:58 Europe/Berlin", "2018-07-07T17:58:00"),
            ("dd/MMM/yyyy:HH:mm:ss Z", "7/feb/2018:9:58:48 +0000", "2018-02-07T09:58:48"),
            ("EEE, d MMMM yyyy h:mm a", "Wed, 7 February 2018 12:58 AM", "2018-02-07T00:58:00"),
            ("EEEE d MMM yyyy K:mm a", "wednesday 7 February 2018 11:58 pm", "2018-02-07T23:58:00"),
            ("yyyyMMddHHmmssSSSSSS", "20180207195848123456", "2018-02-07T19:58:48.123456"),
            ("yyMMdd", "180207", "2018-02-07T00:00:00"),
            ("yy/M/d", "69/1/2", "1969-01-02T00:00:00"),
            ("yy/M/d", "2018/1/2", "2018-01-02T00:00:00"),
            ("y-D k", "2018-38 24", "2018-02-07T00:00:00"),
            ("xxxx-'W'ww-e", "2018-W06-3", "2018-02-07T00:00:00"),
            ("yyyy G", "1 BC", "0000-01-01T00:00:00"),
            ("CC yy", "20 18", "2018-01-01T00:00:00"),
            ("MM-dd", "02-29", "2000-02-29T00:00:00"),
            ("HH 'o''clock' ''", "09 O'CLOCK '", "1970-01-01T09:00:00"),
            ("ss.S", "07.9", "1970-01-01T00:00:07.900"),
            ("ss.SSSSSSSSS", "07.123456789", "1970-01-01T00:00:07.123456"),
            ("millis", "1518033528123", "2018-02-07T19:58:48.123"),
            ("millis", "-1.999", "1969-12-31T23:59:59.999"),
        ] {
            assert_eq!(read(pattern, text).as_deref(), Some(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn a_text_that_is_no_such_moment_is_refused() {
        for (pattern, texts) in [
            ("yyyy-MM-dd", ["2018-02-30", "2018-02-07x", "2018-02", ""]),
            ("HH:mm:ss", ["24:00:00", "01:60:00", "01:00:60", "1:2"]),
            ("h a", ["0 am", "13 pm", "1 xm", "日本"]),
            ("dd MMM", ["1 Foo", "1 é", "1 ", "99999999999 Jan"]),
            ("yyyy ZZ", ["2018 +1", "2018 +25:00", "2018 1", "2018 +é"]),
            ("yyyy-MM-dd HH ZZZ", ["2018-03-25 02 Europe/Berlin", "2018-01-01 00 Nowhere", "2018-01-01 00 ", "x"]),
            ("CCCCCCCCC y", ["999999999 18", "x", "1", " "]),
            ("xxxx w e", ["2018 54 1", "2018 1 8", "2018 1 0", "2018 0 1"]),
            ("millis", ["x", "9223372036854775807", "1.x", ""]),
        ] {
            for text in texts {
                assert_eq!(read(pattern, text), None, "{pattern} {text}");
            }
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_named() {
        for (pattern, reason) in [
            ("yyyy-MM-ddTHH:mm:ss", "T is no letter of a pattern"),
            ("yyyy 'open", "not closed"),
            ("yyyy z", "cannot be read"),
            ("", "empty"),
            ("SSSSSSSSSS", "more than 9 letters"),
            ("Millis", "no letter"),
        ] {
            let error = pattern.parse::<TimestampFormat>().unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(&format!("{pattern:?}")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_text_panics(
            pattern in "[yYxCwedDMHhKkmsSEaGZ '/:.-]{0,12}", text in prop_oneof!["[0-9]{0,20}", "[0-9A-Za-z/: +-]{0,24}", any::<String>()]
        ) {
            if let Ok(format) = pattern.parse::<TimestampFormat>() {
                format.parse(&text);
            }
        }

        #[test]
        fn what_chrono_writes_is_read(micros in -30_000_000_000_000_000..100_000_000_000_000_000_i64) {
            let instant = chrono::DateTime::from_timestamp_micros(micros).unwrap();
            for (pattern, written) in [
                ("yyyy-MM-dd'T'HH:mm:ss.SSSSSSZZ", "%Y-%m-%dT%H:%M:%S%.6f%:z"),
                ("EEE MMM d hh:mm:ss.SSSSSS a yyyy", "%a %b %e %I:%M:%S%.6f %p %Y"),
                ("xxxx-ww-e HHmmssSSSSSS", "%G-%V-%u %H%M%S%6f"),
                ("yyyyDDDkkmmssSSSSSS", "%Y%j%H%M%S%6f"),
            ] {
                let text = instant.format(written).to_string().replace("  ", " ");
                let text = if pattern.contains("kk") { hour_24(&text) } else { text };
                let format: TimestampFormat = pattern.parse().unwrap();
                prop_assert_eq!(format.parse(&text), Some(micros), "{} {}", pattern, text);
            }
        }
    }

    /// Midnight as `kk` has it.
    fn hour_24(text: &str) -> String {
        let (date, time) = text.split_at(7);
        time.strip_prefix("00").map_or_else(|| text.to_owned(), |rest| format!("{date}24{rest}"))
    }
}
