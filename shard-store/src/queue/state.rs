//! [`Deliveries`]: which records of a queue are unread, in flight, waiting for another try, dead or done. No I/O, no clock.
//!
//! Each source (a shard) is read in order, up to a **cursor**. What lies behind the cursor is unread and costs nothing. What
//! lies before it is done, unless it has an **entry**: it was received and not acknowledged. So a queue that is far behind,
//! and one of which everything is acknowledged, are equally small; what is kept is bounded by how many records may be in
//! flight or dead.
//!
//! An entry is in flight until it becomes visible. Then it can be received again; or it becomes a dead letter, once it was
//! received as often as it may be. A dead letter is in flight and visible likewise, to other readers.
//!
//! The state changes by [`Deliveries::apply`] alone, so the same events in the same order make the same state: that is how it
//! is found again after a restart. Planning what should happen looks and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::event::{Event, Place};

/// What is known of a record that was received and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How often it was received since it was restored, or ever.
    pub receives: u32,
    /// When it was first received, in milliseconds since the Unix epoch.
    pub first_received_ms: u64,
    /// When it is visible again, likewise.
    pub visible_ms: u64,
    /// Its last delivery.
    pub delivery: u64,
    /// Whether it is a dead letter.
    pub is_dead: bool,
}

/// A record cannot be acknowledged, delayed or restored by the delivery that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was acknowledged, or has expired.
    #[error("the record is no longer in the queue")]
    Gone,
    /// It was received again since.
    #[error("the record was received again since")]
    Stale,
    /// It has become a dead letter.
    #[error("the record has become a dead letter")]
    Dead,
    /// It is not a dead letter.
    #[error("the record is not a dead letter")]
    Alive,
}

/// The lists of entries by the time when they are visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    /// Those that will be delivered again.
    Alive = 0,
    /// Those that will become dead letters.
    Dying = 1,
    /// Dead letters.
    Dead = 2,
}

/// The state of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    cursors: BTreeMap<u32, u64>,
    entries: BTreeMap<Place, Entry>,
    lists: [BTreeSet<(u64, Place)>; 3],
    /// After so many receives a record becomes a dead letter, if ever.
    receives_max: Option<u32>,
    last_delivery: u64,
}

/// A state as it is stored: all but the entries, which may be many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Sources and where they are read on.
    pub cursors: Vec<(u32, u64)>,
    /// See [`Deliveries::next_delivery`].
    pub last_delivery: u64,
}

/// An entry as it is stored: source, ordinal, receives, first received, visible, delivery, whether it is dead.
pub type StoredEntry = (u32, u64, u32, u64, u64, u64, bool);

impl Deliveries {
    /// A state in which nothing was received.
    pub fn new(cursors: impl IntoIterator<Item = (u32, u64)>, receives_max: Option<u32>) -> Self {
        Self { cursors: cursors.into_iter().collect(), receives_max, ..Self::default() }
    }

    /// The state that was stored.
    pub fn restore(stored: Stored, entries: impl IntoIterator<Item = StoredEntry>, receives_max: Option<u32>) -> Self {
        let mut state = Self::new(stored.cursors, receives_max);
        state.last_delivery = stored.last_delivery;
        for (source, ordinal, receives, first_received_ms, visible_ms, delivery, is_dead) in entries {
            let entry = Entry { receives, first_received_ms, visible_ms, delivery, is_dead };
            state.put(Place { source, ordinal }, entry);
        }
        state
    }

    /// As it is stored, beside its entries.
    pub fn store(&self) -> Stored {
        let cursors = self.cursors.iter().map(|(source, ordinal)| (*source, *ordinal)).collect();
        Stored { cursors, last_delivery: self.last_delivery }
    }

    /// Its entries as they are stored.
    pub fn store_entries(&self) -> impl Iterator<Item = StoredEntry> {
        self.entries.iter().map(|(Place { source, ordinal }, entry)| {
            let Entry { receives, first_received_ms, visible_ms, delivery, is_dead } = *entry;
            (*source, *ordinal, receives, first_received_ms, visible_ms, delivery, is_dead)
        })
    }

    /// Where a source is read on: 0 for one that nothing was read of.
    pub fn cursor(&self, source: u32) -> u64 {
        self.cursors.get(&source).copied().unwrap_or(0)
    }

    /// The sources that something is known of.
    pub fn sources(&self) -> impl Iterator<Item = u32> {
        self.cursors.keys().copied()
    }

    /// The first entry of a source.
    pub fn first_entry(&self, source: u32) -> Option<Place> {
        self.entries.range(Place { source, ordinal: 0 }..).next().map(|(at, _)| *at).filter(|at| at.source == source)
    }

    /// What is known of a record.
    pub fn entry(&self, at: Place) -> Option<&Entry> {
        self.entries.get(&at)
    }

    /// How many records were received and neither acknowledged nor buried.
    pub fn alive_count(&self) -> usize {
        self.list(List::Alive).len() + self.list(List::Dying).len()
    }

    /// How many dead letters there are.
    pub fn dead_count(&self) -> usize {
        self.list(List::Dead).len()
    }

    /// The name of a delivery that happens now. It grows with the time, so that a delivery that was forgotten in a power
    /// loss never shares its name with a later one.
    pub fn next_delivery(&self, now_ms: u64) -> u64 {
        self.last_delivery.saturating_add(1).max(now_ms.saturating_mul(1 << 12))
    }

    /// The records that become dead letters now, of which there may be `dead_max`.
    pub fn plan_burials(&self, now_ms: u64, dead_max: usize) -> impl Iterator<Item = Event> {
        let room = dead_max.saturating_sub(self.dead_count());
        self.due(List::Dying, now_ms).take(room).map(|at| Event::Bury { at })
    }

    /// The records that can be received again, the one that is visible for longest first. Those that are due to be buried
    /// and were not, because there are too many dead letters, go on being delivered.
    pub fn visible(&self, now_ms: u64) -> impl Iterator<Item = Place> {
        self.due(List::Alive, now_ms).chain(self.due(List::Dying, now_ms))
    }

    /// The dead letters that can be received.
    pub fn visible_dead(&self, now_ms: u64) -> impl Iterator<Item = Place> {
        self.due(List::Dead, now_ms)
    }

    /// When the next record becomes visible, or a dead letter, in milliseconds since the Unix epoch.
    pub fn next_alive_ms(&self) -> Option<u64> {
        [List::Alive, List::Dying].into_iter().filter_map(|list| self.first_ms(list)).min()
    }

    /// When the next dead letter becomes visible, or a record one of the `dead_max`, likewise.
    pub fn next_dead_ms(&self, dead_max: usize) -> Option<u64> {
        let dying_ms = self.first_ms(List::Dying).filter(|_| self.dead_count() < dead_max);
        self.first_ms(List::Dead).into_iter().chain(dying_ms).min()
    }

    /// Checks that a delivery is the last one of a record that is, or is not, a dead letter.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn check(&self, at: Place, delivery: u64, is_dead: bool) -> Result<(), Refusal> {
        let entry = self.entries.get(&at).ok_or(if at.ordinal < self.cursor(at.source) {
            Refusal::Gone
        } else {
            // The delivery was lost with the power, and will be made again.
            Refusal::Stale
        })?;
        if entry.is_dead != is_dead {
            return Err(if entry.is_dead { Refusal::Dead } else { Refusal::Alive });
        }
        if entry.delivery == delivery { Ok(()) } else { Err(Refusal::Stale) }
    }

    /// Makes an event happen. One that does not fit the state does nothing.
    pub fn apply(&mut self, event: &Event) {
        match *event {
            Event::Receive { at, delivery, received_ms, visible_ms } => {
                self.apply_receive(at, delivery, received_ms, visible_ms);
            }
            Event::Done { at } => {
                self.take(at);
            }
            Event::Delay { at, visible_ms } => self.change(at, |entry| entry.visible_ms = visible_ms),
            Event::Bury { at } => self.change(at, |entry| entry.is_dead = true),
            Event::Restore { at, visible_ms } => self.change(at, |entry| {
                *entry = Entry { is_dead: false, receives: 0, visible_ms, ..*entry };
            }),
            Event::Trim { at } => {
                self.remove_range(Place { ordinal: 0, ..at }, at);
                let cursor = self.cursors.entry(at.source).or_default();
                *cursor = at.ordinal.max(*cursor);
            }
            Event::Cut { at } => {
                self.remove_range(at, Place { ordinal: u64::MAX, ..at });
                let cursor = self.cursors.entry(at.source).or_default();
                *cursor = at.ordinal.min(*cursor);
            }
            Event::Forget { source } => {
                self.remove_range(Place { source, ordinal: 0 }, Place { source, ordinal: u64::MAX });
                self.cursors.remove(&source);
            }
        }
    }

    fn apply_receive(&mut self, at: Place, delivery: u64, received_ms: u64, visible_ms: u64) {
        let entry = match self.take(at) {
            Some(entry) => Entry { receives: entry.receives.saturating_add(1), visible_ms, delivery, ..entry },
            None if at.ordinal >= self.cursor(at.source) && at.ordinal < u64::MAX => {
                self.cursors.insert(at.source, at.ordinal + 1);
                Entry { receives: 1, first_received_ms: received_ms, visible_ms, delivery, is_dead: false }
            }
            None => return,
        };
        self.last_delivery = self.last_delivery.max(delivery);
        self.put(at, entry);
    }

    /// Sets after how many receives a record becomes a dead letter. Those that are dead stay so.
    pub fn set_receives_max(&mut self, receives_max: Option<u32>) {
        self.receives_max = receives_max;
        self.lists = Default::default();
        for (at, entry) in &self.entries {
            let list = list_of(entry, receives_max);
            self.lists[list as usize].insert((entry.visible_ms, *at));
        }
    }

    /// Checks what must always hold.
    ///
    /// # Errors
    /// A sentence about the first fact that does not hold.
    pub fn check_invariants(&self) -> Result<(), &'static str> {
        if self.lists.iter().map(BTreeSet::len).sum::<usize>() != self.entries.len() {
            return Err("every entry is in one list");
        }
        for (at, entry) in &self.entries {
            if at.ordinal >= self.cursor(at.source) {
                return Err("what has an entry lies before the cursor");
            }
            if !self.list(list_of(entry, self.receives_max)).contains(&(entry.visible_ms, *at)) {
                return Err("an entry is in its list");
            }
        }
        Ok(())
    }

    fn list(&self, list: List) -> &BTreeSet<(u64, Place)> {
        &self.lists[list as usize]
    }

    fn due(&self, list: List, now_ms: u64) -> impl Iterator<Item = Place> {
        let due = self.list(list).iter().take_while(move |(visible_ms, _)| *visible_ms <= now_ms);
        due.map(|(_, at)| *at)
    }

    fn first_ms(&self, list: List) -> Option<u64> {
        self.list(list).first().map(|(visible_ms, _)| *visible_ms)
    }

    fn put(&mut self, at: Place, entry: Entry) {
        self.lists[list_of(&entry, self.receives_max) as usize].insert((entry.visible_ms, at));
        self.entries.insert(at, entry);
    }

    fn take(&mut self, at: Place) -> Option<Entry> {
        let entry = self.entries.remove(&at)?;
        self.lists[list_of(&entry, self.receives_max) as usize].remove(&(entry.visible_ms, at));
        Some(entry)
    }

    fn change(&mut self, at: Place, change: impl FnOnce(&mut Entry)) {
        if let Some(mut entry) = self.take(at) {
            change(&mut entry);
            self.put(at, entry);
        }
    }

    fn remove_range(&mut self, from: Place, to: Place) {
        let removed: Vec<_> = self.entries.range(from..to).map(|(at, _)| *at).collect();
        for at in removed {
            self.take(at);
        }
    }
}

fn list_of(entry: &Entry, receives_max: Option<u32>) -> List {
    if entry.is_dead {
        List::Dead
    } else if receives_max.is_some_and(|receives_max| entry.receives >= receives_max) {
        List::Dying
    } else {
        List::Alive
    }
}

#[cfg(test)]
mod tests;
