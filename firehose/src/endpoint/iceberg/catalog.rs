//! The part of the REST catalog's API that an append needs.
//!
//! Source: Apache Iceberg, "REST Catalog API" (`rest-catalog-open-api.yaml`).

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::failure::Failure;
use super::metadata::{MAIN, Metadata, Snapshot};
use super::options::CatalogOptions;
use crate::definition::Secret;
use crate::endpoint::{EndpointError, Options};

/// Bytes of an answer, at most: the metadata of a table with tens of thousands of snapshots.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Characters of a refusal that are kept.
const MESSAGE_CHARS_MAX: usize = 500;

/// A catalog.
pub(super) struct Catalog {
    options: CatalogOptions,
    http: reqwest::Client,
    request_timeout: std::time::Duration,
    /// What the catalog said when it was first asked; forgotten when it no longer knows us.
    session: Mutex<Option<Session>>,
}

#[derive(Clone)]
struct Session {
    /// What the paths of the API begin with, `v1` and the prefix included.
    base: Url,
    token: Option<Secret>,
}

/// What the catalog answers when it is first asked.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    defaults: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    overrides: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Table {
    metadata: Metadata,
}

struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    fn refusal(&self) -> Failure {
        let said: Option<Value> = serde_json::from_slice(&self.body).ok();
        let said = said.as_ref().and_then(|body| body.get("error")?.get("message")?.as_str());
        let message = said.unwrap_or("the catalog refuses").chars().take(MESSAGE_CHARS_MAX).collect();
        Failure::Refused { status: self.status.as_u16(), message }
    }

    fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Failure> {
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::Catalog(format!("the catalog's answer cannot be read: {error}")))
    }
}

impl Catalog {
    /// A catalog; it is not asked for anything yet.
    pub(super) fn new(options: CatalogOptions, network: &Options) -> Result<Self, EndpointError> {
        let fail = |reason: String| EndpointError::Client { reason };
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(network.connect_timeout);
        let addresses = [Some(&options.uri), options.oauth2_server_uri.as_ref()];
        let mut is_plain = true;
        for address in addresses.into_iter().flatten() {
            let url = Url::parse(address).map_err(|error| fail(error.to_string()))?;
            let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            if url.scheme() == "http" && !is_here && !network.allow_http {
                let reason = "it has no TLS, and firehose.endpoints.allow-http is false".to_owned();
                return Err(EndpointError::Url { url: url.origin().ascii_serialization(), reason });
            }
            is_plain &= url.scheme() == "http";
        }
        if is_plain {
            // Without TLS no root certificates are needed, and a bare machine has none.
            builder = builder.tls_certs_only([]);
        } else if let Some(file) = &network.ca_file {
            let text = std::fs::read(file).map_err(|error| fail(format!("{}: {error}", file.display())))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&text).map_err(|error| fail(error.to_string()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(|error| fail(error.to_string()))?;
        Ok(Self { options, http, request_timeout: network.request_timeout, session: Mutex::new(None) })
    }

    /// What a table says of itself.
    pub(super) async fn load_table(&self, database: &str, table: &str) -> Result<Metadata, Failure> {
        let answer = self.ask(Method::GET, &["namespaces", database, "tables", table], None).await?;
        Ok(answer.read::<Table>()?.metadata)
    }

    /// Adds a snapshot to a table, and makes it the head of the branch if that is still at the snapshot's parent.
    pub(super) async fn commit(
        &self,
        database: &str,
        table: &str,
        metadata: &Metadata,
        snapshot: &Snapshot,
    ) -> Result<(), Failure> {
        let body = json!({
            "requirements": [
                {"type": "assert-table-uuid", "uuid": metadata.table_uuid},
                {"type": "assert-ref-snapshot-id", "ref": MAIN, "snapshot-id": snapshot.parent_snapshot_id},
            ],
            "updates": [
                {"action": "add-snapshot", "snapshot": snapshot},
                {"action": "set-snapshot-ref", "ref-name": MAIN, "type": "branch", "snapshot-id": snapshot.snapshot_id},
            ],
        });
        let answer = self.ask(Method::POST, &["namespaces", database, "tables", table], Some(&body)).await;
        match answer {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) if answer.status == StatusCode::CONFLICT => Err(Failure::Conflict(answer.refusal().to_string())),
            Ok(answer) if answer.status.is_server_error() => Err(Failure::Unknown(answer.refusal().to_string())),
            Ok(answer) => Err(answer.refusal()),
            Err(error) => Err(Failure::Unknown(error.to_string())),
        }
    }

    /// One request, with a token if the catalog wants one; if that is no longer good, once again with a new one.
    async fn ask(&self, method: Method, path: &[&str], body: Option<&Value>) -> Result<Answer, Failure> {
        for is_last in [false, true] {
            let session = self.session().await?;
            let mut url = session.base.clone();
            url.path_segments_mut().map_err(|()| unusable(&session.base))?.extend(path);
            let mut request = self.http.request(method.clone(), url);
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let answer = self.exchange(request, session.token.as_ref()).await?;
            if is_last || !matches!(answer.status.as_u16(), 401 | 419) {
                return Ok(answer);
            }
            *self.session.lock().await = None;
        }
        Err(Failure::Catalog("the catalog does not know us".to_owned()))
    }

    async fn session(&self) -> Result<Session, Failure> {
        let mut session = self.session.lock().await;
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        let opened = self.open_session().await?;
        Ok(session.insert(opened).clone())
    }

    async fn open_session(&self) -> Result<Session, Failure> {
        let token = match &self.options.credential {
            Some(credential) => Some(self.fetch_token(credential).await?),
            None => self.options.token.clone(),
        };
        let mut url = api(&self.options.uri)?;
        url.path_segments_mut().map_err(|()| unusable(&url_of(&self.options.uri)))?.push("config");
        if let Some(warehouse) = &self.options.warehouse {
            url.query_pairs_mut().append_pair("warehouse", warehouse);
        }
        let config: Config = self.exchange(self.http.get(url), token.as_ref()).await?.read()?;
        let find = |name: &str| config.overrides.get(name).or_else(|| config.defaults.get(name));
        // The token is sent where the configuration says, not where the catalog sends us.
        let mut base = api(&self.options.uri)?;
        if let Some(prefix) = find("prefix") {
            let segments = prefix.split('/').filter(|segment| !segment.is_empty());
            base.path_segments_mut().map_err(|()| unusable(&url_of(&self.options.uri)))?.extend(segments);
        }
        Ok(Session { base, token })
    }

    async fn fetch_token(&self, credential: &Secret) -> Result<Secret, Failure> {
        let url = match &self.options.oauth2_server_uri {
            Some(uri) => url_of(uri),
            None => {
                let mut url = api(&self.options.uri)?;
                url.path_segments_mut().map_err(|()| unusable(&url_of(&self.options.uri)))?.extend(["oauth", "tokens"]);
                url
            }
        };
        let (id, secret) = credential.0.split_once(':').unwrap_or((&credential.0, ""));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)])
            .append_pair("scope", &self.options.scope)
            .finish();
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        let token: Token = self.exchange(request, None).await?.read()?;
        Ok(Secret(token.access_token))
    }

    /// Sends a request and reads its answer, bounded in time and in bytes.
    async fn exchange(&self, mut request: reqwest::RequestBuilder, token: Option<&Secret>) -> Result<Answer, Failure> {
        if let Some(token) = token {
            request = request.bearer_auth(&token.0);
        }
        let exchange = async {
            let mut response = request.send().await.map_err(failed)?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                    return Err(Failure::Catalog(format!(
                        "the catalog's answer is longer than {ANSWER_BYTES_MAX} bytes"
                    )));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Answer { status: response.status(), body })
        };
        let late = || Failure::Catalog("the catalog does not answer in time".to_owned());
        tokio::time::timeout(self.request_timeout, exchange).await.map_err(|_| late())?
    }
}

/// The address of the API of a catalog.
fn api(uri: &str) -> Result<Url, Failure> {
    let mut url = url_of(uri);
    url.path_segments_mut().map_err(|()| unusable(&url_of(uri)))?.pop_if_empty().push("v1");
    Ok(url)
}

/// An address that was read before.
fn url_of(uri: &str) -> Url {
    Url::parse(uri).expect("the options were checked when the catalog was set up")
}

fn unusable(url: &Url) -> Failure {
    Failure::Catalog(format!("the catalog's address {} cannot be used", url.origin().ascii_serialization()))
}

fn failed(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure::Catalog(format!("the catalog cannot be reached: {error}{cause}"))
}
