//! Every configuration in `configs/` starts, and the one of the defaults says what the program does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses its part of the common module")]

mod common;

use std::fs;
use std::path::Path;

use common::{Server, configs, run, stdout};
use ingest_server::config::{Flags, Layers, RawConfig};
use toml::Table;

fn load(name: &str) -> RawConfig {
    Layers::load(Some(&configs().join(name)), [], &Flags::default()).unwrap().validate().unwrap().into_inner()
}

fn starts(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = configs().join(name);
    let server = Server::start(dir.path(), &["--config", path.to_str().unwrap()]);
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
    server.stop();
}

#[test]
fn default_starts() {
    starts("default.toml");
}

#[test]
fn dev_starts() {
    starts("dev.toml");
}

#[test]
fn kafka_starts() {
    starts("kafka.toml");
}

#[test]
fn s3_starts() {
    starts("s3.toml");
}

#[test]
fn no_configuration_is_left_out_of_these_tests() {
    let mut names: Vec<String> =
        fs::read_dir(configs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".toml"));
    names.sort();
    assert_eq!(names, ["default.toml", "dev.toml", "kafka.toml", "s3.toml"]);
}

#[test]
fn default_is_what_the_program_does_without_a_file() {
    assert_eq!(load("default.toml"), RawConfig::default());
}

#[test]
fn default_names_every_key() {
    let written: Table = fs::read_to_string(configs().join("default.toml")).unwrap().parse().unwrap();
    let defaults = Table::try_from(RawConfig::default()).unwrap();
    let mut missing = Vec::new();
    collect_missing(&defaults, &written, "", &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

/// Lists of what there is none of are examples in comments.
fn collect_missing(defaults: &Table, written: &Table, parent: &str, missing: &mut Vec<String>) {
    for (key, value) in defaults {
        match (value, written.get(key)) {
            (toml::Value::Table(inner), Some(toml::Value::Table(written))) => {
                collect_missing(inner, written, &format!("{parent}{key}."), missing);
            }
            (toml::Value::Table(inner), None) if inner.is_empty() => {}
            (toml::Value::Array(list), None) if list.is_empty() => {}
            (_, None) => missing.push(format!("{parent}{key}")),
            (_, Some(_)) => {}
        }
    }
}

#[test]
fn printed_configuration_can_be_used_as_a_file() {
    let output = run(&["serve", "--config", configs().join("dev.toml").to_str().unwrap(), "--print-config"]);
    assert_eq!(output.status.code(), Some(0));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("printed.toml");
    fs::write(&path, stdout(&output)).unwrap();
    let printed = Layers::load(Some(Path::new(&path)), [], &Flags::default()).unwrap().validate().unwrap();
    assert_eq!(printed.into_inner(), load("dev.toml"));
}
