//! Every wrapping in every carrier, cut at every place in the value, in both directions and under every coding: found, and
//! masked so that the document differs in the value alone. Generated: a new row meets every other.

use super::*;

/// Written with dashes, which no carrier has to escape.
pub(super) const CARD: &str = "4539-1488-0343-6467";
pub(super) const MASKED: &str = "****-****-****-6467";

/// Documents with a value for `¤`, and whether they are JSON.
const CARRIERS: &[(&str, &str, bool)] = &[
    ("json", r#"{"id":7,"customer":{"tags":[1.5,null],"card":"¤"},"z":"\u00e9"}"#, true),
    ("json in an array", r#"[{"a":["x","¤"]},true]"#, true),
    ("json lines", "{\"a\":1}\n{\"card\":\"¤\"}\n", false),
    ("pretty json", "{\n  \"a\" : 1,\n  \"card\" : \"¤\"\n}\n", true),
    ("json in json", r#"{"payload":"{\"card\":\"¤\",\"n\":1}"}"#, true),
    ("form", "a=b+c&card=¤&d=%20", false),
    ("form with +", "a=b+c&note=my+card+¤+please&d=%2B", false),
    ("xml", "<?xml version=\"1.0\"?><o:a xmlns:o=\"urn:x\"><card type='x'>¤</card>&amp;</o:a>", false),
    ("xml attribute", "<a><b card=\"¤\" n='1'/></a>", false),
    ("html", "<!doctype html><p>Tom &amp; Ann<br>card: ¤</p>", false),
    (
        "multipart",
        "--b7\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b7\r\nContent-Disposition: form-data; name=\"card\"\r\nContent-Type: text/plain\r\n\r\n¤\r\n--b7--\r\n",
        false,
    ),
    (
        "file name",
        "--b7\r\nContent-Disposition: form-data; name=\"a\"; filename=\"¤.txt\"\r\n\r\n1\r\n--b7--\r\n",
        false,
    ),
    ("csv", "id,card,x\n1,\"¤\",\"a, \"\"b\"\"\"\n2,,\n", false),
    ("tsv", "id\tcard\tx\n1\t¤\ta\n", false),
    ("yaml", "a: 1\ncustomer:\n  card: '¤'\n  n: [1, 2]\n", false),
    (
        "event",
        "event: x\ndata: {\"delta\":{\"text\":\"card ¤ \"}}\n\ndata: {\"delta\":{\"text\":\"bye\"}}\n\n",
        false,
    ),
    ("text", "hello, the card is ¤, thanks\n", false),
];

/// How a value can be written.
pub(super) type Wrapping = (&'static str, fn(&str) -> String);

pub(super) const WRAPPINGS: &[Wrapping] = &[
    ("as it is", str::to_owned),
    ("json", |text| each(text, |c| format!("\\u{:04x}", u32::from(c)))),
    ("json twice", |text| each(text, |c| format!("\\\\u{:04x}", u32::from(c)))),
    ("percent", |text| each(text, |c| format!("%{:02X}", u32::from(c)))),
    ("percent twice", |text| each(text, |c| format!("%25{:02X}", u32::from(c)))),
    ("entity", |text| each(text, |c| format!("&#{};", u32::from(c)))),
    ("hexadecimal entity", |text| each(text, |c| format!("&#x{:x};", u32::from(c)))),
    ("percent in json", |text| each(text, |c| format!("\\u0025{:02X}", u32::from(c)))),
    ("full width", |text| {
        each(text, |c| if c == '-' { c } else { char::from_u32(u32::from(c) + 0xfee0).unwrap() }.to_string())
    }),
    ("hyphens", |text| text.replace('-', "\u{2011}")),
    ("base64", |text| data_encoding(&format!("pay with {text} now"))),
    ("hexadecimal", |text| {
        format!("pay with {text} now").bytes().map(|byte| format!("{byte:02x}")).collect()
    }),
];

fn each(text: &str, how: impl Fn(char) -> String) -> String {
    text.chars().map(how).collect()
}

fn data_encoding(text: &str) -> String {
    data_encoding_of(text.as_bytes())
}

pub(super) fn data_encoding_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |three: &[u8]| {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let digit = |n: usize| {
            if n > three.len() { '=' } else { char::from(DIGITS[(bits >> (18 - 6 * n)) as usize & 63]) }
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(quad).collect()
}

fn setup(direction: Direction) -> Setup {
    let mut setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    setup.hold = 1 << 20;
    setup.message.direction = direction;
    setup
}

#[test]
fn every_wrapping_in_every_carrier_is_found_and_hidden_wherever_it_is_cut() {
    for (carrier, template, is_json) in CARRIERS {
        for (wrapping, wrap) in WRAPPINGS {
            let (value, masked) = (wrap(CARD), wrap(MASKED));
            let (body, expected) = (template.replace('¤', &value), template.replace('¤', &masked));
            let name = format!("{wrapping} in {carrier}");
            for direction in [Direction::Request, Direction::Response] {
                let setup = setup(direction);
                let start = template.find('¤').unwrap();
                let cuts = if direction == Direction::Request {
                    start..=start + value.len()
                } else {
                    start + 1..=start + 1
                };
                for cut in cuts {
                    let (a, b) = body.as_bytes().split_at(cut);
                    let outcome = setup.run(&plain(), &[a, b]);
                    assert_eq!(String::from_utf8_lossy(&outcome.out), expected, "{name}, cut at {cut}");
                    assert_eq!(outcome.found("payment.pan").matched, 1, "{name}, cut at {cut}");
                }
                if *is_json && serde_json::from_str::<serde_json::Value>(&body).is_ok() {
                    let outcome = setup.body(&body);
                    assert!(serde_json::from_slice::<serde_json::Value>(&outcome.out).is_ok(), "{name}");
                }
            }
        }
    }
}

#[test]
fn every_carrier_is_read_below_every_coding_and_charset() {
    let codings = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
    for (carrier, template, _) in CARRIERS {
        let (body, expected) = (template.replace('¤', CARD), template.replace('¤', MASKED));
        for coding in codings {
            let wire = encode(&[coding], body.as_bytes());
            let head = Head { coding: Some(coding.as_str()), ..plain() };
            for length in [1, 11, wire.len()] {
                let outcome = setup(Direction::Request).run(&head, &wire.chunks(length).collect::<Vec<_>>());
                let mut text = Vec::new();
                let mut decoder = Decoder::new(&[coding]);
                decoder
                    .push(&outcome.out, &mut |piece| {
                        text.extend_from_slice(piece);
                        ControlFlow::Continue(())
                    })
                    .unwrap();
                decoder.finish().unwrap();
                assert_eq!(String::from_utf8_lossy(&text), expected, "{carrier}, {}", coding.as_str());
            }
        }
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let outcome = setup(Direction::Request).run(&plain(), &[&utf16(&format!("\u{feff}{body}"))]);
        assert_eq!(outcome.out, utf16(&format!("\u{feff}{expected}")), "{carrier}, utf-16");
    }
}
