//! What is being done to a partition, as it stands in the catalog while it is done.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use shard_store::catalog::Catalog;
use shard_store::error::CatalogError;
use uuid::Uuid;

use super::ledger::{self, Format, LandedObject};
use crate::definition::ObjectCompression;

/// Objects that are merged at a time: each is an open mapping.
pub(super) const INPUTS_MAX: usize = 500;

/// What is being done to a partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Work {
    /// Small objects become one.
    Merge(Merge),
    /// Its manifest and its marker are put.
    Close(Closing),
}

/// Small objects become one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Merge {
    pub(super) inputs: Vec<LandedObject>,
    /// The key of what they become.
    pub(super) output_key: String,
    /// It is in place, and in the ledger in place of the inputs, which are to be removed.
    pub(super) is_stored: bool,
}

/// A manifest and a marker are put.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Closing {
    pub(super) objects: Vec<LandedObject>,
    /// Counts the manifests of the folder, from 1.
    pub(super) manifest_number: u32,
}

pub(super) fn work_key(id: &str) -> String {
    format!("delivery/partition-work/{id}")
}

/// The keys of all that is in the catalog about the partitions of a delivery stream.
///
/// # Errors
/// The catalog cannot be read.
pub(crate) fn catalog_keys(catalog: &dyn Catalog, id: &str) -> Result<Vec<String>, CatalogError> {
    let mut keys = ledger::row_keys(catalog, id)?;
    keys.push(work_key(id));
    Ok(keys)
}

/// When small objects are merged.
#[derive(Clone, Copy, Debug)]
pub(super) struct MergeRule {
    pub(super) below_bytes: u64,
    pub(super) to_bytes: u64,
}

impl MergeRule {
    /// Whether an object is one of those that are merged.
    pub(super) fn applies_to(self, object: &LandedObject) -> bool {
        object.byte_count < self.below_bytes && !object.is_final && is_mergeable(object.format)
    }

    /// The next objects of a partition to merge: of one format, the oldest first, as many as make a large one.
    pub(super) fn plan(self, objects: &[LandedObject]) -> Option<Merge> {
        let mut small: Vec<&LandedObject> = objects.iter().filter(|object| self.applies_to(object)).collect();
        small.sort_by(|a, b| (a.format, &a.key).cmp(&(b.format, &b.key)));
        small.chunk_by(|a, b| a.format == b.format).filter(|alike| alike.len() > 1).find_map(|alike| {
            let mut byte_count = 0;
            let chosen = alike.iter().take(INPUTS_MAX).take_while(|object| {
                let has_room = byte_count < self.to_bytes;
                byte_count += object.byte_count;
                has_room
            });
            let inputs: Vec<LandedObject> = chosen.map(|object| (*object).clone()).collect();
            let output_key = output_key(&inputs)?;
            (inputs.len() > 1).then_some(Merge { inputs, output_key, is_stored: false })
        })
    }
}

/// Whether objects of a format can be merged. Streams of all compressions but ZIP may follow one another.
fn is_mergeable(format: Format) -> bool {
    format != Format::Plain(ObjectCompression::Zip)
}

/// The key of what objects become: that of the first one with another UUID, which follows from all of their keys.
fn output_key(inputs: &[LandedObject]) -> Option<String> {
    let mut hash = Md5::new();
    for input in inputs {
        hash.update(&input.bucket);
        hash.update(b"/");
        hash.update(&input.key);
        hash.update(b"\0");
    }
    let unique = uuid::Builder::from_md5_bytes(hash.finalize().into()).into_uuid();
    let first = inputs.first()?;
    let name_from = first.folder().len();
    let length = uuid::fmt::Hyphenated::LENGTH;
    let is_uuid = |from: &usize| first.key.get(*from..from + length).is_some_and(|text| text.parse::<Uuid>().is_ok());
    Some(match (name_from..first.key.len()).rev().find(is_uuid) {
        Some(from) => format!("{}{unique}{}", first.key.get(..from)?, first.key.get(from + length..)?),
        None => format!("{}{unique}-{}", first.folder(), first.key.get(name_from..)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, byte_count: u64) -> LandedObject {
        LandedObject {
            bucket: "lake".to_owned(),
            key: format!("a/b/{name}"),
            end_ms: 0,
            byte_count,
            record_count: 1,
            format: Format::Parquet,
            is_final: false,
        }
    }

    const RULE: MergeRule = MergeRule { below_bytes: 10, to_bytes: 20 };

    fn keys(merge: &Merge) -> Vec<&str> {
        merge.inputs.iter().map(|input| input.key.as_str()).collect()
    }

    #[test]
    fn small_objects_are_merged_until_they_are_large_enough() {
        let objects = [object("d", 9), object("a", 9), object("c", 9), object("b", 10), object("e", 9)];
        assert_eq!(keys(&RULE.plan(&objects).unwrap()), ["a/b/a", "a/b/c", "a/b/d"]);
        assert!(RULE.plan(&objects[3..]).is_none(), "one small object is left as it is");
    }

    #[test]
    fn what_cannot_be_merged_is_left_alone() {
        let zip = |name| LandedObject { format: Format::Plain(ObjectCompression::Zip), ..object(name, 1) };
        let gzip = LandedObject { format: Format::Plain(ObjectCompression::Gzip), ..object("c", 1) };
        let fin = LandedObject { is_final: true, ..object("d", 1) };
        assert!(RULE.plan(&[zip("a"), zip("b"), gzip, fin, object("e", 1)]).is_none());
    }

    #[test]
    fn the_name_of_a_merged_object_follows_from_those_it_replaces() {
        let named = |unique: &str| object(&format!("clicks-1-2026-11-23-20-00-00-{unique}.parquet"), 1);
        let (a, b) = (named("5f0c8f4e-3c5e-4a58-9f43-7c6a3b2f1d00"), named("6f0c8f4e-3c5e-4a58-9f43-7c6a3b2f1d00"));
        let key = RULE.plan(&[a.clone(), b.clone()]).unwrap().output_key;
        assert_eq!(RULE.plan(&[b.clone(), a.clone()]).unwrap().output_key, key);
        assert!(key.starts_with("a/b/clicks-1-2026-11-23-20-00-00-") && key.ends_with(".parquet"), "{key}");
        assert!(key.len() == a.key.len() && key != a.key && key != b.key);
        let plain = RULE.plan(&[object("x", 1), object("y", 1)]).unwrap().output_key;
        assert!(plain.starts_with("a/b/") && plain.ends_with("-x"), "{plain}");
    }
}
