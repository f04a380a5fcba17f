//! Where the first long run of digits of base64 begins: letters, digits, `+`, `/`, `-` and `_`.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "vector intrinsics; the level is checked at run time and a plain twin is tested against it"
    )
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_srli_epi16, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_set1_epi8,
    _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_test_epi8_mask,
};

use super::Level;
use crate::limits::ARMOUR_LEAST;

/// The first run of at least [`ARMOUR_LEAST`] digits; or where the one begins, if any, that reaches the end.
pub(super) fn first_run(level: Level, text: &[u8]) -> Result<usize, usize> {
    match level {
        Level::Plain => search::<Plain>(text),
        // SAFETY: these levels are only made by `Level::all` after `available` said yes.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { search_avx2(text) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Vbmi => unsafe { search_avx512(text) },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => search::<super::neon::Neon>(text),
    }
}

/// Which of 64 bytes are digits. A type and not a closure, so that it is compiled with its caller's instructions.
trait Digits {
    fn digits(block: &[u8; 64]) -> u64;
}

#[inline(always)]
fn search<D: Digits>(text: &[u8]) -> Result<usize, usize> {
    const LEAST: u32 = ARMOUR_LEAST as u32;
    let (blocks, rest) = text.as_chunks::<64>();
    // Digits that end what was looked at.
    let mut open = 0;
    for (number, block) in blocks.iter().enumerate() {
        let digits = D::digits(block);
        if let Some(place) = long_run::<LEAST>(digits, open) {
            return Ok(64 * number + place - open);
        }
        open = if digits == u64::MAX { open + 64 } else { digits.leading_ones() as usize };
    }
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    let digits = D::digits(&last);
    if let Some(place) = long_run::<LEAST>(digits, open) {
        return Ok(64 * blocks.len() + place - open);
    }
    // The bytes behind the text are no digits.
    let ending = (digits << (64 - rest.len() as u32).min(63)).leading_ones() as usize;
    open = if digits.trailing_ones() as usize == rest.len() { open + rest.len() } else { ending };
    Err(text.len() - open)
}

/// Where a run of `LEAST` begins whose first `open` bytes stand before these: `open` bytes behind its beginning.
#[inline(always)]
fn long_run<const LEAST: u32>(digits: u64, open: usize) -> Option<usize> {
    if open + digits.trailing_ones() as usize >= LEAST as usize {
        return Some(0);
    }
    let (mut eroded, mut width) = (digits, 1);
    while width < LEAST {
        let step = width.min(LEAST - width);
        eroded &= eroded >> step;
        width += step;
    }
    (eroded != 0).then(|| eroded.trailing_zeros() as usize + open)
}

struct Plain;

impl Digits for Plain {
    fn digits(block: &[u8; 64]) -> u64 {
        block.iter().enumerate().fold(0, |all, (at, byte)| {
            let is_digit = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
            all | u64::from(is_digit) << at
        })
    }
}

#[cfg(target_arch = "aarch64")]
impl Digits for super::neon::Neon {
    #[inline(always)]
    fn digits(block: &[u8; 64]) -> u64 {
        use super::neon::{bits, load, look_up, within};
        bits(load(block).map(|v| within(look_up(&LOW, &HIGH, v), u8::MAX)))
    }
}

/// A bit for each kind of row of sixteen bytes, by the low half of a byte and by its high half: digits share one.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const LOW: [u8; 16] = {
    let mut low = [0; 16];
    let mut at = 0;
    while at < 16 {
        let marks = at == 0xb || at == 0xd || at == 0xf;
        let (numbers, letters, late) = (at <= 9, at >= 1, at <= 0xa);
        low[at] = marks as u8
            | (numbers as u8) << 1
            | (letters as u8) << 2
            | ((late || at == 0xf) as u8) << 3
            | (late as u8) << 4;
        at += 1;
    }
    low
};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const HIGH: [u8; 16] = [0, 0, 1, 2, 4, 8, 4, 16, 0, 0, 0, 0, 0, 0, 0, 0];

#[cfg(target_arch = "x86_64")]
struct Avx2;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn search_avx2(text: &[u8]) -> Result<usize, usize> {
    search::<Avx2>(text)
}

#[cfg(target_arch = "x86_64")]
impl Digits for Avx2 {
    #[inline(always)]
    fn digits(block: &[u8; 64]) -> u64 {
        // SAFETY: inlined into `search_avx2` only, where AVX2 is enabled; both loads lie inside the block.
        unsafe {
            let low = half(_mm256_loadu_si256(block.as_ptr().cast()));
            let high = half(_mm256_loadu_si256(block.as_ptr().add(32).cast()));
            u64::from(low) | u64::from(high) << 32
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn half(v: __m256i) -> u32 {
    // SAFETY: only called where AVX2 is enabled; the loads are the tables.
    unsafe {
        let table =
            |bytes: &[u8; 16]| _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()));
        // A byte with its highest bit set looks up zero.
        let low = _mm256_shuffle_epi8(table(&LOW), v);
        let nibble = _mm256_and_si256(_mm256_srli_epi16::<4>(v), _mm256_set1_epi8(0x0f));
        let both = _mm256_and_si256(low, _mm256_shuffle_epi8(table(&HIGH), nibble));
        !_mm256_movemask_epi8(_mm256_cmpeq_epi8(both, _mm256_setzero_si256())).cast_unsigned()
    }
}

#[cfg(target_arch = "x86_64")]
struct Avx512;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn search_avx512(text: &[u8]) -> Result<usize, usize> {
    search::<Avx512>(text)
}

#[cfg(target_arch = "x86_64")]
impl Digits for Avx512 {
    #[inline(always)]
    fn digits(block: &[u8; 64]) -> u64 {
        // SAFETY: inlined into `search_avx512` only, where AVX-512 is enabled; the loads are the block and the tables.
        unsafe {
            let v = _mm512_loadu_si512(block.as_ptr().cast());
            let table =
                |bytes: &[u8; 16]| _mm512_broadcast_i32x4(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()));
            let low = _mm512_shuffle_epi8(table(&LOW), v);
            let nibble = _mm512_and_si512(_mm512_srli_epi16::<4>(v), _mm512_set1_epi8(0x0f));
            _mm512_test_epi8_mask(low, _mm512_shuffle_epi8(table(&HIGH), nibble))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(text: &[u8]) -> Result<usize, usize> {
        let mut start = 0;
        for (at, byte) in text.iter().enumerate() {
            if !(byte.is_ascii_alphanumeric() || b"+/-_".contains(byte)) {
                start = at + 1;
            } else if at + 1 - start == ARMOUR_LEAST {
                return Ok(start);
            }
        }
        Err(start)
    }

    #[test]
    fn every_level_knows_every_byte() {
        for byte in 0..=u8::MAX {
            let mut block = [b' '; 64];
            (block[3], block[63]) = (byte, byte);
            let expected = Plain::digits(&block);
            let run = [&[b'A'; ARMOUR_LEAST - 1][..], &[byte]].concat();
            for level in Level::all() {
                assert_eq!(first_run(level, &run).is_ok(), expected != 0, "{byte} {level:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_level_finds_the_first_long_run(
            parts in proptest::collection::vec((0usize..90, prop::sample::select(vec![" ", "", "\"", "\u{e9}", "="])), 0..12),
        ) {
            let part = |&(length, end): &(usize, &str)| format!("{}{end}", "aZ09+/-_".repeat(12).split_at(length).0);
            let text: String = parts.iter().map(part).collect();
            for level in Level::all() {
                prop_assert_eq!(first_run(level, text.as_bytes()), naive(text.as_bytes()), "{:?} {}", level, text);
            }
        }
    }
}
