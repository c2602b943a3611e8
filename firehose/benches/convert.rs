//! How many rows of a clickstream become zstd Parquet per second, on one core.
//!
//! The question: is the way from JSON bytes to a Parquet file faster than that of the engines people would use instead?
//! The answer is checked: the rows that are written are counted. Input is made up but realistic: nine members, about
//! 330 bytes, as many distinct values as a busy site has.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firehose::convert::{Columns, Conversion, Naming, ParquetOptions, convert};
use firehose::schema::{ClashPolicy, Schema};

const ROWS: u64 = 100_000;

fn records() -> Vec<Vec<u8>> {
    let record =
        |n: u64| {
            let user = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
            let (page, status) = (user % 997, if n.is_multiple_of(50) { 404 } else { 200 });
            format!(
            "{{\"event_time\":\"2026-11-23T{:02}:{:02}:{:02}.{:03}Z\",\"client_ip\":\"10.{}.{}.{}\",\"method\":\"GET\",\
             \"path\":\"/articles/{page}/section-{}\",\"protocol\":\"HTTP/2\",\"status\":{status},\"bytes\":{},\
             \"referrer\":\"https://www.example.org/search?q=term{}\",\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64) \
             AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36\"}}\n",
            n / 3_600_000 % 24, n / 60_000 % 60, n / 1_000 % 60, n % 1_000,
            user % 251, user % 241, user % 239, user % 7, user % 90_000, user % 5_003, 100 + user % 40,
        )
        .into_bytes()
        };
    (0..ROWS).map(record).collect()
}

fn clickstream_to_parquet(criterion: &mut Criterion) {
    let records = records();
    let conversion = Conversion {
        columns: Columns::Inferred(ClashPolicy::ErrorPrefix),
        is_lenient: false,
        naming: Naming { is_case_insensitive: true, ..Naming::default() },
        timestamp_formats: Vec::new(),
        parquet: ParquetOptions::default(),
    };
    let mut group = criterion.benchmark_group("clickstream_to_zstd_parquet");
    group.sample_size(10).throughput(Throughput::Elements(ROWS));
    group.bench_function("inferred", |bencher| {
        bencher.iter(|| {
            let converted =
                convert(|| records.iter(), &conversion, &Schema::default(), || Ok(Vec::new()), |_| {}).unwrap();
            assert_eq!(converted.row_count, ROWS);
            black_box(converted.file)
        });
    });
    group.finish();
}

criterion_group!(benches, clickstream_to_parquet);
criterion_main!(benches);
