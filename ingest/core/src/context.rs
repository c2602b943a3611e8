//! [`Context`], what an operation knows of its request.

use std::net::SocketAddr;
use std::sync::Arc;

use ::http::HeaderValue;
use bytes::Bytes;
use ingest_wire::{Protocol, RequestId};
use serde::{Deserialize, Serialize};

use crate::call_rate::{CallRate, CallRates, Key, Scope};
use crate::fault::{Fault, access};
use crate::policy::{self, Caller, Policy, Request};

/// What an operation knows of the request beside its input. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// The account that owns what the request names: that of its credentials, or `000000000000`.
    pub account: Arc<str>,
    /// The caller as policies know it: `arn:aws:iam::ACCOUNT:root` or `…:user/NAME`.
    pub principal: Arc<str>,
    /// The region of the signature's scope; `us-east-1` where there is none.
    pub region: Arc<str>,
    /// The request's id.
    pub request_id: RequestId,
    /// How the body and the answer are encoded.
    pub protocol: Protocol,
    /// Where the request comes from.
    pub peer: SocketAddr,
    /// The client's name for itself.
    pub user_agent: Option<HeaderValue>,
    /// The service asked, by its signing name.
    pub service: &'static str,
    /// The operation asked for.
    pub operation: &'static str,
    /// How often it may be called, if that is limited.
    pub(crate) rate: Option<(CallRate, Arc<CallRates>)>,
}

impl Context {
    /// The ARN of a resource of the request's account and region: `context.arn("kinesis", "stream/clicks")`.
    pub fn arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        self.arn_of(&self.account, service, resource)
    }

    /// The ARN of a resource of the request's region and another account.
    pub fn arn_of(&self, account: &str, service: &str, resource: impl std::fmt::Display) -> String {
        format!("arn:aws:{service}:{}:{account}:{resource}", self.region)
    }

    /// Checks that the caller may do what it asks for with the resource of this ARN, which belongs to the account `owner`
    /// and may have a policy.
    ///
    /// # Errors
    /// `AccessDeniedException`; see [`policy::check`].
    pub fn check_access(&self, policy: Option<&Policy>, owner: &str, resource: &str, now_ms: u64) -> Result<(), Fault> {
        let action = format!("{}:{}", self.service, self.operation);
        let request = Request {
            source_ip: Some(self.peer.ip()),
            user_agent: self.user_agent.as_ref().and_then(|agent| agent.to_str().ok()),
            ..Request::new(self.caller(), &action, resource, now_ms)
        };
        policy::check(policy, owner, &request).map_err(|refusal| access::denied(&request, refusal))
    }

    /// Whether the operation may be called once more, which then counts: for `per`, which belongs to `account` and has this
    /// name. An operation without a rate, or whose rate is another one's, may always be called.
    pub fn admits_call(&self, per: Scope, account: &str, name: impl FnOnce() -> String) -> bool {
        let Some((rate, rates)) = self.rate.as_ref().filter(|(rate, _)| rate.per == per) else { return true };
        let (account, region) = (account.to_owned(), Arc::clone(&self.region));
        rates.admit(Key { operation: self.operation, account, region, name: name() }, rate.per_second)
    }

    /// The caller as policies know it.
    pub fn caller(&self) -> Caller<'_> {
        Caller::Account { account: &self.account, arn: &self.principal }
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
