//! Streams of every coding, whole, cut, broken and bombing.

use std::io::Write;

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
    let mut encoder = Encoder::new(codings).unwrap();
    encoder.push(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_a_coding_takes_is_told_and_no_more_than_came_out_of_it() {
    use crate::limits::{DECODER_STATE, ENCODER_STATE, ENCODER_WINDOW};
    let mut state = 7u64;
    let draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Some((state >> 56) as u8)
    };
    let text: Vec<u8> = std::iter::from_fn(draw).take(3 << 20).collect();
    for (coding, grows) in
        [(Coding::Gzip, false), (Coding::Deflate, false), (Coding::Brotli, true), (Coding::Zstd, true)]
    {
        let mut encoder = Encoder::new(&[coding]).unwrap();
        encoder.push_through(&text).unwrap();
        let (wire, most) = (encoder.take(), ENCODER_STATE + if grows { text.len() } else { 0 });
        assert!(ENCODER_WINDOW > text.len() && encoder.bytes() == most, "{coding:?}");
        let (mut decoder, mut out) = (Decoder::new(&[coding]), 0);
        let fresh = decoder.bytes();
        assert!((DECODE_WINDOW..=DECODE_WINDOW + DECODER_STATE).contains(&fresh), "{coding:?}: {fresh}");
        for piece in wire.chunks(64 << 10) {
            let pushed = decoder.push(piece, &mut |text| {
                out += text.len();
                ControlFlow::Continue(())
            });
            pushed.unwrap();
            assert!(decoder.bytes() <= DECODE_WINDOW + DECODER_STATE + out, "{coding:?}");
        }
        // What these encoders ask a decoder to remember.
        let window = 512 << 10;
        assert_eq!(decoder.bytes() >= DECODE_WINDOW + window, grows, "{coding:?}: {}", decoder.bytes());
    }
    let both = Decoder::new(&[Coding::Gzip, Coding::Gzip]).bytes();
    assert_eq!(both, 2 * Decoder::new(&[Coding::Gzip]).bytes());
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
    asides_of(Coding::Gzip, wire, chunk)
}

fn asides_of(coding: Coding, wire: &[u8], chunk: usize) -> Vec<Vec<u8>> {
    let (mut decoder, mut found) = (Decoder::new(&[coding]), Vec::new());
    for piece in wire.chunks(chunk) {
        let told = found.len();
        let pushed = decoder.push_all(piece, &mut |piece| {
            if let Piece::Aside(aside) = piece {
                found.push(aside.to_vec());
            }
            ControlFlow::Continue(())
        });
        pushed.unwrap();
        assert!(coding != Coding::Gzip || !decoder.is_in_header() || found.len() == told);
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
    assert_eq!(decode(&[Coding::Gzip], &with_header(8, &long, b"x"), 64), Err(DecodeError::Size));
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
        assert_eq!(decode(&gzip, &wire, 4), Err(DecodeError::Trailing), "{tail:?}");
    }
}

#[test]
fn every_cut_is_truncated_and_every_flip_of_the_trailer_is_broken() {
    let stacks: [&[Coding]; 5] = [
        &[Coding::Gzip],
        &[Coding::Deflate],
        &[Coding::Brotli],
        &[Coding::Zstd],
        &[Coding::Deflate, Coding::Gzip],
    ];
    for codings in stacks {
        let wire = encode(codings, b"some text, some text, some text");
        for cut in 1..wire.len() {
            assert_eq!(decode(codings, &wire[..cut], 7), Err(DecodeError::Truncated), "{codings:?} {cut}");
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
        assert_eq!(decode(&[Coding::Deflate], &tail, chunk), Err(DecodeError::Trailing));
    }
    // The empty raw stream is two bytes long.
    assert_eq!(decode(&[Coding::Deflate], &[0x03, 0x00], 1).as_deref(), Ok(&b""[..]));
}

#[test]
fn frames_of_zstd_follow_each_other_and_what_is_skipped_stands_aside() {
    let zstd = [Coding::Zstd];
    let skipped = |text: &[u8]| {
        [&[0x53, 0x2a, 0x4d, 0x18], &u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat()
    };
    let all =
        [skipped(b"first"), encode(&zstd, b"one "), skipped(b""), encode(&zstd, b"two"), skipped(b"last")];
    let wire = all.concat();
    for chunk in [1, 2, 3, 7, 11, wire.len()] {
        assert_eq!(decode(&zstd, &wire, chunk).as_deref(), Ok(&b"one two"[..]), "{chunk}");
        assert_eq!(asides_of(Coding::Zstd, &wire, chunk), [b"first".to_vec(), b"last".to_vec()], "{chunk}");
    }
    let long = skipped(&vec![b'x'; crate::limits::ZSTD_SKIPPABLE + 1]);
    assert_eq!(decode(&zstd, &long, 64), Err(DecodeError::Size));
    let tail = [encode(&zstd, b"one"), b"{}".to_vec()].concat();
    assert_eq!(decode(&zstd, &tail, 3), Err(DecodeError::Trailing));
}

#[test]
fn zstd_windows_and_dictionaries_are_refused_by_their_header() {
    // Descriptor, then window, dictionary and size as it announces them (RFC 8878, section 3.1.1.1).
    let cases: [(&[u8], Result<(), DecodeError>); 6] = [
        (&[0x00, 13 << 3], Err(DecodeError::Truncated)),
        (&[0x00, 13 << 3 | 1], Err(DecodeError::Window)),
        (&[0x00, 31 << 3], Err(DecodeError::Window)),
        (&[0x01, 0x00, 7], Err(DecodeError::Window)),
        (&[0xa0, 0, 0, 0x80, 0], Err(DecodeError::Truncated)),
        (&[0xa0, 1, 0, 0x80, 0], Err(DecodeError::Window)),
    ];
    for (header, expected) in cases {
        let wire = [&[0x28, 0xb5, 0x2f, 0xfd][..], header].concat();
        for chunk in [1, 64] {
            assert_eq!(decode(&[Coding::Zstd], &wire, chunk).map(drop), expected, "{header:?}");
        }
    }
}

#[test]
fn large_windows_and_trailing_bytes_of_brotli_are_refused() {
    let brotli = [Coding::Brotli];
    let tail = [encode(&brotli, b"one"), b"{}".to_vec()].concat();
    assert_eq!(decode(&brotli, &tail, 2), Err(DecodeError::Trailing));
    // The reserved window size that begins a large-window stream.
    assert_eq!(decode(&brotli, &[0x11, 0x1e, 0, 0, 0, 0], 1), Err(DecodeError::Broken));
    assert_eq!(decode(&brotli, b"{\"not\":\"brotli\"}", 64), Err(DecodeError::Broken));
}

#[test]
fn the_label_is_compared_with_the_first_bytes() {
    for coding in [Coding::Gzip, Coding::Zstd, Coding::AwsChunked] {
        for chunk in [1, 64] {
            let result = decode(&[coding], b"{\"a\":1}\r\n", chunk);
            assert_eq!(result, Err(DecodeError::Mislabelled), "{coding:?}");
        }
    }
}

#[test]
fn signed_chunks_give_their_data_and_set_aside_what_is_no_signature() {
    let aws = [Coding::AwsChunked];
    let signature = "a0".repeat(32);
    let wire = format!(
        "4;chunk-signature={signature}\r\nsome\r\n5;note=x\r\n text\r\n0;chunk-signature={signature}\r\n\
         x-amz-checksum-crc32c:abc=\r\n\r\n"
    );
    for chunk in [1, 2, 5, wire.len()] {
        assert_eq!(decode(&aws, wire.as_bytes(), chunk).as_deref(), Ok(&b"some text"[..]), "{chunk}");
        let asides = asides_of(Coding::AwsChunked, wire.as_bytes(), chunk);
        assert_eq!(asides, [&b";note=x"[..], b"x-amz-checksum-crc32c:abc="], "{chunk}");
    }
    let cases: [(&str, DecodeError); 6] = [
        ("4\r\nsome\r\n0\r\n\r\nx", DecodeError::Trailing),
        ("4\r\nsome\r\n0\r\n", DecodeError::Truncated),
        ("4\r\nso", DecodeError::Truncated),
        ("4\r\nsomex\r\n", DecodeError::Broken),
        ("4\nsome", DecodeError::Mislabelled),
        ("fffffffffffffffff\r\n", DecodeError::Mislabelled),
    ];
    for (wire, expected) in cases {
        assert_eq!(decode(&aws, wire.as_bytes(), 3), Err(expected), "{wire}");
    }
    let long = format!("4;{}\r\n", "x".repeat(crate::limits::AWS_CHUNK_LINE));
    assert_eq!(decode(&aws, long.as_bytes(), 100), Err(DecodeError::Size));
}

#[test]
fn a_bomb_of_any_coding_is_stopped_by_its_ratio() {
    for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
        a_bomb_is_stopped(coding);
    }
}

fn a_bomb_is_stopped(coding: Coding) {
    let zeros = vec![0; 64 << 20];
    // The encoders of this crate are fast ones, which shrink little.
    let wire = match coding {
        Coding::Gzip | Coding::Deflate => {
            let mut best = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            best.write_all(&zeros).unwrap();
            best.finish().unwrap()
        }
        Coding::Brotli | Coding::Zstd | Coding::Snappy | Coding::AwsChunked => encode(&[coding], &zeros),
    };
    let (coding, wire) = match coding {
        Coding::Gzip => (coding, [&encode(&[coding], b"")[..10], &wire[2..]].concat()),
        Coding::Deflate | Coding::Brotli | Coding::Zstd | Coding::Snappy | Coding::AwsChunked => {
            (coding, wire)
        }
    };
    let (mut decoder, mut total) = (Decoder::new(&[coding]), 0u64);
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
        codings in prop::collection::vec(prop::sample::select(vec![Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd]), 1..=3),
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
        for coding in [Coding::Deflate, Coding::Brotli, Coding::Zstd, Coding::Snappy, Coding::AwsChunked] {
            let _ = decode(&[coding], &noise, chunk);
        }
        let wire = [b"\x28\xb5\x2f\xfd", noise.as_slice()].concat();
        let _ = decode(&[Coding::Zstd], &wire, chunk);
    }
}
