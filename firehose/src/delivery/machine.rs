//! The decisions of one delivery stream: what to do next, given the time and what came of what was done before.

use std::collections::BTreeMap;

use shard_store::log::LogId;

use super::{Intent, Range};
use crate::definition::{BufferHints, Checkpoint, Position};

const MIB: u64 = 1024 * 1024;

/// The first pause after a failure; it doubles with each further one.
const PAUSE_MS_MIN: u64 = 200;

/// The longest pause, which also bounds how long a bucket that is back waits for its objects.
const PAUSE_MS_MAX: u64 = 10_000;

/// What the machine cannot know by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) now_ms: u64,
    /// There are records behind those that were read.
    pub(super) has_unread: bool,
    /// What is there shall be delivered, and then it shall stop.
    pub(super) is_draining: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Read up to so many bytes.
    Read { byte_count_max: u64 },
    /// Wait for records, but not after this time.
    Wait { until_ms: Option<u64> },
    /// Build the objects of these records and commit the intent.
    Intend { ranges: Vec<Range>, oldest_ms: u64 },
    /// Upload the objects of the intent, building them if they are not at hand, and commit the checkpoint.
    Deliver(Box<Intent>),
    /// Wait this long, for something refused.
    Pause { until_ms: u64 },
    /// Everything is delivered that was to be.
    Stop,
}

/// Records that were read but not delivered.
#[derive(Clone, Copy, Debug, Default)]
struct Buffer {
    byte_count: u64,
    oldest_ms: Option<u64>,
}

/// One delivery stream's state.
#[derive(Debug)]
pub(super) struct Machine {
    size_bytes: u64,
    interval_ms: u64,
    /// The first ordinal of each log that is not delivered.
    delivered: BTreeMap<LogId, u64>,
    /// The first ordinal of each log that was not read; never before the one delivered.
    read: BTreeMap<LogId, u64>,
    buffer: Buffer,
    intent: Option<Box<Intent>>,
    failure_count: u32,
    paused_until_ms: u64,
}

impl Machine {
    /// Goes on from what the catalog says.
    pub(super) fn new(hints: BufferHints, checkpoint: &Checkpoint, intent: Option<Intent>) -> Self {
        let delivered: BTreeMap<_, _> =
            checkpoint.positions.iter().map(|position| (position.log, position.next_ordinal)).collect();
        Self {
            size_bytes: hints.size_mib * MIB,
            interval_ms: hints.interval_seconds * 1_000,
            read: delivered.clone(),
            delivered,
            buffer: Buffer::default(),
            intent: intent.map(Box::new),
            failure_count: 0,
            paused_until_ms: 0,
        }
    }

    /// What to do next.
    pub(super) fn next(&self, situation: Situation) -> Action {
        if situation.now_ms < self.paused_until_ms {
            return Action::Pause { until_ms: self.paused_until_ms };
        }
        if let Some(intent) = &self.intent {
            return Action::Deliver(intent.clone());
        }
        let Some(oldest_ms) = self.buffer.oldest_ms else {
            return match situation {
                Situation { has_unread: true, .. } => Action::Read { byte_count_max: self.size_bytes },
                Situation { is_draining: true, .. } => Action::Stop,
                _ => Action::Wait { until_ms: None },
            };
        };
        let room = self.size_bytes.saturating_sub(self.buffer.byte_count);
        let due_ms = oldest_ms.saturating_add(self.interval_ms);
        if room == 0 {
            return self.intend(oldest_ms);
        }
        if situation.has_unread {
            return Action::Read { byte_count_max: room };
        }
        if situation.is_draining || due_ms <= situation.now_ms {
            return self.intend(oldest_ms);
        }
        Action::Wait { until_ms: Some(due_ms) }
    }

    fn intend(&self, oldest_ms: u64) -> Action {
        let ranges = self.read.iter().filter_map(|(log, to)| {
            let from = self.delivered.get(log).copied().unwrap_or(0);
            (from < *to).then_some(Range { log: *log, from, to: *to })
        });
        Action::Intend { ranges: ranges.collect(), oldest_ms }
    }

    /// Where reading `log` goes on.
    pub(super) fn read_position(&self, log: LogId) -> u64 {
        self.read.get(&log).copied().unwrap_or(0)
    }

    /// When the oldest record arrived that is not delivered, of those that were read.
    pub(super) fn oldest_ms(&self) -> Option<u64> {
        self.intent.as_ref().map(|intent| intent.oldest_ms).or(self.buffer.oldest_ms)
    }

    /// Bytes that were read and not delivered.
    pub(super) fn buffered_bytes(&self) -> u64 {
        self.buffer.byte_count
    }

    /// Whether what was read is as much as is delivered at a time.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.byte_count >= self.size_bytes
    }

    /// From now on so many bytes are delivered at a time.
    pub(super) fn set_size_bytes(&mut self, size_bytes: u64) {
        self.size_bytes = size_bytes;
    }

    /// Records of `log` were read: `byte_count` bytes up to `next_ordinal`, the first of which arrived at `oldest_ms`.
    pub(super) fn on_read(&mut self, log: LogId, next_ordinal: u64, byte_count: u64, oldest_ms: Option<u64>) {
        self.read.insert(log, next_ordinal);
        self.delivered.entry(log).or_insert(0);
        self.buffer.byte_count += byte_count;
        self.buffer.oldest_ms = match (self.buffer.oldest_ms, oldest_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.check_invariants();
    }

    /// `log` ends at `end`, before what was delivered of it or is about to be; whatever comes behind is new.
    pub(super) fn on_lost(&mut self, log: LogId, end: u64) {
        for position in [self.delivered.get_mut(&log), self.read.get_mut(&log)].into_iter().flatten() {
            *position = (*position).min(end);
        }
        for range in self.intent.iter_mut().flat_map(|intent| &mut intent.ranges).filter(|range| range.log == log) {
            range.to = range.to.min(end);
            range.from = range.from.min(range.to);
        }
    }

    /// Where the records of `log` must reach at least, by what is delivered or about to be.
    pub(super) fn claimed_end(&self, log: LogId) -> u64 {
        let ranges = self.intent.iter().flat_map(|intent| &intent.ranges).filter(|range| range.log == log);
        ranges.map(|range| range.to).max().unwrap_or(0).max(self.read_position(log))
    }

    /// The intent is in the catalog.
    pub(super) fn on_intended(&mut self, intent: Intent) {
        self.intent = Some(Box::new(intent));
        self.failure_count = 0;
    }

    /// What the checkpoint will say once the open intent is done. Logs that are gone are left out of it.
    pub(super) fn checkpoint_after(&self, intent: &Intent, is_gone: impl Fn(LogId) -> bool) -> Checkpoint {
        let mut delivered = self.delivered.clone();
        for range in &intent.ranges {
            delivered.insert(range.log, range.to);
        }
        let kept = delivered.into_iter().filter(|(log, _)| !is_gone(*log));
        Checkpoint { positions: kept.map(|(log, next_ordinal)| Position { log, next_ordinal }).collect() }
    }

    /// The objects are in place, and the checkpoint that says so is in the catalog.
    pub(super) fn on_delivered(&mut self, checkpoint: &Checkpoint) {
        self.delivered = checkpoint.positions.iter().map(|position| (position.log, position.next_ordinal)).collect();
        // An intent from before the start covers records that were not read again.
        self.read = self.delivered.clone();
        self.buffer = Buffer::default();
        self.intent = None;
        self.failure_count = 0;
        self.check_invariants();
    }

    /// Something refused; it is tried again after a pause. Returns the pause, in milliseconds.
    pub(super) fn on_failed(&mut self, now_ms: u64) -> u64 {
        let pause_ms = PAUSE_MS_MIN.saturating_mul(1 << self.failure_count.min(16)).min(PAUSE_MS_MAX);
        self.failure_count += 1;
        self.paused_until_ms = now_ms + pause_ms;
        pause_ms
    }

    /// Delivered ≤ read, for each log.
    fn check_invariants(&self) {
        for (log, delivered) in &self.delivered {
            debug_assert!(self.read.get(log).is_some_and(|read| delivered <= read), "{log} is delivered but not read");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    const LOG: LogId = LogId(7);
    const HINTS: BufferHints = BufferHints { size_mib: 1, interval_seconds: 60 };

    fn at(now_ms: u64, has_unread: bool) -> Situation {
        Situation { now_ms, has_unread, is_draining: false }
    }

    fn intent(to: u64) -> Intent {
        Intent {
            ranges: vec![Range { log: LOG, from: 3, to }],
            unique: String::new(),
            oldest_ms: 0,
            created_ms: 0,
            schema: Schema::default(),
            staged: None,
            objects: Vec::new(),
        }
    }

    fn machine() -> Machine {
        let checkpoint = Checkpoint { positions: vec![Position { log: LOG, next_ordinal: 3 }] };
        Machine::new(HINTS, &checkpoint, None)
    }

    #[test]
    fn a_buffer_is_delivered_when_it_is_old() {
        let mut machine = machine();
        assert_eq!(machine.next(at(0, false)), Action::Wait { until_ms: None });
        assert_eq!(machine.next(at(0, true)), Action::Read { byte_count_max: MIB });
        machine.on_read(LOG, 5, 100, Some(1_000));
        assert_eq!(machine.next(at(1_000, true)), Action::Read { byte_count_max: MIB - 100 });
        assert_eq!(machine.next(at(60_999, false)), Action::Wait { until_ms: Some(61_000) });
        let ranges = vec![Range { log: LOG, from: 3, to: 5 }];
        assert_eq!(machine.next(at(61_000, false)), Action::Intend { ranges, oldest_ms: 1_000 });
    }

    #[test]
    fn a_buffer_is_delivered_when_it_is_full() {
        let mut machine = machine();
        machine.on_read(LOG, 9, MIB, Some(1_000));
        let ranges = vec![Range { log: LOG, from: 3, to: 9 }];
        assert_eq!(machine.next(at(1_000, true)), Action::Intend { ranges, oldest_ms: 1_000 });
    }

    #[test]
    fn a_buffer_of_another_size_is_cut_there_or_when_it_is_old() {
        let mut machine = machine();
        machine.on_read(LOG, 9, MIB, Some(1_000));
        assert!(machine.is_full());
        machine.set_size_bytes(3 * MIB);
        assert!(!machine.is_full());
        assert_eq!(machine.next(at(1_000, true)), Action::Read { byte_count_max: 2 * MIB });
        assert!(matches!(machine.next(at(61_000, false)), Action::Intend { .. }));
        machine.on_read(LOG, 12, 2 * MIB, Some(1_000));
        assert!(machine.is_full() && matches!(machine.next(at(1_000, true)), Action::Intend { .. }));
    }

    #[test]
    fn an_open_intent_comes_before_anything_else_until_it_is_delivered() {
        let checkpoint = Checkpoint { positions: vec![Position { log: LOG, next_ordinal: 3 }] };
        let mut machine = Machine::new(HINTS, &checkpoint, Some(intent(8)));
        assert_eq!(machine.next(at(0, true)), Action::Deliver(Box::new(intent(8))));
        let after = machine.checkpoint_after(&intent(8), |_| false);
        machine.on_delivered(&after);
        assert_eq!(machine.read_position(LOG), 8);
        assert_eq!(machine.next(at(0, true)), Action::Read { byte_count_max: MIB });
    }

    #[test]
    fn pauses_grow_to_a_bound_and_end_with_success() {
        let mut machine = machine();
        let pauses: Vec<u64> = (0..8).map(|_| machine.on_failed(0)).collect();
        assert_eq!(pauses, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(machine.next(at(9_999, true)), Action::Pause { until_ms: 10_000 });
        machine.on_intended(intent(4));
        assert_eq!(machine.on_failed(0), 200);
    }

    #[test]
    fn draining_reads_delivers_and_stops() {
        let mut machine = machine();
        let draining = |has_unread| Situation { now_ms: 0, has_unread, is_draining: true };
        assert!(matches!(machine.next(draining(true)), Action::Read { .. }));
        machine.on_read(LOG, 4, 10, Some(0));
        assert!(matches!(machine.next(draining(false)), Action::Intend { .. }));
        machine.on_intended(intent(4));
        assert!(matches!(machine.next(draining(false)), Action::Deliver(_)));
        machine.on_delivered(&machine.checkpoint_after(&intent(4), |_| false));
        assert_eq!(machine.next(draining(false)), Action::Stop);
    }

    #[test]
    fn records_that_a_power_loss_took_back_are_not_taken_for_delivered() {
        let checkpoint = Checkpoint { positions: vec![Position { log: LOG, next_ordinal: 3 }] };
        let mut machine = Machine::new(HINTS, &checkpoint, Some(intent(8)));
        assert_eq!(machine.claimed_end(LOG), 8);
        machine.on_lost(LOG, 5);
        let Action::Deliver(clamped) = machine.next(at(0, true)) else { panic!("the intent is gone") };
        assert_eq!(clamped.ranges, [Range { log: LOG, from: 3, to: 5 }]);
        let after = machine.checkpoint_after(&clamped, |_| false);
        machine.on_delivered(&after);
        assert_eq!(machine.read_position(LOG), 5);
        machine.on_lost(LOG, 1);
        assert_eq!(machine.read_position(LOG), 1);
    }

    #[test]
    fn logs_that_are_gone_leave_the_checkpoint() {
        let mut machine = machine();
        machine.on_read(LogId(9), 1, 1, Some(0));
        let after = machine.checkpoint_after(&intent(8), |log| log == LogId(9));
        assert_eq!(after.positions, [Position { log: LOG, next_ordinal: 8 }]);
    }
}
