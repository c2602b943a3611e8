//! Other destinations for delivery streams that are there, and delivering again.

use super::*;
use crate::engine::ReplayFrom;
use crate::error::{ReplayError, UpdateError};

fn to_prefix(destination: &Destination, prefix: &str) -> Destination {
    Destination { prefix: format!("{prefix}/"), ..destination.clone() }
}

impl Program {
    fn update(&self, name: &str, version: u32, destination: Destination) -> Result<(), UpdateError> {
        let attributes = Value::String("changed".to_owned());
        self.runtime.block_on(self.delivery.update(&key(name), version, destination, attributes))
    }

    fn replay(&self, name: &str, from: ReplayFrom) -> Result<u64, ReplayError> {
        self.runtime.block_on(self.delivery.replay(&key(name), from))
    }
}

#[test]
fn what_is_not_delivered_goes_to_the_new_destination() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    let stream = program.delivery.create(new("raw", None, None)).unwrap();
    program.put("raw", &records(0, 10, false));
    eventually("the first are there", || delivered_ids(&sinks.objects(), "raw").len() == 10);
    sinks.set_down(true);
    program.put("raw", &records(10, 10, false));
    eventually("an intent is open", || matches!(stream.status(), DeliveryStatus::Retrying { .. }));
    let destination = to_prefix(&stream.definition().destination, "other");
    assert!(matches!(program.update("raw", 2, destination.clone()), Err(UpdateError::Version { version: 1, .. })));
    program.update("raw", 1, destination).unwrap();
    sinks.set_down(false);
    program.put("raw", &records(20, 10, false));
    eventually("the others are there", || delivered_ids(&sinks.objects(), "other").len() == 20);
    let definition = program.delivery.get(&key("raw")).unwrap().definition().clone();
    assert_eq!((definition.version, definition.attributes), (2, Value::String("changed".to_owned())));
    assert!(definition.updated_ms >= Some(definition.created_ms));
    drop(program);
    let program = start(dir.path(), &sinks);
    assert_eq!(program.delivery.get(&key("raw")).unwrap().definition().destination.prefix, "other/");
    program.drain();
    assert_eq!(delivered_ids(&sinks.objects(), "raw").len(), 10);
    assert!(delivered_ids(&sinks.objects(), "other").iter().all(|(id, count)| *id >= 10 && *count == 1));
}

#[test]
fn a_destination_that_cannot_be_used_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    let stream = program.delivery.create(new("raw", None, None)).unwrap();
    let destination = to_prefix(&stream.definition().destination, "!{timestamp:bb}");
    assert!(matches!(program.update("raw", 1, destination), Err(UpdateError::Recipe(_))));
    program.put("raw", &records(0, 10, false));
    program.drain();
    assert_eq!(delivered_ids(&sinks.objects(), "raw").len(), 10);
}

#[test]
fn objects_of_a_delivery_that_is_given_up_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    let stream = program.delivery.create(new("raw", None, None)).unwrap();
    sinks.fail_next([Fault::StoreAndHang]);
    program.put("raw", &records(0, 10, false));
    eventually("the upload hangs", || sinks.hung_count() == 1);
    program.update("raw", 1, to_prefix(&stream.definition().destination, "other")).unwrap();
    program.drain();
    assert_eq!(delivered_ids(&sinks.objects(), "raw").len(), 0);
    assert_eq!(delivered_ids(&sinks.objects(), "other").len(), 10);
}

#[test]
fn records_are_delivered_again_from_where_it_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let sinks = FaultySinks::default();
    let program = start(dir.path(), &sinks);
    program.create_stream("clicks", 2);
    program.put_to_shards("clicks", &records(0, 10, false));
    program.delivery.create(new("late", Some(key("clicks")), None)).unwrap();
    program.put_to_shards("clicks", &records(10, 10, false));
    let counts = || delivered_ids(&sinks.objects(), "late");
    eventually("the later records are there", || counts().len() == 10);
    let shard = Arc::clone(&program.streams.get("000000000000", "us-east-1", "clicks").unwrap().shards()[0]);
    // Of the twenty records each shard has ten: this is the first that was delivered.
    let number = shard.sequence_number(5).to_string();
    assert_eq!(program.replay("late", ReplayFrom::Sequence(number.clone())).unwrap(), 5);
    eventually("those of one shard are there again", || counts().values().sum::<usize>() == 15);
    assert_eq!(program.replay("late", ReplayFrom::Timestamp(0)).unwrap(), 20);
    eventually("everything is there again", || counts().values().sum::<usize>() == 35);
    let now_ms = u64::MAX >> 1;
    assert!(matches!(program.replay("late", ReplayFrom::Timestamp(now_ms)), Err(ReplayError::Nothing { .. })));
    let foreign = ReplayFrom::Sequence(number.replace('4', "5"));
    assert!(matches!(program.replay("late", foreign), Err(ReplayError::Sequence { .. })));
    program.put_to_shards("clicks", &records(20, 10, false));
    eventually("what is new comes once", || counts().len() == 30 && counts().values().sum::<usize>() == 45);
    program.drain();
}
