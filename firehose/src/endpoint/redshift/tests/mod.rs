mod server;

use std::path::Path;

use uuid::Uuid;

use self::server::{Cut, PASSWORD, Proxy, Server};
use super::*;
use crate::definition::{ObjectCompression, Secret};
use crate::record::{Origin, PartitionKeys, Record};
use crate::sink::ObjectSinks;
use crate::spool::Spool;

pub(super) fn settings() -> RedshiftEndpoint {
    RedshiftEndpoint {
        host: "127.0.0.1".to_owned(),
        port: 5439,
        database: "postgres".to_owned(),
        user: "loader".to_owned(),
        password: Secret(PASSWORD.to_owned()),
        table: "clicks".to_owned(),
        columns: String::new(),
        copy_options: "json 'auto'".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/loads".to_owned(),
        retry_seconds: 60,
    }
}

pub(super) fn record(data: &str) -> Record {
    // 2025-11-23T20:00:00Z
    let origin = Origin { log: shard_store::log::LogId(1), ordinal: 0, sub: None, arrival_ms: 1_763_928_000_000 };
    Record { data: Bytes::from(data.to_owned()), origin, keys: PartitionKeys::default() }
}

fn open(dir: &Path, settings: RedshiftEndpoint) -> Redshift {
    let sinks = ObjectSinks::new(&Default::default(), &dir.join("objects")).unwrap();
    let storage = Storage {
        sinks: Arc::new(sinks),
        spool: Spool::open(&dir.join("work")).unwrap(),
        bucket: "lake".to_owned(),
        compression: ObjectCompression::Uncompressed,
    };
    let target = Target::new(&settings).unwrap();
    Redshift { settings, target, options: DatabaseOptions::default(), storage }
}

const KEY: &str = "2025/11/23/20/clicks-1-2025-11-23-20-00-00-x";

async fn send(redshift: &Redshift, id: u128, records: &[Record]) -> Vec<Verdict> {
    let batch = Batch { id: Uuid::from_u128(id), object_key: KEY, records, now_ms: 1_763_928_100_000 };
    redshift.send(&batch).await
}

fn codes(verdicts: &[Verdict]) -> Vec<&str> {
    let mut codes = Vec::new();
    for verdict in verdicts {
        codes.push(match verdict {
            Verdict::Delivered => "delivered",
            Verdict::Again(reason) | Verdict::Refused(reason) => reason.code.as_str(),
        });
    }
    codes
}

/// The only code of all verdicts, each of which says that the record may be sent again.
fn again(verdicts: &[Verdict]) -> &str {
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Again(_))), "{verdicts:?}");
    let codes = codes(verdicts);
    assert!(codes.windows(2).all(|pair| pair[0] == pair[1]), "{codes:?}");
    codes[0]
}

fn object(dir: &Path, key: &str) -> String {
    std::fs::read_to_string(dir.join("objects/lake").join(key)).unwrap()
}

#[tokio::test]
async fn json_is_loaded_once_and_rows_that_do_not_fit_are_refused() {
    let Some(server) = Server::start() else { return };
    server.run("CREATE TABLE clicks (id int NOT NULL CHECK (id <> 13), name text, tags jsonb)").await;
    let dir = tempfile::tempdir().unwrap();
    let redshift = open(dir.path(), RedshiftEndpoint { port: server.port, ..settings() });
    let mut texts: Vec<String> =
        (0..2_500).map(|id| format!("{{\"id\":{},\"name\":\"it's {id}\",\"tags\":[{id}]}}\n", id + 100)).collect();
    texts[7] = "not json".to_owned();
    texts[1_001] = r#"{"id":"many"}"#.to_owned();
    texts[1_002] = r#"{"name":"nobody"}"#.to_owned();
    texts[1_999] = r#"{"id":13}"#.to_owned();
    texts[2_000] = r#"{"id":5000}{"id":5001}"#.to_owned();
    texts[2_499] = r#"{"id":1,"name":"\u0000"}"#.to_owned();
    let records: Vec<Record> = texts.iter().map(|text| record(text)).collect();
    let bad = [7, 1_001, 1_002, 1_999, 2_499];

    let verdicts = send(&redshift, 1, &records).await;
    for (at, verdict) in verdicts.iter().enumerate() {
        assert_eq!(matches!(verdict, Verdict::Refused(_)), bad.contains(&at), "{at}: {verdict:?}");
    }
    assert_eq!(server.run("SELECT count(*) FROM clicks").await, ["2496"]);
    assert_eq!(server.run("SELECT name || tags FROM clicks WHERE id = 102").await, ["it's 2[2]"]);
    assert_eq!(object(dir.path(), KEY), texts.concat());
    // Sent again, as after a crash of ours, it is told the same and loads nothing.
    assert_eq!(send(&redshift, 1, &records).await, verdicts);
    assert_eq!(server.run("SELECT count(*) FROM clicks").await, ["2496"]);
    assert_eq!(codes(&send(&redshift, 2, &records[10..11]).await), ["delivered"]);
    assert_eq!(server.run("SELECT count(*) FROM clicks").await, ["2497"]);
}

#[tokio::test]
async fn lines_are_loaded_into_the_columns_that_are_named() {
    let Some(server) = Server::start() else { return };
    server.run("CREATE TABLE public.\"Lines\" (serial serial, id int, \"Name\" text)").await;
    let dir = tempfile::tempdir().unwrap();
    let named = RedshiftEndpoint {
        port: server.port,
        table: "public.\"Lines\"".to_owned(),
        columns: "\"Name\", id".to_owned(),
        copy_options: "delimiter '|' emptyasnull;".to_owned(),
        ..settings()
    };
    let redshift = open(dir.path(), named.clone());
    let texts = ["a\\b|1\n", "\"c|2", "|3\nd|4\n", "e|x\n", "\\.\n", "f|5|6\n", "g|7"];
    let records: Vec<Record> = texts.iter().map(|text| record(text)).collect();
    let verdicts = send(&redshift, 1, &records).await;
    let refused = "Redshift.DataLoadFailed";
    assert_eq!(
        codes(&verdicts),
        ["delivered", "delivered", "delivered", refused, refused, refused, "delivered"],
        "{verdicts:?}"
    );
    let rows = r#"SELECT coalesce("Name", 'null') || id FROM "Lines" ORDER BY id"#;
    assert_eq!(server.run(rows).await, ["a\\b1", "\"c2", "null3", "d4", "g7"]);
    let csv = open(dir.path(), RedshiftEndpoint { copy_options: "csv".to_owned(), ..named });
    let records = [record("\"h,\"\"i\",8"), record("\"open,9\n"), record("j,10\n")];
    assert_eq!(codes(&send(&csv, 2, &records).await), ["delivered", refused, "delivered"]);
    assert_eq!(server.run(r#"SELECT "Name" FROM "Lines" WHERE id = 8"#).await, ["h,\"i"]);
}

#[tokio::test]
async fn an_answer_that_is_lost_loads_nothing_twice() {
    let Some(server) = Server::start() else { return };
    server.run("CREATE TABLE clicks (id int)").await;
    let dir = tempfile::tempdir().unwrap();
    let records: Vec<Record> = (0..50).map(|id| record(&format!("{{\"id\":{id}}}"))).collect();
    let count = || server.run("SELECT count(*) FROM clicks");

    let proxy = Proxy::start(server.port, &[Cut::After("COMMIT")]).await;
    let redshift = open(dir.path(), RedshiftEndpoint { port: proxy.port, ..settings() });
    assert_eq!(codes(&send(&redshift, 1, &records).await), ["delivered"; 50]);
    assert_eq!((proxy.cuts_left(), count().await), (0, vec!["50".to_owned()]));

    // The second time the server does not hear of it at all, so what is told is that nobody knows.
    let proxy = Proxy::start(server.port, &[Cut::Before("BEGIN"), Cut::After("COMMIT")]).await;
    let redshift = open(dir.path(), RedshiftEndpoint { port: proxy.port, ..settings() });
    assert_eq!(again(&send(&redshift, 2, &records).await), "Redshift.ConnectionFailed");
    assert_eq!((proxy.cuts_left(), count().await), (0, vec!["100".to_owned()]));
    assert_eq!(codes(&send(&redshift, 2, &records).await), ["delivered"; 50]);
    assert_eq!(count().await, ["100"]);
}

#[tokio::test]
async fn a_server_that_dies_half_way_has_loaded_nothing() {
    let Some(mut server) = Server::start() else { return };
    server.run("CREATE TABLE clicks (id int)").await;
    let dir = tempfile::tempdir().unwrap();
    let records: Vec<Record> = (0..3_000).map(|id| record(&format!("{{\"id\":{id}}}"))).collect();
    let proxy = Proxy::start(server.port, &[Cut::After("INSERT INTO clicks")]).await;
    let redshift = open(dir.path(), RedshiftEndpoint { port: proxy.port, ..settings() });
    assert_eq!(again(&send(&redshift, 1, &records).await), "Redshift.ConnectionFailed");
    server.kill();
    assert_eq!(again(&send(&redshift, 1, &records).await), "Redshift.ConnectionFailed");
    server.restart();
    assert_eq!(server.run("SELECT count(*) FROM clicks").await, ["0"]);
    assert_eq!(codes(&send(&redshift, 1, &records).await), vec!["delivered"; 3_000]);
    assert_eq!(server.run("SELECT count(*) FROM clicks").await, ["3000"]);
}

#[tokio::test]
async fn what_no_record_is_to_blame_for_is_told_and_set_down() {
    let Some(server) = Server::start() else { return };
    server.run("CREATE TABLE clicks (id int)").await;
    let dir = tempfile::tempdir().unwrap();
    let right = RedshiftEndpoint { port: server.port, ..settings() };
    let changed = |change: fn(&mut RedshiftEndpoint)| {
        let mut settings = right.clone();
        change(&mut settings);
        settings
    };
    let records = [record("{\"id\":1}"), record("{\"id\":2}")];
    for (settings, code) in [
        (changed(|s| s.password = Secret("wrong".to_owned())), "Redshift.AuthenticationFailed"),
        (changed(|s| s.database = "nowhere".to_owned()), "Redshift.DatabaseNotFound"),
        (changed(|s| s.table = "nothing".to_owned()), "Redshift.TableNotFound"),
        (changed(|s| s.columns = "nobody".to_owned()), "Redshift.ColumnNotFound"),
        (changed(|s| s.copy_options = "parquet".to_owned()), "Redshift.IncorrectCopyOptions"),
        (changed(|s| s.host = "host.invalid".to_owned()), "Redshift.ConnectionFailed"),
    ] {
        assert_eq!(again(&send(&open(dir.path(), settings), 1, &records).await), code);
    }
    let batch = Batch { id: Uuid::from_u128(1), object_key: KEY, records: &records, now_ms: 0 };
    assert!(open(dir.path(), right.clone()).give_up(&batch).await.unwrap());
    let manifest = object(dir.path(), "errors/manifests/2025/11/23/20/clicks-1-2025-11-23-20-00-00-x");
    assert_eq!(manifest, format!(r#"{{"entries":[{{"url":"s3://lake/{KEY}","mandatory":true}}]}}"#));
    assert_eq!(object(dir.path(), KEY), "{\"id\":1}{\"id\":2}");
    assert_eq!(codes(&send(&open(dir.path(), right), 1, &records).await), ["delivered"; 2]);
    assert_eq!(server.run("SELECT id FROM clicks ORDER BY id").await, ["1", "2"]);
}

#[tokio::test]
async fn redshift_is_told_to_copy_what_the_manifest_names() {
    let Some(server) = Server::start() else { return };
    // A server that says that it is Redshift gets Redshift's statements; this one can do all but the last.
    server
        .run(
            "CREATE SCHEMA fake; CREATE FUNCTION fake.version() RETURNS text LANGUAGE sql AS \
             $$SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.77467'$$; \
             ALTER ROLE loader SET search_path = fake, pg_catalog, public; CREATE TABLE public.clicks (id int)",
        )
        .await;
    let dir = tempfile::tempdir().unwrap();
    let redshift = open(dir.path(), RedshiftEndpoint { port: server.port, ..settings() });
    let records = [record("{\"id\":1}")];
    assert_eq!(again(&send(&redshift, 1, &records).await), "Redshift.SyntaxError");
    let manifest = "manifests/2025/11/23/20/clicks-1-2025-11-23-20-00-00-x";
    let statement = format!(
        "COPY clicks FROM 's3://lake/{manifest}' CREDENTIALS 'aws_iam_role=arn:aws:iam::123456789012:role/loads' \
         MANIFEST json 'auto'"
    );
    let logged = server.log_line("STATEMENT:  COPY");
    assert!(logged.ends_with(&statement), "{logged}");
    assert!(object(dir.path(), manifest).contains(KEY));
    let deliveries = "SELECT count(*) FROM fake.headwater_deliveries";
    assert_eq!(server.run(deliveries).await, ["0"]);
    // What Redshift has loaded already is not copied again.
    let id = Uuid::from_u128(1);
    server.run(&format!("INSERT INTO fake.headwater_deliveries VALUES ('{id}', '2025-11-23 20:00:00')")).await;
    assert_eq!(codes(&send(&redshift, 1, &records).await), ["delivered"]);
    assert_eq!(server.count_in_log("STATEMENT:  COPY"), 1);
}
