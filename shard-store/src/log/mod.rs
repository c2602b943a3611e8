//! The engine boundary for records: [`Log`], an ordered, durable sequence of records.
//!
//! A shard is a log, and so is the buffer of a direct-put delivery stream. Every record has an **ordinal**: its position
//! in its log, counted from 0 without gaps. Throttling, hash ranges, sequence numbers and iterators sit above this
//! boundary and are written once; what lies below it is an engine. `embedded` keeps memory-mapped segments and a
//! journal (see [`crate::format`]).

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use crate::error::{AppendError, ReadError};
use crate::format::frame::{self, RecordView};
use crate::keyring::KeyId;

/// A boxed future, for the trait methods that wait.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Names one log in a store. Ids are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct LogId(pub u64);

impl std::fmt::Display for LogId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

/// Bytes that write themselves into the log, so that a front door can decode (base64, say) straight into it.
pub trait Payload: Sync {
    /// The number of bytes that [`Payload::copy_into`] fills.
    fn byte_count(&self) -> usize;

    /// Fills `destination`, which is exactly [`Payload::byte_count`] long.
    ///
    /// # Errors
    /// `Malformed` if the bytes cannot be produced; the whole batch is then not appended.
    fn copy_into(&self, destination: &mut [u8]) -> Result<(), Malformed>;
}

/// A [`Payload`] could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payload could not be decoded")]
pub struct Malformed;

impl Payload for &[u8] {
    fn byte_count(&self) -> usize {
        self.len()
    }

    fn copy_into(&self, destination: &mut [u8]) -> Result<(), Malformed> {
        destination.copy_from_slice(self);
        Ok(())
    }
}

/// One record to be appended.
#[derive(Clone, Copy)]
pub struct NewRecord<'a> {
    /// The partition key, 0 to 65,535 bytes; empty where the source has none.
    pub partition_key: &'a str,
    /// The hash key that overrides the partition key's own, if the producer gave one.
    pub explicit_hash_key: Option<u128>,
    /// The data.
    pub data: &'a dyn Payload,
}

/// What a durable append reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The ordinal of the batch's first record; the others follow without gaps.
    pub first_ordinal: u64,
    /// When the batch arrived, in milliseconds since the Unix epoch; never less than that of the batch before it.
    pub arrival_ms: u64,
}

/// How much one read may return. At least one record is returned where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// At most this many records.
    pub record_count: usize,
    /// At most this many bytes of partition keys and data together.
    pub byte_count: usize,
}

/// Records read from a log: zero-copy slices of its memory, kept alive by this value. Encrypted ones are decrypted copies.
#[derive(Clone, Debug, Default)]
pub struct ReadBatch {
    frames: Vec<FrameSlice>,
    next_ordinal: u64,
    record_count: usize,
    byte_count: usize,
}

/// The part of one verified frame that a read takes.
#[derive(Clone, Debug)]
struct FrameSlice {
    /// The encoded records, from the first one taken.
    records: Bytes,
    first_ordinal: u64,
    arrival_ms: u64,
    record_count: usize,
    is_encrypted: bool,
}

/// Records of one frame that a read takes.
pub(crate) struct AddedRecords {
    /// Encoded, from the first one taken.
    pub(crate) records: Bytes,
    pub(crate) arrival_ms: u64,
    pub(crate) record_count: usize,
    /// Partition keys and data together.
    pub(crate) byte_count: usize,
    /// Whether they lie encrypted on the disk.
    pub(crate) is_encrypted: bool,
}

impl ReadBatch {
    /// A batch with nothing in it, whose reader goes on at `next_ordinal`.
    pub(crate) fn empty(next_ordinal: u64) -> Self {
        Self { next_ordinal, ..Self::default() }
    }

    /// Adds records that follow what is here.
    pub(crate) fn push(&mut self, added: AddedRecords) {
        let AddedRecords { records, arrival_ms, record_count, byte_count, is_encrypted } = added;
        let first_ordinal = self.next_ordinal;
        self.frames.push(FrameSlice { records, first_ordinal, arrival_ms, record_count, is_encrypted });
        self.next_ordinal += record_count as u64;
        self.record_count += record_count;
        self.byte_count += byte_count;
    }

    /// The records, in order.
    pub fn records(&self) -> impl Iterator<Item = RecordView<'_>> {
        self.frames.iter().flat_map(|slice| {
            let FrameSlice { records, first_ordinal, arrival_ms, record_count, is_encrypted } = slice;
            frame::records(records, *first_ordinal, *arrival_ms, *is_encrypted).take(*record_count)
        })
    }

    /// The records, in order, each with its data as a slice that keeps the log's memory alive by itself.
    pub fn records_with_data(&self) -> impl Iterator<Item = (RecordView<'_>, Bytes)> {
        self.frames.iter().flat_map(|slice| {
            let FrameSlice { records, first_ordinal, arrival_ms, record_count, is_encrypted } = slice;
            let views = frame::records(records, *first_ordinal, *arrival_ms, *is_encrypted).take(*record_count);
            views.map(|view| (view, records.slice_ref(view.data)))
        })
    }

    /// Where the next read goes on.
    pub fn next_ordinal(&self) -> u64 {
        self.next_ordinal
    }

    /// The number of records.
    pub fn record_count(&self) -> usize {
        self.record_count
    }

    /// The bytes of partition keys and data together.
    pub fn byte_count(&self) -> usize {
        self.byte_count
    }

    /// Whether there is no record in it.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }
}

/// An ordered, durable sequence of records.
pub trait Log: Send + Sync + 'static {
    /// Appends a batch as a whole, in order and without gaps.
    ///
    /// The records are copied before this returns, so they may borrow. The future resolves when the batch is as durable
    /// as the store is configured to make it, and visible to readers; dropping it does not undo the append.
    ///
    /// # Errors
    /// At once: `Sealed`, `TooLarge`, `Malformed`, `Key`, `Storage` (nothing is written). From the future: `Storage` while there is
    /// no room to make the batch durable, and it may still become so; `Fenced` when it could not be made durable, and it may
    /// or may not be found after the store is reopened.
    fn append(
        &self,
        records: &[NewRecord<'_>],
    ) -> Result<BoxFuture<'static, Result<Appended, AppendError>>, AppendError>;

    /// Reads records from `from` on, up to `limit`; nothing if `from` is the end. A position before
    /// [`Log::start`] is moved up to it.
    ///
    /// # Errors
    /// `BeyondEnd` if `from` lies past the end; `Corrupt` if stored bytes fail their checksum; `Key` if they are encrypted
    /// and their key is missing.
    fn read(&self, from: u64, limit: ReadLimit) -> Result<ReadBatch, ReadError>;

    /// The first ordinal still kept.
    fn start(&self) -> u64;

    /// The ordinal that the next published record will have. Everything before it is durable as configured.
    fn end(&self) -> u64;

    /// Resolves once [`Log::end`] is greater than `ordinal`, or the log is sealed or gone.
    fn wait_past(&self, ordinal: u64) -> BoxFuture<'_, ()>;

    /// The first ordinal whose arrival time is at least `arrival_ms`; the end if there is none.
    ///
    /// # Errors
    /// `Corrupt` if stored bytes fail their checksum.
    fn position_at(&self, arrival_ms: u64) -> Result<u64, ReadError>;

    /// Drops whole segments of which every record arrived before `arrival_ms`. Returns the new start.
    ///
    /// # Errors
    /// `Storage` if a file could not be removed; what remains is consistent.
    fn trim_before_time(&self, arrival_ms: u64) -> Result<u64, AppendError>;

    /// Drops whole segments that lie wholly before `ordinal`. Returns the new start.
    ///
    /// # Errors
    /// As [`Log::trim_before_time`].
    fn trim_before(&self, ordinal: u64) -> Result<u64, AppendError>;

    /// Encrypts what is appended from now on with this key of the store's keyring, or stops encrypting.
    fn encrypt(&self, key: Option<KeyId>);

    /// Refuses appends from now on and returns the end once everything appended is published.
    fn seal(&self) -> BoxFuture<'_, u64>;
}
