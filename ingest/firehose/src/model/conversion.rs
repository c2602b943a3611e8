//! Shapes of data format conversion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Unsupported;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DataFormatConversion {
    pub(crate) schema_configuration: Option<SchemaConfiguration>,
    pub(crate) input_format_configuration: Option<InputFormat>,
    pub(crate) output_format_configuration: Option<OutputFormat>,
    pub(crate) enabled: Option<bool>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SchemaConfiguration {
    #[serde(rename = "RoleARN")]
    pub(crate) role_arn: Option<String>,
    pub(crate) catalog_id: Option<String>,
    pub(crate) database_name: Option<String>,
    pub(crate) table_name: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) version_id: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InputFormat {
    pub(crate) deserializer: Option<Deserialiser>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Deserialiser {
    #[serde(rename = "OpenXJsonSerDe")]
    pub(crate) openx: Option<OpenXJson>,
    #[serde(rename = "HiveJsonSerDe")]
    pub(crate) hive: Option<HiveJson>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OpenXJson {
    pub(crate) convert_dots_in_json_keys_to_underscores: Option<bool>,
    pub(crate) case_insensitive: Option<bool>,
    pub(crate) column_to_json_key_mappings: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HiveJson {
    pub(crate) timestamp_formats: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OutputFormat {
    pub(crate) serializer: Option<Serialiser>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Serialiser {
    #[serde(rename = "ParquetSerDe")]
    pub(crate) parquet: Option<Parquet>,
    #[serde(rename = "OrcSerDe")]
    pub(crate) orc: Unsupported,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Parquet {
    pub(crate) block_size_bytes: Option<i64>,
    pub(crate) page_size_bytes: Option<i64>,
    pub(crate) compression: Option<String>,
    pub(crate) enable_dictionary_compression: Option<bool>,
    pub(crate) max_padding_bytes: Option<i64>,
    pub(crate) writer_version: Option<String>,
}
