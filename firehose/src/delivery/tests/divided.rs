//! Objects by partition key, and records kept as they came.

use super::*;
use crate::definition::Backup;

pub(super) fn divided(name: &str) -> NewDeliveryStream {
    let mut new = new(name, None, None);
    new.destination.prefix = format!("{name}/site=!{{partitionKeyFromColumn:site}}/");
    new.destination.error_prefix = format!("{name}/failed/!{{firehose:error-output-type}}/");
    new.destination.is_partitioned = true;
    new.destination.backup = Some(Backup {
        bucket: "lake".to_owned(),
        prefix: format!("{name}-kept/"),
        error_prefix: String::new(),
        compression: ObjectCompression::Uncompressed,
    });
    new
}

/// Records of five sites; every eleventh has none.
pub(super) fn of_sites(from: u64, count: u64) -> Vec<String> {
    let record = |id: u64| match id {
        _ if id % 11 == 3 => format!("{{\"id\":{id}}}\n"),
        _ => format!("{{\"id\":{id},\"site\":\"s{}\"}}\n", id % 5),
    };
    (from..from + count).map(record).collect()
}

#[test]
fn each_partition_has_objects_of_its_own_and_a_record_without_its_key_an_error_line() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    program.delivery.create(divided("divided")).unwrap();
    program.put("divided", &of_sites(0, 100));
    program.drain();
    let objects = sinks.objects();
    for site in 0..5 {
        let ids = delivered_ids(&objects, &format!("divided/site=s{site}"));
        let expected = (0..100).filter(|id| id % 11 != 3 && id % 5 == site).count();
        assert_eq!(ids.len(), expected);
        assert!(ids.iter().all(|(id, count)| id % 5 == site && *count == 1), "{ids:?}");
    }
    let failed: BTreeMap<_, _> = objects.iter().filter(|(key, _)| key.starts_with("divided/failed/")).collect();
    let lines: usize = failed.values().map(|body| std::str::from_utf8(body).unwrap().lines().count()).sum();
    assert_eq!(lines, (0..100).filter(|id| id % 11 == 3).count(), "{failed:?}");
    assert_eq!(delivered_ids(&objects, "divided-kept").len(), 100);
}

#[test]
fn many_partitions_are_delivered_with_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    let mut new = divided("divided");
    new.destination.backup = None;
    program.delivery.create(new).unwrap();
    let records: Vec<String> = (0..3_000).map(|id| format!("{{\"id\":{id},\"site\":\"s{id}\"}}\n")).collect();
    for records in records.chunks(500) {
        program.put("divided", records);
    }
    program.drain();
    let objects = sinks.objects();
    assert_eq!((objects.len(), delivered_ids(&objects, "divided").len()), (3_000, 3_000));
}
