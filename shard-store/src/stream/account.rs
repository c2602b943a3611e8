//! What an account has settled for all its streams in a region: one catalog record, `stream-account/ACCOUNT/REGION`.
//!
//! There is one setting, the commitment to a minimum throughput. What AWS bills for it has no meaning here; that its
//! on-demand streams may have more consumers and be kept warm has.

use serde::{Deserialize, Serialize};

use super::error::AccountError;
use super::limits::COMMITMENT_PERIOD_MIN;
use super::registry::Streams;
use crate::catalog::{self, Change};
use crate::error::CatalogError;

/// The settings of an account in a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// When the commitment last began, in milliseconds since the Unix epoch; none if there never was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_ms: Option<u64>,
    /// When it ends or ended, likewise; none while nobody has ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
}

impl AccountSettings {
    /// Whether the commitment holds.
    pub fn is_committed(&self, now_ms: u64) -> bool {
        self.committed_ms.is_some() && self.ended_ms.is_none_or(|ended_ms| now_ms < ended_ms)
    }

    /// When the commitment can end at the earliest, in milliseconds since the Unix epoch.
    pub fn earliest_end_ms(&self) -> Option<u64> {
        let period_ms = u64::try_from(COMMITMENT_PERIOD_MIN.as_millis()).unwrap_or(u64::MAX);
        Some(self.committed_ms?.saturating_add(period_ms))
    }

    /// These settings once the commitment is begun or ended.
    fn commit(self, is_committed: bool, now_ms: u64) -> Self {
        match (is_committed, self.is_committed(now_ms)) {
            // Also takes back that it is to end.
            (true, true) => Self { ended_ms: None, ..self },
            (true, false) => Self { committed_ms: Some(now_ms), ended_ms: None },
            (false, true) => {
                let ended_ms = self.ended_ms.or(self.earliest_end_ms().map(|earliest_ms| earliest_ms.max(now_ms)));
                Self { ended_ms, ..self }
            }
            (false, false) => self,
        }
    }
}

impl Streams {
    /// The settings of an account in a region. Blocks on the disk.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub fn account_settings(&self, account: &str, region: &str) -> Result<AccountSettings, CatalogError> {
        let settings = catalog::get(&**self.store().catalog(), &catalog_key(account, region))?;
        Ok(settings.unwrap_or_default())
    }

    /// Begins or ends the commitment of an account to a minimum throughput. Within its first day it ends with that.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// `KeptWarm` if a stream would have to be kept warm without a commitment; `Catalog` if the catalog cannot be read or
    /// changed. Nothing is changed then.
    pub fn commit_account(
        &self,
        account: &str,
        region: &str,
        is_committed: bool,
    ) -> Result<AccountSettings, AccountError> {
        let _control = self.take_control();
        let streams = self.list(account, region, None, usize::MAX);
        if let Some(warm) = streams.iter().find(|stream| !is_committed && stream.warm_mibps() > 0) {
            return Err(AccountError::KeptWarm { key: warm.key().clone() });
        }
        let settings = self.account_settings(account, region)?.commit(is_committed, self.clock().unix_millis());
        self.store().catalog().commit(&[Change::put(catalog_key(account, region), &settings)])?;
        Ok(settings)
    }
}

fn catalog_key(account: &str, region: &str) -> String {
    format!("stream-account/{account}/{region}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

    #[test]
    fn a_commitment_lasts_a_day_at_least() {
        let committed = AccountSettings::default().commit(true, 5);
        assert!(committed.is_committed(5) && committed.earliest_end_ms() == Some(5 + DAY_MS));
        let ending = committed.commit(false, 100);
        assert!(ending.is_committed(4 + DAY_MS) && !ending.is_committed(5 + DAY_MS));
        assert_eq!(ending.commit(true, 200), committed);
        assert_eq!(committed.commit(false, 9 + DAY_MS).ended_ms, Some(9 + DAY_MS));
        assert_eq!(ending.commit(true, 7 + DAY_MS).committed_ms, Some(7 + DAY_MS));
        assert_eq!(AccountSettings::default().commit(false, 5), AccountSettings::default());
    }
}
