//! [`Event`]: what happens to a queue, and its bytes in the queue's log.
//!
//! One record of the log holds what happened together, in its data; partition keys are empty. Numbers are little-endian.
//!
//! | bytes | field |
//! |---|---|
//! | 1 | version, 1 |
//! | n | events, one behind the other |
//!
//! Each event is a tag (1 byte), a source (4), an ordinal (8), and then:
//!
//! | tag | event | fields behind |
//! |---|---|---|
//! | 1 | [`Event::Receive`] | delivery (8), when it was received (8), when it becomes visible again (8) |
//! | 2 | [`Event::Done`] | |
//! | 3 | [`Event::Delay`] | when it becomes visible (8) |
//! | 4 | [`Event::Bury`] | |
//! | 5 | [`Event::Restore`] | when it becomes visible (8) |
//! | 6 | [`Event::Trim`] | |
//! | 7 | [`Event::Cut`] | |
//! | 8 | [`Event::Forget`] | (the ordinal is 0) |
//!
//! Tags are never given another meaning. Times are milliseconds since the Unix epoch.

const VERSION: u8 = 1;

/// Names a record that a queue delivers: its source (a shard's number) and its ordinal there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The source.
    pub source: u32,
    /// The ordinal in its log.
    pub ordinal: u64,
}

/// Something that happened to a queue. Every change of its state is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record was received. One that was not received before also moves the cursor of its source behind it.
    Receive {
        /// The record.
        at: Place,
        /// Names this delivery among all of the queue.
        delivery: u64,
        /// When.
        received_ms: u64,
        /// Until when it is in flight.
        visible_ms: u64,
    },
    /// A record was acknowledged, or has expired.
    Done {
        /// The record.
        at: Place,
    },
    /// A record becomes visible at another time.
    Delay {
        /// The record.
        at: Place,
        /// When.
        visible_ms: u64,
    },
    /// A record was received too often, and becomes a dead letter.
    Bury {
        /// The record.
        at: Place,
    },
    /// A dead letter is delivered again as if it had never been received.
    Restore {
        /// The record.
        at: Place,
        /// From when on.
        visible_ms: u64,
    },
    /// Everything before a place has expired.
    Trim {
        /// The first record that is left of this source.
        at: Place,
    },
    /// Everything from a place on was lost with the source's log, and its ordinals will name other records.
    Cut {
        /// The first record that is not there.
        at: Place,
    },
    /// A source is no more.
    Forget {
        /// The source.
        source: u32,
    },
}

/// Bytes that are no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the events of a queue")]
pub struct NotEvents;

impl Event {
    fn encode_into(&self, bytes: &mut Vec<u8>) {
        let (tag, at, times): (u8, Place, &[u64]) = match self {
            Self::Receive { at, delivery, received_ms, visible_ms } => {
                (1, *at, &[*delivery, *received_ms, *visible_ms])
            }
            Self::Done { at } => (2, *at, &[]),
            Self::Delay { at, visible_ms } => (3, *at, &[*visible_ms]),
            Self::Bury { at } => (4, *at, &[]),
            Self::Restore { at, visible_ms } => (5, *at, &[*visible_ms]),
            Self::Trim { at } => (6, *at, &[]),
            Self::Cut { at } => (7, *at, &[]),
            Self::Forget { source } => (8, Place { source: *source, ordinal: 0 }, &[]),
        };
        bytes.push(tag);
        bytes.extend_from_slice(&at.source.to_le_bytes());
        bytes.extend_from_slice(&at.ordinal.to_le_bytes());
        times.iter().for_each(|time| bytes.extend_from_slice(&time.to_le_bytes()));
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let [tag] = take(bytes)?;
        let at = Place { source: u32::from_le_bytes(take(bytes)?), ordinal: take_u64(bytes)? };
        Some(match tag {
            1 => Self::Receive {
                at,
                delivery: take_u64(bytes)?,
                received_ms: take_u64(bytes)?,
                visible_ms: take_u64(bytes)?,
            },
            2 => Self::Done { at },
            3 => Self::Delay { at, visible_ms: take_u64(bytes)? },
            4 => Self::Bury { at },
            5 => Self::Restore { at, visible_ms: take_u64(bytes)? },
            6 => Self::Trim { at },
            7 => Self::Cut { at },
            8 => Self::Forget { source: at.source },
            _ => return None,
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_le_bytes)
}

/// The bytes of events that happened together.
pub(crate) fn encode(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + 37 * events.len());
    bytes.push(VERSION);
    events.iter().for_each(|event| event.encode_into(&mut bytes));
    bytes
}

/// The events of a record of the log.
///
/// # Errors
/// If the bytes were not written by [`encode`], or by a version that knows more events.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Event>, NotEvents> {
    let mut rest = match bytes.split_first() {
        Some((&VERSION, rest)) => rest,
        _ => return Err(NotEvents),
    };
    let mut events = Vec::new();
    while !rest.is_empty() {
        events.push(Event::decode(&mut rest).ok_or(NotEvents)?);
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let at = Place { source: 2, ordinal: 3 };
        let events = [Event::Receive { at, delivery: 4, received_ms: 5, visible_ms: 6 }, Event::Done { at }];
        let mut expected = vec![1];
        for (tag, numbers) in [(1, [4u64, 5, 6].as_slice()), (2, &[])] {
            expected.push(tag);
            expected.extend([2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
            numbers.iter().for_each(|number| expected.extend(number.to_le_bytes()));
        }
        assert_eq!(encode(&events), expected);
        assert_eq!(decode(&expected), Ok(events.to_vec()));
    }

    #[test]
    fn every_event_survives_its_bytes_and_a_torn_one_is_refused() {
        let at = Place { source: u32::MAX, ordinal: u64::MAX };
        let events = [
            Event::Receive { at, delivery: 1, received_ms: 2, visible_ms: 3 },
            Event::Done { at },
            Event::Delay { at, visible_ms: 4 },
            Event::Bury { at },
            Event::Restore { at, visible_ms: 5 },
            Event::Trim { at },
            Event::Cut { at },
            Event::Forget { source: 7 },
        ];
        for event in events {
            let bytes = encode(&[event]);
            assert_eq!(decode(&bytes), Ok(vec![event]));
            assert_eq!(decode(&bytes[..bytes.len() - 1]), Err(NotEvents));
        }
        assert_eq!(decode(&[]), Err(NotEvents));
        assert_eq!(decode(&[2]), Err(NotEvents));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
        }
    }
}
