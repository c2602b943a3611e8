//! Operations on a store, with crashes at any call of the file system, against a plain model: that of the store's own tests,
//! with the fuzzer choosing.

use libfuzzer_sys::arbitrary::{self, Unstructured};
use shard_store::Durability;

use crate::common::model::{Action, LOGS, run as run_against_model};

/// More would only make an input slow.
const ACTIONS_MAX: usize = 40;

pub(crate) fn run(input: &[u8]) {
    let mut choices = Unstructured::new(input);
    let durability = match choices.arbitrary::<u8>().unwrap_or_default() % 3 {
        0 => Durability::Fsync,
        1 => Durability::Interval,
        _ => Durability::PageCache,
    };
    let mut actions = Vec::new();
    while !choices.is_empty() && actions.len() < ACTIONS_MAX {
        match action(&mut choices) {
            Ok(action) => actions.push(action),
            Err(_) => break,
        }
    }
    run_against_model(durability, &actions);
}

fn action(choices: &mut Unstructured<'_>) -> arbitrary::Result<Action> {
    let kind: u8 = choices.arbitrary()?;
    let log = choices.choose_index(LOGS)?;
    Ok(match kind % 11 {
        0..=2 => {
            let count = choices.int_in_range(1..=5)?;
            let sizes = (0..count).map(|_| choices.int_in_range(0..=9_000)).collect::<Result<_, _>>()?;
            Action::Append { log, sizes }
        }
        3 => Action::Read {
            log,
            from: choices.int_in_range(0..=80)?,
            record_count: choices.int_in_range(1..=20)?,
            byte_count: choices.int_in_range(0..=30_000)?,
        },
        4 => Action::Advance { millis: choices.int_in_range(1..=5_000)? },
        5 => Action::PositionAt { log, millis: choices.int_in_range(0..=50_000)? },
        6 => Action::Trim { log, before: choices.int_in_range(0..=80)? },
        7 => Action::Encrypt { log, on: choices.arbitrary()? },
        8 => Action::Reopen,
        9 => Action::Compact,
        _ => Action::Crash { calls: choices.int_in_range(0..=40)? },
    })
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // Any bytes are operations.
    let run_of = |step: u8| (0..96_u8).map(|n| n.wrapping_mul(step)).collect();
    [3, 7, 11, 29, 53, 101].map(run_of).to_vec()
}
