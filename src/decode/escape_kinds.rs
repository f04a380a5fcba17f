//! Where escapes may stand, by the kinds of many bytes at once. What is passed over here is asked about nowhere, so a
//! place is passed over only where no escape, or none that hides anything, can stand.

use crate::decode::amid;

/// So many bytes are looked at in one step: those that are told of, and what stands around them.
pub(super) const WINDOW: usize = 128;
/// How much around a byte tells of it: the longest row that is asked for, with characters at both ends of it.
const MARGIN: usize = 16;
pub(super) const STEP: usize = WINDOW - 2 * MARGIN;

/// Two tables of eight kinds of bytes, each by the low half of a byte and by its high half: it is of those that both have.
pub(super) type Halves = [[[u8; 16]; 2]; 2];

/// How many sets of kinds are asked for.
pub(super) const SETS: usize = 11;

/// Which bytes of a window are of any of some kinds of either table, for each of these sets. Where none is of the first set the
/// others need not be told.
pub(in crate::decode) type Kinds = fn(&[u8; WINDOW], &Halves, &[[u8; 2]; SETS]) -> [u128; SETS];

/// What of a window may be asked about, a bit for each byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) all: u128,
    /// Those of them that stand amid enough that is written.
    pub(super) amid: u128,
}

/// Bytes of these rows of sixteen, by a bit for each, that are at these places of their row.
struct Kind(u16, u16);

const ALL: u16 = u16::MAX;

/// The order is that of the bits in [`WANTED`].
const FIRST: [Kind; 8] = [
    // The signs that escapes begin with: `%`, `&` and `+`; the backslash; `=`.
    Kind(1 << 2, 1 << 5 | 1 << 6 | 1 << 0xb),
    Kind(1 << 5, 1 << 0xc),
    Kind(1 << 3, 1 << 0xd),
    // What else is written in ASCII.
    Kind(1, 1 << 9 | 1 << 0xa | 1 << 0xd),
    Kind(0x7c, ALL),
    Kind(1 << 7, ALL >> 1),
    // Bytes that look like others by themselves, and a few more.
    Kind(1 << 9 | 1 << 0xa | 1 << 0xb, 1 | 1 << 6 | 1 << 7 | 1 << 0xd),
    // Those within a character.
    Kind(0x0f00, ALL),
];

const SECOND: [Kind; 8] = [
    // What begins characters of two bytes that may look like ASCII: spaces and digits of Latin-1, marks over others;
    // digits of Arabic and its neighbours.
    Kind(1 << 0xc, 1 << 2 | 1 << 0xc | 1 << 0xd),
    Kind(1 << 0xd, 0xff00),
    // Letters that an address may be written with.
    Kind(1 << 0xc, 0x03f8),
    // The same of three bytes, but for ideographs and most syllables of Hangul, and of four.
    Kind(1 << 0xe, 0x840f),
    Kind(1 << 0xf, 0x001f),
    // What begins any of two bytes or three.
    Kind(1 << 0xc | 1 << 0xd, ALL),
    Kind(1 << 0xe, ALL),
    // Tags in the midst of a number.
    Kind(1 << 3, 1 << 0xc),
];

const HALVES: Halves = [halves(&FIRST), halves(&SECOND)];

const fn halves(kinds: &[Kind; 8]) -> [[u8; 16]; 2] {
    let (mut low, mut high, mut kind) = ([0; 16], [0; 16], 0);
    while kind < 8 {
        let mut half = 0;
        while half < 16 {
            high[half] |= ((kinds[kind].0 >> half & 1) as u8) << kind;
            low[half] |= ((kinds[kind].1 >> half & 1) as u8) << kind;
            half += 1;
        }
        kind += 1;
    }
    [low, high]
}

/// The sets that [`Window`] is made of, in the order of [`tell`].
const WANTED: [[u8; 2]; SETS] = [
    // Without one of these there is nothing to ask about.
    [0b1000_0111, 0b1111_0000],
    // Signs; tags; what is written by itself; what looks like something else by itself.
    [0b0000_0111, 0],
    [0, 0b1000_0000],
    [0b0111_1000, 0],
    [0b0100_0000, 0],
    // Bytes within characters; what begins those that may be asked about, of two bytes, letters, and of more; what begins
    // any, and any of more than two bytes.
    [0b1000_0000, 0],
    [0, 0b0000_0011],
    [0, 0b0000_0100],
    [0, 0b0001_1000],
    [0, 0b0111_0000],
    [0, 0b0101_0000],
];

/// Which of the bytes of `text` from `from` on may be asked about; nothing behind its end. `addressed`: whether letters there may
/// stand in an address.
pub(super) fn look(kinds: Kinds, text: &[u8], from: usize, addressed: impl Fn() -> bool) -> Option<Window> {
    let begin = from.checked_sub(MARGIN).and_then(|begin| text.get(begin..));
    if let Some(window) = begin.and_then(|rest| rest.first_chunk()) {
        return Some(tell(&kinds(window, &HALVES, &WANTED), 0, addressed));
    }
    let left = text.len().checked_sub(from).filter(|left| *left > 0)?;
    // What lies outside of the text is taken for written.
    let (mut window, before) = ([b' '; WINDOW], from.min(MARGIN));
    let behind = left.min(WINDOW - MARGIN);
    let inside = window.get_mut(MARGIN - before..MARGIN + behind)?;
    inside.copy_from_slice(text.get(from - before..from + behind)?);
    // What follows may go on with the last bytes.
    let end = MARGIN + left;
    let open = 1u128.checked_shl(end as u32).map_or(0, |bit| bit - (bit >> 3));
    Some(tell(&kinds(&window, &HALVES, &WANTED), open, addressed))
}

/// The same of what is known of a window. `open`: bytes at the end of the text, which may go on.
fn tell(sets: &[u128; SETS], open: u128, addressed: impl Fn() -> bool) -> Window {
    let [asked, signs, tags, plain, lone, inner, two, letters, more, lead, lead_more] = *sets;
    let told = |bits: u128| bits >> MARGIN & (u128::MAX >> (2 * MARGIN));
    if told(asked) == 0 {
        return Window { all: 0, amid: 0 };
    }
    let letters = if told(letters) != 0 && addressed() { letters } else { 0 };
    let open = open & (lead | inner);
    let begins = (two | letters | more & inner >> 2) & inner >> 1;
    let high = begins | lone & plain << 1 & plain >> 1 | open;
    // The first, second, third and fourth bytes of characters.
    let (third, fourth) = (inner & inner << 1, inner & inner << 1 & inner << 2);
    let whole = lead & inner >> 1 | inner & lead << 1 | third & lead_more << 2 | fourth & lead_more << 3;
    let written = plain | whole | open;
    let amid = signs & rows::<{ amid::LEAST + 1 }>(written)
        | tags
        | high & rows::<{ amid::LEAST_ALIKE + 1 }>(written);
    Window { all: told(signs | tags | high), amid: told(amid) }
}

/// The bits that stand in rows of at least so many.
fn rows<const LEAST: usize>(bits: u128) -> u128 {
    let (mut begin, mut width) = (bits, 1);
    while width < LEAST {
        let step = width.min(LEAST - width);
        begin &= begin >> step;
        width += step;
    }
    let (mut rows, mut width) = (begin, 1);
    while width < LEAST {
        let step = width.min(LEAST - width);
        rows |= rows << step;
        width += step;
    }
    rows
}

/// The plain twin of all [`Kinds`].
pub(in crate::decode) fn plain(
    window: &[u8; WINDOW],
    halves: &Halves,
    sets: &[[u8; 2]; SETS],
) -> [u128; SETS] {
    let mut found = [0; SETS];
    for (at, byte) in window.iter().enumerate() {
        let kinds = halves.map(|[low, high]| low[usize::from(byte & 15)] & high[usize::from(byte >> 4)]);
        for (bits, set) in found.iter_mut().zip(sets) {
            let is_of = (kinds[0] & set[0]) | (kinds[1] & set[1]) != 0;
            *bits |= u128::from(is_of) << at;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Event, Layer, Searches, Wrapping};
    use proptest::prelude::*;

    /// As if all bytes were written, and all that looks like others stood amid such.
    fn all_written(window: &[u8; WINDOW], halves: &Halves, sets: &[[u8; 2]; SETS]) -> [u128; SETS] {
        let mut found = plain(window, halves, sets);
        found[3] = u128::MAX;
        found
    }

    fn undone(wrapping: Wrapping, kinds: Kinds, pieces: &[Vec<u8>]) -> Vec<String> {
        let mut layer = Layer::new(wrapping, 300).searched(Searches { kinds, ..Searches::PLAIN });
        let (mut told, mut text) = (Vec::new(), Vec::new());
        let mut sink = |event: Event<'_>| match event {
            Event::Text(more, _) => text.extend_from_slice(more),
            Event::Open(at, _) => told.push(format!("{at}")),
            Event::Close { whole, .. } => {
                told.push(format!("{} {whole}", std::mem::take(&mut text).escape_ascii()));
            }
            _ => {}
        };
        pieces.iter().for_each(|piece| layer.push(piece, &mut sink));
        layer.finish(&mut sink);
        told
    }

    #[test]
    fn bits_in_long_rows_are_told_from_others() {
        let cases = [
            (0b0, 0b0),
            (0b1_1011_0111, 0b0),
            (0b1111_0110, 0b1111_0000),
            (0b1111_1011, 0b1111_1000),
            (0b1111_0000_1111 << 100, 0b1111_0000_1111 << 100),
            (u128::MAX, u128::MAX),
        ];
        for (bits, expected) in cases {
            assert_eq!(rows::<4>(bits), expected, "{bits:b}");
        }
    }

    #[test]
    fn signs_amid_bytes_that_are_no_text_are_passed_over() {
        let cases: [(&[u8], bool); 9] = [
            (b"\x00\x00a%34\x00\x00", false),
            (b"\x00\x00ab%34c\x00\x00", true),
            (b"\x00\x00ab%34c\xfe\x00", true),
            (b"\x00\x00\xc3\xa9%34c\x00\x00", true),
            (b"\x00\x00\xa9\xc3%34c\x00\x00", false),
            (b"\x00\x0012345 \xc2\xa0 678\x00", true),
            (b"\x00\x001234\xc2\xa0678\x00", false),
            (b"\x00\x0012345\xa067890\x00\x00", true),
            (b"\x00\x001234\xa0\x00\x00", false),
        ];
        for (text, expected) in cases {
            let text = [&[0; 200], text, &[0; 200]].concat();
            let found = (0..text.len()).step_by(STEP).filter_map(|from| look(plain, &text, from, || false));
            assert_eq!(found.into_iter().any(|window| window.amid != 0), expected, "{}", text.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn what_is_passed_over_would_be_undone_nowhere(
            pieces in prop::collection::vec(
                prop::collection::vec(prop_oneof![
                    4 => prop::sample::select(vec![
                        &b"%34"[..], b"\\u0034", b"\\n", b"\\\\", b"&#52;", b"&nbsp;", b"=34", b"=\r\n", b"+", b"<b>", b"</b>",
                        b"%", b"\\", b"&", b"\xc2\xa0", b"\xa0", b"\x96", b"\xc3\xa9", b"\xe4\xb8\xad", b"\xef\xbc\x94",
                        b"\xf0\x9d\x9f\x98", b"\xf0\x9f", b"@", b"a@b.c",
                    ]).prop_map(<[u8]>::to_vec),
                    4 => prop::collection::vec(prop::sample::select(&b"0123456789 ab-."[..]), 1..7),
                    2 => prop::collection::vec(any::<u8>(), 1..4),
                    1 => (any::<u8>(), 1usize..150).prop_map(|(byte, count)| vec![byte; count]),
                ], 0..12).prop_map(|parts| parts.concat()),
                0..6,
            ),
            form in any::<bool>(),
        ) {
            let wrapping = if form { Wrapping::Form } else { Wrapping::Escapes };
            let said = undone(wrapping, plain, &pieces);
            prop_assert_eq!(&said, &undone(wrapping, all_written, &pieces));
            prop_assert_eq!(&said, &undone(wrapping, plain, &[pieces.concat()]));
        }
    }
}
