//! `ListDeliveryStreams`: the names of the request's account and region, a page at a time.

use std::sync::Arc;

use firehose::definition::Source;
use ingest_core::{Context, Fault, Pattern, Validator};

use super::source::{TYPES, type_of};
use crate::door::Firehose;
use crate::limits::{NAME_CHARS_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};
use crate::model::{ListDeliveryStreamsInput, ListDeliveryStreamsOutput};

/// Source: Firehose API Reference, "ListDeliveryStreams".
pub(crate) async fn run(
    door: Arc<Firehose>,
    context: Context,
    input: ListDeliveryStreamsInput,
) -> Result<ListDeliveryStreamsOutput, Fault> {
    let mut validator = Validator::new();
    let limit = validator.member("limit", input.limit).range(1, PAGE_SIZE_MAX).value().unwrap_or(PAGE_SIZE_DEFAULT);
    let kind = validator.member("deliveryStreamType", input.delivery_stream_type.as_deref()).one_of(TYPES).value();
    let start = input.exclusive_start_delivery_stream_name.as_deref();
    validator.member("exclusiveStartDeliveryStreamName", start).pattern(Pattern::NAME).length(1, NAME_CHARS_MAX);
    validator.finish()?;

    let streams = door.streams.list(&context.account, &context.region, start.unwrap_or_default());
    let is_shown = |source: &Source| kind.is_none_or(|kind| kind == type_of(source));
    let shown = streams.iter().map(|stream| stream.definition()).filter(|definition| is_shown(&definition.source));
    let count = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut names: Vec<String> = shown.take(count + 1).map(|definition| definition.key.name.clone()).collect();
    let has_more_delivery_streams = names.len() > count;
    names.truncate(count);
    Ok(ListDeliveryStreamsOutput { delivery_stream_names: names, has_more_delivery_streams })
}
