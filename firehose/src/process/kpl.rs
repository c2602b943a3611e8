//! Records that the Kinesis Producer Library aggregated.
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 4 | `F3 89 9A C2` |
//! | 4 | | a protobuf message; its field 3, repeated, is a user record, whose field 3 is the data |
//! | end − 16 | 16 | MD5 of the message |
//!
//! Partition keys and hash keys (fields 1 and 2 of both) and tags are of no use here: destinations do not see them. A decoder
//! of our own walks the message without building it, so that a record of a million empty user records costs nothing; the
//! format has not changed since 2014. What does not decode is an ordinary record, as it is to the Client Library.
//!
//! Source: the Producer Library's "KPL Aggregated Record Format"; Protocol Buffers, "Encoding".

use bytes::Bytes;
use md5::{Digest, Md5};

use crate::limits::SUB_RECORDS_MAX;

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const DIGEST_BYTES: usize = 16;

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

/// The field of user records in an aggregate, and that of the data in a user record.
const RECORDS_FIELD: u64 = 3;
const DATA_FIELD: u64 = 3;

/// Whether a record holds several.
pub(super) fn is_aggregated(data: &[u8]) -> bool {
    message(data).is_some()
}

/// The message of an aggregate, if its digest is right.
fn message(data: &[u8]) -> Option<&[u8]> {
    let rest = data.strip_prefix(&MAGIC)?;
    let (message, digest) = rest.split_at_checked(rest.len().checked_sub(DIGEST_BYTES)?)?;
    (Md5::digest(message)[..] == *digest).then_some(message)
}

/// An aggregate of a message, for tests and fuzzers.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn sealed(message: &[u8]) -> Bytes {
    [&MAGIC[..], message, &Md5::digest(message)[..]].concat().into()
}

/// The data of the user records in an aggregate, in order; `None` if it is none, or holds more than a record may.
pub(super) fn user_records(data: &Bytes) -> Option<Vec<Bytes>> {
    let mut rest = message(data)?;
    let mut records = Vec::new();
    while !rest.is_empty() {
        if let (RECORDS_FIELD, Some(record)) = next_field(&mut rest)? {
            if records.len() >= SUB_RECORDS_MAX {
                return None;
            }
            records.push(data.slice_ref(user_data(record)?));
        }
    }
    Some(records)
}

/// The data of a user record, which must have one. The last one counts, as in all messages.
fn user_data(mut record: &[u8]) -> Option<&[u8]> {
    let mut data = None;
    while !record.is_empty() {
        if let (DATA_FIELD, Some(value)) = next_field(&mut record)? {
            data = Some(value);
        }
    }
    data
}

/// Takes a field: its number, and its value if it has a length.
fn next_field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let tag = next_varint(rest)?;
    let value = match tag & 7 {
        VARINT => next_varint(rest).map(|_| None)?,
        FIXED_64 => next_bytes(rest, 8).map(|_| None)?,
        LENGTH_DELIMITED => {
            let length = usize::try_from(next_varint(rest)?).ok()?;
            Some(next_bytes(rest, length)?)
        }
        FIXED_32 => next_bytes(rest, 4).map(|_| None)?,
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn next_bytes<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(bytes)
}

fn next_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn varint(mut value: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    fn field(number: usize, value: &[u8]) -> Vec<u8> {
        [varint(number << 3 | 2), varint(value.len()), value.to_vec()].concat()
    }

    /// An aggregate as the library writes it: tables of keys, then records with indexes into them, tags and data.
    pub(in super::super) fn aggregate(records: &[&[u8]]) -> Bytes {
        let mut message = [field(1, b"key"), field(2, b"123")].concat();
        for data in records {
            let tag = field(4, &[field(1, b"name"), field(2, b"value")].concat());
            message.extend(field(3, &[vec![0x08, 0x00, 0x10, 0x00], field(3, data), tag].concat()));
        }
        sealed(&message)
    }

    #[test]
    fn user_records_are_taken_out_without_a_copy() {
        let whole = aggregate(&[b"one", b"", b"three"]);
        let records = user_records(&whole).unwrap();
        assert_eq!(records, ["one", "", "three"]);
        assert!(whole.as_ptr_range().contains(&records[0].as_ptr()));
        assert_eq!(user_records(&aggregate(&[])), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_whole_is_an_ordinary_record() {
        let whole = aggregate(&[b"one", b"two"]);
        for length in 0..whole.len() {
            assert_eq!(user_records(&whole.slice(..length)), None, "{length}");
        }
        let messages: [&[u8]; 6] = [
            &[0x1a, 0x02, 0x08, 0x00], // a record without data
            &[0x1a, 0x7f],             // longer than the message
            &[0x1b],                   // a group
            &[0xff; 11],               // a number without end
            &[0x1a, 0x02, 0x1a, 0x7f], // data longer than its record
            &[0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ];
        for message in messages {
            assert!(is_aggregated(&sealed(message)));
            assert_eq!(user_records(&sealed(message)), None, "{message:x?}");
        }
        assert!(!is_aggregated(b"\xf3\x89\x9a\xc2"));
    }

    #[test]
    fn fields_that_are_not_known_are_skipped() {
        let message =
            [&[0x28, 0x01, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, 0x3d, 1, 2, 3, 4][..], &field(3, &field(3, b"x"))].concat();
        assert_eq!(user_records(&sealed(&message)).unwrap(), ["x"]);
    }

    #[test]
    fn no_more_are_taken_out_than_a_record_may_hold() {
        let empty = field(3, &field(3, b""));
        assert!(user_records(&sealed(&empty.repeat(SUB_RECORDS_MAX))).is_some());
        assert!(user_records(&sealed(&empty.repeat(SUB_RECORDS_MAX + 1))).is_none());
    }

    proptest! {
        #[test]
        fn records_come_back_as_they_were_aggregated(
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)
        ) {
            let slices: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(user_records(&aggregate(&slices)).unwrap(), records);
        }

        #[test]
        fn no_message_is_too_strange(message in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = user_records(&sealed(&message));
        }
    }
}
