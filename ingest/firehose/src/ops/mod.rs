//! The operations, one file each.

pub(crate) mod create_delivery_stream;
pub(crate) mod delete_delivery_stream;
pub(crate) mod describe_delivery_stream;
mod destination;
pub(crate) mod list_delivery_streams;
mod put;
pub(crate) mod put_record;
pub(crate) mod put_record_batch;
