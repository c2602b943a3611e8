//! `headwater delivery`: delivery streams of Headwater or of AWS, for people and scripts.

mod describe;
mod list;

use consumers::deliveries::ReplayFrom;
use consumers::{CallError, Deliveries, Endpoint, HttpClient};

use super::ask;
use crate::cli::{DeliveryAction, DeliveryArgs};
use crate::failure::{Failure, Outcome};
use crate::output::{data_line, note};

/// Does what is asked.
pub(crate) async fn run(args: DeliveryArgs) -> Result<Outcome, Failure> {
    let client = HttpClient::new(Endpoint::from_environment(&args.endpoint)?)?;
    let access = Access { deliveries: Deliveries::new(client), endpoint: args.endpoint };
    match args.action {
        DeliveryAction::List { json } => list::run(&access, json).await,
        DeliveryAction::Describe { name, json } => describe::run(&access, &name, json).await,
        DeliveryAction::Delete { name, yes } => delete(&access, &name, yes).await,
        DeliveryAction::Replay { name, from } => replay(&access, &name, &from.0).await,
    }
}

/// The delivery streams of an endpoint, with failures told for people.
struct Access {
    deliveries: Deliveries,
    endpoint: String,
}

impl Access {
    /// The failure of a call about the delivery stream `name`.
    fn failure(&self, name: &str) -> impl Fn(CallError) -> Failure {
        move |error| match error.code() {
            Some("ResourceNotFoundException") => {
                Failure::NoDelivery { name: name.to_owned(), endpoint: self.endpoint.clone() }
            }
            _ => error.into(),
        }
    }
}

/// Deletes the delivery stream, unless the person changes their mind, and waits until it is gone.
async fn delete(access: &Access, name: &str, is_sure: bool) -> Result<Outcome, Failure> {
    ask::check(is_sure)?;
    let failure = access.failure(name);
    access.deliveries.describe(name).await.map_err(&failure)?;
    if !is_sure && !ask::confirm(format!("delete {name} with all that it has not delivered?")).await? {
        note("nothing was deleted");
        return Ok(Outcome::Negative);
    }
    match access.deliveries.delete(name).await.map_err(&failure)? {
        None => Ok(Outcome::Done),
        Some(delivery) => Err(Failure::UnsettledDelivery { name: name.to_owned(), status: delivery.status }),
    }
}

/// Prints how many records are delivered again.
async fn replay(access: &Access, name: &str, from: &ReplayFrom) -> Result<Outcome, Failure> {
    let record_count = access.deliveries.replay(name, from).await.map_err(access.failure(name))?;
    data_line(record_count)?;
    Ok(Outcome::Done)
}
