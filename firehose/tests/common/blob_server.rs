//! A server of blobs in memory, with the requests of Azure Blob Storage and of the XML API of Google Cloud Storage that a
//! sink sends.
//!
//! Source: Azure Storage REST API Reference, "Put Block", "Put Block List", "Blob Batch"; Cloud Storage documentation, "XML
//! API multipart uploads".

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use firehose::sink::Options;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response};
use url::form_urlencoded;

use super::ObjectServer;

/// The key that the requests for Azure are signed with.
const ACCOUNT_KEY: &str = "a2V5IG9mIHRoZSBhY2NvdW50";

#[derive(Default)]
struct Blobs {
    objects: BTreeMap<String, Bytes>,
    /// By object and name.
    parts: BTreeMap<(String, String), Bytes>,
}

pub(crate) async fn start() -> ObjectServer {
    let blobs = Arc::new(Mutex::new(Blobs::default()));
    ObjectServer::start(move |request| {
        let blobs = Arc::clone(&blobs);
        async move { answer(&blobs, request).await }
    })
    .await
}

/// Options of a sink that takes it for Azure.
pub(crate) fn azure_options(server: &ObjectServer) -> Options {
    Options { account: Some("lake".to_owned()), account_key: Some(ACCOUNT_KEY.to_owned()), ..server.options("az://") }
}

/// Options of a sink that takes it for Google.
pub(crate) fn google_options(server: &ObjectServer) -> Options {
    Options { anonymous: true, ..server.options("gs://") }
}

async fn answer(blobs: &Mutex<Blobs>, request: Request<Incoming>) -> Response<s3s::Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let query: HashMap<_, _> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let body = body.collect().await.unwrap().to_bytes();
    let is = |name: &str, value: &str| query.get(name).is_some_and(|found| found == value);
    let mut blobs = blobs.lock().unwrap();
    match (head.method, query.get("blockid").or(query.get("partNumber"))) {
        (Method::PUT, Some(part)) => {
            let part = if query.contains_key("partNumber") { format!("{part:0>8}") } else { part.clone() };
            blobs.parts.insert((path, part), body);
            stored()
        }
        (Method::PUT, None) if is("comp", "blocklist") => {
            let list = String::from_utf8(body.to_vec()).unwrap();
            let tags = list.split('<');
            let names = tags.filter_map(|text| text.strip_prefix("Latest>").or(text.strip_prefix("Uncommitted>")));
            let names = names.map(str::to_owned).collect();
            blobs.join(&path, &names);
            stored()
        }
        (Method::POST, None) if query.contains_key("uploads") => xml("<R><UploadId>1</UploadId></R>"),
        (Method::POST, None) if query.contains_key("uploadId") => {
            let names =
                blobs.parts.keys().filter(|(object, _)| *object == path).map(|(_, name)| name.clone()).collect();
            blobs.join(&path, &names);
            xml("<R><ETag>\"1\"</ETag></R>")
        }
        (Method::POST, None) if is("comp", "batch") => {
            let text = String::from_utf8(body.to_vec()).unwrap();
            let deleted = text.lines().find_map(|line| line.strip_prefix("DELETE ")?.split(' ').next()).unwrap();
            let status = if blobs.objects.remove(deleted).is_some() { "202 Accepted" } else { "404 Not Found" };
            let body = format!(
                "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 {status}\r\n\
                 x-ms-version: 1\r\n\r\n\r\n--b--\r\n"
            );
            let response = Response::builder().status(202).header("content-type", "multipart/mixed; boundary=b");
            response.body(s3s::Body::from(body)).unwrap()
        }
        (Method::DELETE, _) if query.contains_key("uploadId") => {
            blobs.parts.retain(|(object, _), _| *object != path);
            status(204)
        }
        (Method::DELETE, _) => status(if blobs.objects.remove(&path).is_some() { 204 } else { 404 }),
        (Method::PUT, None) => {
            blobs.objects.insert(path, body);
            stored()
        }
        (method, _) => match blobs.objects.get(&path) {
            Some(object) => Response::builder()
                .header("content-length", object.len())
                .header("etag", "\"1\"")
                .header("last-modified", "Mon, 23 Nov 2026 12:00:00 GMT")
                .body(if method == Method::HEAD { s3s::Body::empty() } else { s3s::Body::from(object.clone()) })
                .unwrap(),
            None => status(404),
        },
    }
}

impl Blobs {
    fn join(&mut self, path: &str, names: &Vec<String>) {
        let mut object = Vec::new();
        for name in names {
            object.extend(self.parts.remove(&(path.to_owned(), name.clone())).expect("a part that was sent"));
        }
        self.objects.insert(path.to_owned(), object.into());
    }
}

fn stored() -> Response<s3s::Body> {
    let response = Response::builder().status(201).header("etag", "\"1\"");
    response.header("last-modified", "Mon, 23 Nov 2026 12:00:00 GMT").body(s3s::Body::empty()).unwrap()
}

fn xml(text: &str) -> Response<s3s::Body> {
    Response::builder().status(200).body(s3s::Body::from(text.to_owned())).unwrap()
}

fn status(status: u16) -> Response<s3s::Body> {
    Response::builder().status(status).body(s3s::Body::empty()).unwrap()
}
