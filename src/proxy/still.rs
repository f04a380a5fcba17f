//! Leaves a peer alone that has nothing to say: once a read has found nothing, the session below is not asked again
//! before something has stirred.
//!
//! Whoever drives an exchange asks many times over whether there is more to read, after each thing that it did. To
//! find that there is not takes a walk through TLS and down to the socket; here it takes a look at one flag.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Knows whether the last read found nothing, and nothing has stirred since.
#[derive(Clone, Debug)]
pub(super) struct Stillness(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    still: AtomicBool,
    /// Whoever asked last.
    reader: Mutex<Option<Waker>>,
}

impl Stillness {
    /// As far as the runtime has heard; a read would find the same.
    pub(super) fn holds(&self) -> bool {
        self.0.still.load(Ordering::Acquire)
    }
}

impl Shared {
    fn attach(&self, reader: &Waker) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader.clone());
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In this order, and a reader the other way round: it sees the flag, or is woken.
        self.still.store(false, Ordering::Release);
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// What stands in front of a connection that is read only when it may have something.
#[derive(Debug)]
pub(super) struct Still {
    shared: Arc<Shared>,
    waker: Waker,
    /// Who is known to have asked last.
    reader: Option<Waker>,
}

impl Still {
    pub(super) fn new() -> Still {
        let shared = Arc::<Shared>::default();
        Still { waker: Waker::from(Arc::clone(&shared)), shared, reader: None }
    }

    pub(super) fn stillness(&self) -> Stillness {
        Stillness(Arc::clone(&self.shared))
    }

    /// Reads unless that would find nothing.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.reader.as_ref().is_none_or(|known| !known.will_wake(cx.waker())) {
            self.shared.attach(cx.waker());
            self.reader = Some(cx.waker().clone());
        }
        if self.shared.still.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // What stirs while it is asked takes this back.
        self.shared.still.store(true, Ordering::Release);
        let read = read(&mut Context::from_waker(&self.waker));
        if read.is_ready() {
            self.shared.still.store(false, Ordering::Release);
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io;
    use std::pin::Pin;
    use std::sync::atomic::AtomicUsize;

    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

    use super::*;

    /// Counts how often what is behind it is asked.
    struct Asked(DuplexStream, Still, Arc<AtomicUsize>);

    impl AsyncRead for Asked {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Asked(io, still, asked) = &mut *self;
            still.poll(cx, |cx| {
                asked.fetch_add(1, Ordering::Relaxed);
                Pin::new(io).poll_read(cx, buf)
            })
        }
    }

    fn pair() -> (Asked, Stillness, DuplexStream, Arc<AtomicUsize>) {
        let (near, far) = duplex(1 << 16);
        let (asked, still) = (Arc::new(AtomicUsize::new(0)), Still::new());
        let stillness = still.stillness();
        (Asked(near, still, Arc::clone(&asked)), stillness, far, asked)
    }

    fn ask(still: &mut Asked, waker: &Waker) -> Poll<usize> {
        let mut room = [0; 8];
        let mut buf = ReadBuf::new(&mut room);
        let read = Pin::new(still).poll_read(&mut Context::from_waker(waker), &mut buf);
        read.map(|read| read.map(|()| buf.filled().len()).unwrap())
    }

    #[tokio::test]
    async fn it_is_asked_once_until_something_stirs() {
        let (mut still, stillness, mut far, asked) = pair();
        assert!(!stillness.holds(), "nobody has asked");
        for _ in 0..5 {
            assert!(ask(&mut still, Waker::noop()).is_pending());
            assert!(stillness.holds());
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        // Both what comes and the end stir, and are found by whoever asks next.
        far.write_all(b"ab").await.unwrap();
        assert!(!stillness.holds());
        assert_eq!(ask(&mut still, Waker::noop()), Poll::Ready(2));
        assert!(!stillness.holds(), "there may be more");
        assert!(ask(&mut still, Waker::noop()).is_pending());
        assert!(stillness.holds());
        drop(far);
        assert!(!stillness.holds());
        for _ in 0..2 {
            assert_eq!(ask(&mut still, Waker::noop()), Poll::Ready(0));
        }
    }

    #[tokio::test]
    async fn whoever_asked_last_is_woken() {
        let (mut still, _, mut far, asked) = pair();
        assert!(ask(&mut still, Waker::noop()).is_pending());
        let (read, ()) = tokio::join!(
            async {
                let mut room = [0; 8];
                still.read(&mut room).await.unwrap()
            },
            async {
                let mut polls = 0;
                poll_fn(|cx| {
                    polls += 1;
                    cx.waker().wake_by_ref();
                    if polls < 3 { Poll::Pending } else { Poll::Ready(()) }
                })
                .await;
                far.write_all(b"abc").await.unwrap();
            }
        );
        assert_eq!((read, asked.load(Ordering::Relaxed)), (3, 2));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_is_missed_between_threads() {
        const PIECES: usize = 20_000;
        let (mut still, _, mut far, _) = pair();
        let send = tokio::spawn(async move {
            for piece in 0..PIECES {
                far.write_u8(piece as u8).await.unwrap();
                if piece % 7 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
        let receive = tokio::spawn(async move {
            for piece in 0..PIECES {
                assert_eq!(still.read_u8().await.unwrap(), piece as u8);
            }
            still.read(&mut [0; 1]).await.unwrap()
        });
        send.await.unwrap();
        assert_eq!(receive.await.unwrap(), 0);
    }
}
