//! The options of the object store, as they stand in a configuration file under `[object-store]`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

/// The options of the object store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// `file://DIR`, in which each bucket is a directory, or `s3://`. Without it, `objects` in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The endpoint of an S3-compatible server, for example `http://localhost:8333`; without it, that of AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The access key. Without one, the environment and the instance's role are asked, as the AWS SDKs do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The secret of the access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<String>,
    /// The session token of a temporary access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
    /// Whether the bucket stands in the path (`true`, what most S3-compatible servers want) or in the host name.
    pub path_style: bool,
    /// Whether an endpoint without TLS is accepted.
    pub allow_http: bool,
    /// How long one request may take.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: None,
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            path_style: true,
            allow_http: false,
            request_timeout: Duration::from_secs(300),
        }
    }
}

impl fmt::Debug for Options {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("url", &self.url)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key_id", &self.access_key_id)
            .field("path_style", &self.path_style)
            .field("allow_http", &self.allow_http)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

/// The options do not name an object store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The URL cannot be used.
    #[error("object-store.url {url:?} {reason}; give file:///DIRECTORY or s3://")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The endpoint cannot be used.
    #[error("object-store.endpoint {endpoint:?} {reason}")]
    Endpoint {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// One half of a key without the other.
    #[error("object-store.access-key-id and object-store.secret-access-key go together; give both or neither")]
    HalfKey,
}

/// What the URL names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Location {
    Default,
    Directory(PathBuf),
    S3,
}

impl Options {
    pub(super) fn location(&self) -> Result<Location, ConfigError> {
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            return Err(ConfigError::HalfKey);
        }
        self.check_endpoint()?;
        let Some(text) = &self.url else { return Ok(Location::Default) };
        let refuse = |reason| ConfigError::Url { url: text.clone(), reason };
        if text == "s3://" || text == "s3:" {
            return Ok(Location::S3);
        }
        let url = Url::parse(text).map_err(|_| refuse("is not a URL"))?;
        match url.scheme() {
            "file" => url.to_file_path().map(Location::Directory).map_err(|()| refuse("names no directory")),
            "s3" => Err(refuse("names a bucket, but buckets come from each delivery stream's BucketARN")),
            _ => Err(refuse("has a scheme that is not supported")),
        }
    }

    fn check_endpoint(&self) -> Result<(), ConfigError> {
        let Some(endpoint) = &self.endpoint else { return Ok(()) };
        let refuse = |reason| Err(ConfigError::Endpoint { endpoint: endpoint.clone(), reason });
        match Url::parse(endpoint) {
            Err(_) => refuse("is not a URL"),
            Ok(url) if url.scheme() == "http" && !self.allow_http => {
                refuse("has no TLS; set object-store.allow-http = true if that is meant")
            }
            Ok(url) if !matches!(url.scheme(), "http" | "https") => refuse("is neither http nor https"),
            Ok(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(text: &str) -> Result<Location, String> {
        let options: Options = serde_json::from_str(text).unwrap();
        options.location().map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_names_a_directory_or_s3() {
        assert_eq!(location("{}"), Ok(Location::Default));
        assert_eq!(location(r#"{"url":"file:///data/lake"}"#), Ok(Location::Directory("/data/lake".into())));
        assert_eq!(location(r#"{"url":"s3://","endpoint":"https://minio"}"#), Ok(Location::S3));
    }

    #[test]
    fn options_that_cannot_work_say_what_to_do() {
        for (text, expected) in [
            (r#"{"url":"s3://lake"}"#, "BucketARN"),
            (r#"{"url":"ftp://x"}"#, "not supported"),
            (r#"{"url":"lake"}"#, "not a URL"),
            (r#"{"url":"s3://","endpoint":"http://minio"}"#, "allow-http"),
            (r#"{"url":"s3://","endpoint":"minio:9000"}"#, "neither http nor https"),
            (r#"{"access-key-id":"a"}"#, "go together"),
        ] {
            let error = location(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(serde_json::from_str::<Options>(r#"{"bucket":"x"}"#).is_err());
    }

    #[test]
    fn secrets_stay_out_of_logs() {
        let options: Options = serde_json::from_str(r#"{"access-key-id":"id","secret-access-key":"hush"}"#).unwrap();
        assert!(!format!("{options:?}").contains("hush"));
    }
}
