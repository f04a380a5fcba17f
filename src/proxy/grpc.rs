//! The messages of a stream whose two ends speak to each other, gRPC's above all: where each ends.

use bytes::Bytes;

use super::{headers, patience};
use crate::limits;

const HEAD: usize = 5;

/// How a stream tells where its messages end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// A flag, a length of four bytes, the message: gRPC and Connect.
    #[default]
    Frames,
    /// Four bytes of length that count among what they are the length of: Amazon's streams of events.
    Lengths,
    /// Each is a line, or ends with one.
    Lines,
}

impl Framing {
    pub(super) fn of(media_type: &str) -> Option<Framing> {
        match media_type {
            "application/vnd.amazon.eventstream" => Some(Framing::Lengths),
            "application/vnd.docker.raw-stream" => None,
            _ if headers::is_framed(media_type) => Some(Framing::Frames),
            _ => patience::is_events(media_type).then_some(Framing::Lines),
        }
    }

    /// Whether its reader takes each message whole, and may be waiting for it.
    pub(super) fn is_by_message(self) -> bool {
        matches!(self, Framing::Frames | Framing::Lengths)
    }

    /// Bytes of a message's head.
    const fn head(self) -> usize {
        match self {
            Framing::Frames => HEAD,
            Framing::Lengths => 4,
            Framing::Lines => 0,
        }
    }

    /// What is to come behind a head.
    fn left(self, head: [u8; HEAD]) -> usize {
        match (self, head) {
            (Framing::Frames, [_, length @ ..]) => u32::from_be_bytes(length) as usize,
            (Framing::Lengths, [length @ .., _]) => (u32::from_be_bytes(length) as usize).saturating_sub(4),
            (Framing::Lines, _) => 0,
        }
    }
}

/// Follows the framing of a stream, wherever it is cut. It trusts nothing: a length that lies makes a message that
/// does not end.
#[derive(Debug, Default)]
pub(super) struct Messages {
    framing: Framing,
    head: [u8; HEAD],
    /// Bytes of the head that are here.
    have: usize,
    /// Bytes of the message that are still to come.
    left: usize,
    /// The last bytes of what came since a message was last taken for ended.
    recent: Vec<u8>,
    /// There was more of it.
    cut: bool,
}

impl Messages {
    pub(super) fn new(framing: Framing) -> Messages {
        Messages { framing, ..Messages::default() }
    }

    /// What came next.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if self.framing == Framing::Lines {
            self.left = bytes.last().map_or(self.left, |last| usize::from(*last != b'\n'));
            return;
        }
        let from = bytes.len().saturating_sub(limits::MESSAGE_RECENT);
        self.recent.extend_from_slice(bytes.get(from..).unwrap_or_default());
        let over = self.recent.len().saturating_sub(limits::MESSAGE_RECENT);
        self.recent.drain(..over);
        self.cut |= from + over > 0;
        let mut rest = bytes;
        while !rest.is_empty() {
            let skipped = self.left.min(rest.len());
            self.left -= skipped;
            rest = rest.get(skipped..).unwrap_or_default();
            let (head, behind) = rest.split_at((self.framing.head() - self.have).min(rest.len()));
            if let Some(place) = self.head.get_mut(self.have..self.have + head.len()) {
                place.copy_from_slice(head);
            }
            self.have += head.len();
            rest = behind;
            if self.have == self.framing.head() {
                self.have = 0;
                self.left = self.framing.left(self.head);
            }
        }
    }

    /// None is under way.
    pub(super) fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// The last bytes of what came since this was last answered, when they end a message; and whether they are all of it,
    /// whole messages.
    pub(super) fn ended(&mut self) -> Option<(Bytes, bool)> {
        let ended = self.is_between() && !self.recent.is_empty();
        ended.then(|| (std::mem::take(&mut self.recent).into(), !std::mem::take(&mut self.cut)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &[u8]) -> Vec<u8> {
        [&[0][..], &u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat()
    }

    #[test]
    fn messages_end_where_their_lengths_say_wherever_they_are_cut() {
        let stream = [message(b"one"), message(b""), message(&[b'x'; 70])].concat();
        let ends = [8, 13, stream.len()];
        for cut in 0..=stream.len() {
            let mut messages = Messages::default();
            messages.take(&stream[..cut]);
            assert_eq!(messages.is_between(), cut == 0 || ends.contains(&cut), "{cut}");
            assert_eq!(messages.ended().is_some(), ends.contains(&cut), "{cut}");
            messages.take(&stream[cut..]);
            assert_eq!(messages.ended().is_some(), cut < stream.len(), "{cut}");
            assert!(messages.ended().is_none(), "nothing came since");
        }
    }

    #[test]
    fn each_way_to_tell_has_its_ends() {
        type Steps<'a> = &'a [(&'a [u8], bool)];
        let cases: [(&str, Steps<'_>); 5] = [
            ("application/connect+json", &[(b"\0\0\0\0\x02{", false), (b"}", true), (b"\x02\0\0", false)]),
            (
                "application/vnd.amazon.eventstream",
                &[(b"\0\0\0\x08abc", false), (b"d", true), (b"\0\0\0\x04", true), (b"\0\0", false)],
            ),
            // A length that lies ends nothing that comes before it does.
            ("application/vnd.amazon.eventstream", &[(b"\0\0\0\x01", true), (b"\0", false)]),
            ("application/x-ndjson", &[(b"{}\n{", false), (b"}\n", true), (b"", true)]),
            ("text/event-stream", &[(b"data: 1\n\n", true), (b"d", false), (b"", false)]),
        ];
        for (media_type, steps) in cases {
            let mut messages = Messages::new(Framing::of(media_type).unwrap());
            assert!(messages.is_between(), "{media_type}");
            for (bytes, between) in steps {
                messages.take(bytes);
                assert_eq!(messages.is_between(), *between, "{media_type} {}", bytes.escape_ascii());
            }
        }
        for media_type in ["application/json", "application/octet-stream", "application/connect"] {
            assert_eq!(Framing::of(media_type), None, "{media_type}");
        }
    }

    #[test]
    fn what_is_left_of_a_long_message_is_not_taken_for_a_whole_one() {
        let mut messages = Messages::default();
        messages.take(&message(b"short"));
        assert!(messages.ended().unwrap().1);
        messages.take(&message(&vec![b'x'; limits::MESSAGE_RECENT]));
        assert!(!messages.ended().unwrap().1);
        messages.take(&message(b"short"));
        assert!(messages.ended().unwrap().1);
    }

    #[test]
    fn a_length_that_lies_ends_nothing_and_little_is_kept() {
        let mut messages = Messages::default();
        messages.take(&[0, 0xff, 0xff, 0xff, 0xff]);
        for _ in 0..100 {
            messages.take(&[b'x'; 1000]);
            assert!(messages.ended().is_none());
        }
        assert_eq!(messages.recent.len(), limits::MESSAGE_RECENT);
    }
}
