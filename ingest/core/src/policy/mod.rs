//! Resource policies: the IAM JSON policy language, read and evaluated.
//!
//! A [`Policy`] is read once, from the text that was put upon a resource, and then asked about one [`Request`] after the
//! other: who asks, to do what, upon which resource, under which conditions. It names no service, so that every door may
//! use it. [`check`] is the rule that turns its [`Verdict`] into an answer, where everybody within the owner's account may
//! do everything: there, only a Deny counts; another account needs an Allow as well.
//!
//! ```
//! use ingest_core::policy::{Caller, Policy, Request, Verdict};
//!
//! let policy = Policy::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111"},
//!         "Action": "kinesis:Put*", "Resource": "*"}}"#,
//! )
//! .unwrap();
//! let caller = Caller::Account { account: "111111111111", arn: "arn:aws:iam::111111111111:root" };
//! let stream = "arn:aws:kinesis:us-east-1:222222222222:stream/clicks";
//! let request = |action| Request::new(caller, action, stream, 1_700_000_000_000);
//! assert_eq!(policy.decide(&request("kinesis:PutRecord")), Verdict::Allow);
//! assert_eq!(policy.decide(&request("kinesis:GetRecords")), Verdict::Silent);
//! ```
//!
//! # What is read
//! `Version`, `Id` and `Statement`s with `Sid`, `Effect`, `Principal` or `NotPrincipal`, `Action` or `NotAction`,
//! `Resource` or `NotResource`, `Condition`. Anything else is refused, as is an element that is there twice: a policy that
//! would be understood otherwise than it was meant must not be stored. Policy variables are replaced in policies of the
//! version `2012-10-17`.
//!
//! # Bounds
//! A text is refused beyond a size that its door decides; what is kept of it is of the same order. The time of a decision
//! is bounded by the product of the lengths of patterns and values, and values are bounded in turn.
//!
//! Source: AWS Identity and Access Management User Guide, "IAM JSON policy elements reference" and "Policy evaluation
//! logic".

mod check;
mod condition;
mod document;
mod glob;
mod operator;
mod principal;
mod request;
mod statement;
#[cfg(test)]
mod tests;

pub use check::{Refusal, check};
pub use document::{InvalidPolicy, Policy};
pub use request::{Caller, Request};
pub use statement::Verdict;
