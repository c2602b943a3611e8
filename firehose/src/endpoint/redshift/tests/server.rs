//! A real PostgreSQL server for a test, and a proxy that cuts connections to it.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::{Client, NoTls};

pub(super) const PASSWORD: &str = "not-so-secret";

/// Nobody, for tests that run as root: the server refuses to.
const NOBODY: u32 = 65_534;

/// What the server has logged, and a signal for each line.
type Log = Arc<(Mutex<Vec<String>>, Condvar)>;

/// A server of its own, gone with this value.
pub(super) struct Server {
    bin: PathBuf,
    dir: tempfile::TempDir,
    pub(super) port: u16,
    child: Child,
    log: Log,
}

impl Server {
    /// Starts a server; `None`, with a line that says so, where PostgreSQL is not installed.
    pub(super) fn start() -> Option<Self> {
        let Some(bin) = find() else {
            eprintln!("skipped: PostgreSQL is not installed (/usr/lib/postgresql/*/bin)");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let pwfile = dir.path().join("password");
        std::fs::write(&pwfile, PASSWORD).unwrap();
        if is_root() {
            for path in [dir.path(), &pwfile] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let mut initdb = command(&bin, "initdb");
        initdb.arg("-D").arg(dir.path().join("data")).arg("--pwfile").arg(&pwfile);
        initdb.args(["-U", "loader", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"]);
        let output = initdb.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // The server cannot choose a port itself.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let log = Log::default();
        let child = launch(&bin, dir.path(), port, &log);
        let server = Self { bin, dir, port, child, log };
        server.wait_for_log("ready to accept connections", 1);
        Some(server)
    }

    /// Kills the server as a crash would.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was killed.
    pub(super) fn restart(&mut self) {
        let ready = self.count_in_log("ready to accept connections");
        // Its children notice that it is gone, and only then let go of what they share.
        loop {
            self.child = launch(&self.bin, self.dir.path(), self.port, &self.log);
            let (lines, grown) = &*self.log;
            let mut lines = lines.lock();
            let from = lines.len();
            let started = loop {
                let new = lines.get(from..).unwrap();
                if new.iter().any(|line| line.contains("FATAL:  pre-existing") || line.contains("FATAL:  lock file")) {
                    break false;
                }
                if lines.iter().filter(|line| line.contains("ready to accept connections")).count() > ready {
                    break true;
                }
                grown.wait(&mut lines);
            };
            if started {
                return;
            }
            drop(lines);
            self.child.wait().unwrap();
        }
    }

    pub(super) fn count_in_log(&self, text: &str) -> usize {
        self.log.0.lock().iter().filter(|line| line.contains(text)).count()
    }

    /// The first line of the log with `text` in it, which the server may be about to write.
    pub(super) fn log_line(&self, text: &str) -> String {
        self.wait_for_log(text, 1);
        self.log.0.lock().iter().find(|line| line.contains(text)).cloned().unwrap()
    }

    fn wait_for_log(&self, text: &str, count: usize) {
        let (lines, grown) = &*self.log;
        let mut lines = lines.lock();
        while lines.iter().filter(|line| line.contains(text)).count() < count {
            assert!(!lines.iter().any(|line| line.contains("FATAL")), "{lines:?}");
            grown.wait(&mut lines);
        }
    }

    /// Runs statements, beside what is tested.
    pub(super) async fn run(&self, statements: &str) -> Vec<String> {
        let client = self.connect().await;
        let messages = client.simple_query(statements).await.unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("null").to_owned()),
            _ => None,
        });
        rows.collect()
    }

    async fn connect(&self) -> Client {
        let config = format!("host=127.0.0.1 port={} user=loader password={PASSWORD} dbname=postgres", self.port);
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(bin: &Path, dir: &Path, port: u16, log: &Log) -> Child {
    let mut postgres = command(bin, "postgres");
    postgres.arg("-D").arg(dir.join("data")).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    for setting in ["unix_socket_directories=", "log_statement=all", "max_connections=20", "shared_buffers=8MB"] {
        postgres.args(["-c", setting]);
    }
    let mut child = postgres.stderr(Stdio::piped()).spawn().unwrap();
    let (stderr, log) = (child.stderr.take().unwrap(), Arc::clone(log));
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            log.0.lock().push(line);
            log.1.notify_all();
        }
    });
    child
}

fn command(bin: &Path, program: &str) -> Command {
    let mut command = Command::new(bin.join(program));
    command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn find() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).find(|bin| bin.join("initdb").exists())
}

/// When a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The server does not get the statement.
    Before(&'static str),
    /// The server has done the statement, but its answer is lost.
    After(&'static str),
}

/// Passes connections on until told to cut them.
pub(super) struct Proxy {
    pub(super) port: u16,
    cuts: Arc<Mutex<Vec<Cut>>>,
}

impl Proxy {
    /// A proxy in front of `server_port`. Each of `cuts` ends one connection, the last one first.
    pub(super) async fn start(server_port: u16, cuts: &[Cut]) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(Mutex::new(cuts.to_vec()));
        let proxy = Self { port, cuts: Arc::clone(&cuts) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server_port)).await {
                    tokio::spawn(pass_on(client, server, Arc::clone(&cuts)));
                }
            }
        });
        proxy
    }

    pub(super) fn cuts_left(&self) -> usize {
        self.cuts.lock().len()
    }
}

async fn pass_on(mut client: TcpStream, mut server: TcpStream, cuts: Arc<Mutex<Vec<Cut>>>) {
    let (mut said, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut said) => {
                let Ok(count @ 1..) = read else { return };
                let holds = |text: &str| said[..count].windows(text.len()).any(|window| window == text.as_bytes());
                let cut = {
                    let mut cuts = cuts.lock();
                    match cuts.last().copied() {
                        Some(cut @ (Cut::Before(text) | Cut::After(text))) if holds(text) => { cuts.pop(); Some(cut) }
                        _ => None,
                    }
                };
                match cut {
                    Some(Cut::Before(_)) => return,
                    Some(Cut::After(_)) => {
                        server.write_all(&said[..count]).await.unwrap();
                        // Whatever comes first is the answer.
                        assert_ne!(server.read(&mut answered).await.unwrap(), 0, "the server hung up");
                        return;
                    }
                    None => if server.write_all(&said[..count]).await.is_err() { return },
                }
            }
            read = server.read(&mut answered) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&answered[..count]).await.is_err() { return }
            }
        }
    }
}
