//! [`Peaks`]: the greatest load of each of the last thirty days, one catalog record a stream, `stream-load/ACCOUNT/REGION/NAME`.
//!
//! An on-demand stream keeps room for double the greatest of them. A stream that never had the load of half of its first
//! shards has no record; a day's is written again only when it has grown by an eighth, so that a growing load costs a few
//! commits and a constant one costs one a day.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::definition::{StreamId, StreamKey};
use super::limits::{ON_DEMAND_SHARDS, PEAK_DAYS};
use super::registry::Streams;
use crate::catalog::{self, Catalog, Change};
use crate::error::CatalogError;
use crate::sync::Mutex;

/// What the keys of these records begin with.
const PREFIX: &str = "stream-load/";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The peaks of one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Peaks {
    stream: StreamId,
    /// By the day since the Unix epoch, in thousandths of what a shard takes.
    days: BTreeMap<u64, u64>,
    /// What is stored of the newest day.
    #[serde(skip)]
    stored_milli: u64,
}

impl Peaks {
    fn new(stream: StreamId) -> Self {
        Self { stream, days: BTreeMap::new(), stored_milli: 0 }
    }

    /// The greatest load.
    fn greatest_milli(&self) -> u64 {
        self.days.values().copied().max().unwrap_or(0)
    }

    /// Notes a load and forgets old ones. Returns whether that is worth storing.
    fn note(&mut self, milli: u64, now_ms: u64) -> bool {
        let today = u64::try_from(u128::from(now_ms) / DAY.as_millis()).unwrap_or(u64::MAX);
        self.days.retain(|day, _| day.saturating_add(PEAK_DAYS) > today);
        // Double of it fits the shards that every stream keeps.
        if milli <= u64::from(ON_DEMAND_SHARDS) * 1_000 / 2 {
            return false;
        }
        let peak = self.days.entry(today).or_insert_with(|| {
            self.stored_milli = 0;
            0
        });
        *peak = milli.max(*peak);
        let is_grown = *peak > self.stored_milli + self.stored_milli / 8;
        if is_grown {
            self.stored_milli = *peak;
        }
        is_grown
    }
}

/// The peaks of all streams.
#[derive(Debug, Default)]
pub(super) struct AllPeaks(Mutex<HashMap<StreamId, Peaks>>);

impl AllPeaks {
    /// Reads what is stored.
    pub(super) fn open(catalog: &dyn Catalog) -> Result<Self, CatalogError> {
        let mut all = HashMap::new();
        for (_, mut peaks) in catalog::scan::<Peaks>(catalog, PREFIX)? {
            peaks.stored_milli = peaks.days.last_key_value().map_or(0, |(_, milli)| *milli);
            all.insert(peaks.stream, peaks);
        }
        Ok(Self(Mutex::new(all)))
    }

    /// Forgets those of a stream that is deleted.
    pub(super) fn forget(&self, stream: StreamId) {
        self.0.lock().remove(&stream);
    }
}

/// Where the peaks of a stream stand in the catalog.
pub(super) fn catalog_key(StreamKey { account, region, name }: &StreamKey) -> String {
    format!("{PREFIX}{account}/{region}/{name}")
}

impl Streams {
    /// Notes the load of a stream, in thousandths of what a shard takes. Returns its peak. Blocks on the disk, if at all.
    ///
    /// # Errors
    /// If the catalog cannot be changed; the peak is known until a restart all the same.
    pub(super) fn note_load(
        &self,
        key: &StreamKey,
        stream: StreamId,
        milli: u64,
        now_ms: u64,
    ) -> Result<u64, CatalogError> {
        let (greatest_milli, changed) = {
            let mut all = self.peaks().0.lock();
            let peaks = all.entry(stream).or_insert_with(|| Peaks::new(stream));
            let changed = peaks.note(milli, now_ms).then(|| peaks.clone());
            (peaks.greatest_milli(), changed)
        };
        if let Some(peaks) = changed {
            let _control = self.take_control();
            // A stream that was deleted meanwhile must not leave a record behind.
            if self.find(key).is_some_and(|found| found.id() == stream) {
                self.store().catalog().commit(&[Change::put(catalog_key(key), &peaks)])?;
            } else {
                self.peaks().forget(stream);
            }
        }
        Ok(greatest_milli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

    #[test]
    fn the_greatest_load_is_known_for_thirty_days() {
        let mut peaks = Peaks::new(StreamId(1));
        peaks.note(9_000, 5);
        peaks.note(5_000, 3 * DAY_MS);
        assert_eq!(peaks.greatest_milli(), 9_000);
        peaks.note(0, 30 * DAY_MS - 1);
        assert_eq!(peaks.greatest_milli(), 9_000);
        peaks.note(0, 30 * DAY_MS);
        assert_eq!(peaks.greatest_milli(), 5_000);
        peaks.note(0, 33 * DAY_MS);
        assert_eq!(peaks.greatest_milli(), 0);
    }

    #[test]
    fn only_what_matters_is_worth_storing() {
        let mut peaks = Peaks::new(StreamId(1));
        assert!(!peaks.note(2_000, 0));
        assert!(peaks.note(8_000, 1));
        assert!(!peaks.note(8_000, 2) && !peaks.note(9_000, 3) && !peaks.note(100, 4));
        assert!(peaks.note(9_001, 5));
        assert!(peaks.note(3_000, DAY_MS) && !peaks.note(3_000, DAY_MS + 1));
    }

    #[test]
    fn peaks_survive_their_json() {
        let mut peaks = Peaks::new(StreamId(7));
        peaks.note(9_000, 2 * DAY_MS);
        let json = serde_json::to_string(&peaks).unwrap();
        assert_eq!(json, r#"{"stream":7,"days":{"2":9000}}"#);
        let read: Peaks = serde_json::from_str(&json).unwrap();
        assert_eq!((read.stream, read.days), (peaks.stream, peaks.days));
    }
}
