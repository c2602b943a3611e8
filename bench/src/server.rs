//! [`Server`]: the real program as a child process.
//!
//! Cargo tells a benchmark only where its own program is, so that program is the server too, if it is called as one: a
//! `main` begins with [`run_if_asked`].

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use consumers::{Credentials, Endpoint, HttpClient, Service};
use serde_json::Value;

/// What the program prints when it accepts requests.
const READY: &str = "headwater ready on ";

/// Runs the server if this process was started as one, and returns how it ended.
pub fn run_if_asked() -> Option<ExitCode> {
    (std::env::args().nth(1).as_deref() == Some("serve")).then(ingest_server::main)
}

/// A server that accepts requests. Killed when it is dropped.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// From the start of the process until it accepted requests.
    pub startup: Duration,
}

/// The memory that a process has in use, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What is its own.
    pub anonymous: u64,
    /// Pages of mapped files, which the kernel takes back when it needs them.
    pub file: u64,
}

impl Server {
    /// Starts the server on `data_dir` without shard limits and waits until it accepts requests.
    ///
    /// # Errors
    /// If it cannot be started, or ends before it is ready.
    pub fn start(data_dir: &Path, environment: &[(&str, &str)]) -> io::Result<Self> {
        let started = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("HEADWATER_KINESIS__ENFORCE", "false")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let url = line.trim_end().strip_prefix(READY).ok_or_else(|| io::Error::other("the server did not start"))?;
        Ok(Self { child, url: url.to_owned(), startup: started.elapsed() })
    }

    /// A client of it.
    ///
    /// # Panics
    /// If the client cannot be set up.
    pub fn client(&self) -> Arc<HttpClient> {
        let endpoint = Endpoint::new(&self.url, "us-east-1", Credentials::local()).expect("the server's own address");
        Arc::new(HttpClient::new(endpoint).expect("a client over plain HTTP"))
    }

    /// Makes one call of the Kinesis API.
    ///
    /// # Panics
    /// If it fails.
    pub async fn call(&self, operation: &str, input: Value) -> Value {
        self.client().call(Service::KINESIS, operation, &input).await.expect("a call that succeeds")
    }

    /// The memory it has in use.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
        };
        bytes("RssAnon")
            .zip(bytes("RssFile"))
            .map(|(anonymous, file)| Memory { anonymous, file })
            .ok_or_else(|| io::Error::other("no memory figures in /proc"))
    }

    /// Kills it with SIGKILL.
    ///
    /// # Errors
    /// If that cannot be done.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
