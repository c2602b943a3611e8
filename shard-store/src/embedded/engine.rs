//! What all logs of a store share.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytesize::ByteSize;

use super::compact::Compactor;
use super::decode::Decoder;
use super::journal::Journal;
use super::prefault::Prefaulter;
use super::settle::Settler;
use super::spare::Spares;
use crate::clock::Clock;
use crate::config::{Durability, Options};
use crate::durable_fs::DurableFs;
use crate::error::AppendError;
use crate::format::HEADER_BLOCK_BYTES;
use crate::format::journal::{ENTRY_BYTES, GROUP_HEADER_BYTES};
use crate::metrics::Metrics;

/// How long a closing store with a journal goes on syncing segments: what is left the next start does from the journal.
const SETTLE_PATIENCE: Duration = Duration::from_secs(3);

/// What all logs of a store share.
pub(crate) struct Engine {
    pub(crate) fs: Arc<dyn DurableFs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
    pub(crate) metrics: Metrics,
    pub(crate) fence: Arc<Fence>,
    pub(crate) settler: Arc<Settler>,
    pub(crate) prefaulter: Prefaulter,
    pub(crate) decoder: Decoder,
    pub(crate) spares: Spares,
    /// None without compaction.
    pub(crate) compactor: Option<Arc<Compactor>>,
    /// None with `page-cache` durability.
    pub(crate) journal: Option<Journal>,
}

impl Engine {
    /// The largest frame that fits a segment of the configured size, and a journal file together with a note.
    pub(crate) fn frame_bytes_max(&self) -> usize {
        let without = |size: ByteSize, overhead| (size.as_u64() as usize).saturating_sub(HEADER_BLOCK_BYTES + overhead);
        let segment = without(self.options.segment_size, 0);
        let journal = without(self.options.journal_file_size, 2 * GROUP_HEADER_BYTES + ENTRY_BYTES);
        match self.options.durability {
            Durability::PageCache => segment,
            Durability::Fsync | Durability::Interval => segment.min(journal),
        }
    }

    /// Makes what was appended durable and ends the threads; the fence stands from now on.
    pub(crate) fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.stop();
        }
        self.fence.raise("it is closed");
        self.settler.stop(self.journal.as_ref().map(|_| SETTLE_PATIENCE));
        if let Some(compactor) = &self.compactor {
            compactor.stop();
        }
        self.prefaulter.stop();
    }
}

/// Stands between a failed write or sync and everything that would be built on it. Once raised it stays.
#[derive(Debug, Default)]
pub(crate) struct Fence(OnceLock<String>);

impl Fence {
    /// Refuses everything from now on, because of `reason`.
    pub(crate) fn raise(&self, reason: impl Into<String>) {
        let _ = self.0.set(reason.into());
    }

    /// Passes unless the fence is raised.
    ///
    /// # Errors
    /// `Fenced` with the reason.
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        match self.0.get() {
            None => Ok(()),
            Some(reason) => Err(AppendError::Fenced { reason: reason.clone() }),
        }
    }
}

/// A random nonce for a new file.
///
/// # Errors
/// If the system has no randomness to give.
pub(crate) fn nonce() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| std::io::Error::other("the system gave no random bytes"))?;
    Ok(u64::from_le_bytes(bytes))
}
