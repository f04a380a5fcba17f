//! Every wrapping in every carrier, cut at every place, in both directions, under every coding and charset, with every kind
//! of mask: found, and masked so that the document, for a reader of its type, differs in the value alone. Generated: a new
//! row meets every other.

use super::carriers::{CARRIERS, Carrier, PROTOBUF_TYPES};
use super::*;
use crate::policy::MaskKind;

/// Written with dashes, which no carrier has to escape.
pub(super) const CARD: &str = "4539-1488-0343-6467";
pub(super) const MASKED: &str = "****-****-****-6467";

/// How a value can be written.
pub(super) type Wrapping = (&'static str, fn(&str) -> String);

pub(super) const WRAPPINGS: &[Wrapping] = &[
    ("as it is", str::to_owned),
    ("json", |text| each(text, |c| format!("\\u{:04x}", u32::from(c)))),
    ("json twice", |text| each(text, |c| format!("\\\\u{:04x}", u32::from(c)))),
    ("json in braces", |text| each(text, |c| format!("\\u{{{:x}}}", u32::from(c)))),
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

/// Those that one more layer around them leaves room for.
const SHALLOW: [&str; 6] = ["as it is", "json", "percent", "entity", "full width", "hyphens"];

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

/// A rule that masks in this way, for messages of this kind: requests wait whole, responses stream.
fn setup(direction: Direction, mask: MaskKind, carrier: &Carrier) -> Setup {
    let mut setup = Setup::new(vec![RuleSpec { mask, ..on("payment.pan", Action::Redact, 1) }]);
    setup.hold = if direction == Direction::Request { 1 << 20 } else { 16 };
    setup.message.direction = direction;
    setup.message.media_type = carrier.media_type.map(Into::into);
    setup
}

type Fields<'a> = Vec<(&'a str, &'a [u8])>;

fn fields(carrier: &Carrier) -> Fields<'static> {
    carrier.media_type.iter().map(|value| ("content-type", value.as_bytes())).collect()
}

/// Carriers with what they may hold.
fn rows() -> impl Iterator<Item = (&'static Carrier, Wrapping)> {
    let fits = |carrier: &Carrier, (name, _): &Wrapping| !carrier.deep || SHALLOW.contains(name);
    CARRIERS
        .iter()
        .flat_map(move |carrier| WRAPPINGS.iter().map(move |wrapping| (carrier, *wrapping)))
        .filter(move |(carrier, wrapping)| fits(carrier, wrapping))
}

/// What is left of a document is one, and says the same but for the value.
fn holds(name: &str, carrier: &Carrier, body: &[u8], out: &[u8]) {
    let Some(read) = carrier.read else { return };
    let Some(sent) = read(body) else { return };
    let got =
        read(out).unwrap_or_else(|| panic!("{name}: no {}: {}", carrier.name, String::from_utf8_lossy(out)));
    // References are other things to forms and YAML, and apart from texts in XML.
    if !name.contains("entity") {
        assert_eq!(sent.len(), got.len(), "{name}: {got:?}");
        assert_ne!(sent, got, "{name}: nothing changed");
    }
    assert!(!got.concat().contains(CARD), "{name}: {got:?}");
}

fn every_cut(direction: Direction) -> usize {
    let mut done = 0;
    for (carrier, (wrapping, wrap)) in rows() {
        let setup = setup(direction, MaskKind::Shape, carrier);
        let (engine, fields) = (setup.engine(), fields(carrier));
        let head = Head { fields: &fields, ..plain() };
        let (body, expected) = (carrier.write(&wrap(CARD)), carrier.masked(wrap));
        let name = format!("{wrapping} in {}", carrier.name);
        for cut in 1..body.len() {
            let (a, b) = body.split_at(cut);
            let inspector = Inspector::new(Arc::clone(&engine), setup.message.clone());
            let outcome = run(inspector, &head, &[a, b]);
            assert_eq!(
                String::from_utf8_lossy(&outcome.out),
                String::from_utf8_lossy(&expected),
                "{name}, cut at {cut}"
            );
            assert_eq!(outcome.found("payment.pan").matched, 1, "{name}, cut at {cut}");
            done += 1;
        }
        let bytes: Vec<_> = body.chunks(1).collect();
        assert_eq!(setup.run(&head, &bytes).out, expected, "{name}, byte by byte");
        holds(&name, carrier, &body, &expected);
    }
    done
}

#[test]
fn every_wrapping_in_every_carrier_is_found_and_hidden_wherever_a_request_is_cut() {
    assert!(every_cut(Direction::Request) > 30_000);
}

#[test]
fn every_wrapping_in_every_carrier_is_found_and_hidden_wherever_a_response_is_cut() {
    assert!(every_cut(Direction::Response) > 30_000);
}

#[test]
fn every_kind_of_mask_leaves_a_document_of_its_type() {
    for (carrier, (wrapping, wrap)) in rows() {
        let value = wrap(CARD);
        let body = carrier.write(&value);
        let fields = fields(carrier);
        let head = Head { fields: &fields, ..plain() };
        for mask in MaskKind::ALL {
            let setup = setup(Direction::Request, mask, carrier);
            let engine = setup.engine();
            let name = format!("{wrapping} in {}, {}", carrier.name, mask.as_str());
            let mut first: Option<Vec<u8>> = None;
            for length in [1, 7, body.len() / 2 + 1, body.len()] {
                let mut inspector = Inspector::new(Arc::clone(&engine), setup.message.clone());
                inspector.may_resize();
                let chunks: Vec<_> = body.chunks(length).collect();
                let outcome = run(inspector, &head, &chunks);
                assert_eq!(
                    outcome.decision.disclosure,
                    Disclosure::Redacted,
                    "{name} {:?}",
                    outcome.decision.found
                );
                assert_eq!(*first.get_or_insert_with(|| outcome.out.clone()), outcome.out, "{name}");
            }
            let out = first.unwrap();
            assert!(mask == MaskKind::Label || out.len() == body.len(), "{name}");
            holds(&name, carrier, &body, &out);
            // Nothing but the value is another.
            let same = body.iter().zip(&out).take_while(|(a, b)| a == b).count();
            let behind = body.iter().rev().zip(out.iter().rev()).take_while(|(a, b)| a == b).count();
            let at = carrier.place(&value);
            assert!(same >= at.start && behind >= body.len() - at.end, "{name}: {same} {behind} {at:?}");
            // The next gate stays quiet.
            let again = setup.run(&head, &[&out]);
            assert_eq!(again.decision.edits, 0, "{name}: {}", String::from_utf8_lossy(&out));
        }
    }
}

#[test]
fn every_carrier_is_read_below_every_coding_wherever_it_is_cut() {
    let codings = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
    for carrier in CARRIERS {
        let (body, expected) = (carrier.write(CARD), carrier.masked(str::to_owned));
        for (number, coding) in codings.into_iter().enumerate() {
            // The second time around it wears another one too.
            for (direction, stack) in [
                (Direction::Request, vec![coding]),
                (Direction::Response, vec![codings[(number + 1) % 4], coding]),
            ] {
                let setup = setup(direction, MaskKind::Shape, carrier);
                let (engine, fields, wire) = (setup.engine(), fields(carrier), encode(&stack, &body));
                let names: Vec<_> = stack.iter().map(|coding| coding.as_str()).collect();
                let names = names.join(", ");
                let head = Head { coding: Some(&names), fields: &fields, ..plain() };
                for cut in 1..wire.len() {
                    let (a, b) = wire.split_at(cut);
                    let inspector = Inspector::new(Arc::clone(&engine), setup.message.clone());
                    let outcome = run(inspector, &head, &[a, b]);
                    assert_eq!(
                        decoded(&stack, &outcome.out),
                        expected,
                        "{}, {names}, cut at {cut}",
                        carrier.name
                    );
                }
            }
        }
    }
}

fn decoded(codings: &[Coding], wire: &[u8]) -> Vec<u8> {
    let (mut decoder, mut text) = (Decoder::new(codings), Vec::new());
    decoder
        .push(wire, &mut |piece| {
            text.extend_from_slice(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    decoder.finish().unwrap();
    text
}

#[test]
fn every_carrier_is_read_in_every_charset_wherever_it_is_cut() {
    type Write = fn(&str) -> Vec<u8>;
    let charsets: [(&str, Write); 5] = [
        ("utf-16le", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16be", |text| text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        // With a mark.
        ("utf-16", |text| format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-32le", |text| text.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect()),
        ("utf-32", |text| text.chars().flat_map(|char| u32::from(char).to_be_bytes()).collect()),
    ];
    for carrier in CARRIERS.iter().filter(|carrier| carrier.is_text() && !carrier.deep) {
        let text = |value: &str| String::from_utf8(carrier.write(value)).unwrap();
        let expected = String::from_utf8(carrier.masked(str::to_owned)).unwrap();
        for (number, (charset, write)) in charsets.into_iter().enumerate() {
            let (body, expected) = (write(&text(CARD)), write(&expected));
            let kind = format!("{}; charset={charset}", carrier.media_type.unwrap_or("text/plain"));
            let fields: Fields<'_> = vec![("content-type", kind.as_bytes())];
            let head = Head { fields: &fields, ..plain() };
            let direction = if number == 0 { Direction::Response } else { Direction::Request };
            let setup = setup(direction, MaskKind::Shape, carrier);
            let engine = setup.engine();
            let step = if charset.starts_with("utf-32") { 7 } else { 1 };
            for cut in (1..body.len()).step_by(step) {
                let (a, b) = body.split_at(cut);
                let inspector = Inspector::new(Arc::clone(&engine), setup.message.clone());
                assert_eq!(
                    run(inspector, &head, &[a, b]).out,
                    expected,
                    "{}, {charset}, cut at {cut}",
                    carrier.name
                );
            }
        }
    }
}

#[test]
fn every_type_of_protocol_buffers_is_among_the_carriers() {
    for kind in PROTOBUF_TYPES {
        assert!(CARRIERS.iter().any(|carrier| carrier.media_type == Some(kind)), "{kind}");
    }
}
