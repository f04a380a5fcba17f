//! Takes a stack of codings off a stream, piece by piece, through one bounded window for each.

use std::ops::ControlFlow;

use super::deflate::Deflate;
use super::gzip::Gzip;
use super::{Coding, DecodeError, Progress};
use crate::limits::{DECODE_WINDOW, DECODED_GRACE, DECODED_RATIO};

/// What comes out of a coded stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a [u8]),
    /// What a coding carries beside the text, whole: file name, comment and extra field of a gzip member.
    Aside(&'a [u8]),
}

/// Decodes a stream that is pushed in chunks of any size.
#[derive(Debug)]
pub struct Decoder {
    /// Outermost coding first: the order in which they come off.
    stages: Vec<Stage>,
    /// Coded bytes taken so far.
    taken: u64,
    failed: Option<DecodeError>,
}

#[derive(Debug)]
struct Stage {
    engine: Engine,
    window: Box<[u8]>,
    /// Bytes that came out of this stage.
    out: u64,
}

/// A running coding. Further codings are further variants.
#[derive(Debug)]
enum Engine {
    Gzip(Gzip),
    Deflate(Deflate),
}

impl Engine {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        match self {
            Engine::Gzip(gzip) => gzip.step(input, output),
            Engine::Deflate(deflate) => deflate.step(input, output),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Engine::Gzip(gzip) => gzip.is_complete(),
            Engine::Deflate(deflate) => deflate.is_complete(),
        }
    }

    fn aside(&self) -> &[u8] {
        match self {
            Engine::Gzip(gzip) => gzip.aside(),
            Engine::Deflate(_) => &[],
        }
    }

    fn is_in_header(&self) -> bool {
        match self {
            Engine::Gzip(gzip) => gzip.is_in_header(),
            Engine::Deflate(_) => false,
        }
    }
}

impl Stage {
    fn new(coding: Coding) -> Stage {
        let engine = match coding {
            Coding::Gzip => Engine::Gzip(Gzip::new()),
            Coding::Deflate => Engine::Deflate(Deflate::new()),
        };
        Stage { engine, window: vec![0; DECODE_WINDOW].into_boxed_slice(), out: 0 }
    }
}

impl Decoder {
    /// `codings` in the order in which they were applied, as [`super::coding::parse`] gives them.
    #[must_use]
    pub fn new(codings: &[Coding]) -> Decoder {
        Decoder { stages: codings.iter().rev().copied().map(Stage::new).collect(), taken: 0, failed: None }
    }

    /// Decodes `chunk`, handing every decoded piece to `text` until it breaks. All text that these bytes make
    /// known has been handed out when this returns. An error stays.
    pub fn push(
        &mut self,
        chunk: &[u8],
        text: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        self.push_all(chunk, &mut |piece| match piece {
            Piece::Text(piece) => text(piece),
            Piece::Aside(_) => ControlFlow::Continue(()),
        })
    }

    /// As [`push`](Self::push), and what stands beside the text is handed out, too.
    pub fn push_all(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.taken += chunk.len() as u64;
        let result = feed(&mut self.stages, chunk, self.taken, sink).map(|_| ());
        self.failed = result.err();
        result
    }

    /// Whether bytes were taken that have been handed out in no form yet, though they are more than framing.
    #[must_use]
    pub fn is_in_header(&self) -> bool {
        self.stages.iter().any(|stage| stage.engine.is_in_header())
    }

    /// The body has ended: an error unless every coding has, too. A body without a byte is whole.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.stages.iter().all(|stage| stage.engine.is_complete()) {
            return Ok(());
        }
        self.failed = Some(DecodeError::Truncated);
        Err(DecodeError::Truncated)
    }
}

/// Runs `input` through all stages; what leaves the last one is text.
fn feed(
    stages: &mut [Stage],
    mut input: &[u8],
    taken: u64,
    sink: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, DecodeError> {
    let Some((stage, inner)) = stages.split_first_mut() else {
        return Ok(sink(Piece::Text(input)));
    };
    loop {
        let Progress { read, written } = stage.engine.step(input, &mut stage.window)?;
        input = input.get(read..).unwrap_or_default();
        stage.out += written as u64;
        if stage.out > DECODED_GRACE && stage.out / DECODED_RATIO > taken {
            return Err(DecodeError::Ratio);
        }
        let aside = stage.engine.aside();
        if !aside.is_empty() && sink(Piece::Aside(aside)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if written > 0 {
            let piece = stage.window.get(..written).unwrap_or_default();
            if feed(inner, piece, taken, sink)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        // A full window may hide more text that the same input makes known.
        if input.is_empty() && written < stage.window.len() {
            return Ok(ControlFlow::Continue(()));
        }
        if read == 0 && written == 0 {
            return Err(DecodeError::Broken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Encoder;
    use proptest::prelude::*;

    fn decode(codings: &[Coding], wire: &[u8], chunk: usize) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(codings);
        let mut out = Vec::new();
        for piece in wire.chunks(chunk.max(1)) {
            decoder.push(piece, &mut |text| {
                assert!(text.len() <= DECODE_WINDOW);
                out.extend_from_slice(text);
                ControlFlow::Continue(())
            })?;
        }
        decoder.finish()?;
        Ok(out)
    }

    fn encode(codings: &[Coding], text: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(codings);
        encoder.push(text).unwrap();
        encoder.finish().unwrap()
    }

    fn with_header(flags: u8, fields: &[u8], text: &[u8]) -> Vec<u8> {
        let plain = encode(&[Coding::Gzip], text);
        let mut wire = plain[..10].to_vec();
        wire[3] = flags;
        wire.extend_from_slice(fields);
        wire.extend_from_slice(&plain[10..]);
        wire
    }

    fn asides(wire: &[u8], chunk: usize) -> Vec<Vec<u8>> {
        let (mut decoder, mut found) = (Decoder::new(&[Coding::Gzip]), Vec::new());
        for piece in wire.chunks(chunk) {
            let told = found.len();
            let pushed = decoder.push_all(piece, &mut |piece| {
                if let Piece::Aside(aside) = piece {
                    found.push(aside.to_vec());
                }
                ControlFlow::Continue(())
            });
            pushed.unwrap();
            assert!(!decoder.is_in_header() || found.len() == told);
        }
        found
    }

    #[test]
    fn optional_header_fields_stand_aside_and_are_bounded() {
        let ok: [(u8, &[u8]); 4] =
            [(8, b"name\0"), (16, b"comment\0"), (4, b"\x03\0abc"), (4 | 8 | 16, b"\x01\0xn\0c\0")];
        for (flags, fields) in ok {
            let wire = with_header(flags, fields, b"hello");
            for chunk in 1..wire.len() {
                assert_eq!(decode(&[Coding::Gzip], &wire, chunk).as_deref(), Ok(&b"hello"[..]), "{flags}");
                assert_eq!(asides(&wire, chunk), [fields.to_vec()], "{flags} {chunk}");
            }
        }
        const TOO_LONG: usize = crate::limits::GZIP_HEADER + 1;
        let long = [vec![b'n'; TOO_LONG], vec![0]].concat();
        assert_eq!(decode(&[Coding::Gzip], &with_header(8, &long, b"x"), 64), Err(DecodeError::Broken));
        assert_eq!(decode(&[Coding::Gzip], &with_header(0x20, b"", b"x"), 64), Err(DecodeError::Broken));
    }

    #[test]
    fn the_header_checksum_counts() {
        let plain = encode(&[Coding::Gzip], b"hello");
        let mut head = plain[..10].to_vec();
        head[3] = 2;
        let mut crc = flate2::Crc::new();
        crc.update(&head);
        let right = [&head, &crc.sum().to_le_bytes()[..2], &plain[10..]].concat();
        assert_eq!(decode(&[Coding::Gzip], &right, 3).as_deref(), Ok(&b"hello"[..]));
        let wrong = [&head, &(!crc.sum()).to_le_bytes()[..2], &plain[10..]].concat();
        assert_eq!(decode(&[Coding::Gzip], &wrong, 3), Err(DecodeError::Broken));
    }

    #[test]
    fn members_follow_each_other_and_garbage_does_not() {
        let gzip = [Coding::Gzip];
        let both = [encode(&gzip, b"one "), encode(&gzip, b""), encode(&gzip, b"two")].concat();
        assert_eq!(decode(&gzip, &both, 5).as_deref(), Ok(&b"one two"[..]));
        for tail in [&b"\0"[..], b"{}", b"\x1f\x8c"] {
            let wire = [encode(&gzip, b"one"), tail.to_vec()].concat();
            assert_eq!(decode(&gzip, &wire, 4), Err(DecodeError::Broken), "{tail:?}");
        }
    }

    #[test]
    fn every_cut_is_truncated_and_every_flip_of_the_trailer_is_broken() {
        for codings in [&[Coding::Gzip][..], &[Coding::Deflate], &[Coding::Deflate, Coding::Gzip]] {
            let wire = encode(codings, b"some text, some text, some text");
            for cut in 1..wire.len() {
                assert_eq!(
                    decode(codings, &wire[..cut], 7),
                    Err(DecodeError::Truncated),
                    "{codings:?} {cut}"
                );
            }
            assert_eq!(decode(codings, b"", 1).as_deref(), Ok(&b""[..]));
        }
        let wire = encode(&[Coding::Gzip], b"some text");
        for at in wire.len() - 8..wire.len() {
            let mut bad = wire.clone();
            bad[at] ^= 1;
            assert_eq!(decode(&[Coding::Gzip], &bad, 64), Err(DecodeError::Broken));
        }
    }

    #[test]
    fn deflate_is_read_in_both_forms_and_ends_once() {
        let zlib = encode(&[Coding::Deflate], b"hello hello");
        let raw = zlib[2..zlib.len() - 4].to_vec();
        for chunk in 1..4 {
            assert_eq!(decode(&[Coding::Deflate], &zlib, chunk).as_deref(), Ok(&b"hello hello"[..]));
            assert_eq!(decode(&[Coding::Deflate], &raw, chunk).as_deref(), Ok(&b"hello hello"[..]));
            let tail = [zlib.clone(), vec![0]].concat();
            assert_eq!(decode(&[Coding::Deflate], &tail, chunk), Err(DecodeError::Broken));
        }
        // The empty raw stream is two bytes long.
        assert_eq!(decode(&[Coding::Deflate], &[0x03, 0x00], 1).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn a_bomb_is_stopped_by_its_ratio() {
        let mut encoder = Encoder::new(&[Coding::Gzip]);
        let zeros = vec![0; 1 << 20];
        for _ in 0..64 {
            encoder.push(&zeros).unwrap();
        }
        let wire = encoder.finish().unwrap();
        let (mut decoder, mut total) = (Decoder::new(&[Coding::Gzip]), 0u64);
        let result = decoder.push(&wire, &mut |text| {
            total += text.len() as u64;
            ControlFlow::Continue(())
        });
        // The whole of the input counts as taken: it is there, and its text has been asked for.
        assert_eq!(result, Err(DecodeError::Ratio));
        assert!(total <= DECODED_GRACE.max(DECODED_RATIO * wire.len() as u64) + DECODE_WINDOW as u64);
        assert_eq!(decoder.push(b"", &mut |_| ControlFlow::Continue(())), Err(DecodeError::Ratio));
        assert_eq!(decoder.finish(), Err(DecodeError::Ratio));
    }

    proptest! {
        #[test]
        fn any_stack_and_chunking_gives_the_text(
            text in prop::collection::vec(prop::sample::select(&b"ab{}\x00\xff4"[..]), 0..70_000),
            codings in prop::collection::vec(prop::sample::select(vec![Coding::Gzip, Coding::Deflate]), 1..=3),
            chunk in 1usize..5000,
        ) {
            let wire = encode(&codings, &text);
            prop_assert_eq!(decode(&codings, &wire, chunk), Ok(text));
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 1..400), chunk in 1usize..50) {
            let wire = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &noise].concat();
            // A member of noise cannot carry the right checksum but by a chance of 2^-64.
            prop_assert!(decode(&[Coding::Gzip], &wire, chunk).is_err());
            let _ = decode(&[Coding::Deflate], &noise, chunk);
        }
    }
}
