//! The NEON kernel: four 16-byte registers a block, masks gathered by sums of neighbours.
#![expect(
    unsafe_code,
    reason = "vector intrinsics, which every aarch64 has; a plain twin is tested against it"
)]

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vcleq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vorrq_u8, vpaddq_u8,
    vqtbl1q_u8, vreinterpretq_u64_u8, vshrq_n_u8, vsubq_u8, vtstq_u8,
};

use super::Planes;
use super::lanes::LANES;
use super::nibbles::Nibbles;
use super::seek::{BLOCK, Look, Sight};
use super::spell::{Letters, Spell};
use super::walk::Classify;

pub(super) struct Neon;

/// 64 bytes.
pub(super) type Block = [uint8x16_t; 4];

/// Bits of one byte after the other.
const WEIGHTS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

/// One bit for each of 64 bytes, which are all ones or none.
#[inline(always)]
pub(super) fn bits(masks: [uint8x16_t; 4]) -> u64 {
    // SAFETY: every aarch64 has NEON; the load is the table.
    unsafe {
        let weights = vld1q_u8(WEIGHTS.as_ptr());
        let [a, b, c, d] = masks.map(|mask| vandq_u8(mask, weights));
        let fours = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
        vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(fours, fours)))
    }
}

/// The four registers of 64 bytes.
#[inline(always)]
pub(super) fn load(bytes: &[u8; 64]) -> [uint8x16_t; 4] {
    // SAFETY: every aarch64 has NEON; all loads lie inside the block.
    [0, 16, 32, 48].map(|at| unsafe { vld1q_u8(bytes.as_ptr().add(at)) })
}

/// All ones where a byte lies in `low..=low + width`.
#[inline(always)]
fn in_range(v: uint8x16_t, low: u8, width: u8) -> uint8x16_t {
    // SAFETY: every aarch64 has NEON.
    unsafe { vcleq_u8(vsubq_u8(v, vdupq_n_u8(low)), vdupq_n_u8(width)) }
}

#[inline(always)]
fn equals(v: uint8x16_t, byte: u8) -> uint8x16_t {
    // SAFETY: every aarch64 has NEON.
    unsafe { vceqq_u8(v, vdupq_n_u8(byte)) }
}

#[inline(always)]
pub(super) fn either(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
    // SAFETY: every aarch64 has NEON.
    unsafe { vorrq_u8(a, b) }
}

/// Letters of either case.
#[inline(always)]
fn letter(v: uint8x16_t) -> uint8x16_t {
    // SAFETY: every aarch64 has NEON.
    in_range(either(v, unsafe { vdupq_n_u8(0x20) }), b'a', 25)
}

/// All ones where a byte has a bit of `mask`.
#[inline(always)]
pub(super) fn within(v: uint8x16_t, mask: u8) -> uint8x16_t {
    // SAFETY: every aarch64 has NEON.
    unsafe { vtstq_u8(v, vdupq_n_u8(mask)) }
}

/// What two tables say of the halves of each byte: the bits that both have.
#[inline(always)]
pub(super) fn look_up(low: &[u8; 16], high: &[u8; 16], v: uint8x16_t) -> uint8x16_t {
    // SAFETY: every aarch64 has NEON; the loads are the tables.
    unsafe {
        let low = vqtbl1q_u8(vld1q_u8(low.as_ptr()), vandq_u8(v, vdupq_n_u8(0x0f)));
        vandq_u8(low, vqtbl1q_u8(vld1q_u8(high.as_ptr()), vshrq_n_u8::<4>(v)))
    }
}

impl Classify for Neon {
    type Lanes = [u64; LANES];

    #[inline(always)]
    fn planes(block: &[u8; 64]) -> Planes {
        let v = load(block);
        let digit = v.map(|v| in_range(v, b'0', 9));
        Planes {
            digit: bits(digit),
            separator: bits(v.map(|v| either(in_range(v, b'-', 2), equals(v, b' ')))),
            word: bits(v.map(|v| either(letter(v), in_range(v, b'0', 9)))),
            at: bits(v.map(|v| either(equals(v, b'@'), equals(v, b'%')))),
        }
    }
}

impl Look for Neon {
    #[inline(always)]
    fn sight(nibbles: &Nibbles, block: &[u8; BLOCK]) -> Sight {
        let at = |place: usize| block[place..].first_chunk().map_or([load(&[0; 64])[0]; 4], load);
        let v = at(0);
        let mut buckets = v.map(|v| look_up(&nibbles.low[0], &nibbles.high[0], v));
        for place in 1..nibbles.low.len() {
            let (low, high) = (&nibbles.low[place], &nibbles.high[place]);
            for (all, v) in buckets.iter_mut().zip(at(place)) {
                // SAFETY: every aarch64 has NEON.
                *all = unsafe { vandq_u8(*all, look_up(low, high, v)) };
            }
        }
        Sight {
            bound: bits(buckets.map(|buckets| within(buckets, !nibbles.free))),
            free: bits(buckets.map(|buckets| within(buckets, nibbles.free))),
            word: bits(v.map(|v| either(either(letter(v), in_range(v, b'0', 9)), equals(v, b'_')))),
        }
    }
}

impl Spell for Neon {
    #[inline(always)]
    fn letters(block: &[u8; 64]) -> Letters {
        let v = load(block);
        let (letter, small) = (bits(v.map(letter)), bits(v.map(|v| within(v, 0x20))));
        let high = bits(v.map(|v| within(v, 0x80)));
        let lead = high & bits(v.map(|v| within(v, 0x40)));
        Letters { upper: letter & !small, lower: letter & small, high, lead }
    }
}
