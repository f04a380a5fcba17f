//! The signatures by which what is packed is told in a text.

/// What begins with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Zip,
    Gzip,
    Zstd,
    /// An entry of a zip archive's directory, and its end: looked for behind something that began like one.
    ZipEntry,
    ZipEnd,
}

impl Sign {
    /// The bytes that end where it was seen.
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Sign::Zip => b"PK\x03\x04",
            Sign::Gzip => b"\x1f\x8b\x08",
            Sign::Zstd => b"\x28\xb5\x2f\xfd",
            Sign::ZipEntry => b"PK\x01\x02",
            Sign::ZipEnd => b"PK\x05\x06",
        }
    }
}

/// The next signature in `text`, and where it ends. `tail` stands before it. `zips`: one of a directory counts, too.
pub(super) fn next_sign(tail: &[u8; 3], text: &[u8], zips: bool) -> Option<(usize, Sign)> {
    // The last bytes of the three signatures; no text holds them but for accented letters of some charsets.
    let ends = memchr::memchr3_iter(0x04, 0x08, 0xfd, text);
    let found = first_sign(tail, text, ends);
    if !zips {
        return found;
    }
    let text = found.map_or(text, |(end, _)| text.get(..end).unwrap_or(text));
    first_sign(tail, text, memchr::memchr2_iter(0x02, 0x06, text)).or(found)
}

/// Whether something packed may begin in a whole text, by its signature.
pub(super) fn has_sign(text: &[u8]) -> bool {
    next_sign(&[0; 3], text, false).is_some()
}

/// What is packed in a way that nobody here opens, or parts, begins with one of these.
const UNOPENED: [&[u8]; 16] = [
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"LZIP\x01",
    b"MSCF\0\0\0\0",
    b"\x89LZO\0\r\n\x1a",
    // LZ4, as it is and as it was.
    b"\x04\x22\x4d\x18",
    b"\x02\x21\x4c\x18",
    // Snappy's framing.
    b"\xff\x06\0\0sNaP",
    // compress(1), of 16 bits and of 12 to 14; LZMA alone, ARJ.
    b"\x1f\x9d\x90",
    b"\x1f\x9d\x8c",
    b"\x1f\x9d\x8e",
    b"]\0\0",
    b"\x60\xea",
    // Texts stand back to back in them, so that nothing tells where one ends: Arrow, arrays of NumPy.
    b"ARROW1\0\0",
    b"\x93NUMPY",
];

/// bzip2, behind the size of its blocks: what begins one, or ends them all.
const BZIP2: [&[u8]; 2] = [b"1AY&", b"\x17rE8"];

/// Whether a text that begins so is packed in a way that nobody here opens.
#[must_use]
pub fn is_unopened(opening: &[u8]) -> bool {
    let is_bzip2 = |behind: &[u8]| BZIP2.iter().any(|sign| behind.starts_with(sign));
    behind_size(opening).is_some_and(is_bzip2) || UNOPENED.iter().any(|sign| opening.starts_with(sign))
}

/// Whether it may be, going by its very first bytes.
pub(super) fn may_be_unopened(begin: [u8; 5]) -> bool {
    let agree = |sign: &[u8], begin: &[u8]| sign.iter().zip(begin).all(|(one, other)| one == other);
    let is_bzip2 = |behind: &[u8]| BZIP2.iter().any(|sign| agree(sign, behind));
    behind_size(&begin).is_some_and(is_bzip2)
        || UNOPENED.iter().any(|sign| sign.first() == begin.first() && agree(sign, &begin))
}

/// What stands behind the size of the blocks of bzip2.
fn behind_size(opening: &[u8]) -> Option<&[u8]> {
    match opening {
        [b'B', b'Z', b'h', b'1'..=b'9', behind @ ..] => Some(behind),
        _ => None,
    }
}

fn first_sign(tail: &[u8; 3], text: &[u8], ends: impl Iterator<Item = usize>) -> Option<(usize, Sign)> {
    let before = |at: usize, back: usize| match at.checked_sub(back) {
        Some(at) => text.get(at).copied(),
        None => tail.get(tail.len() + at - back).copied(),
    };
    for at in ends {
        let sign = match text.get(at) {
            Some(0x04) => Sign::Zip,
            Some(0x08) => Sign::Gzip,
            Some(0x02) => Sign::ZipEntry,
            Some(0x06) => Sign::ZipEnd,
            Some(_) | None => Sign::Zstd,
        };
        let rest = sign.bytes().iter().rev().skip(1);
        if rest.zip(1..).all(|(byte, back)| before(at, back) == Some(*byte)) {
            return Some((at + 1, sign));
        }
    }
    None
}
