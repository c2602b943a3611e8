//! What keeps the program from starting: one clear sentence, and nothing changed.

use std::fs;

use crate::support::parquet_files::files_below;
use crate::support::server::{Home, LOOPBACK};

/// The one line on stderr that tells why, after those of the log.
fn complaint(stderr: &str) -> &str {
    stderr.lines().last().unwrap_or_default()
}

#[tokio::test]
async fn data_directory_of_a_running_server_is_refused() {
    let home = Home::new("");
    let server = home.start().await;
    let (status, stderr) = home.run(&LOOPBACK).await;
    assert!(!status.success());
    let directory = home.data_dir().display().to_string();
    assert!(complaint(&stderr).contains(&directory) && complaint(&stderr).contains("another process"), "{stderr}");
    server.stop().await;
    home.start().await.stop().await;
}

#[tokio::test]
async fn directory_of_something_else_is_refused_and_left_alone() {
    let home = Home::new("");
    fs::create_dir(home.data_dir()).unwrap();
    fs::write(home.data_dir().join("thesis.txt"), "do not touch").unwrap();
    let (status, stderr) = home.run(&LOOPBACK).await;
    assert!(!status.success());
    assert!(complaint(&stderr).contains(&home.data_dir().display().to_string()), "{stderr}");
    assert_eq!(files_below(&home.data_dir()), [home.data_dir().join("thesis.txt")]);
}

#[tokio::test]
async fn file_in_place_of_the_data_directory_is_refused() {
    let home = Home::new("");
    fs::write(home.data_dir(), "").unwrap();
    let (status, stderr) = home.run(&LOOPBACK).await;
    assert!(!status.success());
    assert!(complaint(&stderr).contains(&home.data_dir().display().to_string()), "{stderr}");
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_told_at_once() {
    let home = Home::new("[server]\nspeed = 'high'\n[kinesis]\nenforce = 7\n");
    let (status, stderr) = home.run(&LOOPBACK).await;
    assert_eq!(status.code(), Some(2));
    assert!(stderr.contains("server.speed") && stderr.contains("kinesis.enforce"), "{stderr}");
    assert!(!home.data_dir().exists(), "nothing was made");
}

#[tokio::test]
async fn address_in_use_is_refused() {
    let home = Home::new("");
    let server = home.start().await;
    let (status, stderr) = Home::new("").run(&["--listen", server.authority()]).await;
    assert!(!status.success());
    assert!(complaint(&stderr).contains(server.authority()), "{stderr}");
}
