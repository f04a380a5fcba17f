//! Whether bytes can begin a deflate stream (RFC 1951) of text, bare or in zlib: it has no mark of its own.

use super::armour::is_readable;

/// Text by which a block of fixed codes is told.
const SHOWN: usize = 32;
/// Least of it: shorter blocks than make one tell nothing.
const LEAST: usize = 12;
/// The order in which the lengths of the codes for code lengths stand (RFC 1951, section 3.2.7).
const LENGTHS: usize = 19;

/// Whether a stream of zlib begins here (RFC 1950, section 2.2): method 8, no dictionary, and both bytes together a
/// multiple of 31.
pub(super) fn is_zlib(cmf: u8, flags: u8) -> bool {
    cmf & 0x0f == 8
        && cmf >> 4 <= 7
        && flags & 0x20 == 0
        && (u16::from(cmf) << 8 | u16::from(flags)) % 31 == 0
}

/// Whether a text may begin with the head of one; its first byte alone does not tell that it does not.
pub(super) fn may_be_zlib(text: &[u8]) -> bool {
    match text {
        [] => true,
        [cmf] => cmf & 0x0f == 8 && cmf >> 4 <= 7,
        [cmf, flags, ..] => is_zlib(*cmf, *flags),
    }
}

/// Whether `bytes` can begin such a stream. One run of digits in some hundred that stand for nothing looks like it.
pub(super) fn may_be_deflate(bytes: &[u8]) -> bool {
    let block = match bytes {
        [cmf, flags, rest @ ..] if is_zlib(*cmf, *flags) => rest,
        bytes => bytes,
    };
    let mut bits = Bits { bytes: block, at: 0 };
    let (Some(_last), Some(kind)) = (bits.take(1), bits.take(2)) else { return false };
    match kind {
        1 => shows_text(&mut bits),
        2 => has_codes(&mut bits) == Some(true),
        // What is stored stands there as it is, and is read as such.
        _ => false,
    }
}

/// Bits as deflate packs them: the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u16> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Some(u16::from(bit))
    }

    /// A number, its lowest bit first.
    fn take(&mut self, count: u32) -> Option<u16> {
        let mut number = 0;
        for place in 0..count {
            number |= self.bit()? << place;
        }
        Some(number)
    }

    /// A code, its highest bit first.
    fn code(&mut self, count: u32, so_far: u16) -> Option<u16> {
        (0..count).try_fold(so_far, |code, _| Some(code << 1 | self.bit()?))
    }

    /// A symbol of literals and lengths in the fixed codes (RFC 1951, section 3.2.6).
    fn fixed(&mut self) -> Option<u16> {
        let seven = self.code(7, 0)?;
        if seven < 24 {
            return Some(256 + seven);
        }
        let eight = self.code(1, seven)?;
        match eight {
            48..=191 => Some(eight - 48),
            192..=199 => Some(eight - 192 + 280),
            _ => Some(self.code(1, eight)?.checked_sub(400)? + 144),
        }
    }
}

/// Whether a block begins whose codes make up a whole tree.
fn has_codes(bits: &mut Bits<'_>) -> Option<bool> {
    let (literals, distances, lengths) = (bits.take(5)?, bits.take(5)?, bits.take(4)?);
    if literals > 29 || distances > 29 {
        return Some(false);
    }
    let mut filled = 0;
    for _ in 0..(usize::from(lengths) + 4).min(LENGTHS) {
        let length = bits.take(3)?;
        filled += if length == 0 { 0 } else { 128 >> length };
    }
    Some(filled == 128)
}

/// Whether a block of fixed codes shows text, as far as it goes.
fn shows_text(bits: &mut Bits<'_>) -> bool {
    let mut shown: Vec<u8> = Vec::with_capacity(SHOWN);
    let mut copies = false;
    while shown.len() < SHOWN {
        let Some(symbol) = bits.fixed() else { break };
        match symbol {
            0..=255 => shown.push(symbol as u8),
            256 => break,
            257..=285 => match copy(bits, symbol) {
                None => break,
                Some((length, distance)) => {
                    copies = true;
                    let Some(from) = shown.len().checked_sub(distance) else { return false };
                    for at in from..from + length.min(SHOWN) {
                        let byte = shown.get(at).copied().unwrap_or_default();
                        shown.push(byte);
                    }
                }
            },
            _ => return false,
        }
    }
    // Who writes a letter again and again copies it: `333…` would be `666…`, and that the next.
    let repeats = !copies && shown.windows(2).all(|two| two[0] == two[1]);
    shown.len() >= LEAST && !repeats && is_readable(shown.iter().copied())
}

/// Length and distance of a copy (RFC 1951, section 3.2.5).
fn copy(bits: &mut Bits<'_>, symbol: u16) -> Option<(usize, usize)> {
    let code = u32::from(symbol - 257);
    let length = match code {
        0..=7 => 3 + code,
        28 => 258,
        _ => {
            let more = code / 4 - 1;
            3 + ((4 + code % 4) << more) + u32::from(bits.take(more)?)
        }
    };
    let code = u32::from(bits.code(5, 0)?);
    let distance = match code {
        0..=3 => 1 + code,
        _ => {
            let more = code / 2 - 1;
            1 + ((2 + code % 2) << more) + u32::from(bits.take(more)?)
        }
    };
    Some((length as usize, distance as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};
    use std::io::Write;

    fn both(text: &str, level: Compression) -> [Vec<u8>; 2] {
        let mut bare = DeflateEncoder::new(Vec::new(), level);
        bare.write_all(text.as_bytes()).unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), level);
        zlib.write_all(text.as_bytes()).unwrap();
        [bare.finish().unwrap(), zlib.finish().unwrap()]
    }

    #[test]
    fn streams_of_text_are_told_short_and_long() {
        let texts = [
            "{\"card\":\"4539148803436467\"}".to_owned(),
            "4539148803436467 and so on and so on".to_owned(),
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb".to_owned(),
            (0..400).map(|n| format!("<saml:Attribute Name=\"{n}\">{}</saml:Attribute>", n * 7919)).collect(),
        ];
        for text in texts {
            for level in [Compression::fast(), Compression::default(), Compression::best()] {
                for stream in both(&text, level) {
                    assert!(may_be_deflate(&stream[..stream.len().min(48)]), "{text}: {stream:x?}");
                }
            }
        }
    }

    #[test]
    fn what_stands_for_nothing_rarely_looks_like_one() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let runs = 20_000;
        let taken = (0..runs).filter(|_| may_be_deflate(&std::array::from_fn::<u8, 48, _>(|_| byte())));
        let taken = taken.count();
        assert!(taken * 100 < runs, "{taken}");
        for bytes in [&b""[..], b"\x05", b"\x78\x9c", b"\xff\xff", b"\x78\x9c\x03"] {
            assert!(!may_be_deflate(bytes), "{bytes:x?}");
        }
    }
}
