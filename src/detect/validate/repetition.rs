//! Numbers that people type when they need any number.

fn values(text: &[u8]) -> impl Iterator<Item = u8> + Clone + '_ {
    text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase)
}

pub(super) fn all_same(text: &[u8]) -> bool {
    let mut values = values(text);
    values.next().is_some_and(|first| values.all(|v| v == first))
}

/// Each digit is one more, or each one less, than the one before; 9 is followed by 0.
pub(super) fn sequential(text: &[u8]) -> bool {
    let digits = values(text).filter(u8::is_ascii_digit);
    let steps = |step: u8| {
        digits.clone().zip(digits.clone().skip(1)).all(|(a, b)| (a - b'0' + step) % 10 == b - b'0')
    };
    digits.clone().count() > 2 && (steps(1) || steps(9))
}
