//! Buckets that are reached over HTTP: S3 and what is compatible with it, containers of Azure Blob Storage, Google Cloud
//! Storage.
//!
//! Large objects are sent in parts. An upload that a kill ended leaves parts behind that no reader sees: Azure drops them
//! after a week, S3 and Google when a rule of the bucket for incomplete multipart uploads says so.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::{ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider};
use shard_store::log::BoxFuture;

use super::bucket::{Bucket, WHOLE_BYTES_MAX, explain};
use super::{Options, Sink, SinkError};

/// Retries inside one attempt, for hiccups; what lasts is told to the delivery, which waits and says so.
const RETRIES_MAX: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cloud {
    S3,
    Azure,
    Google,
}

pub(super) struct RemoteSink(Bucket);

impl RemoteSink {
    /// The bucket `name`. Nothing is sent yet.
    pub(super) fn open(cloud: Cloud, options: &Options, name: &str) -> Result<Self, SinkError> {
        let store = match cloud {
            Cloud::S3 => open_s3(options, name),
            Cloud::Azure => open_azure(options, name),
            Cloud::Google => open_google(options, name),
        };
        match store {
            Ok(store) => Ok(Self(Bucket { name: name.to_owned(), store })),
            Err(error) => Err(SinkError {
                action: "store",
                key: "objects".to_owned(),
                bucket: name.to_owned(),
                reason: explain(&error),
            }),
        }
    }
}

fn open_s3(options: &Options, bucket: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
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
        .with_skip_signature(options.anonymous)
        // Deleting in bulk is what some compatible servers do not know, and one object is deleted at a time.
        .with_disable_bulk_delete(true)
        .with_client_options(client(options))
        .with_retry(retry())
        .build()?;
    Ok(Arc::new(store))
}

fn open_azure(options: &Options, container: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = match (&options.account_key, &options.sas_token) {
        (Some(key), _) => MicrosoftAzureBuilder::new().with_access_key(key),
        (None, Some(token)) => MicrosoftAzureBuilder::new().with_config(AzureConfigKey::SasKey, token),
        (None, None) => MicrosoftAzureBuilder::from_env(),
    };
    if let Some(account) = &options.account {
        builder = builder.with_account(account);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint.clone());
    }
    let store = builder
        .with_container_name(container)
        .with_skip_signature(options.anonymous)
        .with_client_options(client(options))
        .with_retry(retry())
        .build()?;
    Ok(Arc::new(store))
}

fn open_google(options: &Options, bucket: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = match &options.service_account_file {
        Some(file) => GoogleCloudStorageBuilder::new().with_service_account_path(file.to_string_lossy()),
        None => GoogleCloudStorageBuilder::from_env(),
    };
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    if options.anonymous {
        // Not `with_skip_signature`: puts ask for a token all the same (object_store 0.14.2).
        let nobody = GcpCredential { bearer: String::new() };
        builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(nobody)));
    }
    let store = builder.with_bucket_name(bucket).with_client_options(client(options)).with_retry(retry()).build()?;
    Ok(Arc::new(store))
}

fn client(options: &Options) -> ClientOptions {
    ClientOptions::new()
        .with_timeout(options.request_timeout)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_allow_http(options.allow_http)
}

fn retry() -> RetryConfig {
    RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() }
}

impl Sink for RemoteSink {
    fn put<'a>(&'a self, key: &'a str, object: Bytes) -> BoxFuture<'a, Result<(), SinkError>> {
        if object.len() <= WHOLE_BYTES_MAX {
            Box::pin(self.0.put_whole(key, object))
        } else {
            Box::pin(self.0.put_parts(key, object))
        }
    }

    fn size_of<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, SinkError>> {
        Box::pin(self.0.size_of(key))
    }

    fn get<'a>(&'a self, key: &'a str, byte_count_max: u64) -> BoxFuture<'a, Result<Option<Bytes>, SinkError>> {
        Box::pin(self.0.get(key, byte_count_max))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.0.delete(key))
    }
}
