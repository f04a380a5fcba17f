//! The AVX2 kernel: two 32-byte registers a block, range checks by saturating arithmetic.
#![expect(
    unsafe_code,
    reason = "vector intrinsics; the level is checked at run time and a plain twin is tested against it"
)]

use std::arch::asm;
use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_and_si256, _mm256_andnot_si256,
    _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_cmpeq_epi64, _mm256_loadu_si256, _mm256_min_epu8,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_sll_epi64, _mm256_slli_epi16, _mm256_srl_epi64, _mm256_srli_epi16, _mm256_storeu_si256,
    _mm256_sub_epi8,
};

use super::lanes::{LANES, Lanes};
use super::seek::{self, BLOCK, Look, Possible, Sight};
use super::spell::{self, Heads, Letters, Spell, Start};
use super::walk::{self, Classify, Visit};
use super::{Nibbles, Planes, Wanted};

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
    walk::walk::<Avx2, V>(wanted, text, from, to, visit);
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

impl Classify for Avx2 {
    type Lanes = Four;

    #[inline(always)]
    fn planes(block: &[u8; 64]) -> Planes {
        // SAFETY: inlined into `walk_avx2` only, where AVX2 is enabled; both loads lie inside the block.
        unsafe {
            let low = half(_mm256_loadu_si256(block.as_ptr().cast()));
            let high = half(_mm256_loadu_si256(block.as_ptr().add(32).cast()));
            let join = |i: usize| low[i] | high[i] << 32;
            Planes { digit: join(0), separator: join(1), word: join(2), at: join(3) }
        }
    }
}

#[inline(always)]
unsafe fn half(v: __m256i) -> [u64; 4] {
    // SAFETY: only called where AVX2 is enabled.
    unsafe {
        let digit = in_range(v, b'0', 9);
        let dash_dot_slash = in_range(v, b'-', 2);
        let space = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(b' '.cast_signed()));
        let separator = _mm256_or_si256(dash_dot_slash, space);
        let folded = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
        let word = _mm256_or_si256(in_range(folded, b'a', 25), digit);
        let at = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(b'@'.cast_signed()));
        let at = _mm256_or_si256(at, _mm256_cmpeq_epi8(v, _mm256_set1_epi8(b'%'.cast_signed())));
        [bits(digit), bits(separator), bits(word), bits(at)]
    }
}

/// Four words in one register.
#[derive(Clone, Copy)]
pub(super) struct Four(__m256i);

impl Lanes for Four {
    #[inline(always)]
    fn load(words: &[u64; LANES]) -> Four {
        // SAFETY: inlined where AVX2 is enabled only, here and below; the load is the words.
        unsafe { Four(_mm256_loadu_si256(words.as_ptr().cast())) }
    }

    #[inline(always)]
    fn store(self) -> [u64; LANES] {
        let mut words = [0u64; LANES];
        // SAFETY: the store is the words.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) };
        words
    }

    #[inline(always)]
    fn and(self, other: Four) -> Four {
        // SAFETY: as above.
        unsafe { Four(_mm256_and_si256(self.0, other.0)) }
    }

    #[inline(always)]
    fn or(self, other: Four) -> Four {
        // SAFETY: as above.
        unsafe { Four(_mm256_or_si256(self.0, other.0)) }
    }

    #[inline(always)]
    fn without(self, other: Four) -> Four {
        // SAFETY: as above.
        unsafe { Four(_mm256_andnot_si256(other.0, self.0)) }
    }

    #[inline(always)]
    fn same(self, other: Four) -> Four {
        // SAFETY: as above.
        unsafe { Four(_mm256_cmpeq_epi64(self.0, other.0)) }
    }

    #[inline(always)]
    fn left(self, bits: u32) -> Four {
        // SAFETY: as above.
        unsafe { Four(_mm256_sll_epi64(self.0, _mm_cvtsi32_si128(bits.cast_signed()))) }
    }

    #[inline(always)]
    fn right(self, bits: u32) -> Four {
        // SAFETY: as above.
        unsafe { Four(_mm256_srl_epi64(self.0, _mm_cvtsi32_si128(bits.cast_signed()))) }
    }
}

pub(super) fn seek(nibbles: &Nibbles, text: &[u8], from: usize, to: usize, hit: &mut impl Possible) {
    debug_assert!(available());
    // SAFETY: `Level::Avx2` is only made by `Level::detect` after `available` said yes.
    unsafe { seek_avx2(nibbles, text, from, to, hit) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn seek_avx2(nibbles: &Nibbles, text: &[u8], from: usize, to: usize, hit: &mut impl Possible) {
    seek::seek::<Avx2>(nibbles, text, from, to, hit);
}

struct Avx2;

impl Look for Avx2 {
    #[inline(always)]
    fn sight(nibbles: &Nibbles, block: &[u8; BLOCK]) -> Sight {
        // SAFETY: inlined into `seek_avx2` only, where AVX2 is enabled; the furthest load ends with the block.
        unsafe {
            let low = sight_half(nibbles, block.as_ptr());
            let high = sight_half(nibbles, block.as_ptr().add(32));
            let join = |i: usize| low[i] | high[i] << 32;
            Sight { bound: join(0), free: join(1), word: join(2) }
        }
    }
}

/// What 32 bytes, and the three behind them, show: bound, free, word.
#[inline(always)]
unsafe fn sight_half(nibbles: &Nibbles, bytes: *const u8) -> [u64; 3] {
    // SAFETY: only called where AVX2 is enabled, with 35 bytes to read.
    unsafe {
        let v = _mm256_loadu_si256(bytes.cast());
        let (first, second) =
            (look_up(nibbles, 0, v), look_up(nibbles, 1, _mm256_loadu_si256(bytes.add(1).cast())));
        let third = look_up(nibbles, 2, _mm256_loadu_si256(bytes.add(2).cast()));
        let fourth = look_up(nibbles, 3, _mm256_loadu_si256(bytes.add(3).cast()));
        let buckets = _mm256_and_si256(_mm256_and_si256(first, second), _mm256_and_si256(third, fourth));
        let folded = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
        let line = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(b'_'.cast_signed()));
        let word = _mm256_or_si256(in_range(folded, b'a', 25), in_range(v, b'0', 9));
        [within(buckets, !nibbles.free), within(buckets, nibbles.free), bits(_mm256_or_si256(word, line))]
    }
}

/// One bit for each byte that has a bit of `mask`.
#[inline(always)]
unsafe fn within(buckets: __m256i, mask: u8) -> u64 {
    // SAFETY: only called where AVX2 is enabled.
    unsafe {
        let masked = _mm256_and_si256(buckets, _mm256_set1_epi8(mask.cast_signed()));
        !bits(_mm256_cmpeq_epi8(masked, _mm256_setzero_si256())) & 0xffff_ffff
    }
}

#[inline(always)]
unsafe fn bits(v: __m256i) -> u64 {
    // SAFETY: only called where AVX2 is enabled; the assembly is empty.
    unsafe {
        let mut bits = u64::from(_mm256_movemask_epi8(v).cast_unsigned());
        // The compiler sees through a mask, and would shift it as 64 truth values, one by one.
        asm!("/* {0} */", inout(reg) bits, options(pure, nomem, nostack, preserves_flags));
        bits
    }
}

/// The buckets that 32 bytes at one place of a literal belong to.
#[inline(always)]
unsafe fn look_up(nibbles: &Nibbles, place: usize, v: __m256i) -> __m256i {
    // SAFETY: only called where AVX2 is enabled.
    unsafe {
        let half = _mm256_set1_epi8(0x0f);
        let low = _mm256_shuffle_epi8(table(&nibbles.low[place]), _mm256_and_si256(v, half));
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(v), half);
        _mm256_and_si256(low, _mm256_shuffle_epi8(table(&nibbles.high[place]), high))
    }
}

#[inline(always)]
unsafe fn table(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: only called where AVX2 is enabled; the load is the table.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>())) }
}

pub(super) fn spell(heads: &Heads, text: &[u8], from: usize, to: usize, hit: &mut impl FnMut(Start)) {
    debug_assert!(available());
    // SAFETY: `Level::Avx2` is only made by `Level::detect` after `available` said yes.
    unsafe { spell_avx2(heads, text, from, to, hit) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn spell_avx2(heads: &Heads, text: &[u8], from: usize, to: usize, hit: &mut impl FnMut(Start)) {
    spell::spell::<Avx2>(heads, text, from, to, hit);
}

impl Spell for Avx2 {
    #[inline(always)]
    fn letters(block: &[u8; 64]) -> Letters {
        // SAFETY: inlined into `spell_avx2` only, where AVX2 is enabled; both loads lie inside the block.
        unsafe {
            let low = letters_half(_mm256_loadu_si256(block.as_ptr().cast()));
            let high = letters_half(_mm256_loadu_si256(block.as_ptr().add(32).cast()));
            let join = |i: usize| low[i] | high[i] << 32;
            let (letter, small, high) = (join(0), join(1), join(2));
            Letters { upper: letter & !small, lower: letter & small, high, lead: high & join(3) }
        }
    }
}

/// What 32 bytes show: letters of ASCII, and the bits that tell small ones, other scripts and their first bytes.
#[inline(always)]
unsafe fn letters_half(v: __m256i) -> [u64; 4] {
    // SAFETY: only called where AVX2 is enabled.
    unsafe {
        let folded = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
        [
            bits(in_range(folded, b'a', 25)),
            // A bit of each byte is moved to its highest.
            bits(_mm256_slli_epi16::<2>(v)),
            bits(v),
            bits(_mm256_slli_epi16::<1>(v)),
        ]
    }
}
