//! How an exported record is written.

use std::io::{self, Write};

use consumers::model::Record;
use serde::Serialize;

use crate::commands::stream::text;
use crate::commands::tail::write_line;

/// What is written of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Its data and a line end.
    Lines,
    /// Its data alone.
    Raw,
    /// A JSON object on a line, with everything that is known of it.
    Metadata,
}

/// A record as scripts read it.
#[derive(Serialize)]
struct Object<'a> {
    shard: &'a str,
    sequence_number: &'a str,
    partition_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrived: Option<String>,
    /// In base64.
    data: String,
}

impl Form {
    /// Writes one record.
    pub(super) fn write(self, out: &mut impl Write, shard_id: &str, record: &Record) -> io::Result<()> {
        match self {
            Self::Lines => write_line(out, &record.data),
            Self::Raw => out.write_all(&record.data),
            Self::Metadata => {
                let object = Object {
                    shard: shard_id,
                    sequence_number: &record.sequence_number,
                    partition_key: &record.partition_key,
                    arrived: record.approximate_arrival_timestamp.map(text::time_exact),
                    data: base64_simd::STANDARD.encode_to_string(&record.data),
                };
                serde_json::to_writer(&mut *out, &object)?;
                out.write_all(b"\n")
            }
        }
    }

    /// Whether a record with this data takes more than one line.
    pub(super) fn breaks(self, data: &[u8]) -> bool {
        self == Self::Lines && data.strip_suffix(b"\n").unwrap_or(data).contains(&b'\n')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_end_at_the_end_breaks_nothing() {
        for (data, breaks) in [("", false), ("a", false), ("a\n", false), ("a\nb", true), ("a\n\n", true)] {
            assert_eq!(Form::Lines.breaks(data.as_bytes()), breaks, "{data:?}");
        }
        assert!(!Form::Metadata.breaks(b"a\nb") && !Form::Raw.breaks(b"a\nb"));
    }
}
