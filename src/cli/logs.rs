//! Log lines on standard error, written by a thread of their own: whoever does not read them keeps no flow waiting.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use clap::ValueEnum;
use metrics::counter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Failure;
use super::outlet::Outlet;
use crate::{limits, telemetry};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// Unless RUST_LOG says otherwise. Libraries warn of what a client does, and in its words: whoever is a client could fill
/// the log.
const LOGGED: &str = "error,tidegate=info";

/// The log of a gate.
#[derive(Debug)]
pub(super) struct Logs(Outlet);

/// What writes one line.
struct Line(Outlet);

impl Write for Line {
    /// A whole line at once, as they are made.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.0.offer(bytes.to_vec(), limits::LOG_WAITING) {
            counter!(telemetry::LOG_LOST).increment(1);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logs {
    pub(super) fn start(format: LogFormat) -> Result<Logs, Failure> {
        let outlet = Outlet::default();
        let write = |line: &[u8]| {
            // When nobody reads it there is nobody to tell.
            let _ = io::stderr().write_all(line);
        };
        let told = |lost| tracing::warn!(lost, "log lines were lost: nobody read standard error");
        let failed = |error| Failure::unavailable(format!("a thread cannot be started: {error}"));
        outlet.drain("log", write, told).map_err(failed)?;
        let lines = outlet.clone();
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
        let logs = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
        let logs = logs.with_writer(move || Line(lines.clone())).with_ansi(io::stderr().is_terminal());
        match format {
            LogFormat::Text => logs.finish().with(filter_fn(may_be_logged)).init(),
            LogFormat::Json => logs.json().finish().with(filter_fn(may_be_logged)).init(),
        }
        Ok(Logs(outlet))
    }

    /// Says how it ended, and waits for the lines that there are, at most until the time for it is over.
    pub(super) fn end(self, done: Result<(), Failure>) -> Result<(), Failure> {
        let say = |text: &str| {
            self.0.offer(text.as_bytes().to_vec(), usize::MAX);
        };
        let done = done.map_err(|failure| failure.said(say));
        // Those that are lost now are lost because nobody reads.
        self.0.finish(Instant::now() + limits::LOG_GOODBYE);
        done
    }
}

/// Whatever RUST_LOG asks for: below `info`, libraries print what clients sent (names in a ClientHello, fields of
/// heads), which is masked nowhere.
fn may_be_logged(metadata: &tracing::Metadata<'_>) -> bool {
    *metadata.level() <= tracing::Level::INFO || metadata.target().starts_with("tidegate")
}

#[cfg(test)]
mod tests {
    use tracing::{Level, enabled};

    use super::*;

    #[test]
    fn by_default_no_library_warns_in_the_words_of_a_client() {
        let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(LOGGED)).with_writer(io::sink);
        tracing::subscriber::with_default(log.finish(), || {
            assert!(!enabled!(target: "h2::proto::ping_pong", Level::WARN));
            assert!(!enabled!(target: "rustls::conn", Level::WARN));
            assert!(!enabled!(target: "hyper_util::client::legacy", Level::WARN));
            assert!(enabled!(target: "rustls::conn", Level::ERROR));
            assert!(enabled!(Level::INFO) && !enabled!(Level::DEBUG), "{}", module_path!());
        });
    }
}
