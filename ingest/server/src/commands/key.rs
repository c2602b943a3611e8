//! `headwater key`: the keys that streams are encrypted with, whether the server runs or not.

use std::path::Path;

use shard_store::Store;
use shard_store::error::KeyError;
use shard_store::keyring::Keyring;

use crate::cli::{KeyAction, KeyArgs};
use crate::failure::{Failure, Outcome};
use crate::output::data_line;

/// Lists, makes or rotates keys; prints a line for each: id, number of versions, alias.
pub(crate) async fn run(args: KeyArgs) -> Result<Outcome, Failure> {
    let work = tokio::task::spawn_blocking(move || act(&args.data_dir, &args.action));
    let keys = work.await.map_err(|source| Failure::System { action: "use the keyring", source: source.into() })??;
    for (id, version_count, alias) in keys {
        data_line(format_args!("{id}\t{version_count}\t{alias}"))?;
    }
    Ok(Outcome::Done)
}

fn act(data_dir: &Path, action: &KeyAction) -> Result<Vec<(String, usize, String)>, KeyError> {
    let keyring = Keyring::open(&Store::keyring_path(data_dir))?;
    let changed = match action {
        KeyAction::List => None,
        KeyAction::Create { alias } => Some(keyring.create(alias.as_deref())?),
        KeyAction::Rotate { key } => Some(keyring.rotate(key)?),
    };
    let keys = keyring.list().into_iter().filter(|key| changed.is_none_or(|changed| key.id == changed));
    Ok(keys.map(|key| (key.id.to_string(), key.version_count, key.alias.unwrap_or_default())).collect())
}
