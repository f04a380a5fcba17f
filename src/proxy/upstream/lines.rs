//! HTTP/2 connections to upstreams, each shared by many requests at once.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Poll;

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use h2::{Ping, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::Peer;
use super::error::UpstreamError;
use super::pool::Key;
use super::transport::Transport;
use crate::limits;
use crate::proxy::deadline::Deadlined;
use crate::proxy::http2::{self, Budget, FrameGuard, FrameHandle, Gathered, Width};

/// One connection. A task of its own drives it until it ends.
pub(super) struct Line {
    sender: SendRequest<Bytes>,
    pub(super) key: Arc<Key>,
    pub(super) peer: Peer,
    /// Streams that are open.
    open: AtomicUsize,
    /// It takes no more requests.
    closed: AtomicBool,
    only: AtomicBool,
    /// Streams in a row that it gave up without an answer.
    given_up: AtomicU32,
    /// Streams that this side may give up before it looks for another connection.
    cuts: Mutex<Budget>,
    /// Where it is noted that its upstream asks for calm.
    strains: OnceLock<Arc<Strains>>,
    /// The task that drives it.
    driver: OnceLock<AbortHandle>,
    /// When the last stream was given back.
    since: Mutex<Instant>,
    frames: FrameHandle,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("peer", &self.peer).field("open", &self.open).finish_non_exhaustive()
    }
}

impl Line {
    pub(super) async fn start(
        transport: Transport,
        peer: Peer,
        key: Arc<Key>,
    ) -> Result<Arc<Line>, h2::Error> {
        let (io, _) = Deadlined::new(Gathered::new(transport), None, Some(limits::WRITE_STALL_TIMEOUT));
        let (io, frames) = FrameGuard::upstream(io);
        let (sender, connection) = http2::client().handshake::<_, Bytes>(io).await?;
        let line = Arc::new(Line {
            sender,
            key,
            peer,
            open: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            only: AtomicBool::new(false),
            given_up: AtomicU32::new(0),
            cuts: Mutex::new(Budget::new(limits::H2_CUT, limits::H2_CUT_A_SECOND, Instant::now())),
            strains: OnceLock::new(),
            driver: OnceLock::new(),
            since: Mutex::new(Instant::now()),
            frames,
        });
        let driven = Arc::downgrade(&line);
        let frames = line.frames.clone();
        let driver = tokio::spawn(async move {
            let ended = drive(connection, &driven, &frames).await;
            if let Some(line) = driven.upgrade() {
                line.close();
            }
            if let Err(error) = ended {
                tracing::debug!(%error, "connection to an upstream ended");
            }
        });
        line.driver.get_or_init(|| driver.abort_handle());
        Ok(line)
    }

    /// No request is begun on it any more; those under way may end.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// A request was answered.
    pub(super) fn answered(&self) {
        if self.given_up.load(Ordering::Relaxed) > 0 {
            self.given_up.store(0, Ordering::Relaxed);
        }
    }

    /// The upstream gave up a stream. Where it says that it is the connection that asks too much of it, or keeps on doing so,
    /// other requests would fare no better here.
    pub(super) fn gave_up(&self, reason: Reason) {
        let is_unwell = match reason {
            Reason::ENHANCE_YOUR_CALM => true,
            // These are of one stream.
            Reason::NO_ERROR | Reason::CANCEL | Reason::REFUSED_STREAM | Reason::STREAM_CLOSED => false,
            _ => self.given_up.fetch_add(1, Ordering::Relaxed) + 1 >= limits::H2_GIVEN_UP,
        };
        if is_unwell {
            self.close();
        }
        if reason == Reason::ENHANCE_YOUR_CALM
            && let Some(strains) = self.strains.get()
        {
            strains.note(&self.key);
        }
    }

    /// This side gave up a stream, as where its client went away. An upstream ends a connection where that happens often, with
    /// the streams of all others: so it takes no more of them long before that.
    pub(super) fn cut(&self) {
        let is_fine = self.cuts.lock().unwrap_or_else(PoisonError::into_inner).spend(Instant::now);
        if !is_fine {
            self.close();
        }
    }

    /// It takes no more requests and carries none: its connection ends at once, but for who was just about to take a stream.
    fn let_go(self: &Arc<Line>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let line = Arc::clone(self);
        runtime.spawn(async move {
            sleep(limits::H2_LET_GO).await;
            if let Some(driver) = line.driver.get().filter(|_| line.open.load(Ordering::Relaxed) == 0) {
                driver.abort();
            }
        });
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Its upstream speaks nothing else, not even to clients of HTTP/1.
    pub(super) fn is_only(&self) -> bool {
        self.only.load(Ordering::Relaxed)
    }

    /// What the upstream sent too much of, if that ended the connection.
    pub(super) fn frames(&self) -> &FrameHandle {
        &self.frames
    }

    /// Room for one more stream, if there is any.
    pub(super) fn slot(self: &Arc<Line>) -> Option<Slot> {
        if self.is_closed() {
            return None;
        }
        let most = self.sender.current_max_send_streams().min(limits::H2_UPSTREAM_STREAMS as usize);
        let one_more = |open: usize| (open < most).then_some(open + 1);
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Slot { line: Arc::clone(self), reused: true, is_under_way: false })
    }

    fn is_stale(&self) -> bool {
        let idle = self.open.load(Ordering::Relaxed) == 0;
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_closed() || (idle && since.elapsed() >= limits::POOL_IDLE)
    }
}

/// Drives a connection to its end, and widens its windows while few streams share a long way.
async fn drive<IO>(
    mut connection: Connection<IO, Bytes>,
    line: &Weak<Line>,
    frames: &FrameHandle,
) -> Result<(), h2::Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut width = Width::new(limits::H2_UPSTREAM_WINDOW, limits::H2_UPSTREAM_STREAMS);
    let mut pings = connection.ping_pong();
    poll_fn(|cx| {
        if let Poll::Ready(ended) = Pin::new(&mut connection).poll(cx) {
            return Poll::Ready(ended);
        }
        let mut is_told = false;
        if let Some(pings) = &mut pings {
            if width.wants_measure(frames.received()) && pings.send_ping(Ping::opaque()).is_ok() {
                width.asked();
                is_told = true;
            }
            if width.is_asked() && matches!(pings.poll_pong(cx), Poll::Ready(Ok(_))) {
                width.answered();
            }
        }
        let open = || line.upgrade().map_or(0, |line| line.open.load(Ordering::Relaxed));
        if let Some(windows) = width.change(open) {
            let taken = connection.set_initial_window_size(windows.stream).is_ok();
            if taken {
                connection.set_target_window_size(windows.connection);
                is_told = true;
            }
            width.changed(windows, taken);
        }
        // What was put down just now has to be sent.
        if is_told { Pin::new(&mut connection).poll(cx) } else { Poll::Pending }
    })
    .await
}

/// The right to one stream of a connection; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) line: Arc<Line>,
    pub(super) reused: bool,
    /// Its stream has begun and not come to its end: dropped now, it is given up.
    is_under_way: bool,
}

impl Slot {
    pub(super) fn begun(&mut self) {
        self.is_under_way = true;
    }

    /// Its stream is over, and not by this side's giving it up.
    pub(super) fn ended(&mut self) {
        self.is_under_way = false;
    }

    /// The same, where it is over because of this.
    pub(super) fn over(&mut self, error: &h2::Error) {
        if error.is_remote() || error.is_io() {
            self.ended();
        }
    }

    pub(super) fn sender(&self) -> SendRequest<Bytes> {
        self.line.sender.clone()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.is_under_way {
            self.line.cut();
        }
        if self.line.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            *self.line.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            // Whose own it is may be gone.
            if self.is_under_way && !self.line.key.is_shared() {
                self.line.close();
            }
            if self.line.is_closed() {
                self.line.let_go();
            }
        }
    }
}

/// Upstreams that asked for calm of late.
#[derive(Debug, Default)]
struct Strains {
    /// For all requests that know of none.
    any: AtomicBool,
    by_key: Mutex<HashMap<Arc<Key>, Instant>>,
}

impl Strains {
    fn note(&self, key: &Arc<Key>) {
        if key.is_shared() {
            self.lock().insert(Arc::clone(key), Instant::now());
            self.any.store(true, Ordering::Relaxed);
        }
    }

    fn forget(&self) {
        let mut by_key = self.lock();
        by_key.retain(|_, noted| noted.elapsed() < limits::H2_STRAINED);
        self.any.store(!by_key.is_empty(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<Key>, Instant>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All of them, and who is about to make one.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<Shelves>, Arc<Strains>);

#[derive(Debug, Default)]
struct Shelves {
    by_key: HashMap<Arc<Key>, Vec<Arc<Line>>>,
    /// Those that come while a connection is being made wait for it, instead of making one each.
    making: HashMap<Arc<Key>, Turn>,
}

/// Held by who makes a connection; tells those who wait for it why there is none.
type Turn = Arc<tokio::sync::Mutex<Failed>>;

/// The last time that none could be made.
#[derive(Debug, Default)]
pub(super) struct Failed(Option<(Instant, UpstreamError)>);

impl Failed {
    pub(super) fn because(&mut self, error: &UpstreamError) {
        self.0 = Some((Instant::now(), error.again()));
    }

    /// Whoever came before that was there when it was tried. A try for each, one after the other, would have the last one wait
    /// as long as all of them together.
    pub(super) fn since(&self, came: Instant) -> Option<UpstreamError> {
        self.0.as_ref().filter(|(when, _)| *when > came).map(|(_, error)| error.again())
    }
}

impl Lines {
    /// A stream of a connection that does not wait for slow readers, as long as there may be more connections.
    pub(super) fn take(&self, key: &Arc<Key>) -> Option<Slot> {
        let shelves = self.lock();
        let lines = shelves.by_key.get(key)?;
        let free = lines.iter().filter(|line| !line.frames.is_clogged()).find_map(Line::slot);
        let is_full = || lines.iter().filter(|line| !line.is_closed()).count() >= limits::H2_CLOGGED_LINES;
        free.or_else(|| is_full().then(|| lines.iter().find_map(Line::slot)).flatten())
    }

    /// Whether any upstream asked for calm of late.
    pub(super) fn is_any_strained(&self) -> bool {
        self.1.any.load(Ordering::Relaxed)
    }

    /// Whether this one did.
    pub(super) fn is_strained(&self, key: &Arc<Key>) -> bool {
        self.1.lock().get(key).is_some_and(|noted| noted.elapsed() < limits::H2_STRAINED)
    }

    /// A stream of any connection.
    pub(super) fn take_any(&self, key: &Arc<Key>) -> Option<Slot> {
        self.lock().by_key.get(key)?.iter().find_map(Line::slot)
    }

    /// The same, of an upstream that speaks nothing else.
    pub(super) fn take_only(&self, key: &Arc<Key>) -> Option<Slot> {
        self.lock().by_key.get(key)?.iter().filter(|line| line.is_only()).find_map(Line::slot)
    }

    /// The turn to make a connection; whoever gets it looks again before.
    pub(super) fn turn(&self, key: &Arc<Key>) -> Turn {
        Arc::clone(self.lock().making.entry(Arc::clone(key)).or_default())
    }

    /// Keeps a connection, and takes a stream of it.
    pub(super) fn put(&self, line: Arc<Line>, only: bool) -> Option<Slot> {
        line.only.store(only, Ordering::Relaxed);
        line.strains.get_or_init(|| Arc::clone(&self.1));
        let mut slot = line.slot();
        if let Some(slot) = &mut slot {
            slot.reused = false;
        }
        let mut shelves = self.lock();
        let shelf = shelves.by_key.entry(Arc::clone(&line.key)).or_default();
        // Those that take no more end with their last stream.
        let closed: Vec<_> = shelf.extract_if(.., |line| line.is_closed()).collect();
        shelf.push(line);
        drop(shelves);
        drop(closed);
        slot
    }

    pub(super) fn count(&self) -> usize {
        self.lock().by_key.values().map(Vec::len).sum()
    }

    pub(super) fn drop_stale(&self) {
        self.1.forget();
        let mut stale = Vec::new();
        let mut shelves = self.lock();
        shelves.by_key.retain(|_, shelf| {
            stale.extend(shelf.extract_if(.., |line| line.is_stale()));
            !shelf.is_empty()
        });
        shelves.making.retain(|_, turn| Arc::strong_count(turn) > 1);
        // Connections close, when nobody holds them, after the lock is released.
        drop(shelves);
        drop(stale);
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
