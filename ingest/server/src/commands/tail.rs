//! `headwater tail` and `headwater stream tail`: the records of a stream on stdout.

use std::io::{self, Write};
use std::str::FromStr;

use chrono::DateTime;
use consumers::Reader;
use consumers::reader::{Batch, Options, Start};
use ingest_wire::Timestamp;

use crate::cli::TailOptions;
use crate::failure::{Failure, Outcome};
use crate::signals::Signals;

/// Where to begin, as typed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct From(pub(crate) Start);

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "trim-horizon" => Ok(Self(Start::TrimHorizon)),
            "latest" => Ok(Self(Start::Latest)),
            time => match DateTime::parse_from_rfc3339(time) {
                Ok(time) => Ok(Self(Start::AtTimestamp(Timestamp::from_unix_millis(time.timestamp_millis())))),
                Err(_) => Err("neither `trim-horizon` nor `latest` nor a time in RFC 3339".to_owned()),
            },
        }
    }
}

/// Prints until the end, a signal, or a closed pipe.
pub(crate) async fn run(endpoint: &str, stream: &str, tail: &TailOptions) -> Result<Outcome, Failure> {
    let mut signals = Signals::listen()?;
    let client = super::connect(endpoint, stream).await?;
    let options = Options { start: tail.from.0, is_finite: tail.no_follow, ..Options::default() };
    let mut reader = Reader::open(client, stream, options).await?;
    loop {
        let batch = tokio::select! {
            batch = reader.next() => batch?,
            _ = signals.next() => return Ok(Outcome::Done),
        };
        match batch {
            Some(batch) => print(&batch).map_err(Failure::Output)?,
            None => return Ok(Outcome::Done),
        }
    }
}

/// Writes the records of a batch and flushes them together.
fn print(batch: &Batch) -> io::Result<()> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    for record in &batch.records {
        write_line(&mut stdout, &record.data)?;
    }
    stdout.flush()
}

/// Writes a record and a line end, unless it has one.
pub(crate) fn write_line(out: &mut impl Write, data: &[u8]) -> io::Result<()> {
    out.write_all(data)?;
    if data.last() == Some(&b'\n') { Ok(()) } else { out.write_all(b"\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_typed() {
        assert_eq!("trim-horizon".parse(), Ok(From(Start::TrimHorizon)));
        assert_eq!("latest".parse(), Ok(From(Start::Latest)));
        let time = Start::AtTimestamp(Timestamp::from_unix_millis(1_431_857_100_500));
        assert_eq!("2015-05-17T12:05:00.5+02:00".parse(), Ok(From(time)));
        assert!("yesterday".parse::<From>().is_err());
    }
}
