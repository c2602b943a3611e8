//! `headwater stream split` and `headwater stream merge`.

use consumers::model::{HashKeyRange, Shard};

use super::Access;
use crate::cli::{MergeArgs, SplitArgs};
use crate::failure::{Failure, Outcome};
use crate::output::data_line;

/// Splits a shard and prints the ids of the two that take its place.
pub(super) async fn split(access: &Access, args: &SplitArgs) -> Result<Outcome, Failure> {
    let failure = access.failure(&args.name);
    let shards = access.streams.shards(&args.name).await.map_err(&failure)?;
    let shard = open_shard(&shards, &args.name, &args.shard)?;
    let at = match args.at {
        Some(at) => at,
        None => middle(shard.hash_key_range)
            .ok_or_else(|| Failure::Shard(format!("{} takes too few hash keys to be split", args.shard)))?,
    };
    access.streams.split(&args.name, &args.shard, at).await.map_err(&failure)?;
    print_children(access, &args.name, &args.shard).await
}

/// Merges two shards and prints the id of the one that takes their place.
pub(super) async fn merge(access: &Access, args: &MergeArgs) -> Result<Outcome, Failure> {
    let failure = access.failure(&args.name);
    let shards = access.streams.shards(&args.name).await.map_err(&failure)?;
    for shard in [&args.shard, &args.adjacent] {
        open_shard(&shards, &args.name, shard)?;
    }
    access.streams.merge(&args.name, &args.shard, &args.adjacent).await.map_err(&failure)?;
    print_children(access, &args.name, &args.shard).await
}

fn open_shard<'a>(shards: &'a [Shard], stream: &str, shard_id: &str) -> Result<&'a Shard, Failure> {
    let advice = format!("`headwater stream describe {stream}` shows the open ones");
    match shards.iter().find(|shard| shard.shard_id == shard_id) {
        Some(shard) if shard.is_open() => Ok(shard),
        Some(_) => Err(Failure::Shard(format!("{shard_id} of {stream} is closed; {advice}"))),
        None => Err(Failure::Shard(format!("there is no {shard_id} in {stream}; {advice}"))),
    }
}

async fn print_children(access: &Access, stream: &str, parent: &str) -> Result<Outcome, Failure> {
    access.active(stream).await?;
    for shard in access.streams.shards(stream).await? {
        if [&shard.parent_shard_id, &shard.adjacent_parent_shard_id].into_iter().flatten().any(|id| id == parent) {
            data_line(&shard.shard_id)?;
        }
    }
    Ok(Outcome::Done)
}

/// The first key of the upper half, unless there are too few: each half takes two at least.
///
/// Source: Kinesis Data Streams API Reference, "SplitShard" (`NewStartingHashKey`).
fn middle(keys: HashKeyRange) -> Option<u128> {
    let distance = keys.ending_hash_key.checked_sub(keys.starting_hash_key)?;
    (distance >= 3).then(|| keys.starting_hash_key + distance / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_leaves_both_halves_two_keys() {
        let middle_of =
            |starting_hash_key, ending_hash_key| middle(HashKeyRange { starting_hash_key, ending_hash_key });
        assert_eq!(middle_of(0, u128::MAX), Some(1 << 127));
        assert_eq!((middle_of(4, 7), middle_of(4, 8), middle_of(4, 9)), (Some(6), Some(7), Some(7)));
        assert_eq!((middle_of(4, 6), middle_of(4, 4), middle_of(5, 4)), (None, None, None));
    }
}
