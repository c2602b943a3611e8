//! [`Request`], what a policy is asked about.

use std::borrow::Cow;
use std::net::IpAddr;

use chrono::DateTime;

use crate::arn::Arn;
use crate::limits::USER_AGENT_CHARS_MAX;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'a> {
    /// An account, and who of it: its root, a user, a role.
    Account {
        /// The account: twelve digits.
        account: &'a str,
        /// The principal: `arn:aws:iam::ACCOUNT:root`, or `…:user/NAME`.
        arn: &'a str,
    },
    /// Another service, such as `sns.amazonaws.com`.
    Service(&'a str),
    /// Nobody in particular, where a door takes calls without a signature.
    Anonymous,
}

/// Who asks, to do what, upon which resource, under which conditions.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub caller: Caller<'a>,
    /// What is to be done: `kinesis:PutRecord`.
    pub action: &'a str,
    /// The ARN of what it is to be done with.
    pub resource: &'a str,
    /// The present, in milliseconds since the Unix epoch: `aws:CurrentTime` and `aws:EpochTime`.
    pub now_ms: u64,
    /// Where the call comes from: `aws:SourceIp`.
    pub source_ip: Option<IpAddr>,
    /// Whether the call came over TLS: `aws:SecureTransport`.
    pub is_secure: bool,
    /// The client's name for itself, of which the beginning counts: `aws:UserAgent`.
    pub user_agent: Option<&'a str>,
    /// The resource on whose behalf a service asks: `aws:SourceArn`, and with it `aws:SourceAccount`.
    pub source_arn: Option<&'a str>,
    /// Condition keys of the door, each with a value; a key with several values is there several times.
    pub more: &'a [(&'a str, &'a str)],
}

impl<'a> Request<'a> {
    /// A request of which no more is known.
    pub fn new(caller: Caller<'a>, action: &'a str, resource: &'a str, now_ms: u64) -> Self {
        Self {
            caller,
            action,
            resource,
            now_ms,
            source_ip: None,
            is_secure: false,
            user_agent: None,
            source_arn: None,
            more: &[],
        }
    }

    /// The values of a condition key, whose case does not count; none if the key is not there.
    ///
    /// Source: IAM User Guide, "AWS global condition context keys".
    pub(super) fn values(&self, key: &str) -> Vec<Cow<'a, str>> {
        let global = match key.to_ascii_lowercase().as_str() {
            "aws:currenttime" => Some(self.current_time().into()),
            "aws:epochtime" => Some((self.now_ms / 1_000).to_string().into()),
            "aws:principalaccount" => self.account().map(Into::into),
            "aws:principalarn" => self.principal().map(Into::into),
            "aws:principalisawsservice" => Some(truth(matches!(self.caller, Caller::Service(_))).into()),
            "aws:securetransport" => Some(truth(self.is_secure).into()),
            "aws:sourceaccount" => self.source_arn.and_then(|arn| Arn::parse(arn).ok()).map(|arn| arn.account.into()),
            "aws:sourcearn" => self.source_arn.map(Into::into),
            "aws:sourceip" => self.source_ip.map(|ip| ip.to_canonical().to_string().into()),
            "aws:useragent" => self.user_agent.map(|agent| beginning(agent).into()),
            "aws:username" => self.user_name().map(Into::into),
            _ => {
                let of_key = self.more.iter().filter(|(more, _)| more.eq_ignore_ascii_case(key));
                return of_key.map(|(_, value)| Cow::Borrowed(*value)).collect();
            }
        };
        global.into_iter().collect()
    }

    fn account(&self) -> Option<&'a str> {
        if let Caller::Account { account, .. } = self.caller { Some(account) } else { None }
    }

    fn principal(&self) -> Option<&'a str> {
        if let Caller::Account { arn, .. } = self.caller { Some(arn) } else { None }
    }

    fn user_name(&self) -> Option<&'a str> {
        let path = Arn::parse(self.principal()?).ok()?.resource_name("user")?;
        path.rsplit('/').next()
    }

    fn current_time(&self) -> String {
        let time = i64::try_from(self.now_ms).ok().and_then(DateTime::from_timestamp_millis);
        time.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
    }
}

fn truth(is_true: bool) -> &'static str {
    if is_true { "true" } else { "false" }
}

fn beginning(text: &str) -> &str {
    text.char_indices().nth(USER_AGENT_CHARS_MAX).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
