//! An answer that goes on for a while: an operation's task puts events in, the listener takes them out.
//!
//! At most one event waits between the two, so a client that reads slowly holds its operation back and costs no memory
//! beyond that. Either side ends the stream by letting go of its half: a client that goes away, an operation that is done.
//! The listener also ends it when the server is told to stop; clients ask again, of whoever is there then.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use ingest_wire::event_stream::{Event, encode_into};
use ingest_wire::{ErrorBody, Protocol};
use tokio::sync::mpsc;

use crate::fault::Fault;

/// The listener's half.
#[derive(Debug)]
pub struct EventStream(mpsc::Receiver<Bytes>);

/// The operation's half.
#[derive(Debug)]
pub struct EventSink {
    sender: mpsc::Sender<Bytes>,
    protocol: Protocol,
}

/// The client is gone, or the server is about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the events any more")]
pub struct Unread;

/// The place of the next event.
#[derive(Debug)]
pub struct Place {
    permit: mpsc::OwnedPermit<Bytes>,
    protocol: Protocol,
}

impl EventStream {
    /// Both halves of a stream whose payloads are in `protocol`.
    pub fn channel(protocol: Protocol) -> (EventSink, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (EventSink { sender, protocol }, Self(receiver))
    }

    /// The body of the answer, which also ends with `stopped`.
    pub(crate) fn into_body(self, stopped: impl Future<Output = ()> + Send + 'static) -> EventBody {
        EventBody { receiver: self.0, stopped: Box::pin(stopped) }
    }
}

impl EventSink {
    /// Waits for the place of the next event: until the client has taken the one before. What goes there is best made only
    /// then.
    ///
    /// # Errors
    /// `Unread`, now or later.
    pub async fn place(&self) -> Result<Place, Unread> {
        let permit = self.sender.clone().reserve_owned().await.map_err(|_| Unread)?;
        Ok(Place { permit, protocol: self.protocol })
    }

    /// Waits until nobody reads the events any more.
    pub async fn unread(&self) {
        self.sender.closed().await;
    }
}

impl Place {
    /// Puts an event with its payload there, which is encoded in the stream's protocol.
    pub fn put(self, event_type: &str, payload: &[u8]) {
        let mut message = Vec::new();
        encode_into(&mut message, Event::Data { event_type }, self.protocol, payload);
        self.permit.send(message.into());
    }

    /// Puts a fault there, after which nothing should follow. Its code must be one that the stream's model knows.
    pub fn put_fault(self, fault: &Fault) {
        let error = ErrorBody { code: fault.code().name(), message: fault.message() };
        // Two strings have a form in every protocol; should that ever change, the code is still in the headers.
        let payload = self.protocol.encode(&error).unwrap_or_default();
        let mut message = Vec::new();
        encode_into(&mut message, Event::Exception { code: error.code }, self.protocol, &payload);
        self.permit.send(message.into());
    }
}

/// The body of an answer that is an event stream.
pub(crate) struct EventBody {
    receiver: mpsc::Receiver<Bytes>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(cx).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
