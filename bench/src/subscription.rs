//! [`Subscription`]: the events of one SubscribeToShard call over a connection of its own.

use std::io;

use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::server::Server;

/// The length of the head of an event (lengths and a checksum) and of the checksum at its end.
const PRELUDE_BYTES: usize = 12;
const TRAILER_BYTES: usize = 4;

/// A subscription that nobody need read.
pub struct Subscription {
    connection: BufReader<TcpStream>,
    /// What came and is not a whole event yet.
    received: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(default)]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    data: String,
}

impl Subscription {
    /// Subscribes a consumer to the records of a shard that come from now on, or to those that are kept.
    ///
    /// # Errors
    /// If the server refuses, or the connection fails.
    pub async fn open(server: &Server, consumer_arn: &str, shard_id: &str, from: &str) -> io::Result<Self> {
        let address = server.url.trim_start_matches("http://");
        let connection = TcpStream::connect(address).await?;
        connection.set_nodelay(true)?;
        let mut connection = BufReader::new(connection);
        let input = json!({"ConsumerARN": consumer_arn, "ShardId": shard_id, "StartingPosition": {"Type": from}});
        let body = input.to_string();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: Kinesis_20131202.SubscribeToShard\r\n\
             Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).await?;
        connection.write_all(body.as_bytes()).await?;
        let mut status = String::new();
        connection.read_line(&mut status).await?;
        if !status.contains(" 200 ") {
            return Err(io::Error::other(status));
        }
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            connection.read_line(&mut line).await?;
        }
        Ok(Self { connection, received: Vec::new() })
    }

    /// Waits for the next event and hands the data of each of its records to `visit`.
    ///
    /// # Errors
    /// If the connection ends or what comes is no event.
    pub async fn next(&mut self, mut visit: impl FnMut(&[u8])) -> io::Result<()> {
        let message_bytes = loop {
            match self.received.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes) as usize) {
                Some(length) if self.received.len() >= length => break length,
                _ => self.receive_chunk().await?,
            }
        };
        let message: Vec<u8> = self.received.drain(..message_bytes).collect();
        let headers_bytes = message.get(4..8).and_then(|bytes| bytes.first_chunk::<4>());
        let headers_bytes = headers_bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
        let payload = message.get(PRELUDE_BYTES + headers_bytes..message_bytes - TRAILER_BYTES).unwrap_or_default();
        let event: Event = serde_json::from_slice(payload)?;
        for record in &event.records {
            let data = base64_simd::STANDARD.decode_to_vec(&record.data).map_err(io::Error::other)?;
            visit(&data);
        }
        Ok(())
    }

    /// Receives one chunk of the answer.
    async fn receive_chunk(&mut self) -> io::Result<()> {
        let mut size = String::new();
        self.connection.read_line(&mut size).await?;
        let size = usize::from_str_radix(size.trim_end(), 16).map_err(io::Error::other)?;
        if size == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let at = self.received.len();
        self.received.resize(at + size + 2, 0);
        self.connection.read_exact(self.received.get_mut(at..).unwrap_or_default()).await?;
        self.received.truncate(at + size);
        Ok(())
    }
}
