//! `headwater stream`: streams of Headwater or of AWS, for people and scripts.

mod create;
mod delete;
mod describe;
mod export;
mod list;
mod reshard;
pub(super) mod text;

use consumers::streams::{Options, Summary};
use consumers::{CallError, Endpoint, HttpClient, Streams};

use super::about_stream;
use crate::cli::{StreamAction, StreamArgs};
use crate::failure::{Failure, Outcome};

/// Does what is asked.
pub(crate) async fn run(args: StreamArgs) -> Result<Outcome, Failure> {
    let endpoint = &args.endpoint;
    match args.action {
        StreamAction::Create(create) => create::run(&Access::to(endpoint)?, create).await,
        StreamAction::List { json } => list::run(&Access::to(endpoint)?, json).await,
        StreamAction::Describe(describe) => describe::run(&Access::to(endpoint)?, &describe).await,
        StreamAction::Split(split) => reshard::split(&Access::to(endpoint)?, &split).await,
        StreamAction::Merge(merge) => reshard::merge(&Access::to(endpoint)?, &merge).await,
        StreamAction::Delete(delete) => delete::run(&Access::to(endpoint)?, &delete).await,
        StreamAction::Tail { name, options } => super::tail::run(endpoint, &name, &options).await,
        StreamAction::Export(export) => export::run(endpoint, &export).await,
    }
}

/// The streams of an endpoint, with failures told for people.
struct Access {
    streams: Streams,
    endpoint: String,
}

impl Access {
    fn to(endpoint: &str) -> Result<Self, Failure> {
        let client = HttpClient::new(Endpoint::from_environment(endpoint)?)?;
        Ok(Self { streams: Streams::new(client, Options::default()), endpoint: endpoint.to_owned() })
    }

    /// The failure of a call about `stream`.
    fn failure(&self, stream: &str) -> impl Fn(CallError) -> Failure {
        move |error| about_stream(error, stream, &self.endpoint)
    }

    /// The stream once it is active.
    async fn active(&self, stream: &str) -> Result<Summary, Failure> {
        match self.streams.settled(stream).await? {
            Some(summary) if summary.is_active() => Ok(summary),
            Some(summary) => Err(Failure::Unsettled { stream: stream.to_owned(), status: summary.status }),
            None => Err(Failure::NoStream { stream: stream.to_owned(), endpoint: self.endpoint.clone() }),
        }
    }
}
