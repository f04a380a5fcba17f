//! Characters that look like ASCII, or like nothing at all.

/// What a character looks like: an ASCII byte, or (`Some(None)`) nothing.
pub(super) fn fold(code: u32) -> Option<Option<u8>> {
    match code {
        // Wide forms of printable ASCII.
        0xff01..=0xff5e => u8::try_from(code - 0xfee0).ok().map(Some),
        // Spaces.
        0xa0 | 0x1680 | 0x2000..=0x200a | 0x202f | 0x205f | 0x2800 | 0x3000 => Some(Some(b' ')),
        // What ends a string in C, and the half of each letter in UTF-16. Soft hyphen, joiners, marks over other
        // characters and around them, fillers, marks of direction, variation selectors, byte order mark, tags.
        0 => Some(None),
        0xad
        | 0x61c
        | 0x180e
        | 0x200b..=0x200f
        | 0x202a..=0x202e
        | 0x2060..=0x206f
        | 0x300..=0x36f
        | 0x115f
        | 0x1160
        | 0x20d0..=0x20f0
        | 0x3164
        | 0xfe00..=0xfe0f
        | 0xfeff
        | 0xffa0
        | 0xe0000..=0xe007f
        | 0xe0100..=0xe01ef => Some(None),
        // Dashes and minus signs.
        0x2010..=0x2015 | 0x2043 | 0x2212 | 0xfe58 | 0xfe63 => Some(Some(b'-')),
        // Dots that stand on the line or amid it.
        0xb7 | 0x2024 | 0x2027 | 0x22c5 | 0x3002 | 0xfe52 | 0xff61 => Some(Some(b'.')),
        0xfe6b => Some(Some(b'@')),
        _ => digit(code),
    }
}

/// The digit that a character is, in any script or dress.
fn digit(code: u32) -> Option<Option<u8>> {
    let of = |value: u32| u8::try_from(value).ok().map(|value| Some(b'0' + value % 10));
    match code {
        ..0xb2 | 0xba..0x660 => None,
        0xb2 | 0xb3 => of(code - 0xb0),
        0xb9 => of(1),
        // Over and under the line.
        0x2070 | 0x2074..=0x2079 => of(code - 0x2070),
        0x2080..=0x2089 => of(code - 0x2080),
        // In circles and brackets; a few have circles for zero.
        0x2460..=0x2468 => of(code - 0x245f),
        0x2474..=0x247c => of(code - 0x2473),
        0x24ea | 0x24ff => of(0),
        0x24f5..=0x24fd => of(code - 0x24f4),
        0x2776..=0x277e => of(code - 0x2775),
        0x2780..=0x2788 => of(code - 0x277f),
        0x278a..=0x2792 => of(code - 0x2789),
        // Where most writing is without digits of its own: not looked up.
        0x24fe..=0xa61f | 0xac00..=0x1049f | 0x1e960..=0x1fbef => None,
        // Of mathematical alphabets, five of them.
        0x1d7ce..=0x1d7ff => of(code - 0x1d7ce),
        _ => {
            let behind = ZEROS.partition_point(|zero| *zero <= code);
            let zero = behind.checked_sub(1).and_then(|at| ZEROS.get(at))?;
            if code - zero < 10 { of(code - zero) } else { None }
        }
    }
}

/// The zero of each script that has decimal digits of its own (Unicode's category Nd), which follow it in order.
const ZEROS: [u32; 68] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0,
    0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0,
    0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x1ccf0,
    0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The same of a byte that is no UTF-8, taken for Latin-1 or the Windows code page that goes by its name.
pub(super) const fn lone(byte: u8) -> Option<Option<u8>> {
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
    fn scripts_are_in_order_and_apart() {
        assert!(ZEROS.is_sorted_by(|a, b| a + 10 <= *b));
    }

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
            ('\u{17e4}', Some(Some(b'4'))),
            ('\u{1fbf9}', Some(Some(b'9'))),
            ('\u{b9}', Some(Some(b'1'))),
            ('\u{2079}', Some(Some(b'9'))),
            ('\u{2463}', Some(Some(b'4'))),
            ('\u{24ea}', Some(Some(b'0'))),
            ('\u{e0020}', Some(None)),
            ('\u{301}', Some(None)),
            ('\u{3164}', Some(None)),
            ('\u{66a}', None),
            ('\u{1d800}', None),
            ('\u{bd}', None),
            ('\u{e9}', None),
            ('\u{4e00}', None),
            ('4', None),
        ];
        for (character, expected) in cases {
            assert_eq!(fold(u32::from(character)), expected, "{character:?}");
        }
    }
}
