//! Syslog (RFC 5424) over TCP or TLS, framed by octet counting (RFC 6587, section 3.4.1).
//!
//! A syslog receiver acknowledges nothing. What was written to a connection counts as delivered when the connection has
//! stood for [`limits::SINK_SETTLE`] after it, or when the receiver ended it after we did; what went out just before a
//! connection broke is sent again over the next one.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use crate::audit::Kind;
use crate::limits;
use crate::policy::Action;
use crate::sink::Server;
use crate::sink::connect::{Stream, connect};
use crate::sink::transport::{Delivered, Event, SendError};
use crate::tls::UpstreamTls;

#[derive(Debug)]
pub(super) struct Syslog {
    server: Server,
    /// As it may stand in a header.
    node: String,
    stream: Option<Stream>,
    /// When what was sent, and the last record of it.
    sent: VecDeque<(Instant, u64)>,
}

/// Facility "log audit" (13), times eight.
const FACILITY: u32 = 13 * 8;

impl Syslog {
    pub(super) fn new(server: Server, node: &str) -> Syslog {
        Syslog { server, node: header_word(node, 255), stream: None, sent: VecDeque::new() }
    }

    pub(super) async fn send(&mut self, batch: &[Event], tls: &UpstreamTls) -> Result<Delivered, SendError> {
        self.look().await?;
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.server, tls).await?,
        };
        let mut frames = Vec::new();
        batch.iter().for_each(|event| push_frame(&mut frames, event, &self.node));
        let written = async {
            stream.write_all(&frames).await?;
            stream.flush().await
        };
        match timeout(limits::SINK_TIMEOUT, written).await {
            Ok(Ok(())) => {
                self.stream = Some(stream);
                self.sent.extend(batch.last().map(|event| (Instant::now(), event.seq)));
                Ok(Delivered::Later)
            }
            Ok(Err(error)) => Err(self.lost(error)),
            Err(_) => Err(self.lost(io::Error::new(io::ErrorKind::TimedOut, "the receiver takes nothing"))),
        }
    }

    pub(super) async fn settled(&mut self) -> Result<Option<u64>, SendError> {
        self.look().await?;
        let mut last = None;
        while self.sent.front().is_some_and(|(at, _)| at.elapsed() >= limits::SINK_SETTLE) {
            last = self.sent.pop_front().map(|(_, seq)| seq);
        }
        Ok(last)
    }

    /// Whether the receiver has ended the connection. It has nothing to say: what it sends is thrown away.
    async fn look(&mut self) -> Result<(), SendError> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut bytes = [0; 512];
        let ended = poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Pending => Poll::Ready(None),
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => Poll::Ready(None),
                Poll::Ready(Ok(())) => Poll::Ready(Some(io::ErrorKind::ConnectionReset.into())),
                Poll::Ready(Err(error)) => Poll::Ready(Some(error)),
            }
        })
        .await;
        match ended {
            None => Ok(()),
            Some(error) => Err(self.lost(error)),
        }
    }

    fn lost(&mut self, error: io::Error) -> SendError {
        self.stream = None;
        self.sent.clear();
        SendError::Io(error)
    }

    /// Says goodbye; when the receiver does, too, it has everything.
    pub(super) async fn close(&mut self) -> Option<u64> {
        let mut stream = self.stream.take()?;
        let last = self.sent.back().map(|(_, seq)| *seq);
        let goodbye = async {
            stream.shutdown().await?;
            let mut bytes = [0; 512];
            loop {
                match stream.read(&mut bytes).await {
                    Ok(0) => return io::Result::Ok(()),
                    Ok(_) => {}
                    // Many end TLS without a word. Who closes with bytes unread resets the connection instead.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        };
        matches!(timeout(limits::SINK_GOODBYE, goodbye).await, Ok(Ok(()))).then_some(last)?
    }
}

fn push_frame(out: &mut Vec<u8>, event: &Event, node: &str) {
    let time = Timestamp::from_microsecond(event.micros).unwrap_or(Timestamp::UNIX_EPOCH);
    let priority = FACILITY + severity(event);
    let header = format!("<{priority}>1 {time:.6} {node} tidegate - {} - ", header_word(&event.kind, 32));
    out.extend_from_slice((header.len() + event.text.len()).to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&event.text);
}

/// Error, warning, notice, informational (RFC 5424, section 6.2.1).
fn severity(event: &Event) -> u32 {
    let acted = |action: Action| event.action.as_deref() == Some(action.as_str());
    if event.kind == Kind::ControlFailure.as_str() {
        3
    } else if acted(Action::Block) {
        4
    } else if acted(Action::Redact) || acted(Action::Alert) {
        5
    } else {
        6
    }
}

/// Printable ASCII without spaces, or the sign for nothing.
fn header_word(text: &str, longest: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_that_of_the_rfc() {
        let event = Event {
            seq: 7,
            micros: 1_764_158_400_000_001,
            kind: "decision".into(),
            action: Some("block".into()),
            text: "{\"a\":\"é\"}".into(),
            is_json: true,
        };
        let mut out = Vec::new();
        push_frame(&mut out, &event, &header_word("no de\n1", 255));
        let text = String::from_utf8(out).unwrap();
        let (length, rest) = text.split_once(' ').unwrap();
        assert_eq!(rest.len().to_string(), length);
        assert_eq!(rest, "<108>1 2025-11-26T12:00:00.000001Z node1 tidegate - decision - {\"a\":\"é\"}");
        assert_eq!(header_word("  ", 8), "-");
    }
}
