//! Multipart bodies and protocol buffers: generated like the other carriers, found, named, and hidden where they stand.

use super::matrix::{CARD, MASKED, WRAPPINGS, data_encoding_of};
use super::*;

/// A body around a value, and the type that its head declares.
type Carrier = (&'static str, &'static str, fn(&[u8]) -> Vec<u8>);

const CARRIERS: &[Carrier] = &[
    ("a string", "application/x-protobuf", |value| {
        [field(1, b"id"), field(6, value), field(6, b"4")].concat()
    }),
    ("a message in a message", "application/protobuf", |value| {
        field(3, &[varint_field(1, 7), field(2, &field(6, value))].concat())
    }),
    ("grpc", "application/grpc+proto", |value| {
        let message = [field(1, value), varint_field(2, 12)].concat();
        [framed(0, &field(4, b"first")), framed(0, &message)].concat()
    }),
    ("grpc-web", "application/grpc-web+proto", |value| {
        [
            framed(0, &field(1, b"first")),
            framed(0, &field(3, &field(2, value))),
            framed(0x80, b"grpc-status: 0\r\n"),
        ]
        .concat()
    }),
    ("trailers of grpc-web", "application/grpc-web", |value| {
        let trailers = [b"grpc-status:3\r\ngrpc-message:card ".as_slice(), value, b"\r\n"].concat();
        [framed(0, &field(1, b"first")), framed(0x80, &trailers)].concat()
    }),
    ("grpc-web in base64", "application/grpc-web-text+proto", |value| {
        let frames = [framed(0, &field(1, b"first")), framed(0, &field(3, &field(2, value)))];
        // Pieces that end in `=`, as they are flushed.
        let ends = framed(0x80, b"grpc-status: 0\r\n");
        frames.iter().chain([&ends]).map(|frame| data_encoding_of(frame)).collect::<String>().into_bytes()
    }),
    ("a part", "multipart/form-data; boundary=b7", |value| part("", value)),
    ("a part in a part", "multipart/mixed; boundary=\"b7\"", |value| {
        let inner = [b"--in\r\nX: y\r\n\r\n", value, b"\r\n--in--\r\n"].concat();
        part("Content-Type: multipart/mixed; boundary=in\r\n", &inner)
    }),
    ("a table", "multipart/form-data; boundary=b7", |value| {
        part("Content-Type: text/csv\r\n", &[b"id,card,x\r\n1,", value, b",z\r\n"].concat())
    }),
    ("utf-16", "multipart/form-data; boundary=b7", |value| {
        let text = String::from_utf8(value.to_vec()).unwrap();
        let wide: Vec<u8> = format!("\u{feff}my {text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        part("Content-Type: text/plain\r\n", &wide)
    }),
    ("utf-16 by its label", "text/plain", |value| {
        let text = String::from_utf8(value.to_vec()).unwrap();
        let wide: Vec<u8> = format!("{text}!").encode_utf16().flat_map(u16::to_be_bytes).collect();
        part("Content-Type: text/plain; charset=UTF-16BE\r\n", &wide)
    }),
];

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

fn field(number: u64, value: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn varint_field(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    [&[flag], u32::try_from(message.len()).unwrap().to_be_bytes().as_slice(), message].concat()
}

pub(super) fn part(header: &str, text: &[u8]) -> Vec<u8> {
    let named = "--b7\r\nContent-Disposition: form-data; name=\"upload\"\r\n";
    let other = "--b7\r\nContent-Disposition: form-data; name=\"z\"\r\n\r\nlast\r\n--b7--\r\n";
    [named.as_bytes(), header.as_bytes(), b"\r\n", text, b"\r\n", other.as_bytes()].concat()
}

pub(super) fn typed<'a>(fields: &'a [(&'a str, &'a [u8])]) -> Head<'a> {
    Head { fields, ..plain() }
}

pub(super) fn setup(action: Action) -> Setup {
    let mut setup = Setup::new(vec![on("payment.pan", action, 1)]);
    setup.hold = 1 << 20;
    setup
}

/// The place and the carriers of the only value.
fn told(outcome: &Outcome) -> (String, Vec<&'static str>) {
    let found = outcome.found("payment.pan");
    assert_eq!((found.matched, found.at.len()), (1, 1));
    (found.at[0].path.clone().unwrap_or_default(), found.at[0].carrier.clone())
}

#[test]
fn every_wrapping_in_strings_and_parts_is_found_and_hidden_wherever_it_is_cut() {
    for (carrier, media_type, build) in CARRIERS {
        for (wrapping, wrap) in WRAPPINGS {
            let (body, expected) = (build(wrap(CARD).as_bytes()), build(wrap(MASKED).as_bytes()));
            // A wide character of UTF-16 is hidden by one that is not.
            if carrier.starts_with("utf-16") && matches!(*wrapping, "full width" | "hyphens") {
                continue;
            }
            let name = format!("{wrapping} in {carrier}");
            let fields = [("content-type", media_type.as_bytes())];
            for direction in [Direction::Request, Direction::Response] {
                let mut setup = setup(Action::Redact);
                setup.message.direction = direction;
                let engine = setup.engine();
                for cut in 0..body.len() {
                    let (a, b) = body.split_at(cut);
                    let inspector = Inspector::new(Arc::clone(&engine), setup.message.clone());
                    let outcome = run(inspector, &typed(&fields), &[a, b]);
                    assert_eq!(
                        outcome.out.escape_ascii().to_string(),
                        expected.escape_ascii().to_string(),
                        "{name}, cut at {cut}"
                    );
                    assert_eq!(outcome.found("payment.pan").matched, 1, "{name}, cut at {cut}");
                }
            }
        }
    }
}

#[test]
fn strings_and_parts_are_read_as_they_stream_past_hold() {
    for (carrier, media_type, build) in CARRIERS {
        let (body, expected) = (build(CARD.as_bytes()), build(MASKED.as_bytes()));
        let fields = [("content-type", media_type.as_bytes())];
        let mut setup = setup(Action::Redact);
        setup.hold = 1;
        for length in [1, 3, 64] {
            let head = Head { events: media_type.starts_with("application/grpc"), ..typed(&fields) };
            let outcome = setup.run(&head, &body.chunks(length).collect::<Vec<_>>());
            assert_eq!(outcome.out, expected, "{carrier} in pieces of {length}");
        }
    }
}

#[test]
fn the_place_of_a_value_is_its_field_or_its_part() {
    let json = [b"{\"card\":\"", PAN.as_bytes(), b"\"}"].concat();
    let table = format!("id;card number\n1;{PAN}\n");
    let wide: Vec<u8> = format!("{{\"card\":\"{PAN}\"}}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows: Vec<(&str, Vec<u8>, &str, &[&str])> = vec![
        (
            "application/protobuf",
            field(3, &[varint_field(1, 7), field(2, PAN.as_bytes())].concat()),
            "3.2",
            &["protobuf"],
        ),
        ("application/grpc", framed(0, &field(15, &json)), "15 $.card", &["protobuf", "json"]),
        ("multipart/form-data; boundary=b7", part("", PAN.as_bytes()), "upload", &["multipart"]),
        (
            "multipart/form-data; boundary=b7",
            part("", table.as_bytes()),
            "upload column 2 \"card number\"",
            &["multipart", "csv"],
        ),
        (
            "multipart/form-data; boundary=b7",
            part("Content-Type: text/plain; charset=utf-16le\r\n", &wide),
            "upload $.card",
            &["multipart", "json", "utf-16"],
        ),
    ];
    for (media_type, body, path, carrier) in rows {
        let fields = [("content-type", media_type.as_bytes())];
        for length in [1, 5, body.len()] {
            let outcome = setup(Action::Alert).run(&typed(&fields), &body.chunks(length).collect::<Vec<_>>());
            let (told, carriers) = told(&outcome);
            assert_eq!((told.as_str(), carriers.as_slice()), (path, carrier), "{media_type}");
        }
    }
}

#[test]
fn numbers_that_are_card_numbers_are_found_and_never_edited() {
    let number: u64 = BARE.parse().unwrap();
    let tagged = |number: u64, kind: u64| varint(number << 3 | kind);
    let bodies: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a varint", field(3, &varint_field(2, number)), "3.2"),
        ("a fixed number", [tagged(9, 1), number.to_le_bytes().to_vec()].concat(), "9"),
        ("a fraction", [tagged(9, 1), (number as f64).to_le_bytes().to_vec()].concat(), "9"),
        ("packed", field(7, &[varint(1), varint(number), varint(300)].concat()), "7"),
        ("packed fixed numbers", field(7, &[number.to_le_bytes(), 5u64.to_le_bytes()].concat()), "7"),
    ];
    for (what, message, path) in bodies {
        for (media_type, body) in
            [("application/x-protobuf", message.clone()), ("application/grpc", framed(0, &message))]
        {
            let fields = [("content-type", media_type.as_bytes())];
            for length in [1, body.len()] {
                let chunks: Vec<_> = body.chunks(length).collect();
                let outcome = setup(Action::Alert).run(&typed(&fields), &chunks);
                assert_eq!(told(&outcome), (path.to_owned(), vec!["protobuf"]), "{what}");
                assert_eq!(outcome.out, body);
                let outcome = setup(Action::Redact).run(&typed(&fields), &chunks);
                assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("number")), "{what}");
                assert!(outcome.out.is_empty());
            }
        }
    }
    // Fractions that only look like long numbers.
    let fractions: Vec<u8> = (0..4000u32)
        .flat_map(|n| [tagged(1, 1), (1.0 + f64::from(n) / 4096.0).to_le_bytes().to_vec()].concat())
        .collect();
    let fields = [("content-type", b"application/x-protobuf".as_slice())];
    let outcome = setup(Action::Alert).run(&typed(&fields), &[&fractions]);
    assert!(outcome.decision.found.is_empty());
}

#[test]
fn compressed_messages_are_read_or_refused() {
    let message = field(3, &varint_field(2, BARE.parse().unwrap()));
    let fields = [("content-type", b"application/grpc".as_slice())];
    let zstd = encode(&[Coding::Zstd], &message);
    for (coded, name) in [(gzip(&message), "gzip"), (zstd, "zstd")] {
        let body =
            [framed(0, &field(1, b"first")), framed(1, &coded), framed(0, &field(1, b"last"))].concat();
        for length in [1, 50, body.len()] {
            let outcome = setup(Action::Alert).run(&typed(&fields), &body.chunks(length).collect::<Vec<_>>());
            assert_eq!(outcome.found("payment.pan").at[0].carrier, [name, "protobuf"], "{name}");
            assert_eq!(outcome.out, body);
        }
        let outcome = setup(Action::Redact).run(&typed(&fields), &[&body]);
        assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("archive")), "{name}");
    }
    for length in [3, 40] {
        let body = framed(1, &vec![7; length]);
        let outcome = setup(Action::Alert).run(&typed(&fields), &[&body]);
        assert_eq!(outcome.decision.reason, Some(Reason::Undecodable("unknown_coding")));
    }
}

#[test]
fn grpc_web_in_base64_is_read_as_what_it_stands_for() {
    let fields = [("content-type", b"application/grpc-web-text".as_slice())];
    let message = field(3, &field(2, format!("{{\"card\":\"{PAN}\"}}").as_bytes()));
    let body = data_encoding_of(&framed(0, &message));
    for length in [1, 7, body.len()] {
        let chunks: Vec<_> = body.as_bytes().chunks(length).collect();
        let outcome = setup(Action::Alert).run(&typed(&fields), &chunks);
        assert_eq!(told(&outcome).0, "3.2 $.card");
        assert_eq!(outcome.text(), body);
        assert_eq!(setup(Action::Block).run(&typed(&fields), &chunks).last, Step::Stop);
    }
    // A number, which nothing takes the place of, and what nobody could read.
    let number = framed(0, &varint_field(2, BARE.parse().unwrap()));
    let outcome = setup(Action::Redact).run(&typed(&fields), &[data_encoding_of(&number).as_bytes()]);
    assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("number")));
    for frame in [framed(1, &gzip(&message)), framed(0x81, b"grpc-status: 0")] {
        let body = data_encoding_of(&frame);
        for length in [1, body.len()] {
            let chunks: Vec<_> = body.as_bytes().chunks(length).collect();
            let outcome = setup(Action::Alert).run(&typed(&fields), &chunks);
            assert_eq!(outcome.decision.reason, Some(Reason::Undecodable("unknown_coding")), "{body}");
        }
    }
}

#[test]
fn messages_of_no_protocol_buffers_are_read_or_refused() {
    let framed = |message: &[u8]| [&[1, 0, 0, 0, message.len() as u8][..], message].concat();
    let json = format!("{{\"card\":\"{PAN}\",\"note\":\"thanks, and see you\"}}");
    let unknown = Some(Reason::Undecodable("unknown_coding"));
    let rows: [(&str, &str, &str, Coding, Option<Reason>); 6] = [
        ("application/connect+json", "connect-content-encoding", "br", Coding::Brotli, unknown.clone()),
        ("application/connect+json", "connect-content-encoding", "Deflate", Coding::Deflate, unknown.clone()),
        ("Application/gRPC+json; x=y", "grpc-encoding", "snappy", Coding::Brotli, unknown.clone()),
        ("application/connect+json", "connect-content-encoding", "gzip", Coding::Gzip, None),
        ("application/connect+json", "connect-content-encoding", "zstd", Coding::Zstd, None),
        ("application/grpc+json", "grpc-encoding", "gzip", Coding::Gzip, None),
    ];
    for (kind, name, coding, packed, reason) in rows {
        let fields = [("content-type", kind.as_bytes()), (name, coding.as_bytes())];
        let body = framed(&encode(&[packed], json.as_bytes()));
        let outcome = setup(Action::Block).run(&typed(&fields), &[&body]);
        assert_eq!((outcome.last, outcome.decision.reason.clone()), (Step::Stop, reason), "{kind} {coding}");
    }
    // Of others it says nothing.
    let fields = [("content-type", b"text/plain".as_slice()), ("grpc-encoding", b"br")];
    assert_eq!(setup(Action::Block).run(&typed(&fields), &[b"nothing"]).decision.reason, None);
}

#[test]
fn what_is_no_message_passes_as_it_is_and_is_read_as_text() {
    let fields = [("content-type", b"application/grpc".as_slice())];
    let noise: Vec<u8> = (0..3000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 & 0x7f).collect();
    let text = [&noise[..], b" card ", PAN.as_bytes(), b" ", &noise[..]].concat();
    let mut refused = 0;
    for start in 0..60 {
        let outcome = setup(Action::Alert).run(&typed(&fields), &[&text[start..]]);
        // It may say that it is compressed.
        if outcome.decision.reason == Some(Reason::Undecodable("unknown_coding")) {
            refused += 1;
            continue;
        }
        assert_eq!(outcome.out, &text[start..]);
        assert_eq!(outcome.found("payment.pan").distinct, 1);
    }
    assert!(refused < 10, "{refused}");
}

#[test]
fn what_is_packed_in_base64_is_looked_into() {
    use crate::decode::packing;
    let text = format!("{}card {PAN}\n", filler(300));
    let zip = packing::zip(&[packing::packed("a.txt", text.as_bytes())]);
    let lines = |text: &str| {
        let lines: Vec<_> =
            text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join("\r\n")
    };
    for (data, packed) in [(zip, "zip"), (gzip(text.as_bytes()), "gzip")] {
        let armoured = super::matrix::data_encoding_of(&data);
        let bodies = [
            (format!("{{\"name\":\"a\",\"data\":\"{armoured}\",\"z\":1}}"), Some("json"), "$.data"),
            (format!("{{\"data\":\"{}\"}}", armoured.replace('/', "\\/")), Some("json"), "$.data"),
            (
                format!(
                    "--b\r\nContent-Transfer-Encoding: base64; name=\"f\"\r\n\r\n{}\r\n--b--\r\n",
                    lines(&armoured)
                ),
                Some("multipart"),
                "f",
            ),
            (format!("data:application/zip;base64,{armoured}"), None, ""),
        ];
        // The names of the run, and of the member in it.
        let member = if packed == "zip" { "a.txt" } else { "" };
        for (body, kind, place) in bodies {
            let carrier: Vec<_> = kind.into_iter().chain(["base64", packed]).collect();
            let path =
                [place, member].into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
            for length in [1, 100, body.len()] {
                let chunks: Vec<_> = body.as_bytes().chunks(length).collect();
                let outcome = setup(Action::Alert).run(&plain(), &chunks);
                let found = outcome.found("payment.pan");
                assert_eq!(
                    (found.distinct, &found.at[0].carrier, found.at[0].path.clone().unwrap_or_default()),
                    (1, &carrier, path.clone()),
                    "{body}"
                );
                assert_eq!(outcome.text(), body);
                assert_eq!(setup(Action::Block).run(&plain(), &chunks).last, Step::Stop);
                let outcome = setup(Action::Redact).run(&plain(), &chunks);
                assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("archive")));
            }
        }
    }
}
