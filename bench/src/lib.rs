//! Benchmarks with their floors beside them.
//!
//! `cargo bench -p bench --bench append` measures appends in process: with `page-cache` durability beside a copy and CRC-32C
//! into a mapped file, with `fsync` beside a raw sequential write and fdatasync of the same bytes. Compare the throughputs
//! within one run: the machine may be shared.
