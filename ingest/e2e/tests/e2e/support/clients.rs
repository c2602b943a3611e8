//! SDK clients for a server, over plain HTTP.

use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_http_client::Builder;

/// The region of a client's requests.
pub(crate) const REGION: &str = "eu-central-1";

/// The region of requests that are not signed and so name none.
pub(crate) const REGION_UNSIGNED: &str = "us-east-1";

/// How a client behaves.
#[derive(Clone)]
pub(crate) struct ClientOptions {
    pub(crate) access_key_id: &'static str,
    pub(crate) secret_access_key: &'static str,
    pub(crate) region: &'static str,
    pub(crate) retries: RetryConfig,
}

impl Default for ClientOptions {
    /// Some credentials, and no retries: a test sees each answer as it is.
    fn default() -> Self {
        Self {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "secret",
            region: REGION,
            retries: RetryConfig::disabled(),
        }
    }
}

impl ClientOptions {
    fn credentials(&self) -> Credentials {
        Credentials::new(self.access_key_id, self.secret_access_key, None, None, "e2e")
    }
}

fn http_client() -> SharedHttpClient {
    Builder::new().build_http()
}

/// A Kinesis client without retries.
pub(crate) fn kinesis(url: &str) -> aws_sdk_kinesis::Client {
    kinesis_with(url, &ClientOptions::default())
}

/// A Kinesis client.
pub(crate) fn kinesis_with(url: &str, options: &ClientOptions) -> aws_sdk_kinesis::Client {
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::from_static(options.region))
        .credentials_provider(options.credentials())
        .retry_config(options.retries.clone())
        .http_client(http_client())
        .build();
    aws_sdk_kinesis::Client::from_conf(config)
}

/// A Firehose client without retries.
pub(crate) fn firehose(url: &str) -> aws_sdk_firehose::Client {
    let options = ClientOptions::default();
    let config = aws_sdk_firehose::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::from_static(options.region))
        .credentials_provider(options.credentials())
        .retry_config(options.retries)
        .http_client(http_client())
        .build();
    aws_sdk_firehose::Client::from_conf(config)
}

/// The code and the message of the error that a call must have ended with.
pub(crate) fn error_of<T, E, R>(result: Result<T, aws_sdk_kinesis::error::SdkError<E, R>>) -> (String, String)
where
    E: aws_sdk_kinesis::error::ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let Err(error) = result else { panic!("the call succeeded") };
    let Some(service_error) = error.as_service_error() else {
        panic!("not answered by the service: {}", aws_sdk_kinesis::error::DisplayErrorContext(&error));
    };
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    (text(service_error.code()), text(service_error.message()))
}

/// The error that the service answered a call with, as the SDK types it.
#[track_caller]
pub(crate) fn service_error<T, E, R>(result: Result<T, aws_sdk_kinesis::error::SdkError<E, R>>) -> E
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match result {
        Ok(_) => panic!("the call succeeded"),
        Err(aws_sdk_kinesis::error::SdkError::ServiceError(context)) => context.into_err(),
        Err(error) => panic!("not answered by the service: {}", aws_sdk_kinesis::error::DisplayErrorContext(&error)),
    }
}

/// Asserts that a call ended with an error of this code, whose message holds this text.
#[track_caller]
pub(crate) fn assert_error<T, E, R>(result: Result<T, aws_sdk_kinesis::error::SdkError<E, R>>, code: &str, text: &str)
where
    E: aws_sdk_kinesis::error::ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let (found, message) = error_of(result);
    assert!(found == code && message.contains(text), "expected {code} with '{text}', not {found}: {message}");
}
