//! Constraints that several operations share, and those of what describes databases and tables.
//!
//! The paths of a table's members begin with `table`, as Glue's own messages have it.

use std::fmt::Display;

use ingest_core::fault::glue;
use ingest_core::{Fault, Pattern, Validator};

use crate::limits::{
    COLUMN_TYPE_CHARS_MAX, COMMENT_CHARS_MAX, DESCRIPTION_CHARS_MAX, FORMAT_CHARS_MAX, INTEGER_MAX, LOCATION_CHARS_MAX,
    NAME_CHARS_MAX, PARAMETER_CHARS_MAX, TABLE_TYPE_CHARS_MAX, URI_CHARS_MAX, VIEW_CHARS_MAX,
};
use crate::model::{
    Column, DatabaseInput, List, Parameters, PrincipalPermissions, Refused, SerdeInfo, SkewedInfo, StorageDescriptor,
    TableInput,
};

/// Text without control characters but tabs.
pub(crate) const SINGLE_LINE: Pattern = Pattern {
    text: r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*",
    matches: |text| text.chars().all(is_printed),
};

/// Text without control characters but tabs and ends of lines.
pub(crate) const MULTI_LINE: Pattern = Pattern {
    text: r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*",
    matches: |text| text.chars().all(|c| is_printed(c) || c == '\r' || c == '\n'),
};

fn is_printed(c: char) -> bool {
    c == '\t' || (c >= ' ' && c != '\u{FFFE}' && c != '\u{FFFF}')
}

/// Who may do everything with a table unless Lake Formation says otherwise, as `CreateTableDefaultPermissions` has it.
pub(crate) const EVERYBODY: &str = "IAM_ALLOWED_PRINCIPALS";

/// What everybody may do.
pub(crate) const EVERYTHING: &str = "ALL";

const PERMISSIONS: &[&str] = &[
    EVERYTHING,
    "SELECT",
    "ALTER",
    "DROP",
    "DELETE",
    "INSERT",
    "CREATE_DATABASE",
    "CREATE_TABLE",
    "DATA_LOCATION_ACCESS",
];

/// A name, of one line.
pub(crate) fn name(validator: &mut Validator, path: impl Display, value: Option<&str>) {
    validator.member(path, value).length(1, NAME_CHARS_MAX).pattern(SINGLE_LINE);
}

/// A name, of one line, that must be there.
pub(crate) fn required_name(validator: &mut Validator, path: impl Display, value: Option<&str>) {
    validator.member(path, value).required().length(1, NAME_CHARS_MAX).pattern(SINGLE_LINE);
}

fn single_line(validator: &mut Validator, path: impl Display, value: Option<&str>, chars_max: usize) {
    validator.member(path, value).length(0, chars_max).pattern(SINGLE_LINE);
}

fn multi_line(validator: &mut Validator, path: impl Display, value: Option<&str>, chars_max: usize) {
    validator.member(path, value).length(0, chars_max).pattern(MULTI_LINE);
}

fn parameters(validator: &mut Validator, path: impl Display, parameters: Option<&Parameters>) {
    for (key, value) in parameters.into_iter().flatten() {
        name(validator, format_args!("{path}.key"), Some(key));
        validator.member(format_args!("{path}.value"), Some(value.as_str())).length(0, PARAMETER_CHARS_MAX);
    }
}

fn members<T>(list: Option<&List<T>>) -> impl Iterator<Item = (usize, &T)> {
    (1..).zip(list.into_iter().flat_map(|list| &list.0))
}

fn names(validator: &mut Validator, path: impl Display, list: Option<&List<String>>) {
    for (number, value) in members(list) {
        name(validator, format_args!("{path}.{number}.member"), Some(value));
    }
}

/// What describes a database.
pub(crate) fn database(validator: &mut Validator, path: &str, input: Option<&DatabaseInput>) {
    let Some(input) = input else {
        validator.member(path, None::<&str>).required();
        return;
    };
    required_name(validator, format_args!("{path}.name"), input.name.as_deref());
    let description = input.description.as_deref();
    multi_line(validator, format_args!("{path}.description"), description, DESCRIPTION_CHARS_MAX);
    let location = input.location_uri.as_deref();
    validator.member(format_args!("{path}.locationUri"), location).length(1, URI_CHARS_MAX).pattern(MULTI_LINE);
    parameters(validator, format_args!("{path}.parameters"), input.parameters.as_ref());
    for (number, granted) in members(input.create_table_default_permissions.as_ref()) {
        let path = format_args!("{path}.createTableDefaultPermissions.{number}.member");
        let principal = granted.principal.as_ref().and_then(|who| who.data_lake_principal_identifier.as_deref());
        let member = format_args!("{path}.principal.dataLakePrincipalIdentifier");
        validator.member(member, principal).length(1, NAME_CHARS_MAX);
        for (number, permission) in members(granted.permissions.as_ref()) {
            let path = format_args!("{path}.permissions.{number}.member");
            validator.member(path, Some(permission.as_str())).one_of(PERMISSIONS);
        }
    }
}

/// What describes a table.
pub(crate) fn table(validator: &mut Validator, path: &str, input: Option<&TableInput>) {
    let Some(input) = input else {
        validator.member(path, None::<&str>).required();
        return;
    };
    required_name(validator, format_args!("{path}.name"), input.name.as_deref());
    let description = input.description.as_deref();
    multi_line(validator, format_args!("{path}.description"), description, DESCRIPTION_CHARS_MAX);
    name(validator, format_args!("{path}.owner"), input.owner.as_deref());
    validator.member(format_args!("{path}.retention"), input.retention).range(0, INTEGER_MAX);
    if let Some(descriptor) = &input.storage_descriptor {
        storage(validator, format_args!("{path}.storageDescriptor"), descriptor);
    }
    columns(validator, format_args!("{path}.partitionKeys"), input.partition_keys.as_ref());
    for (member, text) in
        [("viewOriginalText", &input.view_original_text), ("viewExpandedText", &input.view_expanded_text)]
    {
        validator.member(format_args!("{path}.{member}"), text.as_deref()).length(0, VIEW_CHARS_MAX);
    }
    let table_type = input.table_type.as_deref();
    validator.member(format_args!("{path}.tableType"), table_type).length(0, TABLE_TYPE_CHARS_MAX);
    parameters(validator, format_args!("{path}.parameters"), input.parameters.as_ref());
}

fn columns(validator: &mut Validator, path: impl Display, list: Option<&List<Column>>) {
    for (number, column) in members(list) {
        let path = format_args!("{path}.{number}.member");
        required_name(validator, format_args!("{path}.name"), column.name.as_deref());
        single_line(validator, format_args!("{path}.type"), column.kind.as_deref(), COLUMN_TYPE_CHARS_MAX);
        single_line(validator, format_args!("{path}.comment"), column.comment.as_deref(), COMMENT_CHARS_MAX);
        parameters(validator, format_args!("{path}.parameters"), column.parameters.as_ref());
    }
}

fn storage(validator: &mut Validator, path: impl Display, descriptor: &StorageDescriptor) {
    columns(validator, format_args!("{path}.columns"), descriptor.columns.as_ref());
    multi_line(validator, format_args!("{path}.location"), descriptor.location.as_deref(), LOCATION_CHARS_MAX);
    for (number, location) in members(descriptor.additional_locations.as_ref()) {
        let path = format_args!("{path}.additionalLocations.{number}.member");
        multi_line(validator, path, Some(location), LOCATION_CHARS_MAX);
    }
    single_line(validator, format_args!("{path}.inputFormat"), descriptor.input_format.as_deref(), FORMAT_CHARS_MAX);
    single_line(validator, format_args!("{path}.outputFormat"), descriptor.output_format.as_deref(), FORMAT_CHARS_MAX);
    let buckets = descriptor.number_of_buckets;
    validator.member(format_args!("{path}.numberOfBuckets"), buckets).range(-INTEGER_MAX - 1, INTEGER_MAX);
    if let Some(SerdeInfo { name: given, serialization_library, parameters: all }) = &descriptor.serde_info {
        let path = format_args!("{path}.serdeInfo");
        name(validator, format_args!("{path}.name"), given.as_deref());
        name(validator, format_args!("{path}.serializationLibrary"), serialization_library.as_deref());
        parameters(validator, format_args!("{path}.parameters"), all.as_ref());
    }
    names(validator, format_args!("{path}.bucketColumns"), descriptor.bucket_columns.as_ref());
    for (number, order) in members(descriptor.sort_columns.as_ref()) {
        let path = format_args!("{path}.sortColumns.{number}.member");
        required_name(validator, format_args!("{path}.column"), order.column.as_deref());
        validator.member(format_args!("{path}.sortOrder"), order.sort_order).required().range(0, 1);
    }
    parameters(validator, format_args!("{path}.parameters"), descriptor.parameters.as_ref());
    if let Some(SkewedInfo { skewed_column_names, .. }) = &descriptor.skewed_info {
        names(validator, format_args!("{path}.skewedInfo.skewedColumnNames"), skewed_column_names.as_ref());
    }
}

/// Refuses the first of these members that holds something: it would be stored without effect.
///
/// # Errors
/// `InvalidInputException`, which names it.
pub(crate) fn refuse(members: &[(&str, Option<Refused>)]) -> Result<(), Fault> {
    match members.iter().find(|(_, member)| member.is_some_and(|member| member.is_set)) {
        Some((name, _)) => Err(glue::unsupported(name)),
        None => Ok(()),
    }
}

/// Refuses what would be stored of a database without effect.
///
/// # Errors
/// `InvalidInputException`, which names it.
pub(crate) fn refuse_of_database(input: &DatabaseInput) -> Result<(), Fault> {
    refuse(&[
        ("DatabaseInput.TargetDatabase", input.target_database),
        ("DatabaseInput.FederatedDatabase", input.federated_database),
    ])?;
    let is_everything = |granted: &PrincipalPermissions| {
        let principal = granted.principal.as_ref().and_then(|who| who.data_lake_principal_identifier.as_deref());
        let permissions = granted.permissions.as_ref().map(|list| list.0.as_slice()).unwrap_or_default();
        principal == Some(EVERYBODY) && permissions == [EVERYTHING]
    };
    match members(input.create_table_default_permissions.as_ref()).all(|(_, granted)| is_everything(granted)) {
        true => Ok(()),
        false => Err(glue::unsupported(
            "DatabaseInput.CreateTableDefaultPermissions but that IAM_ALLOWED_PRINCIPALS may do ALL",
        )),
    }
}

/// Refuses what would be stored of a table without effect.
///
/// # Errors
/// `InvalidInputException`, which names it.
pub(crate) fn refuse_of_table(input: &TableInput) -> Result<(), Fault> {
    let schema_reference = input.storage_descriptor.as_ref().and_then(|descriptor| descriptor.schema_reference);
    refuse(&[
        ("TableInput.TargetTable", input.target_table),
        ("TableInput.FederatedTable", input.federated_table),
        ("TableInput.ViewDefinition", input.view_definition),
        ("TableInput.StorageDescriptor.SchemaReference", schema_reference),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_control_characters() {
        assert!((SINGLE_LINE.matches)("a b\tgröße 🐟") && (SINGLE_LINE.matches)(""));
        assert!(!(SINGLE_LINE.matches)("a\nb") && !(SINGLE_LINE.matches)("\0") && !(SINGLE_LINE.matches)("\u{FFFF}"));
        assert!((MULTI_LINE.matches)("a\r\nb") && !(MULTI_LINE.matches)("\u{1b}"));
    }
}
