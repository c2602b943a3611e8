mod catalog;

use std::path::{Path, PathBuf};

use apache_avro::types::Value as Avro;
use apache_avro::{Reader, from_value};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};
use serde::Deserialize;
use serde_json::{Value, json};
use shard_store::stream::StreamKey;
use uuid::Uuid;

use self::catalog::{Fault, TestCatalog};
use super::*;
use crate::definition::{ObjectCompression, Secret};
use crate::record::{Origin, PartitionKeys, Record};
use crate::sink::ObjectSinks;
use crate::spool::Spool;

const NOW_MS: u64 = 1_763_928_100_000;

fn record(data: &str) -> Record {
    let origin = Origin { log: shard_store::log::LogId(1), ordinal: 0, sub: None, arrival_ms: NOW_MS };
    Record { data: Bytes::from(data.to_owned()), origin, keys: PartitionKeys::default() }
}

/// A table without a snapshot.
fn table() -> Value {
    let field = |id: i32, name: &str, kind: Value| json!({"id": id, "name": name, "required": id == 1, "type": kind});
    json!({
        "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "s3://lake/web/clicks",
        "last-sequence-number": 0, "last-updated-ms": NOW_MS - 5, "last-column-id": 15, "current-schema-id": 7,
        "schemas": [{"type": "struct", "schema-id": 7, "fields": [
            field(1, "id", json!("long")),
            field(2, "page", json!("string")),
            field(3, "at", json!("timestamptz")),
            field(4, "local", json!("timestamp")),
            field(5, "day", json!("date")),
            field(6, "who", json!({"type": "struct", "fields": [field(8, "name", json!("string"))]})),
            field(7, "tags", json!({"type": "list", "element-id": 9, "element": "int", "element-required": false})),
            field(10, "ok", json!("boolean")),
            field(11, "price", json!("decimal(9, 2)")),
            field(12, "raw", json!("binary")),
            field(13, "counts", json!({"type": "map", "key-id": 14, "key": "string", "value-id": 15, "value": "long",
                "value-required": false})),
        ]}],
        "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}], "last-partition-id": 999,
        "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}],
        "properties": {}, "snapshots": [], "refs": {}, "snapshot-log": [], "metadata-log": [],
    })
}

struct World {
    dir: tempfile::TempDir,
    catalog: TestCatalog,
    iceberg: Iceberg,
}

impl World {
    async fn new(table: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = TestCatalog::start(table, dir.path().join("objects/lake")).await;
        let iceberg = open(dir.path(), &catalog.uri, settings()).unwrap();
        Self { dir, catalog, iceberg }
    }

    async fn send(&self, id: u128, records: &[Record]) -> Vec<Verdict> {
        let batch = Batch { id: Uuid::from_u128(id), object_key: "unused", records, now_ms: NOW_MS };
        self.iceberg.send(&batch).await
    }

    fn path(&self, location: &str) -> PathBuf {
        self.dir.path().join("objects").join(location.strip_prefix("s3://").unwrap())
    }

    /// The rows of the table, in their order in its files, read as the specification says.
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (path, row_count) in self.files() {
            let file = SerializedFileReader::new(std::fs::File::open(self.path(&path)).unwrap()).unwrap();
            let found: Vec<Row> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
            assert_eq!(found.len() as u64, row_count);
            rows.extend(found);
        }
        rows
    }

    fn files(&self) -> Vec<(String, u64)> {
        let metadata: Metadata = serde_json::from_value(self.catalog.metadata()).unwrap();
        let Some(head) = metadata.parent().unwrap() else { return Vec::new() };
        let mut files = Vec::new();
        for list in read::<ManifestFile>(&self.path(&head.manifest_list)) {
            let path = self.path(&list.manifest_path);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), list.manifest_length);
            let before = files.len();
            for entry in read::<Entry>(&path) {
                let size = std::fs::metadata(self.path(&entry.data_file.file_path)).unwrap().len();
                assert_eq!((entry.status, size), (1, entry.data_file.file_size_in_bytes));
                files.push((entry.data_file.file_path, entry.data_file.record_count));
            }
            assert_eq!(files.len() - before, list.added_files_count);
        }
        files
    }
}

#[derive(Deserialize)]
struct ManifestFile {
    manifest_path: String,
    manifest_length: u64,
    added_files_count: usize,
}

#[derive(Deserialize)]
struct Entry {
    status: i32,
    data_file: EntryFile,
}

#[derive(Deserialize)]
struct EntryFile {
    file_path: String,
    record_count: u64,
    file_size_in_bytes: u64,
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    let body = std::fs::read(path).unwrap();
    let entries: Vec<Avro> = Reader::new(&body[..]).unwrap().map(Result::unwrap).collect();
    entries.iter().map(|entry| from_value(entry).unwrap()).collect()
}

const CATALOG: &str = "arn:aws:glue:us-east-1:000000000000:catalog";

fn settings() -> IcebergEndpoint {
    let table = IcebergTable {
        database: "web".to_owned(),
        name: "clicks".to_owned(),
        partition_columns: Vec::new(),
        error_prefix: String::new(),
    };
    IcebergEndpoint {
        catalog_arn: CATALOG.to_owned(),
        warehouse: None,
        tables: vec![table],
        creates_tables: false,
        evolves_schemas: false,
        retry_seconds: 60,
    }
}

fn open(dir: &Path, uri: &str, settings: IcebergEndpoint) -> Result<Iceberg, EndpointError> {
    let catalog = CatalogOptions {
        uri: uri.to_owned(),
        warehouse: Some("the lake".to_owned()),
        token: None,
        credential: Some(Secret("me:a:b".to_owned())),
        oauth2_server_uri: None,
        scope: "catalog".to_owned(),
    };
    let context = EndpointContext {
        key: StreamKey::new("000000000000", "us-east-1", "clicks"),
        id: "id".to_owned(),
        options: Default::default(),
        databases: Default::default(),
        catalogs: [(CATALOG.to_owned(), catalog)].into(),
        storage: Storage {
            sinks: Arc::new(ObjectSinks::new(&Default::default(), &dir.join("objects")).unwrap()),
            spool: Spool::open(&dir.join("work")).unwrap(),
            bucket: "lake".to_owned(),
            compression: ObjectCompression::Uncompressed,
        },
    };
    Iceberg::open(&settings, &context)
}

fn ids(rows: &[Row]) -> Vec<i64> {
    let mut ids: Vec<i64> = rows.iter().map(|row| row.get_long(0).unwrap()).collect();
    ids.sort_unstable();
    ids
}

fn numbered(ids: std::ops::Range<i64>) -> Vec<Record> {
    ids.map(|id| record(&format!("{{\"id\":{id}}}"))).collect()
}

fn code(verdicts: &[Verdict]) -> &str {
    match &verdicts[0] {
        Verdict::Again(reason) => &reason.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn records_are_appended_and_those_that_do_not_fit_are_refused() {
    let world = World::new(table()).await;
    let records = [
        record(
            r#"{"id":1,"page":"/a","at":"2025-11-23T20:00:00Z","local":"2025-11-23 20:00:00","day":"2025-11-23","ok":true}"#,
        ),
        record(
            r#"{"id":2,"who":{"name":"Ann"},"tags":[3,null],"unknown":1,"price":1.25,"raw":"/w==",
            "counts":{"a":1,"b":null}}{"id":3}"#,
        ),
        record("not json"),
        record(r#"{"page":"without an id"}"#),
        record(r#"{"id":"four"}"#),
        record(r#"{"id":5}{"id":null}"#),
    ];
    let verdicts = world.send(1, &records).await;
    for (at, verdict) in verdicts.iter().enumerate() {
        assert_eq!(matches!(verdict, Verdict::Refused(_)), at > 1, "{at}: {verdict:?}");
    }
    let rows = world.rows();
    assert_eq!(ids(&rows), [1, 2, 3]);
    assert_eq!((rows[0].get_string(1).unwrap().as_str(), rows[0].get_bool(7).unwrap()), ("/a", true));
    let second = rows[1].to_string();
    for part in [r#"who: {name: "Ann"}, tags: [3, null]"#, "price: 1.25", "raw: [255]", r#"{"a" -> 1, "b" -> null}"#] {
        assert!(second.contains(part), "{second}");
    }
    // Columns have the ids that the table gives them.
    let path = world.path(&world.files()[0].0);
    let file = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let schema = file.metadata().file_metadata().schema_descr();
    let leaves: Vec<(String, i32)> = schema
        .root_schema()
        .get_fields()
        .iter()
        .map(|field| (field.name().to_owned(), field.get_basic_info().id()))
        .collect();
    let expected = [
        ("id", 1),
        ("page", 2),
        ("at", 3),
        ("local", 4),
        ("day", 5),
        ("who", 6),
        ("tags", 7),
        ("ok", 10),
        ("price", 11),
        ("raw", 12),
        ("counts", 13),
    ];
    assert_eq!(leaves, expected.map(|(name, id)| (name.to_owned(), id)));
    // The same batch again, as after a crash, is told the same and appends nothing.
    assert_eq!(world.send(1, &records).await, verdicts);
    assert_eq!(world.catalog.commit_count(), 1);
    let summary = &world.catalog.metadata()["snapshots"][0]["summary"];
    assert_eq!((&summary["added-records"], &summary["total-records"]), (&json!("3"), &json!("3")));
    assert_eq!(world.send(2, &numbered(10..20)).await, vec![Verdict::Delivered; 10]);
    assert_eq!(world.rows().len(), 13);
    check_with_pyiceberg(
        &world,
        "by_id = {row['id']: row for row in rows}; two = by_id[2]; assert len(rows) == 13, rows\n\
         assert two['who'] == {'name': 'Ann'} and two['tags'] == [3, None] and str(two['price']) == '1.25', two\n\
         assert two['raw'] == b'\\xff' and two['counts'] == [('a', 1), ('b', None)], two\n\
         assert str(by_id[1]['at']) == '2025-11-23 20:00:00+00:00' and str(by_id[1]['day']) == '2025-11-23', by_id[1]\n\
         assert str(by_id[1]['local']) == '2025-11-23 20:00:00', by_id[1]",
    );
    assert_eq!(world.catalog.metadata()["snapshots"][1]["summary"]["total-records"], "13");
}

#[tokio::test]
async fn files_are_divided_by_the_partitions_of_the_table() {
    let mut table = table();
    let field = |source, id, name| json!({"source-id": source, "field-id": id, "name": name, "transform": "identity"});
    table["partition-specs"] = json!([{"spec-id": 4, "fields": [field(2, 1000, "the-page"), field(5, 1001, "day")]}]);
    table["default-spec-id"] = json!(4);
    let world = World::new(table).await;
    let pages = ["/a b", "/a b", "../../c", "/a b"];
    let texts = pages
        .iter()
        .enumerate()
        .map(|(id, page)| format!(r#"{{"id":{id},"page":"{page}","day":"2025-11-2{}"}}"#, id / 2));
    let mut records: Vec<Record> = texts.map(|text| record(&text)).collect();
    records.push(record(r#"{"id":4}"#));
    assert_eq!(world.send(1, &records).await, vec![Verdict::Delivered; 5]);
    let files = world.files();
    let folders: Vec<&str> = files.iter().map(|(path, _)| path.rsplit_once('/').unwrap().0).collect();
    let data = "s3://lake/web/clicks/data";
    assert_eq!(
        folders,
        [
            format!("{data}/the-page=null/day=null"),
            format!("{data}/the-page=.._.._c/day=2025-11-21"),
            format!("{data}/the-page=_a_b/day=2025-11-20"),
            format!("{data}/the-page=_a_b/day=2025-11-21"),
        ]
    );
    assert_eq!(files.iter().map(|(_, count)| count).collect::<Vec<_>>(), [&1, &1, &2, &1]);
    assert_eq!(ids(&world.rows()), [0, 1, 2, 3, 4]);
    check_with_pyiceberg(
        &world,
        "paths = lambda text: [task.file.file_path for task in table.scan(row_filter=text).plan_files()]\n\
         assert len(rows) == 5 and len(paths(\"page = '/a b'\")) == 2 and len(paths('page is null')) == 1, rows\n\
         assert table.scan(row_filter=\"day = '2025-11-21'\").to_arrow().num_rows == 2",
    );
    let metadata: Metadata = serde_json::from_value(world.catalog.metadata()).unwrap();
    let head = metadata.parent().unwrap().unwrap();
    let manifest = &read::<ManifestFile>(&world.path(&head.manifest_list))[0].manifest_path;
    let body = std::fs::read(world.path(manifest)).unwrap();
    let first = format!("{:?}", Reader::new(&body[..]).unwrap().nth(2).unwrap().unwrap());
    assert!(first.contains(r#"String("/a b")"#) && first.contains("Date(20412)"), "{first}");
}

#[tokio::test]
async fn whatever_becomes_of_commits_each_batch_is_appended_once() {
    let world = World::new(table()).await;
    for (number, faults) in [
        vec![],
        vec![Fault::Race],
        vec![Fault::LoseAnswer],
        vec![Fault::Forget, Fault::Race, Fault::Forget],
        vec![Fault::LoseAnswer, Fault::Race, Fault::Race],
        vec![Fault::Revoke],
    ]
    .into_iter()
    .enumerate()
    {
        world.catalog.fail_next(&faults);
        let first = number as i64 * 10;
        let verdicts = world.send(number as u128 + 1, &numbered(first..first + 10)).await;
        assert_eq!(verdicts, vec![Verdict::Delivered; 10], "{faults:?}");
        assert_eq!(world.catalog.faults_left(), 0, "{faults:?}");
        assert_eq!(ids(&world.rows()), (0..first + 10).collect::<Vec<_>>(), "{faults:?}");
    }
    // A catalog that is gone for long: nothing is committed, then it is, once.
    world.catalog.fail_next(&[Fault::Forget; COMMITS_MAX]);
    assert_eq!(code(&world.send(99, &numbered(60..70)).await), "Iceberg.CommitFailed");
    assert_eq!(world.rows().len(), 60);
    assert_eq!(world.send(99, &numbered(60..70)).await, vec![Verdict::Delivered; 10]);
    assert_eq!(ids(&world.rows()), (0..70).collect::<Vec<_>>());
    // After a crash nobody remembers, but the table does, with other snapshots on top.
    assert_eq!(world.send(3, &numbered(20..30)).await, vec![Verdict::Delivered; 10]);
    assert_eq!(world.rows().len(), 70);
    check_with_pyiceberg(
        &world,
        "assert sorted(row['id'] for row in rows) == list(range(70)), rows\n\
         assert table.scan(row_filter='id >= 50').to_arrow().num_rows == 20",
    );
}

#[tokio::test]
async fn tables_that_are_not_written_say_why() {
    let world = World::new(table()).await;
    for (change, expected) in [
        (("/format-version", json!(1)), "format version 1"),
        (("/location", json!("hdfs://x/y")), "s3://BUCKET/PREFIX"),
        (("/schemas/0/fields/1/type", json!("decimal(39,2)")), "decimal(39,2)"),
        (
            (
                "/partition-specs/0/fields",
                json!([{"source-id": 3, "field-id": 1000, "name": "h", "transform": "hour"}]),
            ),
            "hour",
        ),
        (("/current-schema-id", json!(8)), "schema 8"),
        (("/refs", json!({"main": {"type": "branch", "snapshot-id": 5}})), "snapshot 5"),
    ] {
        let (pointer, value) = change;
        world.catalog.change(|metadata| {
            *metadata = table();
            *metadata.pointer_mut(pointer).unwrap() = value;
        });
        let verdicts = world.send(1, &numbered(0..1)).await;
        let Verdict::Again(reason) = &verdicts[0] else { panic!("{verdicts:?}") };
        assert!(reason.code == "Iceberg.InvalidTable" && reason.message.contains(expected), "{reason:?}");
    }
    let mut other = settings();
    other.tables[0].name = "nothing".to_owned();
    let iceberg = open(world.dir.path(), &world.catalog.uri, other).unwrap();
    let records = numbered(0..1);
    let batch = Batch { id: Uuid::from_u128(1), object_key: "unused", records: &records, now_ms: NOW_MS };
    assert_eq!(code(&iceberg.send(&batch).await), "Iceberg.NoSuchTable");
    let two = IcebergEndpoint { tables: [settings().tables, settings().tables].concat(), ..settings() };
    let with = |change: fn(&mut IcebergTable)| {
        let mut settings = settings();
        change(&mut settings.tables[0]);
        settings
    };
    for settings in [
        two,
        with(|table| table.partition_columns = vec!["page".to_owned()]),
        with(|table| table.error_prefix = "bad/".to_owned()),
        IcebergEndpoint { creates_tables: true, ..settings() },
        IcebergEndpoint { evolves_schemas: true, ..settings() },
        IcebergEndpoint { catalog_arn: "arn:other".to_owned(), ..settings() },
    ] {
        assert!(open(world.dir.path(), &world.catalog.uri, settings).is_err());
    }
    assert!(open(world.dir.path(), "http://catalog.example", settings()).is_err());
}

/// Reads the table with pyiceberg, where `PYICEBERG_PYTHON` names a Python that has it.
fn check_with_pyiceberg(world: &World, check: &str) {
    let Some(python) = std::env::var_os("PYICEBERG_PYTHON") else { return };
    let metadata = world.dir.path().join("objects/lake/web/clicks/metadata/v1.metadata.json");
    std::fs::write(&metadata, world.catalog.metadata().to_string()).unwrap();
    let script = r#"
import sys
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import StaticTable
root, metadata = sys.argv[1], sys.argv[2]
class Io(PyArrowFileIO):
    def new_input(self, location):
        return super().new_input(location.replace("s3://", root + "/"))
import pyiceberg.table, pyiceberg.io
pyiceberg.io.load_file_io = pyiceberg.table.load_file_io = lambda *a, **k: Io({})
table = StaticTable.from_metadata(metadata)
rows = table.scan().to_arrow().to_pylist()
exec(sys.argv[3])
print(len(rows), rows[0])
"#;
    let mut command = std::process::Command::new(python);
    command.args(["-c", script]).arg(world.dir.path().join("objects")).arg(metadata).arg(check);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", String::from_utf8_lossy(&output.stdout));
}
