//! Periods of time: the hours and days that prefixes divide objects by.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;

/// A unit of time, the finest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

/// When local time was changed last, it was by less than this.
const GAP_MAX: TimeDelta = TimeDelta::hours(26);

/// The instant of `millis` in a zone; those that calendars do not reach are the epoch.
pub(crate) fn instant(millis: u64, zone: Tz) -> DateTime<Tz> {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(millis).unwrap_or_default().with_timezone(&zone)
}

/// The milliseconds of an instant since the Unix epoch; those before it are 0.
fn millis(instant: &DateTime<Tz>) -> u64 {
    u64::try_from(instant.timestamp_millis()).unwrap_or(0)
}

/// The first instant of a day; in some zones and years midnight is left out.
fn midnight(date: NaiveDate, zone: Tz) -> Option<DateTime<Tz>> {
    let midnight = date.and_time(NaiveTime::MIN);
    let quarter = TimeDelta::minutes(15);
    let mut shift = TimeDelta::zero();
    while shift < GAP_MAX {
        if let Some(first) = zone.from_local_datetime(&(midnight + shift)).earliest() {
            return Some(first);
        }
        shift += quarter;
    }
    None
}

impl Unit {
    fn shorter_than_day(self) -> Option<u64> {
        match self {
            Self::Millisecond => Some(1),
            Self::Second => Some(1_000),
            Self::Minute => Some(60_000),
            Self::Hour => Some(3_600_000),
            Self::Day | Self::Month | Self::Year => None,
        }
    }

    /// When the unit that holds `at_ms` began, in a zone.
    pub(crate) fn start(self, at_ms: u64, zone: Tz) -> u64 {
        let at = instant(at_ms, zone);
        let of_hour = u64::from(at.minute()) * 60_000 + u64::from(at.second()) * 1_000 + at_ms % 1_000;
        if let Some(length) = self.shorter_than_day() {
            // Within the hour, so that of an hour that comes twice each is its own.
            return at_ms.saturating_sub(of_hour % length);
        }
        let date = at.date_naive();
        let first = match self {
            Self::Month => date.with_day(1),
            Self::Year => date.with_month(1).and_then(|date| date.with_day(1)),
            _ => Some(date),
        };
        first.and_then(|first| midnight(first, zone)).map_or(at_ms, |start| millis(&start).min(at_ms))
    }

    /// When the unit that holds `at_ms` ends: when the next one begins.
    pub(crate) fn end(self, at_ms: u64, zone: Tz) -> u64 {
        let start_ms = self.start(at_ms, zone);
        if let Some(length) = self.shorter_than_day() {
            return start_ms.saturating_add(length);
        }
        let date = instant(start_ms, zone).date_naive();
        let next = match self {
            Self::Month => date.with_day(1).and_then(|date| date.checked_add_months(Months::new(1))),
            Self::Year => NaiveDate::from_ymd_opt(date.year().saturating_add(1), 1, 1),
            _ => date.checked_add_days(Days::new(1)),
        };
        next.and_then(|next| midnight(next, zone)).map_or(u64::MAX, |end| millis(&end))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNITS: [Unit; 7] =
        [Unit::Millisecond, Unit::Second, Unit::Minute, Unit::Hour, Unit::Day, Unit::Month, Unit::Year];

    fn at(text: &str) -> u64 {
        millis(&DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Tz::UTC))
    }

    #[test]
    fn days_follow_the_zone_and_its_clock_changes() {
        let berlin = Tz::Europe__Berlin;
        let spring = at("2026-03-29T10:00:00Z");
        assert_eq!(Unit::Day.start(spring, berlin), at("2026-03-28T23:00:00Z"));
        assert_eq!(Unit::Day.end(spring, berlin), at("2026-03-29T22:00:00Z"));
        assert_eq!(Unit::Month.end(at("2026-02-03T04:05:06Z"), Tz::UTC), at("2026-03-01T00:00:00Z"));
        assert_eq!(Unit::Year.end(at("2026-02-03T04:05:06Z"), Tz::UTC), at("2027-01-01T00:00:00Z"));
        assert_eq!(Unit::Hour.start(at("2026-02-03T04:35:06Z"), Tz::Asia__Kolkata), at("2026-02-03T04:30:00Z"));
        // Midnight of this day was left out in Beirut.
        let beirut = at("2022-03-27T12:00:00Z");
        assert_eq!(Unit::Day.start(beirut, Tz::Asia__Beirut), at("2022-03-26T22:00:00Z"));
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_its_unit(at_ms in 0_u64..4_102_444_800_000, unit in 0..7_usize, zone in 0..4_usize) {
            let unit = UNITS[unit];
            let zone = [Tz::UTC, Tz::Europe__Berlin, Tz::Asia__Kolkata, Tz::America__New_York][zone];
            let (start, end) = (unit.start(at_ms, zone), unit.end(at_ms, zone));
            prop_assert!(start <= at_ms && at_ms < end, "{start} {at_ms} {end}");
            prop_assert_eq!(unit.start(start, zone), start);
        }
    }
}
