//! [`check`], the rule of who may do what.

use super::document::Policy;
use super::request::{Caller, Request};
use super::statement::Verdict;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A statement denies it.
    Denied,
    /// It comes from outside the owner's account, and no statement allows it.
    NotAllowed,
}

/// Decides a request upon a resource of the account `owner`, which may have a policy.
///
/// There are no policies of identities: within the owner's account everything is allowed that no statement denies. Anybody
/// else needs a statement that allows it, too.
///
/// # Errors
/// See [`Refusal`].
///
/// Source: IAM User Guide, "Cross-account policy evaluation logic".
pub fn check(policy: Option<&Policy>, owner: &str, request: &Request<'_>) -> Result<(), Refusal> {
    let is_owner = matches!(request.caller, Caller::Account { account, .. } if account == owner);
    match policy.map_or(Verdict::Silent, |policy| policy.decide(request)) {
        Verdict::Deny => Err(Refusal::Denied),
        Verdict::Allow => Ok(()),
        Verdict::Silent if is_owner => Ok(()),
        Verdict::Silent => Err(Refusal::NotAllowed),
    }
}
