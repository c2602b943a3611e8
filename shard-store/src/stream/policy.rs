//! Resource policies of streams and consumers: texts to this crate, which a front door reads.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::consumer::ConsumerKey;
use super::definition::StreamKey;
use super::error::ChangeError;
use super::registry::Streams;
use super::snapshot::Stream;

/// A text that is kept with a resource, and beside it what its reader has made of it. Cheap to clone.
#[derive(Clone)]
pub struct PolicyText(Arc<Kept>);

struct Kept {
    text: String,
    read: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl PolicyText {
    /// Keeps a text.
    pub fn new(text: String) -> Self {
        Self(Arc::new(Kept { text, read: OnceLock::new() }))
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What `read` makes of the text; it is asked once. `None` where others made another type of it.
    pub fn read_once<T: Any + Send + Sync>(&self, read: impl FnOnce(&str) -> T) -> Option<&T> {
        self.0.read.get_or_init(|| Box::new(read(&self.0.text))).downcast_ref()
    }
}

impl PartialEq for PolicyText {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for PolicyText {}

impl fmt::Debug for PolicyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl Serialize for PolicyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PolicyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl Streams {
    /// Puts a policy upon a stream, in the place of the one it has, or takes that away. Blocks on the disk.
    ///
    /// # Errors
    /// `NotFound` or `Catalog`; nothing is changed then.
    pub fn set_policy(&self, key: &StreamKey, policy: Option<PolicyText>) -> Result<Arc<Stream>, ChangeError> {
        self.change(key, |facts, _| {
            facts.policy = policy;
            Ok(())
        })
    }

    /// As [`Streams::set_policy`], of a consumer. Blocks on the disk.
    ///
    /// # Errors
    /// `ConsumerNotFound`, `NotFound` or `Catalog`; nothing is changed then.
    pub fn set_consumer_policy(
        &self,
        key: &ConsumerKey,
        policy: Option<PolicyText>,
    ) -> Result<Arc<Stream>, ChangeError> {
        self.change_consumer(key, |consumer| {
            consumer.policy = policy;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_for_all_its_clones() {
        let policy = PolicyText::new("seven".to_owned());
        let clone = policy.clone();
        assert_eq!(policy.read_once(str::len), Some(&5));
        assert_eq!(clone.read_once(|_| 9_usize), Some(&5));
        assert_eq!(policy.read_once(str::to_owned), None);
    }

    #[test]
    fn a_text_is_stored_as_it_is() {
        let policy = PolicyText::new("{\"a\": 1}".to_owned());
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(json, r#""{\"a\": 1}""#);
        assert_eq!(serde_json::from_str::<PolicyText>(&json).unwrap(), policy);
    }
}
