//! Deadlines on a connection: how long a peer may send nothing, and how long it may take nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::still::{Still, Stillness};

/// A peer was silent, or took nothing, for too long. Travels inside an `io::Error` of kind `TimedOut`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stalled {
    Read(Duration),
    Write(Duration),
    /// It began what must come whole, a head or a line around a body, and did not end it.
    Unended(Duration),
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stalled::Read(limit) => write!(f, "peer sent nothing for {} s", limit.as_secs_f32()),
            Stalled::Write(limit) => write!(f, "peer took nothing for {} s", limit.as_secs_f32()),
            Stalled::Unended(limit) => {
                write!(f, "peer did not end a head or a line within {} s", limit.as_secs_f32())
            }
        }
    }
}

impl std::error::Error for Stalled {}

impl From<Stalled> for io::Error {
    fn from(stalled: Stalled) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, stalled)
    }
}

/// Sets the deadlines of a [`Deadlined`] from outside, as the exchange goes from one phase to the next.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// In milliseconds; zero means no deadline.
    read: AtomicU64,
    write: AtomicU64,
    /// Counts changes, so that a wait begun under an older limit begins anew.
    changes: AtomicU32,
    /// The peer took nothing in time.
    untaken: AtomicBool,
}

impl Deadlines {
    /// Whether what was written was not taken in time.
    pub(crate) fn is_untaken(&self) -> bool {
        self.0.untaken.load(Ordering::Relaxed)
    }

    /// It answers nothing, either.
    pub(crate) fn given_up(&self) {
        self.0.untaken.store(true, Ordering::Relaxed);
    }

    /// From now on, and from every later byte in either direction, the peer has this long to send something.
    pub(crate) fn read_within(&self, limit: Option<Duration>) {
        self.0.read.store(millis(limit), Ordering::Relaxed);
        self.0.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was said. Whoever waited before looks again: nothing else may ever wake it.
    pub(crate) fn changes(&self) -> u32 {
        self.0.changes.load(Ordering::Relaxed)
    }
}

fn millis(limit: Option<Duration>) -> u64 {
    limit.map_or(0, |limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1))
}

/// A wait for a peer. The timer is not touched when bytes flow: it is only looked at while nothing does, and set
/// anew when it fires early.
#[derive(Debug, Default)]
struct Wait {
    since: Option<(Instant, u32)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    fn progress(&mut self) {
        self.since = None;
    }

    /// Bytes went the other way: a wait under way begins anew.
    fn put_off(&mut self) {
        if let Some((since, _)) = &mut self.since {
            *since = Instant::now();
        }
    }

    /// Ready once the wait has lasted `limit`.
    fn poll_over(&mut self, cx: &mut Context<'_>, limit: u64, changes: u32) -> Poll<Duration> {
        if limit == 0 {
            return Poll::Pending;
        }
        let limit = Duration::from_millis(limit);
        let since = match self.since {
            Some((since, seen)) if seen == changes => since,
            _ => {
                let now = Instant::now();
                self.since = Some((now, changes));
                now
            }
        };
        // Beyond the far future a deadline is none.
        let Some(due) = since.checked_add(limit) else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= due {
                return Poll::Ready(limit);
            }
            timer.as_mut().reset(due);
        }
    }
}

/// A connection with deadlines on both directions, which is read only when it may have something.
#[derive(Debug)]
pub(crate) struct Deadlined<IO> {
    io: IO,
    still: Still,
    limits: Deadlines,
    read: Wait,
    write: Wait,
}

impl<IO> Deadlined<IO> {
    pub(crate) fn new(io: IO, read: Option<Duration>, write: Option<Duration>) -> (Self, Deadlines) {
        let limits = Deadlines(Arc::new(Shared {
            read: AtomicU64::new(millis(read)),
            write: AtomicU64::new(millis(write)),
            changes: AtomicU32::new(0),
            untaken: AtomicBool::new(false),
        }));
        let (read, write) = (Wait::default(), Wait::default());
        (Deadlined { io, still: Still::new(), limits: limits.clone(), read, write }, limits)
    }

    pub(crate) fn stillness(&self) -> Stillness {
        self.still.stillness()
    }

    fn after_write<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.write.progress();
            // A peer that is busy taking bytes is not late with its own.
            self.read.put_off();
            return done;
        }
        let shared = &self.limits.0;
        let limit = shared.write.load(Ordering::Relaxed);
        let over = ready!(self.write.poll_over(cx, limit, shared.changes.load(Ordering::Relaxed)));
        shared.untaken.store(true, Ordering::Relaxed);
        Poll::Ready(Err(Stalled::Write(over).into()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Deadlined<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let io = Pin::new(&mut this.io);
        if let Poll::Ready(done) = this.still.poll(cx, |cx| io.poll_read(cx, buf)) {
            this.read.progress();
            return Poll::Ready(done);
        }
        let shared = &this.limits.0;
        let limit = shared.read.load(Ordering::Relaxed);
        let over = ready!(this.read.poll_over(cx, limit, shared.changes.load(Ordering::Relaxed)));
        Poll::Ready(Err(Stalled::Read(over).into()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Deadlined<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.io).poll_write(cx, buf);
        self.after_write(cx, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Flushing nothing succeeds at once, so it says nothing of the peer: only waits count here.
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Pending => self.after_write(cx, Poll::Pending),
            done => done,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.io).poll_shutdown(cx);
        self.after_write(cx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.after_write(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn stalled(error: &io::Error) -> Option<Stalled> {
        error.get_ref().and_then(|inner| inner.downcast_ref().copied())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_read_and_bytes_put_it_off() {
        let (mut near, far) = tokio::io::duplex(64);
        let (mut far, _) = Deadlined::new(far, Some(LIMIT), Some(LIMIT));
        let start = Instant::now();
        let send = async {
            tokio::time::sleep(LIMIT - Duration::from_secs(1)).await;
            near.write_all(b"x").await.unwrap();
        };
        let receive = async {
            far.read_exact(&mut [0]).await.unwrap();
            far.read_exact(&mut [0]).await.unwrap_err()
        };
        let (error, ()) = tokio::join!(receive, send);
        assert_eq!(stalled(&error), Some(Stalled::Read(LIMIT)));
        assert_eq!(start.elapsed().as_secs(), 2 * LIMIT.as_secs() - 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_ends_a_write() {
        let (_near, far) = tokio::io::duplex(8);
        let (mut far, limits) = Deadlined::new(far, None, Some(LIMIT));
        let start = Instant::now();
        assert!(!limits.is_untaken());
        let error = far.write_all(&[0; 64]).await.unwrap_err();
        assert!(limits.is_untaken());
        assert_eq!(stalled(&error), Some(Stalled::Write(LIMIT)));
        assert_eq!(start.elapsed().as_secs(), LIMIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn limits_change_while_a_read_waits() {
        let (_near, far) = tokio::io::duplex(8);
        let (mut far, limits) = Deadlined::new(far, Some(LIMIT), None);
        let start = Instant::now();
        let brief = tokio::time::timeout(Duration::from_secs(50), far.read(&mut [0; 8])).await;
        assert!(brief.is_err());
        limits.read_within(Some(Duration::from_secs(5)));
        let error = far.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(stalled(&error), Some(Stalled::Read(Duration::from_secs(5))));
        assert_eq!(start.elapsed().as_secs(), 55);
        limits.read_within(None);
        assert!(tokio::time::timeout(Duration::from_secs(500), far.read(&mut [0; 8])).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn writing_puts_off_the_read_deadline() {
        let (mut near, far) = tokio::io::duplex(8);
        let (far, _) = Deadlined::new(far, Some(LIMIT), Some(LIMIT));
        let (mut reader, mut writer) = tokio::io::split(far);
        let start = Instant::now();
        let write = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(30)).await;
                writer.write_all(b"abcd").await.unwrap();
                near.read_exact(&mut [0; 4]).await.unwrap();
            }
        };
        let (error, ()) = tokio::join!(async { reader.read(&mut [0]).await.unwrap_err() }, write);
        assert_eq!(stalled(&error), Some(Stalled::Read(LIMIT)));
        assert_eq!(start.elapsed().as_secs(), 5 * 30 + 60);
    }
}
