//! The kernels that look whole bytes up: the AVX-512 ones where a table holds 64 bytes.
#![expect(
    unsafe_code,
    reason = "vector intrinsics; the level is checked at run time and a plain twin is tested against it"
)]

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_cmpeq_epi8_mask, _mm512_load_si512, _mm512_loadu_si512,
    _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutex2var_epi8,
    _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_test_epi8_mask,
};
use std::hint::black_box;

use super::Nibbles;
use super::avx512::{self, Avx512, in_range};
use super::nibbles::{BANKS, PLACES, Table};
use super::seek::{self, BLOCK, Look, Possible, Sight};
use super::spell::{self, Heads, Letters, Spell, Start};

pub(super) fn available() -> bool {
    avx512::available() && is_x86_feature_detected!("avx512vbmi")
}

pub(super) fn seek(nibbles: &Nibbles, text: &[u8], from: usize, to: usize, hit: &mut impl Possible) {
    debug_assert!(available());
    // SAFETY: `Level::Vbmi` is only made by `Level::all` after `available` said yes.
    unsafe { seek_vbmi(nibbles, text, from, to, hit) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn seek_vbmi(nibbles: &Nibbles, text: &[u8], from: usize, to: usize, hit: &mut impl Possible) {
    seek::seek::<Vbmi>(nibbles, text, from, to, hit);
}

pub(super) fn spell(heads: &Heads, text: &[u8], from: usize, to: usize, hit: &mut impl FnMut(Start)) {
    debug_assert!(available());
    // SAFETY: `Level::Vbmi` is only made by `Level::all` after `available` said yes.
    unsafe { spell_vbmi(heads, text, from, to, hit) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn spell_vbmi(heads: &Heads, text: &[u8], from: usize, to: usize, hit: &mut impl FnMut(Start)) {
    spell::spell::<Vbmi>(heads, text, from, to, hit);
}

struct Vbmi;

/// What a table holds at the six lowest bits of each byte.
#[inline(always)]
unsafe fn look_up(table: &Table, v: __m512i) -> __m512i {
    // SAFETY: only called where AVX-512 with VBMI is enabled; the load is the table.
    unsafe { _mm512_permutexvar_epi8(v, _mm512_load_si512(table.0.as_ptr().cast())) }
}

/// What the tables of both halves of ASCII hold at the seven lowest bits of each byte.
#[inline(always)]
unsafe fn look_up_ascii([low, high]: &[Table; 2], v: __m512i) -> __m512i {
    // SAFETY: only called where AVX-512 with VBMI is enabled; the loads are the tables.
    unsafe {
        let (low, high) =
            (_mm512_load_si512(low.0.as_ptr().cast()), _mm512_load_si512(high.0.as_ptr().cast()));
        _mm512_permutex2var_epi8(low, v, high)
    }
}

/// What three tables hold at three letters.
#[inline(always)]
unsafe fn follow([one, two, three]: &[Table; 3], [first, second, third]: [__m512i; 3]) -> __m512i {
    // SAFETY: only called where AVX-512 with VBMI is enabled.
    unsafe {
        let behind = _mm512_and_si512(look_up(two, second), look_up(three, third));
        _mm512_and_si512(look_up(one, first), behind)
    }
}

impl Look for Vbmi {
    const BATCHED: bool = true;

    #[inline(always)]
    fn sight(nibbles: &Nibbles, block: &[u8; BLOCK]) -> Sight {
        // SAFETY: inlined into `seek_vbmi` only, where AVX-512 with VBMI is enabled; the furthest load ends with the block.
        unsafe {
            // Written out: what is handed to another function is compiled without these instructions.
            let from: *const u8 = block.as_ptr();
            let v = _mm512_loadu_si512(from.cast());
            let places: [__m512i; PLACES] = [
                v,
                _mm512_loadu_si512(from.add(1).cast()),
                _mm512_loadu_si512(from.add(2).cast()),
                _mm512_loadu_si512(from.add(3).cast()),
            ];
            let sevens = &nibbles.sevens;
            let (mut bound, mut free) = (0, 0);
            for bank in 0..BANKS {
                let [a, b, c, d] = &sevens.tables[bank];
                let [first, second, third, fourth] = places;
                let buckets = _mm512_and_si512(
                    _mm512_and_si512(look_up_ascii(a, first), look_up_ascii(b, second)),
                    _mm512_and_si512(look_up_ascii(c, third), look_up_ascii(d, fourth)),
                );
                let frees = sevens.free[bank];
                bound |= _mm512_test_epi8_mask(buckets, _mm512_set1_epi8((!frees).cast_signed()));
                free |= _mm512_test_epi8_mask(buckets, _mm512_set1_epi8(frees.cast_signed()));
            }
            let folded = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
            let line = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'_'.cast_signed()));
            // Of the three first bytes, as far as they lie in the register.
            let ascii = !_mm512_movepi8_mask(v);
            let begin = ascii & (ascii >> 1 | 1 << 63) & (ascii >> 2 | 3 << 62) | sevens.high;
            (bound, free) = (bound & begin, free & begin);
            Sight { bound, free, word: in_range(folded, b'a', 25) | in_range(v, b'0', 9) | line }
        }
    }
}

impl Spell for Vbmi {
    #[inline(always)]
    fn letters(block: &[u8; 64]) -> Letters {
        Avx512::letters(block)
    }

    #[inline(always)]
    fn possible(heads: &Heads, block: &[u8; 64]) -> u64 {
        // SAFETY: inlined into `spell_vbmi` only, where AVX-512 with VBMI is enabled; the loads stay inside the block.
        unsafe {
            let first = _mm512_loadu_si512(block.as_ptr().cast());
            let second = _mm512_maskz_loadu_epi8(u64::MAX >> 1, block.as_ptr().add(1).cast());
            let third = _mm512_maskz_loadu_epi8(u64::MAX >> 2, block.as_ptr().add(2).cast());
            // Read where they lie, not copied to the stack.
            let [a, b, c, d] = black_box(&*heads.follows);
            let letters = [first, second, third];
            let any = _mm512_or_si512(
                _mm512_or_si512(follow(a, letters), follow(b, letters)),
                _mm512_or_si512(follow(c, letters), follow(d, letters)),
            );
            _mm512_test_epi8_mask(any, any)
        }
    }
}
