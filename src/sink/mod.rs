//! Records to where people look at them: standard output, syslog, HTTP collectors.
//!
//! May import floors 0–4. Invariants: the trail itself is what waits to be sent, so a sink that is down costs no memory
//! and delays no flow; each sink has a thread of its own; a record is sent at least once, in order, and its place is
//! kept only when it was acknowledged; a sink that is not heard from for a while is itself on record.

mod aside;
mod connect;
mod cursor;
mod deliver;
mod format;
mod http;
mod syslog;
mod transport;

pub use format::Format;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::audit::Audit;
use crate::audit::query::Filter;
use crate::flow::Host;
use crate::limits;
use crate::tls::UpstreamTls;

/// Where a sink's records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Stdout,
    /// RFC 5424 over TCP or TLS, octet counting (RFC 6587, RFC 5425).
    Syslog {
        server: Server,
    },
    /// Splunk's HTTP event collector.
    Splunk {
        server: Server,
        path: String,
    },
    /// Datadog's log intake.
    Datadog {
        server: Server,
        path: String,
    },
    /// CloudEvents in batches, signed.
    Webhook {
        server: Server,
        path: String,
    },
}

impl Target {
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Target::Stdout => "stdout",
            Target::Syslog { .. } => "syslog",
            Target::Splunk { .. } => "splunk",
            Target::Datadog { .. } => "datadog",
            Target::Webhook { .. } => "webhook",
        }
    }
}

/// A peer of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub host: Host,
    pub port: u16,
    pub tls: bool,
}

/// Where a sink that has never delivered anything begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// With what is recorded from now on.
    #[default]
    Now,
    /// With the first record there is.
    Start,
}

impl Begin {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Begin::Now => "now",
            Begin::Start => "start",
        }
    }
}

/// One sink.
#[derive(Clone)]
pub struct SinkConfig {
    /// Names its cursor file and its metrics.
    pub name: String,
    pub target: Target,
    pub format: Format,
    pub filter: Filter,
    pub begin: Begin,
    /// How long nothing may be acknowledged, while something waits, before that is on record.
    pub alarm: Duration,
    /// A token, or the key of signatures.
    pub secret: Option<Arc<Zeroizing<String>>>,
}

impl fmt::Debug for SinkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkConfig")
            .field("name", &self.name)
            .field("target", &self.target)
            .field("format", &self.format)
            .field("filter", &self.filter)
            .field("begin", &self.begin)
            .field("alarm", &self.alarm)
            .finish_non_exhaustive()
    }
}

/// What all sinks share.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub directory: PathBuf,
    pub node: String,
    pub audit: Audit,
    pub tls: Arc<UpstreamTls>,
}

/// The sinks at work.
#[derive(Debug)]
pub struct Sinks {
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Sinks {
    /// Starts a thread for each sink.
    pub fn start(configs: Vec<SinkConfig>, around: &Surroundings) -> io::Result<Sinks> {
        let (stop, stopped) = watch::channel(false);
        let mut threads = Vec::new();
        for config in configs {
            let (around, stopped) = (around.clone(), stopped.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let name = format!("sink-{}", config.name.get(..8).unwrap_or(&config.name));
            let thread = std::thread::Builder::new().name(name).spawn(move || {
                runtime.block_on(deliver::run(config, around, stopped));
                // What standard output has not taken by now is not waited for.
                runtime.shutdown_background();
            })?;
            threads.push(thread);
        }
        Ok(Sinks { stop, threads })
    }

    /// Lets each sink try for [`limits::SINK_GOODBYE`] to deliver what is left, and waits for them. To be called when
    /// the trail is closed. Blocks.
    pub fn stop(self) {
        // Fails when there is no sink.
        let _ = self.stop.send(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!(
                    "a sink panicked; its records stay in the trail and are sent after the next start"
                );
            }
        }
    }
}

/// Most bytes of a sink's name: it is part of a file's name and of a metric's.
pub const NAME_BYTES: usize = limits::SINK_NAME;
