//! `headwater delivery list`.

use consumers::deliveries::Delivery;
use serde_json::{Map, Value, json};

use super::Access;
use crate::commands::stream::text;
use crate::failure::{Failure, Outcome};
use crate::output::data_line;

/// Prints a line for each delivery stream.
pub(super) async fn run(access: &Access, is_json: bool) -> Result<Outcome, Failure> {
    let mut table = text::table(&["NAME", "SOURCE", "DESTINATION", "CREATED", "STATUS"]);
    for name in access.deliveries.names().await? {
        let delivery = match access.deliveries.describe(&name).await {
            Ok(delivery) => delivery,
            // Deleted since it was listed.
            Err(error) if error.code() == Some("ResourceNotFoundException") => continue,
            Err(error) => return Err(error.into()),
        };
        if is_json {
            data_line(object(&delivery))?;
        } else {
            table.add_row(row(&delivery));
        }
    }
    if !is_json {
        text::print(&table)?;
    }
    Ok(Outcome::Done)
}

fn row(delivery: &Delivery) -> [String; 5] {
    [
        delivery.name.clone(),
        source(delivery).unwrap_or_else(|| delivery.kind.clone()),
        destination(delivery).map(|(kind, _)| kind.to_owned()).unwrap_or_default(),
        delivery.created.map(text::time).unwrap_or_default(),
        delivery.status.clone(),
    ]
}

/// What the source is called, unless records are put directly.
pub(super) fn source(delivery: &Delivery) -> Option<String> {
    let of = |kind: &str, member: &str| delivery.source.get(kind)?.get(member)?.as_str().map(str::to_owned);
    of("KinesisStreamSourceDescription", "KinesisStreamARN")
        .map(|arn| format!("stream {}", arn.rsplit('/').next().unwrap_or(&arn)))
        .or_else(|| of("MSKSourceDescription", "TopicName").map(|topic| format!("topic {topic}")))
}

/// What kind of destination there is, as `ExtendedS3`, and its description.
pub(super) fn destination(delivery: &Delivery) -> Option<(&str, &Map<String, Value>)> {
    let descriptions = delivery.destinations.first()?.iter();
    let mut kinds: Vec<_> = descriptions
        .filter_map(|(name, value)| Some((name.strip_suffix("DestinationDescription")?, value.as_object()?)))
        .collect();
    // What S3 is told again as is part of the other.
    if kinds.len() > 1 {
        kinds.retain(|(kind, _)| *kind != "S3");
    }
    kinds.into_iter().next()
}

/// A delivery stream as scripts read it.
pub(super) fn object(delivery: &Delivery) -> Value {
    let destination = destination(delivery);
    json!({
        "name": delivery.name,
        "arn": delivery.arn,
        "status": delivery.status,
        "type": delivery.kind,
        "version": delivery.version_id,
        "created": delivery.created.map(text::time),
        "source": delivery.source,
        "destination_type": destination.map(|(kind, _)| kind),
        "destination": destination.map(|(_, description)| description),
    })
}
