//! Bodies of requests, made piece by piece as the peer takes them.
//!
//! A body of 64 MiB costs one piece of memory, whether it is base64, compressed or not, and none while the peer does not
//! read.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Frame, SizeHint};

/// About the bytes of a piece.
pub(super) const PIECE_BYTES: usize = 64 * 1024;

/// What a body is made from.
pub(super) trait Pieces: Send + Sync + Unpin + 'static {
    /// Appends to `piece` until it holds about [`PIECE_BYTES`]. Nothing appended means that the body ends.
    fn fill(&mut self, piece: &mut Vec<u8>);

    /// The bytes of the whole body.
    fn byte_count(&self) -> u64;
}

/// Makes a body that has a `Content-Length`.
pub(super) fn plain(pieces: impl Pieces) -> reqwest::Body {
    let left = pieces.byte_count();
    reqwest::Body::wrap(Plain { pieces, left })
}

/// Makes a body that is compressed as it goes; nobody knows its length beforehand.
pub(super) fn gzipped(pieces: impl Pieces) -> reqwest::Body {
    reqwest::Body::wrap(Gzipped { pieces, encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) })
}

struct Plain<P> {
    pieces: P,
    left: u64,
}

impl<P: Pieces> http_body::Body for Plain<P> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        self.pieces.fill(&mut piece);
        if piece.is_empty() {
            return Poll::Ready(None);
        }
        self.left = self.left.saturating_sub(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

struct Gzipped<P> {
    pieces: P,
    /// `None` once the last piece is out.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl<P: Pieces> Gzipped<P> {
    /// The next piece of the compressed body, or nothing at its end.
    fn next(&mut self) -> Vec<u8> {
        while let Some(encoder) = &mut self.encoder {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            self.pieces.fill(&mut piece);
            if piece.is_empty() {
                let encoder = self.encoder.take();
                return encoder.and_then(|encoder| encoder.finish().ok()).unwrap_or_default();
            }
            encoder.write_all(&piece).expect("writing to memory does not fail");
            if encoder.get_ref().len() >= PIECE_BYTES {
                return std::mem::take(encoder.get_mut());
            }
        }
        Vec::new()
    }
}

impl<P: Pieces> http_body::Body for Gzipped<P> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let piece = self.next();
        Poll::Ready(if piece.is_empty() { None } else { Some(Ok(Frame::data(Bytes::from(piece)))) })
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none()
    }
}

/// A cursor over data that goes into several pieces.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    item: usize,
    offset: usize,
}

impl Cursor {
    /// The item that is next.
    pub(super) fn item(&self) -> usize {
        self.item
    }

    /// Whether nothing of the item was taken yet.
    pub(super) fn is_at_start(&self) -> bool {
        self.offset == 0
    }

    /// Takes up to `byte_count_max` bytes of `data`, which is the item's. Says whether that was the last of them.
    pub(super) fn take<'a>(&mut self, data: &'a [u8], byte_count_max: usize) -> (&'a [u8], bool) {
        let rest = data.get(self.offset..).unwrap_or_default();
        let part = rest.get(..byte_count_max).unwrap_or(rest);
        self.offset += part.len();
        (part, part.len() == rest.len())
    }

    /// Goes on to the next item.
    pub(super) fn advance(&mut self) {
        *self = Self { item: self.item + 1, offset: 0 };
    }
}
