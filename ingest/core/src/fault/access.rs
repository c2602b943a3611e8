//! Faults of access, in the words of every AWS service.
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages".

use super::{Code, Fault};
use crate::policy::{Caller, Refusal, Request};

/// The caller may not do what it asks for.
pub fn denied(request: &Request<'_>, refusal: Refusal) -> Fault {
    let who = match request.caller {
        Caller::Account { arn, .. } => arn,
        Caller::Service(name) => name,
        Caller::Anonymous => "anonymous",
    };
    let Request { action, resource, .. } = request;
    let why = match refusal {
        Refusal::Denied => "with an explicit deny in a resource-based policy".to_owned(),
        Refusal::NotAllowed => format!("because no resource-based policy allows the {action} action"),
    };
    let message = format!("User: {who} is not authorized to perform: {action} on resource: {resource} {why}");
    Fault::new(Code::AccessDenied, message)
}
