//! A stream of an HTTP/2 connection as a pair of byte streams (RFC 8441).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::FrameHandle;
use crate::limits;
use crate::proxy::deadline::Stalled;
use crate::proxy::silence::Silence;

/// Reads and writes DATA frames. `K` is kept for as long as that goes on.
#[derive(Debug)]
pub(in crate::proxy) struct Duplex<K> {
    receive: RecvStream,
    send: SendStream<Bytes>,
    frames: FrameHandle,
    read: Bytes,
    stall: Silence,
    /// This side has ended.
    ended: bool,
    kept: K,
    /// What is kept is told when both sides have ended: else the stream is given up.
    tell: fn(&mut K),
}

impl<K> Duplex<K> {
    pub(in crate::proxy) fn new(
        mut receive: RecvStream,
        send: SendStream<Bytes>,
        frames: FrameHandle,
        kept: K,
        tell: fn(&mut K),
    ) -> Duplex<K> {
        let stall = Silence::new(limits::WRITE_STALL_TIMEOUT);
        frames.unread().begin(receive.stream_id().as_u32(), receive.flow_control().used_capacity());
        Duplex { receive, send, frames, read: Bytes::new(), stall, ended: false, kept, tell }
    }
}

impl<K> Drop for Duplex<K> {
    fn drop(&mut self) {
        if self.ended && self.receive.is_end_stream() {
            (self.tell)(&mut self.kept);
        }
        self.frames.unread().end(self.receive.stream_id().as_u32());
    }
}

impl<K: Unpin> AsyncRead for Duplex<K> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.read.is_empty() {
            match ready!(self.receive.poll_data(cx)) {
                Some(Ok(chunk)) => {
                    // A stream that is over needs no room.
                    let windows = self.receive.flow_control();
                    let _ = windows.release_capacity(chunk.len());
                    let left = windows.used_capacity();
                    self.frames.unread().left(self.receive.stream_id().as_u32(), left);
                    self.read = chunk;
                }
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.read.len().min(buf.remaining());
        buf.put_slice(self.read.get(..length).unwrap_or_default());
        self.read.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<K: Unpin> AsyncWrite for Duplex<K> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.send.reserve_capacity(buf.len());
        while self.send.capacity() == 0 {
            match self.send.poll_capacity(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(io::Error::other(error))),
                Poll::Ready(None) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Poll::Pending => {
                    ready!(self.stall.poll(cx));
                    return Poll::Ready(Err(Stalled::Write(limits::WRITE_STALL_TIMEOUT).into()));
                }
            }
        }
        self.stall.broken();
        let length = self.send.capacity().min(buf.len());
        let piece = Bytes::copy_from_slice(buf.get(..length).unwrap_or_default());
        self.send.send_data(piece, false).map_err(io::Error::other)?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The connection's own task writes.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A second end is none.
        let _ = self.send.send_data(Bytes::new(), true);
        self.ended = true;
        Poll::Ready(Ok(()))
    }
}
