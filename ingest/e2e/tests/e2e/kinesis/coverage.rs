//! No operation of the door without a test through a real SDK: what the README's table says of it is true.

use std::fs;
use std::path::{Path, PathBuf};

/// What stands in the last column for an operation that the SDK for Rust does not have.
const BOTO3: &str = "boto3";

/// The README's row of an operation.
struct Row<'a> {
    operation: &'a str,
    is_present: bool,
    /// The module of tests that calls it through the SDK, or [`BOTO3`]; empty if there is none.
    module: &'a str,
}

fn rows(readme: &str) -> Vec<Row<'_>> {
    let row = |line| {
        let cells: Vec<&str> = str::split(line, '|').map(str::trim).collect();
        let is_present = match *cells.get(2)? {
            "done" | "partial" => true,
            "absent" => false,
            _ => return None,
        };
        Some(Row { operation: cells[1], is_present, module: cells.get(4).copied().unwrap_or_default() })
    };
    readme.lines().filter_map(row).collect()
}

/// How the SDKs name an operation: `PutRecord` is `put_record`.
fn snake_case(operation: &str) -> String {
    let mut name = String::new();
    for (index, letter) in operation.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether the operation is called where its row says.
fn is_called(row: &Row<'_>) -> bool {
    let name = snake_case(row.operation);
    let (file, call) = match row.module {
        BOTO3 => (".ci/e2e_kinesis.py".to_owned(), format!("kinesis.{name}")),
        module => (format!("ingest/e2e/tests/e2e/kinesis/{module}.rs"), format!(".{name}()")),
    };
    fs::read_to_string(repository().join(file)).is_ok_and(|source| source.contains(&call))
}

#[test]
fn every_operation_of_the_door_is_called_through_an_sdk_where_the_readme_says() {
    let readme = fs::read_to_string(repository().join("ingest/kinesis/README.md")).unwrap();
    let rows = rows(&readme);
    assert!(rows.len() >= 39, "the table of operations is not where it was");
    let is_wrong = |row: &&Row<'_>| if row.is_present { !is_called(row) } else { !row.module.is_empty() };
    let wrong: Vec<&str> = rows.iter().filter(is_wrong).map(|row| row.operation).collect();
    assert_eq!(wrong, [""; 0], "operations without a test in the module that the README names");
}
