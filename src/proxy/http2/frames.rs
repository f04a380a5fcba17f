//! The seam in front of the HTTP/2 engine: counts what each frame costs before the engine sees it.
//!
//! The engine bounds what a frame may hold; what it does not bound is how many frames that carry nothing a peer may
//! send. What it would refuse with another code than the standard's is refused here. Bytes pass unchanged, in place; only frame heads (RFC 9113, section 4.1) are looked at. Where a peer goes too
//! far its connection ends.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, SetOnce};
use tokio::time::Instant;

use super::blocks::{Block, Blocks};
use super::breach::{Breach, Entries, is_well_sized};
use super::budget::Budget;
use super::grant::Came;
use super::unread::Unread;
use crate::limits;
use crate::proxy::late::Late;

/// How a peer began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Greeting {
    /// With its settings, as HTTP/2 does (RFC 9113, section 3.4).
    Http2,
    /// With something else.
    Foreign,
    /// It ended without a word.
    Silent,
}

/// What the owner of a connection and the guard in front of it tell each other.
#[derive(Clone, Debug, Default)]
pub(in crate::proxy) struct FrameHandle(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    /// Wakes the owner of a client's connection, to say goodbye.
    breached: Notify,
    greeting: SetOnce<Greeting>,
    /// Something of it came.
    begun: AtomicBool,
    breach: OnceLock<Breach>,
    /// Streams that came to their end since the guard looked.
    finished: AtomicU64,
    /// Bytes of bodies that came.
    data: AtomicU64,
    /// Streams whose message has a field that it may not have, the latest; and whether there was any.
    malformed: Mutex<Vec<u32>>,
    unread: Unread,
    is_any_malformed: AtomicBool,
}

impl FrameHandle {
    pub(in crate::proxy) fn breach(&self) -> Option<Breach> {
        self.0.breach.get().copied()
    }

    /// Ready once a client has gone too far, with how. Nothing of it is read any more.
    pub(in crate::proxy) async fn breached(&self) -> Breach {
        loop {
            if let Some(breach) = self.breach() {
                return breach;
            }
            self.0.breached.notified().await;
        }
    }

    /// Whether a byte of the peer came.
    pub(in crate::proxy) fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// How the peer began, once it has.
    pub(in crate::proxy) async fn greeting(&self) -> Greeting {
        *self.0.greeting.wait().await
    }

    /// Bytes of bodies that the peer has sent.
    pub(in crate::proxy) fn received(&self) -> u64 {
        self.0.data.load(Ordering::Relaxed)
    }

    /// The same, and what of it waits.
    pub(super) fn came(&self) -> Came {
        Came { bytes: self.received(), waiting: self.0.unread.bytes() }
    }

    /// Whether a stream's message has a pseudo field where none may be. Known before the engine sees it.
    pub(in crate::proxy) fn is_malformed(&self, stream: h2::StreamId) -> bool {
        let streams = || self.0.malformed.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.is_any_malformed.load(Ordering::Acquire) && streams().contains(&stream.as_u32())
    }

    /// Whether much of what came has waited for its readers for a while.
    pub(in crate::proxy) fn is_clogged(&self) -> bool {
        self.0.unread.is_clogged()
    }

    /// What waits on its streams.
    pub(super) fn unread(&self) -> &Unread {
        &self.0.unread
    }

    fn found_malformed(&self, stream: u32) {
        let mut streams = self.0.malformed.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= limits::H2_STREAM_ERRORS {
            streams.remove(0);
        }
        streams.push(stream);
        self.0.is_any_malformed.store(true, Ordering::Release);
    }

    /// A stream came to its end: who uses streams may give some up.
    pub(in crate::proxy) fn finished(&self) {
        self.0.finished.fetch_add(1, Ordering::Relaxed);
    }
}

const HEAD: usize = 9;
const PREFACE: usize = 24;
const SETTINGS: u8 = 4;

/// Reads frame heads off a stream of bytes, wherever it is cut, and counts.
#[derive(Debug)]
struct Counter {
    head: [u8; HEAD],
    /// Bytes of the head that are here.
    have: usize,
    /// Bytes of the payload that are still to come, or of the preface.
    skip: usize,
    /// Bytes of the header block that is under way, and frames of it.
    block: usize,
    pieces: usize,
    blocks: Blocks,
    /// What is to come belongs to it.
    in_block: bool,
    /// More of it must follow.
    open: bool,
    /// Frames that began, those that go on with a block not counted.
    begun: u64,
    /// Bytes of bodies that were begun.
    data: u64,
    greeting: Option<Greeting>,
    /// Clients may be pushed to.
    is_client: bool,
    settings: Entries,
    /// Streams that a client ended, the latest: none of them goes on.
    ended: VecDeque<u32>,
    resets: Budget,
    control: Budget,
}

impl Counter {
    fn new(is_client: bool) -> Counter {
        let now = Instant::now();
        Counter {
            head: [0; HEAD],
            have: 0,
            skip: if is_client { PREFACE } else { 0 },
            block: 0,
            pieces: 0,
            blocks: Blocks::new(is_client),
            in_block: false,
            open: false,
            begun: 0,
            data: 0,
            greeting: None,
            is_client,
            settings: Entries::default(),
            ended: VecDeque::new(),
            resets: Budget::new(limits::H2_RESETS, limits::H2_RESETS_A_SECOND, now),
            control: Budget::new(limits::H2_CONTROL, limits::H2_CONTROL_A_SECOND, now),
        }
    }

    /// Its owner is told of streams that carry what they may not, and of bodies.
    fn feed(&mut self, mut bytes: &[u8], handle: &FrameHandle) -> Result<(), Breach> {
        while !bytes.is_empty() {
            let [_, _, _, kind, ..] = self.head;
            let (payload, rest) = bytes.split_at(self.skip.min(bytes.len()));
            self.skip -= payload.len();
            bytes = rest;
            if self.in_block {
                self.blocks.take(payload);
                self.end_block(handle)?;
            } else if kind == SETTINGS {
                self.settings.take(payload, self.is_client)?;
            }
            let wanted = (HEAD - self.have).min(bytes.len());
            let (head, rest) = bytes.split_at(wanted);
            if self.have == 0 && wanted > 0 && !self.open {
                self.begun += 1;
            }
            if let Some(place) = self.head.get_mut(self.have..self.have + wanted) {
                place.copy_from_slice(head);
            }
            self.have += wanted;
            bytes = rest;
            if self.have == HEAD {
                self.have = 0;
                self.frame(handle)?;
                self.end_block(handle)?;
            }
        }
        Ok(())
    }

    /// The number of what has begun, has not ended and is taken whole: a frame, or a block of them. How fast bodies come is
    /// looked at where they are read.
    fn under_way(&self) -> Option<u64> {
        let [_, _, _, kind, ..] = self.head;
        let is_data = kind == 0;
        let within = match self.have {
            0 => self.skip > 0 && !is_data,
            1..4 => true,
            _ => !is_data,
        };
        (self.open || within).then_some(self.begun)
    }

    fn end_block(&mut self, handle: &FrameHandle) -> Result<(), Breach> {
        if !self.in_block || self.skip > 0 {
            return Ok(());
        }
        self.in_block = false;
        match self.blocks.end() {
            Block::Well => Ok(()),
            Block::Malformed(stream) => {
                handle.found_malformed(stream);
                Ok(())
            }
            Block::Unreadable => Err(Breach::Compression),
        }
    }

    /// A head is whole.
    fn frame(&mut self, handle: &FrameHandle) -> Result<(), Breach> {
        let [a, b, c, kind, flags, stream @ ..] = self.head;
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        self.skip = length;
        let first = if kind == SETTINGS { Greeting::Http2 } else { Greeting::Foreign };
        if *self.greeting.get_or_insert(first) == Greeting::Foreign {
            return Err(Breach::Greeting);
        }
        if !is_well_sized(kind, flags, length) {
            return Err(Breach::Size);
        }
        const END_STREAM: u8 = 1;
        const END_HEADERS: u8 = 4;
        if self.is_client && matches!(kind, 0 | 1) {
            if self.ended.contains(&stream) {
                return Err(Breach::Closed);
            }
            if flags & END_STREAM != 0 {
                if self.ended.len() >= limits::H2_ENDED_STREAMS {
                    self.ended.pop_front();
                }
                self.ended.push_back(stream);
            }
        }
        if matches!(kind, 0 | 3) && (kind == 3 || flags & END_STREAM != 0) {
            self.blocks.ended(stream);
        }
        match kind {
            // DATA earns what it carries.
            0 if length > 0 => {
                self.data += length as u64;
                handle.unread().arrived(stream, length);
                self.control.earn(1 + length as u64 / limits::H2_CONTROL_BYTES);
                Ok(())
            }
            0 if flags & END_STREAM != 0 => Ok(()),
            // HEADERS and CONTINUATION: one block.
            1 | 9 => {
                (self.block, self.pieces) = match kind {
                    1 => (length, 0),
                    _ => (self.block.saturating_add(length), self.pieces + 1),
                };
                let ended = flags & END_HEADERS != 0;
                let too_much =
                    self.block > limits::H2_HEAD_BYTES as usize || self.pieces > limits::H2_CONTINUATIONS;
                self.in_block = true;
                self.open = !ended;
                self.blocks.begin(stream, flags, kind == 1);
                if too_much && (!ended || self.pieces > 0) { Err(Breach::Continuations) } else { Ok(()) }
            }
            3 => spend(&mut self.resets, Breach::Resets),
            _ => spend(&mut self.control, Breach::Control),
        }
    }
}

fn spend(budget: &mut Budget, breach: Breach) -> Result<(), Breach> {
    if budget.spend(Instant::now) { Ok(()) } else { Err(breach) }
}

/// A connection whose peer is held to what its traffic needs.
#[derive(Debug)]
pub(in crate::proxy) struct FrameGuard<IO> {
    io: IO,
    /// A client is told why; an upstream is simply left.
    is_client: bool,
    counter: Counter,
    late: Late,
    handle: FrameHandle,
}

impl<IO> FrameGuard<IO> {
    /// In front of a client.
    pub(in crate::proxy) fn client(io: IO) -> (Self, FrameHandle) {
        Self::new(io, true)
    }

    /// In front of an upstream.
    pub(in crate::proxy) fn upstream(io: IO) -> (Self, FrameHandle) {
        Self::new(io, false)
    }

    fn new(io: IO, is_client: bool) -> (Self, FrameHandle) {
        let unread = if is_client { Unread::promised() } else { Unread::default() };
        let handle = FrameHandle(Arc::new(Told { unread, ..Told::default() }));
        let limit = if is_client { limits::HEAD_TIMEOUT } else { limits::FIRST_BYTE_TIMEOUT };
        let (counter, late) = (Counter::new(is_client), Late::new(limit));
        (FrameGuard { io, is_client, counter, late, handle: handle.clone() }, handle)
    }

    fn goes_too_far(&self, breach: Breach) -> Poll<io::Result<()>> {
        // The first one counts: nothing is read after it.
        let _ = self.handle.0.breach.set(breach);
        self.end(breach)
    }

    /// What whoever reads is told once a peer has gone too far: of a client nothing, since its connection is about to end
    /// with a word to it.
    fn end(&self, breach: Breach) -> Poll<io::Result<()>> {
        if self.is_client {
            self.handle.0.breached.notify_one();
            return Poll::Pending;
        }
        Poll::Ready(Err(breach.into()))
    }

    /// What is sent asks for windows to be given back.
    fn sent(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(length)) = written {
            self.counter.control.earn(1 + *length as u64 / limits::H2_CONTROL_BYTES);
        }
    }
}

impl<IO> Drop for FrameGuard<IO> {
    /// Nobody waits for a word that cannot come any more.
    fn drop(&mut self) {
        let _ = self.handle.0.greeting.set(Greeting::Silent);
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for FrameGuard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(breach) = this.handle.breach() {
            return this.end(breach);
        }
        if this.handle.unread().poll_read(cx).is_pending() {
            this.late.pause();
            return Poll::Pending;
        }
        let start = buf.filled().len();
        match Pin::new(&mut this.io).poll_read(cx, buf) {
            Poll::Ready(read) => read?,
            Poll::Pending => {
                ready!(this.late.poll(cx, this.counter.under_way()));
                return this.goes_too_far(Breach::Unended);
            }
        }
        let fresh = buf.filled().get(start..).unwrap_or_default();
        if this.counter.greeting.is_none() && !fresh.is_empty() {
            this.handle.0.begun.store(true, Ordering::Relaxed);
        }
        this.counter.resets.earn(this.handle.0.finished.swap(0, Ordering::Relaxed));
        let counted = this.counter.feed(fresh, &this.handle);
        this.handle.0.data.store(this.counter.data, Ordering::Relaxed);
        if let Some(greeting) = this.counter.greeting {
            // The first one counts.
            let _ = this.handle.0.greeting.set(greeting);
        }
        if let Err(breach) = counted {
            buf.set_filled(start);
            return this.goes_too_far(breach);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for FrameGuard<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.sent(&written);
        written
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
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.sent(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let [_, a, b, c] = u32::try_from(length).unwrap().to_be_bytes();
        let mut out = vec![a, b, c, kind, flags, 0, 0, 0, 1];
        out.resize(HEAD + length, 0);
        out
    }

    fn greeted() -> Counter {
        let mut counter = Counter::new(false);
        counter.feed(&frame(4, 0, 0), &FrameHandle::default()).unwrap();
        counter
    }

    /// How many of these frames pass.
    fn passing(frames: impl Iterator<Item = Vec<u8>>) -> (usize, Option<Breach>) {
        let mut counter = greeted();
        for (count, frame) in frames.enumerate() {
            if let Err(breach) = counter.feed(&frame, &FrameHandle::default()) {
                return (count, Some(breach));
            }
        }
        (usize::MAX, None)
    }

    #[test]
    fn frames_that_carry_nothing_are_bounded() {
        let many = |kind, flags, length| passing((0..20_000).map(move |_| frame(kind, flags, length)));
        let (resets, breach) = many(3, 0, 4);
        assert!(resets <= 200 && breach == Some(Breach::Resets), "{resets} {breach:?}");
        for (kind, length) in [(2, 5), (4, 0), (6, 8), (8, 4), (0, 0), (0xfa, 0)] {
            let (passed, breach) = many(kind, 0, length);
            assert!(passed < 5_000 && breach == Some(Breach::Control), "{kind}: {passed} {breach:?}");
        }
        assert_eq!(many(9, 0, 16).1, Some(Breach::Continuations));
        assert_eq!(many(9, 0, 0).1, Some(Breach::Continuations));
        assert_eq!(many(0, 0, 1000), (usize::MAX, None), "what carries something passes");
        assert_eq!(many(1, 5, 30), (usize::MAX, None), "requests are bounded by the engine");
    }

    #[test]
    fn traffic_earns_control_frames() {
        let frames = (0..20_000).flat_map(|_| [frame(0, 0, 8 * 1024), frame(8, 0, 4), frame(8, 0, 4)]);
        assert_eq!(passing(frames), (usize::MAX, None));
    }

    #[test]
    fn heads_are_read_wherever_they_are_cut() {
        let bytes: Vec<u8> = [frame(4, 0, 6), frame(1, 4, 21), frame(0, 0, 300), frame(3, 0, 4)].concat();
        let whole = {
            let mut counter = Counter::new(false);
            counter.feed(&bytes, &FrameHandle::default()).unwrap();
            format!("{:?}", (counter.skip, counter.have, counter.block))
        };
        for cut in 0..bytes.len() {
            let mut counter = Counter::new(false);
            counter.feed(&bytes[..cut], &FrameHandle::default()).unwrap();
            counter.feed(&bytes[cut..], &FrameHandle::default()).unwrap();
            assert_eq!(format!("{:?}", (counter.skip, counter.have, counter.block)), whole, "cut at {cut}");
        }
        let mut counter = Counter::new(true);
        counter.feed(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &FrameHandle::default()).unwrap();
        assert_eq!((counter.skip, counter.have), (0, 0));
    }
}
