//! The program as a child process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::in_time;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_ingest-e2e");

/// What the program prints when it accepts requests.
const READY: &str = "headwater ready on ";

/// The arguments that have it listen on a loopback port of the system's choice.
pub(crate) const LOOPBACK: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// A directory for one test: configuration, data, logs. Removed with its last owner, unless the test fails.
pub(crate) struct Home {
    dir: TempDir,
    config: String,
}

impl Home {
    /// A fresh directory, and the text of the configuration file of the servers started in it.
    pub(crate) fn new(config: &str) -> Arc<Self> {
        let dir = TempDir::with_prefix("headwater-e2e-").unwrap();
        Arc::new(Self { dir, config: config.to_owned() })
    }

    /// The server's data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// What a bucket holds.
    pub(crate) fn bucket(&self, name: &str) -> PathBuf {
        self.data_dir().join("objects").join(name)
    }

    /// What the servers wrote to stderr.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("stderr.log")
    }

    /// The command `headwater serve` with these further arguments.
    fn serve(&self, arguments: &[&str]) -> Command {
        let config = self.dir.path().join("headwater.toml");
        fs::write(&config, &self.config).unwrap();
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new(PROGRAM);
        command
            .arg("serve")
            .args([Path::new("--config"), &config, Path::new("--data-dir"), &self.data_dir()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        command
    }

    /// Starts the program with these arguments, without waiting for it to be ready.
    pub(crate) fn spawn(self: &Arc<Self>, arguments: &[&str]) -> Starting {
        let mut child = self.serve(arguments).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Starting { home: Arc::clone(self), child, stdout }
    }

    /// Starts the program on a loopback port of the system's choice, and waits until it accepts requests.
    pub(crate) async fn start(self: &Arc<Self>) -> Server {
        self.spawn(&LOOPBACK).ready().await
    }

    /// Runs the server with these arguments to its end: how it ended, and what it wrote to stderr.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (ExitStatus, String) {
        let mut command = self.serve(arguments);
        let output = in_time("the end of the program", command.stderr(Stdio::piped()).output()).await.unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }
}

impl Home {
    /// Runs `headwater verify` on the data of a stopped server: how it ended, and the damage that it tells of.
    pub(crate) async fn verify(&self) -> (ExitStatus, String) {
        let mut command = Command::new(PROGRAM);
        let output = in_time("the end of verify", command.arg("verify").arg(self.data_dir()).output()).await.unwrap();
        (output.status, String::from_utf8(output.stdout).unwrap())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            let log = self.log();
            let tail = log.len().saturating_sub(16 * 1024);
            let tail = log.char_indices().map(|(index, _)| index).find(|&index| index >= tail).unwrap_or_default();
            eprintln!("kept {}; the end of the server's log:\n{}", self.dir.path().display(), &log[tail..]);
        }
    }
}

/// A program that does not accept requests yet.
pub(crate) struct Starting {
    home: Arc<Home>,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Starting {
    /// Waits until it does.
    pub(crate) async fn ready(mut self) -> Server {
        let line = in_time("the ready line", self.stdout.next_line()).await.unwrap();
        let Some(url) = line.as_deref().and_then(|line| line.strip_prefix(READY)) else {
            panic!("not ready, but {line:?}; its log:\n{}", self.home.log());
        };
        Server { url: url.to_owned(), home: self.home, child: self.child }
    }

    /// Kills it with SIGKILL wherever it is.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A program that accepts requests. Killed when it is dropped.
pub(crate) struct Server {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    pub(crate) home: Arc<Home>,
    child: Child,
}

impl Server {
    /// A server with this configuration, in a directory of its own.
    pub(crate) async fn new(config: &str) -> Self {
        Home::new(config).start().await
    }

    /// Kills it with SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it with SIGTERM to finish and flush, and waits until it has. It must not have logged an error.
    pub(crate) async fn stop(self) {
        let home = Arc::clone(&self.home);
        self.end().await;
        let log = home.log();
        assert!(!log.contains(" ERROR "), "its log:\n{log}");
    }

    /// The same for a server that had reason to log errors.
    pub(crate) async fn end(mut self) {
        let id = self.child.id().unwrap().to_string();
        let is_sent = Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success();
        assert!(is_sent, "SIGTERM could not be sent");
        let status = in_time("the end of the server", self.child.wait()).await.unwrap();
        assert!(status.success(), "{status}; its log:\n{}", self.home.log());
    }

    /// Stops it as [`Server::stop`] does and starts it again on the same data.
    pub(crate) async fn restart(self) -> Self {
        let home = Arc::clone(&self.home);
        self.stop().await;
        home.start().await
    }

    /// The host and port it listens on.
    pub(crate) fn authority(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }
}
