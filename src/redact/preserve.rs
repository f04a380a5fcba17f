//! Encrypts a number in its place: as many digits, the same for the same value, and readable again by who has the key.
//!
//! Only numbers whose last digit is a check over the others: that digit is left out, and worked out again on the way back.
//! What takes its place is never the right one by Luhn's check; how far from that it is tells which way was taken.

use super::ff1::Ff1;
use super::token::SEPARATORS;
use crate::detect::validate::Check;
use crate::limits::FORM_WALK;

/// Says whether digits pass the checks of an identifier.
pub type Passes<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// The encrypted form of `value`; `None` where its last digit does not follow from the others, where it has too few
/// digits to hide among, or where anything else than separators stands among them. `is_clean` says that nothing is found
/// in a text.
#[must_use]
pub fn encrypted(
    ff1: &Ff1,
    tweak: &[u8],
    value: &[u8],
    passes: Passes<'_>,
    is_clean: Passes<'_>,
) -> Option<Vec<u8>> {
    let digits = digits(value)?;
    let (last, rest) = digits.split_last()?;
    if checked(rest, passes)? != *last {
        return None;
    }
    // How the value is spaced decides whether a round is used, never which it is.
    (0..ROUNDS).find_map(|round| {
        let tweak = [tweak, &[round]].concat();
        let mut out = walk(rest, &mut |numerals| ff1.encrypt(10, &tweak, numerals))?;
        out.push(marked(&out, round)?);
        let groups = SEPARATORS.iter().map(|mark| out.chunks(4).collect::<Vec<_>>().join(mark));
        let fits = !passes(&out) && is_clean(&out) && groups.into_iter().all(|text| is_clean(&text));
        fits.then(|| spelled(value, &out))
    })
}

/// The value that was encrypted to `text`, if one was.
#[must_use]
pub fn decrypted(ff1: &Ff1, tweak: &[u8], text: &[u8], passes: Passes<'_>) -> Option<Vec<u8>> {
    let digits = digits(text)?;
    let (last, rest) = digits.split_last()?;
    let round = (0..ROUNDS).find(|round| marked(rest, *round) == Some(*last))?;
    let tweak = [tweak, &[round]].concat();
    let mut out = walk(rest, &mut |numerals| ff1.decrypt(10, &tweak, numerals))?;
    out.push(checked(&out, passes)?);
    Some(spelled(text, &out))
}

/// Ways to encrypt a number, until one is taken for nothing: as many as there are last digits that Luhn's check refuses.
const ROUNDS: u8 = 9;

/// The last digit that tells the round: so far from the one that would be right.
fn marked(rest: &[u8], round: u8) -> Option<u8> {
    let luhn = Check::named("luhn")?;
    let right = checked(rest, &mut |digits| (luhn.passes)(digits))?;
    Some(b'0' + (right - b'0' + 1 + round) % 10)
}

/// The one digit that `rest` may end with.
fn checked(rest: &[u8], passes: Passes<'_>) -> Option<u8> {
    let mut fitting = (b'0'..=b'9').filter(|last| passes(&[rest, &[*last]].concat()));
    fitting.next().filter(|_| fitting.next().is_none())
}

/// Steps until a zero leads the digits, or none does, as before: so, each number comes from one other.
fn walk(digits: &[u8], step: &mut dyn FnMut(&mut [u8]) -> bool) -> Option<Vec<u8>> {
    let mut numerals: Vec<u8> = digits.iter().map(|digit| digit - b'0').collect();
    let is_led = |numerals: &[u8]| numerals.first() == Some(&0);
    let led = is_led(&numerals);
    for _ in 0..FORM_WALK {
        if !step(&mut numerals) {
            return None;
        }
        if is_led(&numerals) == led {
            return Some(numerals.into_iter().map(|numeral| b'0' + numeral).collect());
        }
    }
    None
}

/// The digits of a number that may be written in groups.
fn digits(value: &[u8]) -> Option<Vec<u8>> {
    let is_number =
        value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'/'));
    is_number.then(|| value.iter().copied().filter(u8::is_ascii_digit).collect())
}

/// Digits in the place of those of `value`.
fn spelled(value: &[u8], digits: &[u8]) -> Vec<u8> {
    let mut digits = digits.iter().copied();
    let put = |byte: &u8| if byte.is_ascii_digit() { digits.next().unwrap_or(*byte) } else { *byte };
    value.iter().map(put).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn luhn(digits: &[u8]) -> bool {
        let sum: u32 = digits
            .iter()
            .rev()
            .zip([1, 2].iter().cycle())
            .map(|(digit, times)| u32::from(digit - b'0') * times)
            .map(|sum| sum / 10 + sum % 10)
            .sum();
        sum.is_multiple_of(10)
    }

    fn hide(key: u8, tweak: &str, value: &str) -> Option<String> {
        let ff1 = Ff1::new([key; 32]);
        let out = encrypted(&ff1, tweak.as_bytes(), value.as_bytes(), &mut luhn, &mut |_| true)?;
        Some(String::from_utf8(out).unwrap())
    }

    fn show(key: u8, tweak: &str, text: &str) -> Option<String> {
        let ff1 = Ff1::new([key; 32]);
        let out = decrypted(&ff1, tweak.as_bytes(), text.as_bytes(), &mut luhn)?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_number_keeps_its_form_and_comes_back_under_its_key_alone() {
        let value = "4539 1488 0343 6467";
        let hidden = hide(1, "payment.pan", value).unwrap();
        assert_eq!(hidden.match_indices(' ').map(|(at, _)| at).collect::<Vec<_>>(), [4, 9, 14]);
        let bare = hidden.replace(' ', "");
        assert_eq!(hide(1, "payment.pan", "4539148803436467").as_ref(), Some(&bare));
        assert!(!luhn(bare.as_bytes()) && bare.len() == 16 && !bare.starts_with('0'), "{bare}");
        assert_eq!(show(1, "payment.pan", &hidden).as_deref(), Some(value));
        assert_ne!(hide(2, "payment.pan", value).as_ref(), Some(&hidden));
        assert_ne!(hide(1, "payment.other", value).as_ref(), Some(&hidden));
        assert_ne!(show(2, "payment.pan", &hidden).as_deref(), Some(value));
    }

    #[test]
    fn what_has_no_check_digit_or_too_few_digits_stays_out() {
        for value in ["4539148803436468", "453914", "18", "", "4539x1488803436467", "%34539148803436467"] {
            assert_eq!(hide(1, "t", value), None, "{value}");
        }
        let ff1 = Ff1::new([1; 32]);
        // Any last digit will do, or none.
        for pass in [true, false] {
            let out = encrypted(&ff1, b"t", b"4539148803436467", &mut |_| pass, &mut |_| true);
            assert_eq!(out, None, "{pass}");
        }
        // Everything is taken for a value.
        assert_eq!(encrypted(&ff1, b"t", b"4539148803436467", &mut luhn, &mut |_| false), None);
    }

    proptest! {
        #[test]
        fn each_number_has_one_form_and_no_two_share_it(body in "[0-9]{6,18}", other in "[0-9]{6,18}") {
            let full = |body: &str| {
                (0..10).map(|last| format!("{body}{last}")).find(|number| luhn(number.as_bytes())).unwrap()
            };
            let (value, other) = (full(&body), full(&other));
            let hidden = hide(9, "t", &value).unwrap();
            prop_assert!(!luhn(hidden.as_bytes()));
            prop_assert_eq!(hidden.len(), value.len());
            prop_assert_eq!(hidden.starts_with('0'), value.starts_with('0'));
            prop_assert_eq!(show(9, "t", &hidden), Some(value.clone()));
            prop_assert!(value == other || hide(9, "t", &other).unwrap() != hidden);
        }
    }
}
