//! The index, the id and the type of a document.

use chrono::DateTime;

use super::DocumentName;
use crate::definition::{self, IndexRotation};
use crate::record::Origin;

/// Names documents.
#[derive(Debug)]
pub(super) struct Naming {
    index: String,
    rotation: IndexRotation,
    type_name: Option<String>,
    /// What ids begin with; `None` if the cluster makes them.
    id_prefix: Option<String>,
}

impl Naming {
    /// The names that a delivery stream gives; its id keeps them apart from those of others that read the same source.
    pub(super) fn new(settings: &definition::OpenSearchEndpoint, delivery_stream_id: &str) -> Self {
        Self {
            index: settings.index.clone(),
            rotation: settings.rotation,
            type_name: settings.type_name.clone().filter(|name| !name.is_empty()),
            id_prefix: settings.has_document_id.then(|| delivery_stream_id.to_owned()),
        }
    }

    pub(super) fn document_name(&self, origin: &Origin) -> DocumentName {
        DocumentName {
            index: self.index_name(origin.arrival_ms),
            id: self.document_id(origin),
            type_name: self.type_name.clone(),
        }
    }

    /// The index for what arrived at a time, in UTC. Weeks are those of ISO 8601.
    pub(super) fn index_name(&self, arrival_ms: u64) -> String {
        let pattern = match self.rotation {
            IndexRotation::NoRotation => return self.index.clone(),
            IndexRotation::OneHour => "%Y-%m-%d-%H",
            IndexRotation::OneDay => "%Y-%m-%d",
            IndexRotation::OneWeek => "%G-w%V",
            IndexRotation::OneMonth => "%Y-%m",
        };
        let arrival = i64::try_from(arrival_ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        format!("{}-{}", self.index, arrival.format(pattern))
    }

    /// The id of the document of what came from a place: always the same.
    pub(super) fn document_id(&self, origin: &Origin) -> Option<String> {
        let prefix = self.id_prefix.as_ref()?;
        let sub = origin.sub.map(|sub| format!(".{sub}")).unwrap_or_default();
        Some(format!("{prefix}.{}.{}{sub}", origin.log.0, origin.ordinal))
    }

    /// Appends the line before a document.
    pub(super) fn append_action(&self, origin: &Origin, line: &mut Vec<u8>) {
        let DocumentName { index, id, type_name } = self.document_name(origin);
        let mut target = serde_json::Map::new();
        target.insert("_index".to_owned(), index.into());
        target.extend(type_name.map(|name| ("_type".to_owned(), name.into())));
        target.extend(id.map(|id| ("_id".to_owned(), id.into())));
        line.extend_from_slice(serde_json::json!({ "index": target }).to_string().as_bytes());
        line.push(b'\n');
    }

    /// The bytes of a document and its line, newlines included.
    pub(super) fn entry_bytes(&self, origin: &Origin, data: &[u8]) -> u64 {
        let mut action = Vec::with_capacity(256);
        self.append_action(origin, &mut action);
        (action.len() + data.len() + 1) as u64
    }
}
