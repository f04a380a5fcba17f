//! The letters and digits of a match, in capitals, without what separates them.

/// The letters and digits as an array when there are exactly `N`; letters beyond ASCII are none.
pub(super) fn compact<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let mut characters = text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase);
    for slot in &mut out {
        *slot = characters.next()?;
    }
    characters.next().is_none().then_some(out)
}

/// The values of characters that are all digits.
pub(super) fn values<const N: usize>(characters: [u8; N]) -> Option<[u8; N]> {
    characters.iter().all(u8::is_ascii_digit).then(|| characters.map(|b| b - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_number_of_letters_and_digits_is_taken() {
        assert_eq!(compact(b"x-12 3"), Some(*b"X123"));
        assert_eq!(compact::<4>(b"x-12"), None);
        assert_eq!(compact::<4>(b"x-1234"), None);
        assert_eq!(compact::<1>("é1".as_bytes()), Some(*b"1"));
        assert_eq!(values(*b"07"), Some([0, 7]));
        assert_eq!(values(*b"0A"), None);
    }
}
