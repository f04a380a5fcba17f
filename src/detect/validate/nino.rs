//! United Kingdom national insurance number (HMRC manual NIM39110).

pub(super) fn passes(text: &[u8]) -> bool {
    let mut letters = text.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_uppercase);
    let (Some(first), Some(second)) = (letters.next(), letters.next()) else { return false };
    let pair = [first, second];
    !b"DFIQUV".contains(&first)
        && !b"DFIQUVO".contains(&second)
        && ![*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"].contains(&pair)
}
