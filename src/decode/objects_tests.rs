//! What CBOR and MessagePack are in JSON, and where each byte of it stands.

use super::*;

/// The text of a body, cut into pieces of `cut` bytes, and where its parts come from.
fn told(objects: Objects, body: &[u8], cut: usize) -> (String, Vec<(u64, u64)>) {
    let (mut reader, mut kept) = (Reader::new(objects), Vec::new());
    let (mut view, mut origin) = (Vec::new(), Origin::at(0));
    let mut pieces = body.chunks(cut).peekable();
    while let Some(piece) = pieces.next() {
        kept.extend_from_slice(piece);
        let read = reader.walk(&kept, pieces.peek().is_none(), &mut view, &mut origin);
        kept.drain(..read);
    }
    assert_eq!(kept, b"", "something was left");
    let from = (0..view.len() as u64).map(|at| (origin.start(at), origin.end(at + 1))).collect();
    (String::from_utf8_lossy(&view).into_owned(), from)
}

fn any(objects: Objects, body: &[u8]) -> String {
    let whole = told(objects, body, body.len());
    for cut in 1..body.len() {
        assert_eq!(told(objects, body, cut), whole, "cut {cut}");
    }
    whole.0
}

#[test]
fn cbor_becomes_json() {
    // Of RFC 8949, appendix A, and others: each item by itself.
    let cases: &[(&[u8], &str)] = &[
        (&[0x17], "23"),
        (&[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0], "1000000000000"),
        (&[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "-18446744073709551616"),
        (&[0x39, 3, 0xe7], "-1000"),
        (&[0xf9, 0x3c, 0], "1"),
        (&[0xf9, 0x7b, 0xff], "65504"),
        (&[0xf9, 0x7e, 0], "0.1"),
        (&[0xfa, 0x47, 0xc3, 0x50, 0], "100000"),
        (&[0xfb, 0x43, 0x30, 0x20, 0x5a, 0x1d, 0x49, 0xda, 0xb3], "4539171037895347"),
        (&[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a], "0.1"),
        (&[0xf4], "false"),
        (&[0xf5], "true"),
        (&[0xf6], "null"),
        (&[0xf7], "null"),
        (&[0xf8, 0xff], "null"),
        (b"\xc0\x741970-01-01T00:00:00Z", "\"1970-01-01T00:00:00Z\""),
        (b"\x64IETF", "\"IETF\""),
        (b"\x62\"\\", "\"\\\"\\\\\""),
        (b"\x63a\nb", "\"a\\nb\""),
        (b"\x44plus", "\"plus\""),
        (&[0x44, 1, 2, 3, 4], "\"\""),
        (&[0x80], "[]"),
        (&[0xa0], "{}"),
        (&[0x83, 1, 0x82, 2, 3, 0x82, 4, 5], "[1,[2,3],[4,5]]"),
        (b"\xa2\x61a\x01\x61b\x82\x02\x03", "{\"a\":1,\"b\":[2,3]}"),
        (b"\xa1\x61a\xa1\x61b\x61c", "{\"a\":{\"b\":\"c\"}}"),
        (b"\x7f\x65strea\x64ming\xff", "\"streaming\""),
        (b"\x5f\x42ab\x41c\xff", "\"abc\""),
        (&[0x9f, 1, 0x82, 2, 3, 0x9f, 4, 5, 0xff, 0xff], "[1,[2,3],[4,5]]"),
        (b"\xbf\x61a\x01\x61b\x9f\x02\x03\xff\xff", "{\"a\":1,\"b\":[2,3]}"),
        // A sequence (RFC 8742).
        (b"\x61a\xa0\x05", "\"a\"\n{}\n5"),
        // What is none, or breaks off.
        (&[0x82, 1], "[1"),
        (&[0x1c, 0x61, b'a'], ""),
        (&[0xff, 0x61, b'a'], ""),
        (b"\x65str", "\"str"),
        (&[0x19, 1], ""),
    ];
    for (body, expected) in cases {
        assert_eq!(any(Objects::Cbor, body), *expected, "{body:x?}");
    }
}

#[test]
fn message_pack_becomes_json() {
    let cases: &[(&[u8], &str)] = &[
        (b"\x82\xa7compact\xc3\xa6schema\x00", "{\"compact\":true,\"schema\":0}"),
        (&[0x93, 0xc0, 0xc2, 0xff], "[null,false,-1]"),
        (&[0xcf, 0, 0x10, 0x20, 0x5a, 0x1d, 0x49, 0xda, 0xb3], "4539171037895347"),
        (&[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], "-2"),
        (&[0xd1, 0x80, 0], "-32768"),
        (&[0xcb, 0x40, 0x59, 0, 0, 0, 0, 0, 0], "100"),
        (b"\xd9\x03abc", "\"abc\""),
        (b"\xc4\x03abc", "\"abc\""),
        (b"\xc7\x03\x01abc", "\"abc\""),
        (b"\xd6\xff\x00\x00\x00\x01", "\"\""),
        (b"\xdc\x00\x02\x01\xde\x00\x01\xa1k\xa1v", "[1,{\"k\":\"v\"}]"),
        (&[0x91, 0xc1, 0x01], "["),
        (&[0xc7, 0x03], ""),
    ];
    for (body, expected) in cases {
        assert_eq!(any(Objects::MessagePack, body), *expected, "{body:x?}");
    }
}

#[test]
fn strings_stand_where_they_stood_and_depth_is_bounded() {
    let (text, from) = told(Objects::Cbor, b"\xa1\x61k\x6bjoe@ex.test", 5);
    let at = text.find("joe").unwrap();
    assert_eq!(from[at..at + 11], (4..15).map(|at| (at, at + 1)).collect::<Vec<_>>());
    // The pieces of one string are apart.
    let mut reader = Reader::new(Objects::Cbor);
    let (mut view, mut origin) = (Vec::new(), Origin::at(0));
    reader.walk(b"\x7f\x65strea\x64ming\xff", true, &mut view, &mut origin);
    assert_eq!(origin.pieces(1, 10), [2..7, 8..12]);
    assert!(matches!(origin.kind(1, 10), Some(Kind::Number(_))));
    let deep = vec![0x81; 2 * OBJECTS_DEPTH];
    assert_eq!(any(Objects::Cbor, &deep), "[".repeat(OBJECTS_DEPTH));
}
