//! The catalog against a model of it, through restarts and crashes, and at its limits.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use firehose::schema::{TableKey, TableLookupError, Tables};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use shard_store::Durability;
use shard_store::clock::ManualClock;

use super::*;
use crate::model::{Column, DatabaseInput, List, StorageDescriptor, TableInput};

const NOW_MS: u64 = 1_700_000_000_000;

fn open_in(dir: &Path, quotas: Quotas) -> Catalog {
    let options = shard_store::Options { durability: Durability::PageCache, ..Default::default() };
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let store = Store::open(dir, options, clock, &mut Registry::default()).unwrap();
    Catalog::open_with(store, quotas, &mut Registry::default()).unwrap()
}

fn here() -> Place {
    Place { account: "000000000000".to_owned(), region: "us-east-1".to_owned() }
}

fn database(name: &str, about: &str) -> DatabaseInput {
    DatabaseInput { name: Some(name.to_owned()), description: Some(about.to_owned()), ..Default::default() }
}

fn table(name: &str, about: &str) -> TableInput {
    let column = Column { name: Some(about.to_owned()), kind: Some("int".to_owned()), ..Default::default() };
    let storage_descriptor = StorageDescriptor { columns: Some(List(vec![column])), ..Default::default() };
    TableInput { name: Some(name.to_owned()), storage_descriptor: Some(storage_descriptor), ..Default::default() }
}

fn update(name: &str, about: &str, check: VersionCheck, archives: bool) -> TableUpdate {
    TableUpdate { input: table(name, about), check, archives }
}

fn all() -> PageRequest {
    PageRequest { after: None, limit: 100 }
}

/// What the first column of a table is called.
fn about(snapshot: &Snapshot) -> String {
    snapshot.input.storage_descriptor.as_ref().unwrap().columns.as_ref().unwrap().0[0].name.clone().unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    CreateDatabase(usize),
    UpdateDatabase(usize),
    DeleteDatabase(usize),
    CreateTable(usize, usize),
    UpdateTable { database: usize, table: usize, archives: bool, checks: Option<u64> },
    DeleteTable(usize, usize),
    DeleteVersion(usize, usize, u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    prop_oneof![
        2 => name.clone().prop_map(Step::CreateDatabase),
        1 => name.clone().prop_map(Step::UpdateDatabase),
        1 => name.clone().prop_map(Step::DeleteDatabase),
        4 => (name.clone(), name.clone()).prop_map(|(database, table)| Step::CreateTable(database, table)),
        8 => (name.clone(), name.clone(), any::<bool>(), proptest::option::of(0..4_u64)).prop_map(
            |(database, table, archives, checks)| Step::UpdateTable { database, table, archives, checks }
        ),
        1 => (name.clone(), name.clone()).prop_map(|(database, table)| Step::DeleteTable(database, table)),
        3 => (name.clone(), name, 0..5_u64).prop_map(|(database, table, version)| Step::DeleteVersion(database, table, version)),
        1 => Just(Step::Reopen),
    ]
}

/// Names that would be one path if they were put into one as they are.
const NAMES: [&str; 3] = ["a", "a/b", "a%2fb"];

/// A table of the model: its versions with what they hold; the last is the latest.
type Versions = BTreeMap<u64, String>;
type Model = BTreeMap<&'static str, (String, BTreeMap<&'static str, Versions>)>;

/// Does a step in the model. Returns the kind of error, if it is refused.
fn apply_to_model(model: &mut Model, step: &Step, content: &str) -> Result<(), &'static str> {
    let database_of =
        |model: &Model, database: usize| model.contains_key(NAMES[database]).then_some(()).ok_or("database");
    match *step {
        Step::CreateDatabase(database) if model.contains_key(NAMES[database]) => return Err("database exists"),
        Step::CreateDatabase(database) => {
            model.insert(NAMES[database], (content.to_owned(), BTreeMap::new()));
        }
        Step::UpdateDatabase(database) => model.get_mut(NAMES[database]).ok_or("database")?.0 = content.to_owned(),
        Step::DeleteDatabase(database) => drop(model.remove(NAMES[database]).ok_or("database")?),
        Step::CreateTable(database, table) => {
            let tables = &mut model.get_mut(NAMES[database]).ok_or("database")?.1;
            if tables.contains_key(NAMES[table]) {
                return Err("table exists");
            }
            tables.insert(NAMES[table], BTreeMap::from([(0, content.to_owned())]));
        }
        Step::UpdateTable { database, table, archives, checks } => {
            database_of(model, database)?;
            let versions = model.get_mut(NAMES[database]).ok_or("database")?.1.get_mut(NAMES[table]).ok_or("table")?;
            let latest = *versions.last_key_value().unwrap().0;
            if checks.is_some_and(|expected| expected != latest) {
                return Err("changed");
            }
            if !archives {
                versions.remove(&latest);
            }
            versions.insert(latest + 1, content.to_owned());
        }
        Step::DeleteTable(database, table) => {
            drop(model.get_mut(NAMES[database]).ok_or("database")?.1.remove(NAMES[table]).ok_or("table")?);
        }
        Step::DeleteVersion(database, table, version) => {
            let versions = model.get_mut(NAMES[database]).ok_or("database")?.1.get_mut(NAMES[table]).ok_or("table")?;
            match versions.last_key_value().unwrap().0 == &version {
                true => return Err("latest"),
                false => drop(versions.remove(&version).ok_or("version")?),
            }
        }
        Step::Reopen => {}
    }
    Ok(())
}

fn apply_to_catalog(catalog: &Catalog, step: &Step, content: &str) -> Result<(), &'static str> {
    let here = here();
    let done = match *step {
        Step::CreateDatabase(name) => catalog.create_database(&here, database(NAMES[name], content)),
        Step::UpdateDatabase(name) => catalog.update_database(&here, NAMES[name], database(NAMES[name], content)),
        Step::DeleteDatabase(name) => catalog.delete_database(&here, NAMES[name]),
        Step::CreateTable(database, name) => {
            catalog.create_table(&here, NAMES[database], table(NAMES[name], content), "somebody")
        }
        Step::UpdateTable { database, table, archives, checks } => {
            let check = checks.map_or(VersionCheck::Any, |version| VersionCheck::Is(version.to_string()));
            catalog.update_table(&here, NAMES[database], NAMES[table], update(NAMES[table], content, check, archives))
        }
        Step::DeleteTable(database, table) => catalog.delete_table(&here, NAMES[database], NAMES[table]),
        Step::DeleteVersion(database, table, version) => {
            catalog.delete_version(&here, NAMES[database], NAMES[table], &version.to_string())
        }
        Step::Reopen => Ok(()),
    };
    done.map_err(|error| match error {
        Error::DatabaseNotFound { .. } => "database",
        Error::DatabaseExists { .. } => "database exists",
        Error::TableNotFound { .. } => "table",
        Error::TableExists { .. } => "table exists",
        Error::VersionNotFound { .. } => "version",
        Error::VersionIsLatest { .. } => "latest",
        Error::Changed { .. } => "changed",
        other => panic!("{other}"),
    })
}

/// Compares everything that the catalog tells with the model, a short page at a time.
fn compare(catalog: &Catalog, model: &Model) -> TestCaseResult {
    let here = here();
    let mut databases = Vec::new();
    let mut request = PageRequest { after: None, limit: 2 };
    loop {
        let page = catalog.databases(&here, &request).unwrap();
        databases.extend(page.items.into_iter().map(|it| (it.input.name.unwrap(), it.input.description.unwrap())));
        let Some(last) = page.last else { break };
        request.after = Some(last);
    }
    let expected: Vec<_> = model.iter().map(|(name, (about, _))| ((*name).to_owned(), about.clone())).collect();
    prop_assert_eq!(databases, expected);
    for (database, (_, tables)) in model {
        let page = catalog.tables(&here, database, &all(), |_| true).unwrap();
        let told: Vec<_> =
            page.items.iter().map(|it| (it.input.name.clone().unwrap(), it.version, about(it))).collect();
        let latest = tables.iter().map(|(name, versions)| (name, versions.last_key_value().unwrap()));
        let expected: Vec<_> =
            latest.map(|(name, (version, about))| ((*name).to_owned(), *version, about.clone())).collect();
        prop_assert_eq!(told, expected);
        for (name, versions) in tables {
            let page = catalog.versions(&here, database, name, &all()).unwrap();
            let told: Vec<_> = page.items.iter().rev().map(|it| (it.version, about(it))).collect();
            let expected: Vec<_> = versions.iter().map(|(version, about)| (*version, about.clone())).collect();
            prop_assert_eq!(told, expected);
        }
    }
    Ok(())
}

/// How many bytes the records take, by reading them.
fn stored_bytes(catalog: &Catalog) -> u64 {
    catalog.store.catalog().scan("glue/").unwrap().iter().map(|(_, value)| value.len() as u64).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_catalog_agrees_with_a_model(steps in proptest::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut catalog = open_in(dir.path(), Quotas::default());
        let mut model = Model::new();
        for (number, step) in steps.iter().enumerate() {
            let content = format!("c{number}");
            if matches!(step, Step::Reopen) {
                drop(catalog);
                catalog = open_in(dir.path(), Quotas::default());
            }
            let expected = apply_to_model(&mut model, step, &content);
            prop_assert_eq!(apply_to_catalog(&catalog, step, &content), expected, "{:?}", step);
            compare(&catalog, &model)?;
            prop_assert_eq!(catalog.totals.lock().bytes, stored_bytes(&catalog), "nothing is left behind or miscounted");
        }
    }
}

#[test]
fn what_was_answered_is_there_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open_in(&dir.path().join("live"), Quotas::default());
    catalog.create_database(&here(), database("web", "")).unwrap();
    catalog.create_table(&here(), "web", table("clicks", "first"), "somebody").unwrap();
    catalog.update_table(&here(), "web", "clicks", update("clicks", "second", VersionCheck::Any, true)).unwrap();
    // The files as a kill leaves them: nothing was closed.
    let crashed = dir.path().join("crashed");
    copy(&dir.path().join("live"), &crashed);
    let catalog = open_in(&crashed, Quotas::default());
    assert_eq!(about(&catalog.table(&here(), "web", "clicks").unwrap()), "second");
    assert_eq!(about(&catalog.version(&here(), "web", "clicks", Some("0")).unwrap()), "first");
    let stored = catalog.table(&here(), "web", "clicks").unwrap();
    assert_eq!((stored.version, stored.created_ms, stored.created_by.as_str()), (1, NOW_MS, "somebody"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        match path.is_dir() {
            true => copy(&path, &to),
            false => assert!(std::fs::copy(path, to).is_ok()),
        }
    }
}

#[test]
fn quotas_hold_and_deleting_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let catalog =
        open_in(dir.path(), Quotas { databases: 2, tables: 2, versions: 3, bytes: 5_000, ..Quotas::default() });
    let here = here();
    for name in ["a", "b"] {
        catalog.create_database(&here, database(name, "")).unwrap();
        catalog.create_table(&here, "a", table(name, "x"), "").unwrap();
    }
    let kind = |done: Result<(), Error>| match done.unwrap_err() {
        Error::TooMany { kind, .. } => kind,
        Error::Full { .. } => "full",
        other => panic!("{other}"),
    };
    assert_eq!(kind(catalog.create_database(&here, database("c", ""))), "DATABASE");
    assert_eq!(kind(catalog.create_table(&here, "a", table("c", "x"), "")), "TABLE");
    let next = || update("a", "y", VersionCheck::Any, true);
    for _ in 0..2 {
        catalog.update_table(&here, "a", "a", next()).unwrap();
    }
    assert_eq!(kind(catalog.update_table(&here, "a", "a", next())), "TABLE_VERSION");
    catalog.delete_version(&here, "a", "a", "0").unwrap();
    catalog.update_table(&here, "a", "a", next()).unwrap();
    let large = "l".repeat(4_500);
    assert_eq!(kind(catalog.update_table(&here, "a", "b", update("b", &large, VersionCheck::Any, false))), "full");
    assert_eq!(about(&catalog.table(&here, "a", "b").unwrap()), "x", "what is refused changes nothing");
    catalog.delete_table(&here, "a", "a").unwrap();
    catalog.delete_database(&here, "b").unwrap();
    catalog.update_table(&here, "a", "b", update("b", &large, VersionCheck::Any, false)).unwrap();
    assert_eq!(*catalog.totals.lock(), Totals { databases: 1, tables: 1, bytes: stored_bytes(&catalog) });
    // Of another account there is room as long as there are bytes.
    let elsewhere = Place { account: "000000000001".to_owned(), ..here };
    assert_eq!(kind(catalog.create_database(&elsewhere, database("a", &large))), "full");
}

#[test]
fn a_description_has_a_size() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open_in(dir.path(), Quotas::default());
    catalog.create_database(&here(), database("a", "")).unwrap();
    let large = "l".repeat(ENTITY_BYTES_MAX);
    assert!(matches!(catalog.create_table(&here(), "a", table("t", &large), ""), Err(Error::TooLarge { .. })));
    assert!(matches!(catalog.update_database(&here(), "a", database("a", &large)), Err(Error::TooLarge { .. })));
    catalog.create_table(&here(), "a", table("t", &large[..ENTITY_BYTES_MAX - 1_000]), "").unwrap();
    let again = update("t", &large, VersionCheck::Any, true);
    assert!(matches!(catalog.update_table(&here(), "a", "t", again), Err(Error::TooLarge { .. })));
}

#[test]
fn a_page_looks_at_so_many_names_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open_in(dir.path(), Quotas { page_names: 2, ..Quotas::default() });
    catalog.create_database(&here(), database("a", "")).unwrap();
    for number in 0..5 {
        catalog.create_table(&here(), "a", table(&format!("t{number}"), "x"), "").unwrap();
    }
    let (mut request, mut pages) = (all(), Vec::new());
    loop {
        let page = catalog.tables(&here(), "a", &request, |name| name == "t3").unwrap();
        pages.push(page.items.len());
        let Some(last) = page.last else { break };
        request.after = Some(last);
    }
    assert_eq!(pages, [0, 1, 0], "a page may be empty though there are more");
}

#[test]
fn a_page_is_bounded_by_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open_in(dir.path(), Quotas::default());
    catalog.create_database(&here(), database("a", "")).unwrap();
    let large = "l".repeat(900_000);
    for number in 0..6 {
        catalog.create_table(&here(), "a", table(&format!("t{number}"), &large), "").unwrap();
    }
    let page = catalog.tables(&here(), "a", &all(), |_| true).unwrap();
    assert_eq!((page.items.len(), page.last.as_deref()), (4, Some("t3")));
    let rest = PageRequest { after: page.last, limit: 100 };
    assert_eq!(catalog.tables(&here(), "a", &rest, |_| true).unwrap().items.len(), 2);
}

#[test]
fn delivery_streams_find_columns_by_account_region_and_version() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open_in(dir.path(), Quotas::default());
    catalog.create_database(&here(), database("web", "")).unwrap();
    catalog.create_table(&here(), "web", table("clicks", "first"), "").unwrap();
    catalog.update_table(&here(), "web", "clicks", update("clicks", "second", VersionCheck::Any, true)).unwrap();
    let key = |database: &str, table: &str, version: Option<&str>| TableKey {
        account: here().account,
        region: here().region,
        database: database.to_owned(),
        table: table.to_owned(),
        version: version.map(str::to_owned),
    };
    let column = |key: &TableKey| catalog.columns(key).map(|table| table.columns[0].name.clone());
    assert_eq!(column(&key("Web", "CLICKS", None)).unwrap(), "second");
    assert_eq!(column(&key("web", "clicks", Some("1"))).unwrap(), "second");
    assert_eq!(column(&key("web", "clicks", Some("0"))).unwrap(), "first");
    for version in ["2", "00", "+1", "-1", "x", ""] {
        let found = column(&key("web", "clicks", Some(version)));
        assert!(matches!(found, Err(TableLookupError::VersionNotFound { .. })), "{version}: {found:?}");
    }
    assert!(matches!(column(&key("web", "views", None)), Err(TableLookupError::TableNotFound { .. })));
    let elsewhere = TableKey { region: "eu-west-1".to_owned(), ..key("web", "clicks", None) };
    assert!(matches!(column(&elsewhere), Err(TableLookupError::DatabaseNotFound { .. })));
}
