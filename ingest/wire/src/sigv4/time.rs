//! The dates in signatures.

use chrono::{DateTime, NaiveDateTime, Utc};

/// `YYYYMMDDTHHMMSSZ`.
const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// Seconds since the Unix epoch as `YYYYMMDDTHHMMSSZ`.
pub(super) fn format(unix_seconds: i64) -> String {
    DateTime::<Utc>::from_timestamp(unix_seconds, 0).unwrap_or_default().format(FORMAT).to_string()
}

/// Reads `YYYYMMDDTHHMMSSZ`, or the form of the `Date` header (`Mon, 23 Nov 2026 08:30:00 GMT`).
pub(super) fn parse(text: &str) -> Option<i64> {
    match NaiveDateTime::parse_from_str(text, FORMAT) {
        Ok(time) => Some(time.and_utc().timestamp()),
        Err(_) => DateTime::parse_from_rfc2822(text).ok().map(|time| time.timestamp()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_date_are_read_and_one_is_written() {
        assert_eq!(parse("20261123T083000Z"), Some(1_795_422_600));
        assert_eq!(parse("Mon, 23 Nov 2026 08:30:00 GMT"), Some(1_795_422_600));
        assert_eq!(format(1_795_422_600), "20261123T083000Z");
        for malformed in ["", "20261123", "20261323T083000Z", "20261123T083000", "2026-11-23T08:30:00Z", "ä"] {
            assert_eq!(parse(malformed), None, "{malformed}");
        }
    }
}
