//! `headwater delivery describe`.

use consumers::deliveries::Delivery;
use serde_json::{Map, Value};

use super::{Access, list};
use crate::commands::stream::text;
use crate::failure::{Failure, Outcome};
use crate::output::data_line;

/// Prints the delivery stream, and tables of what its source and its destination are told to be.
pub(super) async fn run(access: &Access, name: &str, is_json: bool) -> Result<Outcome, Failure> {
    let delivery = access.deliveries.describe(name).await.map_err(access.failure(name))?;
    if is_json {
        data_line(list::object(&delivery))?;
        return Ok(Outcome::Done);
    }
    for (name, value) in facts(&delivery) {
        data_line(format_args!("{name:<13}{value}"))?;
    }
    let source = delivery.source.values().find_map(Value::as_object);
    for (title, members) in [("SOURCE", source), ("DESTINATION", list::destination(&delivery).map(|(_, found)| found))]
    {
        let Some(members) = members else { continue };
        let mut rows = Vec::new();
        collect("", members, &mut rows);
        let mut table = text::table(&[title, "VALUE"]);
        for row in rows {
            table.add_row(row);
        }
        data_line("")?;
        text::print(&table)?;
    }
    Ok(Outcome::Done)
}

fn facts(delivery: &Delivery) -> Vec<(&'static str, String)> {
    vec![
        ("name", delivery.name.clone()),
        ("ARN", delivery.arn.clone()),
        ("status", delivery.status.clone()),
        ("type", delivery.kind.clone()),
        ("source", list::source(delivery).unwrap_or_else(|| "direct puts".to_owned())),
        ("destination", list::destination(delivery).map(|(kind, _)| kind.to_owned()).unwrap_or_default()),
        ("version", delivery.version_id.clone()),
        ("created", delivery.created.map(text::time).unwrap_or_default()),
    ]
}

/// The members, those of members with a dot between their names.
fn collect(parent: &str, members: &Map<String, Value>, rows: &mut Vec<[String; 2]>) {
    for (name, value) in members {
        let path = format!("{parent}{name}");
        match value {
            Value::Object(inner) => collect(&format!("{path}."), inner, rows),
            Value::String(text) => rows.push([path, text.clone()]),
            other => rows.push([path, other.to_string()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_named_by_their_paths() {
        let members = json!({"BucketARN": "arn:aws:s3:::lake", "BufferingHints": {"SizeInMBs": 5}, "Tags": ["a"]});
        let mut rows = Vec::new();
        collect("", members.as_object().unwrap(), &mut rows);
        let rows: Vec<[&str; 2]> = rows.iter().map(|row| [row[0].as_str(), row[1].as_str()]).collect();
        assert_eq!(rows, [["BucketARN", "arn:aws:s3:::lake"], ["BufferingHints.SizeInMBs", "5"], ["Tags", "[\"a\"]"]]);
    }
}
