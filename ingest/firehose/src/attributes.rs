//! [`Attributes`]: what is kept with a delivery stream for its description.

use firehose::definition::Definition;
use ingest_core::Fault;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::MskSourceConfiguration;
use crate::ops::destination::{Configuration, Kind};

/// The request, as it was understood, and what updates have changed since.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attributes {
    #[serde(default)]
    pub(crate) source_role_arn: Option<String>,
    #[serde(default)]
    pub(crate) source_arn: Option<String>,
    /// The configuration of a topic as the source, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) msk_source: Option<MskSourceConfiguration>,
    #[serde(default)]
    kind: Kind,
    /// The configuration of the destination, as it was given. Before there were updates it was kept with its defaults.
    destination: Value,
}

impl Attributes {
    /// Those of a new delivery stream.
    ///
    /// # Errors
    /// `InternalFailure`, which no configuration brings about.
    pub(crate) fn new(
        source_arn: Option<String>,
        source_role_arn: Option<String>,
        configuration: &Configuration,
    ) -> Result<Self, Fault> {
        let (kind, destination) = (configuration.kind(), configuration.to_value()?);
        Ok(Self { source_role_arn, source_arn, msk_source: None, kind, destination })
    }

    /// Those of a delivery stream.
    ///
    /// # Errors
    /// `InternalFailure` if they are not to be read.
    pub(crate) fn of(definition: &Definition) -> Result<Self, Fault> {
        Self::deserialize(&definition.attributes).map_err(Fault::internal)
    }

    /// With another configuration.
    ///
    /// # Errors
    /// `InternalFailure`, which no configuration brings about.
    pub(crate) fn updated(self, configuration: &Configuration) -> Result<Self, Fault> {
        let (kind, destination) = (configuration.kind(), configuration.to_value()?);
        Ok(Self { kind, destination, ..self })
    }

    /// The configuration of the destination.
    ///
    /// # Errors
    /// `InternalFailure` if it is not to be read.
    pub(crate) fn configuration(&self) -> Result<Configuration, Fault> {
        Configuration::read(self.kind, self.destination.clone())
    }

    /// As they are stored.
    ///
    /// # Errors
    /// `InternalFailure`, which no attributes bring about.
    pub(crate) fn to_value(&self) -> Result<Value, Fault> {
        serde_json::to_value(self).map_err(Fault::internal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_kept_before_there_were_other_destinations_is_read() {
        let kept = json!({"source_role_arn": null, "source_arn": null, "destination": {
            "RoleARN": "arn:aws:iam::000000000000:role/r", "BucketARN": "arn:aws:s3:::lake", "Prefix": "in/",
            "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300}, "CompressionFormat": "GZIP",
            "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
            "CloudWatchLoggingOptions": {"Enabled": false}, "ProcessingConfiguration": {"Enabled": false},
            "S3BackupMode": "Disabled"}});
        let attributes: Attributes = serde_json::from_value(kept.clone()).unwrap();
        let described = attributes.configuration().unwrap().describe().unwrap();
        assert_eq!(described["ExtendedS3DestinationDescription"], kept["destination"]);
    }
}
