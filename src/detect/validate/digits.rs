//! The digits of a match without what separates them.

/// Most digits any check looks at.
const MOST: usize = 40;

/// Digits of a match, as numbers.
pub(super) struct Digits {
    digits: [u8; MOST],
    len: usize,
}

impl Digits {
    /// The digits of `text`; further ones than any check looks at make it empty, which no check passes.
    pub(super) fn of(text: &[u8]) -> Digits {
        let mut out = Digits { digits: [0; MOST], len: 0 };
        if text.len() <= MOST {
            // What is no digit is written over, or lies behind the last.
            for &byte in text {
                if let Some(slot) = out.digits.get_mut(out.len) {
                    *slot = byte.wrapping_sub(b'0');
                }
                out.len += usize::from(byte.is_ascii_digit());
            }
            return out;
        }
        for &byte in text.iter().filter(|b| b.is_ascii_digit()) {
            let Some(slot) = out.digits.get_mut(out.len) else { return Digits { digits: [0; MOST], len: 0 } };
            *slot = byte - b'0';
            out.len += 1;
        }
        out
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    /// The digits as an array when there are exactly `N`.
    pub(super) fn exactly<const N: usize>(&self) -> Option<&[u8; N]> {
        self.as_slice().try_into().ok()
    }
}

/// The digits of a text that is sixteen of them, alone or in fours with one other byte between: most cards are written so, and
/// are read at once.
#[inline]
pub(in crate::detect) fn sixteen(text: &[u8]) -> Option<[u8; 16]> {
    let mut digits = [0; 16];
    match text.len() {
        16 => digits.copy_from_slice(text),
        19 if [4, 9, 14].iter().all(|&at| !text[at].is_ascii_digit()) => {
            for (four, from) in digits.as_chunks_mut::<4>().0.iter_mut().zip([0, 5, 10, 15]) {
                four.copy_from_slice(&text[from..from + 4]);
            }
        }
        _ => return None,
    }
    let is_digits = |eight: &[u8; 8]| {
        let bytes = u64::from_le_bytes(*eight);
        let high = 0xf0 * ONES;
        // What is above a nine reaches the high half of its byte with six more.
        bytes & high == 0x30 * ONES && (bytes & !high).wrapping_add(0x06 * ONES) & high == 0
    };
    digits.as_chunks().0.iter().all(is_digits).then_some(digits)
}

/// One in each byte.
pub(super) const ONES: u64 = 0x0101_0101_0101_0101;

/// The numbers that sixteen digits in fours stand for, if that is what a text is.
#[inline]
pub(super) fn fours(text: &[u8]) -> Option<[u32; 4]> {
    let digits = if text.len() == 19 { sixteen(text)? } else { return None };
    Some(std::array::from_fn(|nth| {
        let four = &digits[4 * nth..4 * nth + 4];
        four.iter().fold(0, |number, byte| number * 10 + u32::from(byte & 15))
    }))
}

/// The number that decimal digits stand for.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, &d| n.wrapping_mul(10).wrapping_add(u64::from(d)))
}

/// Sum of digits times weights.
pub(super) fn weighted(digits: &[u8], weights: &[u8]) -> u32 {
    digits.iter().zip(weights).map(|(&d, &w)| u32::from(d) * u32::from(w)).sum()
}

/// Whether year, month and day name a day of the Gregorian calendar.
pub(super) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=last).contains(&day)
}
