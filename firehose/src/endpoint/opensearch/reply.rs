//! The answer to a bulk request.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

/// The most results of an answer: no request has more documents.
pub(super) const ITEMS_MAX: usize = 5_000;

/// What came of one document.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "_id", borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) status: u16,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Item<'_> {
    /// What the cluster says, as JSON.
    pub(super) fn error(&self) -> &str {
        self.error.map(RawValue::get).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, deserialize_with = "bounded")]
    items: Vec<Operation<'a>>,
}

#[derive(Deserialize)]
struct Operation<'a> {
    #[serde(borrow)]
    index: Item<'a>,
}

/// Reads the results of a bulk request, in its order.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn read_items(body: &[u8]) -> Result<Vec<Item<'_>>, String> {
    let reply: Reply<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(reply.items.into_iter().map(|operation| operation.index).collect())
}

/// Reads a list that is no longer than it may be: a result takes many times the memory of its shortest text.
fn bounded<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Operation<'a>>, D::Error> {
    struct Items<'a>(std::marker::PhantomData<&'a ()>);

    impl<'de: 'a, 'a> Visitor<'de> for Items<'a> {
        type Value = Vec<Operation<'a>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {ITEMS_MAX} results")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = list.next_element()? {
                if items.len() == ITEMS_MAX {
                    return Err(A::Error::invalid_length(ITEMS_MAX + 1, &self as &dyn de::Expected));
                }
                items.push(item);
            }
            Ok(items)
        }
    }

    deserializer.deserialize_seq(Items(std::marker::PhantomData))
}
