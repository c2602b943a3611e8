//! A destination that is a Redshift cluster, or a PostgreSQL server.
//!
//! Source: Firehose API Reference, "RedshiftDestinationConfiguration".

use firehose::definition::{Destination, Endpoint, ObjectCompression, RedshiftEndpoint};
use ingest_core::{Fault, Pattern};

use super::form::Form;
use super::s3::plan_backup;
use super::{
    DISABLED, ENABLED, Shape, buffering, invalid, location, partitioning, processing, refuse_logging, refuse_secrets,
};
use crate::limits::{ARN_CHARS_MAX, COPY_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::model::destination::{RedshiftConfiguration, Switch};
use crate::validate::ROLE_ARN;

/// Source: Firehose API Reference, "RedshiftRetryOptions".
const RETRY_SECONDS_DEFAULT: i64 = 3600;

/// Where a database is. AWS takes hosts of its own alone.
const JDBC_URL: Pattern = Pattern {
    text: r"jdbc:(redshift|postgresql)://[A-Za-z0-9.-]+:\d{1,5}/[a-zA-Z0-9_$-]+",
    matches: |text| Database::parse(text).is_some(),
};

struct Database<'a> {
    host: &'a str,
    port: u16,
    name: &'a str,
}

impl<'a> Database<'a> {
    fn parse(url: &'a str) -> Option<Self> {
        let rest = url.strip_prefix("jdbc:redshift://").or_else(|| url.strip_prefix("jdbc:postgresql://"))?;
        let (address, name) = rest.split_once('/')?;
        let (host, port) = address.split_once(':')?;
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_$-".contains(&byte);
        let is_valid = !host.is_empty() && host.bytes().all(is_host) && !name.is_empty() && name.bytes().all(is_name);
        let port = port.parse().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()))?;
        is_valid.then_some(Self { host, port, name })
    }
}

impl Shape for RedshiftConfiguration {
    fn validate(&self, mut form: Form<'_>) {
        form.required("roleARN", self.role_arn.as_deref()).pattern(ROLE_ARN).length(1, ARN_CHARS_MAX);
        let url = form.required("clusterJDBCURL", self.cluster_jdbc_url.as_deref());
        url.pattern(JDBC_URL).length(1, ARN_CHARS_MAX);
        match &self.copy_command {
            Some(copy) => {
                let mut form = form.whole("copyCommand");
                form.required("dataTableName", copy.data_table_name.as_deref()).length(1, ARN_CHARS_MAX);
                form.text("dataTableColumns", copy.data_table_columns.as_deref()).length(0, COPY_CHARS_MAX);
                form.text("copyOptions", copy.copy_options.as_deref()).length(0, COPY_CHARS_MAX);
            }
            None => form.missing("copyCommand"),
        }
        form.text("username", self.username.as_deref()).length(1, ARN_CHARS_MAX);
        form.secret("password", self.password.as_ref()).length(PASSWORD_CHARS_MIN, ARN_CHARS_MAX);
        buffering::validate_retry(&mut form, self.retry_options.as_ref());
        location::validate_member(&mut form, "s3Configuration", self.s3_configuration.as_ref());
        processing::validate(&mut form, self.processing_configuration.as_ref());
        form.text("s3BackupMode", self.s3_backup_mode.as_deref()).one_of(&[DISABLED, ENABLED]);
        if let Some(backup) = &self.s3_backup_configuration {
            location::validate(&mut form.inner("s3BackupConfiguration"), backup);
        }
    }

    fn fill(&mut self) -> Result<(), Fault> {
        processing::fill(&mut self.processing_configuration);
        buffering::fill_retry(&mut self.retry_options, RETRY_SECONDS_DEFAULT);
        self.s3_backup_mode.get_or_insert_with(|| DISABLED.to_owned());
        self.cloud_watch_logging_options.get_or_insert(Switch { enabled: Some(false) });
        location::fill_plain("S3BackupConfiguration", self.s3_backup_configuration.as_mut())?;
        location::fill_plain("S3Configuration", self.s3_configuration.as_mut())
    }

    fn plan(&self) -> Result<Destination, Fault> {
        refuse_logging(self.cloud_watch_logging_options.as_ref())?;
        refuse_secrets(self.secrets_manager_configuration.as_ref())?;
        let mut destination = location::plan_member(self.s3_configuration.as_ref())?;
        if !matches!(destination.compression, ObjectCompression::Uncompressed | ObjectCompression::Gzip) {
            return Err(invalid(
                "Only the following compression formats are allowed when using Redshift: [UNCOMPRESSED, GZIP]",
            ));
        }
        let url = self.cluster_jdbc_url.as_deref().unwrap_or_default();
        let database = Database::parse(url).ok_or_else(|| invalid("ClusterJDBCURL must be given."))?;
        let required = |name: &str| invalid(format!("Redshift Database {name} is required for Redshift Destination"));
        let copy = self.copy_command.clone().unwrap_or_default();
        let cluster = RedshiftEndpoint {
            host: database.host.to_owned(),
            port: database.port,
            database: database.name.to_owned(),
            user: self.username.clone().ok_or_else(|| required("Username"))?,
            password: self.password.clone().ok_or_else(|| required("Password"))?,
            table: copy.data_table_name.unwrap_or_default(),
            columns: copy.data_table_columns.unwrap_or_default(),
            copy_options: copy.copy_options.unwrap_or_default(),
            role_arn: self.role_arn.clone().unwrap_or_default(),
            retry_seconds: buffering::retry_seconds(self.retry_options.as_ref()),
        };
        destination.endpoint = Some(Endpoint::Redshift(cluster));
        destination.backup = plan_backup(self.s3_backup_mode.as_deref(), self.s3_backup_configuration.as_ref())?;
        let processing = self.processing_configuration.as_ref();
        destination.processors = processing::plan(processing, processing::INVOCATION_BYTES_DEFAULT)?;
        partitioning::check(&destination)?;
        Ok(destination)
    }
}
