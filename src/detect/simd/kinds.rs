//! Of which kinds the bytes of a window are, by two tables of eight kinds each.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "vector intrinsics; the level is checked at run time and a plain twin is tested against it"
    )
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16, _mm512_and_si512, _mm512_broadcast_i32x4,
    _mm512_loadu_si512, _mm512_set1_epi8, _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_test_epi8_mask,
};

use super::Level;

/// So many bytes are looked at.
const WINDOW: usize = 128;

/// Two tables of eight kinds of bytes, each by the low half of a byte and by its high half: it is of those that both have.
type Halves = [[[u8; 16]; 2]; 2];

/// Which bytes are of any of some kinds of either table, for each of these sets; where none is of the first set, of none.
pub(super) fn kinds<const SETS: usize>(
    level: Level,
    window: &[u8; WINDOW],
    halves: &Halves,
    sets: &[[u8; 2]; SETS],
) -> [u128; SETS] {
    match level {
        Level::Plain => told::<Plain, SETS>(window, halves, sets),
        // SAFETY: these levels are only made by `Level::all` after `available` said yes.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { kinds_avx2(window, halves, sets) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Vbmi => unsafe { kinds_avx512(window, halves, sets) },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => told::<Neon, SETS>(window, halves, sets),
    }
}

/// The kinds of 128 bytes by both tables. A type and not a closure, so that it is compiled with its caller's instructions.
trait Known: Copy {
    fn of(window: &[u8; WINDOW], halves: &Halves) -> Self;
    fn any(self, set: [u8; 2]) -> u128;
}

#[inline(always)]
fn told<K: Known, const SETS: usize>(
    window: &[u8; WINDOW],
    halves: &Halves,
    sets: &[[u8; 2]; SETS],
) -> [u128; SETS] {
    let known = K::of(window, halves);
    let (mut found, mut set) = ([0; SETS], 0);
    while set < SETS {
        found[set] = known.any(sets[set]);
        if found[0] == 0 {
            break;
        }
        set += 1;
    }
    found
}

type Plain = [[u8; 2]; WINDOW];

impl Known for Plain {
    fn of(window: &[u8; WINDOW], halves: &Halves) -> Self {
        let half = |[low, high]: &[[u8; 16]; 2], byte: u8| {
            low[usize::from(byte & 15)] & high[usize::from(byte >> 4)]
        };
        window.map(|byte| [half(&halves[0], byte), half(&halves[1], byte)])
    }

    fn any(self, set: [u8; 2]) -> u128 {
        let is_of = |kinds: &[u8; 2]| (kinds[0] & set[0]) | (kinds[1] & set[1]) != 0;
        self.iter().enumerate().fold(0, |bits, (at, kinds)| bits | u128::from(is_of(kinds)) << at)
    }
}

#[cfg(target_arch = "aarch64")]
type Neon = [[super::neon::Block; 2]; 2];

#[cfg(target_arch = "aarch64")]
impl Known for Neon {
    #[inline(always)]
    fn of(window: &[u8; WINDOW], halves: &Halves) -> Self {
        use super::neon::{load, look_up};
        [0, 64].map(|at| {
            let v = window[at..].first_chunk().map_or_else(|| load(&[0; 64]), load);
            [0, 1].map(|table: usize| v.map(|v| look_up(&halves[table][0], &halves[table][1], v)))
        })
    }

    #[inline(always)]
    fn any(self, set: [u8; 2]) -> u128 {
        use super::neon::{bits, either, within};
        let [low, high] = self.map(|[first, second]| {
            let at = |at: usize| either(within(first[at], set[0]), within(second[at], set[1]));
            bits([0, 1, 2, 3].map(at))
        });
        u128::from(low) | u128::from(high) << 64
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn kinds_avx2<const SETS: usize>(
    window: &[u8; WINDOW],
    halves: &Halves,
    sets: &[[u8; 2]; SETS],
) -> [u128; SETS] {
    told::<Avx2, SETS>(window, halves, sets)
}

#[cfg(target_arch = "x86_64")]
type Avx2 = [[__m256i; 2]; 4];

#[cfg(target_arch = "x86_64")]
impl Known for Avx2 {
    #[inline(always)]
    fn of(window: &[u8; WINDOW], halves: &Halves) -> Self {
        // SAFETY: inlined into `kinds_avx2` only, where AVX2 is enabled; the loads are the window and the tables.
        unsafe {
            // Written out: what is handed to another function is compiled without these instructions.
            let half = _mm256_set1_epi8(0x0f);
            let [[first_low, first_high], [second_low, second_high]] = halves;
            let (first_low, first_high) = (table_256(first_low), table_256(first_high));
            let (second_low, second_high) = (table_256(second_low), table_256(second_high));
            let (mut known, mut i) = ([[half; 2]; 4], 0);
            while i < 4 {
                let v = _mm256_loadu_si256(window.as_ptr().add(32 * i).cast());
                let low = _mm256_and_si256(v, half);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(v), half);
                known[i] = [
                    _mm256_and_si256(
                        _mm256_shuffle_epi8(first_low, low),
                        _mm256_shuffle_epi8(first_high, high),
                    ),
                    _mm256_and_si256(
                        _mm256_shuffle_epi8(second_low, low),
                        _mm256_shuffle_epi8(second_high, high),
                    ),
                ];
                i += 1;
            }
            known
        }
    }

    #[inline(always)]
    fn any(self, set: [u8; 2]) -> u128 {
        // SAFETY: as above.
        unsafe {
            let (one, other) =
                (_mm256_set1_epi8(set[0].cast_signed()), _mm256_set1_epi8(set[1].cast_signed()));
            let (mut none, mut i) = ([0; 4], 0);
            while i < 4 {
                let any =
                    _mm256_or_si256(_mm256_and_si256(self[i][0], one), _mm256_and_si256(self[i][1], other));
                none[i] =
                    _mm256_movemask_epi8(_mm256_cmpeq_epi8(any, _mm256_setzero_si256())).cast_unsigned();
                i += 1;
            }
            let join = none[0] as u128 | (none[1] as u128) << 32;
            !(join | (none[2] as u128) << 64 | (none[3] as u128) << 96)
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn table_256(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: only called where AVX2 is enabled; the load is the table.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>())) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn kinds_avx512<const SETS: usize>(
    window: &[u8; WINDOW],
    halves: &Halves,
    sets: &[[u8; 2]; SETS],
) -> [u128; SETS] {
    told::<Avx512, SETS>(window, halves, sets)
}

#[cfg(target_arch = "x86_64")]
type Avx512 = [[__m512i; 2]; 2];

#[cfg(target_arch = "x86_64")]
impl Known for Avx512 {
    #[inline(always)]
    fn of(window: &[u8; WINDOW], halves: &Halves) -> Self {
        // SAFETY: inlined into `kinds_avx512` only, where AVX-512 is enabled; the loads are the window and the tables.
        unsafe {
            let half = _mm512_set1_epi8(0x0f);
            let [[first_low, first_high], [second_low, second_high]] = halves;
            let (first_low, first_high) = (table_512(first_low), table_512(first_high));
            let (second_low, second_high) = (table_512(second_low), table_512(second_high));
            let (mut known, mut i) = ([[half; 2]; 2], 0);
            while i < 2 {
                let v = _mm512_loadu_si512(window.as_ptr().add(64 * i).cast());
                let low = _mm512_and_si512(v, half);
                let high = _mm512_and_si512(_mm512_srli_epi16::<4>(v), half);
                known[i] = [
                    _mm512_and_si512(
                        _mm512_shuffle_epi8(first_low, low),
                        _mm512_shuffle_epi8(first_high, high),
                    ),
                    _mm512_and_si512(
                        _mm512_shuffle_epi8(second_low, low),
                        _mm512_shuffle_epi8(second_high, high),
                    ),
                ];
                i += 1;
            }
            known
        }
    }

    #[inline(always)]
    fn any(self, set: [u8; 2]) -> u128 {
        // SAFETY: as above.
        unsafe {
            let (one, other) =
                (_mm512_set1_epi8(set[0].cast_signed()), _mm512_set1_epi8(set[1].cast_signed()));
            let low = _mm512_test_epi8_mask(self[0][0], one) | _mm512_test_epi8_mask(self[0][1], other);
            let high = _mm512_test_epi8_mask(self[1][0], one) | _mm512_test_epi8_mask(self[1][1], other);
            low as u128 | (high as u128) << 64
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn table_512(bytes: &[u8; 16]) -> __m512i {
    // SAFETY: only called where AVX-512 is enabled; the load is the table.
    unsafe { _mm512_broadcast_i32x4(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_level_says_the_same(
            window in prop::collection::vec(any::<u8>(), WINDOW),
            halves in any::<Halves>(),
            sets in any::<[[u8; 2]; 3]>(),
        ) {
            let window = window.first_chunk::<WINDOW>().unwrap();
            let mut expected = sets.map(|set| {
                (0..WINDOW).fold(0, |bits, at| {
                    let (low, high) = (usize::from(window[at] & 15), usize::from(window[at] >> 4));
                    let is_of = |table: usize| halves[table][0][low] & halves[table][1][high] & set[table] != 0;
                    bits | u128::from(is_of(0) || is_of(1)) << at
                })
            });
            if expected[0] == 0 {
                expected = [0; 3];
            }
            for level in Level::all() {
                prop_assert_eq!(kinds(level, window, &halves, &sets), expected, "{:?}", level);
            }
            for level in Level::all() {
                prop_assert_eq!(kinds(level, window, &halves, &[[0; 2], sets[0]]), [0; 2], "{:?}", level);
            }
        }
    }
}
