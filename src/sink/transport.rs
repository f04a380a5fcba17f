//! One way of handing a batch over, and what it answers.

use std::io::{self, Write as _};

use crate::sink::http::Http;
use crate::sink::syslog::Syslog;
use crate::sink::{SinkConfig, Surroundings, Target};

/// A record ready to be sent.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) seq: u64,
    /// Microseconds since 1970.
    pub(super) micros: i64,
    pub(super) kind: String,
    pub(super) action: Option<String>,
    /// In the sink's format.
    pub(super) text: Vec<u8>,
    pub(super) is_json: bool,
}

/// How far what was sent is known to have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// All of it.
    All,
    /// The receiver says nothing; what it has is known after a while ([`Transport::settled`]).
    Later,
}

/// Why a batch was not taken.
#[derive(Debug)]
pub(super) enum SendError {
    Io(io::Error),
    /// The receiver answered so.
    Refused(u16),
    /// A batch of this size is too large for it.
    TooLarge,
}

impl SendError {
    /// Whether the receiver finds fault with what it was sent, rather than with who sends it or with itself.
    pub(super) fn is_about_records(&self) -> bool {
        match self {
            SendError::Io(_) => false,
            SendError::Refused(status) => [400, 415, 422].contains(status),
            SendError::TooLarge => true,
        }
    }
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SendError::Io(error) => write!(f, "{error}"),
            SendError::Refused(status) => write!(f, "the receiver answers {status}"),
            SendError::TooLarge => f.write_str("the receiver takes no batch of this size"),
        }
    }
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        SendError::Io(error)
    }
}

#[derive(Debug)]
pub(super) enum Transport {
    Stdout,
    Syslog(Box<Syslog>),
    Http(Box<Http>),
}

impl Transport {
    pub(super) fn new(config: &SinkConfig, around: &Surroundings) -> Transport {
        match &config.target {
            Target::Stdout => Transport::Stdout,
            Target::Syslog { server } => {
                Transport::Syslog(Box::new(Syslog::new(server.clone(), &around.node)))
            }
            target @ (Target::Splunk { .. } | Target::Datadog { .. } | Target::Webhook { .. }) => {
                Transport::Http(Box::new(Http::new(target.clone(), config.secret.clone(), &around.node)))
            }
        }
    }

    pub(super) async fn send(
        &mut self,
        batch: &[Event],
        around: &Surroundings,
    ) -> Result<Delivered, SendError> {
        match self {
            Transport::Stdout => {
                let mut stdout = io::stdout().lock();
                for event in batch {
                    stdout.write_all(&event.text)?;
                    stdout.write_all(b"\n")?;
                }
                stdout.flush()?;
                Ok(Delivered::All)
            }
            Transport::Syslog(syslog) => syslog.send(batch, &around.tls).await,
            Transport::Http(http) => http.send(batch, &around.tls).await,
        }
    }

    /// The last record that the receiver surely has; an error when the connection turned out to be gone, and with it
    /// what was sent since.
    pub(super) async fn settled(&mut self) -> Result<Option<u64>, SendError> {
        match self {
            Transport::Stdout | Transport::Http(_) => Ok(None),
            Transport::Syslog(syslog) => syslog.settled().await,
        }
    }

    /// Ends the connection; the last record that the receiver surely has.
    pub(super) async fn close(&mut self) -> Option<u64> {
        match self {
            Transport::Stdout | Transport::Http(_) => None,
            Transport::Syslog(syslog) => syslog.close().await,
        }
    }
}
