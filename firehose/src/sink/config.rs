//! The options of the object store, as they stand in a configuration file under `[object-store]`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::remote::Cloud;

/// The options of the object store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// `file://DIR`, in which each bucket is a directory; `s3://`; `az://`, whose buckets are containers of Azure Blob
    /// Storage; or `gs://`, those of Google Cloud Storage. Without it, `objects` in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The endpoint of a compatible server or an emulator, for example `http://localhost:8333`; without it, that of the
    /// cloud. For `az://` it ends with the account, where the server expects that in the path.
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
    /// The storage account of `az://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The key of the storage account, in base64. Without it and a token, the environment, the workload's and the
    /// machine's identity are asked, as the Azure SDKs do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_key: Option<String>,
    /// A shared access signature, in place of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sas_token: Option<String>,
    /// The key file of a service account for `gs://`. Without it, the application default credentials and the instance's
    /// service account are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_file: Option<PathBuf>,
    /// Whether requests are sent without credentials, as emulators take them.
    pub anonymous: bool,
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
            account: None,
            account_key: None,
            sas_token: None,
            service_account_file: None,
            anonymous: false,
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
            .field("account", &self.account)
            .field("service_account_file", &self.service_account_file)
            .field("anonymous", &self.anonymous)
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
    #[error("object-store.url {url:?} {reason}; give file:///DIRECTORY, s3://, az:// or gs://")]
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
    /// `az://` without an account.
    #[error("object-store.account is missing; az:// needs the name of the storage account")]
    NoAccount,
    /// The key of the account is no key.
    #[error("object-store.account-key is not base64; give the key as the storage account shows it")]
    AccountKey,
    /// Two credentials where one is wanted.
    #[error("object-store.account-key and object-store.sas-token exclude each other; give one")]
    KeyAndToken,
    /// The key file cannot be read.
    #[error("object-store.service-account-file {file:?} cannot be used: {reason}")]
    ServiceAccount {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An option of another store.
    #[error("object-store.{option} is for {scheme} only; leave it out, or set object-store.url to that")]
    Stray {
        /// The option.
        option: &'static str,
        /// The scheme of the URLs it goes with.
        scheme: &'static str,
    },
}

/// What the URL names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Location {
    Default,
    Directory(PathBuf),
    Remote(Cloud),
}

impl Options {
    pub(super) fn location(&self) -> Result<Location, ConfigError> {
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            return Err(ConfigError::HalfKey);
        }
        self.check_endpoint()?;
        let location = self.url.as_ref().map_or(Ok(Location::Default), |url| self.location_of(url))?;
        self.check_strays(&location)?;
        match location {
            Location::Remote(Cloud::Azure) => self.check_azure()?,
            Location::Remote(Cloud::Google) => self.check_google()?,
            _ => {}
        }
        Ok(location)
    }

    fn location_of(&self, text: &str) -> Result<Location, ConfigError> {
        let refuse = |reason| ConfigError::Url { url: text.to_owned(), reason };
        let (scheme, rest) = text.split_once(':').ok_or_else(|| refuse("is not a URL"))?;
        let cloud = match scheme {
            "s3" => Cloud::S3,
            "az" | "azure" => Cloud::Azure,
            "gs" => Cloud::Google,
            "file" => {
                let url = Url::parse(text).map_err(|_| refuse("is not a URL"))?;
                return url.to_file_path().map(Location::Directory).map_err(|()| refuse("names no directory"));
            }
            _ => return Err(refuse("has a scheme that is not supported")),
        };
        if matches!(rest, "" | "//") {
            return Ok(Location::Remote(cloud));
        }
        Err(refuse("names a bucket, but buckets come from each delivery stream's BucketARN"))
    }

    /// An option that is not acted on is told rather than ignored.
    fn check_strays(&self, location: &Location) -> Result<(), ConfigError> {
        let (is_azure, is_google) =
            (*location == Location::Remote(Cloud::Azure), *location == Location::Remote(Cloud::Google));
        let strays = [
            ("account", "az://", self.account.is_some() && !is_azure),
            ("account-key", "az://", self.account_key.is_some() && !is_azure),
            ("sas-token", "az://", self.sas_token.is_some() && !is_azure),
            ("service-account-file", "gs://", self.service_account_file.is_some() && !is_google),
            ("access-key-id", "s3://", self.access_key_id.is_some() && (is_azure || is_google)),
        ];
        match strays.into_iter().find(|(_, _, is_stray)| *is_stray) {
            Some((option, scheme, _)) => Err(ConfigError::Stray { option, scheme }),
            None => Ok(()),
        }
    }

    fn check_azure(&self) -> Result<(), ConfigError> {
        if self.account.is_none() {
            return Err(ConfigError::NoAccount);
        }
        if self.account_key.is_some() && self.sas_token.is_some() {
            return Err(ConfigError::KeyAndToken);
        }
        let is_base64 = |key: &String| base64_simd::STANDARD.decode_to_vec(key).is_ok();
        if self.account_key.as_ref().is_none_or(is_base64) { Ok(()) } else { Err(ConfigError::AccountKey) }
    }

    fn check_google(&self) -> Result<(), ConfigError> {
        let Some(file) = &self.service_account_file else { return Ok(()) };
        let refuse = |reason: String| ConfigError::ServiceAccount { file: file.clone(), reason };
        let text = std::fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
        let key: serde_json::Value = serde_json::from_str(&text).map_err(|_| refuse("it is not JSON".to_owned()))?;
        let has_key = key.get("private_key").is_some();
        if has_key {
            Ok(())
        } else {
            Err(refuse("it has no private_key, as the file of a service account does".to_owned()))
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
    fn a_url_names_a_directory_or_a_cloud() {
        assert_eq!(location("{}"), Ok(Location::Default));
        assert_eq!(location(r#"{"url":"file:///data/lake"}"#), Ok(Location::Directory("/data/lake".into())));
        assert_eq!(location(r#"{"url":"s3://","endpoint":"https://minio"}"#), Ok(Location::Remote(Cloud::S3)));
        let azure = r#"{"url":"az://","account":"lake","account-key":"a2V5"}"#;
        assert_eq!(location(azure), Ok(Location::Remote(Cloud::Azure)));
        assert_eq!(location(r#"{"url":"gs://"}"#), Ok(Location::Remote(Cloud::Google)));
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
            (r#"{"url":"az://"}"#, "account is missing"),
            (r#"{"url":"az://container","account":"a"}"#, "BucketARN"),
            (r#"{"url":"az://","account":"a","account-key":"no!"}"#, "not base64"),
            (r#"{"url":"azure://","account":"a","account-key":"a2V5","sas-token":"sv=1"}"#, "exclude"),
            (r#"{"url":"gs://","service-account-file":"/no/such/file"}"#, "No such file"),
            (r#"{"url":"gs://","service-account-file":"/etc/hostname"}"#, "not JSON"),
            (r#"{"url":"gs://","access-key-id":"a","secret-access-key":"b"}"#, "for s3:// only"),
            (r#"{"url":"s3://","account":"a"}"#, "for az:// only"),
            (r#"{"service-account-file":"x"}"#, "for gs:// only"),
        ] {
            let error = location(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(serde_json::from_str::<Options>(r#"{"bucket":"x"}"#).is_err());
    }

    #[test]
    fn secrets_stay_out_of_logs() {
        let options: Options = serde_json::from_str(r#"{"access-key-id":"id","secret-access-key":"hush","session-token":"hush","account-key":"hush","sas-token":"hush"}"#).unwrap();
        assert!(!format!("{options:?}").contains("hush"));
    }
}
