//! [`SigningKeys`]: derived keys, remembered.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};

use super::TERMINATOR;

/// How many derived keys are remembered: one for each access key, day, region and service in use.
const KEYS_MAX: usize = 256;

/// Derives the key that signs for one day, region and service.
pub(super) fn derive(secret_access_key: &str, date: &str, region: &str, service: &str) -> Key {
    let secret = [b"AWS4", secret_access_key.as_bytes()].concat();
    let mut key = Key::new(HMAC_SHA256, &secret);
    for part in [date, region, service, TERMINATOR] {
        key = Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}

/// Remembers derived keys, so that a verification costs one HMAC and not five.
///
/// One of these belongs to one fixed set of credentials: an access key id must not change its secret under it.
#[derive(Debug, Default)]
pub struct SigningKeys {
    /// By `access key id/date/region/service/aws4_request`.
    by_credential: RwLock<HashMap<String, Key>>,
}

impl SigningKeys {
    /// The key remembered for a credential.
    pub(super) fn get(&self, credential: &str) -> Option<Key> {
        self.by_credential.read().unwrap_or_else(PoisonError::into_inner).get(credential).cloned()
    }

    /// Remembers a key. Only keys that a signature has proved are worth remembering, so that nobody else can fill this.
    pub(super) fn remember(&self, credential: &str, key: Key) {
        let mut keys = self.by_credential.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS_MAX {
            // Yesterday's keys are of no more use, and today's are derived again within microseconds.
            keys.clear();
        }
        keys.insert(credential.to_owned(), key);
    }
}
