//! Manifests: all objects of a partition, as COPY of Redshift reads them.
//!
//! Source: Redshift Database Developer Guide, "Using a manifest to specify data files" (`url`, `mandatory`) and "Loading
//! data from Amazon S3 with columnar formats" (`meta.content_length`, which Parquet needs).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Bytes of a manifest that is read back to be added to: some hundred thousand objects. Ours.
pub(super) const MANIFEST_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// All objects of a partition.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    url: String,
    mandatory: bool,
    meta: Meta,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    content_length: u64,
}

impl Manifest {
    /// Adds objects, given by URL and size. One that is there already is replaced.
    pub(super) fn extend(&mut self, objects: impl IntoIterator<Item = (String, u64)>) {
        let mut entries: BTreeMap<String, Entry> =
            std::mem::take(&mut self.entries).into_iter().map(|entry| (entry.url.clone(), entry)).collect();
        for (url, content_length) in objects {
            entries.insert(url.clone(), Entry { url, mandatory: true, meta: Meta { content_length } });
        }
        self.entries = entries.into_values().collect();
    }
}

/// The key of the manifest number `number` of a folder, from 1.
pub(super) fn key(folder: &str, number: u32) -> String {
    match number {
        1 => format!("{folder}_manifest.json"),
        _ => format!("{folder}_manifest-{number}.json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_what_copy_reads_and_names_each_object_once() {
        let mut manifest = Manifest::default();
        manifest.extend([("s3://lake/b".to_owned(), 2), ("s3://lake/a".to_owned(), 1)]);
        manifest.extend([("s3://lake/a".to_owned(), 1)]);
        let text = serde_json::to_string(&manifest).unwrap();
        let entry = |name: &str, length: u64| {
            format!(r#"{{"url":"s3://lake/{name}","mandatory":true,"meta":{{"content_length":{length}}}}}"#)
        };
        assert_eq!(text, format!(r#"{{"entries":[{},{}]}}"#, entry("a", 1), entry("b", 2)));
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    }

    #[test]
    fn manifests_are_named_so_that_readers_of_tables_pass_over_them() {
        assert_eq!([key("a/", 1), key("", 2)], ["a/_manifest.json", "_manifest-2.json"]);
    }
}
