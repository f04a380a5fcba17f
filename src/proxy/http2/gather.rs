//! Gathers the frames of a connection's turn: they leave together.
//!
//! The engine flushes after every DATA frame, also when the next one is about to follow. Only the flush that ends its turn
//! says that nothing does.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits;
use crate::proxy::cork::Corked;

/// A connection below the engine.
#[derive(Debug)]
pub(in crate::proxy) struct Gathered<IO> {
    io: IO,
    /// Bytes that wait.
    waiting: usize,
    /// A DATA frame was written to its end: the engine looks for another one, and flushes if there is none.
    between: bool,
}

impl<IO: Corked> Gathered<IO> {
    pub(in crate::proxy) fn new(mut io: IO) -> Gathered<IO> {
        io.widen(limits::H2_GATHERED_ROOM);
        Gathered { io, waiting: 0, between: false }
    }
}

impl<IO: AsyncWrite + Corked + Unpin> Gathered<IO> {
    fn poll_let_go(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.between = false;
        self.io.cork(false);
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.waiting = 0;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Gathered<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Corked + Unpin> AsyncWrite for Gathered<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.between = false;
        self.io.cork(false);
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    /// A payload comes beside the head of its frame, and is not copied behind it as small ones are.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        if this.waiting > 0 && this.waiting + length > limits::H2_GATHERED {
            ready!(this.poll_let_go(cx))?;
        }
        let is_data = matches!(bufs, [head, payload, ..] if !head.is_empty() && !payload.is_empty());
        this.io.cork(is_data);
        let mut written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        if is_data && written.is_pending() {
            this.io.cork(false);
            written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        }
        let written = ready!(written)?;
        this.between = is_data && written == length;
        this.waiting += written;
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.between) {
            return Poll::Ready(Ok(()));
        }
        self.poll_let_go(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_let_go(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::*;

    /// Like a session: takes so much while it is corked.
    #[derive(Debug, Default)]
    struct Session {
        corked: bool,
        waiting: usize,
        /// What left, one entry a call.
        sent: Vec<usize>,
    }

    impl Corked for Session {
        fn cork(&mut self, corked: bool) {
            self.corked = corked;
        }

        fn widen(&mut self, room: usize) {
            assert!(room > limits::H2_GATHERED);
        }
    }

    impl Session {
        fn send(&mut self) {
            if self.waiting > 0 {
                self.sent.push(std::mem::take(&mut self.waiting));
            }
        }
    }

    impl AsyncWrite for Session {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            if !self.corked {
                self.send();
            }
            let taken = buf.len().min(64 * 1024 - self.waiting);
            if taken == 0 {
                return Poll::Pending;
            }
            self.waiting += taken;
            if !self.corked {
                self.send();
            }
            Poll::Ready(Ok(taken))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let whole: Vec<u8> = bufs.iter().flat_map(|buf| buf.to_vec()).collect();
            self.poll_write(cx, &whole)
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            assert!(!self.corked, "nothing leaves");
            self.send();
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn cx() -> Context<'static> {
        Context::from_waker(std::task::Waker::noop())
    }

    /// Writes one DATA frame as the engine does, with the flush behind it.
    fn frame(io: &mut Gathered<Session>, length: usize) {
        let (head, payload) = ([0; 9], vec![0; length]);
        let mut left = 9 + length;
        while left > 0 {
            let start = 9 + length - left;
            let bufs = match start {
                0 => vec![IoSlice::new(&head), IoSlice::new(&payload)],
                _ => vec![IoSlice::new(&payload[start - 9..])],
            };
            let Poll::Ready(Ok(written)) = Pin::new(&mut *io).poll_write_vectored(&mut cx(), &bufs) else {
                panic!("it waits")
            };
            left -= written;
        }
        assert!(matches!(Pin::new(io).poll_flush(&mut cx()), Poll::Ready(Ok(()))));
    }

    #[test]
    fn frames_of_one_turn_leave_together() {
        let mut io = Gathered::new(Session::default());
        (0..8).for_each(|_| frame(&mut io, 16_375));
        assert_eq!(io.io.sent, [64 * 1024], "what fits is sent as one");
        assert!(matches!(Pin::new(&mut io).poll_flush(&mut cx()), Poll::Ready(Ok(()))));
        assert_eq!(io.io.sent, [64 * 1024; 2]);
    }

    #[test]
    fn whatever_ends_a_turn_lets_all_of_it_go() {
        let control = |io: &mut Gathered<Session>| {
            let bufs = [IoSlice::new(&[0; 13])];
            assert!(Pin::new(&mut *io).poll_write_vectored(&mut cx(), &bufs).is_ready());
        };
        type End = fn(&mut Gathered<Session>);
        let ends: [(&str, End); 3] = [
            ("flush", |io| assert!(Pin::new(io).poll_flush(&mut cx()).is_ready())),
            ("shutdown", |io| assert!(Pin::new(io).poll_shutdown(&mut cx()).is_ready())),
            ("write", |io| assert!(Pin::new(io).poll_write(&mut cx(), b"x").is_ready())),
        ];
        for (name, end) in ends {
            let mut io = Gathered::new(Session::default());
            frame(&mut io, 1000);
            assert!(io.io.sent.is_empty());
            end(&mut io);
            assert_eq!((io.io.sent.first(), io.io.waiting), (Some(&1009), 0), "{name}");
        }
        let mut io = Gathered::new(Session::default());
        frame(&mut io, 1000);
        control(&mut io);
        assert!(matches!(Pin::new(&mut io).poll_flush(&mut cx()), Poll::Ready(Ok(()))));
        assert_eq!(io.io.sent.iter().sum::<usize>(), 1022, "one flush is enough behind what is no DATA");
    }

    #[test]
    fn a_frame_that_is_longer_than_all_that_may_wait_leaves_in_parts() {
        let mut io = Gathered::new(Session::default());
        frame(&mut io, 200_000);
        assert!(matches!(Pin::new(&mut io).poll_flush(&mut cx()), Poll::Ready(Ok(()))));
        assert_eq!(io.io.sent.iter().sum::<usize>(), 200_009);
    }
}
