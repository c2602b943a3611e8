//! On-demand streams under load, with their throttles enforced.

use super::reshard::read_by_lineage;
use super::*;

const SECOND_MS: u64 = 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Producers that know what was acknowledged of each of their keys.
struct Producers {
    acknowledged: BTreeMap<String, Vec<SequenceNumber>>,
}

impl Producers {
    fn new() -> Self {
        let keys = (0..100).map(|key| (format!("key {key}"), Vec::new()));
        Self { acknowledged: keys.collect() }
    }

    /// Puts so many records a second for some seconds, in requests of 500. Returns how many were throttled.
    async fn press(&mut self, fixture: &Fixture, records_per_second: usize, seconds: usize) -> usize {
        let mut throttled = 0;
        for _ in 0..seconds {
            fixture.clock.advance(SECOND_MS);
            for from in (0..records_per_second).step_by(500) {
                let keys = self.acknowledged.keys().cycle().skip(from % 100);
                let keys: Vec<_> = keys.take((records_per_second - from).min(500)).cloned().collect();
                throttled += self.put(fixture, &keys).await;
            }
        }
        throttled
    }

    /// Puts the next number of each key, in one request.
    async fn put(&mut self, fixture: &Fixture, keys: &[String]) -> usize {
        let mut next: BTreeMap<&String, usize> = BTreeMap::new();
        let texts: Vec<_> = keys
            .iter()
            .map(|key| {
                let number = next.entry(key).or_insert(self.acknowledged[key].len());
                *number += 1;
                (*number - 1).to_string()
            })
            .collect();
        let data: Vec<_> = texts.iter().map(String::as_bytes).collect();
        let records: Vec<_> = keys.iter().zip(&data).map(|(key, data)| record(key, data)).collect();
        let stream = fixture.find("clicks").unwrap();
        let results = fixture.streams.append(&stream, &records, fixture.now_ms()).await.settle().await;
        let mut throttled = 0;
        for (key, result) in keys.iter().zip(results) {
            match result {
                Ok(sequence) => self.acknowledged.get_mut(key).unwrap().push(sequence),
                Err(PutError::Throttled { .. }) => throttled += 1,
                Err(error) => panic!("{error}"),
            }
        }
        throttled
    }

    /// Everything acknowledged is there, and in order.
    fn check(&self, fixture: &Fixture) {
        let stream = fixture.find("clicks").unwrap();
        let found = read_by_lineage(fixture, &stream);
        for (key, sequences) in &self.acknowledged {
            let numbered: Vec<_> = sequences.iter().copied().zip(0u32..).collect();
            assert_eq!(found.get(key).map_or(&[][..], Vec::as_slice), numbered, "{key}");
            assert!(sequences.is_sorted_by(|left, right| left < right), "{key}");
        }
    }
}

fn open_count(fixture: &Fixture) -> usize {
    fixture.find("clicks").unwrap().open_shard_count()
}

fn create_on_demand(fixture: &Fixture) -> Arc<Stream> {
    fixture.streams.create(NewStream { mode: StreamMode::OnDemand, ..new_stream("clicks", 4) }).unwrap()
}

/// Lets a time pass without load, looking at it every hour.
fn rest(fixture: &Fixture, hours: u64) {
    for _ in 0..hours {
        fixture.clock.advance(HOUR_MS);
        fixture.streams.follow_load();
    }
}

#[tokio::test]
async fn shards_grow_with_the_load_until_nothing_is_throttled() {
    let fixture = open();
    create_on_demand(&fixture);
    let mut producers = Producers::new();
    assert_eq!(producers.press(&fixture, 1_500, 5).await, 0);
    fixture.streams.follow_load();
    assert_eq!(open_count(&fixture), 4);

    assert!(producers.press(&fixture, 8_000, 5).await > 1_000);
    for _ in 0..4 {
        fixture.streams.follow_load();
        producers.press(&fixture, 8_000, 5).await;
    }
    assert_eq!(producers.press(&fixture, 8_000, 5).await, 0);
    fixture.streams.follow_load();
    let grown_count = open_count(&fixture);
    assert!((16..40).contains(&grown_count), "{grown_count}");
    producers.check(&fixture);

    // There is room for double the peak at once, as far as the keys are spread evenly.
    let throttled = producers.press(&fixture, 16_000, 1).await;
    assert!(throttled < 1_600, "{throttled}");
    producers.check(&fixture);
}

#[tokio::test]
async fn a_quiet_stream_shrinks_when_its_peak_is_thirty_days_old_and_a_restart_does_not_forget_that() {
    let fixture = open();
    create_on_demand(&fixture);
    fixture.streams.raise_retention(&StreamKey::new(ACCOUNT, REGION, "clicks"), 8_760).unwrap();
    let mut producers = Producers::new();
    for _ in 0..4 {
        producers.press(&fixture, 8_000, 2).await;
        fixture.streams.follow_load();
    }
    let grown_count = open_count(&fixture);
    assert!(grown_count >= 16, "{grown_count}");

    rest(&fixture, 10 * 24);
    let fixture = fixture.reopen();
    rest(&fixture, 19 * 24);
    // What is more than double the peak was released; the rest is kept.
    let kept_count = open_count(&fixture);
    assert!((16..=grown_count).contains(&kept_count), "{kept_count}");
    rest(&fixture, 24 + 10 * 24);
    assert_eq!(open_count(&fixture), 4);
    producers.press(&fixture, 1_000, 1).await;
    producers.check(&fixture);
    producers.check(&fixture.reopen());
}

#[tokio::test]
async fn a_stream_keeps_its_shards_when_it_becomes_on_demand() {
    let fixture = open();
    let key = fixture.create("clicks", 12).key().clone();
    fixture.clock.advance(3 * DAY_MS);
    fixture.streams.set_mode(&key, StreamMode::OnDemand).unwrap();
    rest(&fixture, 29 * 24);
    assert_eq!(open_count(&fixture), 12);
    rest(&fixture, 3 * 24);
    assert_eq!(open_count(&fixture), 4);
}

#[tokio::test]
async fn the_shards_of_an_account_are_not_exceeded() {
    let fixture = open_with(Options { shards_max: 6, ..Options::default() });
    create_on_demand(&fixture);
    let mut producers = Producers::new();
    for _ in 0..3 {
        producers.press(&fixture, 8_000, 1).await;
        fixture.streams.follow_load();
    }
    assert_eq!(open_count(&fixture), 6);
    producers.check(&fixture);
}

#[tokio::test]
async fn only_on_demand_streams_with_limits_are_scaled() {
    let fixture = open();
    fixture.create("clicks", 4);
    let mut producers = Producers::new();
    producers.press(&fixture, 8_000, 1).await;
    fixture.streams.follow_load();
    assert_eq!(open_count(&fixture), 4);

    let fixture = open_with(super::reshard::unthrottled());
    create_on_demand(&fixture);
    assert_eq!(Producers::new().press(&fixture, 8_000, 1).await, 0);
    fixture.streams.follow_load();
    assert_eq!(open_count(&fixture), 4);
}

#[tokio::test]
async fn the_peaks_of_a_deleted_stream_are_forgotten() {
    let fixture = open();
    create_on_demand(&fixture);
    let stored = || fixture.store.catalog().scan("stream-load/").unwrap().len();
    Producers::new().press(&fixture, 8_000, 1).await;
    fixture.streams.follow_load();
    assert_eq!(stored(), 1);
    fixture.streams.delete(ACCOUNT, REGION, "clicks").unwrap();
    assert_eq!(stored(), 0);
}

#[tokio::test]
async fn the_load_is_followed_in_the_background_until_the_streams_are_dropped() {
    let interval = std::time::Duration::from_millis(1);
    let fixture = open_with(Options { scaling_interval: interval, ..Options::default() });
    create_on_demand(&fixture);
    let following = tokio::spawn(crate::stream::on_demand::run(Arc::downgrade(&fixture.streams)));
    let stream = fixture.find("clicks").unwrap();
    let mut producers = Producers::new();
    // Each look at the clock may see a part of the load only; the sum of it is far beyond four shards.
    let grown = async {
        while open_count(&fixture) == 4 {
            producers.press(&fixture, 8_000, 1).await;
            tokio::task::yield_now().await;
        }
        assert!(fixture.streams.successor(&stream).await.is_some());
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), grown).await.unwrap();
    producers.check(&fixture);
    drop((stream, fixture));
    following.await.unwrap();
}

fn create_spread(fixture: &Fixture, shard_count: u32) -> Arc<Stream> {
    let distribution = RecordDistribution::Auto;
    let mode = StreamMode::OnDemand;
    fixture.streams.create(NewStream { mode, distribution, ..new_stream("clicks", shard_count) }).unwrap()
}

/// How many records each shard holds.
fn counts(stream: &Stream) -> Vec<u64> {
    stream.shards().iter().map(|shard| shard.log().end()).collect()
}

#[tokio::test]
async fn spread_records_find_the_shards_that_have_room() {
    let fixture = open();
    let stream = create_spread(&fixture, 4);
    let (small, large) = (vec![b'x'; 10], vec![b'x'; 700 * 1024]);
    let (small, large) = (small.as_slice(), large.as_slice());
    // Two large records do not fit one shard's second: each goes where there is room, whosever turn it is.
    let records = [record("", &large), record("", &large), record("", &large), record("", &large), record("", &large)];
    let results = fixture.streams.append(&stream, &records, fixture.now_ms()).await.settle().await;
    let shards: Vec<_> = results.iter().flatten().map(|sequence| sequence.shard().0).collect();
    assert_eq!(shards.len(), 4);
    assert!((0..4).all(|shard| shards.contains(&shard)), "{shards:?}");
    assert!(matches!(results[4], Err(PutError::Throttled { .. })));
    for _ in 0..8 {
        let pending = fixture.streams.append_one(&stream, &record("k", &small), fixture.now_ms()).await.unwrap();
        pending.settle().await.unwrap();
    }
    assert_eq!(counts(&stream), [3; 4]);
    // What nobody took counts once, for the scaler.
    fixture.clock.advance(SECOND_MS);
    let total: u64 = stream.open_shards().map(|shard| shard.read_load(fixture.now_ms())).sum();
    let exact = 5 * 700 * 1_000 / 1_024;
    assert!((exact - 4..exact + 4).contains(&total), "{total}");
}

#[tokio::test]
async fn a_single_key_grows_a_stream_whose_records_are_spread() {
    let fixture = open();
    let stream = create_spread(&fixture, 4);
    let data = b"x".as_slice();
    let records = vec![record("the same", &data); 500];
    let mut stored = 0;
    for _ in 0..3 {
        fixture.clock.advance(SECOND_MS);
        for _ in 0..12 {
            let stream = fixture.find("clicks").unwrap();
            let results = fixture.streams.append(&stream, &records, fixture.now_ms()).await.settle().await;
            stored += results.iter().filter(|result| result.is_ok()).count() as u64;
        }
        fixture.streams.follow_load();
    }
    assert_eq!(stored, 4_000 + 6_000 + 6_000);
    // Whoever holds an old snapshot puts into the new shards as well.
    let results = fixture.streams.append(&stream, &records, fixture.now_ms()).await.settle().await;
    assert!(results.iter().all(Result::is_ok));
    let fixture = fixture.reopen();
    let stream = fixture.find("clicks").unwrap();
    assert_eq!(stream.distribution(), RecordDistribution::Auto);
    assert!(stream.open_shard_count() >= 12, "{}", stream.open_shard_count());
    assert_eq!(counts(&stream).iter().sum::<u64>(), stored + 500);
}

#[tokio::test]
async fn a_warm_stream_survives_reopening_and_keeps_what_is_in_use_narrow() {
    let fixture = open();
    let stream = create_on_demand(&fixture);
    let refused = fixture.streams.set_warm_throughput(stream.key(), 6);
    assert!(matches!(refused, Err(error::ReshardError::Warm(error::WarmError::Uncommitted { .. }))));
    fixture.streams.commit_account(ACCOUNT, REGION, true).unwrap();
    let mut producers = Producers::new();
    for _ in 0..3 {
        producers.press(&fixture, 4_000, 1).await;
        fixture.streams.follow_load();
    }
    let busy_count = open_count(&fixture);
    fixture.streams.set_warm_throughput(stream.key(), 3).unwrap();
    // Less than it has is released only where nothing is asked for.
    assert_eq!(open_count(&fixture), busy_count);
    let warm = fixture.streams.set_warm_throughput(stream.key(), 40).unwrap();
    assert!(warm.open_shard_count() >= 40);
    producers.check(&fixture);
    let fixture = fixture.reopen();
    assert_eq!(fixture.find("clicks").unwrap().warm_mibps(), 40);
    rest(&fixture, 60 * 24);
    let kept_count = open_count(&fixture);
    assert!((40..50).contains(&kept_count), "{kept_count}");
    let ended = fixture.streams.commit_account(ACCOUNT, REGION, false);
    assert!(matches!(ended, Err(error::AccountError::KeptWarm { .. })));
    fixture.streams.set_warm_throughput(stream.key(), 0).unwrap();
    assert_eq!(open_count(&fixture), 4);
}
