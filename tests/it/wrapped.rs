//! Random bodies under random stacks of codings, in random pieces, over real sockets both ways: what arrives is what was
//! sent but for the values, and its framing is valid.

use tidegate::decode::{Coding, Decoder, Encoder};
use tidegate::policy::Action;
use tokio::sync::mpsc;

use crate::harness::wire::chunked;
use crate::harness::{Client, Origin, SSN, Setup, World, messages, rule};

const MASKED: &str = "***-**-****";

/// The same sequence in every run: a failure can be looked into.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }

    fn stack(&mut self) -> Vec<Coding> {
        let all = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
        (0..self.below(4)).map(|_| all[self.below(4)]).collect()
    }

    /// Text with up to three values.
    fn body(&mut self) -> String {
        let words = ["lorem ", "ipsum, ", "dolor\n", "{\"a\":\"", "\"}", "x=y&", " - ", "\u{e4}h "];
        let mut text = String::new();
        let mut value = self.below(400);
        for number in 0..self.below(4000) {
            if number == value {
                text.push_str(&format!(" ssn {SSN} "));
                value += 1 + self.below(1500);
            }
            text.push_str(words[self.below(words.len())]);
        }
        text
    }
}

fn encode(codings: &[Coding], text: &str) -> Vec<u8> {
    let mut encoder = Encoder::new(codings).unwrap();
    encoder.push(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn decode(codings: &[Coding], wire: &[u8]) -> String {
    let (mut decoder, mut text) = (Decoder::new(codings), Vec::new());
    decoder
        .push(wire, &mut |piece| {
            text.extend_from_slice(piece);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    decoder.finish().unwrap();
    String::from_utf8(text).unwrap()
}

/// A message's fields and body as they stand on the wire: with its length, or in chunks.
fn framed(random: &mut Random, codings: &[Coding], text: &str) -> Vec<u8> {
    let wire = encode(codings, text);
    let names: Vec<&str> = codings.iter().map(|coding| coding.as_str()).collect();
    let coding =
        if names.is_empty() { String::new() } else { format!("Content-Encoding: {}\r\n", names.join(", ")) };
    let (framing, body) = match random.below(2) {
        0 => (format!("Content-Length: {}", wire.len()), wire),
        _ => ("Transfer-Encoding: chunked".to_owned(), chunked(&wire, 1 + random.below(wire.len() + 500))),
    };
    [format!("Content-Type: text/plain\r\n{coding}{framing}\r\n\r\n").as_bytes(), &body].concat()
}

/// What an exchange of this number sends in each direction.
fn sent(number: u64) -> (Random, [(Vec<Coding>, String); 2]) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ number.wrapping_mul(0xd134_2543_de82_ef95));
    let request = (random.stack(), random.body());
    let response = (random.stack(), random.body());
    (random, [request, response])
}

#[tokio::test]
async fn what_arrives_is_what_was_sent_but_for_the_values() {
    const EXCHANGES: u64 = 60;
    let setup = Setup {
        rules: vec![rule("ssn", &["national-id.us-ssn"], Action::Redact)],
        hold: 8 * 1024,
        ..Setup::default()
    };
    let world = World::start(setup).await;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let origin = Origin::start(&world, "origin.test", move |conn| {
        let arrived = arrived.clone();
        async move {
            conn.serve(move |request| {
                let number = request.head.line.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
                arrived.send(request.clone()).unwrap();
                let (mut random, [_, (codings, text)]) = sent(number);
                [b"HTTP/1.1 200 OK\r\n".as_slice(), &framed(&mut random, &codings, &text)].concat()
            })
            .await;
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    for number in 0..EXCHANGES {
        let (mut random, [(codings, text), (their_codings, their_text)]) = sent(number);
        let head = format!("POST /{number} HTTP/1.1\r\nHost: {}\r\n", origin.authority());
        let request = [head.as_bytes(), &framed(&mut random, &codings, &text)].concat();
        for piece in request.chunks(1 + random.below(request.len())) {
            client.send(piece).await;
        }
        let response = client.response().await;
        let got = arrivals.recv().await.unwrap();
        let sides = [
            ("request", &codings, &text, &got.head, &got.body),
            ("response", &their_codings, &their_text, &response.head, &response.body),
        ];
        for (side, codings, text, head, body) in sides {
            assert!(body.whole, "{number} {side}");
            let left = decode(codings, &body.bytes);
            assert!(left == text.replace(SSN, MASKED), "{number} {side} {codings:?}: {left}");
            let coded = encode(codings, text);
            assert!(
                text.contains(SSN) || coded.len() > 8 * 1024 || body.bytes == coded,
                "{number} {side} is another"
            );
            assert_eq!(head.field("content-encoding").is_some(), !codings.is_empty(), "{number} {side}");
        }
    }
    assert_eq!(origin.connections(), 1, "one connection serves them all: each message ends where it says");
    let records = world.records().await;
    let decisions = messages(&records).into_iter().filter(|record| record["kind"] == "decision").count();
    assert_eq!(decisions, 2 * EXCHANGES as usize);
}
