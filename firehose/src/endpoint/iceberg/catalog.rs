//! The part of the REST catalog's API that an append needs.
//!
//! Source: Apache Iceberg, "REST Catalog API" (`rest-catalog-open-api.yaml`).

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::failure::Failure;
use super::metadata::{MAIN, Metadata, Snapshot};
use super::options::CatalogOptions;
use crate::definition::Secret;
use crate::endpoint::client::{self, Answer, Client, parse_url};
use crate::endpoint::{EndpointError, Options};

/// Bytes of an answer, at most: the metadata of a table with tens of thousands of snapshots.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Characters of a refusal that are kept.
const MESSAGE_CHARS_MAX: usize = 500;

/// A catalog.
pub(super) struct Catalog {
    options: CatalogOptions,
    url: Url,
    client: Client,
    /// Where credentials are exchanged, if not at the catalog.
    oauth2: Option<(Url, Client)>,
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

/// What an answer refuses.
fn refusal(answer: &Answer) -> Failure {
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let said = said.as_ref().and_then(|body| body.get("error")?.get("message")?.as_str());
    let message = said.unwrap_or("the catalog refuses").chars().take(MESSAGE_CHARS_MAX).collect();
    Failure::Refused { status: answer.status.as_u16(), message }
}

fn read<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, Failure> {
    if !answer.status.is_success() {
        return Err(refusal(answer));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::Catalog(format!("the catalog's answer cannot be read: {error}")))
}

impl Catalog {
    /// A catalog; it is not asked for anything yet.
    pub(super) fn new(options: CatalogOptions, network: &Options) -> Result<Self, EndpointError> {
        let url = parse_url(&options.uri, network)?;
        let oauth2 = match &options.oauth2_server_uri {
            Some(uri) => {
                let url = parse_url(uri, network)?;
                let client = Client::new(&url, network)?;
                Some((url, client))
            }
            None => None,
        };
        let client = Client::new(&url, network)?;
        Ok(Self { options, url, client, oauth2, session: Mutex::new(None) })
    }

    /// What a table says of itself.
    pub(super) async fn load_table(&self, database: &str, table: &str) -> Result<Metadata, Failure> {
        let answer = self.ask(&["namespaces", database, "tables", table], None).await?;
        Ok(read::<Table>(&answer)?.metadata)
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
            // Some catalogs want the name here too, although it stands in the path.
            "identifier": {"namespace": [database], "name": table},
            "requirements": [
                {"type": "assert-table-uuid", "uuid": metadata.table_uuid},
                {"type": "assert-ref-snapshot-id", "ref": MAIN, "snapshot-id": snapshot.parent_snapshot_id},
            ],
            "updates": [
                {"action": "add-snapshot", "snapshot": snapshot},
                {"action": "set-snapshot-ref", "ref-name": MAIN, "type": "branch", "snapshot-id": snapshot.snapshot_id},
            ],
        });
        let answer = self.ask(&["namespaces", database, "tables", table], Some(&body)).await;
        match answer {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) if answer.status == StatusCode::CONFLICT => Err(Failure::Conflict(refusal(&answer).to_string())),
            Ok(answer) if answer.status.is_server_error() => Err(Failure::Unknown(refusal(&answer).to_string())),
            Ok(answer) => Err(refusal(&answer)),
            Err(error) => Err(Failure::Unknown(error.to_string())),
        }
    }

    /// Gets what is at `path`, or posts `body` there, with a token if the catalog wants one; if that is no longer good, once
    /// again with a new one.
    async fn ask(&self, path: &[&str], body: Option<&Value>) -> Result<Answer, Failure> {
        for is_last in [false, true] {
            let session = self.session().await?;
            let mut url = session.base.clone();
            url.path_segments_mut().map_err(|()| unusable(&session.base))?.extend(path);
            let mut headers = bearer(session.token.as_ref())?;
            let answer = match body {
                Some(body) => {
                    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    self.client.post(url, headers, body.to_string().into(), ANSWER_BYTES_MAX).await
                }
                None => self.client.get(url, headers, ANSWER_BYTES_MAX).await,
            };
            let answer = answer.map_err(failed)?;
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
        let mut url = self.api()?;
        url.path_segments_mut().map_err(|()| unusable(&self.url))?.push("config");
        if let Some(warehouse) = &self.options.warehouse {
            url.query_pairs_mut().append_pair("warehouse", warehouse);
        }
        let config: Config =
            read(&self.client.get(url, bearer(token.as_ref())?, ANSWER_BYTES_MAX).await.map_err(failed)?)?;
        let find = |name: &str| config.overrides.get(name).or_else(|| config.defaults.get(name));
        // The token is sent where the configuration says, not where the catalog sends us.
        let mut base = self.api()?;
        if let Some(prefix) = find("prefix") {
            let segments = prefix.split('/').filter(|segment| !segment.is_empty());
            base.path_segments_mut().map_err(|()| unusable(&self.url))?.extend(segments);
        }
        Ok(Session { base, token })
    }

    async fn fetch_token(&self, credential: &Secret) -> Result<Secret, Failure> {
        let (url, client) = match &self.oauth2 {
            Some((url, client)) => (url.clone(), client),
            None => {
                let mut url = self.api()?;
                url.path_segments_mut().map_err(|()| unusable(&self.url))?.extend(["oauth", "tokens"]);
                (url, &self.client)
            }
        };
        let (id, secret) = credential.0.split_once(':').unwrap_or((&credential.0, ""));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)])
            .append_pair("scope", &self.options.scope)
            .finish();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form_type)]);
        let answer = client.post(url, headers, form.into(), ANSWER_BYTES_MAX).await.map_err(failed)?;
        Ok(Secret(read::<Token>(&answer)?.access_token))
    }

    /// What the paths of the API begin with.
    fn api(&self) -> Result<Url, Failure> {
        let mut url = self.url.clone();
        url.path_segments_mut().map_err(|()| unusable(&self.url))?.pop_if_empty().push("v1");
        Ok(url)
    }
}

fn bearer(token: Option<&Secret>) -> Result<HeaderMap, Failure> {
    let Some(token) = token else { return Ok(HeaderMap::new()) };
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.0))
        .map_err(|_| Failure::Catalog("the token cannot be sent".to_owned()))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

fn unusable(url: &Url) -> Failure {
    Failure::Catalog(format!("the catalog's address {} cannot be used", url.origin().ascii_serialization()))
}

fn failed(error: client::Failure) -> Failure {
    Failure::Catalog(format!("the catalog cannot be reached: {error}"))
}
