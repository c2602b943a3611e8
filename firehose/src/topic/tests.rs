//! Where reading goes on, what is trimmed, and what is counted, over restarts.

use std::path::Path;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use shard_store::Store;
use shard_store::clock::SystemClock;
use shard_store::stream::StreamKey;
use tokio::sync::watch;

use super::{Feed, Start, Stopped, Topic, TopicLogs, TopicRecord};
use crate::definition::{Checkpoint, Position};
use crate::delivery::Command;

const CATALOG_KEY: &str = "delivery/partitions/test";

struct Program {
    logs: Arc<TopicLogs>,
    feed: Feed,
    control: watch::Sender<Command>,
    runtime: tokio::runtime::Runtime,
}

fn start(dir: &Path, read_from_ms: u64, checkpoint: &Checkpoint) -> Program {
    let store = Store::open(dir, shard_store::Options::default(), Arc::new(SystemClock), &mut Registry::default());
    let logs = Arc::new(TopicLogs::open(store.unwrap(), CATALOG_KEY.to_owned(), checkpoint).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (control, commands) = watch::channel(Command::Run);
    let topic = Topic { cluster: "arn:aws:kafka:x".to_owned(), name: "clicks".to_owned() };
    let key = StreamKey::new("000000000000", "us-east-1", "clicks");
    let feed = Feed::new(key, topic, read_from_ms, Arc::clone(&logs), commands, runtime.handle().clone());
    Program { logs, feed, control, runtime }
}

impl Program {
    fn append(&self, partition: usize, offsets: impl IntoIterator<Item = u64>, data: &[u8]) {
        let records: Vec<_> = offsets.into_iter().map(|offset| TopicRecord { offset, data }).collect();
        self.feed.append(partition, &records).unwrap();
    }

    /// Everything of these partitions is delivered, up to these ordinals.
    fn checkpoint(&self, delivered: &[u64]) -> Checkpoint {
        let logs = self.logs.source_logs();
        let positions =
            logs.iter().zip(delivered).map(|(log, ordinal)| Position { log: log.id, next_ordinal: *ordinal });
        Checkpoint { positions: positions.collect() }
    }
}

#[test]
fn reading_goes_on_behind_the_last_record_of_each_log() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), 77, &Checkpoint::default());
    assert_eq!(program.feed.partition_count(), 0);
    program.feed.grow(3).unwrap();
    assert_eq!(program.feed.start(0), Ok(Start::Time(77)));
    program.append(0, [5, 6, 9], b"x");
    program.append(2, [u64::from(u32::MAX)], b"");
    drop(program);
    let program = start(dir.path(), 77, &Checkpoint::default());
    let starts: Vec<_> = (0..3).map(|partition| program.feed.start(partition).unwrap()).collect();
    assert_eq!(starts, [Start::Offset(10), Start::Time(77), Start::Offset(1 << 32)]);
    assert!(program.feed.start(3).is_err());
}

#[test]
fn partitions_that_a_topic_grows_by_are_read_from_their_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), 77, &Checkpoint::default());
    program.feed.grow(1).unwrap();
    program.feed.grow(3).unwrap();
    program.feed.grow(2).unwrap();
    drop(program);
    let program = start(dir.path(), 77, &Checkpoint::default());
    let starts: Vec<_> = (0..3).map(|partition| program.feed.start(partition).unwrap()).collect();
    assert_eq!(starts, [Start::Time(77), Start::Beginning, Start::Beginning]);
    let logs: std::collections::BTreeSet<_> = program.logs.source_logs().iter().map(|log| log.id).collect();
    assert_eq!(logs.len(), 3);
}

#[test]
fn a_topic_from_its_beginning_needs_no_time() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), 0, &Checkpoint::default());
    program.feed.grow(1).unwrap();
    assert_eq!(program.feed.start(0), Ok(Start::Beginning));
}

#[test]
fn trimming_gives_space_back_and_keeps_the_last_record() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), 0, &Checkpoint::default());
    program.feed.grow(2).unwrap();
    let data = vec![b'x'; 64 << 10];
    for round in 0..32 {
        program.append(0, [2 * round, 2 * round + 1], &data);
    }
    program.append(1, [7], b"one");
    let checkpoint = program.checkpoint(&[64, 1]);
    program.logs.on_delivered(&checkpoint).unwrap();
    let logs = program.logs.source_logs();
    assert!(logs[0].log.start() <= 63 && logs[1].log.start() == 0);
    drop(program);
    // After a start nothing is needed from the journal, so segments do go.
    let program = start(dir.path(), 0, &checkpoint);
    program.logs.on_delivered(&checkpoint).unwrap();
    let log = &program.logs.source_logs()[0].log;
    assert!((1..64).contains(&log.start()), "{}", log.start());
    assert_eq!(program.feed.start(0), Ok(Start::Offset(64)));
    assert_eq!(program.feed.start(1), Ok(Start::Offset(8)));
}

#[test]
fn what_is_not_delivered_is_counted_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), 0, &Checkpoint::default());
    program.feed.grow(2).unwrap();
    let data = vec![b'x'; 1 << 20];
    program.append(0, [10, 11], &data);
    program.append(1, [3], &data);
    // Each record comes with the digits of its offset.
    assert_eq!(program.feed.backlog_bytes(), (3 << 20) + 2 + 2 + 1);
    program.logs.on_delivered(&program.checkpoint(&[2, 0])).unwrap();
    assert_eq!(program.feed.backlog_bytes(), (1 << 20) + 1);
    let checkpoint = program.checkpoint(&[2, 0]);
    drop(program);
    let program = start(dir.path(), 0, &checkpoint);
    assert_eq!(program.feed.backlog_bytes(), 0);
    program.feed.count_backlog().unwrap();
    assert_eq!(program.feed.backlog_bytes(), (1 << 20) + 1);
    program.append(1, [4], &data);
    assert_eq!(program.feed.backlog_bytes(), 2 * ((1 << 20) + 1));
    program.logs.on_delivered(&program.checkpoint(&[2, 2])).unwrap();
    assert_eq!(program.feed.backlog_bytes(), 0);
}

#[test]
fn nothing_is_added_once_it_is_stopped_or_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), 0, &Checkpoint::default());
    program.feed.grow(1).unwrap();
    let (logs, _) = program.logs.close();
    program.feed.grow(5).unwrap();
    assert_eq!((program.feed.partition_count(), logs.len()), (1, 1));
    program.control.send_replace(Command::Drain);
    assert!(program.feed.is_stopped());
    program.runtime.block_on(program.feed.stopped());
    assert_eq!(program.feed.append(0, &[TopicRecord { offset: 0, data: b"late" }]), Err(Stopped));
    assert_eq!(program.feed.start(0), Ok(Start::Beginning));
}

#[test]
fn trouble_is_told_until_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), 0, &Checkpoint::default());
    program.feed.set_trouble("no broker answers".to_owned());
    assert_eq!(program.logs.trouble().as_deref(), Some("no broker answers"));
    program.feed.clear_trouble();
    assert_eq!(program.logs.trouble(), None);
}
