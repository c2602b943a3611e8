//! [`Operations`], the table of a door.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call_rate::CallRate;
use crate::context::Context;
use crate::door::Door;
use crate::event_stream::EventStream;
use crate::fault::{Code, Fault};

/// What an operation answers if it does not fail.
pub(crate) enum Reply {
    /// An encoded body.
    Whole(Bytes),
    /// Events, for as long as there are any.
    Events(EventStream),
}

/// The answer to come of an operation.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Reply, Fault>> + Send>>;

/// An operation with its types erased: a body in, a reply out.
pub(crate) type Handler<D> = Box<dyn Fn(Arc<D>, Context, Bytes) -> Answer + Send + Sync>;

/// Whether an operation is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It answers.
    Present,
    /// It is in the service's model, but not here: it is refused in so many words.
    Absent,
}

/// The operations of a door, by name.
pub struct Operations<D> {
    by_name: BTreeMap<&'static str, Option<Handler<D>>>,
    rates: BTreeMap<&'static str, CallRate>,
}

impl<D: Door> Operations<D> {
    /// A table without operations.
    #[expect(clippy::new_without_default, reason = "a door's table is never left at its default")]
    pub fn new() -> Self {
        Self { by_name: BTreeMap::new(), rates: BTreeMap::new() }
    }

    /// Adds a plain operation: an owned input in, an output out.
    ///
    /// It runs to its end even if the client goes away in the middle, so it may change several things in turn.
    pub fn typed<I, O, F, Fut>(self, name: &'static str, operation: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        F: Fn(Arc<D>, Context, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, Fault>> + Send + 'static,
    {
        let operation = Arc::new(operation);
        self.with(name, move |door, context: Context, body: Bytes| {
            let operation = Arc::clone(&operation);
            async move {
                let input: I = context.decode(&body)?;
                // The input owns what it needs; the body's memory need not be held for as long as it runs.
                drop(body);
                let protocol = context.protocol;
                let output = match tokio::spawn(operation(door, context, input)).await {
                    Ok(output) => output?,
                    Err(error) => return Err(Fault::internal(error)),
                };
                Ok(Reply::Whole(protocol.encode(&output)?.into()))
            }
        })
    }

    /// Adds a hot operation: it takes the raw body, to borrow from it, and encodes its own answer.
    ///
    /// See [`Context::decode`] and [`Context::encode`]. It is dropped at its next `.await` if the client goes away.
    pub fn raw<F, Fut>(self, name: &'static str, operation: F) -> Self
    where
        F: Fn(Arc<D>, Context, Bytes) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Bytes, Fault>> + Send + 'static,
    {
        self.with(name, move |door, context, body| {
            let answer = AssertUnwindSafe(operation(door, context, body)).catch_unwind();
            // A panic is a bug and poisons nothing here: its request fails, the others go on. The hook has logged it.
            let answer =
                answer.map(|outcome| outcome.unwrap_or_else(|_| Err(Fault::internal("the operation panicked"))));
            answer.map(|outcome| outcome.map(Reply::Whole))
        })
    }

    /// Adds an operation whose answer is an event stream, which a task of its own goes on to fill.
    ///
    /// It should put an event of type [`ingest_wire::event_stream::INITIAL_RESPONSE`] there first.
    pub fn streaming<I, F, Fut>(self, name: &'static str, operation: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        F: Fn(Arc<D>, Context, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<EventStream, Fault>> + Send + 'static,
    {
        let operation = Arc::new(operation);
        self.with(name, move |door, context: Context, body: Bytes| {
            let operation = Arc::clone(&operation);
            async move {
                let input: I = context.decode(&body)?;
                drop(body);
                match tokio::spawn(operation(door, context, input)).await {
                    Ok(events) => Ok(Reply::Events(events?)),
                    Err(error) => Err(Fault::internal(error)),
                }
            }
        })
    }

    /// Adds operations of the service's model that are not there. They are refused as such, not as unknown.
    pub fn absent(mut self, names: &[&'static str]) -> Self {
        for name in names {
            let previous = self.by_name.insert(name, None);
            debug_assert!(previous.is_none(), "{name} is in the table twice");
        }
        self
    }

    /// Says how often operations may be called. The door asks, where it knows for what the call counts.
    pub fn rates(mut self, rates: &[(&'static str, CallRate)]) -> Self {
        for (name, rate) in rates {
            let previous = self.rates.insert(name, *rate);
            debug_assert!(previous.is_none() && self.by_name.contains_key(name), "{name} has one rate, and is there");
        }
        self
    }

    /// What the operation table of a door's README tells otherwise than this one: rows of `| NAME | done, partial or absent |`.
    /// For the door's test.
    pub fn told_wrongly(&self, readme: &str) -> Vec<String> {
        let told = |name: &str| {
            let row = readme.lines().find(|line| line.starts_with(&format!("| {name} |")))?;
            row.split('|').nth(2).map(str::trim)
        };
        let is_right = |name: &str, support: Support| match support {
            Support::Present => matches!(told(name), Some("done" | "partial")),
            Support::Absent => told(name) == Some("absent"),
        };
        let wrong = self.support().filter(|(name, support)| !is_right(name, *support));
        wrong.map(|(name, support)| format!("{name} is {support:?} and told to be {:?}", told(name))).collect()
    }

    /// The names, sorted, with whether each is there. For the table in a door's README, and the test that compares them.
    pub fn support(&self) -> impl Iterator<Item = (&'static str, Support)> {
        self.by_name
            .iter()
            .map(|(&name, handler)| (name, if handler.is_some() { Support::Present } else { Support::Absent }))
    }

    fn with<F, Fut>(mut self, name: &'static str, handler: F) -> Self
    where
        F: Fn(Arc<D>, Context, Bytes) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, Fault>> + Send + 'static,
    {
        let handler: Handler<D> = Box::new(move |door, context, body| Box::pin(handler(door, context, body)));
        let previous = self.by_name.insert(name, Some(handler));
        debug_assert!(previous.is_none(), "{name} is in the table twice");
        self
    }

    /// Gives the table up, each operation by name with its rate; an absent one as a handler that says so.
    pub(crate) fn into_handlers(self) -> impl Iterator<Item = (&'static str, Option<CallRate>, Handler<D>)> {
        let Self { by_name, rates } = self;
        let row = move |(name, handler): (_, Option<_>)| {
            (name, rates.get(name).copied(), handler.unwrap_or_else(|| refuse(name)))
        };
        by_name.into_iter().map(row)
    }
}

/// Answers for an operation that is absent.
fn refuse<D: Door>(name: &'static str) -> Handler<D> {
    Box::new(move |_, _, _| {
        let message = format!("{name} is an operation of {} that this server does not support.", D::SERVICE);
        Box::pin(async move { Err(Fault::new(Code::UnsupportedOperation, message)) })
    })
}
