//! One connection to a server that speaks PostgreSQL's protocol.
//!
//! Every wait has an end, and a server that answers without end is hung up on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls_tokio_postgres::{MakeRustlsConnect, config_from_ca_cert, config_no_verify, config_platform_verifier};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::failure::Failure;
use super::options::{DatabaseOptions, TlsMode};
use crate::definition::RedshiftEndpoint;

/// How long it may take until a server is ready for statements.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long one statement may take, a load among them.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(900);

/// How long a transaction of ours may wait for us before its server ends it, for when this machine is gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes that a server may send in one connection. Ours say little.
const RECEIVED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A server that is ready for statements.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Whether it is Redshift rather than PostgreSQL.
    pub(super) is_redshift: bool,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    /// Hangs up, so that no statement is waited for; the server then rolls back.
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    /// Connects, and learns what kind of server it is.
    pub(super) async fn open(settings: &RedshiftEndpoint, options: &DatabaseOptions) -> Result<Self, Failure> {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&settings.host)
            .user(&settings.user)
            .password(&settings.password.0)
            .dbname(&settings.database)
            .application_name("headwater")
            .ssl_mode(if options.tls == TlsMode::Prefer { SslMode::Prefer } else { SslMode::Require });
        let mut tls = connector(options).map_err(Failure::connection)?;
        let connecting = async {
            let stream =
                TcpStream::connect((settings.host.as_str(), settings.port)).await.map_err(Failure::connection)?;
            stream.set_nodelay(true).map_err(Failure::connection)?;
            let stream = Limited { stream, bytes_left: RECEIVED_BYTES_MAX };
            let tls =
                MakeTlsConnect::<Limited>::make_tls_connect(&mut tls, &settings.host).map_err(Failure::connection)?;
            config.connect_raw(stream, tls).await.map_err(Failure::from)
        };
        let (client, connection) =
            timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| Failure::Timeout { what: "connecting" })??;
        let task = tokio::spawn(async move {
            // What ends the connection is told to whoever waits for an answer on it.
            let _ = connection.await;
        });
        let mut connection = Self { client, is_redshift: false, task };
        let version = connection.query("SELECT version()").await?;
        connection.is_redshift = version.iter().any(|row| row.contains("Redshift"));
        connection.set_timeouts().await?;
        Ok(connection)
    }

    async fn set_timeouts(&self) -> Result<(), Failure> {
        let timeout_ms = STATEMENT_TIMEOUT.as_millis();
        self.execute(&format!("SET statement_timeout TO {timeout_ms}")).await?;
        if !self.is_redshift {
            let idle_ms = IDLE_TIMEOUT.as_millis();
            self.execute(&format!("SET idle_in_transaction_session_timeout TO {idle_ms}")).await?;
        }
        Ok(())
    }

    /// Runs statements whose answer does not matter.
    pub(super) async fn execute(&self, statements: &str) -> Result<(), Failure> {
        Ok(within(self.client.batch_execute(statements)).await??)
    }

    /// The first value of each row that a query gives; null is empty.
    pub(super) async fn query(&self, query: &str) -> Result<Vec<String>, Failure> {
        let messages = within(self.client.simple_query(query)).await??;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        Ok(rows.collect())
    }
}

/// Waits for a statement.
pub(super) async fn within<T>(statement: impl Future<Output = T>) -> Result<T, Failure> {
    // The server should notice first: its text tells more.
    let patience = STATEMENT_TIMEOUT + Duration::from_secs(10);
    timeout(patience, statement).await.map_err(|_| Failure::Timeout { what: "a statement" })
}

fn connector(options: &DatabaseOptions) -> Result<MakeRustlsConnect, String> {
    let config = match (options.tls, &options.ca_file) {
        (TlsMode::Prefer, _) => config_no_verify(),
        (TlsMode::VerifyFull, Some(path)) => {
            config_from_ca_cert(path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        (TlsMode::VerifyFull, None) => config_platform_verifier().map_err(|error| error.to_string())?,
    };
    Ok(MakeRustlsConnect::new(config))
}

/// A stream that gives no more than so many bytes.
struct Limited {
    stream: TcpStream,
    bytes_left: u64,
}

impl AsyncRead for Limited {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let byte_count = buf.filled().len().saturating_sub(before) as u64;
        match self.bytes_left.checked_sub(byte_count) {
            Some(left) => {
                self.bytes_left = left;
                read
            }
            None => Poll::Ready(Err(io::Error::other("the server answers without end"))),
        }
    }
}

impl AsyncWrite for Limited {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
