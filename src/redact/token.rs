//! Puts a keyed token in a value's place: the same for the same value, of the same length and the same kinds of
//! characters, and never a value that is found again.

use super::mask::{looks_like_card, units};
use crate::limits::TOKEN_ROUNDS;

/// What may stand between the digits of a number that is the same without.
pub(super) const SEPARATORS: [u8; 2] = *b" -";

/// Bytes that the value and a key decide; others for each round.
pub type Stream<'a> = &'a mut dyn FnMut(u8) -> [u8; 32];

/// The token for `value`; `None` where each that was tried would be taken for a value, or where a part of it is an escape,
/// which has no room for another character. `is_clean` says that nothing is found in a token.
#[must_use]
pub fn token(value: &[u8], stream: Stream<'_>, is_clean: &mut dyn FnMut(&[u8]) -> bool) -> Option<Vec<u8>> {
    if !units(value).iter().all(|unit| unit.text.len() == 1 && unit.text.is_ascii()) {
        return None;
    }
    let bare: Vec<u8> = value.iter().copied().filter(|byte| !SEPARATORS.contains(byte)).collect();
    // How the value is spaced decides whether its token is used, never which it is.
    let round = (0..TOKEN_ROUNDS).find(|round| {
        let token = spelled(&bare, &stream(*round));
        let digits: Vec<u8> = token.iter().copied().filter(u8::is_ascii_digit).collect();
        // A number may stand where a zero could not lead it; whether it does must not decide its token.
        let fits = token != bare && digits.first() != Some(&b'0') && !looks_like_card(&digits);
        fits && is_clean(&token) && SEPARATORS.iter().all(|mark| is_clean(&grouped(&token, *mark)))
    })?;
    Some(spelled(value, &stream(round))).filter(|token| is_clean(token))
}

/// By four, as people write long numbers.
fn grouped(token: &[u8], mark: u8) -> Vec<u8> {
    token.chunks(4).collect::<Vec<_>>().join(&mark)
}

/// Digits for digits, letters for letters of the same case; all else stays.
fn spelled(value: &[u8], stream: &[u8; 32]) -> Vec<u8> {
    let mut count = 0usize;
    let mut next = |many: u8| {
        // Long values take another of the same bytes on each turn.
        let (at, turn) = (count % stream.len(), count / stream.len());
        count += 1;
        let byte = stream.get((at + turn) % stream.len()).copied().unwrap_or_default();
        byte.rotate_left(turn as u32 % 8) % many
    };
    let spell = |byte: &u8| match *byte {
        b'0'..=b'9' => b'0' + next(10),
        b'a'..=b'z' => b'a' + next(26),
        b'A'..=b'Z' => b'A' + next(26),
        byte => byte,
    };
    value.iter().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str, key: u8) -> Option<String> {
        let mut stream = |round: u8| {
            std::array::from_fn(|at| (at as u8).wrapping_mul(37).wrapping_add(key) ^ round.wrapping_mul(91))
        };
        token(value.as_bytes(), &mut stream, &mut |_| true).map(|token| String::from_utf8(token).unwrap())
    }

    #[test]
    fn a_token_has_the_form_of_its_value_and_depends_on_its_characters_alone() {
        let spaced = told("4539 1488 0343 6467", 1).unwrap();
        assert_eq!(spaced.replace(' ', ""), told("4539148803436467", 1).unwrap());
        assert_eq!(spaced.match_indices(' ').map(|(at, _)| at).collect::<Vec<_>>(), [4, 9, 14]);
        assert!(!looks_like_card(spaced.replace(' ', "").as_bytes()) && !spaced.starts_with('0'));
        assert_ne!(Some(&spaced), told("4539 1488 0343 6467", 2).as_ref());
        let mail = told("Jane.Doe@example.com", 1).unwrap();
        let form = |text: &str| {
            let kind = |c: char| match c {
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                c => c,
            };
            text.chars().map(kind).collect::<String>()
        };
        assert_eq!(form(&mail), form("Jane.Doe@example.com"));
        let long = told(&"a".repeat(200), 1).unwrap();
        assert_ne!(long[..32], long[32..64]);
        // An escape has no room.
        assert_eq!((told("jane%40x.io", 1), told("j\\u0061ne@x.io", 1)), (None, None));
    }

    #[test]
    fn what_would_be_taken_for_a_value_is_no_token() {
        let mut stream = |round: u8| [round; 32];
        // Found bare, or by four with dashes, or as it is spelled itself: in the last case there is no other.
        for (found, expected) in [
            (b"111111111".as_slice(), Some(b"222-22-2222".as_slice())),
            (b"1111-1111-1", Some(b"222-22-2222")),
            (b"111-11-1111", None),
            (b"", Some(b"111-11-1111")),
        ] {
            let token = token(b"536-90-4399", &mut stream, &mut |token| token != found);
            assert_eq!(token.as_deref(), expected);
        }
        assert_eq!(super::token(b"536-90-4399", &mut stream, &mut |_| false), None);
    }
}
