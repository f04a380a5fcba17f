//! A WebSocket from the moment that its upstream agrees to it, and who takes it over from the exchange that asked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::compression::Compression;
use super::opening::Opening;
use super::relay::{CLOSED, relay};
use super::track::Track;
use crate::audit::AuditError;
use crate::flow::Direction;
use crate::proxy::exchange::Flow;

/// What an exchange keeps that asks for a WebSocket.
pub(in crate::proxy) struct Asked {
    pub(in crate::proxy) opening: Opening,
    /// The upstream's connection, once it has agreed.
    pub(in crate::proxy) switched: Mutex<Option<Switched>>,
    /// Where the session is left for whoever owns the client's end.
    pub(in crate::proxy) handover: Handover,
}

/// An upstream's connection that speaks another protocol now, and what was read of it already.
pub(in crate::proxy) struct Switched {
    pub(in crate::proxy) io: Box<dyn Wired>,
    pub(in crate::proxy) leftover: Bytes,
}

/// A connection.
pub(in crate::proxy) trait Wired: AsyncRead + AsyncWrite + Unpin + Send {}
impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Wired for IO {}

/// Where the owner of a client's end finds the session that an exchange on it has led to.
#[derive(Clone, Debug, Default)]
pub(in crate::proxy) struct Handover(Arc<Mutex<Option<Box<Session>>>>);

impl Handover {
    pub(in crate::proxy) fn leave(&self, session: Box<Session>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    pub(in crate::proxy) fn take(&self) -> Option<Box<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A WebSocket whose upstream has agreed. Large, and boxed, so that requests which are none pay nothing for it.
pub(in crate::proxy) struct Session {
    flow: Arc<Flow>,
    upstream: Switched,
    tracks: [Track; 2],
    opened: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}

impl Session {
    pub(in crate::proxy) fn new(
        flow: Arc<Flow>,
        upstream: Switched,
        [sent, received]: [Option<Compression>; 2],
    ) -> Option<Box<Session>> {
        let up = Track::new(&flow, Direction::Request, sent)?;
        let down = Track::new(&flow, Direction::Response, received)?;
        Some(Box::new(Session { flow, upstream, tracks: [up, down], opened: false }))
    }

    /// Records that both directions are open: the client is told nothing before that.
    pub(in crate::proxy) async fn open(&mut self) -> Result<(), AuditError> {
        let records = self.tracks.each_ref().map(|track| track.open(&self.flow));
        self.opened = true;
        for record in records {
            drop(self.flow.shared().permit(record).await?);
        }
        Ok(())
    }

    /// Carries messages until the end; `early` is what was read of the client already.
    pub(in crate::proxy) async fn relay<IO>(mut self: Box<Self>, client: IO, early: &[&[u8]])
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send,
    {
        // The relay has its own.
        self.flow.client.deadlines.read_within(None);
        let [up, down] = &mut self.tracks;
        early.iter().for_each(|bytes| up.came(bytes));
        down.came(&self.upstream.leftover);
        relay(&self.flow, client, &mut self.upstream.io, &mut self.tracks).await;
    }
}

impl Drop for Session {
    /// What was opened has an end on record also where nobody carries it any longer.
    fn drop(&mut self) {
        if self.opened {
            // Who has said goodbye, and heard it, may go.
            let closed = self.tracks.iter().all(Track::is_closed);
            let reason = if closed { CLOSED } else { self.flow.gone() };
            self.tracks.iter_mut().for_each(|track| track.end(&self.flow, reason));
        }
    }
}
