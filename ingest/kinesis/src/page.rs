//! `NextToken`s: signed, so that nobody makes one up, and gone after five minutes.

use ingest_core::Fault;
use ingest_core::fault::kinesis;
use ingest_wire::Protocol;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shard_store::stream::error::TokenError;
use shard_store::stream::{ShardFilter, ShardNumber, Signer, StreamId, TokenKind};

use crate::limits::NEXT_TOKEN_LIFETIME;

/// A place where a list goes on.
pub(crate) trait Page: Serialize + DeserializeOwned {
    /// The kind of its tokens.
    const KIND: TokenKind;

    /// The token of this place, issued at `now_ms`.
    fn seal(&self, signer: &Signer, now_ms: u64) -> Result<String, Fault> {
        let body = Protocol::Json11.encode(self)?;
        Ok(signer.seal(Self::KIND, now_ms, &body))
    }

    /// The place of a token, used at `now_ms`.
    ///
    /// # Errors
    /// `InvalidArgumentException` for a forged token, `ExpiredNextTokenException` for one that is too old.
    fn open(signer: &Signer, token: &str, now_ms: u64) -> Result<Self, Fault> {
        let body = signer.open(Self::KIND, token, now_ms, NEXT_TOKEN_LIFETIME).map_err(kinesis::next_token)?;
        Protocol::Json11.decode(&body).map_err(|_| kinesis::next_token(TokenError::Malformed))
    }
}

/// Where a list of shards goes on. It names its stream, so a request with this token need not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardPage {
    pub(crate) stream_name: String,
    pub(crate) stream_id: StreamId,
    /// The last shard that was listed.
    pub(crate) after: ShardNumber,
    pub(crate) filter: ShardFilter,
}

impl Page for ShardPage {
    const KIND: TokenKind = TokenKind::ShardPage;
}

/// Where a list of consumers goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConsumerPage {
    pub(crate) stream_id: StreamId,
    /// The last name that was listed.
    pub(crate) after: String,
}

impl Page for ConsumerPage {
    const KIND: TokenKind = TokenKind::ConsumerPage;
}

/// Where a list of queues goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueuePage {
    /// The last name that was listed.
    pub(crate) after: String,
}

impl Page for QueuePage {
    const KIND: TokenKind = TokenKind::QueuePage;
}

/// Where a list of channels goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChannelPage {
    /// The last name that was listed.
    pub(crate) after: String,
}

impl Page for ChannelPage {
    const KIND: TokenKind = TokenKind::ChannelPage;
}

/// Where a list of streams goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamPage {
    /// The last name that was listed.
    pub(crate) after: String,
}

impl Page for StreamPage {
    const KIND: TokenKind = TokenKind::StreamPage;
}
