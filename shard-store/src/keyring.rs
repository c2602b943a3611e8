//! The keyring: the keys that records are encrypted with at rest, in one JSON file.
//!
//! A **key** has an id and perhaps an alias, as in AWS KMS, and **versions**: rotating it adds one, which encrypts from the
//! next segment on, while the older ones keep decrypting what they encrypted. A frame names the version, never the material.
//! From a version's material each segment has a key of its own, derived by HKDF-SHA256 from the log's id and the segment's
//! nonce; within a segment a frame's first ordinal is the nonce of AES-256-GCM, so none is ever used twice.
//!
//! The file is readable by its owner alone. Whoever has it and the data has the records; without it they are lost. It may
//! lie on another disk than the data. It is read again when a key or a version is not known, so keys that another process
//! adds are found.
//!
//! What it does not do: it is no key management service; there are no grants, policies or scheduled deletions.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use serde::{Deserialize, Serialize};

use crate::error::{KeyError, StorageError};
use crate::sync::RwLock;

/// The alias of the key that is made when it is first asked for, as AWS makes its managed key.
///
/// Source: Kinesis Data Streams API Reference, "StartStreamEncryption".
pub const MANAGED_ALIAS: &str = "alias/aws/kinesis";

/// As [`MANAGED_ALIAS`], for the logs of delivery streams whose key AWS would own.
///
/// Source: Firehose API Reference, "DeliveryStreamEncryptionConfigurationInput".
pub const DELIVERY_ALIAS: &str = "alias/aws/firehose";

const MATERIAL_BYTES: usize = 32;

/// Names a key, or a version of one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 16]);

impl KeyId {
    fn random() -> Result<Self, KeyError> {
        let mut bytes = [0; 16];
        fill(&mut bytes)?;
        // The version and variant bits of a random UUID.
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        Ok(Self(bytes))
    }

    /// The id in a frame's header.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As in a frame's header.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        let field = |shift: u32, bits: u32| (number >> shift) & ((1 << bits) - 1);
        let [a, b, c, d, e] = [field(96, 32), field(80, 16), field(64, 16), field(48, 16), field(0, 48)];
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "a key id is a UUID";
        let digits: String = text.chars().filter(|digit| *digit != '-').collect();
        let number = u128::from_str_radix(&digits, 16).map_err(|_| WRONG)?;
        let id = Self(number.to_be_bytes());
        if digits.len() == 32 && id.to_string() == text.to_lowercase() { Ok(id) } else { Err(WRONG) }
    }
}

/// A key as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    /// The key's id.
    pub id: KeyId,
    /// Its alias, `alias/…`.
    pub alias: Option<String>,
    /// How many versions it has.
    pub version_count: usize,
}

#[derive(Clone, Serialize, Deserialize)]
struct Key {
    id: KeyId,
    alias: Option<String>,
    /// Oldest first; the last one encrypts.
    versions: Vec<Version>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Version {
    id: KeyId,
    /// Base64.
    material: String,
}

impl Version {
    fn random() -> Result<Self, KeyError> {
        let mut material = [0; MATERIAL_BYTES];
        fill(&mut material)?;
        Ok(Self { id: KeyId::random()?, material: base64_simd::STANDARD.encode_to_string(material) })
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

impl Keys {
    /// Finds a key by id, alias, or the ARN of either.
    fn find(&self, name: &str) -> Option<&Key> {
        let name = match name.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)) {
            Some(resource) => resource.strip_prefix("key/").unwrap_or(resource),
            None => name,
        };
        self.keys.iter().find(|key| key.alias.as_deref() == Some(name) || key.id.to_string() == name)
    }

    fn version(&self, id: KeyId) -> Option<&Version> {
        self.keys.iter().flat_map(|key| &key.versions).find(|version| version.id == id)
    }
}

/// The keys in a file.
pub struct Keyring {
    path: PathBuf,
    keys: RwLock<Keys>,
}

impl Keyring {
    /// Opens the keyring at `path`. A file that is not there holds no keys.
    ///
    /// # Errors
    /// `Storage` if the file cannot be read, `Unreadable` if it is not a keyring.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        Ok(Self { path: path.to_owned(), keys: RwLock::new(read(path)?) })
    }

    /// All keys.
    pub fn list(&self) -> Vec<KeySummary> {
        let summary =
            |key: &Key| KeySummary { id: key.id, alias: key.alias.clone(), version_count: key.versions.len() };
        self.keys.read().keys.iter().map(summary).collect()
    }

    /// The id of the key with this id, alias (`alias/…`) or ARN of either. The managed keys, [`MANAGED_ALIAS`] and
    /// [`DELIVERY_ALIAS`], are made if they are not there yet. It blocks on the disk.
    ///
    /// # Errors
    /// `NotFound`, `Storage` or `Unreadable`.
    pub fn resolve(&self, name: &str) -> Result<KeyId, KeyError> {
        self.reload()?;
        if let Some(key) = self.keys.read().find(name) {
            return Ok(key.id);
        }
        let is_named = |alias: &&str| name == *alias || name.ends_with(&format!(":{alias}"));
        match [MANAGED_ALIAS, DELIVERY_ALIAS].into_iter().find(is_named) {
            Some(alias) => self.create(Some(alias)),
            None => Err(KeyError::NotFound { name: name.to_owned() }),
        }
    }

    /// Makes a key. It blocks on the disk.
    ///
    /// # Errors
    /// `AliasInUse`, `Storage` or `Unreadable`.
    pub fn create(&self, alias: Option<&str>) -> Result<KeyId, KeyError> {
        let key = Key { id: KeyId::random()?, alias: alias.map(str::to_owned), versions: vec![Version::random()?] };
        let id = key.id;
        self.change(|keys| match alias.filter(|alias| keys.find(alias).is_some()) {
            Some(alias) => Err(KeyError::AliasInUse { alias: alias.to_owned() }),
            None => {
                keys.keys.push(key);
                Ok(id)
            }
        })
    }

    /// Adds a version to the key with this id, alias or ARN; it encrypts from the next segment on. It blocks on the disk.
    ///
    /// # Errors
    /// `NotFound`, `Storage` or `Unreadable`.
    pub fn rotate(&self, name: &str) -> Result<KeyId, KeyError> {
        let version = Version::random()?;
        self.change(|keys| {
            let id = keys.find(name).map(|key| key.id).ok_or_else(|| KeyError::NotFound { name: name.to_owned() })?;
            if let Some(key) = keys.keys.iter_mut().find(|key| key.id == id) {
                key.versions.push(version);
            }
            Ok(id)
        })
    }

    /// The newest version of a key.
    ///
    /// # Errors
    /// `NotFound`, `Storage` or `Unreadable`.
    pub(crate) fn newest_version(&self, key: KeyId) -> Result<KeyId, KeyError> {
        self.reload()?;
        let keys = self.keys.read();
        let found = keys.keys.iter().find(|found| found.id == key).and_then(|key| key.versions.last());
        found.map(|version| version.id).ok_or_else(|| KeyError::NotFound { name: key.to_string() })
    }

    /// The key of one segment.
    ///
    /// # Errors
    /// `NotFound` names the version that is missing; `Storage` or `Unreadable` if the file cannot be read again.
    pub(crate) fn segment_key(&self, version: KeyId, log_id: u64, nonce: u64) -> Result<LessSafeKey, KeyError> {
        if self.keys.read().version(version).is_none() {
            self.reload()?;
        }
        let keys = self.keys.read();
        let found = keys.version(version).ok_or_else(|| KeyError::NotFound { name: version.to_string() })?;
        let unreadable = |reason: &str| KeyError::Unreadable { path: self.path.clone(), reason: reason.to_owned() };
        let material = base64_simd::STANDARD
            .decode_to_vec(&found.material)
            .ok()
            .filter(|material| material.len() == MATERIAL_BYTES)
            .ok_or_else(|| unreadable(&format!("the material of version {version} is not 32 bytes of base64")))?;
        derive(&material, log_id, nonce).ok_or_else(|| unreadable("a key cannot be derived"))
    }

    fn reload(&self) -> Result<(), KeyError> {
        let found = read(&self.path)?;
        *self.keys.write() = found;
        Ok(())
    }

    /// Changes what the file holds now, not what this process remembers of it.
    fn change<T>(&self, change: impl FnOnce(&mut Keys) -> Result<T, KeyError>) -> Result<T, KeyError> {
        let mut remembered = self.keys.write();
        let mut keys = read(&self.path)?;
        let changed = change(&mut keys)?;
        write(&self.path, &keys).map_err(|error| StorageError::new("write the keyring", &self.path, error))?;
        *remembered = keys;
        Ok(changed)
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), KeyError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| KeyError::NoRandomness)
}

fn read(path: &Path) -> Result<Keys, KeyError> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| KeyError::Unreadable { path: path.to_owned(), reason: error.to_string() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Keys::default()),
        Err(error) => Err(StorageError::new("read the keyring", path, error).into()),
    }
}

/// Reads a keyring from arbitrary bytes and uses whatever is in it; for [`crate::fuzzing`].
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn check_reading(text: &[u8]) {
    let Ok(keys) = serde_json::from_slice::<Keys>(text) else { return };
    let stored = serde_json::to_vec(&keys).expect("a keyring has a form in JSON");
    assert_eq!(
        serde_json::to_vec(&serde_json::from_slice::<Keys>(&stored).expect("it is read again")).ok(),
        Some(stored)
    );
    let ring = Keyring { path: PathBuf::from("/nowhere/keyring.json"), keys: RwLock::new(keys.clone()) };
    for (key, summary) in keys.keys.iter().zip(ring.list()) {
        assert_eq!((key.id, key.versions.len()), (summary.id, summary.version_count));
        let _ = keys.find(key.alias.as_deref().unwrap_or("arn:aws:kms:::alias/none"));
        for version in &key.versions {
            let _ = ring.segment_key(version.id, 1, 2);
        }
    }
}

/// Replaces the file as a whole: a key that was used must not be lost with the power.
fn write(path: &Path, keys: &Keys) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let temporary = path.with_extension("tmp");
    let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(keys)?)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

struct Aes256;

impl KeyType for Aes256 {
    fn len(&self) -> usize {
        MATERIAL_BYTES
    }
}

fn derive(material: &[u8], log_id: u64, nonce: u64) -> Option<LessSafeKey> {
    let info = [log_id.to_le_bytes(), nonce.to_le_bytes()].concat();
    let mut key = [0; MATERIAL_BYTES];
    let extracted = Salt::new(HKDF_SHA256, b"headwater segment").extract(material);
    extracted.expand(&[&info], Aes256).ok()?.fill(&mut key).ok()?;
    UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_id_alias_and_arn_also_by_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        let (keyring, other) = (Keyring::open(&path).unwrap(), Keyring::open(&path).unwrap());
        let id = keyring.create(Some("alias/clicks")).unwrap();
        for name in [
            "alias/clicks".to_owned(),
            id.to_string(),
            format!("arn:aws:kms:us-east-1:000000000000:key/{id}"),
            "arn:aws:kms:us-east-1:000000000000:alias/clicks".to_owned(),
        ] {
            assert_eq!(other.resolve(&name).unwrap(), id, "{name}");
        }
        assert!(matches!(other.resolve("alias/other"), Err(KeyError::NotFound { name }) if name == "alias/other"));
        assert!(matches!(other.create(Some("alias/clicks")), Err(KeyError::AliasInUse { .. })));
    }

    #[test]
    fn the_managed_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let keyring = Keyring::open(&dir.path().join("keyring.json")).unwrap();
        let id = keyring.resolve(MANAGED_ALIAS).unwrap();
        assert_eq!(keyring.resolve(&format!("arn:aws:kms:eu-west-1:000000000000:{MANAGED_ALIAS}")).unwrap(), id);
        assert_eq!(keyring.list(), [KeySummary { id, alias: Some(MANAGED_ALIAS.to_owned()), version_count: 1 }]);
    }

    #[test]
    fn rotation_adds_a_version_and_keeps_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let keyring = Keyring::open(&dir.path().join("keyring.json")).unwrap();
        let id = keyring.create(Some("alias/a")).unwrap();
        let old = keyring.newest_version(id).unwrap();
        assert_eq!(keyring.rotate("alias/a").unwrap(), id);
        assert_ne!(keyring.newest_version(id).unwrap(), old);
        assert!(keyring.segment_key(old, 1, 2).is_ok());
    }

    #[test]
    fn the_file_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        Keyring::open(&path).unwrap().create(None).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_no_keyring_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        fs::write(&path, "{").unwrap();
        assert!(matches!(Keyring::open(&path), Err(KeyError::Unreadable { path: found, .. }) if found == path));
    }

    #[test]
    fn an_id_is_a_uuid_and_comes_back() {
        let id = KeyId::random().unwrap();
        assert_eq!(KeyId::try_from(id.to_string()), Ok(id));
        assert!(KeyId::try_from("1234".to_owned()).is_err());
    }
}
