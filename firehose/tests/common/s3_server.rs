//! A server of S3 whose buckets are directories.

use std::path::Path;

use firehose::sink::Options;
use hyper::Response;
use hyper::service::Service;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use super::ObjectServer;

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI";

/// Serves the directories in `root`; requests must be signed as [`options`] have it.
pub(crate) async fn start(root: &Path, buckets: &[&str]) -> ObjectServer {
    for bucket in buckets {
        std::fs::create_dir_all(root.join(bucket)).unwrap();
    }
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = builder.build();
    ObjectServer::start(move |request| {
        let answer = Service::call(&service, request);
        async move {
            answer.await.unwrap_or_else(|_| Response::builder().status(500).body(s3s::Body::empty()).unwrap())
        }
    })
    .await
}

/// Options of a sink for it.
pub(crate) fn options(server: &ObjectServer) -> Options {
    Options {
        access_key_id: Some(ACCESS_KEY.to_owned()),
        secret_access_key: Some(SECRET_KEY.to_owned()),
        ..server.options("s3://")
    }
}
