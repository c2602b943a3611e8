//! What a valid configuration may say that the delivery does not act upon yet: it is refused by name, not stored without
//! effect. A row goes when the delivery does it.

use firehose::definition::Destination;
use ingest_core::Fault;

use super::unsupported;

type Row = (&'static str, fn(&Destination) -> bool);

/// The name of each, and whether a destination asks for it.
const NOT_YET: &[Row] = &[("HiveJsonSerDe.TimestampFormats", |destination| {
    destination.conversion.as_ref().is_some_and(|conversion| !conversion.timestamp_formats.is_empty())
})];

/// Refuses what is not done yet.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn check(destination: &Destination) -> Result<(), Fault> {
    match NOT_YET.iter().find(|(_, asks)| asks(destination)) {
        Some((name, _)) => Err(unsupported(name)),
        None => Ok(()),
    }
}
