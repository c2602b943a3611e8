//! What a door's README says of its tests through the SDKs: which module calls an operation.

use std::fs;
use std::path::{Path, PathBuf};

/// What stands in the last column for an operation that the SDK for Rust does not have.
const BOTO3: &str = "boto3";

/// What stands there for an operation that no SDK has, as it is not AWS's: a command of ours calls it.
const COMMAND_LINE: &str = "headwater";

/// The README's row of an operation.
struct Row<'a> {
    operation: &'a str,
    is_present: bool,
    /// The module of tests that calls it through the SDK, [`BOTO3`] or [`COMMAND_LINE`]; empty if there is none.
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

/// Whether the operation of `service` is called where its row says.
fn is_called(service: &str, row: &Row<'_>) -> bool {
    let name = snake_case(row.operation);
    let (file, call) = match row.module {
        BOTO3 => (format!(".ci/e2e_{service}.py"), format!("{service}.{name}")),
        COMMAND_LINE => {
            (format!(".ci/e2e_{service}.py"), format!("\"{}\"", name.split('_').next().unwrap_or_default()))
        }
        module => (format!("ingest/e2e/tests/e2e/{service}/{module}.rs"), format!(".{name}()")),
    };
    fs::read_to_string(repository().join(file)).is_ok_and(|source| source.contains(&call))
}

/// The operations of `service`, which has at least so many, that are not called in the module that the README of its door
/// names.
pub(crate) fn told_wrongly(service: &str, least: usize) -> Vec<String> {
    let readme = fs::read_to_string(repository().join(format!("ingest/{service}/README.md"))).unwrap();
    let rows = rows(&readme);
    assert!(rows.len() >= least, "the table of operations is not where it was");
    let is_wrong = |row: &&Row<'_>| if row.is_present { !is_called(service, row) } else { !row.module.is_empty() };
    rows.iter().filter(is_wrong).map(|row| row.operation.to_owned()).collect()
}
