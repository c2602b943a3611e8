//! Buckets of S3 and of servers compatible with it.

use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ClientOptions, RetryConfig};
use shard_store::log::BoxFuture;

use super::{Options, Sink, SinkError, object_size, put_object};

/// Retries inside one attempt, for hiccups; what lasts is told to the delivery, which waits and says so.
const RETRIES_MAX: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct S3Sink {
    bucket: String,
    store: AmazonS3,
}

impl S3Sink {
    pub(super) fn open(options: &Options, bucket: &str) -> Result<Self, SinkError> {
        let retry = RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let client = ClientOptions::new()
            .with_timeout(options.request_timeout)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_allow_http(options.allow_http);
        let mut builder = match (&options.access_key_id, &options.secret_access_key) {
            (Some(id), Some(secret)) => AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret),
            _ => AmazonS3Builder::from_env(),
        };
        if let Some(token) = &options.session_token {
            builder = builder.with_token(token);
        }
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder
            .with_bucket_name(bucket)
            .with_region(&options.region)
            .with_virtual_hosted_style_request(!options.path_style)
            .with_client_options(client)
            .with_retry(retry)
            .build()
            .map_err(|error| SinkError {
                action: "store",
                key: "objects".to_owned(),
                bucket: bucket.to_owned(),
                reason: super::explain(&error),
            })?;
        Ok(Self { bucket: bucket.to_owned(), store })
    }
}

impl Sink for S3Sink {
    fn put<'a>(&'a self, key: &'a str, object: Bytes) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(put_object(&self.store, &self.bucket, key, object))
    }

    fn size_of<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, SinkError>> {
        Box::pin(object_size(&self.store, &self.bucket, key))
    }
}
