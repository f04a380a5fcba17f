//! The AVX-512 kernel: one 64-byte register a block, comparisons that give the bit planes themselves.
#![expect(
    unsafe_code,
    reason = "vector intrinsics; the level is checked at run time and a plain twin is tested against it"
)]

use std::arch::x86_64::{
    __m128i, __m512i, _mm_loadu_si128, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_cmpeq_epi8_mask,
    _mm512_cmple_epu8_mask, _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8,
    _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_sub_epi8, _mm512_test_epi8_mask,
};

use super::avx2::Four;
use super::seek::{self, BLOCK, Look, Possible, Sight};
use super::spell::{self, Heads, Letters, Spell, Start};
use super::walk::{self, Classify, Visit};
use super::{Nibbles, Planes, Wanted};

pub(super) fn available() -> bool {
    super::avx2::available() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
}

pub(super) fn walk<V: Visit>(wanted: Wanted, text: &[u8], from: usize, to: usize, visit: &mut V) {
    debug_assert!(available());
    // SAFETY: `Level::Avx512` is only made by `Level::all` after `available` said yes.
    unsafe { walk_avx512(wanted, text, from, to, visit) }
}

#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn walk_avx512<V: Visit>(wanted: Wanted, text: &[u8], from: usize, to: usize, visit: &mut V) {
    walk::walk::<Avx512, V>(wanted, text, from, to, visit);
}

/// One bit for each byte of `v` in `low..=low + width`.
#[inline(always)]
pub(super) unsafe fn in_range(v: __m512i, low: u8, width: u8) -> u64 {
    // SAFETY: only called where AVX-512 is enabled.
    unsafe {
        let offset = _mm512_sub_epi8(v, _mm512_set1_epi8(low.cast_signed()));
        _mm512_cmple_epu8_mask(offset, _mm512_set1_epi8(width.cast_signed()))
    }
}

impl Classify for Avx512 {
    type Lanes = Four;

    #[inline(always)]
    fn planes(block: &[u8; 64]) -> Planes {
        // SAFETY: inlined into `walk_avx512` only, where AVX-512 is enabled; the load is the block.
        unsafe {
            let v = _mm512_loadu_si512(block.as_ptr().cast());
            let digit = in_range(v, b'0', 9);
            let space = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b' '.cast_signed()));
            let folded = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
            Planes {
                digit,
                separator: in_range(v, b'-', 2) | space,
                word: in_range(folded, b'a', 25) | digit,
                at: _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'@'.cast_signed()))
                    | _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'%'.cast_signed())),
            }
        }
    }
}

pub(super) fn seek(nibbles: &Nibbles, text: &[u8], from: usize, to: usize, hit: &mut impl Possible) {
    debug_assert!(available());
    // SAFETY: `Level::Avx512` is only made by `Level::all` after `available` said yes.
    unsafe { seek_avx512(nibbles, text, from, to, hit) }
}

#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn seek_avx512(nibbles: &Nibbles, text: &[u8], from: usize, to: usize, hit: &mut impl Possible) {
    seek::seek::<Avx512>(nibbles, text, from, to, hit);
}

pub(super) struct Avx512;

impl Look for Avx512 {
    const BATCHED: bool = true;

    #[inline(always)]
    fn sight(nibbles: &Nibbles, block: &[u8; BLOCK]) -> Sight {
        // SAFETY: inlined into `seek_avx512` only, where AVX-512 is enabled; the furthest load ends with the block.
        unsafe {
            let v = _mm512_loadu_si512(block.as_ptr().cast());
            let (first, second) = (
                look_up(nibbles, 0, v),
                look_up(nibbles, 1, _mm512_loadu_si512(block.as_ptr().add(1).cast())),
            );
            let third = look_up(nibbles, 2, _mm512_loadu_si512(block.as_ptr().add(2).cast()));
            let fourth = look_up(nibbles, 3, _mm512_loadu_si512(block.as_ptr().add(3).cast()));
            let buckets = _mm512_and_si512(_mm512_and_si512(first, second), _mm512_and_si512(third, fourth));
            let folded = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
            let line = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'_'.cast_signed()));
            Sight {
                bound: _mm512_test_epi8_mask(buckets, _mm512_set1_epi8((!nibbles.free).cast_signed())),
                free: _mm512_test_epi8_mask(buckets, _mm512_set1_epi8(nibbles.free.cast_signed())),
                word: in_range(folded, b'a', 25) | in_range(v, b'0', 9) | line,
            }
        }
    }
}

/// The buckets that 64 bytes at one place of a literal belong to.
#[inline(always)]
unsafe fn look_up(nibbles: &Nibbles, place: usize, v: __m512i) -> __m512i {
    // SAFETY: only called where AVX-512 is enabled.
    unsafe {
        let half = _mm512_set1_epi8(0x0f);
        let low = _mm512_shuffle_epi8(table(&nibbles.low[place]), _mm512_and_si512(v, half));
        let high = _mm512_and_si512(_mm512_srli_epi16::<4>(v), half);
        _mm512_and_si512(low, _mm512_shuffle_epi8(table(&nibbles.high[place]), high))
    }
}

#[inline(always)]
unsafe fn table(bytes: &[u8; 16]) -> __m512i {
    // SAFETY: only called where AVX-512 is enabled; the load is the table.
    unsafe { _mm512_broadcast_i32x4(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>())) }
}

pub(super) fn spell(heads: &Heads, text: &[u8], from: usize, to: usize, hit: &mut impl FnMut(Start)) {
    debug_assert!(available());
    // SAFETY: `Level::Avx512` is only made by `Level::all` after `available` said yes.
    unsafe { spell_avx512(heads, text, from, to, hit) }
}

#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn spell_avx512(heads: &Heads, text: &[u8], from: usize, to: usize, hit: &mut impl FnMut(Start)) {
    spell::spell::<Avx512>(heads, text, from, to, hit);
}

impl Spell for Avx512 {
    #[inline(always)]
    fn letters(block: &[u8; 64]) -> Letters {
        // SAFETY: inlined into `spell_avx512` only, where AVX-512 is enabled; the load is the block.
        unsafe {
            let v = _mm512_loadu_si512(block.as_ptr().cast());
            let letter = in_range(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), b'a', 25);
            let small = _mm512_test_epi8_mask(v, _mm512_set1_epi8(0x20));
            let high = _mm512_movepi8_mask(v);
            let lead = high & _mm512_test_epi8_mask(v, _mm512_set1_epi8(0x40));
            Letters { upper: letter & !small, lower: letter & small, high, lead }
        }
    }
}
