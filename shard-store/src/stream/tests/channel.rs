//! Channels, and the streams that have them.

use serde_json::json;

use super::error::ChannelError;
use super::*;

fn key(name: &str) -> ChannelKey {
    ChannelKey::new(ACCOUNT, REGION, name)
}

fn new_channel(name: &str, destination: ChannelDestination) -> NewChannel {
    NewChannel {
        key: key(name),
        stream: StreamKey::new(ACCOUNT, REGION, "clicks"),
        destination,
        configuration: json!({"anything": [1]}),
        encryption_key: None,
        tags: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
    }
}

#[test]
fn a_channel_survives_reopening_and_keeps_its_stream() {
    let fixture = open();
    fixture.streams.create(NewStream { mode: StreamMode::OnDemand, ..new_stream("clicks", 4) }).unwrap();
    let lake = fixture.streams.create_channel(new_channel("lake", ChannelDestination::S3)).unwrap();
    let table = fixture.streams.create_channel(new_channel("table", ChannelDestination::S3Tables)).unwrap();
    assert_ne!(lake.id, table.id);
    fixture.streams.remove_channel_tags(&key("table"), &["team".to_owned()]).unwrap();
    let fixture = fixture.reopen();
    assert_eq!(fixture.streams.channel(&key("lake")), Some(lake));
    assert!(fixture.streams.channel(&key("table")).unwrap().tags.is_empty());
    let refused = fixture.streams.delete(ACCOUNT, REGION, "clicks");
    assert!(matches!(refused, Err(DeleteError::HasChannels { .. })));
    for name in ["lake", "table"] {
        fixture.streams.delete_channel(&key(name)).unwrap();
    }
    assert!(matches!(fixture.streams.delete_channel(&key("lake")), Err(ChannelError::NotFound { .. })));
    let fixture = fixture.reopen();
    assert_eq!(fixture.streams.channel(&key("lake")), None);
    fixture.streams.delete(ACCOUNT, REGION, "clicks").unwrap();
}

#[test]
fn a_stream_has_one_channel_to_each_kind_of_destination() {
    let fixture = open();
    let refused = fixture.streams.create_channel(new_channel("lake", ChannelDestination::S3));
    assert!(matches!(refused, Err(ChannelError::StreamNotFound { .. })));
    let stream = fixture.create("clicks", 1);
    let refused = fixture.streams.create_channel(new_channel("lake", ChannelDestination::S3));
    assert!(matches!(refused, Err(ChannelError::NotOnDemand { .. })));
    fixture.streams.set_mode(stream.key(), StreamMode::OnDemand).unwrap();
    fixture.streams.create_channel(new_channel("lake", ChannelDestination::S3)).unwrap();
    let again = fixture.streams.create_channel(new_channel("lake", ChannelDestination::S3Tables));
    assert!(matches!(again, Err(ChannelError::AlreadyExists { .. })));
    let second = fixture.streams.create_channel(new_channel("second", ChannelDestination::S3));
    assert!(matches!(second, Err(ChannelError::TooManyChannels { .. })));
    fixture.streams.create_channel(new_channel("second", ChannelDestination::S3Tables)).unwrap();
    let listed = fixture.streams.list_channels(ACCOUNT, REGION, Some("lake"), 9, |_| true);
    assert_eq!(listed.iter().map(|channel| channel.key.name.as_str()).collect::<Vec<_>>(), ["second"]);
    assert!(fixture.streams.list_channels(ACCOUNT, "us-east-2", None, 9, |_| true).is_empty());
}
