//! The real program as a child process.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// `headwater`, with nothing of the caller's configuration or credentials in its environment.
pub(crate) fn headwater(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("HEADWATER_") || name.starts_with("AWS_") {
            command.env_remove(&*name);
        }
    }
    command.args(args);
    command
}

/// Runs a command to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    headwater(args).stdin(Stdio::null()).output().unwrap()
}

/// Runs a command that reads `input` from its stdin.
pub(crate) fn run_with_input(args: &[&str], input: &[u8]) -> Output {
    let mut child =
        headwater(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The folder of the configurations.
pub(crate) fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

/// All regular files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// A server that is ready; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    pub(crate) log: BufReader<ChildStderr>,
}

impl Server {
    /// Starts `headwater serve` on a free port and waits for the line that says it is ready.
    pub(crate) fn start(data_dir: &Path, args: &[&str]) -> Self {
        let mut command = headwater(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(data_dir).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let Some(address) = line.trim_end().strip_prefix("headwater ready on http://") else {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            panic!("not ready: {line}{text}");
        };
        Self { child, address: address.to_owned(), log }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end and returns the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Stops it in order.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.wait(), Some(0));
    }

    /// The answer to `GET path`, with its head.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nhost: headwater\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Waits for a log line that contains `text`.
    pub(crate) fn wait_for_log(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "the log ended without {text}");
        }
    }

    /// Creates a stream.
    pub(crate) fn create_stream(&self, name: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let endpoint = consumers::Endpoint::new(&self.url(), "us-east-1", consumers::Credentials::local()).unwrap();
        let client = consumers::HttpClient::new(endpoint).unwrap();
        let input = serde_json::json!({"StreamName": name, "ShardCount": 3});
        let created: serde_json::Value =
            runtime.block_on(client.call(consumers::Service::KINESIS, "CreateStream", &input)).unwrap();
        assert_eq!(created, serde_json::json!({}));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
