//! Fuzz targets for everything that reads bytes from outside, and for the store against a model.
//!
//! One program holds all of them, since linking is what takes time. The environment says what to do:
//! - `FUZZ_TARGET=NAME` runs a target under libFuzzer, whose options stand on the command line;
//! - without it, the names are listed, and with `FUZZ_SEEDS=DIR` the inputs to begin with are written to `DIR/NAME/`.
//!
//! A target panics if something does not hold; libFuzzer sees panics, hangs, and memory beyond its limits by itself.

#![no_main]

#[path = "../../../shard-store/tests/common/mod.rs"]
mod common;
mod server;
mod targets;

use std::path::Path;
use std::sync::OnceLock;

use targets::{TARGETS, Target};

static TARGET: OnceLock<&Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: choose(), |input: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(input);
    }
});

fn choose() {
    let Ok(name) = std::env::var("FUZZ_TARGET") else {
        list();
        std::process::exit(0);
    };
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        eprintln!("there is no target {name}");
        std::process::exit(1);
    };
    TARGET.get_or_init(|| target);
}

fn list() {
    let seeds = std::env::var("FUZZ_SEEDS").ok();
    for target in TARGETS {
        println!("{}", target.name);
        if let Some(seeds) = &seeds {
            write_seeds(&Path::new(seeds).join(target.name), &(target.seeds)()).expect("the seeds can be written");
        }
    }
}

fn write_seeds(dir: &Path, seeds: &[Vec<u8>]) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(dir.join(format!("seed-{number:03}")), seed)?;
    }
    Ok(())
}
