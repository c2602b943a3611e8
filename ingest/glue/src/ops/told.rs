//! How databases and tables are told.

use ingest_core::fault::glue;
use ingest_core::{Fault, Validator};
use ingest_wire::Timestamp;

use crate::catalog::{Place, Snapshot, StoredDatabase};
use crate::model::{Database, DatabaseInput, List, Principal, PrincipalPermissions, Table, TableInput, TableVersion};
use crate::validate::{EVERYBODY, EVERYTHING};

fn timestamp(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// A database with all that is known of it.
pub(super) fn database(place: &Place, stored: StoredDatabase) -> Database {
    let StoredDatabase { created_ms, mut input } = stored;
    input.create_table_default_permissions.get_or_insert_with(|| {
        let principal = Principal { data_lake_principal_identifier: Some(EVERYBODY.to_owned()) };
        let permissions = Some(List(vec![EVERYTHING.to_owned()]));
        List(vec![PrincipalPermissions { principal: Some(principal), permissions }])
    });
    Database { input, create_time: Some(timestamp(created_ms)), catalog_id: place.account.clone() }
}

/// A table with all that is known of it.
pub(super) fn table(place: &Place, database: &str, stored: Snapshot) -> Table {
    Table {
        input: stored.input,
        database_name: database.to_owned(),
        create_time: Some(timestamp(stored.created_ms)),
        update_time: Some(timestamp(stored.updated_ms)),
        created_by: Some(stored.created_by),
        is_registered_with_lake_formation: false,
        catalog_id: place.account.clone(),
        version_id: stored.version.to_string(),
    }
}

/// A version of a table with all that is known of it.
pub(super) fn version(place: &Place, database: &str, stored: Snapshot) -> TableVersion {
    TableVersion { version_id: stored.version.to_string(), table: table(place, database, stored) }
}

/// What of a database was asked for. Source: Glue Web API Reference, "GetDatabases".
#[derive(Clone, Copy, Debug)]
pub(super) struct DatabaseAttributes {
    names_only: bool,
}

impl DatabaseAttributes {
    const ALL: &'static [&'static str] = &["NAME", "TARGET_DATABASE"];

    pub(super) fn read(validator: &mut Validator, asked: Option<&List<String>>) -> Self {
        let asked = validate(validator, Self::ALL, asked);
        Self { names_only: !asked.is_empty() }
    }

    pub(super) fn of(self, database: Database) -> Database {
        match self.names_only {
            false => database,
            true => Database {
                input: DatabaseInput { name: database.input.name, ..DatabaseInput::default() },
                create_time: None,
                catalog_id: database.catalog_id,
            },
        }
    }
}

/// What of a table was asked for. Source: Glue Web API Reference, "GetTable".
#[derive(Clone, Debug)]
pub(super) struct TableAttributes {
    asked: Vec<String>,
}

impl TableAttributes {
    const DEFAULT: &'static str = "DEFAULT";
    const ICEBERG: &'static str = "LATEST_ICEBERG_METADATA";
    const ALL: &'static [&'static str] = &["NAME", "TABLE_TYPE", Self::DEFAULT, Self::ICEBERG];

    pub(super) fn read(validator: &mut Validator, asked: Option<&List<String>>) -> Self {
        Self { asked: validate(validator, Self::ALL, asked).to_vec() }
    }

    /// Refuses what this server does not know of tables.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self.has(Self::ICEBERG) {
            true => Err(glue::unsupported("AttributesToGet LATEST_ICEBERG_METADATA")),
            false => Ok(()),
        }
    }

    fn has(&self, attribute: &str) -> bool {
        self.asked.iter().any(|asked| asked == attribute)
    }

    pub(super) fn of(&self, table: Table) -> Table {
        if self.asked.is_empty() || self.has(Self::DEFAULT) {
            return table;
        }
        let table_type = table.input.table_type.filter(|_| self.has("TABLE_TYPE"));
        Table {
            input: TableInput { name: table.input.name, table_type, ..TableInput::default() },
            create_time: None,
            update_time: None,
            created_by: None,
            ..table
        }
    }
}

fn validate<'a>(validator: &mut Validator, all: &[&str], asked: Option<&'a List<String>>) -> &'a [String] {
    let asked = asked.map(|list| list.0.as_slice()).unwrap_or_default();
    for (number, attribute) in (1..).zip(asked) {
        validator.member(format_args!("attributesToGet.{number}.member"), Some(attribute.as_str())).one_of(all);
    }
    asked
}
