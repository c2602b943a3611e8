//! `headwater serve`: the server, from configuration to the last flush.

use crate::cli::ServeArgs;
use crate::config::{Flags, Layers, environment};
use crate::failure::{Failure, Outcome};
use crate::logging;
use crate::output::data_line;
use crate::server::Server;
use crate::signals::Signals;

/// Serves until a signal, then drains; a second signal ends that at once.
pub(crate) async fn run(args: ServeArgs) -> Result<Outcome, Failure> {
    let ServeArgs { config, data_dir, listen, allow_remote_without_credentials, print_config } = args;
    let flags = Flags { data_dir, listen, allow_remote_without_credentials };
    let layers = Layers::load(config.as_deref(), environment(), &flags)?;
    let config = layers.validate()?;
    if print_config {
        data_line(layers.to_string().trim_end())?;
        return Ok(Outcome::Done);
    }
    logging::start(&config.log);
    let mut signals = Signals::listen()?;
    let server = tokio::select! {
        server = Server::start(config) => server?,
        // Recovery may take a while, and changes nothing that a later start would miss.
        _ = signals.next() => return Ok(Outcome::Interrupted),
    };
    data_line(format_args!("headwater ready on http://{}", server.address()))?;
    let signal = signals.next().await;
    tracing::info!(signal, "stopping: requests under way are finished and everything is flushed");
    tokio::select! {
        () = server.stop() => Ok(Outcome::Done),
        signal = signals.next() => {
            tracing::warn!(signal, "stopping at once");
            Ok(Outcome::Interrupted)
        }
    }
}
