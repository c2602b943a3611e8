//! [`Statement`], one rule of a policy.

use super::condition::Condition;
use super::glob::{Case, Glob};
use super::principal::Principal;
use super::request::Request;

/// What a policy says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement denies it, whatever others say.
    Deny,
    /// A statement allows it, and none denies it.
    Allow,
    /// No statement is about it.
    Silent,
}

/// What a statement does about the requests it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// An element that says what is meant, or what is not: `Action` or `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection<T> {
    pub(super) is_negated: bool,
    pub(super) listed: Vec<T>,
}

impl<T> Selection<T> {
    fn holds(&self, is_meant: impl FnMut(&T) -> bool) -> bool {
        self.listed.iter().any(is_meant) != self.is_negated
    }
}

/// One rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) principals: Selection<Principal>,
    pub(super) actions: Selection<Glob>,
    pub(super) resources: Selection<Glob>,
    pub(super) conditions: Vec<Condition>,
}

impl Statement {
    /// Whether it is about the request.
    pub(super) fn is_about(&self, request: &Request<'_>) -> bool {
        let is_like = |glob: &Glob, value, case| glob.matches(value, request, case);
        self.principals.holds(|principal| principal.is(request.caller))
            && self.actions.holds(|action| is_like(action, request.action, Case::Ignored))
            && self.resources.holds(|resource| is_like(resource, request.resource, Case::Counts))
            && self.conditions.iter().all(|condition| condition.holds(request))
    }
}
