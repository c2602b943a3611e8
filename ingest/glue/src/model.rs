//! Shapes of requests and answers, as botocore's model has them.
//!
//! Members that the model requires are optional here, so that the validator reports a missing one in AWS's words. What
//! describes a database or a table is stored as it was given, and told again. Members that are not acted on are read as
//! [`Refused`], so that their presence is seen and refused by name.

use std::collections::BTreeMap;
use std::fmt;

use ingest_core::Fault;
use ingest_wire::Timestamp;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::limits::LIST_MAX;

/// A member that is there but not acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// It holds something: neither nothing nor `false`.
    pub(crate) is_set: bool,
}

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RefusedVisitor)
    }
}

impl Serialize for Refused {
    /// It is never stored or told.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

struct RefusedVisitor;

impl<'de> Visitor<'de> for RefusedVisitor {
    type Value = Refused;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Refused, E> {
        Ok(Refused { is_set: value })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Refused, E> {
        Ok(Refused { is_set: true })
    }

    fn visit_u64<E>(self, _: u64) -> Result<Refused, E> {
        Ok(Refused { is_set: true })
    }

    fn visit_f64<E>(self, _: f64) -> Result<Refused, E> {
        Ok(Refused { is_set: true })
    }

    fn visit_str<E>(self, value: &str) -> Result<Refused, E> {
        Ok(Refused { is_set: !value.is_empty() })
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Refused, E> {
        Ok(Refused { is_set: !value.is_empty() })
    }

    fn visit_unit<E>(self) -> Result<Refused, E> {
        Ok(Refused { is_set: false })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Refused, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Refused, A::Error> {
        let mut is_set = false;
        while members.next_element::<IgnoredAny>()?.is_some() {
            is_set = true;
        }
        Ok(Refused { is_set })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Refused, A::Error> {
        let mut is_set = false;
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            is_set = true;
        }
        Ok(Refused { is_set })
    }
}

/// A list that is not longer than [`LIST_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(std::marker::PhantomData))
    }
}

struct ListVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {LIST_MAX} members")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(member) = members.next_element()? {
            if list.len() >= LIST_MAX {
                return Err(A::Error::custom(format_args!("the list has more than {LIST_MAX} members")));
            }
            list.push(member);
        }
        Ok(List(list))
    }
}

/// The names and values of parameters.
pub(crate) type Parameters = BTreeMap<String, String>;

/// Declares a structure whose members are all optional, and left out where they are not given.
macro_rules! shape {
    ($(#[$about:meta])* $name:ident { $($(#[$attribute:meta])* $member:ident: $kind:ty),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $name {
            $($(#[$attribute])* #[serde(default, skip_serializing_if = "Option::is_none")] pub(crate) $member: Option<$kind>,)*
        }
    };
}

shape!(
    /// What describes a database.
    DatabaseInput {
        name: String,
        description: String,
        location_uri: String,
        parameters: Parameters,
        create_table_default_permissions: List<PrincipalPermissions>,
        target_database: Refused,
        federated_database: Refused,
    }
);

shape!(PrincipalPermissions { principal: Principal, permissions: List<String> });

shape!(Principal { data_lake_principal_identifier: String });

shape!(
    /// What describes a table.
    TableInput {
        name: String,
        description: String,
        owner: String,
        last_access_time: Timestamp,
        last_analyzed_time: Timestamp,
        retention: i64,
        storage_descriptor: StorageDescriptor,
        partition_keys: List<Column>,
        view_original_text: String,
        view_expanded_text: String,
        table_type: String,
        parameters: Parameters,
        target_table: Refused,
        federated_table: Refused,
        view_definition: Refused,
    }
);

shape!(
    /// How a table is stored.
    StorageDescriptor {
        columns: List<Column>,
        location: String,
        additional_locations: List<String>,
        input_format: String,
        output_format: String,
        compressed: bool,
        number_of_buckets: i64,
        serde_info: SerdeInfo,
        bucket_columns: List<String>,
        sort_columns: List<Order>,
        parameters: Parameters,
        skewed_info: SkewedInfo,
        stored_as_sub_directories: bool,
        schema_reference: Refused,
    }
);

shape!(Column {
    name: String,
    #[serde(rename = "Type")]
    kind: String,
    comment: String,
    parameters: Parameters,
});

shape!(SerdeInfo { name: String, serialization_library: String, parameters: Parameters });

shape!(Order { column: String, sort_order: i64 });

shape!(SkewedInfo {
    skewed_column_names: List<String>,
    skewed_column_values: List<String>,
    skewed_column_value_location_maps: Parameters,
});

/// A database as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Database {
    #[serde(flatten)]
    pub(crate) input: DatabaseInput,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) create_time: Option<Timestamp>,
    pub(crate) catalog_id: String,
}

/// A table, or a version of one, as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Table {
    #[serde(flatten)]
    pub(crate) input: TableInput,
    pub(crate) database_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) create_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) update_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_by: Option<String>,
    pub(crate) is_registered_with_lake_formation: bool,
    pub(crate) catalog_id: String,
    pub(crate) version_id: String,
}

/// A version of a table as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableVersion {
    pub(crate) version_id: String,
    pub(crate) table: Table,
}

/// Why a member of a batch was not done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ErrorDetail {
    pub(crate) error_code: &'static str,
    pub(crate) error_message: String,
}

impl From<Fault> for ErrorDetail {
    fn from(fault: Fault) -> Self {
        Self { error_code: fault.code().name(), error_message: fault.message().to_owned() }
    }
}

/// An answer without members.
#[derive(Debug, Serialize)]
pub(crate) struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_member_is_seen_if_it_holds_something() {
        for text in ["true", "1", "-1", "1.5", r#""x""#, "[0]", r#"{"a":{}}"#] {
            assert!(serde_json::from_str::<Refused>(text).unwrap().is_set, "{text}");
        }
        for text in ["false", r#""""#, "[]", "{}"] {
            assert!(!serde_json::from_str::<Refused>(text).unwrap().is_set, "{text}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let of = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(serde_json::from_str::<List<Column>>(&of(LIST_MAX)).unwrap().0.len(), LIST_MAX);
        let error = serde_json::from_str::<List<Column>>(&of(LIST_MAX + 1)).unwrap_err().to_string();
        assert!(error.contains("more than 10000 members"), "{error}");
    }

    #[test]
    fn what_is_given_is_told_again_and_nothing_else() {
        let text = r#"{"Name":"t","Retention":0,"StorageDescriptor":{"Columns":[{"Name":"a","Type":"int","Parameters":{}}],"Compressed":false,"SerdeInfo":{"Parameters":{"k":"v"}},"SkewedInfo":{"SkewedColumnNames":[]}},"PartitionKeys":[],"Parameters":{"EXTERNAL":"TRUE"}}"#;
        let input: TableInput = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&input).unwrap(), text);
    }
}
