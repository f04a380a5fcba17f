//! One message at a time through the whole engine: tables of what must happen, and properties over any chunking.

mod archives;
mod around;
mod body;
mod carriers;
mod charsets;
mod coded;
mod coverage;
mod deflate;
mod events;
mod forms;
mod kinds;
mod layers;
mod matrix;
mod objects;
mod overlaps;
mod overlays;
mod parts;
mod places;
mod property;
mod resting;
mod runs;
mod seams;
mod tags;
mod tokens;
mod transfer;
mod wire;
mod wrapped;

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use super::*;
use crate::decode::{Coding, Decoder, Encoder};
use crate::detect::{Confidence, Finding, Pack};
use crate::flow::Direction;
use crate::policy::tests::{budgets, message, rule};
use crate::policy::{Disclosure, Message, Mode, PolicySpec, RuleSpec};
use bytes::Bytes;

const PAN: &str = "4539 1488 0343 6467";
const BARE: &str = "4539148803436467";
const SSN: &str = "536-90-4399";
const SSN_2: &str = "512-34-7788";
const HOLD: usize = 4096;

fn compile(packs: &[&str]) -> Arc<Matcher> {
    let packs = packs.iter().map(|name| Pack::built_in(name).unwrap()).collect();
    Arc::new(Matcher::compile(packs).unwrap())
}

fn matcher() -> Arc<Matcher> {
    static MATCHER: OnceLock<Arc<Matcher>> = OnceLock::new();
    MATCHER.get_or_init(|| compile(&["payment", "contact", "national-id"])).clone()
}

fn on(identifier: &str, action: Action, at_least: u32) -> RuleSpec {
    let id = format!("{}-{}", action.as_str(), identifier);
    RuleSpec { identifiers: vec![identifier.to_owned()], at_least, ..rule(&id, action) }
}

/// The rules most tests run under.
fn usual() -> Vec<RuleSpec> {
    vec![
        on("payment.pan", Action::Block, 1),
        on("national-id.us-ssn", Action::Redact, 1),
        on("national-id.us-ssn", Action::Block, 3),
        on("contact.email", Action::Alert, 1),
    ]
}

struct Setup {
    spec: PolicySpec,
    hold: usize,
    undecodable: Action,
    capacity: usize,
    secrets: bool,
    matcher: Option<Arc<Matcher>>,
    message: Message,
    budgets: Arc<dyn Budgets>,
    overlays: Arc<Board>,
}

impl Setup {
    fn new(rules: Vec<RuleSpec>) -> Setup {
        let spec = PolicySpec { rules, hash: "h".to_owned(), ..PolicySpec::default() };
        Setup {
            spec,
            hold: HOLD,
            undecodable: Action::Block,
            capacity: 1 << 24,
            secrets: false,
            matcher: None,
            message: message(),
            budgets: budgets().0,
            overlays: Arc::default(),
        }
    }

    fn observe(mut self) -> Setup {
        self.spec.mode = Mode::Observe;
        self
    }

    fn inspector(&self) -> Inspector {
        Inspector::new(self.engine(), self.message.clone())
    }

    fn engine(&self) -> Arc<Engine> {
        let usual = || if self.secrets { compile(&["secrets"]) } else { matcher() };
        let matcher = self.matcher.clone().unwrap_or_else(usual);
        let policy = Arc::new(Policy::compile(self.spec.clone(), &matcher).unwrap());
        Arc::new(Engine {
            matcher,
            policy,
            interceptions: Arc::default(),
            key: FingerprintKey::new(&[7; 32]),
            hold: self.hold,
            undecodable: self.undecodable,
            budgets: Arc::clone(&self.budgets),
            overlays: Arc::clone(&self.overlays),
            held: Arc::new(HeldBytes::new(self.capacity)),
        })
    }

    fn run(&self, head: &Head<'_>, chunks: &[&[u8]]) -> Outcome {
        run(self.inspector(), head, chunks)
    }

    /// The same with other packs.
    fn with(self, matcher: Arc<Matcher>) -> Setup {
        Setup { matcher: Some(matcher), ..self }
    }

    /// A body in one chunk under a plain head.
    fn body(&self, body: &str) -> Outcome {
        self.run(&plain(), &[body.as_bytes()])
    }
}

fn plain() -> Head<'static> {
    Head { target: Some("/"), fields: &[], length: None, coding: None, events: false }
}

fn gzip_head() -> Head<'static> {
    Head { coding: Some("gzip"), ..plain() }
}

struct Outcome {
    last: Step,
    /// What left before `finish`.
    early: usize,
    out: Vec<u8>,
    inspector: Inspector,
    decision: Decision,
}

impl Outcome {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    fn found(&self, identifier: &str) -> &Found {
        self.decision.found.iter().find(|found| &*found.identifier == identifier).unwrap()
    }
}

fn drain(inspector: &mut Inspector, out: &mut Vec<u8>) {
    while let Some(piece) = inspector.next_released() {
        out.extend_from_slice(&piece);
    }
}

fn run(mut inspector: Inspector, head: &Head<'_>, chunks: &[&[u8]]) -> Outcome {
    let mut out = Vec::new();
    let mut last = inspector.head(head);
    for (number, chunk) in chunks.iter().enumerate() {
        if last == Step::Stop {
            break;
        }
        let chunk = Bytes::copy_from_slice(chunk);
        last = if number + 1 < chunks.len() { inspector.push(chunk) } else { inspector.push_last(chunk) };
        drain(&mut inspector, &mut out);
    }
    let early = out.len();
    if last != Step::Stop {
        last = inspector.finish();
        drain(&mut inspector, &mut out);
    }
    let decision = inspector.decision();
    Outcome { last, early, out, inspector, decision }
}

fn encode(codings: &[Coding], text: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(codings).unwrap();
    encoder.push(text).unwrap();
    encoder.finish().unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    encode(&[Coding::Gzip], text)
}

fn gunzip(wire: &[u8]) -> Vec<u8> {
    let (mut decoder, mut text) = (Decoder::new(&[Coding::Gzip]), Vec::new());
    decoder
        .push(wire, &mut |piece| {
            text.extend_from_slice(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    decoder.finish().unwrap();
    text
}

fn filler(length: usize) -> String {
    "lorem ipsum dolor sit amet, ".repeat(length / 28 + 1)[..length].to_owned()
}
