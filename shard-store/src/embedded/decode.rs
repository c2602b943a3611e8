//! What readers need to decode frames: the keys of encrypted ones, and memory for the batches decompressed last.
//!
//! A consumer that reads a batch in small pieces, or several that read the same one, have it decompressed once.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::format::frame::{DECOMPRESSED_BYTES_MAX, VerifiedFrame};
use crate::keyring::Keyring;
use crate::sync::Mutex;

/// The most bytes of decompressed batches that are kept.
const KEPT_BYTES_MAX: usize = 32 << 20;
/// The most batches that are kept, so that looking for one costs little.
const KEPT_BATCHES_MAX: usize = 256;
const _: () = assert!(DECOMPRESSED_BYTES_MAX <= KEPT_BYTES_MAX);

/// Which frame: the nonce of its segment and its offset there.
type Place = (u64, usize);

/// See the module.
pub(crate) struct Decoder {
    pub(crate) keyring: Arc<Keyring>,
    kept: Mutex<Kept>,
}

/// Batches, the one used last at the end.
#[derive(Default)]
struct Kept {
    batches: VecDeque<(Place, Bytes)>,
    byte_count: usize,
}

impl Decoder {
    /// A decoder with the keys of `keyring`.
    pub(crate) fn new(keyring: Arc<Keyring>) -> Self {
        Self { keyring, kept: Mutex::default() }
    }

    /// The encoded records of the compressed `frame` that stands at `place`.
    ///
    /// # Errors
    /// As [`VerifiedFrame::decompress`].
    pub(crate) fn decompress(&self, place: Place, frame: VerifiedFrame<'_>) -> Result<Bytes, &'static str> {
        if let Some(records) = self.kept.lock().take(place) {
            return Ok(records);
        }
        let records = Bytes::from(frame.decompress()?);
        self.kept.lock().put(place, records.clone());
        Ok(records)
    }
}

impl Kept {
    fn take(&mut self, place: Place) -> Option<Bytes> {
        let at = self.batches.iter().rposition(|(kept, _)| *kept == place)?;
        let batch = self.batches.remove(at)?;
        let records = batch.1.clone();
        self.batches.push_back(batch);
        Some(records)
    }

    fn put(&mut self, place: Place, records: Bytes) {
        // Another reader may have been as fast.
        if self.take(place).is_some() {
            return;
        }
        self.byte_count += records.len();
        self.batches.push_back((place, records));
        while self.byte_count > KEPT_BYTES_MAX || self.batches.len() > KEPT_BATCHES_MAX {
            let Some((_, dropped)) = self.batches.pop_front() else { return };
            self.byte_count -= dropped.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_the_batches_used_last_stay() {
        let mut kept = Kept::default();
        let batch = Bytes::from(vec![1; 1 << 20]);
        for n in 0..100 {
            kept.put((n, 0), batch.clone());
            assert_eq!(kept.take((0, 0)), Some(batch.clone()), "used all the time");
        }
        assert_eq!(kept.byte_count, KEPT_BYTES_MAX);
        assert_eq!(kept.batches.len(), 32);
        assert!(kept.take((99, 0)).is_some() && kept.take((40, 0)).is_none());
        for n in 0..1_000 {
            kept.put((7, n), Bytes::from_static(b"small"));
        }
        assert_eq!(kept.batches.len(), KEPT_BATCHES_MAX);
        kept.put((7, 999), Bytes::from_static(b"small"));
        assert_eq!(kept.byte_count, kept.batches.iter().map(|(_, records)| records.len()).sum::<usize>());
    }
}
