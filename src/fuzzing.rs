//! The bodies of the fuzz targets in `fuzz/`, which unit tests run over seeds, too; not part of the product.
//!
//! Each takes any bytes and panics when a promise is broken. What needs private parts stands beside them, in
//! `audit::fuzzing` and `proxy::fuzzing`.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use crate::config;
use crate::decode::{
    Coding, DecodeError, Decoder, Event, Framing, Layer, Legacy, Lines, Objects, Packed, Pages, Unpacked,
    Unpacker, Wrapping, deltas, parameter, rewrap,
};
use crate::detect::{Finding, Matcher, Pack, Scan};
use crate::fingerprint::FingerprintKey;
use crate::inspect::SEARCHES;
use crate::proxy;

pub use crate::audit::fuzzing::trail;
pub use crate::proxy::fuzzing::{connect, introduction, sniff};

/// A hello is read the same however it comes.
pub fn hello(data: &[u8]) {
    crate::tls::hello::fuzzing::hello(data);
}

/// What a field says under a name is told to those who mind quotes and to those who do not, whatever stands before it.
pub fn parameters(data: &[u8]) {
    let said = parameter(data, "b");
    let once = said
        .values
        .iter()
        .enumerate()
        .all(|(nth, value)| !said.values.iter().take(nth).any(|other| other == value));
    assert!(once, "a value is told twice");
    let (decoy, value) = data.split_at(data.iter().position(|&byte| byte == 0).unwrap_or(data.len()));
    let told = |field: &[u8], value: &[u8]| {
        let said = parameter(field, "b");
        let told = said.extended || value.is_empty() || said.values.iter().any(|told| **told == *value);
        assert!(told, "a value is not told");
    };
    let token: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    told(&[b"a/b;", decoy, b";b=", &token].concat(), &token);
    let quoted: Vec<u8> = value.iter().flat_map(|&byte| [b'\\', byte]).collect();
    told(&[b"a/b; b=\"", quoted.as_slice(), b"\""].concat(), value);
}

/// Most pieces that an input can ask for.
const CUTS: usize = 8;

/// A text and how it is cut: a number of cuts, two bytes for the length of each piece, then the text.
fn pieces(data: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (count, rest) =
        data.split_first().map_or((0, data), |(count, rest)| (usize::from(*count) % CUTS, rest));
    let (lengths, text) = rest.split_at_checked(2 * count).unwrap_or((&[], rest));
    let (mut pieces, mut left) = (Vec::new(), text);
    for length in lengths.chunks_exact(2) {
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let (piece, after) = left.split_at(length % (left.len() + 1));
        pieces.push(piece);
        left = after;
    }
    pieces.push(left);
    (text, pieces)
}

fn built_in() -> &'static Option<Matcher> {
    static MATCHER: OnceLock<Option<Matcher>> = OnceLock::new();
    MATCHER.get_or_init(|| {
        let packs = Pack::built_in_names().iter().filter_map(|name| Pack::built_in(name)).collect();
        Matcher::compile(packs).ok()
    })
}

/// Findings in a fixed order, whatever the order in which they became certain. `last`: what comes behind `pieces`,
/// looked at with their end.
fn scanned<'a>(
    matcher: &Matcher,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    last: Option<&[u8]>,
) -> Vec<Finding> {
    let key = FingerprintKey::new(&[1; 32]);
    let (mut scan, mut out) = (Scan::new(), Vec::new());
    for piece in pieces {
        let (before, settled) = (out.len(), scan.settled().max(scan.settled_exact(matcher)));
        scan.push(matcher, &key, piece, &mut out);
        assert!(
            out.iter().skip(before).all(|f| f.start >= settled),
            "a finding began below the settled offset"
        );
    }
    let (before, settled) = (out.len(), scan.settled().max(scan.settled_exact(matcher)));
    match last {
        Some(last) => scan.last(matcher, &key, last, &mut out),
        None => scan.finish(matcher, &key, &mut out),
    }
    assert!(out.iter().skip(before).all(|f| f.start >= settled), "the end began below the settled offset");
    out.sort_unstable_by_key(|f| (f.start, f.end, f.detector));
    out
}

/// Any chunking gives the findings of the whole text, and none begins below what was said to be settled.
pub fn scan(data: &[u8]) {
    let matcher = built_in().as_ref();
    assert!(matcher.is_some(), "the built-in packs do not compile");
    let (text, pieces) = pieces(data);
    if let Some(matcher) = matcher {
        let whole = scanned(matcher, [text], None);
        assert_eq!(scanned(matcher, pieces.iter().copied(), None), whole);
        let (last, before) = pieces.split_last().unwrap_or((&text, &[]));
        assert_eq!(scanned(matcher, before.iter().copied(), Some(last)), whole);
        assert!(
            whole.iter().all(|f| f.start < f.end && f.end <= text.len() as u64),
            "a finding outside its text"
        );
    }
}

/// A pack is refused with complaints about places that it has, or compiles, or is refused then.
pub fn pack(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Pack::parse("fuzz.toml", text) {
        Err(errors) => assert!(!errors.is_empty(), "refused without a reason"),
        Ok(pack) => match Matcher::compile(vec![pack]) {
            Err(errors) => assert!(!errors.is_empty(), "refused without a reason"),
            Ok(matcher) => {
                let _ = matcher.check_examples();
                let _ = scanned(&matcher, [data], None);
            }
        },
    }
}

/// How a coded body ended, and its text.
fn decoded<'a>(
    codings: &[Coding],
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Result<(), DecodeError>, Vec<u8>) {
    let (mut decoder, mut text) = (Decoder::new(codings), Vec::new());
    for piece in pieces {
        let pushed = decoder.push(piece, &mut |piece| {
            text.extend_from_slice(piece);
            ControlFlow::Continue(())
        });
        if pushed.is_err() {
            assert_eq!(decoder.finish(), pushed, "an error did not stay");
            return (pushed, text);
        }
    }
    (decoder.finish(), text)
}

/// Any chunking of a coded body gives the same text and the same end. Only the ratio depends on how much of the body
/// is there when the text appears, and in a stack of codings the reason on which of them meets its damage first.
pub fn decode(data: &[u8]) {
    let Some((stack, rest)) = data.split_first() else { return };
    let codings: &[Coding] = match stack % 9 {
        0 => &[Coding::Gzip],
        1 => &[Coding::Deflate],
        2 => &[Coding::Gzip, Coding::Deflate],
        3 => &[Coding::Brotli],
        4 => &[Coding::Zstd],
        5 => &[Coding::Zstd, Coding::Brotli],
        6 => &[Coding::AwsChunked],
        7 => &[Coding::Snappy],
        _ => &[Coding::Gzip, Coding::Gzip],
    };
    let (wire, pieces) = pieces(rest);
    let (whole, cut) = (decoded(codings, [wire]), decoded(codings, pieces));
    if [whole.0, cut.0].contains(&Err(DecodeError::Ratio)) {
        return;
    }
    assert_eq!(whole.0.is_ok(), cut.0.is_ok());
    if codings.len() == 1 {
        assert_eq!(whole.0, cut.0);
    }
    if whole.0.is_ok() {
        assert_eq!(whole.1, cut.1);
    }
}

/// What was told of something packed: of what kind, and its bytes.
type Told = Vec<(u8, Vec<u8>)>;

/// What is told of what is packed in a text, members joined, and how it ended.
fn unpacked<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Told, Result<(), DecodeError>) {
    let (mut unpacker, mut out, mut open) = (Unpacker::new(), Told::new(), false);
    let mut take = |what: Unpacked<'_>| {
        match what {
            Unpacked::Open(member) => {
                assert!(!open, "a member began in another");
                open = true;
                out.push((0, member.name.to_vec()));
                out.push((1, Vec::new()));
            }
            Unpacked::Text(text, _) => {
                assert!(open, "text of no member");
                if let Some((_, all)) = out.iter_mut().rev().find(|(kind, _)| *kind == 1) {
                    all.extend_from_slice(text);
                }
            }
            Unpacked::Close => {
                assert!(open, "the end of no member");
                open = false;
            }
            Unpacked::Aside(text) => out.push((2, text.to_vec())),
            Unpacked::Unread(error, bytes) => out.push((3, format!("{error:?} {bytes}").into_bytes())),
            Unpacked::Unopened(bytes) => out.push((4, bytes.to_string().into_bytes())),
        }
        ControlFlow::Continue(())
    };
    for piece in pieces {
        if let Err(error) = unpacker.push(piece, &mut take) {
            return (out, Err(error));
        }
    }
    let result = unpacker.finish(&mut take).map(|_| ());
    assert!(result.is_err() || !open, "a member did not end");
    (out, result)
}

/// Any chunking of a text tells the same of what is packed in it; members come one after the other.
pub fn unpack(data: &[u8]) {
    let (text, pieces) = pieces(data);
    let (whole, cut) = (unpacked([text]), unpacked(pieces));
    assert_eq!(whole.1, cut.1);
    if whole.1.is_ok() {
        assert_eq!(whole.0, cut.0);
    }
}

/// Any chunking of a PDF document tells the same text of it.
pub fn document(data: &[u8]) {
    let (text, pieces) = pieces(data);
    let (whole, cut) = (shown(&[text]), shown(&pieces));
    assert_eq!(whole.1, cut.1);
    if whole.1.is_ok() {
        assert_eq!(whole.0, cut.0);
    }
}

fn shown(pieces: &[&[u8]]) -> (Vec<u8>, Result<(), DecodeError>) {
    let (mut pages, mut out) = (Pages::default(), Vec::new());
    let mut sink = |what: Unpacked<'_>| {
        if let Unpacked::Text(text, _) = what {
            out.extend_from_slice(text);
        }
        ControlFlow::Continue(())
    };
    let mut result = pieces.iter().try_for_each(|piece| pages.push(piece, &mut sink));
    result = result.and_then(|()| pages.finish(&mut sink));
    (out, result)
}

/// What a line of events is said to hold stands in it.
pub fn events(data: &[u8]) {
    for lines in [Lines::Events, Lines::Json, Lines::Parts, Lines::Answers] {
        let mut found = Vec::new();
        deltas(lines, data, &mut found);
        assert!(found.iter().all(|delta| data.get(delta.range.clone()).is_some()));
        assert!(found.is_sorted_by(|a, b| a.range.end <= b.range.start));
    }
}

/// Any chunking of a text finds its values under the same names.
pub fn names(data: &[u8]) {
    let (Some(matcher), (text, pieces)) = (built_in(), pieces(data)) else { return };
    let key = &FingerprintKey::new(&[1; 32]);
    let places = |pieces: &[&[u8]]| {
        let (mut scan, mut found, mut places) = (Scan::new(), Vec::new(), Vec::new());
        for piece in pieces {
            scan.push(matcher, key, piece, &mut found);
            places.extend(scan.places());
        }
        scan.finish(matcher, key, &mut found);
        places.extend(scan.places());
        places.iter().map(|place| (place.start, place.path.clone())).collect::<Vec<_>>()
    };
    assert_eq!(places(&[text]), places(&pieces));
}

/// Where a stretch begins, its bytes, and where each of them came from.
type Stretch = (u64, Vec<u8>, Vec<(u64, u64)>);

/// What one layer tells of a text: where each stretch begins, its bytes, and where each of them came from.
fn undone<'a>(mut layer: Layer, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Stretch> {
    let mut stretches = Vec::<Stretch>::new();
    let (told, mut plain) = (Cell::new(0), None);
    let mut sink = |event: Event<'_>| {
        told.set(told.get() + 1);
        match (event, stretches.last_mut()) {
            (Event::Open(at, _), _) => stretches.push((at, Vec::new(), Vec::new())),
            (Event::Text(text, origin), Some((_, all, from))) => {
                for _ in text {
                    let at = from.len() as u64;
                    from.push((origin.start(at), origin.end(at + 1)));
                }
                all.extend_from_slice(text);
            }
            (Event::Packed(Packed::Open(at, ..)), _) => stretches.push((at, Vec::new(), Vec::new())),
            (Event::Packed(Packed::Text(text, _)), Some((_, all, _))) => all.extend_from_slice(text),
            (Event::Text(..) | Event::Close { .. } | Event::Packed(_) | Event::Sealed(..), _) => {}
        }
    };
    for piece in pieces {
        plain = layer.ends_plainly(piece).then(|| told.get());
        layer.push(piece, &mut sink);
    }
    layer.finish(&mut sink);
    assert!(plain.is_none_or(|before| before == told.get()), "something was undone in a plain end");
    stretches
}

/// Any chunking of a multipart body, of protocol buffers, CBOR or MessagePack, or of base64 as a whole, tells the same of it, and from where each byte came.
pub fn carriers(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let (text, pieces) = pieces(rest);
    let boundaries = [Box::from(*b"b"), Box::from(*b"b, b")];
    let layer = || match kind % 7 {
        0 => Layer::of_parts(&[]),
        1 => Layer::of_parts(boundaries.get(..1 + usize::from(*kind >= 0x80)).unwrap_or_default()),
        2 => Layer::of_protobuf(Framing::Message),
        3 => Layer::of_protobuf(Framing::Frames),
        4 => Layer::of_objects(Objects::Cbor),
        5 => Layer::of_objects(Objects::MessagePack),
        _ => Layer::of_base64(),
    };
    let whole = undone(layer(), [text]);
    assert_eq!(whole, undone(layer(), pieces));
    for (_, _, from) in &whole {
        assert!(from.iter().all(|(start, end)| start <= end && *end <= text.len() as u64));
        assert!(from.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
    }
}

const CHARSETS: [&str; 8] =
    ["windows1251", "windows1252", "shiftjis", "eucjp", "euckr", "gbk", "gb18030", "big5"];

/// Any chunking of a text gives the same stretches of every layer, each byte of which comes from where it says; and
/// what is wrapped up again unchanged, or masked, takes the room that it had.
pub fn layers(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let (text, pieces) = pieces(rest);
    let wrapping = match kind % 4 {
        0 if *kind >= 0x80 => Wrapping::Form,
        0 => Wrapping::Escapes,
        1 => Wrapping::Armour,
        2 | 3 if *kind >= 0x80 => {
            let charset = CHARSETS.get(usize::from(*kind / 4 % 8)).copied();
            let Some(charset) = Legacy::declared(b"", charset) else { return };
            Wrapping::Charset(charset)
        }
        2 => Wrapping::Utf16 { big_endian: false },
        _ => Wrapping::Utf16 { big_endian: true },
    };
    let layer = || Layer::new(wrapping, 40).searched(SEARCHES);
    let whole = undone(layer(), [text]);
    assert_eq!(whole, undone(layer(), pieces));
    let wrappings = [wrapping, Wrapping::Escapes];
    for (_, _, from) in &whole {
        assert!(from.iter().all(|(start, end)| start < end && *end <= text.len() as u64));
        assert!(from.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
    }
    if wrapping != Wrapping::Armour {
        let same = rewrap(&wrappings, b"", text, &mut |_, value| value.to_vec());
        assert!(same.is_none_or(|same| same == text), "an unchanged text changed");
        let masked = rewrap(&wrappings, b"", text, &mut |_, value| vec![b'*'; value.len()]);
        assert!(masked.is_none_or(|masked| masked.len() == text.len()), "a mask took other room");
    }
}

/// Frames of a WebSocket are passed alike however they come. The first byte says whose they are.
pub fn frames(data: &[u8]) {
    let (kind, rest) = data.split_first().map_or((0, data), |(kind, rest)| (*kind, rest));
    let (text, pieces) = pieces(rest);
    proxy::fuzzing::frames(kind, text, &pieces);
}

/// What the guard lets pass of requests, or of responses of a kind that the first byte chooses, does not depend on cuts.
pub fn framing(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let (text, pieces) = pieces(rest);
    proxy::fuzzing::framing(*kind, text, &pieces);
}

/// Whole bodies, coded as the first byte says and held as the second does: what leaves is what came but for the edits.
pub fn bodies(data: &[u8]) {
    let [kind, how, count, rest @ ..] = data else { return };
    let (lengths, text) = rest.split_at_checked(usize::from(*count) % CUTS).unwrap_or((&[], rest));
    let cut = |bytes: &[u8]| {
        let (mut pieces, mut left) = (Vec::new(), bytes);
        for length in lengths {
            let (piece, after) = left.split_at(usize::from(*length) % (left.len() + 1));
            pieces.push(piece.to_vec());
            left = after;
        }
        pieces.push(left.to_vec());
        pieces
    };
    crate::inspect::fuzzing::body(*kind, *how, text, &cut);
}

/// A configuration is taken, or refused with complaints that can be shown.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(complaints) = config::read_text("fuzz.toml", text, Path::new("/nonexistent")) {
        assert!(!complaints.0.is_empty(), "refused without a reason");
        assert!(complaints.to_string().starts_with("fuzz.toml"), "a complaint that names no file");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::decode::packing::{gzipped, packed, stored, streamed, tar_member, zip};

    type Body = fn(&[u8]);

    /// A text in whatever can be undone.
    const WORN: &str = "a %41%252e \\u0034\\n &#52;&nbsp;=41=\r\n\u{ff14}\u{200b} \
                        eyJwYW4iOiI0NTM5IDE0ODggMDM0MyA2NDY3In0= 343533392031343838203033343320363436377a";

    /// Each body, and inputs that reach deep into what it runs.
    fn seeds() -> Vec<(Body, Vec<Vec<u8>>)> {
        [seeds_of_texts(), seeds_of_programs()].concat()
    }

    /// Of what texts are made of.
    fn seeds_of_texts() -> Vec<(Body, Vec<Vec<u8>>)> {
        let cut = |text: &str| [b"\x03\x00\x05\x00\x09\x00\x02", text.as_bytes()].concat();
        vec![
            (carriers, carried()),
            (document, vec![cut(PAGE), cut(&PAGE.replace("Tj", "'"))]),
            (
                events,
                vec![
                    br#"data: {"choices":[{"index":1,"delta":{"content":"4\"5"}}]}"#.to_vec(),
                    b"{\"text\":\"a\"}".to_vec(),
                ],
            ),
            (
                parameters,
                vec![b"x=\"a;\0b\";\\7".to_vec(), b"b=1; b*0=\"2\"\0B".to_vec(), b";b=\"\0\"".to_vec()],
            ),
            (names, NAMED.iter().map(|text| cut(text)).collect()),
            (bodies, wrapped()),
        ]
    }

    fn seeds_of_programs() -> Vec<(Body, Vec<Vec<u8>>)> {
        let cut = |text: &str| [b"\x03\x00\x05\x00\x09\x00\x02", text.as_bytes()].concat();
        let coded = |stack: u8, codings: &[Coding]| {
            let mut encoder = crate::decode::Encoder::new(codings).unwrap();
            encoder.push(&b"some text, some more text. ".repeat(40)).unwrap();
            [&[stack, 2, 0, 3, 0, 20], encoder.finish().unwrap().as_slice()].concat()
        };
        let request =
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nt: 1\r\n\r\n";
        let response = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        vec![
            (scan, vec![cut("card 4539 1488 0343 6467, ssn 536-90-4399, mail a.b@example.com"), vec![]]),
            (pack, ["payment", "contact", "national-id/asia", "secrets"].map(pack_text).to_vec()),
            (
                decode,
                vec![
                    coded(0, &[Coding::Gzip]),
                    coded(1, &[Coding::Deflate]),
                    coded(2, &[Coding::Gzip, Coding::Deflate]),
                    coded(3, &[Coding::Brotli]),
                    coded(4, &[Coding::Zstd]),
                    coded(5, &[Coding::Zstd, Coding::Brotli]),
                    cut("\x06\x06\x06").into_iter().chain(*b"4;x=y\r\ntext\r\n0\r\na:b\r\n\r\n").collect(),
                    coded(7, &[Coding::Gzip, Coding::Gzip]),
                ],
            ),
            (unpack, archives(coded(4, &[Coding::Zstd]).split_off(6))),
            (layers, (0..4).chain([0x80]).map(|kind| [&[kind], cut(WORN).as_slice()].concat()).collect()),
            (
                configuration,
                vec![
                    include_bytes!("config/default.toml").to_vec(),
                    include_bytes!("config/starter.toml").to_vec(),
                    b"listener = [1]\n\xff".to_vec(),
                ],
            ),
            (
                framing,
                vec![
                    [b"\x00", cut(request).as_slice()].concat(),
                    [b"\x01", cut(response).as_slice()].concat(),
                    [b"\x02", cut(response).as_slice()].concat(),
                ],
            ),
            (
                frames,
                vec![
                    // Each cut in three.
                    b"\x00\x02\x00\x03\x00\x04\x01\x05hello\x89\x01!\x80\x06 world\x88\x02\x03\xe8".to_vec(),
                    b"\x01\x02\x00\x03\x00\x04\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
                    b"\x02\x02\x00\x03\x00\x04\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00".to_vec(),
                ],
            ),
            (
                connect,
                vec![b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nA: b\r\n\r\n\x16\x03\x01".to_vec()],
            ),
            (
                sniff,
                vec![b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), request.into(), b"\x16\x03\x01".to_vec()],
            ),
            (hello, vec![b"\x16\x03\x01\x00\x05\x01\x00\x00\x26\x03\x16\x03\x01\x00\x01\x03".to_vec()]),
            (
                trail,
                vec![
                    b"\x00\n\x01\n\x02\n\x03\n\x04\n\x05\n\x06\n\x07".to_vec(),
                    b"\x00\n\x01\x20\x01\n{}".to_vec(),
                ],
            ),
        ]
    }

    const PAGE: &str =
        "%PDF-1.4\n1 0 obj\n<< /Length 44 >>\nstream\nBT /F1 12 Tf (card 4539) Tj ET\nendstream\nendobj\n";

    const NAMED: [&str; 4] = [
        "id,card,mail\n1,4539 1488 0343 6467,a@example.com\n2,,b@example.com\n",
        r#"{"a":{"card":"4539 1488 0343 6467","q":["x",{"m":"a@example.com"}]}}"#,
        "<a><card n=\"4539 1488 0343 6467\">a@example.com</card></a>",
        "--b\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\na@example.com\r\n--b--\r\na=1&m=a@example.com",
    ];

    /// Bodies with a card under no coding up to three, held and streamed, in both directions.
    fn wrapped() -> Vec<Vec<u8>> {
        let text =
            b"{\"card\":\"4539 1488 0343 6467\",\"note\":\"a \\u0034539 14880343 6467 %41\"}, and more. "
                .repeat(4);
        let ways =
            [(0, 0xff), (0x01, 0x04), (0x31, 0xfd), (0x29, 0x07), (0x2e, 0x80), (0xe7, 0x05), (0x9b, 0xff)];
        ways.iter().map(|(kind, how)| [&[*kind, *how, 3, 7, 40, 90], text.as_slice()].concat()).collect()
    }

    /// Multipart bodies and protocol buffers, cut in four.
    fn carried() -> Vec<Vec<u8>> {
        let parts = b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: text/csv\r\n\r\nid,card\r\n1,2\r\n\
                      --c--\r\n--b\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\na\0b\0c\0d\0\r\n--b--\r\n";
        let message = b"\x0a\x04text\x1a\x08\x12\x06nested\x20\xff\xff\xff\xff\x0f\x29\0\0\0\0\0\0\xf0\x3f\x32\x03\x01\x02\x03";
        let framed = [b"\0\0\0\0\x28".as_slice(), message, b"\x80\0\0\0\x02a:"].concat();
        let texts = [(0, parts.as_slice()), (1, parts), (2, message), (3, &framed)];
        let cut =
            |(kind, text): (u8, &[u8])| [&[kind], b"\x03\x00\x05\x00\x29\x00\x11".as_slice(), text].concat();
        texts.into_iter().map(cut).collect()
    }

    fn archives(zstd: Vec<u8>) -> Vec<Vec<u8>> {
        let members = [packed("a.xml", b"text"), stored("b", b"more"), streamed("c", b"end", true, false)];
        let texts = [
            zip(&members),
            [b"--x\r\n\r\n".to_vec(), gzipped(&b"some text ".repeat(300)), b"--x--".to_vec()].concat(),
            [tar_member("x", b'x', b"15 size=000004\n"), tar_member("a", b'0', &zip(&members[..1]))].concat(),
            zstd,
        ];
        // Cut in three.
        texts.iter().map(|text| [b"\x02\x00\x05\x00\x29".as_slice(), text].concat()).collect()
    }

    fn pack_text(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/patterns/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn every_body_keeps_its_promises_on_its_seeds() {
        for (body, seeds) in seeds() {
            for seed in seeds {
                body(&seed);
            }
        }
    }

    #[test]
    fn pieces_are_the_text() {
        let (text, cut) = pieces(b"\x02\x00\x01\x00\x02abcdef");
        assert_eq!((text, cut), (&b"abcdef"[..], vec![&b"a"[..], b"bc", b"def"]));
        assert_eq!(pieces(b""), (&b""[..], vec![&b""[..]]));
        assert_eq!(pieces(b"\x07ab").0, b"ab");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damaged_seeds_break_no_promise(
            damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
            chosen in any::<Index>(),
        ) {
            let seeds = seeds();
            let (body, seeds) = &seeds[chosen.index(seeds.len())];
            for seed in seeds {
                let mut seed = seed.clone();
                for (at, byte) in &damage {
                    if !seed.is_empty() {
                        let at = at.index(seed.len());
                        seed[at] = *byte;
                    }
                }
                body(&seed);
            }
        }

        #[test]
        fn noise_breaks_no_promise(noise in prop::collection::vec(any::<u8>(), 0..300)) {
            for (body, _) in seeds() {
                body(&noise);
            }
        }
    }
}
