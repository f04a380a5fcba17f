//! The AVX2 kernel: two 32-byte registers a block, range checks by saturating arithmetic.
#![expect(
    unsafe_code,
    reason = "vector intrinsics; the level is checked at run time and a plain twin is tested against it"
)]

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_sub_epi8,
};

use super::walk::{self, Visit};
use super::{Planes, Wanted};

pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

pub(super) fn walk<V: Visit>(wanted: Wanted, text: &[u8], from: usize, to: usize, visit: &mut V) {
    debug_assert!(available());
    // SAFETY: `Level::Avx2` is only made by `Level::detect` after `available` said yes.
    unsafe { walk_avx2(wanted, text, from, to, visit) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn walk_avx2<V: Visit>(wanted: Wanted, text: &[u8], from: usize, to: usize, visit: &mut V) {
    walk::walk(planes, wanted, text, from, to, visit);
}

/// One bit for each byte of `v` in `low..=low + width`.
#[inline(always)]
unsafe fn in_range(v: __m256i, low: u8, width: u8) -> __m256i {
    // SAFETY: only called where AVX2 is enabled.
    unsafe {
        let offset = _mm256_sub_epi8(v, _mm256_set1_epi8(low.cast_signed()));
        _mm256_cmpeq_epi8(_mm256_min_epu8(offset, _mm256_set1_epi8(width.cast_signed())), offset)
    }
}

#[inline(always)]
fn planes(block: &[u8; 64]) -> Planes {
    // SAFETY: inlined into `walk_avx2` only, where AVX2 is enabled; both loads lie inside the block.
    unsafe {
        let low = half(_mm256_loadu_si256(block.as_ptr().cast()));
        let high = half(_mm256_loadu_si256(block.as_ptr().add(32).cast()));
        let join = |i: usize| u64::from(low[i]) | u64::from(high[i]) << 32;
        Planes { digit: join(0), separator: join(1), word: join(2), at: join(3) }
    }
}

#[inline(always)]
unsafe fn half(v: __m256i) -> [u32; 4] {
    // SAFETY: only called where AVX2 is enabled.
    unsafe {
        let digit = in_range(v, b'0', 9);
        let dash_dot_slash = in_range(v, b'-', 2);
        let space = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(b' '.cast_signed()));
        let separator = _mm256_or_si256(dash_dot_slash, space);
        let folded = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
        let word = _mm256_or_si256(in_range(folded, b'a', 25), digit);
        let at = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(b'@'.cast_signed()));
        [digit, separator, word, at].map(|m| _mm256_movemask_epi8(m).cast_unsigned())
    }
}
