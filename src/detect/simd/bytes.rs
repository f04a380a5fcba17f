//! Whether a text holds any byte of a set, or any that is no ASCII.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "vector intrinsics; the level is checked at run time and a plain twin is tested against it"
    )
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m128i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_movepi8_mask, _mm512_set1_epi8, _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_test_epi8_mask,
};

use super::Level;

/// A set of bytes: some of ASCII, and all that are not.
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// A bit for each row of sixteen that has a byte with this low half.
    low: [u8; 16],
    /// The bit of a row, by the high half.
    high: [u8; 16],
}

impl Bytes {
    /// These bytes of ASCII, and all that are not ASCII.
    #[must_use]
    pub const fn new(bytes: &[u8]) -> Bytes {
        let (mut low, mut high, mut at) = ([0; 16], [0; 16], 0);
        while at < bytes.len() {
            let (row, half) = ((bytes[at] >> 4) & 7, bytes[at] & 15);
            low[half as usize] |= 1 << row;
            high[row as usize] = 1 << row;
            at += 1;
        }
        Bytes { low, high }
    }

    fn has(&self, byte: u8) -> bool {
        !byte.is_ascii() || self.low[usize::from(byte & 15)] & self.high[usize::from(byte >> 4)] != 0
    }
}

/// Whether `text` holds any of them.
pub(super) fn holds(level: Level, bytes: &Bytes, text: &[u8]) -> bool {
    let (blocks, rest) = text.as_chunks::<64>();
    let plain = || blocks.iter().flatten().any(|byte| bytes.has(*byte));
    let in_blocks = match level {
        Level::Plain => plain(),
        // SAFETY: these levels are only made by `Level::all` after `available` said yes.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { holds_avx2(bytes, blocks) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Vbmi => unsafe { holds_avx512(bytes, blocks) },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => plain(),
    };
    in_blocks || rest.iter().any(|byte| bytes.has(*byte))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn holds_avx2(bytes: &Bytes, blocks: &[[u8; 64]]) -> bool {
    // SAFETY: AVX2 is enabled; all loads lie inside the tables and the blocks.
    unsafe {
        let table =
            |bytes: &[u8; 16]| _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()));
        let (low, high, half) = (table(&bytes.low), table(&bytes.high), _mm256_set1_epi8(0x0f));
        blocks.iter().any(|block| {
            let (a, b) = (
                _mm256_loadu_si256(block.as_ptr().cast()),
                _mm256_loadu_si256(block.as_ptr().add(32).cast()),
            );
            let rows = |v| {
                let row = _mm256_and_si256(_mm256_srli_epi16::<4>(v), half);
                _mm256_and_si256(_mm256_shuffle_epi8(low, v), _mm256_shuffle_epi8(high, row))
            };
            let either = _mm256_or_si256(rows(a), rows(b));
            let none = _mm256_movemask_epi8(_mm256_cmpeq_epi8(either, _mm256_setzero_si256()));
            none != -1 || _mm256_movemask_epi8(_mm256_or_si256(a, b)) != 0
        })
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn holds_avx512(bytes: &Bytes, blocks: &[[u8; 64]]) -> bool {
    // SAFETY: AVX-512 is enabled; all loads lie inside the tables and the blocks.
    unsafe {
        let table =
            |bytes: &[u8; 16]| _mm512_broadcast_i32x4(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()));
        let (low, high, half) = (table(&bytes.low), table(&bytes.high), _mm512_set1_epi8(0x0f));
        blocks.iter().any(|block| {
            let v = _mm512_loadu_si512(block.as_ptr().cast());
            let row = _mm512_and_si512(_mm512_srli_epi16::<4>(v), half);
            let rows = _mm512_test_epi8_mask(_mm512_shuffle_epi8(low, v), _mm512_shuffle_epi8(high, row));
            rows | _mm512_movepi8_mask(v) != 0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SET: &[u8] = b"\x04\x08%&+=\\";

    #[test]
    fn every_level_knows_every_byte_wherever_it_stands() {
        let set = Bytes::new(SET);
        for level in Level::all() {
            for byte in 0..=u8::MAX {
                for (length, at) in [(1, 0), (64, 0), (64, 63), (200, 31), (200, 40), (200, 199)] {
                    let mut text = vec![b' '; length];
                    text[at] = byte;
                    let expected = SET.contains(&byte) || byte >= 0x80;
                    assert_eq!(holds(level, &set, &text), expected, "{byte} at {at} of {length}, {level:?}");
                }
            }
            assert!(!holds(level, &set, b""));
        }
    }

    proptest! {
        #[test]
        fn every_level_says_the_same(
            set in prop::collection::vec(0u8..0x80, 0..12), text in prop::collection::vec(0u8..0x90, 0..300),
        ) {
            let expected = text.iter().any(|byte| set.contains(byte) || *byte >= 0x80);
            for level in Level::all() {
                prop_assert_eq!(holds(level, &Bytes::new(&set), &text), expected, "{:?}", level);
            }
        }
    }
}
