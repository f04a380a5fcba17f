//! The messages of a gRPC stream: where each ends (a flag, a length of four bytes, the message).

use bytes::Bytes;

use crate::limits;

const HEAD: usize = 5;

/// Follows the framing of a stream, wherever it is cut. It trusts nothing: a length that lies makes a message that
/// does not end.
#[derive(Debug, Default)]
pub(super) struct Messages {
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
    /// What came next.
    pub(super) fn take(&mut self, bytes: &[u8]) {
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
            let (head, behind) = rest.split_at((HEAD - self.have).min(rest.len()));
            if let Some(place) = self.head.get_mut(self.have..self.have + head.len()) {
                place.copy_from_slice(head);
            }
            self.have += head.len();
            rest = behind;
            if self.have == HEAD {
                self.have = 0;
                let [_, length @ ..] = self.head;
                self.left = u32::from_be_bytes(length) as usize;
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
