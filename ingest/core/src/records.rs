//! What the operations that take batches of records share: data on its way to a log, and lists with a bound.

use std::fmt;
use std::marker::PhantomData;

use ingest_wire::{Blob, InvalidBase64};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use shard_store::log::{Malformed, Payload};

use crate::fault::{Code, Fault};
use crate::validation::Value;

/// Data that is decoded straight into a log.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Data<'a>(#[serde(borrow)] Blob<'a>);

impl<'a> Data<'a> {
    /// Checks that the data can be decoded: before any of a request's records is written, so that none of a malformed
    /// request is.
    ///
    /// # Errors
    /// `SerializationException`, naming `member`.
    pub fn check(&self, member: impl fmt::Display) -> Result<(), Fault> {
        self.0.check().map_err(|error| Fault::new(Code::Serialization, format!("{member}: {error}")))
    }

    /// As it came, for the validator.
    pub fn blob(&self) -> &Blob<'a> {
        &self.0
    }
}

impl Payload for Data<'_> {
    fn byte_count(&self) -> usize {
        self.0.byte_count()
    }

    fn copy_into(&self, destination: &mut [u8]) -> Result<(), Malformed> {
        self.0.decode_into(destination).map_err(|InvalidBase64| Malformed)
    }
}

/// A list of at most `MAX` members. Those beyond it are counted, for the validator, and not kept: a body of nothing but
/// `{},{},…` would otherwise take many times its own size in memory.
#[derive(Debug)]
pub struct BoundedList<T, const MAX: usize> {
    /// The first `MAX` members.
    pub kept: Vec<T>,
    count: usize,
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for BoundedList<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
    type Value = BoundedList<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::with_capacity(items.size_hint().unwrap_or(MAX).min(MAX));
        while kept.len() < MAX {
            match items.next_element()? {
                Some(item) => kept.push(item),
                None => return Ok(BoundedList { count: kept.len(), kept }),
            }
        }
        let mut count = kept.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(BoundedList { kept, count })
    }
}

impl<T, const MAX: usize> Value for &BoundedList<T, MAX> {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 => f.write_str("[]"),
            count => write!(f, "[{count} members]"),
        }
    }

    fn length(&self) -> Option<usize> {
        Some(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_beyond_the_bound_are_counted_and_not_kept() {
        let list: BoundedList<u8, 2> = serde_json::from_str("[1, 2, 3, {}]").unwrap();
        assert_eq!((list.kept.as_slice(), (&list).length()), (&[1, 2][..], Some(4)));
        let list: BoundedList<u8, 2> = serde_json::from_str("[1]").unwrap();
        assert_eq!((list.kept.as_slice(), (&list).length()), (&[1][..], Some(1)));
        assert!(serde_json::from_str::<BoundedList<u8, 2>>("[{}]").is_err());
    }
}
