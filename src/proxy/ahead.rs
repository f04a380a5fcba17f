//! Reads further ahead than it was asked for, while a peer sends more than is asked for.
//!
//! TLS asks for one record at a time: a system call for 16 KiB, and an acknowledgement that the kernel sends, and
//! the peer's kernel acts upon, for each. While bytes come in bulk, one call takes several records. What is small
//! goes straight to whoever asked.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits;

/// Connections in which bytes wait.
static ALL: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Buffers that no connection reads into just now.
    static SPARE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// A socket that is read ahead. It holds a buffer only while there is something in it.
#[derive(Debug)]
pub(super) struct Ahead<IO> {
    io: IO,
    /// Read, and not asked for yet.
    waiting: Option<Waiting>,
    /// The last read found all that was asked for: there may be more.
    bulk: bool,
    /// Nothing is sent for now.
    corked: bool,
    /// How many do the same.
    all: &'static AtomicUsize,
}

#[derive(Debug)]
struct Waiting {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    all: &'static AtomicUsize,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        give_back(std::mem::take(&mut self.buffer));
    }
}

impl<IO> Ahead<IO> {
    pub(super) fn new(io: IO) -> Ahead<IO> {
        Ahead::among(&ALL, io)
    }

    fn among(all: &'static AtomicUsize, io: IO) -> Ahead<IO> {
        Ahead { io, waiting: None, bulk: false, corked: false, all }
    }

    /// Whether bytes may wait here, too. Two may learn so of the last room: one too many does no harm.
    fn has_room(&self) -> bool {
        self.all.load(Ordering::Relaxed) < limits::READ_AHEAD_CONNECTIONS
    }

    /// Keeps the session above from sending: see [`super::cork`].
    pub(super) fn cork(&mut self, corked: bool) {
        self.corked = corked;
    }

    pub(super) fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Hands out what waits.
    fn deliver(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let Some(waiting) = &mut self.waiting else { return false };
        let bytes = waiting.buffer.get(waiting.start..waiting.end).unwrap_or_default();
        let length = bytes.len().min(buf.remaining());
        buf.put_slice(bytes.get(..length).unwrap_or_default());
        waiting.start += length;
        if waiting.start >= waiting.end {
            self.waiting = None;
        }
        true
    }
}

impl<IO: AsyncRead + Unpin> Ahead<IO> {
    /// Reads as much as there is, within a buffer.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = take();
        let mut into = ReadBuf::new(&mut buffer);
        let read = Pin::new(&mut self.io).poll_read(cx, &mut into);
        let end = into.filled().len();
        match read {
            Poll::Ready(Ok(())) if end > 0 => {
                self.all.fetch_add(1, Ordering::Relaxed);
                self.waiting = Some(Waiting { buffer, start: 0, end, all: self.all });
                Poll::Ready(Ok(end))
            }
            read => {
                give_back(buffer);
                read.map_ok(|()| 0)
            }
        }
    }
}

fn take() -> Box<[u8]> {
    let spare = SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten();
    spare.unwrap_or_else(|| vec![0; limits::READ_AHEAD].into_boxed_slice())
}

fn give_back(buffer: Box<[u8]>) {
    // A thread that ends keeps nothing.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < limits::READ_AHEAD_SPARE {
            spare.push(buffer);
        }
    });
}

impl<IO: AsyncRead + Unpin> AsyncRead for Ahead<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.deliver(buf) {
            return Poll::Ready(Ok(()));
        }
        let (before, asked) = (buf.filled().len(), buf.remaining());
        if this.bulk && asked < limits::READ_AHEAD && this.has_room() {
            let read = ready!(this.poll_fill(cx))?;
            this.bulk = read > asked;
            this.deliver(buf);
        } else {
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            this.bulk = asked >= limits::READ_AHEAD_FROM && buf.filled().len() - before == asked;
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Ahead<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.corked {
            return Poll::Pending;
        }
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
        if self.corked {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Gives one piece a read, or as much of it as is asked for; at the end nothing.
    #[derive(Debug)]
    struct Script {
        pieces: VecDeque<Vec<u8>>,
        reads: usize,
    }

    impl Script {
        /// Pieces of these lengths, their bytes numbered; an empty one makes a read wait.
        fn of(lengths: &[usize]) -> Script {
            let mut bytes = (0..251u8).cycle();
            let pieces = lengths.iter().map(|length| bytes.by_ref().take(*length).collect()).collect();
            Script { pieces, reads: 0 }
        }

        fn bytes(&self) -> Vec<u8> {
            self.pieces.iter().flatten().copied().collect()
        }
    }

    impl AsyncRead for Script {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.reads += 1;
            match self.pieces.pop_front() {
                None => Poll::Ready(Ok(())),
                Some(piece) if piece.is_empty() => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Some(mut piece) => {
                    let rest = piece.split_off(piece.len().min(buf.remaining()));
                    buf.put_slice(&piece);
                    if !rest.is_empty() {
                        self.pieces.push_front(rest);
                    }
                    Poll::Ready(Ok(()))
                }
            }
        }
    }

    fn spare() -> usize {
        SPARE.with(|spare| spare.borrow().len())
    }

    /// Reads to the end, asking for so many bytes at a time.
    async fn drain(io: &mut Ahead<Script>, asks: &[usize]) -> Vec<u8> {
        let (mut read, mut room) = (Vec::new(), vec![0; 1 << 17]);
        for ask in asks.iter().cycle() {
            match io.read(&mut room[..*ask]).await.unwrap() {
                0 => return read,
                length => read.extend_from_slice(&room[..length]),
            }
        }
        read
    }

    proptest! {
        #[test]
        fn bytes_come_as_they_were_sent(
            pieces in proptest::collection::vec(0usize..100_000, 1..12),
            asks in proptest::collection::vec(1usize..70_000, 1..6),
        ) {
            let script = Script::of(&pieces);
            let sent = script.bytes();
            let mut io = Ahead::new(script);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            prop_assert_eq!(runtime.block_on(drain(&mut io, &asks)), sent);
            prop_assert!(io.waiting.is_none());
        }
    }

    #[tokio::test]
    async fn bulk_takes_fewer_reads_and_leaves_no_buffer_behind() {
        const ASK: usize = 16_406;
        let mut io = Ahead::new(Script::of(&[1 << 20]));
        assert_eq!(drain(&mut io, &[ASK]).await.len(), 1 << 20);
        let reads = io.get_ref().reads;
        assert!(reads <= (1 << 20) / limits::READ_AHEAD + 4, "{reads} reads");
        assert!(io.waiting.is_none());
        assert_eq!(spare(), 1);
    }

    #[tokio::test]
    async fn no_more_read_ahead_at_once_than_may() {
        let all: &'static AtomicUsize = Box::leak(Box::default());
        let mut ios: Vec<_> = (0..limits::READ_AHEAD_CONNECTIONS + 2)
            .map(|_| Ahead::among(all, Script::of(&[1 << 17])))
            .collect();
        let mut room = vec![0; limits::READ_AHEAD_FROM];
        for io in &mut ios {
            // The first read tells that there is more, the second takes it.
            for _ in 0..2 {
                assert_eq!(io.read(&mut room).await.unwrap(), room.len());
            }
        }
        let waiting = |ios: &[Ahead<Script>]| ios.iter().filter(|io| io.waiting.is_some()).count();
        assert_eq!(waiting(&ios), limits::READ_AHEAD_CONNECTIONS);
        assert_eq!(all.load(Ordering::Relaxed), limits::READ_AHEAD_CONNECTIONS);
        // Whoever has none loses nothing, and has one when another is done.
        ios.remove(0);
        let last = ios.last_mut().unwrap();
        assert_eq!(last.read(&mut room).await.unwrap(), room.len());
        assert!(last.waiting.is_some());
        for mut io in ios {
            let rest = drain(&mut io, &[16_406]).await.len();
            assert!((rest + 2 * room.len()..=rest + 3 * room.len()).contains(&(1 << 17)), "{rest}");
        }
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_is_small_goes_straight_to_who_asked() {
        let mut io = Ahead::new(Script::of(&[900; 50]));
        assert_eq!(drain(&mut io, &[ASK_FIRST]).await.len(), 45_000);
        assert_eq!(spare(), 0);
    }

    /// What TLS asks for first.
    const ASK_FIRST: usize = limits::READ_AHEAD_FROM;
}
