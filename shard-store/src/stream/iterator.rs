//! Shard iterators: tokens that name a position of a shard of one very stream.
//!
//! The body holds the stream's id (8 bytes), the shard's number (4), the ordinal (8), all little-endian, and the stream's
//! name. The id keeps the iterators of a deleted stream from reading a new one of the same name; the name finds the
//! stream among those of the caller's account and region, and is there for error messages.

use super::definition::StreamId;
use super::error::TokenError;
use super::limits::{ITERATOR_CHARS_MAX, ITERATOR_LIFETIME, STREAM_NAME_CHARS_MAX};
use super::shard::ShardNumber;
use super::token::{Signer, TOKEN_OVERHEAD_BYTES, TokenKind};

const FIXED_BODY_BYTES: usize = 20;

const _: () = {
    let bytes_max = TOKEN_OVERHEAD_BYTES + FIXED_BODY_BYTES + STREAM_NAME_CHARS_MAX;
    assert!(bytes_max.div_ceil(3) * 4 <= ITERATOR_CHARS_MAX, "an iterator fits AWS's limit");
};

/// A position of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardIterator {
    /// The stream, which may have been deleted since.
    pub stream_id: StreamId,
    /// The stream's name.
    pub stream_name: String,
    /// The shard.
    pub shard: ShardNumber,
    /// The ordinal of the record to be read next.
    pub ordinal: u64,
}

impl ShardIterator {
    /// The token of this iterator, issued at `now_ms`.
    pub fn seal(&self, signer: &Signer, now_ms: u64) -> String {
        let mut body = Vec::with_capacity(FIXED_BODY_BYTES + self.stream_name.len());
        body.extend_from_slice(&self.stream_id.0.to_le_bytes());
        body.extend_from_slice(&self.shard.0.to_le_bytes());
        body.extend_from_slice(&self.ordinal.to_le_bytes());
        body.extend_from_slice(self.stream_name.as_bytes());
        signer.seal(TokenKind::ShardIterator, now_ms, &body)
    }

    /// The iterator of a token, used at `now_ms`.
    ///
    /// # Errors
    /// `Malformed` for a forged token, `Expired` for one issued more than five minutes ago.
    pub fn open(signer: &Signer, text: &str, now_ms: u64) -> Result<Self, TokenError> {
        let body = signer.open(TokenKind::ShardIterator, text, now_ms, ITERATOR_LIFETIME)?;
        Self::decode(&body).ok_or(TokenError::Malformed)
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let (stream_id, body) = body.split_first_chunk()?;
        let (shard, body) = body.split_first_chunk()?;
        let (ordinal, name) = body.split_first_chunk()?;
        Some(Self {
            stream_id: StreamId(u64::from_le_bytes(*stream_id)),
            stream_name: std::str::from_utf8(name).ok()?.to_owned(),
            shard: ShardNumber(u32::from_le_bytes(*shard)),
            ordinal: u64::from_le_bytes(*ordinal),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iterator(name: &str) -> ShardIterator {
        ShardIterator {
            stream_id: StreamId(u64::MAX),
            stream_name: name.to_owned(),
            shard: ShardNumber(u32::MAX),
            ordinal: u64::MAX,
        }
    }

    #[test]
    fn the_longest_iterator_survives_its_token_within_the_limit() {
        let signer = Signer::new(&[3; 32]);
        let iterator = iterator(&"n".repeat(STREAM_NAME_CHARS_MAX));
        let text = iterator.seal(&signer, 0);
        assert!(text.len() <= ITERATOR_CHARS_MAX);
        assert_eq!(ShardIterator::open(&signer, &text, 300_000), Ok(iterator));
    }

    #[test]
    fn an_iterator_expires_after_five_minutes() {
        let signer = Signer::new(&[3; 32]);
        let text = iterator("clicks").seal(&signer, 0);
        assert!(matches!(ShardIterator::open(&signer, &text, 300_001), Err(TokenError::Expired { .. })));
    }

    #[test]
    fn a_body_that_is_too_short_is_malformed() {
        let signer = Signer::new(&[3; 32]);
        let text = signer.seal(TokenKind::ShardIterator, 0, &[1; FIXED_BODY_BYTES - 1]);
        assert_eq!(ShardIterator::open(&signer, &text, 0), Err(TokenError::Malformed));
    }
}
