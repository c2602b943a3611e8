//! The table of targets.

mod client;
mod columns;
mod damage;
mod doors;
mod names;
mod put_records;
mod records;
mod sigv4;
mod store;
mod values;
mod wire;

/// One thing to fuzz.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Takes one input and panics if something does not hold.
    pub(crate) run: fn(&[u8]),
    /// Inputs to begin with.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "format", run: shard_store::fuzzing::format, seeds: shard_store::fuzzing::format_seeds },
    Target { name: "stored", run: shard_store::fuzzing::stored, seeds: shard_store::fuzzing::stored_seeds },
    Target { name: "damage", run: damage::run, seeds: damage::seeds },
    Target { name: "store", run: store::run, seeds: store::seeds },
    Target { name: "json", run: wire::json, seeds: wire::json_seeds },
    Target { name: "cbor", run: wire::cbor, seeds: wire::cbor_seeds },
    Target { name: "values", run: values::run, seeds: values::seeds },
    Target { name: "sigv4", run: sigv4::run, seeds: sigv4::seeds },
    Target { name: "kinesis", run: doors::kinesis, seeds: doors::kinesis_seeds },
    Target { name: "firehose", run: doors::firehose, seeds: doors::firehose_seeds },
    Target { name: "glue", run: doors::glue, seeds: doors::glue_seeds },
    Target { name: "put-records", run: put_records::run, seeds: put_records::seeds },
    Target { name: "columns", run: columns::run, seeds: columns::seeds },
    Target { name: "records", run: records::run, seeds: records::seeds },
    Target { name: "names", run: names::run, seeds: names::seeds },
    Target { name: "client", run: client::run, seeds: client::seeds },
];

/// An input: the byte that chooses, then a text.
pub(crate) fn seed(kind: u8, text: &str) -> Vec<u8> {
    [&[kind], text.as_bytes()].concat()
}
