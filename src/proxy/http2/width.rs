//! How wide the windows of a connection's streams are: as wide as the way to its peer is long, while few streams share it.
//!
//! A sender may be a window ahead of its reader, so that it gets a window through in each round trip. The usual one is
//! enough for peers nearby. Where a body of some size comes from afar, one round trip is measured, once, and the windows
//! become what keeps that way filled, for as long as the connection lasts. They are not taken back when more streams come: those
//! under way, or just begun, would have windows below zero, which is right (RFC 9113, section 6.9.2), and some clients break
//! off over it. What all may keep is bounded as before; a few streams that nobody reads can keep the others waiting then.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::limits;

/// Connections that may have wide windows at once.
static WIDE: Semaphore = Semaphore::const_new(limits::H2_WIDE_CONNECTIONS);

/// What the engine is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) struct Windows {
    pub(in crate::proxy) stream: u32,
    pub(in crate::proxy) connection: u32,
}

#[derive(Debug)]
enum Way {
    /// Too little came over it to ask how long it is.
    Unknown,
    Asked(Instant),
    /// What a stream's window would have to be.
    Known(u32),
}

/// The windows of one connection.
#[derive(Debug)]
pub(in crate::proxy) struct Width {
    usual: Windows,
    /// What the engine was told last.
    now: Windows,
    way: Way,
    wide: Option<SemaphorePermit<'static>>,
}

impl Width {
    /// Of a connection that begins with windows of `stream` bytes for each of so many streams.
    pub(in crate::proxy) fn new(stream: u32, streams: u32) -> Width {
        let usual = Windows { stream, connection: stream * streams };
        Width { usual, now: usual, way: Way::Unknown, wide: None }
    }

    /// What a connection with so many streams has room for beside what waits in it, and the most that it may have.
    pub(in crate::proxy) fn room(&self, open: usize) -> (usize, usize) {
        let streams = open.clamp(limits::H2_WIDE_STREAMS as usize, limits::H2_ROOM_STREAMS);
        (streams * self.now.stream as usize, self.now.connection as usize)
    }

    /// Whether it is time to measure, after so many bytes of bodies.
    pub(in crate::proxy) fn wants_measure(&self, received: u64) -> bool {
        matches!(self.way, Way::Unknown) && received >= u64::from(self.usual.stream / 2)
    }

    /// A ping was sent.
    pub(in crate::proxy) fn asked(&mut self) {
        self.way = Way::Asked(Instant::now());
    }

    pub(in crate::proxy) fn is_asked(&self) -> bool {
        matches!(self.way, Way::Asked(_))
    }

    /// The ping came back.
    pub(in crate::proxy) fn answered(&mut self) {
        if let Way::Asked(since) = self.way {
            self.way = Way::Known(wanted(since.elapsed(), self.usual.stream));
        }
    }

    /// What the windows should become with so many streams open, if they should change.
    pub(in crate::proxy) fn change(&mut self, open: impl FnOnce() -> usize) -> Option<Windows> {
        let Way::Known(wanted) = self.way else { return None };
        if self.wide.is_some() || wanted <= self.usual.stream || open() != 1 {
            return None;
        }
        self.wide = WIDE.try_acquire().ok();
        let extra = (wanted - self.usual.stream) * limits::H2_WIDE_STREAMS;
        let wide = Windows { stream: wanted, connection: self.usual.connection + extra };
        self.wide.is_some().then_some(wide)
    }

    /// Whether the engine took a change: it takes none while its peer has not agreed to the one before.
    pub(in crate::proxy) fn changed(&mut self, to: Windows, taken: bool) {
        match taken {
            true => self.now = to,
            false => self.wide = None,
        }
    }
}

/// What keeps a way filled at [`limits::H2_WIDE_RATE`].
fn wanted(round_trip: Duration, least: u32) -> u32 {
    let bytes = round_trip.as_secs_f64() * limits::H2_WIDE_RATE;
    (bytes.min(f64::from(limits::H2_WIDE_WINDOW)) as u32).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: u32 = limits::H2_STREAM_WINDOW;

    fn measured(round_trip: Duration) -> Width {
        let mut width = Width::new(STREAM, limits::H2_STREAMS);
        assert!(!width.wants_measure(1000) && width.wants_measure(STREAM.into()));
        assert_eq!(width.change(|| 1), None);
        width.way = Way::Known(wanted(round_trip, STREAM));
        width
    }

    #[test]
    fn a_long_way_gets_a_wide_window_while_few_streams_share_it() {
        let mut near = measured(Duration::from_millis(1));
        assert_eq!(near.change(|| 1), None);
        let mut far = measured(Duration::from_millis(50));
        assert_eq!((far.change(|| 0), far.change(|| 2)), (None, None));
        let wide = far.change(|| 1).unwrap();
        assert!(wide.stream > 10 * STREAM && wide.stream <= limits::H2_WIDE_WINDOW, "{wide:?}");
        // Streams that are not read fill their windows; there is room for others beside them.
        let others = far.usual.connection - limits::H2_WIDE_STREAMS * STREAM;
        assert_eq!(wide.connection, limits::H2_WIDE_STREAMS * wide.stream + others);
        far.changed(wide, true);
        let few = limits::H2_WIDE_STREAMS as usize;
        for open in [0, 1, few, few + 1, 100] {
            assert_eq!(far.change(|| open), None, "what is under way keeps its window");
        }
    }

    #[test]
    fn wide_connections_are_bounded_and_a_change_that_is_not_taken_is_said_again() {
        let mut far = measured(Duration::from_secs(1));
        let wide = far.change(|| 1).unwrap();
        assert_eq!(wide.stream, limits::H2_WIDE_WINDOW);
        far.changed(wide, false);
        assert_eq!(far.change(|| 1), Some(wide));
        far.changed(wide, true);
        assert_eq!(far.change(|| 1), None);
    }
}
