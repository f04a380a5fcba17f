//! The guard in front of a socket: reads are checked, writes pass.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::{Framing, Role};
use super::{GuardHandle, Refusal};
use crate::limits;
use crate::proxy::deadline::Stalled;
use crate::proxy::late::Late;

/// What hyper is given to read in place of a refused request: it makes hyper call the service, which finds the
/// refusal in the handle and answers it properly. Nothing of the refused bytes is in it.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";
/// Tells the stand-in from requests; `invalid` is a name that can never be one (RFC 6761, section 6.4).
pub(super) const STAND_IN_HOST: &str = "refused.invalid";

/// A connection whose peer is held to the letter of HTTP/1.
#[derive(Debug)]
pub(crate) struct Guard<IO> {
    io: IO,
    framing: Framing,
    handle: GuardHandle,
    /// Read but not passed on yet: an incomplete head, or what came behind one.
    stash: BytesMut,
    /// How many leading bytes of the stash may pass.
    cleared: usize,
    refused: Option<Refused>,
    /// A head that comes byte by byte has no longer.
    late: Late,
    /// Who is told when a body begins that is not here.
    awaits: Option<Arc<AtomicBool>>,
}

#[derive(Clone, Copy, Debug)]
enum Refused {
    /// Reading fails.
    Fail(Refusal),
    /// The stand-in was given; what still arrives is thrown away, so that closing does not reset the reply.
    Discard { left: usize },
}

impl<IO> Guard<IO> {
    /// In front of a client: checks requests. `already_read` is what was read of the connection before.
    pub(crate) fn requests(io: IO, already_read: BytesMut) -> (Self, GuardHandle) {
        Self::new(io, Role::Requests, already_read)
    }

    /// In front of an upstream: checks responses, each announced by [`GuardHandle::announce`].
    pub(crate) fn responses(io: IO) -> (Self, GuardHandle) {
        Self::new(io, Role::Responses, BytesMut::new())
    }

    fn new(io: IO, role: Role, stash: BytesMut) -> (Self, GuardHandle) {
        let handle = GuardHandle::default();
        let limit = match role {
            Role::Requests => limits::HEAD_TIMEOUT,
            Role::Responses => limits::FIRST_BYTE_TIMEOUT,
        };
        let guard = Guard {
            io,
            framing: Framing::new(role),
            handle: handle.clone(),
            stash,
            cleared: 0,
            refused: None,
            late: Late::new(limit),
            awaits: None,
        };
        (guard, handle)
    }

    /// Sets `awaits` whenever a head came without the whole of its body, and takes it back when that came.
    pub(crate) fn awaiting(self, awaits: Arc<AtomicBool>) -> Self {
        Guard { awaits: Some(awaits), ..self }
    }

    /// Says how far the message has come.
    fn note(&self) {
        let in_body = self.framing.is_in_body();
        let was = self.handle.note_in_body(in_body);
        if let Some(awaits) = self.awaits.as_ref().filter(|_| in_body != was) {
            awaits.store(in_body, Ordering::Relaxed);
        }
    }

    /// The connection and what was read of it but not passed on, for another protocol to go on with.
    pub(crate) fn into_parts(self) -> (IO, BytesMut) {
        (self.io, self.stash)
    }

    fn deliver(&mut self, buf: &mut ReadBuf<'_>) {
        let length = self.cleared.min(buf.remaining());
        buf.put_slice(self.stash.get(..length).unwrap_or_default());
        self.stash.advance(length);
        self.cleared -= length;
        if self.stash.is_empty() {
            // An idle connection keeps no buffer.
            self.stash = BytesMut::new();
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.handle.refuse(refusal);
        self.refused = Some(if self.framing.role() == Role::Requests && self.framing.is_in_head() {
            self.stash = BytesMut::from(STAND_IN);
            self.cleared = STAND_IN.len();
            Refused::Discard { left: limits::REFUSED_DRAIN_BYTES }
        } else {
            self.stash = BytesMut::new();
            Refused::Fail(refusal)
        });
    }

    fn take_orders(&mut self) {
        if self.handle.is_passing_through() && !self.framing.is_passing_through() {
            self.framing.pass_through();
        }
        if self.framing.role() == Role::Responses
            && let Some(expected) = self.handle.take_expected()
        {
            self.framing.announce(expected);
        }
    }

    /// Clears as much of the stash as may pass; false when nothing may.
    fn clear_stash(&mut self) -> bool {
        match self.framing.advance(&self.stash) {
            Ok(length) => self.cleared = length,
            Err(refusal) => self.refuse(refusal),
        }
        self.note();
        self.cleared > 0 || self.refused.is_some()
    }

    /// Sorts what was just read into `buf` behind `start`: what may pass stays there, the rest is stashed.
    fn sort(&mut self, buf: &mut ReadBuf<'_>, start: usize) {
        let mut passed = 0;
        let mut refusal = None;
        let fresh = buf.filled().get(start..).unwrap_or_default();
        if self.stash.is_empty() {
            loop {
                match self.framing.advance(fresh.get(passed..).unwrap_or_default()) {
                    Ok(0) => break,
                    Ok(length) => passed += length,
                    Err(error) => {
                        refusal = Some(error);
                        break;
                    }
                }
            }
        }
        self.stash.extend_from_slice(fresh.get(passed..).unwrap_or_default());
        buf.set_filled(start + passed);
        self.note();
        if let Some(refusal) = refusal {
            self.refuse(refusal);
        }
    }

    /// The peer has sent its last byte.
    fn at_end(&self) -> io::Result<()> {
        match self.framing.role() {
            Role::Responses if !self.stash.is_empty() => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "upstream closed the connection inside a head",
            )),
            // A request that was cut short is no request; in bodies hyper sees the end itself.
            Role::Responses | Role::Requests => Ok(()),
        }
    }
}

impl<IO: AsyncRead + Unpin> Guard<IO> {
    fn poll_refused(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        refused: Refused,
    ) -> Poll<io::Result<()>> {
        let left = match refused {
            Refused::Fail(refusal) => return Poll::Ready(Err(refusal.into())),
            Refused::Discard { left } => left,
        };
        let start = buf.filled().len();
        let mut left = left;
        while left > 0 {
            let read = Pin::new(&mut self.io).poll_read(cx, buf);
            let length = buf.filled().len() - start;
            buf.set_filled(start);
            left = match read {
                Poll::Pending => break,
                Poll::Ready(Ok(())) if length > 0 => left.saturating_sub(length),
                // The end is kept from hyper: it would drop the reply that is being written.
                Poll::Ready(_) => 0,
            };
            self.refused = Some(Refused::Discard { left });
        }
        Poll::Pending
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Guard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.cleared > 0 {
                this.deliver(buf);
                return Poll::Ready(Ok(()));
            }
            if let Some(refused) = this.refused {
                return this.poll_refused(cx, buf, refused);
            }
            this.take_orders();
            if !this.stash.is_empty() && this.clear_stash() {
                continue;
            }
            if this.framing.is_withheld() {
                this.handle.wait(cx.waker());
                return Poll::Pending;
            }
            let start = buf.filled().len();
            match Pin::new(&mut this.io).poll_read(cx, buf) {
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    let under_way = this.framing.under_way(!this.stash.is_empty());
                    ready!(this.late.poll(cx, under_way));
                    if this.framing.role() == Role::Responses || !this.framing.is_in_head() {
                        return Poll::Ready(Err(Stalled::Unended(this.late.limit()).into()));
                    }
                    this.refuse(Refusal::HeadTimeout);
                    continue;
                }
            }
            if buf.filled().len() == start {
                return Poll::Ready(this.at_end());
            }
            this.handle.note_heard();
            this.sort(buf, start);
            if buf.filled().len() > start {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Guard<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.handle.note_written();
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.handle.note_written();
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
