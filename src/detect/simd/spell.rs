//! Where words begin: the part that every kernel shares, written once and compiled for each.

use super::nibbles::Table;

/// What one block of 64 bytes shows.
pub(super) struct Letters {
    /// Capital and small ASCII letters.
    pub upper: u64,
    pub lower: u64,
    /// Bytes of other scripts, and those that begin a character.
    pub high: u64,
    pub lead: u64,
}

pub(super) trait Spell {
    fn letters(block: &[u8; 64]) -> Letters;

    /// Where one of `heads` may stand, for the bytes of a step.
    #[inline(always)]
    fn possible(_heads: &Heads, _block: &[u8; 64]) -> u64 {
        u64::MAX
    }
}

/// Which three bytes can begin a word that is looked for, whatever their case.
#[derive(Clone, Debug)]
pub(in crate::detect) struct Heads {
    hashed: Box<[u64; HEADS / 64]>,
    /// For each first byte a bit, in one of four tables: at itself, and at each second and third byte that can follow it.
    /// Bytes are told apart by what is kept of them, which is repeated for those that look up with one bit more.
    pub(super) follows: Box<[[Table; 3]; 4]>,
}

const HEADS: usize = 1 << 16;
/// What is left of each byte: letters of either case are one.
const KEPT: u32 = 0x1f_1f1f;

impl Default for Heads {
    fn default() -> Heads {
        Heads { hashed: Box::new([0; HEADS / 64]), follows: Box::new([[Table([0; 64]); 3]; 4]) }
    }
}

impl Heads {
    /// Adds what `word`, in lower case, can begin with: `joints` can stand for a space, and nothing.
    pub(in crate::detect) fn add(&mut self, word: &[u8], joints: &[u8]) {
        self.extend(word, joints, [0; 3], 0);
    }

    fn extend(&mut self, word: &[u8], joints: &[u8], mut head: [u8; 3], length: usize) {
        if length == head.len() {
            let [a, b, c] = head;
            let place = place(u32::from_le_bytes([a, b, c, 0]));
            self.hashed[place / 64] |= 1 << (place % 64);
            let first = usize::from(a & KEPT as u8);
            for (byte, table) in head.into_iter().zip(&mut self.follows[first / 8]) {
                let kept = usize::from(byte & KEPT as u8);
                table.0[kept] |= 1 << (first % 8);
                table.0[kept + 32] |= 1 << (first % 8);
            }
            return;
        }
        let Some((&first, rest)) = word.split_first() else {
            // Anything may follow a short word.
            for low in 0..=KEPT as u8 {
                head[length] = low;
                self.extend(word, joints, head, length + 1);
            }
            return;
        };
        if first == b' ' {
            self.extend(rest, joints, head, length);
        }
        for &byte in if first == b' ' { joints } else { std::slice::from_ref(&first) } {
            head[length] = byte;
            self.extend(rest, joints, head, length + 1);
        }
    }

    pub(in crate::detect) fn size(&self) -> usize {
        size_of_val(&*self.hashed) + size_of_val(&*self.follows)
    }

    /// Whether the second and the third of three bytes can follow the first.
    #[inline(always)]
    fn follow(&self, kept: u32) -> bool {
        let [first, second, third, _] = kept.to_le_bytes();
        let [_, seconds, thirds] = &self.follows[usize::from(first / 8 % 4)];
        (seconds.0[usize::from(second % 64)] & thirds.0[usize::from(third % 64)]) >> (first % 8) & 1 != 0
    }

    #[inline(always)]
    fn hold(&self, letters: u64) -> bool {
        let place = place(letters as u32);
        self.hashed[place / 64] & 1 << (place % 64) != 0 && self.follow(letters as u32 & KEPT)
    }
}

#[inline(always)]
fn place(letters: u32) -> usize {
    ((letters & KEPT).wrapping_mul(0x9E37_79B1) >> 16) as usize
}

/// Where a word may begin.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Start {
    pub at: usize,
    /// The eight bytes there, as far as the text goes.
    pub letters: u64,
    /// How many letters stand there without a break, counted to eight at least.
    pub count: usize,
    /// Whether a capital is the break.
    pub capital: bool,
}

/// Calls `hit` where a word begins: behind what is no letter, at a capital behind a small letter, at the last of three
/// capitals or more before two small letters, as in `SSNText`, and in a script without spaces anywhere; as far as one of
/// `heads` stands there.
#[inline(always)]
pub(super) fn spell<S: Spell>(
    heads: &Heads,
    text: &[u8],
    from: usize,
    to: usize,
    hit: &mut impl FnMut(Start),
) {
    let [capital_further, before] = [2, 1].map(|n| from.checked_sub(n).map_or(0, |i| text[i]));
    let mut capitals_before =
        u64::from(capital_further.is_ascii_uppercase()) | u64::from(before.is_ascii_uppercase()) << 1;
    let mut letter_before = u64::from(before.is_ascii_alphabetic() || !before.is_ascii());
    let mut lower_before = u64::from(before.is_ascii_lowercase());
    let mut base = from;
    let mut last;
    while base < to {
        let rest = &text[base..];
        let block = match rest.first_chunk::<64>() {
            Some(block) => block,
            None => {
                last = [0; 64];
                last[..rest.len()].copy_from_slice(rest);
                &last
            }
        };
        let letters = S::letters(block);
        let letter = letters.upper | letters.lower;
        let any = letter | letters.high;
        let abbreviated =
            (letters.upper << 1 | capitals_before >> 1) & (letters.upper << 2 | capitals_before);
        let abbreviated = abbreviated & letters.lower >> 1 & letters.lower >> 2;
        let capital = letters.upper & (letters.lower << 1 | lower_before | abbreviated);
        let mut starts = letter & !(any << 1 | letter_before) | capital | letters.lead;
        starts &= u64::MAX >> (64 - STEP.min(to - base)) & S::possible(heads, block);
        (letter_before, lower_before) = (any >> (STEP - 1) & 1, letters.lower >> (STEP - 1) & 1);
        capitals_before = letters.upper >> (STEP - 2) & 3;
        while starts != 0 {
            let start = starts.trailing_zeros();
            starts &= starts - 1;
            let Some(bytes) = block[start as usize..].first_chunk() else { break };
            let letters = u64::from_le_bytes(*bytes);
            if heads.hold(letters) {
                let goes_on = any & !capital;
                let count = 1 + (goes_on >> start >> 1).trailing_ones();
                let capital = any.checked_shr(start + count).unwrap_or(0) & 1 != 0;
                hit(Start { at: base + start as usize, letters, count: count as usize, capital });
            }
        }
        base += STEP;
    }
}

/// Bytes of a block in which words begin; those behind show how they go on.
const STEP: usize = 64 - 7;
