//! One way of handing a batch over, and what it answers.

use std::io::{self, Write as _};

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::limits;
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

/// A batch on its way to standard output, on a thread that may wait for its reader.
#[derive(Debug)]
pub(super) struct Writing {
    /// Its last record.
    last: u64,
    done: JoinHandle<io::Result<()>>,
}

#[derive(Debug)]
pub(super) enum Transport {
    /// With what is still being written to it.
    Stdout(Option<Writing>),
    Syslog(Box<Syslog>),
    Http(Box<Http>),
}

impl Transport {
    pub(super) fn new(config: &SinkConfig, around: &Surroundings) -> Transport {
        match &config.target {
            Target::Stdout => Transport::Stdout(None),
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
            Transport::Stdout(writing) => {
                // What an earlier try gave it is not given once more.
                let had = match writing {
                    Some(under_way) => under_way.last,
                    None => 0,
                };
                written(writing).await?;
                let left = batch.iter().filter(|event| event.seq > had);
                let text = left.flat_map(|event| [&*event.text, b"\n"]).collect::<Vec<_>>().concat();
                let last = batch.last().map_or(0, |event| event.seq);
                let done = spawn_blocking(move || {
                    let mut stdout = io::stdout().lock();
                    stdout.write_all(&text).and_then(|()| stdout.flush())
                });
                *writing = Some(Writing { last, done });
                written(writing).await?;
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
            Transport::Stdout(_) | Transport::Http(_) => Ok(None),
            Transport::Syslog(syslog) => syslog.settled().await,
        }
    }

    /// Ends the connection; the last record that the receiver surely has.
    pub(super) async fn close(&mut self) -> Option<u64> {
        match self {
            Transport::Stdout(_) | Transport::Http(_) => None,
            Transport::Syslog(syslog) => syslog.close().await,
        }
    }
}

/// Waits a moment until standard output has taken what it was given. Who does not read it keeps the sink waiting, and
/// nothing else.
async fn written(writing: &mut Option<Writing>) -> io::Result<()> {
    let Some(under_way) = writing else { return Ok(()) };
    let Ok(done) = timeout(limits::SINK_GOODBYE, &mut under_way.done).await else {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads standard output"));
    };
    *writing = None;
    done.map_err(io::Error::other)?
}
