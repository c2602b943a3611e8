//! The ranges of the values, and what they mean for each other.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use bytesize::ByteSize;
use firehose::sink::ObjectSinks;
use ingest_core::Auth;

use super::RawConfig;
use super::problem::{Origin, Problem};
use crate::logging;

/// The smallest segment and journal file: one batch, a full PutRecords request of 10 MiB with its frame, must fit.
const BATCH_SIZE_MIN: ByteSize = ByteSize::mib(16);

/// Every value that is out of its range.
pub(super) fn check(raw: &RawConfig, origin: &dyn Fn(&str) -> Origin) -> Vec<Problem> {
    let mut check = Check { origin, problems: Vec::new() };
    check_server(raw, &mut check);
    check_store(raw, &mut check);
    check_kinesis(raw, &mut check);
    check_firehose(raw, &mut check);
    if raw.data_dir.as_os_str().is_empty() {
        check.refuse("data-dir", "\"\"", "name a directory");
    }
    if let Err(reason) = logging::check_filter(&raw.log.filter) {
        check.refuse("log.filter", &raw.log.filter, &reason);
    }
    if let Err(error) = Auth::new(&raw.credentials) {
        check.refuse("credentials", "[…]", &error.to_string());
    }
    check.problems
}

fn check_server(raw: &RawConfig, check: &mut Check<'_>) {
    let server = &raw.server;
    check.size("server.body-size", server.body_size, ByteSize::kib(64)..=ByteSize::gib(1));
    check.size("server.body-memory", server.body_memory, server.body_size..=ByteSize::tib(1));
    check.number("server.connections", server.connections, 1..=1_000_000);
    let timeouts = [
        ("server.body-timeout", server.body_timeout),
        ("server.idle-timeout", server.idle_timeout),
        ("server.drain-timeout", server.drain_timeout),
    ];
    for (key, timeout) in timeouts {
        check.duration(key, timeout, Duration::from_millis(100)..=Duration::from_secs(3600));
    }
}

fn check_store(raw: &RawConfig, check: &mut Check<'_>) {
    let store = &raw.store;
    check.duration("store.sync-interval", store.sync_interval, Duration::from_millis(1)..=Duration::from_secs(60));
    check.size("store.segment-size", store.segment_size, BATCH_SIZE_MIN..=ByteSize::gib(4));
    check.size("store.journal-file-size", store.journal_file_size, BATCH_SIZE_MIN..=ByteSize::gib(4));
    check.size("store.spare-size", store.spare_size, ByteSize::b(0)..=ByteSize::tib(1));
    check.number("store.compact-level", store.compact_level, 1..=19);
}

fn check_kinesis(raw: &RawConfig, check: &mut Check<'_>) {
    let kinesis = &raw.kinesis;
    check.number("kinesis.shards-max", kinesis.shards_max, 1..=1_000_000);
    let sweep = Duration::from_secs(1)..=Duration::from_secs(86_400);
    check.duration("kinesis.retention-sweep-interval", kinesis.retention_sweep_interval, sweep);
    let scaling = Duration::from_millis(100)..=Duration::from_secs(900);
    check.duration("kinesis.scaling-interval", kinesis.scaling_interval, scaling);
}

fn check_firehose(raw: &RawConfig, check: &mut Check<'_>) {
    for reason in raw.firehose.problems() {
        check.refuse("firehose", "{…}", &reason);
    }
    for reason in raw.kafka.problems() {
        check.refuse("kafka", "{…}", &reason);
    }
    let timeout = Duration::from_millis(100)..=Duration::from_secs(3600);
    check.duration("object-store.request-timeout", raw.object_store.request_timeout, timeout);
    // Without a URL the directory decides nothing here.
    if let Err(error) = ObjectSinks::new(&raw.object_store, Path::new("")) {
        check.refuse("object-store", "{…}", &error.to_string());
    }
}

/// Collects problems.
struct Check<'a> {
    origin: &'a dyn Fn(&str) -> Origin,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn refuse(&mut self, key: &str, value: impl Display, reason: &str) {
        let origin = (self.origin)(key);
        self.problems.push(Problem {
            key: key.to_owned(),
            value: value.to_string(),
            origin,
            reason: reason.to_owned(),
        });
    }

    fn number<N: PartialOrd + Display>(&mut self, key: &str, value: N, allowed: RangeInclusive<N>) {
        if !allowed.contains(&value) {
            let reason = format!("must be from {} to {}", allowed.start(), allowed.end());
            self.refuse(key, value, &reason);
        }
    }

    fn size(&mut self, key: &str, value: ByteSize, allowed: RangeInclusive<ByteSize>) {
        if !allowed.contains(&value) {
            let reason = format!("must be from {} to {}", allowed.start(), allowed.end());
            self.refuse(key, format_args!("\"{value}\""), &reason);
        }
    }

    fn duration(&mut self, key: &str, value: Duration, allowed: RangeInclusive<Duration>) {
        if !allowed.contains(&value) {
            let [least, most] =
                [allowed.start(), allowed.end()].map(|limit| humantime_serde::re::humantime::format_duration(*limit));
            let reason = format!("must be from {least} to {most}");
            let value = humantime_serde::re::humantime::format_duration(value);
            self.refuse(key, format_args!("\"{value}\""), &reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::layers::from_text;

    #[test]
    fn values_out_of_range_are_reported_with_the_range() {
        let text = "[server]\nbody-size = '2 GiB'\nconnections = 0\n[store]\nsegment-size = '1 MiB'\nsync-interval = '2 min'\n";
        let error = from_text(text).unwrap_err().to_string();
        for part in [
            "server.body-size = \"2.0 GiB\" (file test.toml): must be from 64.0 KiB to 1.0 GiB",
            "server.connections = 0 (file test.toml): must be from 1 to 1000000",
            "store.segment-size = \"1.0 MiB\" (file test.toml): must be from 16.0 MiB to 4.0 GiB",
            "store.sync-interval = \"2m\" (file test.toml): must be from 1ms to 1m",
        ] {
            assert!(error.contains(part), "{part} is not in:\n{error}");
        }
    }

    #[test]
    fn credentials_that_cannot_be_used_are_reported() {
        let error = from_text("[[credentials]]\naccess-key-id = 'a'\nsecret-access-key = ''\n").unwrap_err();
        assert!(error.to_string().contains("credentials"), "{error}");
    }
}
