//! Whether a value stands in noise: signs and digits in no order, as the scores of a sequencer are written, some of which pass
//! a check by chance.

use std::ops::Range;

/// What is read on either side, and how much there must be of it on both sides together.
const SIDE: usize = 32;
/// One in so many of it is a sign, at least.
const SIGNS: usize = 3;
/// Different signs, at least; numbers, what parts them and what is told of them need fewer.
const KINDS: u32 = 8;
/// One in so many is a letter, at most; names and other languages have more.
const LETTERS: usize = 8;

/// Whether the bytes around a value, up to the nearest blank, are noise.
pub(super) fn is_around(text: &[u8], value: &Range<usize>) -> bool {
    let before = &text[value.start.saturating_sub(SIDE)..value.start];
    let behind = &text[value.end..text.len().min(value.end + SIDE)];
    let before = before.iter().rev().take_while(|byte| byte.is_ascii_graphic());
    let behind = behind.iter().take_while(|byte| byte.is_ascii_graphic());
    let (mut all, mut signs, mut letters, mut kinds) = (0, 0, 0, 0u32);
    for &byte in before.chain(behind) {
        all += 1;
        letters += usize::from(byte.is_ascii_alphabetic());
        if let sign @ b'!'..=b'/' = byte {
            signs += 1;
            kinds |= 1 << (sign - b'!');
        }
    }
    all >= SIDE && signs * SIGNS >= all && letters * LETTERS <= all && kinds.count_ones() >= KINDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_signs_and_digits_in_no_order() {
        let cases = [
            ("1)*+,-14:93751*,(%()@-)))761655.-+)*,,(,.,+,,781/102", true),
            (")&).&).*(,*/0943/)'&*&'&)()).*-1//@ x", true),
            ("@+014'*+2.1(&%)1807-'),+,(*+*-4*0.()/", true),
            // Too little of it, numbers, structures, words.
            ("-1//@]+014'*+2.1(&%", false),
            ("(1.5,-2.25),(3.75,+4.5),(5.25,-6.125),(@),(1.5,-2.25),(7.5,8.5)", false),
            (r#"{"a":1,"b":[2,3],"c":-4.5,"d":{"e":"@"},"f":[6,7],"g":-8.25,"h":9}"#, false),
            ("?a=1&b=2&c=%20&d='x'&ssn=@&e=(3)&f=4+5&g=6,7&h=8/9", false),
            ("1)*+,-14:93751*,(%() @ -)))761655.-+)*,,(,.,+,,781/102", false),
        ];
        for (around, expected) in cases {
            let text = around.replace('@', "300504/820");
            let at = text.find("300504/820").unwrap();
            assert_eq!(is_around(text.as_bytes(), &(at..at + 10)), expected, "{around}");
        }
    }
}
