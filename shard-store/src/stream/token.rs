//! Signed tokens: opaque texts that carry a position to a client and back.
//!
//! | bytes | field |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | what it is for ([`TokenKind`]) |
//! | 8 | when it was issued: milliseconds since the Unix epoch, little-endian |
//! | n | the body |
//! | 32 | HMAC-SHA256 of all the above with the store's secret |
//!
//! The text is base64 of these bytes. Tokens can be used again until they expire, and survive a restart. What the body
//! means is the caller's; whether the thing it names still exists must be checked by whoever opens it.

use std::time::Duration;

use aws_lc_rs::hmac;

use super::error::TokenError;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 10;
const SIGNATURE_BYTES: usize = 32;

/// The bytes of a token besides its body.
pub(super) const TOKEN_OVERHEAD_BYTES: usize = HEADER_BYTES + SIGNATURE_BYTES;

/// What a token is for. One of a kind is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TokenKind {
    /// A shard iterator.
    ShardIterator = 1,
    /// The next page of a list of shards.
    ShardPage = 2,
    /// The next page of a list of streams.
    StreamPage = 3,
    /// The next page of a list of consumers.
    ConsumerPage = 4,
    /// A delivery of a record by a queue.
    Receipt = 5,
    /// The next page of a list of queues.
    QueuePage = 6,
    /// The next page of a list of channels.
    ChannelPage = 7,
}

/// Signs tokens and checks their signatures.
#[derive(Debug)]
pub struct Signer(hmac::Key);

impl Signer {
    /// A signer with this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The text of a token issued at `now_ms`.
    pub fn seal(&self, kind: TokenKind, now_ms: u64, body: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len() + SIGNATURE_BYTES);
        bytes.push(VERSION);
        bytes.push(kind as u8);
        bytes.extend_from_slice(&now_ms.to_le_bytes());
        bytes.extend_from_slice(body);
        let signature = hmac::sign(&self.0, &bytes);
        bytes.extend_from_slice(signature.as_ref());
        base64_simd::STANDARD.encode_to_string(bytes)
    }

    /// The body of a token that this signer sealed not longer than `lifetime` ago.
    ///
    /// # Errors
    /// `Malformed` for anything that was not sealed with this secret and for this kind, `Expired` for what was.
    pub fn open(&self, kind: TokenKind, text: &str, now_ms: u64, lifetime: Duration) -> Result<Vec<u8>, TokenError> {
        let mut bytes = base64_simd::STANDARD.decode_to_vec(text).map_err(|_| TokenError::Malformed)?;
        let signed_bytes = bytes.len().checked_sub(SIGNATURE_BYTES).ok_or(TokenError::Malformed)?;
        let signature = bytes.split_off(signed_bytes);
        hmac::verify(&self.0, &bytes, &signature).map_err(|_| TokenError::Malformed)?;
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(TokenError::Malformed)?;
        let [version, tag, issued @ ..] = *header;
        if version != VERSION || tag != kind as u8 {
            return Err(TokenError::Malformed);
        }
        let issued_ms = u64::from_le_bytes(issued);
        if u128::from(now_ms.saturating_sub(issued_ms)) > lifetime.as_millis() {
            return Err(TokenError::Expired { issued_ms, now_ms, lifetime });
        }
        bytes.drain(..HEADER_BYTES);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIFETIME: Duration = Duration::from_secs(300);

    fn open(signer: &Signer, text: &str, now_ms: u64) -> Result<Vec<u8>, TokenError> {
        signer.open(TokenKind::ShardIterator, text, now_ms, LIFETIME)
    }

    #[test]
    fn a_token_expires_after_its_lifetime_and_not_before() {
        let signer = Signer::new(&[7; 32]);
        let text = signer.seal(TokenKind::ShardIterator, 1_000, b"body");
        assert_eq!(open(&signer, &text, 301_000), Ok(b"body".to_vec()));
        assert_eq!(open(&signer, &text, 301_000), Ok(b"body".to_vec()), "a token can be used again");
        let expired = TokenError::Expired { issued_ms: 1_000, now_ms: 301_001, lifetime: LIFETIME };
        assert_eq!(open(&signer, &text, 301_001), Err(expired));
    }

    #[test]
    fn a_token_of_another_secret_or_kind_is_refused() {
        let signer = Signer::new(&[7; 32]);
        let foreign = Signer::new(&[8; 32]).seal(TokenKind::ShardIterator, 0, b"body");
        assert_eq!(open(&signer, &foreign, 0), Err(TokenError::Malformed));
        let other_kind = signer.seal(TokenKind::ShardPage, 0, b"body");
        assert_eq!(open(&signer, &other_kind, 0), Err(TokenError::Malformed));
    }

    proptest! {
        #[test]
        fn a_token_with_any_changed_byte_is_refused(body in proptest::collection::vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>(), mask in 1u8..) {
            let signer = Signer::new(&[7; 32]);
            let text = signer.seal(TokenKind::ShardIterator, 0, &body);
            let mut bytes = base64_simd::STANDARD.decode_to_vec(&text).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
            prop_assert_eq!(open(&signer, &base64_simd::STANDARD.encode_to_string(bytes), 0), Err(TokenError::Malformed));
        }

        #[test]
        fn no_text_makes_the_opener_panic(text in ".{0,200}") {
            prop_assert_eq!(open(&Signer::new(&[7; 32]), &text, 0), Err(TokenError::Malformed));
        }
    }
}
