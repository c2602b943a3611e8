//! The operations, one file each.

pub(crate) mod create_delivery_stream;
pub(crate) mod delete_delivery_stream;
pub(crate) mod describe_delivery_stream;
pub(crate) mod destination;
mod encryption;
pub(crate) mod list_delivery_streams;
pub(crate) mod list_tags_for_delivery_stream;
mod msk;
mod put;
pub(crate) mod put_record;
pub(crate) mod put_record_batch;
pub(crate) mod replay_delivery_stream;
mod source;
pub(crate) mod start_delivery_stream_encryption;
pub(crate) mod stop_delivery_stream_encryption;
pub(crate) mod tag_delivery_stream;
pub(crate) mod untag_delivery_stream;
pub(crate) mod update_destination;
