//! Receipt handles: tokens that name one delivery of a record by one queue.
//!
//! The body holds the shard's number (4 bytes), the ordinal (8), the delivery (8), all little-endian, and the queue's id.

use super::definition::QueueId;
use super::event::Place;
use super::limits::RECEIPT_LIFETIME;
use crate::stream::{Signer, TokenKind};

/// A delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) at: Place,
    pub(crate) delivery: u64,
}

impl Receipt {
    /// The handle of a delivery by `queue`, issued at `now_ms`.
    pub(crate) fn seal(&self, queue: &QueueId, signer: &Signer, now_ms: u64) -> String {
        let id = queue.as_str().as_bytes();
        let mut body = Vec::with_capacity(20 + id.len());
        body.extend_from_slice(&self.at.source.to_le_bytes());
        body.extend_from_slice(&self.at.ordinal.to_le_bytes());
        body.extend_from_slice(&self.delivery.to_le_bytes());
        body.extend_from_slice(id);
        signer.seal(TokenKind::Receipt, now_ms, &body)
    }

    /// The delivery that a handle names, if `queue` issued it.
    pub(crate) fn open(queue: &QueueId, signer: &Signer, handle: &str, now_ms: u64) -> Option<Self> {
        let body = signer.open(TokenKind::Receipt, handle, now_ms, RECEIPT_LIFETIME).ok()?;
        let (source, body) = body.split_first_chunk()?;
        let (ordinal, body) = body.split_first_chunk()?;
        let (delivery, id) = body.split_first_chunk()?;
        let at = Place { source: u32::from_le_bytes(*source), ordinal: u64::from_le_bytes(*ordinal) };
        (id == queue.as_str().as_bytes()).then_some(Self { at, delivery: u64::from_le_bytes(*delivery) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_a_delivery_of_its_queue_alone() {
        let signer = Signer::new(&[3; 32]);
        let (queue, other) = (QueueId::new([1; 16]), QueueId::new([2; 16]));
        let receipt = Receipt { at: Place { source: 7, ordinal: 8 }, delivery: 9 };
        let handle = receipt.seal(&queue, &signer, 0);
        assert_eq!(Receipt::open(&queue, &signer, &handle, 1), Some(receipt));
        assert_eq!(Receipt::open(&other, &signer, &handle, 1), None);
        assert_eq!(Receipt::open(&queue, &Signer::new(&[4; 32]), &handle, 1), None);
        let lifetime_ms = u64::try_from(RECEIPT_LIFETIME.as_millis()).unwrap();
        assert_eq!(Receipt::open(&queue, &signer, &handle, lifetime_ms + 1), None);
        assert!(handle.len() <= 1_024);
    }
}
