//! The AVX-512 kernel: one 64-byte register a block, comparisons that give the bit planes themselves.
#![expect(
    unsafe_code,
    reason = "vector intrinsics; the level is checked at run time and a plain twin is tested against it"
)]

use std::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi8_mask, _mm512_cmple_epu8_mask, _mm512_loadu_si512, _mm512_or_si512,
    _mm512_set1_epi8, _mm512_sub_epi8,
};

use super::walk::{self, Visit};
use super::{Planes, Wanted};

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
    walk::walk(planes, wanted, text, from, to, visit);
}

/// One bit for each byte of `v` in `low..=low + width`.
#[inline(always)]
unsafe fn in_range(v: __m512i, low: u8, width: u8) -> u64 {
    // SAFETY: only called where AVX-512 is enabled.
    unsafe {
        let offset = _mm512_sub_epi8(v, _mm512_set1_epi8(low.cast_signed()));
        _mm512_cmple_epu8_mask(offset, _mm512_set1_epi8(width.cast_signed()))
    }
}

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
            at: _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'@'.cast_signed())),
        }
    }
}
