//! A batch in several requests.
//!
//! Records are sent in groups, one request each. A request that is refused because of what is in it, or how much, is
//! halved until the record to blame stands alone. A peer that takes nothing is not asked again in the same batch.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use super::Verdict;
use crate::record::{ErrorOutputType, Reason};

/// Requests that one batch may take beyond its groups, to find the records to blame. The rest is for the next attempt.
const EXTRA_REQUESTS_MAX: usize = 128;

/// What a group may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) record_count: usize,
    pub(super) byte_count: u64,
}

/// What came of a group.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A verdict for each of its records, in their order.
    Settled(Vec<Verdict>),
    /// The record at this place of the group is to blame; the others may be taken without it.
    Without(usize, Arc<Reason>),
    /// Something in it, or its size, is to blame.
    TooMuch(Arc<Reason>),
    /// The peer takes nothing now.
    Down(Arc<Reason>),
}

/// Sends one group.
pub(super) trait SendGroup: Sync {
    /// Sends the records at these places of the batch in one request.
    fn send_group(&self, group: &[usize]) -> impl Future<Output = Outcome> + Send;
}

/// Divides `records`, places in a batch with their bytes in a request, into groups.
pub(super) fn plan(records: impl Iterator<Item = (usize, u64)>, limits: Limits) -> VecDeque<Vec<usize>> {
    let mut groups = VecDeque::new();
    let mut group = Vec::new();
    let mut group_bytes = 0;
    for (place, byte_count) in records {
        let is_full = group.len() >= limits.record_count || group_bytes + byte_count > limits.byte_count;
        if is_full && !group.is_empty() {
            groups.push_back(std::mem::take(&mut group));
            group_bytes = 0;
        }
        group.push(place);
        group_bytes += byte_count;
    }
    if !group.is_empty() {
        groups.push_back(group);
    }
    groups
}

/// Sends `groups` one after the other, and puts the verdicts of their records into `verdicts`, by place.
pub(super) async fn settle(mut groups: VecDeque<Vec<usize>>, verdicts: &mut [Verdict], sender: &impl SendGroup) {
    let mut extra_count = 0;
    while let Some(mut group) = groups.pop_front() {
        let may_repeat = extra_count < EXTRA_REQUESTS_MAX;
        match sender.send_group(&group).await {
            Outcome::Settled(settled) => {
                for (place, verdict) in group.iter().zip(settled) {
                    put(verdicts, *place, verdict);
                }
            }
            Outcome::Without(to_blame, reason) if to_blame < group.len() => {
                put(verdicts, group.remove(to_blame), Verdict::Refused(Arc::clone(&reason)));
                if group.is_empty() {
                    continue;
                }
                if may_repeat {
                    extra_count += 1;
                    groups.push_front(group);
                } else {
                    put_all(verdicts, &group, &Verdict::Again(reason));
                }
            }
            Outcome::TooMuch(reason) if group.len() == 1 => put_all(verdicts, &group, &Verdict::Refused(reason)),
            Outcome::TooMuch(_) if may_repeat => {
                extra_count += 2;
                let second = group.split_off(group.len() / 2);
                groups.push_front(second);
                groups.push_front(group);
            }
            Outcome::Without(_, reason) | Outcome::TooMuch(reason) => {
                put_all(verdicts, &group, &Verdict::Again(reason));
            }
            Outcome::Down(reason) => {
                let again = Verdict::Again(reason);
                put_all(verdicts, &group, &again);
                groups.iter().for_each(|group| put_all(verdicts, group, &again));
                return;
            }
        }
    }
}

fn put(verdicts: &mut [Verdict], place: usize, verdict: Verdict) {
    if let Some(slot) = verdicts.get_mut(place) {
        *slot = verdict;
    }
}

fn put_all(verdicts: &mut [Verdict], group: &[usize], verdict: &Verdict) {
    group.iter().for_each(|place| put(verdicts, *place, verdict.clone()));
}

/// The reason that many records share.
pub(super) fn reason(output_type: ErrorOutputType, code: &str, message: impl Into<String>) -> Arc<Reason> {
    Arc::new(Reason { output_type, code: code.to_owned(), message: message.into() })
}
