//! The Firehose SDK over every operation, grouped by intention, and what arrives in the bucket.

mod coverage;
mod encryption;
mod records;
mod streams;
mod tags;
mod update;

use aws_sdk_firehose::Client;
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record;

use crate::support::delivery::{destination, wait_until_active};

/// Neither streams nor delivery streams are limited; one table is configured.
const CONFIG: &str = "
[kinesis]
enforce = false

[firehose]
enforce = false

[firehose.tables.'default.clicks']
columns = [{ name = 'id', type = 'bigint' }, { name = 'page', type = 'string' }]
";

fn record(data: impl AsRef<[u8]>) -> Record {
    Record::builder().data(Blob::new(data.as_ref())).build().unwrap()
}

/// A delivery stream of records as they are, to the bucket `raw`, whenever a second is over.
async fn create_raw(client: &Client, name: &str) {
    let destination = destination("raw", 1, 1).build().unwrap();
    client
        .create_delivery_stream()
        .delivery_stream_name(name)
        .extended_s3_destination_configuration(destination)
        .send()
        .await
        .unwrap();
    wait_until_active(client, name).await;
}
