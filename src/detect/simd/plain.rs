//! The plain twin: a table look-up a byte. Tests hold the other kernels to it.

use super::Planes;
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
        if byte == b'@' {
            table[i] |= AT;
        }
        i += 1;
    }
    table
};

#[inline(always)]
pub(super) fn planes(block: &[u8; 64]) -> Planes {
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
