//! Manifests, which list data files, and manifest lists, which list the manifests of a snapshot: Avro files.
//!
//! Source: Apache Iceberg, "Table Spec", "Manifests" and "Snapshots", version 2.

use std::collections::HashMap;

use apache_avro::types::Value;
use apache_avro::{Codec, DeflateSettings, Reader, Schema, Writer};
use serde_json::json;
use uuid::Uuid;

use super::data::{DataFile, PartitionValue};
use super::failure::Failure;
use super::layout::Layout;
use super::metadata::{Added, Metadata, Snapshot};

/// Manifests in one list, at most: bounds what is read of the table.
const MANIFESTS_MAX: usize = 200_000;

/// Names that others give, or gave, to members of a manifest list.
const ALIASES: [(&str, &str); 3] = [
    ("added_data_files_count", "added_files_count"),
    ("existing_data_files_count", "existing_files_count"),
    ("deleted_data_files_count", "deleted_files_count"),
];

const MANIFEST_LIST: &str = include_str!("manifest_list.avsc");

/// A manifest that is in place.
pub(super) struct Manifest {
    pub(super) location: String,
    pub(super) byte_count: usize,
    pub(super) added: Added,
}

/// A manifest of data files that are added. The same files give the same bytes for the same `batch`.
pub(super) fn manifest(
    files: &[(String, DataFile)],
    layout: &Layout,
    metadata: &Metadata,
    batch: Uuid,
) -> Result<Vec<u8>, Failure> {
    let schema = Schema::parse(&manifest_schema(layout))?;
    let spec = metadata.spec()?;
    let text = |value: String| Value::Bytes(value.into_bytes());
    let header = HashMap::from([
        ("schema".to_owned(), text(metadata.schema(layout.schema_id)?.to_string())),
        ("schema-id".to_owned(), text(layout.schema_id.to_string())),
        ("partition-spec".to_owned(), text(json!(spec.fields).to_string())),
        ("partition-spec-id".to_owned(), text(spec.spec_id.to_string())),
        ("format-version".to_owned(), text("2".to_owned())),
        ("content".to_owned(), text("data".to_owned())),
    ]);
    let mut writer = writer(&schema, batch, header)?;
    for (location, file) in files {
        let names = layout.partitions.iter().enumerate().map(|(at, _)| format!("p{at}"));
        let partition = names.zip(file.partition.iter().map(partition_value)).collect();
        let data_file = record([
            ("content", Value::Int(0)),
            ("file_path", Value::String(location.clone())),
            ("file_format", Value::String("PARQUET".to_owned())),
            ("partition", Value::Record(partition)),
            ("record_count", Value::Long(count(file.row_count))),
            ("file_size_in_bytes", Value::Long(count(file.body.len() as u64))),
        ]);
        // The snapshot and the sequence numbers are inherited from the manifest list.
        let null = || Value::Union(0, Box::new(Value::Null));
        writer.append_value(record([
            ("status", Value::Int(1)),
            ("snapshot_id", null()),
            ("sequence_number", null()),
            ("file_sequence_number", null()),
            ("data_file", data_file),
        ]))?;
    }
    Ok(writer.into_inner()?)
}

/// The schema of a manifest's entries, whose partition member depends on the table. Its members are found by their ids.
fn manifest_schema(layout: &Layout) -> serde_json::Value {
    let partition: Vec<serde_json::Value> = layout
        .partitions
        .iter()
        .enumerate()
        .map(|(at, partition)| {
            use crate::schema::Type;
            let kind = match layout.schema.fields.get(partition.column).map(|field| &field.kind) {
                Some(Type::Boolean) => json!("boolean"),
                Some(Type::Int) => json!("int"),
                Some(Type::BigInt) => json!("long"),
                Some(Type::Date) => json!({"type": "int", "logicalType": "date"}),
                _ => json!("string"),
            };
            // Names of partitions may be none in Avro.
            json!({"name": format!("p{at}"), "type": ["null", kind], "default": null, "field-id": partition.field_id})
        })
        .collect();
    let optional =
        |name: &str, id: i32| json!({"name": name, "type": ["null", "long"], "default": null, "field-id": id});
    json!({"type": "record", "name": "manifest_entry", "fields": [
        {"name": "status", "type": "int", "field-id": 0},
        optional("snapshot_id", 1),
        optional("sequence_number", 3),
        optional("file_sequence_number", 4),
        {"name": "data_file", "field-id": 2, "type": {"type": "record", "name": "r2", "fields": [
            {"name": "content", "type": "int", "field-id": 134},
            {"name": "file_path", "type": "string", "field-id": 100},
            {"name": "file_format", "type": "string", "field-id": 101},
            {"name": "partition", "field-id": 102, "type": {"type": "record", "name": "r102", "fields": partition}},
            {"name": "record_count", "type": "long", "field-id": 103},
            {"name": "file_size_in_bytes", "type": "long", "field-id": 104}
        ]}}
    ]})
}

fn partition_value(value: &PartitionValue) -> Value {
    let some = |value| Value::Union(1, Box::new(value));
    match value {
        PartitionValue::Null => Value::Union(0, Box::new(Value::Null)),
        PartitionValue::Boolean(value) => some(Value::Boolean(*value)),
        PartitionValue::Int(value) => some(Value::Int(*value)),
        PartitionValue::Long(value) => some(Value::Long(*value)),
        PartitionValue::Date(days) => some(Value::Date(*days)),
        PartitionValue::Text(text) => some(Value::String(text.clone())),
    }
}

/// The list of a snapshot: what its parent's list `before` has, and one manifest more.
pub(super) fn manifest_list(
    before: Option<&[u8]>,
    added: &Manifest,
    snapshot: &Snapshot,
    spec_id: i32,
    batch: Uuid,
) -> Result<Vec<u8>, Failure> {
    let schema = Schema::parse_str(MANIFEST_LIST)?;
    let text = |value: String| Value::Bytes(value.into_bytes());
    let parent = snapshot.parent_snapshot_id.map_or_else(|| "null".to_owned(), |id| id.to_string());
    let header = HashMap::from([
        ("snapshot-id".to_owned(), text(snapshot.snapshot_id.to_string())),
        ("parent-snapshot-id".to_owned(), text(parent)),
        ("sequence-number".to_owned(), text(snapshot.sequence_number.to_string())),
        ("format-version".to_owned(), text("2".to_owned())),
    ]);
    let mut writer = writer(&schema, batch, header)?;
    let small = |count: u64| Value::Int(i32::try_from(count).unwrap_or(i32::MAX));
    writer.append_value(record([
        ("manifest_path", Value::String(added.location.clone())),
        ("manifest_length", Value::Long(count(added.byte_count as u64))),
        ("partition_spec_id", Value::Int(spec_id)),
        ("content", Value::Int(0)),
        ("sequence_number", Value::Long(snapshot.sequence_number)),
        ("min_sequence_number", Value::Long(snapshot.sequence_number)),
        ("added_snapshot_id", Value::Long(snapshot.snapshot_id)),
        ("added_files_count", small(added.added.files)),
        ("existing_files_count", Value::Int(0)),
        ("deleted_files_count", Value::Int(0)),
        ("added_rows_count", Value::Long(count(added.added.records))),
        ("existing_rows_count", Value::Long(0)),
        ("deleted_rows_count", Value::Long(0)),
        ("partitions", Value::Union(0, Box::new(Value::Null))),
        ("key_metadata", Value::Union(0, Box::new(Value::Null))),
    ]))?;
    if let Some(before) = before {
        for (at, entry) in Reader::new(before)?.enumerate() {
            if at >= MANIFESTS_MAX {
                return Err(Failure::Table(format!("The table has more than {MANIFESTS_MAX} manifests.")));
            }
            writer.append_value(renamed(entry?).resolve(&schema)?)?;
        }
    }
    Ok(writer.into_inner()?)
}

/// An entry with the names that version 2 gives to its members.
fn renamed(entry: Value) -> Value {
    let Value::Record(mut members) = entry else { return entry };
    for (name, _) in &mut members {
        if let Some((_, now)) = ALIASES.iter().find(|(before, _)| before == name) {
            *name = (*now).to_owned();
        }
    }
    Value::Record(members)
}

fn writer(schema: &Schema, batch: Uuid, header: HashMap<String, Value>) -> Result<Writer<'_, Vec<u8>>, Failure> {
    // The marker between blocks is the batch's, so that the file is the same whenever it is made.
    let writer = Writer::builder()
        .schema(schema)
        .writer(Vec::new())
        .codec(Codec::Deflate(DeflateSettings::default()))
        .marker(batch.into_bytes())
        .user_metadata(header);
    Ok(writer.build()?)
}

fn record<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Record(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
