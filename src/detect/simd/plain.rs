//! The plain twin: a table look-up a byte. Tests hold the other kernels to it.

use super::lanes::LANES;
use super::nibbles::PLACES;
use super::seek::{BLOCK, Look, Sight, is_word};
use super::spell::{Letters, Spell};
use super::walk::Classify;
use super::{Nibbles, Planes};
use crate::detect::anchor::is_separator;

const DIGIT: u8 = 1;
const SEPARATOR: u8 = 2;
const WORD: u8 = 4;
const AT: u8 = 8;

static CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut i = 0;
    while i < 256 {
        let byte = i as u8;
        if byte.is_ascii_digit() {
            table[i] |= DIGIT;
        }
        if byte.is_ascii_alphanumeric() {
            table[i] |= WORD;
        }
        if matches!(byte, b' ' | b'-' | b'.' | b'/') {
            table[i] |= SEPARATOR;
        }
        if matches!(byte, b'@' | b'%') {
            table[i] |= AT;
        }
        i += 1;
    }
    table
};

impl Classify for Plain {
    type Lanes = [u64; LANES];

    #[inline(always)]
    fn planes(block: &[u8; 64]) -> Planes {
        let mut planes = Planes { digit: 0, separator: 0, word: 0, at: 0 };
        for (i, &byte) in block.iter().enumerate() {
            let class = CLASS[usize::from(byte)];
            debug_assert_eq!(class & SEPARATOR != 0, is_separator(byte));
            planes.digit |= u64::from(class & DIGIT) << i;
            planes.separator |= u64::from((class & SEPARATOR) >> 1) << i;
            planes.word |= u64::from((class & WORD) >> 2) << i;
            planes.at |= u64::from((class & AT) >> 3) << i;
        }
        planes
    }
}

pub(super) struct Plain;

impl Look for Plain {
    #[inline(always)]
    fn sight(nibbles: &Nibbles, block: &[u8; BLOCK]) -> Sight {
        let mut sight = Sight { bound: 0, free: 0, word: 0 };
        for (i, window) in block.windows(PLACES).enumerate() {
            let mut bytes = [0; PLACES];
            bytes.copy_from_slice(window);
            let buckets = nibbles.buckets(bytes);
            sight.bound |= u64::from(buckets & !nibbles.free != 0) << i;
            sight.free |= u64::from(buckets & nibbles.free != 0) << i;
            sight.word |= u64::from(is_word(window[0])) << i;
        }
        sight
    }
}

impl Spell for Plain {
    #[inline(always)]
    fn letters(block: &[u8; 64]) -> Letters {
        let mut letters = Letters { upper: 0, lower: 0, high: 0, lead: 0 };
        for (i, &byte) in block.iter().enumerate() {
            letters.upper |= u64::from(byte.is_ascii_uppercase()) << i;
            letters.lower |= u64::from(byte.is_ascii_lowercase()) << i;
            letters.high |= u64::from(!byte.is_ascii()) << i;
            letters.lead |= u64::from(byte >= 0xc0) << i;
        }
        letters
    }
}
