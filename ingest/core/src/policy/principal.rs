//! [`Principal`], whom a statement is about.

use super::document::InvalidPolicy;
use super::request::Caller;
use crate::arn::Arn;

/// Whom a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// Whoever asks.
    Everybody,
    /// Whoever belongs to an account.
    Account(String),
    /// A user, or a role, by its ARN.
    One(String),
    /// A service.
    Service(String),
    /// Somebody whom this server never meets: a federated user, or one of CloudFront's identities.
    Stranger,
}

impl Principal {
    /// Reads a member of `{"AWS": …}`, or of another kind.
    ///
    /// Source: IAM User Guide, "AWS JSON policy elements: Principal".
    pub(super) fn parse(kind: &str, name: &str) -> Result<Self, InvalidPolicy> {
        match kind {
            "AWS" => Self::parse_aws(name).ok_or_else(|| InvalidPolicy::new(format!("invalid principal \"{name}\""))),
            "Service" if name.contains('.') && !name.contains(['*', '?', ' ']) => Ok(Self::Service(name.to_owned())),
            "Service" => Err(InvalidPolicy::new(format!("invalid service principal \"{name}\""))),
            "Federated" | "CanonicalUser" => Ok(Self::Stranger),
            _ => Err(InvalidPolicy::new(format!("unknown kind of principal \"{kind}\""))),
        }
    }

    fn parse_aws(name: &str) -> Option<Self> {
        if name == "*" {
            return Some(Self::Everybody);
        }
        if is_account(name) {
            return Some(Self::Account(name.to_owned()));
        }
        let arn = Arn::parse(name).ok()?;
        let is_global = arn.region.is_empty() && is_account(arn.account) && !name.contains(['*', '?']);
        let is_of = |kinds: &[&str]| kinds.iter().any(|kind| arn.resource_name(kind).is_some());
        match arn.service {
            "iam" if is_global && arn.resource == "root" => Some(Self::Account(arn.account.to_owned())),
            "iam" if is_global && is_of(&["user", "role"]) => Some(Self::One(name.to_owned())),
            "sts" if is_global && is_of(&["assumed-role", "federated-user"]) => Some(Self::One(name.to_owned())),
            _ => None,
        }
    }

    /// Whether the caller is meant.
    pub(super) fn is(&self, caller: Caller<'_>) -> bool {
        match (self, caller) {
            (Self::Everybody, _) => true,
            (Self::Account(name), Caller::Account { account, .. }) => name == account,
            (Self::One(name), Caller::Account { arn, .. }) => name == arn,
            (Self::Service(name), Caller::Service(service)) => name == service,
            (Self::Account(_) | Self::One(_) | Self::Service(_) | Self::Stranger, _) => false,
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
