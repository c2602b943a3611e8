//! `headwater put`: lines of a file become records of a stream.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use consumers::producer::{Options, Producer};
use consumers::{HttpClient, ProduceError};
use sonic_rs::JsonValueTrait;
use tokio::sync::mpsc;

use crate::cli::PutArgs;
use crate::failure::{Failure, Outcome};
use crate::lines::Lines;
use crate::output::{grouped, note};

/// How many lines are read ahead.
const LINES_AHEAD_MAX: usize = 1024;
/// How long a record waits for others to share a request with, when its source pauses.
const LINGER: Duration = Duration::from_millis(200);
/// The longest partition key, in characters.
///
/// Source: Kinesis Data Streams API Reference, "PutRecordsRequestEntry".
const PARTITION_KEY_CHARS_MAX: usize = 256;

/// Sends the file and says how much was accepted.
pub(crate) async fn run(args: PutArgs) -> Result<Outcome, Failure> {
    let lines = Lines::open(&args.file).map_err(|source| Failure::Input { path: args.file.clone(), source })?;
    let client = super::connect(&args.endpoint, &args.stream).await?;
    let producer = Producer::new(client, &args.stream, Options::default());
    let started = Instant::now();
    let mut put = Put { producer, args, line_number: 0 };
    let result = put.send_all(read_ahead(lines)).await;
    // What was read before a bad line is sent all the same.
    let totals = put.producer.flush().await?;
    result?;
    note(format_args!(
        "{} records ({:.1} MB) accepted in {:.1} s; {} entries were sent again",
        grouped(totals.record_count),
        totals.record_bytes as f64 / 1e6,
        started.elapsed().as_secs_f64(),
        grouped(totals.retried_count),
    ));
    Ok(Outcome::Done)
}

/// Reads lines on a thread of their own, since a pipe may block for as long as it likes.
fn read_ahead(mut lines: Lines) -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (line_in, line_out) = mpsc::channel(LINES_AHEAD_MAX);
    tokio::task::spawn_blocking(move || {
        while let Some(line) = lines.next().transpose() {
            let is_last = line.is_err();
            if line_in.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    line_out
}

struct Put {
    producer: Producer<HttpClient>,
    args: PutArgs,
    line_number: u64,
}

impl Put {
    async fn send_all(&mut self, mut lines: mpsc::Receiver<std::io::Result<Vec<u8>>>) -> Result<(), Failure> {
        loop {
            let line = match tokio::time::timeout(LINGER, lines.recv()).await {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(()),
                Err(_) => {
                    self.producer.dispatch().await?;
                    continue;
                }
            };
            self.line_number += 1;
            let line = line.map_err(|source| self.line_failure(&source))?;
            if !line.is_empty() {
                self.send(&line).await?;
            }
        }
    }

    async fn send(&mut self, line: &[u8]) -> Result<(), Failure> {
        let key = match &self.args.partition_key_field {
            Some(field) => partition_key(line, field).map_err(|reason| self.line_failure(&reason))?,
            None => self.line_number.to_string(),
        };
        match self.producer.put(&key, line).await {
            Err(error @ ProduceError::TooLarge { .. }) => Err(self.line_failure(&error)),
            other => Ok(other?),
        }
    }

    fn line_failure(&self, reason: &impl ToString) -> Failure {
        Failure::Line { path: shown(&self.args.file), line_number: self.line_number, reason: reason.to_string() }
    }
}

fn shown(path: &Path) -> PathBuf {
    if path == Path::new("-") { PathBuf::from("standard input") } else { path.to_owned() }
}

/// The value of a top-level field: a string as it is, a number or a boolean as it is written.
fn partition_key(line: &[u8], field: &str) -> Result<String, String> {
    let value = sonic_rs::get(line, [field]).map_err(|error| format!("there is no field `{field}`: {error}"))?;
    let key = match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.is_number() || value.is_boolean() => value.as_raw_str().to_owned(),
        None => return Err(format!("the field `{field}` is neither a string nor a number nor a boolean")),
    };
    match key.chars().count() {
        1..=PARTITION_KEY_CHARS_MAX => Ok(key),
        count => Err(format!(
            "the field `{field}` has {count} characters, and a partition key has 1 to {PARTITION_KEY_CHARS_MAX}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_key_is_a_scalar_as_it_is_written() {
        let line = br#"{"user":"u\u00fc","n":1.50,"flag":true,"nothing":null,"list":[],"empty":""}"#;
        for (field, key) in [("user", "uü"), ("n", "1.50"), ("flag", "true")] {
            assert_eq!(partition_key(line, field).as_deref(), Ok(key));
        }
        for field in ["nothing", "list", "empty", "absent"] {
            assert!(partition_key(line, field).unwrap_err().contains(field));
        }
        assert!(partition_key(b"[1]", "user").is_err());
        let long = format!(r#"{{"user":"{}"}}"#, "x".repeat(257));
        assert!(partition_key(long.as_bytes(), "user").unwrap_err().contains("257"));
    }
}
