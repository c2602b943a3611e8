//! The state machine against a model that remembers each record on its own and looks at all of them every time.

use proptest::prelude::*;

use super::*;

const DEAD_MAX: usize = 3;

/// All that a naive queue knows of one record.
#[derive(Clone, Debug, Default)]
struct Remembered {
    receives: u32,
    first_received_ms: Option<u64>,
    visible_ms: u64,
    delivery: Option<u64>,
    is_dead: bool,
    is_done: bool,
}

/// A naive queue over two sources.
#[derive(Debug, Default)]
struct Model {
    records: [Vec<Remembered>; 2],
    receives_max: Option<u32>,
    deliveries: Vec<(Place, u64)>,
}

impl Model {
    fn get(&mut self, at: Place) -> &mut Remembered {
        &mut self.records[at.source as usize][at.ordinal as usize]
    }

    fn places(&self) -> Vec<Place> {
        let sources = (0u32..).zip(&self.records);
        sources
            .flat_map(|(source, records)| (0..records.len() as u64).map(move |ordinal| Place { source, ordinal }))
            .collect()
    }

    fn matching(&self, is_wanted: impl Fn(&Remembered) -> bool) -> Vec<Place> {
        let records = |at: &Place| is_wanted(&self.records[at.source as usize][at.ordinal as usize]);
        self.places().into_iter().filter(records).collect()
    }

    fn bury(&mut self, now_ms: u64) {
        let Some(receives_max) = self.receives_max else { return };
        let mut due = self.matching(|record| {
            record.delivery.is_some() && !record.is_done && !record.is_dead && record.receives >= receives_max
        });
        due.retain(|at| self.get(*at).visible_ms <= now_ms);
        due.sort_by_key(|at| (self.get(*at).visible_ms, *at));
        let room = DEAD_MAX.saturating_sub(self.matching(|record| record.is_dead && !record.is_done).len());
        due.into_iter().take(room).for_each(|at| self.get(at).is_dead = true);
    }

    /// What can be received now, in no particular order.
    fn visible(&self, now_ms: u64, is_dead: bool) -> Vec<Place> {
        self.matching(|record| {
            record.delivery.is_some() && !record.is_done && record.is_dead == is_dead && record.visible_ms <= now_ms
        })
    }

    fn next_unread(&self, source: usize) -> Option<u64> {
        let read = self.records[source].iter().rposition(|record| record.delivery.is_some() || record.is_done);
        let next = read.map_or(0, |last| last + 1);
        (next < self.records[source].len()).then_some(next as u64)
    }

    fn check(&mut self, at: Place, delivery: u64, is_dead: bool) -> Result<(), Refusal> {
        let record = self.get(at);
        match record {
            Remembered { is_done: true, .. } => Err(Refusal::Gone),
            Remembered { is_dead: true, .. } if !is_dead => Err(Refusal::Dead),
            Remembered { is_dead: false, .. } if is_dead => Err(Refusal::Alive),
            record if record.delivery != Some(delivery) => Err(Refusal::Stale),
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Arrive { source: usize },
    ReceiveUnread { source: usize, timeout_ms: u64 },
    ReceiveAgain { which: prop::sample::Index, is_dead: bool, timeout_ms: u64 },
    Acknowledge { which: prop::sample::Index, is_dead: bool },
    Delay { which: prop::sample::Index, is_dead: bool, timeout_ms: u64 },
    Restore { which: prop::sample::Index },
    Trim { source: usize, ordinal: u64 },
    Limit { receives_max: Option<u32> },
    Reopen,
}

fn any_step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    let timeout = || prop_oneof![Just(0u64), 1u64..50];
    prop_oneof![
        4 => (0usize..2).prop_map(|source| Step::Arrive { source }),
        4 => (0usize..2, timeout()).prop_map(|(source, timeout_ms)| Step::ReceiveUnread { source, timeout_ms }),
        6 => (index(), any::<bool>(), timeout())
            .prop_map(|(which, is_dead, timeout_ms)| Step::ReceiveAgain { which, is_dead, timeout_ms }),
        3 => (index(), any::<bool>()).prop_map(|(which, is_dead)| Step::Acknowledge { which, is_dead }),
        2 => (index(), any::<bool>(), timeout())
            .prop_map(|(which, is_dead, timeout_ms)| Step::Delay { which, is_dead, timeout_ms }),
        2 => index().prop_map(|which| Step::Restore { which }),
        1 => (0usize..2, 0u64..6).prop_map(|(source, ordinal)| Step::Trim { source, ordinal }),
        1 => prop::option::of(1u32..4).prop_map(|receives_max| Step::Limit { receives_max }),
        1 => Just(Step::Reopen),
    ]
}

/// The machine, the model, and every event that happened.
struct Pair {
    machine: Deliveries,
    model: Model,
    events: Vec<Event>,
    now_ms: u64,
}

impl Pair {
    fn happen(&mut self, event: Event) {
        self.machine.apply(&event);
        self.events.push(event);
    }

    fn receive(&mut self, at: Place, timeout_ms: u64) {
        let (now_ms, delivery) = (self.now_ms, self.machine.next_delivery(self.now_ms));
        let visible_ms = now_ms + timeout_ms;
        self.happen(Event::Receive { at, delivery, received_ms: now_ms, visible_ms });
        let record = self.model.get(at);
        record.receives += 1;
        record.first_received_ms.get_or_insert(now_ms);
        (record.visible_ms, record.delivery) = (visible_ms, Some(delivery));
        self.model.deliveries.push((at, delivery));
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let burials: Vec<_> = self.machine.plan_burials(self.now_ms, DEAD_MAX).collect();
        burials.into_iter().for_each(|event| self.happen(event));
        self.model.bury(self.now_ms);
        let chosen = |which: &prop::sample::Index, from: &[(Place, u64)]| (!from.is_empty()).then(|| *which.get(from));
        match step {
            Step::Arrive { source } => self.model.records[*source].push(Remembered::default()),
            Step::ReceiveUnread { source, timeout_ms } => {
                if let Some(ordinal) = self.model.next_unread(*source) {
                    prop_assert_eq!(self.machine.cursor(*source as u32), ordinal);
                    self.receive(Place { source: *source as u32, ordinal }, *timeout_ms);
                }
            }
            Step::ReceiveAgain { which, is_dead, timeout_ms } => {
                let visible: Vec<_> = if *is_dead {
                    self.machine.visible_dead(self.now_ms).collect()
                } else {
                    self.machine.visible(self.now_ms).collect()
                };
                if !visible.is_empty() {
                    self.receive(*which.get(&visible), *timeout_ms);
                }
            }
            Step::Acknowledge { which, is_dead } => {
                let Some((at, delivery)) = chosen(which, &self.model.deliveries) else { return Ok(()) };
                let checked = self.machine.check(at, delivery, *is_dead);
                prop_assert_eq!(checked, self.model.check(at, delivery, *is_dead));
                if checked.is_ok() {
                    self.happen(Event::Done { at });
                    self.model.get(at).is_done = true;
                }
            }
            Step::Delay { which, is_dead, timeout_ms } => {
                let Some((at, delivery)) = chosen(which, &self.model.deliveries) else { return Ok(()) };
                let checked = self.machine.check(at, delivery, *is_dead);
                prop_assert_eq!(checked, self.model.check(at, delivery, *is_dead));
                if checked.is_ok() {
                    let visible_ms = self.now_ms + timeout_ms;
                    self.happen(Event::Delay { at, visible_ms });
                    self.model.get(at).visible_ms = visible_ms;
                }
            }
            Step::Restore { which } => {
                let Some((at, delivery)) = chosen(which, &self.model.deliveries) else { return Ok(()) };
                if self.machine.check(at, delivery, true).is_ok() {
                    self.happen(Event::Restore { at, visible_ms: self.now_ms });
                    let record = self.model.get(at);
                    (record.is_dead, record.receives, record.visible_ms) = (false, 0, self.now_ms);
                }
            }
            Step::Trim { source, ordinal } => {
                let ordinal = (*ordinal).min(self.model.records[*source].len() as u64);
                self.happen(Event::Trim { at: Place { source: *source as u32, ordinal } });
                self.model.records[*source].iter_mut().take(ordinal as usize).for_each(|record| record.is_done = true);
            }
            // Not an event: it stands in the queue's definition, so whoever replays knows the last one.
            Step::Limit { receives_max } => {
                self.machine.set_receives_max(*receives_max);
                self.model.receives_max = *receives_max;
            }
            Step::Reopen => {
                let entries: Vec<_> = self.machine.store_entries().collect();
                let stored = Deliveries::restore(self.machine.store(), entries, self.model.receives_max);
                prop_assert_eq!(&stored, &self.machine);
                let mut replayed = Deliveries::new([], self.model.receives_max);
                self.events.iter().for_each(|event| replayed.apply(event));
                prop_assert_eq!(&replayed, &self.machine);
            }
        }
        Ok(())
    }

    fn compare(&mut self) -> Result<(), TestCaseError> {
        self.machine.check_invariants().map_err(TestCaseError::fail)?;
        let sorted = |mut places: Vec<Place>| {
            places.sort();
            places
        };
        let now_ms = self.now_ms;
        prop_assert_eq!(sorted(self.machine.visible(now_ms).collect()), self.model.visible(now_ms, false));
        prop_assert_eq!(sorted(self.machine.visible_dead(now_ms).collect()), self.model.visible(now_ms, true));
        for at in self.model.places() {
            let record = self.model.get(at).clone();
            let kept = record.delivery.filter(|_| !record.is_done);
            let expected = kept.map(|delivery| Entry {
                receives: record.receives,
                first_received_ms: record.first_received_ms.unwrap_or_default(),
                visible_ms: record.visible_ms,
                delivery,
                is_dead: record.is_dead,
            });
            prop_assert_eq!(self.machine.entry(at).copied(), expected);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_queue_does_what_a_naive_one_does(
        receives_max in prop::option::of(1u32..4),
        steps in proptest::collection::vec((any_step(), 0u64..20), 0..120),
    ) {
        let model = Model { receives_max, ..Model::default() };
        let mut pair = Pair { machine: Deliveries::new([], receives_max), model, events: Vec::new(), now_ms: 1_000 };
        for (step, elapsed_ms) in steps {
            pair.now_ms += elapsed_ms;
            pair.run(&step)?;
            pair.compare()?;
        }
    }

    #[test]
    fn no_events_break_the_invariants(bytes in proptest::collection::vec((1u8..9, 0u32..3, 0u64..6, 0u64..9), 0..60)) {
        let mut state = Deliveries::new([(1, 3)], Some(2));
        for (tag, source, ordinal, time) in bytes {
            let at = Place { source, ordinal };
            state.apply(&match tag {
                1 => Event::Receive { at, delivery: time, received_ms: time, visible_ms: time },
                2 => Event::Done { at },
                3 => Event::Delay { at, visible_ms: time },
                4 => Event::Bury { at },
                5 => Event::Restore { at, visible_ms: time },
                6 => Event::Trim { at },
                7 => Event::Cut { at },
                _ => Event::Forget { source },
            });
            prop_assert_eq!(state.check_invariants(), Ok(()));
        }
    }
}

#[test]
fn what_was_lost_with_its_log_is_unread_again_and_never_mixed_up() {
    let at = |ordinal| Place { source: 0, ordinal };
    let mut state = Deliveries::new([], Some(6));
    for ordinal in 0..3 {
        let delivery = state.next_delivery(7);
        state.apply(&Event::Receive { at: at(ordinal), delivery, received_ms: 7, visible_ms: 9 });
    }
    state.apply(&Event::Done { at: at(2) });
    let lost = state.entry(at(1)).unwrap().delivery;
    state.apply(&Event::Cut { at: at(1) });
    assert_eq!((state.cursor(0), state.alive_count()), (1, 1));
    assert_eq!(state.check(at(1), lost, false), Err(Refusal::Stale));
    let delivery = state.next_delivery(8);
    state.apply(&Event::Receive { at: at(1), delivery, received_ms: 8, visible_ms: 9 });
    assert_eq!(state.check(at(1), lost, false), Err(Refusal::Stale));
    assert_eq!(state.check(at(1), delivery, false), Ok(()));
}

#[test]
fn too_many_dead_letters_leave_the_others_alive() {
    let mut state = Deliveries::new([], Some(1));
    for ordinal in 0..5 {
        let delivery = state.next_delivery(0);
        state.apply(&Event::Receive { at: Place { source: 0, ordinal }, delivery, received_ms: 0, visible_ms: 0 });
    }
    let burials: Vec<_> = state.plan_burials(0, DEAD_MAX).collect();
    burials.iter().for_each(|event| state.apply(event));
    assert_eq!((state.dead_count(), state.visible(0).count()), (3, 2));
}
