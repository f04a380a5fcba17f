//! Deflate that nothing names, in runs of base64 and hexadecimal digits.

use super::coded::noise;
use super::runs::{base64, json};
use super::*;
use crate::decode::packing::{deflated, member, zip};

/// Deflate without a gzip head: as SAML's redirects have it, and as zlib.
pub(super) fn deflates(text: &str) -> [(&'static str, Vec<u8>); 2] {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut zlib, text.as_bytes()).unwrap();
    let zlib = zlib.finish().unwrap();
    [("deflate", zlib[2..zlib.len() - 4].to_vec()), ("zlib", zlib)]
}

#[test]
fn deflate_in_runs_is_read_in_bodies_and_around_them() {
    let short = json(BARE);
    let attribute = |n: u32| format!("<saml:Attribute Name=\"a{n}\">{}</saml:Attribute>", n * 7919);
    let long: String = (0..80).map(attribute).chain([format!("<card>{BARE}</card>")]).collect();
    for text in [&short, &long] {
        for (name, packed) in deflates(text) {
            let run = base64(&packed);
            let escaped = run.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
            let hex: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
            let bodies = [
                format!(r#"{{"data":"{run}"}}"#),
                format!("RelayState=x&SAMLRequest={escaped}"),
                format!("see {} there", base64(run.as_bytes())),
                format!("data:application/octet-stream;base64,{run}"),
                format!(r#"{{"data":"{hex}"}}"#),
                format!("0x{}", hex.to_uppercase()),
            ];
            for body in &bodies {
                let outcome = Setup::new(usual()).body(body);
                assert_eq!(outcome.found("payment.pan").matched, 1, "{name}: {body}");
                assert_eq!(outcome.last, Step::Stop, "{name}: {body}");
                assert!(outcome.found("payment.pan").at[0].carrier.contains(&"deflate"), "{name}");
                for length in [1, 50] {
                    let pieces: Vec<_> = body.as_bytes().chunks(length).collect();
                    let pieces = Setup::new(usual()).run(&plain(), &pieces);
                    assert_eq!(
                        pieces.found("payment.pan").matched,
                        1,
                        "{name} in pieces of {length}: {body}"
                    );
                }
            }
            let target = format!("/sso?SAMLRequest={escaped}&RelayState=x");
            let outcome = Setup::new(usual()).run(&Head { target: Some(&target), ..plain() }, &[]);
            assert_eq!((outcome.last, outcome.found("payment.pan").matched), (Step::Stop, 1), "{target}");
            assert_eq!(outcome.found("payment.pan").at[0].carrier, ["base64", "deflate"]);
        }
    }
}

#[test]
fn what_is_packed_in_a_run_around_a_body_counts_and_is_never_edited() {
    let two = format!("{{\"card\":\"{BARE}\",\"pan\":\"5425231234567896\",\"to\":\"anna@shop-mail.com\"}}");
    for (name, packed) in deflates(&two).into_iter().chain([("gzip", gzip(two.as_bytes()))]) {
        let value = format!("s={}", base64(&packed));
        let fields: [(&str, &[u8]); 1] = [("cookie", value.as_bytes())];
        let head = Head { fields: &fields, ..plain() };
        let outcome = Setup::new(vec![on("*", Action::Alert, 1)]).run(&head, &[]);
        assert_eq!(outcome.found("payment.pan").matched, 2, "{name}");
        assert_eq!(outcome.found("contact.email").matched, 1, "{name}");
        let outcome = Setup::new(vec![on("payment.pan", Action::Redact, 1)]).run(&head, &[]);
        assert_eq!(outcome.last, Step::Stop, "{name}");
        assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("archive")), "{name}");
    }
    // What cannot be read is refused as in a body.
    let data = deflated(two.as_bytes());
    let length = (data.len() as u32, two.len() as u32);
    let sealed = base64(&zip(&[member("a", 1, 8, &data, length)])).replace('+', "-").replace('/', "_");
    let outcome = Setup::new(vec![on("payment.pan", Action::Alert, 1)])
        .run(&Head { target: Some(&format!("/?d={sealed}")), ..plain() }, &[]);
    assert_eq!(outcome.decision.reason, Some(Reason::Undecodable("encrypted")));
}

#[test]
fn runs_that_stand_for_nothing_are_not_taken_for_deflate() {
    let mut state = 1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut lines = String::new();
    for length in [24, 32, 64, 200, 900].into_iter().cycle().take(600) {
        lines += &base64(&(0..length).map(|_| byte()).collect::<Vec<_>>());
        lines += "\n";
    }
    let mut setup = Setup::new(vec![on("*", Action::Block, 1)]);
    setup.hold = 1 << 20;
    let outcome = setup.body(&lines);
    assert_eq!((outcome.last, outcome.text()), (Step::Release, lines.as_str()));
    assert!(outcome.decision.reason.is_none());
}

#[test]
fn what_breaks_off_in_the_midst_of_a_picture_is_no_fault() {
    // As some writers of PNG have it: what stands before the packed lines fills a line.
    let zlib = |text: &str| deflates(text)[1].1.clone();
    let (noise, card) = (zlib(&noise(60_000)), format!("{} card: {BARE} {}", noise(20_000), noise(20_000)));
    let torn = [&noise[..8000], b"\x93\x11\x07\x5aIDAT", &noise[8000..]].concat();
    let head: Vec<u8> = (0..57u8).map(|at| at.wrapping_mul(89) ^ 0x89).collect();
    let wrapped = |bytes: &[u8], between: &str| {
        let digits = base64(bytes);
        let lines = digits.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap());
        format!("{{\"image\":\"{}\"}}", lines.collect::<Vec<_>>().join(between))
    };
    // Lines that are strings of their own are not joined.
    for (between, joins) in [("\n", 1), ("\r\n", 1), ("\\n", 1), ("\\n\",\n    \"", 0)] {
        for (bytes, found, reason) in [
            ([&head[..], &torn].concat(), 0, None),
            ([&head[..], &zlib(&card)].concat(), joins, None),
            (torn.clone(), 0, Some(Reason::Undecodable("broken")).filter(|_| joins == 1)),
        ] {
            let outcome =
                Setup::new(vec![on("payment.pan", Action::Alert, 1)]).body(&wrapped(&bytes, between));
            assert_eq!(outcome.decision.reason, reason, "{between:?} {found}");
            assert_eq!(outcome.decision.found.len(), found, "{between:?}");
        }
    }
}
