//! [`Context`], what an operation knows of its request.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use ingest_wire::{Protocol, RequestId};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// What an operation knows of the request beside its input. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// The account that owns what the request names: that of its credentials, or `000000000000`.
    pub account: Arc<str>,
    /// The region of the signature's scope; `us-east-1` where there is none.
    pub region: Arc<str>,
    /// The request's id.
    pub request_id: RequestId,
    /// How the body and the answer are encoded.
    pub protocol: Protocol,
    /// Who asks.
    pub peer: SocketAddr,
}

impl Context {
    /// The ARN of a resource of the request's account and region: `context.arn("kinesis", "stream/clicks")`.
    pub fn arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }

    /// Decodes a body, for a hot operation.
    ///
    /// # Errors
    /// `SerializationException`, naming the member.
    pub fn decode<'de, T: Deserialize<'de>>(&self, body: &'de [u8]) -> Result<T, Fault> {
        Ok(self.protocol.decode(body)?)
    }

    /// Encodes an answer, for a hot operation.
    ///
    /// # Errors
    /// `InternalFailure` if the output has no form in the protocol.
    pub fn encode<T: Serialize + ?Sized>(&self, output: &T) -> Result<Bytes, Fault> {
        Ok(self.protocol.encode(output)?.into())
    }
}
