//! [`Timestamp`], which the protocols write differently.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// The newtype name by which [`crate::cbor_1_1`] knows that a number is to be tagged as a time.
pub(crate) const NEWTYPE: &str = "$ingest_wire::Timestamp";

/// A point in time, in milliseconds since the Unix epoch.
///
/// JSON writes seconds with a fraction (`1700000000.123`). CBOR writes tag 1 and whole **milliseconds**: the tag asks for
/// seconds, but the AWS SDKs for Java, the only ones that speak CBOR to Kinesis, write and expect milliseconds. When
/// read, a whole number in CBOR is milliseconds and a fraction is seconds; in JSON every number is seconds.
///
/// Source: Smithy 2.0 specification, "timestampFormat" (`epoch-seconds`); aws-sdk-java-v2, `SdkCborGenerator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A time in milliseconds since the Unix epoch.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch; negative before it.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            // Whole seconds stay exact in a double for 285 million years, and milliseconds for 285 thousand.
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        } else {
            serializer.serialize_newtype_struct(NEWTYPE, &self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole_number_is_seconds = deserializer.is_human_readable();
        deserializer.deserialize_any(TimestampVisitor { whole_number_is_seconds })
    }
}

struct TimestampVisitor {
    whole_number_is_seconds: bool,
}

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp as a number of seconds since the Unix epoch")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Timestamp, E> {
        let unit_millis = if self.whole_number_is_seconds { 1000 } else { 1 };
        value.checked_mul(unit_millis).map(Timestamp).ok_or_else(|| E::custom("the timestamp is out of range"))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Timestamp, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(E::custom("the timestamp is out of range")),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Timestamp, E> {
        let millis = (value * 1000.0).round();
        // The bound is exactly 2^63, which is the first double that an i64 cannot hold.
        if millis.is_finite() && millis.abs() < i64::MAX as f64 {
            Ok(Timestamp(millis as i64))
        } else {
            Err(E::custom("the timestamp is out of range"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;

    #[test]
    fn json_writes_seconds_with_a_millisecond_fraction() {
        let body = Protocol::Json11.encode(&Timestamp::from_unix_millis(1_700_000_000_123)).unwrap();
        assert_eq!(body, b"1700000000.123");
    }

    #[test]
    fn cbor_writes_tag_1_and_milliseconds() {
        let body = Protocol::Cbor11.encode(&Timestamp::from_unix_millis(1_700_000_000_123)).unwrap();
        assert_eq!(body, [0xc1, 0x1b, 0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b]);
    }

    #[test]
    fn json_reads_whole_and_broken_seconds() {
        let read = |body: &str| Protocol::Json11.decode::<Timestamp>(body.as_bytes()).map(Timestamp::unix_millis);
        assert_eq!(read("1700000000").unwrap(), 1_700_000_000_000);
        assert_eq!(read("1700000000.123").unwrap(), 1_700_000_000_123);
        assert_eq!(read("1.700000000123E9").unwrap(), 1_700_000_000_123);
        assert_eq!(read("-0.5").unwrap(), -500);
        for outside in ["1e300", "-1e300", "18446744073709551615", "9223372036854775807", "\"2023\"", "null", "{}"] {
            assert!(read(outside).is_err(), "{outside}");
        }
    }

    #[test]
    fn cbor_reads_milliseconds_and_broken_seconds_tagged_or_not() {
        let read = |body: &[u8]| Protocol::Cbor11.decode::<Timestamp>(body).map(Timestamp::unix_millis);
        assert_eq!(read(&[0xc1, 0x1b, 0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b]).unwrap(), 1_700_000_000_123);
        assert_eq!(read(&[0x1b, 0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b]).unwrap(), 1_700_000_000_123);
        let mut seconds = vec![0xc1, 0xfb];
        seconds.extend(1_700_000_000.5_f64.to_be_bytes());
        assert_eq!(read(&seconds).unwrap(), 1_700_000_000_500);
        assert!(read(&[0xc1, 0xf9, 0x7e, 0x00]).is_err(), "a half-precision NaN");
    }
}
