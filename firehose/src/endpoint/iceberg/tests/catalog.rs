//! A REST catalog of one table in memory, which takes only what the specification says, and fails as told.

use std::path::PathBuf;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What the next commit meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Somebody else commits first.
    Race,
    /// It is committed, but the answer says that nobody knows.
    LoseAnswer,
    /// It is not committed, and the answer says that nobody knows.
    Forget,
    /// The token is no longer good.
    Revoke,
}

pub(super) struct TestCatalog {
    pub(super) uri: String,
    state: Arc<Mutex<State>>,
}

struct State {
    metadata: Value,
    faults: Vec<Fault>,
    token_count: u32,
    commit_count: usize,
    /// Where `s3://lake/` is.
    bucket: PathBuf,
}

impl TestCatalog {
    pub(super) async fn start(metadata: Value, bucket: PathBuf) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/catalog/", listener.local_addr().unwrap());
        let state = State { metadata, faults: Vec::new(), token_count: 0, commit_count: 0, bucket };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
                let builder = auto::Builder::new(TokioExecutor::new());
                tokio::spawn(
                    async move { builder.serve_connection(TokioIo::new(stream), service).await.map_err(drop) },
                );
            }
        });
        Self { uri, state }
    }

    /// The next commits fail like this, the last one first.
    pub(super) fn fail_next(&self, faults: &[Fault]) {
        self.state.lock().faults = faults.to_vec();
    }

    pub(super) fn faults_left(&self) -> usize {
        self.state.lock().faults.len()
    }

    /// Commits that took effect.
    pub(super) fn commit_count(&self) -> usize {
        self.state.lock().commit_count
    }

    pub(super) fn metadata(&self) -> Value {
        self.state.lock().metadata.clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.state.lock().metadata);
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut state = state.lock();
    let authorization = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let is_known = authorization == Some(format!("Bearer token-{}", state.token_count));
    let (status, answer) = match (head.method, head.uri.path(), head.uri.query()) {
        (Method::POST, "/catalog/v1/oauth/tokens", None) => {
            let form = "grant_type=client_credentials&client_id=me&client_secret=a%3Ab&scope=catalog";
            assert_eq!(body, form);
            state.token_count += 1;
            (200, json!({"access_token": format!("token-{}", state.token_count), "token_type": "bearer"}))
        }
        _ if !is_known => (401, error("who are you?")),
        (Method::GET, "/catalog/v1/config", Some("warehouse=the+lake")) => {
            (200, json!({"defaults": {"prefix": "no"}, "overrides": {"prefix": "pre/fix"}}))
        }
        (Method::GET, "/catalog/v1/pre/fix/namespaces/web/tables/clicks", None) => {
            (200, json!({"metadata-location": "s3://lake/x", "metadata": state.metadata, "config": {}}))
        }
        (Method::POST, "/catalog/v1/pre/fix/namespaces/web/tables/clicks", None) => {
            assert_eq!(head.headers["content-type"], "application/json");
            state.answer_commit(&serde_json::from_slice(&body).unwrap())
        }
        _ => (404, error("there is no such thing")),
    };
    let mut response = Response::new(Full::from(answer.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(response)
}

fn error(message: &str) -> Value {
    json!({"error": {"message": message, "type": "Exception", "code": 0}})
}

impl State {
    fn answer_commit(&mut self, commit: &Value) -> (u16, Value) {
        match self.faults.pop() {
            Some(Fault::Revoke) => {
                self.token_count += 100;
                return (401, error("your token is no longer good"));
            }
            Some(Fault::Forget) => return (503, error("come back later")),
            Some(Fault::Race) => self.commit_other(),
            Some(Fault::LoseAnswer) => {
                assert_eq!(self.commit(commit).0, 200);
                return (504, error("perhaps it is done"));
            }
            None => {}
        }
        self.commit(commit)
    }

    fn main(&self) -> Value {
        self.metadata["refs"]["main"]["snapshot-id"].clone()
    }

    fn snapshot(&self, id: &Value) -> Option<Value> {
        let snapshots = self.metadata["snapshots"].as_array().unwrap();
        snapshots.iter().find(|snapshot| snapshot["snapshot-id"] == *id).cloned()
    }

    /// Commits a snapshot that adds nothing.
    fn commit_other(&mut self) {
        let parent = self.snapshot(&self.main()).unwrap();
        let mut other = parent.clone();
        let last = self.metadata["last-sequence-number"].as_i64().unwrap();
        other["parent-snapshot-id"] = parent["snapshot-id"].clone();
        other["snapshot-id"] = json!(last + 1_000);
        other["sequence-number"] = json!(last + 1);
        other["summary"] = json!({"operation": "append"});
        self.apply(&other);
    }

    fn apply(&mut self, snapshot: &Value) {
        self.metadata["last-sequence-number"] = snapshot["sequence-number"].clone();
        self.metadata["last-updated-ms"] = snapshot["timestamp-ms"].clone();
        self.metadata["current-snapshot-id"] = snapshot["snapshot-id"].clone();
        self.metadata["refs"]["main"] = json!({"type": "branch", "snapshot-id": snapshot["snapshot-id"]});
        self.metadata["snapshots"].as_array_mut().unwrap().push(snapshot.clone());
    }

    fn commit(&mut self, commit: &Value) -> (u16, Value) {
        assert_eq!(commit["identifier"], json!({"namespace": ["web"], "name": "clicks"}));
        for requirement in commit["requirements"].as_array().unwrap() {
            let holds = match requirement["type"].as_str().unwrap() {
                "assert-table-uuid" => requirement["uuid"] == self.metadata["table-uuid"],
                "assert-ref-snapshot-id" => {
                    assert_eq!(requirement["ref"], "main");
                    requirement.as_object().unwrap()["snapshot-id"] == self.main()
                }
                other => panic!("requirement {other}"),
            };
            if !holds {
                return (409, error("Requirement failed"));
            }
        }
        assert_eq!(commit["requirements"].as_array().unwrap().len(), 2);
        let [add, set] = commit["updates"].as_array().unwrap().as_slice() else { panic!("{commit}") };
        assert_eq!((&add["action"], &set["action"]), (&json!("add-snapshot"), &json!("set-snapshot-ref")));
        let snapshot = &add["snapshot"];
        assert_eq!(
            *set,
            json!({"action": "set-snapshot-ref", "ref-name": "main", "type": "branch",
            "snapshot-id": snapshot["snapshot-id"]})
        );
        assert_eq!(self.snapshot(&snapshot["snapshot-id"]), None, "the id is taken");
        assert_eq!(snapshot.get("parent-snapshot-id").cloned().unwrap_or(Value::Null), self.main());
        let last = self.metadata["last-sequence-number"].as_i64().unwrap();
        assert_eq!(snapshot["sequence-number"], last + 1);
        assert!(snapshot["timestamp-ms"].as_i64() >= self.metadata["last-updated-ms"].as_i64());
        assert_eq!(snapshot["summary"]["operation"], "append");
        assert_eq!(snapshot["schema-id"], self.metadata["current-schema-id"]);
        let list = snapshot["manifest-list"].as_str().unwrap().strip_prefix("s3://lake/").unwrap();
        assert!(self.bucket.join(list).is_file(), "{list}");
        self.apply(snapshot);
        self.commit_count += 1;
        (200, json!({"metadata-location": "s3://lake/x", "metadata": self.metadata}))
    }
}
