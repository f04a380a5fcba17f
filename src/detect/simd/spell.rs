//! Where words begin: the part that every kernel shares, written once and compiled for each.

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
}

/// Calls `hit` where a word begins: behind what is no letter, at a capital behind a small letter, and in a script
/// without spaces anywhere. Also tells how many letters stand there without a break, counted to eight at least, and
/// whether a capital is the break.
#[inline(always)]
pub(super) fn spell<S: Spell>(
    text: &[u8],
    from: usize,
    to: usize,
    hit: &mut impl FnMut(usize, (usize, bool)),
) {
    let before = from.checked_sub(1).map_or(0, |i| text[i]);
    let mut letter_before = u64::from(before.is_ascii_alphabetic() || !before.is_ascii());
    let mut lower_before = u64::from(before.is_ascii_lowercase());
    let mut base = from;
    while base < to {
        let rest = &text[base..];
        let letters = match rest.first_chunk::<64>() {
            Some(block) => S::letters(block),
            None => {
                let mut block = [0; 64];
                block[..rest.len()].copy_from_slice(rest);
                S::letters(&block)
            }
        };
        let letter = letters.upper | letters.lower;
        let any = letter | letters.high;
        let capital = letters.upper & (letters.lower << 1 | lower_before);
        let mut starts = letter & !(any << 1 | letter_before) | capital | letters.lead;
        starts &= u64::MAX >> (64 - STEP.min(to - base));
        let goes_on = any & !capital;
        (letter_before, lower_before) = (any >> (STEP - 1) & 1, letters.lower >> (STEP - 1) & 1);
        while starts != 0 {
            let start = starts.trailing_zeros();
            starts &= starts - 1;
            let count = 1 + (goes_on >> start >> 1).trailing_ones();
            hit(
                base + start as usize,
                (count as usize, any.checked_shr(start + count).unwrap_or(0) & 1 != 0),
            );
        }
        base += STEP;
    }
}

/// Bytes of a block in which words begin; those behind show how they go on.
const STEP: usize = 64 - 7;
