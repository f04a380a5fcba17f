//! What came over connections of HTTP/2 and that nobody has taken yet. Windows promise memory to each peer; what all of them
//! may fill together is bounded here: past that, a connection that has much of it waiting is not read. Of a client's
//! connection, whose windows are bounded by themselves, that is what its frames take beside what they carry.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use crate::limits;

/// What all connections share.
static SHARED: Shared = Shared::new();

/// Bytes of bodies that wait in all connections, and who is not read for that.
#[derive(Debug)]
struct Shared {
    waiting: AtomicUsize,
    /// How many are paused: as long as nobody is, nobody looks below.
    paused: AtomicUsize,
    /// Those, by their turn. Each has more than its own part waiting, so that there are few of them whenever there is room
    /// in all, and all may be woken at once.
    readers: Mutex<BTreeMap<u64, Waker>>,
    turns: AtomicU64,
}

impl Shared {
    const fn new() -> Shared {
        Shared {
            waiting: AtomicUsize::new(0),
            paused: AtomicUsize::new(0),
            readers: Mutex::new(BTreeMap::new()),
            turns: AtomicU64::new(0),
        }
    }

    fn has_room(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) <= limits::H2_UNREAD
    }

    fn readers(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Less waits: whoever makes room for the first time wakes those who were refused it, the longest waiting first.
    fn less(&self, bytes: usize) {
        let before = self.waiting.fetch_sub(bytes, Ordering::SeqCst);
        let is_first = before > limits::H2_UNREAD && before - bytes <= limits::H2_UNREAD;
        if is_first && self.paused.load(Ordering::SeqCst) > 0 {
            let woken = {
                let mut readers = self.readers();
                self.paused.store(0, Ordering::SeqCst);
                std::mem::take(&mut *readers)
            };
            woken.into_values().for_each(Waker::wake);
        }
    }

    /// Not read any more, until there is room.
    fn pause(&self, turn: u64, reader: Waker) {
        let mut readers = self.readers();
        readers.insert(turn, reader);
        self.paused.store(readers.len(), Ordering::SeqCst);
    }

    fn resume(&self, turn: u64) {
        let mut readers = self.readers();
        readers.remove(&turn);
        self.paused.store(readers.len(), Ordering::SeqCst);
    }
}

/// What waits in one connection, on streams that somebody reads.
#[derive(Debug)]
pub(super) struct Unread {
    state: Mutex<State>,
    shared: &'static Shared,
    /// What may wait on one stream. More than a window is not kept: whoever sends it must not make it look as if there were no
    /// room for others.
    most: usize,
    /// What its windows promise counts elsewhere.
    is_promised: bool,
    /// Whether the connection was ever not read.
    was_kept: AtomicBool,
}

impl Default for Unread {
    fn default() -> Unread {
        Unread::within(&SHARED, limits::H2_WIDE_WINDOW as usize)
    }
}

/// What waits of one stream.
#[derive(Clone, Copy, Debug, Default)]
struct Waits {
    bytes: usize,
    frames: usize,
}

impl Waits {
    /// What that counts for: each frame is kept with a word on it, however short it is.
    fn weight(self) -> usize {
        self.bytes.max(self.frames.saturating_mul(limits::H2_FRAME_KEPT))
    }
}

#[derive(Debug, Default)]
struct State {
    streams: HashMap<u32, Waits>,
    /// All of it, and what it counts for.
    bytes: usize,
    total: usize,
    /// Since when there is much of it.
    clogged: Option<Instant>,
    /// Whoever would read more of the connection.
    reader: Option<Waker>,
    /// Its place among those who wait for room. It keeps it until it gets something.
    turn: Option<u64>,
    /// It is not read, or was not until then.
    kept: Option<Kept>,
}

#[derive(Clone, Copy, Debug)]
enum Kept {
    Still,
    Until(Instant),
}

impl State {
    /// What waits on a stream is this much.
    fn set(&mut self, shared: &Shared, stream: u32, waits: Waits) {
        let before = self.streams.insert(stream, waits).unwrap_or_default();
        self.change(shared, before, waits);
    }

    fn change(&mut self, shared: &Shared, before: Waits, after: Waits) {
        self.bytes = self.bytes.saturating_sub(before.bytes) + after.bytes;
        let (before, after) = (before.weight(), after.weight());
        self.total = self.total.saturating_sub(before) + after;
        let is_much = self.total >= limits::H2_CLOGGED;
        self.clogged = is_much.then(|| self.clogged.unwrap_or_else(Instant::now));
        if after > before {
            shared.waiting.fetch_add(after - before, Ordering::SeqCst);
        } else if after < before {
            shared.less(before - after);
        }
    }

    fn may_read(&self, of: &Unread) -> bool {
        let beside = if of.is_promised { self.total.saturating_sub(self.bytes) } else { self.total };
        beside <= limits::H2_UNREAD_EACH || of.shared.has_room()
    }

    /// Whom to wake, since there is less.
    fn woken(&mut self, of: &Unread) -> Option<Waker> {
        if self.reader.is_none() || !self.may_read(of) {
            return None;
        }
        self.turn.into_iter().for_each(|turn| of.shared.resume(turn));
        self.reader.take()
    }
}

impl Unread {
    fn within(shared: &'static Shared, most: usize) -> Unread {
        Unread::new(shared, most, false)
    }

    fn new(shared: &'static Shared, most: usize, is_promised: bool) -> Unread {
        Unread { state: Mutex::default(), shared, most, is_promised, was_kept: AtomicBool::new(false) }
    }

    /// Of a connection whose windows are bounded by what all may be promised.
    pub(super) fn promised() -> Unread {
        Unread::new(&SHARED, limits::H2_WIDE_WINDOW as usize, true)
    }

    /// What waits.
    pub(super) fn bytes(&self) -> usize {
        self.state().bytes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody reads a stream from here on, of which so much waits already.
    pub(super) fn begin(&self, stream: u32, bytes: usize) {
        self.state().set(self.shared, stream, Waits { bytes, frames: 0 });
    }

    /// A frame more of a stream comes. Of one that nobody reads nothing is kept.
    pub(super) fn arrived(&self, stream: u32, bytes: usize) {
        let state = &mut *self.state();
        state.turn = None;
        if let Some(waits) = state.streams.get(&stream).copied() {
            let bytes = waits.bytes.saturating_add(bytes);
            let frames = waits.frames + usize::from(bytes <= self.most);
            let bytes = bytes.min(self.most);
            state.set(self.shared, stream, Waits { bytes, frames });
        }
    }

    /// A frame of it was taken, so much is left.
    pub(super) fn left(&self, stream: u32, bytes: usize) {
        let woken = {
            let mut state = self.state();
            let before = state.streams.get(&stream).copied().unwrap_or_default();
            let frames = before.frames.saturating_sub(1).min(bytes);
            state.set(self.shared, stream, Waits { bytes, frames });
            state.woken(self)
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Nobody reads the stream any more.
    pub(super) fn end(&self, stream: u32) {
        let woken = {
            let mut state = self.state();
            let before = state.streams.remove(&stream).unwrap_or_default();
            state.change(self.shared, before, Waits::default());
            state.woken(self)
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Whether much has waited for a while.
    pub(super) fn is_clogged(&self) -> bool {
        self.state().clogged.is_some_and(|since| since.elapsed() >= limits::H2_CLOGGED_FOR)
    }

    /// Until when the connection was not read, if there was such a time: what its peer sent could not come.
    pub(super) fn kept(&self) -> Option<Instant> {
        if !self.was_kept.load(Ordering::Acquire) {
            return None;
        }
        self.state().kept.map(|kept| match kept {
            Kept::Still => Instant::now(),
            Kept::Until(then) => then,
        })
    }

    /// Ready when the connection may be read.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>) -> Poll<()> {
        let may = self.poll_room(cx);
        if may.is_pending() {
            self.was_kept.store(true, Ordering::Release);
            self.state().kept = Some(Kept::Still);
        } else if self.was_kept.load(Ordering::Acquire) {
            let kept = &mut self.state().kept;
            if let Some(Kept::Still) = kept {
                *kept = Some(Kept::Until(Instant::now()));
            }
        }
        may
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.shared.has_room() {
            return Poll::Ready(());
        }
        let mut state = self.state();
        if state.may_read(self) {
            return Poll::Ready(());
        }
        let turn = *state.turn.get_or_insert_with(|| self.shared.turns.fetch_add(1, Ordering::Relaxed));
        state.reader = Some(cx.waker().clone());
        self.shared.pause(turn, cx.waker().clone());
        // Whoever made room just now may have seen nobody to wake.
        if self.shared.has_room() {
            self.shared.resume(turn);
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let state = self.state();
        state.turn.into_iter().for_each(|turn| self.shared.resume(turn));
        self.shared.less(state.total);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection among others of the test's own, and how often it was woken.
    struct Reader {
        unread: Unread,
        woken: Arc<Woken>,
    }

    impl Reader {
        fn within(shared: &'static Shared) -> Reader {
            Reader { unread: Unread::within(shared, usize::MAX), woken: Arc::default() }
        }

        fn may_read(&self) -> bool {
            let waker = Waker::from(Arc::clone(&self.woken));
            self.unread.poll_read(&mut Context::from_waker(&waker)).is_ready()
        }

        fn woken(&self) -> usize {
            self.woken.0.load(Ordering::Relaxed)
        }
    }

    fn shared() -> &'static Shared {
        Box::leak(Box::new(Shared::new()))
    }

    #[test]
    fn who_has_much_waiting_is_not_read_once_all_have_too_much() {
        let shared = shared();
        let (many, few) = (Reader::within(shared), Reader::within(shared));
        for stream in [1, 3] {
            many.unread.begin(stream, 0);
        }
        few.unread.begin(1, 0);
        few.unread.arrived(1, limits::H2_UNREAD_EACH);
        many.unread.arrived(1, limits::H2_UNREAD);
        many.unread.arrived(3, limits::H2_UNREAD_EACH);
        // What nobody reads does not count.
        many.unread.arrived(5, limits::H2_UNREAD);
        assert_eq!((many.may_read(), few.may_read()), (false, true));
        many.unread.left(1, limits::H2_UNREAD / 2 + 1);
        assert!(many.woken() > 0 && many.may_read(), "there is less in all");
        many.unread.arrived(1, limits::H2_UNREAD);
        assert!(!many.may_read());
        let before = many.woken();
        many.unread.end(1);
        assert!(many.woken() > before && many.may_read());
        assert_eq!(many.unread.state().total, limits::H2_UNREAD_EACH);
        many.unread.arrived(3, limits::H2_UNREAD);
        drop(many);
        assert!(few.may_read());
        assert_eq!(shared.waiting.load(Ordering::Relaxed), limits::H2_UNREAD_EACH);
    }

    #[test]
    fn what_is_past_every_window_is_counted_for_nobody() {
        let shared = shared();
        let unread = Unread::within(shared, 1000);
        unread.begin(1, 0);
        (0..10).for_each(|_| unread.arrived(1, 300));
        assert_eq!(shared.waiting.load(Ordering::Relaxed), 1000);
        drop(unread);
        assert_eq!(shared.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn frames_of_a_byte_count_for_what_is_kept_of_them() {
        let shared = shared();
        let (tiny, few) = (Reader::within(shared), Reader::within(shared));
        tiny.unread.begin(1, 0);
        let frames = limits::H2_UNREAD / limits::H2_FRAME_KEPT;
        (0..frames).for_each(|_| tiny.unread.arrived(1, 1));
        assert!(tiny.may_read(), "as much as may be");
        tiny.unread.arrived(1, 1);
        assert!(!tiny.may_read() && few.may_read());
        // Each that is taken makes room; the last one takes all with it.
        tiny.unread.left(1, frames);
        assert!(tiny.woken() > 0 && tiny.may_read());
        assert_eq!(shared.waiting.load(Ordering::Relaxed), limits::H2_UNREAD);
        tiny.unread.left(1, 0);
        assert_eq!(shared.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_windows_promise_keeps_nobody_from_being_read() {
        let shared = shared();
        let waker = Waker::noop();
        let promised = Unread::new(shared, usize::MAX, true);
        let may_read = || promised.poll_read(&mut Context::from_waker(waker)).is_ready();
        promised.begin(1, 0);
        promised.arrived(1, 2 * limits::H2_UNREAD);
        assert!(may_read() && promised.bytes() == 2 * limits::H2_UNREAD);
        // What its frames take beside that is bounded all the same.
        promised.begin(3, 0);
        let frames = limits::H2_UNREAD_EACH / limits::H2_FRAME_KEPT;
        (0..frames).for_each(|_| promised.arrived(3, 1));
        assert!(may_read());
        (0..8).for_each(|_| promised.arrived(3, 1));
        assert!(!may_read());
        promised.end(3);
        assert!(may_read());
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_a_while_is_noticed() {
        let reader = Reader::within(shared());
        reader.unread.begin(1, 0);
        reader.unread.arrived(1, limits::H2_CLOGGED);
        assert!(!reader.unread.is_clogged());
        tokio::time::advance(limits::H2_CLOGGED_FOR).await;
        assert!(reader.unread.is_clogged());
        reader.unread.left(1, limits::H2_CLOGGED - 1);
        reader.unread.arrived(1, 1);
        assert!(!reader.unread.is_clogged(), "it was less in between");
    }

    #[test]
    fn room_that_others_make_wakes_who_is_paused() {
        let shared = shared();
        let much = limits::H2_UNREAD_EACH + 1;
        let (full, first, second) = (Reader::within(shared), Reader::within(shared), Reader::within(shared));
        for reader in [&full, &first, &second] {
            reader.unread.begin(1, 0);
            reader.unread.arrived(1, much);
        }
        full.unread.arrived(1, limits::H2_UNREAD);
        assert!(!first.may_read() && !second.may_read() && !first.may_read());
        assert_eq!(shared.readers().len(), 2, "each waits once");
        full.unread.left(1, limits::H2_UNREAD);
        assert_eq!((first.woken(), second.woken()), (0, 0), "there is no room yet");
        full.unread.left(1, much);
        assert_eq!((first.woken(), second.woken()), (1, 1));
        // One takes the room before the other comes: that one keeps its turn, the first gets a new one.
        first.unread.arrived(1, limits::H2_UNREAD);
        assert!(!second.may_read() && !first.may_read());
        let turns = |reader: &Reader| reader.unread.state().turn.unwrap();
        assert!(turns(&second) < turns(&first));
        drop(first);
        assert_eq!((second.woken(), shared.readers().len()), (2, 0), "who is gone makes room, too");
    }

    #[tokio::test(start_paused = true)]
    async fn until_when_a_connection_was_not_read_is_known() {
        let reader = Reader::within(shared());
        reader.unread.begin(1, 0);
        assert!(reader.may_read() && reader.unread.kept().is_none());
        reader.unread.arrived(1, limits::H2_UNREAD + 1);
        let begun = Instant::now();
        assert!(!reader.may_read());
        for _ in 0..2 {
            tokio::time::advance(limits::BODY_IDLE_TIMEOUT).await;
            assert_eq!(reader.unread.kept(), Some(Instant::now()));
        }
        reader.unread.left(1, 0);
        assert!(reader.may_read());
        tokio::time::advance(limits::BODY_IDLE_TIMEOUT).await;
        assert!(reader.may_read());
        assert_eq!(reader.unread.kept(), Some(begun + limits::BODY_IDLE_TIMEOUT * 2));
    }

    proptest! {
        /// Nobody is left asleep that may be read.
        #[test]
        fn who_may_be_read_is_awake(steps in prop::collection::vec((0..4usize, 0..5u8, 1..9usize), 1..60)) {
            let shared = shared();
            let mut all: Vec<Reader> = (0..4).map(|_| Reader::within(shared)).collect();
            let mut asleep = [None; 4];
            for reader in &all {
                reader.unread.begin(1, 0);
            }
            for (who, what, eighths) in steps {
                let bytes = limits::H2_UNREAD / 8 * eighths;
                match what {
                    0 => all[who].unread.arrived(1, bytes),
                    1 => all[who].unread.left(1, 0),
                    2 => all[who].unread.left(1, limits::H2_UNREAD_EACH * eighths),
                    3 => {
                        all[who] = Reader::within(shared);
                        all[who].unread.begin(1, 0);
                        asleep[who] = None;
                    }
                    _ => asleep[who] = (!all[who].may_read()).then(|| all[who].woken()),
                }
                for (reader, slept) in all.iter().zip(&asleep) {
                    let may = reader.unread.state().may_read(&reader.unread);
                    prop_assert!(!(may && *slept == Some(reader.woken())), "asleep, though there is room");
                }
            }
            let waiting: usize = all.iter().map(|reader| reader.unread.state().total).sum();
            prop_assert_eq!(shared.waiting.load(Ordering::Relaxed), waiting);
        }
    }
}
