//! Characters that look like ASCII, or like nothing at all.

/// What a character looks like: an ASCII byte, or (`Some(None)`) nothing.
pub(super) fn fold(code: u32) -> Option<Option<u8>> {
    let digit = |zero: u32| u8::try_from(code - zero).ok().map(|digit| Some(b'0' + digit % 10));
    match code {
        // Wide forms of printable ASCII.
        0xff01..=0xff5e => u8::try_from(code - 0xfee0).ok().map(Some),
        // Spaces.
        0xa0 | 0x1680 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 => Some(Some(b' ')),
        // Soft hyphen, joiners, marks of direction, variation selectors, byte order mark.
        0xad
        | 0x34f
        | 0x61c
        | 0x180e
        | 0x200b..=0x200f
        | 0x202a..=0x202e
        | 0x2060..=0x206f
        | 0xfe00..=0xfe0f
        | 0xfeff => Some(None),
        // Dashes and minus signs.
        0x2010..=0x2015 | 0x2043 | 0x2212 | 0xfe58 | 0xfe63 => Some(Some(b'-')),
        // Dots that stand on the line or amid it.
        0xb7 | 0x2024 | 0x2027 | 0x22c5 | 0x3002 | 0xfe52 | 0xff61 => Some(Some(b'.')),
        0xfe6b => Some(Some(b'@')),
        // Digits of Arabic, Persian, Devanagari, Bengali and Thai, and those of mathematical alphabets.
        0x660..=0x669 => digit(0x660),
        0x6f0..=0x6f9 => digit(0x6f0),
        0x966..=0x96f => digit(0x966),
        0x9e6..=0x9ef => digit(0x9e6),
        0xe50..=0xe59 => digit(0xe50),
        0x1d7ce..=0x1d7ff => digit(0x1d7ce),
        _ => None,
    }
}

/// The same of a byte that is no UTF-8, taken for Latin-1 or the Windows code page that goes by its name.
pub(super) fn lone(byte: u8) -> Option<Option<u8>> {
    match byte {
        0xa0 => Some(Some(b' ')),
        0xad => Some(None),
        0x96 | 0x97 => Some(Some(b'-')),
        0xb7 => Some(Some(b'.')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_fold() {
        let cases = [
            ('\u{ff14}', Some(Some(b'4'))),
            ('\u{ff20}', Some(Some(b'@'))),
            ('\u{a0}', Some(Some(b' '))),
            ('\u{2009}', Some(Some(b' '))),
            ('\u{200b}', Some(None)),
            ('\u{feff}', Some(None)),
            ('\u{2011}', Some(Some(b'-'))),
            ('\u{2212}', Some(Some(b'-'))),
            ('\u{3002}', Some(Some(b'.'))),
            ('\u{664}', Some(Some(b'4'))),
            ('\u{1d7d8}', Some(Some(b'0'))),
            ('\u{1d7ff}', Some(Some(b'9'))),
            ('\u{e9}', None),
            ('\u{4e00}', None),
            ('4', None),
        ];
        for (character, expected) in cases {
            assert_eq!(fold(u32::from(character)), expected, "{character:?}");
        }
    }
}
