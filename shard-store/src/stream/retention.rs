//! Retention: segments of which every record is too old are dropped, and closed shards without any other.
//!
//! The sweep looks at every shard now and then. Between two sweeps, and within a segment, records that are too old are
//! still in the log; reads leave them out ([`super::Stream::get`]).

use std::sync::Weak;

use super::registry::Streams;

impl Streams {
    /// Drops what is too old from every shard. Blocks on the disk. A shard that fails is logged and tried again by the
    /// next sweep.
    pub fn sweep_retention(&self) {
        let now_ms = self.clock().unix_millis();
        for stream in self.all() {
            let horizon_ms = stream.horizon_ms(now_ms);
            for shard in stream.shards() {
                if shard.log().start() == shard.log().end() {
                    continue;
                }
                if let Err(error) = shard.log().trim_before_time(horizon_ms) {
                    let (stream, shard) = (&stream.key().name, shard.number());
                    tracing::warn!(stream, %shard, %error, "cannot drop segments past their retention");
                }
            }
            if stream.shards().iter().any(|shard| shard.ended_before(horizon_ms))
                && let Err(error) = self.forget_expired_shards(stream.key())
            {
                tracing::warn!(stream = stream.key().name, %error, "cannot forget shards past their retention");
            }
        }
    }
}

/// Sweeps again and again, as often as configured, until the streams are dropped.
pub async fn run(streams: Weak<Streams>) {
    loop {
        let Some(interval) = streams.upgrade().map(|streams| streams.options().retention_sweep_interval) else {
            return;
        };
        tokio::time::sleep(interval).await;
        let Some(streams) = streams.upgrade() else { return };
        if tokio::task::spawn_blocking(move || streams.sweep_retention()).await.is_err() {
            tracing::error!("the retention sweep panicked; records past their retention stay on disk until a restart");
            return;
        }
    }
}
