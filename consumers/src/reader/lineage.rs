//! Which shards may be read: parents before their children, so that the records of a key stay in order across a reshard.
//!
//! Pure bookkeeping: it is told what was listed and what was read to its end, and says what may be read next.

use std::collections::BTreeMap;

use super::Start;
use crate::model::{Position, Shard};

/// A shard that may be read now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ready {
    pub(crate) shard_id: String,
    pub(crate) position: Position,
}

/// The shards seen so far.
#[derive(Debug)]
pub(crate) struct Lineage {
    start: Start,
    is_listed: bool,
    shards: BTreeMap<String, Node>,
}

#[derive(Debug)]
struct Node {
    parents: Vec<String>,
    state: State,
}

#[derive(Debug, PartialEq)]
enum State {
    Waiting(Position),
    Reading,
    Done,
}

impl Lineage {
    pub(crate) fn new(start: Start) -> Self {
        Self { start, is_listed: false, shards: BTreeMap::new() }
    }

    /// Takes a complete listing and returns the shards that may be read now.
    pub(crate) fn list(&mut self, listing: Vec<Shard>) -> Vec<Ready> {
        for shard in listing {
            let state = self.state_of_new(!shard.is_open());
            let parents = [shard.parent_shard_id, shard.adjacent_parent_shard_id].into_iter().flatten().collect();
            self.shards.entry(shard.shard_id).or_insert(Node { parents, state });
        }
        self.is_listed = true;
        self.take_ready()
    }

    /// A shard was read to its end.
    pub(crate) fn finish(&mut self, shard_id: &str) {
        if let Some(node) = self.shards.get_mut(shard_id) {
            node.state = State::Done;
        }
    }

    /// Whether any shard is being read.
    pub(crate) fn is_reading(&self) -> bool {
        self.shards.values().any(|node| node.state == State::Reading)
    }

    /// A shard of the first listing begins where the caller asked; one that appeared later, at its beginning.
    fn state_of_new(&self, is_closed: bool) -> State {
        match (self.is_listed, self.start) {
            (true, _) | (false, Start::TrimHorizon) => State::Waiting(Position::TrimHorizon),
            (false, Start::AtTimestamp(time)) => State::Waiting(Position::AtTimestamp { time }),
            (false, Start::Latest) if is_closed => State::Done,
            (false, Start::Latest) => State::Waiting(Position::Latest),
        }
    }

    fn take_ready(&mut self) -> Vec<Ready> {
        // A parent that is not listed has expired.
        let is_done = |parent: &String| self.shards.get(parent).is_none_or(|node| node.state == State::Done);
        let ids: Vec<String> = self
            .shards
            .iter()
            .filter(|(_, node)| matches!(node.state, State::Waiting(_)) && node.parents.iter().all(is_done))
            .map(|(shard_id, _)| shard_id.clone())
            .collect();
        let mut ready = Vec::new();
        for shard_id in ids {
            let Some(node) = self.shards.get_mut(&shard_id) else { continue };
            if let State::Waiting(position) = std::mem::replace(&mut node.state, State::Reading) {
                ready.push(Ready { shard_id, position });
            }
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use ingest_wire::Timestamp;

    use super::*;

    fn shard(id: &str, parents: [Option<&str>; 2], is_closed: bool) -> Shard {
        let mut shard = Shard {
            shard_id: id.into(),
            parent_shard_id: parents[0].map(Into::into),
            adjacent_parent_shard_id: parents[1].map(Into::into),
            ..Shard::default()
        };
        shard.sequence_number_range.ending_sequence_number = is_closed.then(|| "9".into());
        shard
    }

    /// One shard split into two, which were merged into one.
    fn diamond() -> Vec<Shard> {
        vec![
            shard("0", [None, None], true),
            shard("1", [Some("0"), None], true),
            shard("2", [Some("0"), None], true),
            shard("3", [Some("1"), Some("2")], false),
        ]
    }

    fn ids(ready: &[Ready]) -> Vec<&str> {
        ready.iter().map(|shard| shard.shard_id.as_str()).collect()
    }

    #[test]
    fn children_wait_for_every_parent() {
        let mut lineage = Lineage::new(Start::TrimHorizon);
        assert_eq!(ids(&lineage.list(diamond())), ["0"]);
        lineage.finish("0");
        assert_eq!(ids(&lineage.list(diamond())), ["1", "2"]);
        lineage.finish("2");
        assert_eq!(ids(&lineage.list(diamond())), [""; 0]);
        lineage.finish("1");
        assert_eq!(ids(&lineage.list(diamond())), ["3"]);
        lineage.finish("3");
        assert!(!lineage.is_reading());
    }

    #[test]
    fn latest_skips_closed_shards_and_reads_later_ones_from_their_beginning() {
        let mut lineage = Lineage::new(Start::Latest);
        let ready = lineage.list(diamond());
        assert_eq!(ready, [Ready { shard_id: "3".into(), position: Position::Latest }]);
        lineage.finish("3");
        let ready = lineage.list(vec![shard("4", [Some("3"), None], false)]);
        assert_eq!(ready, [Ready { shard_id: "4".into(), position: Position::TrimHorizon }]);
    }

    #[test]
    fn parent_that_is_no_longer_listed_does_not_block() {
        let mut lineage = Lineage::new(Start::AtTimestamp(Timestamp::from_unix_millis(7)));
        let ready = lineage.list(vec![shard("5", [Some("gone"), None], false)]);
        assert_eq!(
            ready,
            [Ready { shard_id: "5".into(), position: Position::AtTimestamp { time: Timestamp::from_unix_millis(7) } }]
        );
    }
}
