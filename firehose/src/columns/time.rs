//! Dates and timestamps in the spellings that Firehose reads.
//!
//! Source: Firehose Developer Guide, "Amazon Data Firehose record format conversion" (JSON deserializers): ISO 8601 with or
//! without a zone, `yyyy-MM-dd HH:mm:ss` with a fraction, and epoch seconds or milliseconds.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::TimestampFormat;

const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// Numbers from here on are milliseconds, below it seconds: 10¹¹ seconds is the year 5138.
const MILLIS_FROM: f64 = 1e11;

/// Days since the epoch of a date, or of the day of a timestamp. The formats come first.
pub(crate) fn parse_date(text: &str, formats: &[TimestampFormat]) -> Option<i32> {
    if let Some(micros) = formats.iter().find_map(|format| format.parse(text)) {
        return i32::try_from(micros.div_euclid(DAY_MICROS)).ok();
    }
    let date = NaiveDate::parse_from_str(text.get(..10).unwrap_or(text), "%Y-%m-%d").ok()?;
    if text.len() > 10 {
        parse_timestamp(text)?;
    }
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// Microseconds since the epoch, by the first of the formats that fits, or as [`parse_timestamp`].
pub(crate) fn read_timestamp(text: &str, formats: &[TimestampFormat]) -> Option<i64> {
    formats.iter().find_map(|format| format.parse(text)).or_else(|| parse_timestamp(text))
}

/// Microseconds since the epoch; without a zone the text is in UTC.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp_micros());
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f UTC"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    Some(local.and_utc().timestamp_micros())
}

/// Microseconds since the epoch, of epoch milliseconds if the formats have `millis`, else of epoch seconds or milliseconds.
pub(crate) fn timestamp_of_integer(number: i64, formats: &[TimestampFormat]) -> Option<i64> {
    let is_seconds = (number as f64).abs() < MILLIS_FROM && !formats.contains(&TimestampFormat::Millis);
    number.checked_mul(if is_seconds { 1_000_000 } else { 1_000 })
}

/// As [`timestamp_of_integer`], of a number with a fraction.
pub(crate) fn timestamp_of_real(number: f64, formats: &[TimestampFormat]) -> Option<i64> {
    let is_seconds = number.abs() < MILLIS_FROM && !formats.contains(&TimestampFormat::Millis);
    let micros = number * if is_seconds { 1e6 } else { 1e3 };
    // Beyond this a double does not tell microseconds apart, and no such instant is meant.
    (micros.abs() < 9e18).then_some(micros.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_instant_agree() {
        let micros = Some(1_518_033_528_123_000);
        for text in [
            "2018-02-07T19:58:48.123Z",
            "2018-02-07T20:58:48.123+01:00",
            "2018-02-07 19:58:48.123",
            "2018-02-07T19:58:48.123",
        ] {
            assert_eq!(parse_timestamp(text), micros, "{text}");
        }
        assert_eq!(timestamp_of_integer(1_518_033_528_123, &[]), micros);
        assert_eq!(timestamp_of_real(1_518_033_528.123, &[]), micros);
        assert_eq!(timestamp_of_integer(1_518_033_528, &[]), Some(1_518_033_528_000_000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2018-02-30 00:00:00", "2018-02-07T19:58", "日本語日本語日本語"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
            assert_eq!(parse_date(text, &[]), None, "{text}");
        }
        assert_eq!(parse_date("1970-01-02", &[]), Some(1));
        assert_eq!(parse_date("1970-01-02x", &[]), None);
        assert_eq!(parse_date("1970-01-02T00:00:00Z", &[]), Some(1));
        assert_eq!(timestamp_of_integer(i64::MAX, &[]), None);
        assert_eq!(timestamp_of_real(f64::MAX, &[]), None);
    }

    #[test]
    fn formats_come_first_and_the_usual_spellings_stay() {
        let formats = ["dd/MM/yyyy HH:mm".parse().unwrap(), TimestampFormat::Millis];
        assert_eq!(read_timestamp("07/02/2018 19:58", &formats), Some(1_518_033_480_000_000));
        assert_eq!(read_timestamp("2018-02-07 19:58:00", &formats), Some(1_518_033_480_000_000));
        assert_eq!(read_timestamp("1500", &formats), Some(1_500_000));
        assert_eq!(parse_date("03/01/1970 23:59", &formats), Some(2));
        assert_eq!(parse_date("-1", &formats), Some(-1));
        assert_eq!(timestamp_of_integer(1_500, &formats), Some(1_500_000));
        assert_eq!(timestamp_of_real(1.5, &formats), Some(1_500));
    }
}
