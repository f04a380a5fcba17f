//! A chain of bytes that waits to leave, with edits laid over it.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::limits::{MASK_CONTEXT, RESIZED_BYTES};

/// Bytes in order, addressed by their offset in the stream. What leaves is a slice of what came, but for edits.
#[derive(Debug, Default)]
pub struct Chain {
    parts: VecDeque<Bytes>,
    /// Stream offset of the first byte in `parts`.
    start: u64,
    end: u64,
    /// By offset, disjoint.
    edits: VecDeque<Edit>,
    /// Bytes that edits add to what came; negative: that they take away.
    grown: i64,
    /// The last bytes that left, as they came.
    context: [u8; MASK_CONTEXT],
}

/// Bytes that take the place of others.
#[derive(Debug)]
struct Edit {
    at: u64,
    /// How many bytes it takes the place of.
    covers: u64,
    bytes: Bytes,
    /// Whether it says something else instead, and is no mask.
    instead: bool,
}

impl Edit {
    fn end(&self) -> u64 {
        self.at + self.covers
    }
}

impl Chain {
    #[must_use]
    pub fn new() -> Chain {
        Chain::default()
    }

    /// Appends; an empty chunk is nothing.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.end += chunk.len() as u64;
            self.parts.push_back(chunk);
        }
    }

    /// Offset of the first byte that has not left.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Offset behind the last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Chunks that wait.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.parts.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.parts.iter()
    }

    /// Copies the bytes of `from..to` that wait.
    #[must_use]
    pub fn read(&self, from: u64, to: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let mut at = self.start;
        for part in &self.parts {
            let next = at + part.len() as u64;
            if next > from {
                let begin = to_index(from.max(at) - at);
                let end = to_index(to.clamp(at, next) - at);
                out.extend_from_slice(part.get(begin..end).unwrap_or_default());
            }
            if next >= to {
                break;
            }
            at = next;
        }
        out
    }

    /// Up to [`MASK_CONTEXT`] bytes right before `offset`, as they came, whether they wait or have left.
    #[must_use]
    pub fn before(&self, offset: u64) -> Vec<u8> {
        let from = offset.saturating_sub(MASK_CONTEXT as u64);
        let mut out = Vec::with_capacity(MASK_CONTEXT);
        if from < self.start {
            let first = self.start.saturating_sub(MASK_CONTEXT as u64);
            let skip = to_index(from.max(first) + MASK_CONTEXT as u64 - self.start);
            let take = to_index(self.start.min(offset) - from.max(first));
            out.extend(self.context.iter().skip(skip).take(take));
        }
        out.append(&mut self.read(from.max(self.start), offset));
        out
    }

    /// Lays `replacement` over the bytes from `offset` on, in any order; what has left, is not there yet or is edited
    /// already stays as it is: a byte that an edit of the same length keeps is none of those.
    pub fn edit(&mut self, offset: u64, replacement: Vec<u8>) {
        let skip = to_index(self.start.saturating_sub(offset)).min(replacement.len());
        self.deepen(offset, &replacement);
        let mut offset = offset.max(self.start);
        let mut bytes = Bytes::from(replacement).split_off(skip);
        bytes.truncate(to_index(self.end.saturating_sub(offset)));
        while !bytes.is_empty() {
            let next = self.edits.partition_point(|edit| edit.at <= offset);
            let before = next.checked_sub(1).and_then(|before| self.edits.get(before));
            let floor = before.map_or(0, Edit::end);
            let free = bytes.split_off(to_index(floor.saturating_sub(offset)).min(bytes.len()));
            offset = offset.max(floor);
            bytes = free;
            let room =
                self.edits.get(next).map_or(usize::MAX, |edit| to_index(edit.at.saturating_sub(offset)));
            let rest = bytes.split_off(room.min(bytes.len()));
            let length = bytes.len() as u64;
            if length > 0 {
                self.edits.insert(next, Edit { at: offset, covers: length, bytes, instead: false });
            }
            offset += length;
            bytes = rest;
        }
    }

    /// What edits before kept as it came is hidden where `replacement` hides it.
    fn deepen(&mut self, offset: u64, replacement: &[u8]) {
        let end = offset + replacement.len() as u64;
        let first = self.edits.partition_point(|edit| edit.end() <= offset);
        for at in first..self.edits.len() {
            let Some((from, to)) = self.edits.get(at).map(|edit| (edit.at, edit.end())) else { return };
            if from >= end {
                return;
            }
            let came = self.read(from, to);
            let Some(edit) = self.edits.get_mut(at).filter(|edit| !edit.instead) else { continue };
            let new = |index: usize| {
                let place = (from + index as u64).checked_sub(offset)?;
                replacement.get(to_index(place)).copied()
            };
            let merged = edit.bytes.iter().zip(&came).enumerate();
            edit.bytes = merged
                .map(|(index, (now, came))| if now == came { new(index).unwrap_or(*now) } else { *now })
                .collect();
        }
    }

    /// Puts `replacement`, which is not empty, in the place of `from..to`, whatever its length; whether it does: not
    /// where any of them has left, is not there yet or is edited already, and not without bound.
    pub fn replace(&mut self, from: u64, to: u64, replacement: Vec<u8>) -> bool {
        let next = self.edits.partition_point(|edit| edit.at < to);
        let is_free = next
            .checked_sub(1)
            .and_then(|before| self.edits.get(before))
            .is_none_or(|edit| edit.end() <= from);
        let covers = to.saturating_sub(from);
        let grown = self.grown + replacement.len() as i64 - i64::try_from(covers).unwrap_or(i64::MAX);
        let fits = grown <= RESIZED_BYTES && covers > 0 && !replacement.is_empty();
        if !is_free || !fits || from < self.start || to > self.end {
            return false;
        }
        self.edits.insert(next, Edit { at: from, covers, bytes: Bytes::from(replacement), instead: true });
        self.grown = grown;
        true
    }

    /// Bytes that edits add to what came; negative: that they take away.
    #[must_use]
    pub fn grown(&self) -> i64 {
        self.grown
    }

    /// The next piece below `limit`, edited where it has to be.
    pub fn pop(&mut self, limit: u64) -> Option<Bytes> {
        let limit = limit.min(self.end);
        while self.start < limit {
            let Some(edit) = self.edits.front().filter(|edit| edit.at == self.start) else {
                let until = self.edits.front().map_or(limit, |edit| limit.min(edit.at));
                return self.take(to_index(until - self.start));
            };
            let (covers, instead) = (edit.covers, edit.instead);
            let taken = covers.min(limit - self.start);
            let mut bytes = self.edits.pop_front()?.bytes;
            if taken < covers {
                // An edit that reaches over the limit is cut there; its rest waits.
                let rest = bytes.split_off(bytes.len().min(to_index(taken)));
                self.edits.push_front(Edit { at: limit, covers: covers - taken, bytes: rest, instead });
            }
            self.skip(to_index(taken));
            if !bytes.is_empty() {
                return Some(bytes);
            }
        }
        None
    }

    /// Takes at most `length` bytes off the first part.
    fn take(&mut self, length: usize) -> Option<Bytes> {
        let first = self.parts.front_mut()?;
        let piece = if first.len() <= length { self.parts.pop_front()? } else { first.split_to(length) };
        self.left(&piece);
        Some(piece)
    }

    fn skip(&mut self, mut length: usize) {
        while length > 0 {
            let Some(piece) = self.take(length) else { return };
            length -= piece.len();
        }
    }

    /// Remembers the end of what has left.
    fn left(&mut self, piece: &Bytes) {
        self.start += piece.len() as u64;
        match piece.last_chunk::<MASK_CONTEXT>() {
            Some(last) => self.context = *last,
            None => {
                self.context.rotate_left(piece.len());
                let kept = MASK_CONTEXT - piece.len();
                self.context.iter_mut().skip(kept).zip(piece).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// Drops all that waits.
    pub fn clear(&mut self) {
        self.parts = VecDeque::new();
        self.edits = VecDeque::new();
        self.start = self.end;
    }
}

/// Offsets within what waits fit memory.
fn to_index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(chain: &mut Chain, limit: u64) -> Vec<Bytes> {
        std::iter::from_fn(|| chain.pop(limit)).collect()
    }

    #[test]
    fn only_the_edited_range_is_new_memory() {
        let chunk = Bytes::from(vec![b'a'; 100]);
        let second = Bytes::from(vec![b'b'; 100]);
        let mut chain = Chain::new();
        chain.push(chunk.clone());
        chain.push(second.clone());
        chain.edit(95, b"0123456789".to_vec());
        let out = drain(&mut chain, 200);
        let lengths: Vec<_> = out.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [95, 10, 95]);
        assert_eq!(out[0].as_ptr(), chunk.as_ptr());
        assert_eq!(&out[1][..], b"0123456789");
        assert_eq!(out[2].as_ptr(), second[5..].as_ptr());
    }

    #[test]
    fn a_clean_chunk_leaves_as_it_came() {
        let chunk = Bytes::from(vec![b'a'; 100]);
        let mut chain = Chain::new();
        chain.push(chunk.clone());
        chain.push(Bytes::new());
        assert_eq!((chain.chunks(), chain.end()), (1, 100));
        let out = drain(&mut chain, 100);
        assert_eq!((out.len(), out[0].as_ptr()), (1, chunk.as_ptr()));
    }

    #[test]
    fn edits_stay_within_what_waits_and_apart() {
        let mut chain = Chain::new();
        chain.push(Bytes::from_static(b"0123456789"));
        assert_eq!(drain(&mut chain, 2).concat(), b"01");
        chain.edit(0, b"aaaa".to_vec());
        chain.edit(3, b"bbb".to_vec());
        chain.edit(9, b"ccc".to_vec());
        chain.edit(20, b"d".to_vec());
        // A limit inside an edit cuts it.
        assert_eq!(drain(&mut chain, 5).concat(), b"aab");
        assert_eq!(drain(&mut chain, u64::MAX).concat(), b"b678c");
    }

    #[test]
    fn edits_over_each_other_hide_what_either_hides() {
        let mut chain = Chain::new();
        chain.push(Bytes::from_static(b"0123456789"));
        chain.edit(2, b"**45".to_vec());
        chain.edit(4, b"4+++".to_vec());
        chain.edit(1, b"-------".to_vec());
        assert_eq!(drain(&mut chain, u64::MAX).concat(), b"0-**-+++89");
        let mut chain = Chain::new();
        chain.push(Bytes::from_static(b"0123456789"));
        assert!(chain.replace(2, 4, b"<label>".to_vec()));
        chain.edit(1, b"-----".to_vec());
        assert_eq!(drain(&mut chain, u64::MAX).concat(), b"0-<label>--6789");
    }

    #[test]
    fn what_edits_add_is_bounded() {
        let mut chain = Chain::new();
        chain.push(Bytes::from(vec![b'a'; 1 << 20]));
        let long = 1 + usize::try_from(RESIZED_BYTES).unwrap();
        assert!(!chain.replace(1, 2, vec![b'+'; long + 1]) && chain.replace(1, 2, vec![b'+'; long]));
        assert!(!chain.replace(7, 8, b"++".to_vec()) && chain.replace(9, 10, b"+".to_vec()));
        assert_eq!(chain.grown(), RESIZED_BYTES);
    }

    #[test]
    fn context_is_what_came_not_what_left() {
        let mut chain = Chain::new();
        chain.push(Bytes::from_static(b"abcdefghij"));
        chain.push(Bytes::from_static(b"klmnopqrstuvwxyz"));
        chain.edit(1, b"**".to_vec());
        assert_eq!(chain.before(4), b"abcd");
        drain(&mut chain, 3);
        assert_eq!(chain.before(4), b"abcd");
        assert_eq!(chain.before(20), b"efghijklmnopqrst");
        drain(&mut chain, 24);
        assert_eq!(chain.before(24), b"ijklmnopqrstuvwx");
        assert_eq!(chain.before(26), b"klmnopqrstuvwxyz");
    }

    proptest! {
        #[test]
        fn what_takes_the_place_of_bytes_may_be_longer_or_shorter(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..8),
            edits in prop::collection::vec((0usize..20, 1usize..20, 1usize..40), 0..8),
            limits in prop::collection::vec(0u64..200, 0..6),
        ) {
            let whole = chunks.concat();
            let mut chain = Chain::new();
            for chunk in chunks {
                chain.push(Bytes::from(chunk));
            }
            let (mut expected, mut at, mut done) = (Vec::new(), 0, 0);
            for (gap, covers, length) in edits {
                at += gap;
                let fits = at + covers <= whole.len();
                let (from, to) = (at as u64, (at + covers) as u64);
                prop_assert_eq!(chain.replace(from, to, vec![b'+'; length]), fits);
                prop_assert!(!chain.replace(from, to, vec![b'-'; length]), "it is taken");
                // What is laid over it later changes nothing.
                if fits {
                    chain.edit(from, vec![b'*'; covers]);
                    expected.extend_from_slice(&whole[done..at]);
                    expected.resize(expected.len() + length, b'+');
                    done = at + covers;
                }
                at += covers;
            }
            expected.extend_from_slice(&whole[done..]);
            let length = (whole.len() as u64).saturating_add_signed(chain.grown());
            let mut out = Vec::new();
            for limit in limits.into_iter().chain([u64::MAX]) {
                let pieces = drain(&mut chain, limit);
                prop_assert!(pieces.iter().all(|piece| !piece.is_empty()));
                out.extend(pieces.concat());
            }
            prop_assert_eq!(out.len() as u64, length);
            prop_assert_eq!(out, expected);
        }

        #[test]
        fn what_leaves_is_what_came_but_for_the_edits(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12),
            edits in prop::collection::vec((0usize..20, 1usize..20), 0..12),
            limits in prop::collection::vec(0u64..500, 0..8),
        ) {
            let mut expected = chunks.concat();
            let mut chain = Chain::new();
            for chunk in chunks {
                chain.push(Bytes::from(chunk));
            }
            let whole = expected.clone();
            let mut at = 0;
            for (gap, length) in edits {
                at += gap;
                let end = (at + length).min(expected.len());
                if at < end {
                    expected[at..end].fill(b'*');
                }
                chain.edit(at as u64, vec![b'*'; length]);
                at += length;
            }
            let mut out = Vec::new();
            for limit in limits.into_iter().chain([u64::MAX]) {
                for piece in drain(&mut chain, limit) {
                    out.extend_from_slice(&piece);
                }
                let from = out.len().saturating_sub(MASK_CONTEXT);
                prop_assert_eq!(chain.before(out.len() as u64), &whole[from..out.len()]);
            }
            prop_assert_eq!(out, expected);
        }
    }
}
