//! What a lane promises, for any messages, however they are cut into frames and bytes.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::compression::Compression;
use super::frame::{self, Head, Kind};
use super::fuzzing::{engine, terms};
use super::lane::{Halt, Lane};
use crate::decode::{Deflater, Inflater};
use crate::inspect::Reason;
use crate::policy::{Action, Disclosure, Policy, PolicySpec, RuleSpec};
use crate::proxy::steps::Looks;

const SSN: &str = "536-90-4399";
const MASKED: &str = "***-**-****";
const PAN: &str = "4539148803436467";
const HOLD: usize = 2048;

/// A message, and where it is cut into frames.
#[derive(Clone, Debug)]
struct Said {
    kind: Kind,
    text: String,
    cuts: Vec<usize>,
    compressed: bool,
    /// Sent between its frames.
    ping: Option<Vec<u8>>,
}

fn masked(text: &str) -> Vec<u8> {
    text.replace(SSN, MASKED).into_bytes()
}

/// Frames of `payload`, as they were cut.
fn cut(said: &Said, payload: &[u8], compressed: bool, mask: Option<[u8; 4]>, out: &mut BytesMut) {
    let mut ends: Vec<usize> = said.cuts.iter().map(|cut| cut % (payload.len() + 1)).collect();
    ends.push(payload.len());
    ends.sort_unstable();
    let mut start = 0;
    for (index, end) in ends.iter().enumerate() {
        let head = Head {
            last: index + 1 == ends.len(),
            compressed: compressed && index == 0,
            kind: if index == 0 { said.kind } else { Kind::Continuation },
            mask,
            length: 0,
        };
        frame::write(head, &payload[start..*end], out);
        start = *end;
        if let Some(ping) = said.ping.as_ref().filter(|_| index == 0) {
            let head = Head { last: true, compressed: false, kind: Kind::Ping, mask, length: 0 };
            frame::write(head, ping, out);
        }
    }
}

/// What a reader makes of frames: messages and pings.
fn read(mut bytes: &[u8], masks: bool, inflater: &mut Inflater, forgets: bool) -> Vec<(Kind, Vec<u8>)> {
    let (mut all, mut under_way) = (Vec::new(), None);
    while !bytes.is_empty() {
        let (head, length) = Head::read(bytes, masks).unwrap().unwrap();
        let (payload, rest) = bytes[length..].split_at(head.length as usize);
        bytes = rest;
        let mut payload = payload.to_vec();
        if let Some(key) = head.mask {
            frame::mask(key, 0, &mut payload);
        }
        if head.kind.is_control() {
            all.push((head.kind, payload));
            continue;
        }
        let (_, compressed, text): &mut (Kind, bool, Vec<u8>) =
            under_way.get_or_insert((head.kind, head.compressed, Vec::new()));
        if *compressed {
            let mut take = |piece: Vec<u8>| {
                text.extend(piece);
                ControlFlow::Continue(())
            };
            inflater.push(&payload, head.last, 1000, &mut take).unwrap();
            if head.last && forgets {
                *inflater = Inflater::default();
            }
        } else {
            text.extend(payload);
        }
        if head.last {
            let (kind, _, text) = under_way.take().unwrap();
            all.push((kind, text));
        }
    }
    assert_eq!(under_way, None);
    all
}

fn said(kind: Kind, text: &str, compressed: bool) -> Said {
    Said { kind, text: text.to_owned(), cuts: vec![], compressed, ping: None }
}

fn messages() -> impl Strategy<Value = Vec<Said>> {
    let words = prop_oneof![
        4 => "[a-z €]{0,40}".prop_map(|text| format!(" {text} ")),
        2 => Just(format!(" ssn {SSN} ")),
        1 => Just("long and wide ".repeat(300)),
    ];
    let one = (
        prop::collection::vec(words, 0..4),
        prop::collection::vec(0usize..5000, 0..4),
        any::<(bool, bool)>(),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..125)),
    );
    let one = one.prop_map(|(words, cuts, (is_text, compressed), ping)| Said {
        kind: if is_text { Kind::Text } else { Kind::Binary },
        text: words.concat(),
        cuts,
        compressed,
        ping,
    });
    prop::collection::vec(one, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 40 } else { 200 }))]

    /// What leaves minus the edits is what came, in the frames that it came in while it fits hold.
    #[test]
    fn what_leaves_is_what_came_with_masks(
        all in messages(), key: Option<[u8; 4]>, deflate: Option<(u8, bool)>, width in 1usize..3000,
        hold in prop_oneof![Just(HOLD), Just(1 << 16)],
    ) {
        let how = deflate.map(|(bits, forgets)| Compression { bits: 9 + bits % 7, forgets });
        let mut lane = Lane::new(&engine(hold, Action::Block).unwrap(), terms(), key.is_some(), how);
        let mut deflater = how.and_then(|how| Deflater::new(how.bits, how.forgets));
        let (mut wire, mut exact, mut expected, mut length) = (BytesMut::new(), BytesMut::new(), Vec::new(), 0);
        for said in &all {
            let coded = deflater.as_mut().filter(|_| said.compressed).map(|to| to.push(said.text.as_bytes(), true).unwrap());
            cut(said, coded.as_deref().unwrap_or(said.text.as_bytes()), coded.is_some(), key, &mut wire);
            cut(said, &masked(&said.text), false, key, &mut exact);
            expected.extend(said.ping.clone().map(|ping| (Kind::Ping, ping)));
            expected.push((said.kind, masked(&said.text)));
            length += said.text.len() + said.ping.as_ref().map_or(0, Vec::len);
        }
        let (mut waiting, mut out) = (BytesMut::new(), BytesMut::new());
        for piece in wire.chunks(width) {
            waiting.extend_from_slice(piece);
            prop_assert!(lane.feed(&mut waiting, &mut out).is_ok());
        }
        prop_assert!(waiting.is_empty() && !lane.is_within());
        let got = read(&out, key.is_some(), &mut Inflater::default(), how.is_some_and(|how| how.forgets));
        let sorted = |mut all: Vec<(Kind, Vec<u8>)>| { all.sort_by_key(|(kind, _)| kind.is_control()); all };
        prop_assert_eq!(sorted(got), sorted(expected));
        if all.iter().all(|said| said.text.len() <= hold && said.ping.is_none() && !(said.compressed && how.is_some())) {
            prop_assert_eq!(out, exact, "as it was cut");
        }
        let decision = lane.decision();
        let values: usize = all.iter().map(|said| said.text.matches(SSN).count()).sum();
        prop_assert_eq!(decision.edits, values as u64);
        prop_assert_eq!(decision.coverage.seen, length as u64);
        prop_assert_eq!(decision.coverage.forwarded, length as u64);
        prop_assert_eq!(decision.coverage.inspected, length as u64);
    }

    /// A value that stops is found however it is cut, and nothing of its message, which fits hold, leaves.
    #[test]
    fn what_stops_stops_however_it_is_cut(
        before in "[a-z ]{0,300}", after in "[a-z ]{0,300}", cuts in prop::collection::vec(0usize..1000, 0..5),
        key: Option<[u8; 4]>, compressed: bool, width in 1usize..200,
    ) {
        let how = Compression { bits: 15, forgets: false };
        let mut lane = Lane::new(&engine(HOLD, Action::Block).unwrap(), terms(), key.is_some(), Some(how));
        let stopped = Said { cuts, ..said(Kind::Text, &format!("{before} card {PAN} {after}"), compressed) };
        let (mut wire, mut clean) = (BytesMut::new(), BytesMut::new());
        cut(&said(Kind::Text, "clean", false), b"clean", false, key, &mut clean);
        wire.extend_from_slice(&clean);
        let coded = Deflater::new(15, false).unwrap().push(stopped.text.as_bytes(), true).unwrap();
        cut(&stopped, if compressed { &coded } else { stopped.text.as_bytes() }, compressed, key, &mut wire);
        let (mut waiting, mut out, mut halt) = (BytesMut::new(), BytesMut::new(), None);
        for piece in wire.chunks(width) {
            waiting.extend_from_slice(piece);
            if let Err(why) = lane.feed(&mut waiting, &mut out) {
                halt = Some(why);
                break;
            }
        }
        let Some(Halt::Stopped(decision)) = halt else { panic!("{halt:?}") };
        prop_assert_eq!(decision.disclosure, Disclosure::Prevented);
        prop_assert_eq!(out, clean);
    }
}

fn compressing(undecodable: Action, forgets: bool) -> Lane {
    let how = Compression { bits: 15, forgets };
    Lane::new(&engine(1 << 16, undecodable).unwrap(), terms(), false, Some(how))
}

fn feed(lane: &mut Lane, kind: Kind, payload: &[u8], compressed: bool) -> Result<BytesMut, Halt> {
    let (mut wire, mut out) = (BytesMut::new(), BytesMut::new());
    cut(&said(kind, "", compressed), payload, compressed, None, &mut wire);
    lane.feed(&mut wire, &mut out).map(|()| out)
}

fn refused(fed: Result<BytesMut, Halt>) -> Reason {
    match fed {
        Err(Halt::Stopped(decision)) => decision.reason.unwrap(),
        Err(Halt::Fault(fault)) => panic!("{fault:?}"),
        Ok(out) => panic!("{} bytes left", out.len()),
    }
}

#[test]
fn what_cannot_be_read_is_refused_or_passes_as_it_is() {
    let broken = [0xffu8; 40];
    let mut lane = compressing(Action::Block, false);
    assert_eq!(refused(feed(&mut lane, Kind::Binary, &broken, true)), Reason::Undecodable("broken"));

    let good = Deflater::new(15, true).unwrap().push(b"some words", true).unwrap();
    for forgets in [false, true] {
        let mut lane = compressing(Action::Allow, forgets);
        for payload in [&broken[..], &good] {
            let mut same = BytesMut::new();
            cut(&said(Kind::Binary, "", true), payload, true, None, &mut same);
            assert_eq!(feed(&mut lane, Kind::Binary, payload, true).unwrap(), same);
        }
        let coverage = lane.decision().coverage;
        // Where messages refer to each other, one that is broken makes all after it unreadable.
        let unread = if forgets { broken.len() } else { broken.len() + good.len() } as u64;
        assert_eq!(coverage.uninspected, [("broken", unread)], "{forgets}");
        // What is not compressed is read all the same.
        assert_eq!(feed(&mut lane, Kind::Text, b"plain", false).unwrap().len(), 7);
        assert!(feed(&mut lane, Kind::Text, PAN.as_bytes(), false).is_err());
    }
}

#[test]
fn bombs_end_at_the_usual_ratio() {
    // As tight as it gets: a block of zeros refers to itself.
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    let mut bomb = Vec::with_capacity(1 << 20);
    deflate.compress_vec(&vec![0; 64 << 20], &mut bomb, flate2::FlushCompress::Sync).unwrap();
    bomb.truncate(bomb.len() - 4);
    let mut lane = compressing(Action::Block, false);
    assert_eq!(refused(feed(&mut lane, Kind::Binary, &bomb, true)), Reason::Undecodable("ratio"));
}

#[test]
fn a_message_in_too_many_pieces_leaves_as_one() {
    let mut lane = Lane::new(&engine(1 << 16, Action::Block).unwrap(), terms(), false, None);
    let (mut wire, mut out) = (BytesMut::new(), BytesMut::new());
    let many = crate::limits::WEBSOCKET_FRAMES + 10;
    for index in 0..many {
        let kind = if index == 0 { Kind::Text } else { Kind::Continuation };
        frame::write(
            Head { last: index + 1 == many, compressed: false, kind, mask: None, length: 0 },
            b"x",
            &mut wire,
        );
    }
    lane.feed(&mut wire, &mut out).unwrap();
    let mut one = BytesMut::new();
    cut(&said(Kind::Text, "", false), &vec![b'x'; many], false, None, &mut one);
    assert_eq!(out, one);
}

#[test]
fn without_memory_for_what_is_kept_it_stops() {
    let mut engine = engine(1 << 20, Action::Block).unwrap();
    std::sync::Arc::get_mut(&mut engine).unwrap().held =
        std::sync::Arc::new(crate::inspect::HeldBytes::new(64 << 10));
    let mut lane = Lane::new(&engine, terms(), false, None);
    let (mut wire, mut out) = (BytesMut::new(), BytesMut::new());
    cut(&said(Kind::Text, "", false), &vec![b'x'; 300_000], false, None, &mut wire);
    let halt = loop {
        let mut piece = wire.split_to(wire.len().min(10_000));
        if let Err(halt) = lane.feed(&mut piece, &mut out) {
            break halt;
        }
        assert!(!wire.is_empty());
    };
    assert_eq!(refused(Err(halt)), Reason::HeldBytes);
    assert!(out.is_empty());
}

#[test]
fn what_is_settled_of_a_silent_message_leaves() {
    let mut lane = Lane::new(&engine(1 << 16, Action::Block).unwrap(), terms(), false, None);
    let mut wire = BytesMut::new();
    cut(&said(Kind::Text, "", false), &b"some words ".repeat(400), false, None, &mut wire);
    let (mut out, rest) = (BytesMut::new(), wire.split_off(4000));
    lane.feed(&mut wire, &mut out).unwrap();
    assert!(out.is_empty() && lane.is_within());
    lane.idle(&mut out).unwrap();
    assert!(out.len() > 1000 && out.len() < 4000, "{}", out.len());
    lane.feed(&mut BytesMut::from(&rest[..]), &mut out).unwrap();
    let got = read(&Bytes::from(out), false, &mut Inflater::default(), false);
    assert_eq!(got, [(Kind::Text, b"some words ".repeat(400))]);
}

/// Feeds documents as text messages; how many passed, whether no more did, and the reason beside what was found.
fn tell(lane: &mut Lane, documents: &[String], compressed: bool) -> (usize, bool, Option<Reason>) {
    let mut deflater = Deflater::new(15, false).unwrap();
    for (passed, document) in documents.iter().enumerate() {
        let coded = compressed.then(|| deflater.push(document.as_bytes(), true).unwrap());
        let payload = coded.as_deref().unwrap_or(document.as_bytes());
        match feed(lane, Kind::Text, payload, compressed) {
            Ok(_) => {}
            Err(Halt::Stopped(decision)) => {
                assert_eq!(decision.found.iter().map(|found| found.withheld).sum::<u64>(), 1, "{decision:?}");
                return (passed, true, decision.reason);
            }
            Err(Halt::Fault(fault)) => panic!("{fault:?}"),
        }
    }
    (documents.len(), false, None)
}

#[test]
fn a_value_over_several_messages_is_stopped_with_the_one_that_completes_it() {
    let delta = |text: &str| format!("{{\"type\":\"response.text.delta\",\"index\":0,\"delta\":\"{text}\"}}");
    let pretty =
        |text: &str| format!("{{\n \"choices\": [\n {{\"delta\": {{\"content\": \"{text}\"}}}}]\n}}\n");
    let other = |text: &str| format!("{{\"type\":\"tick\",\"price\":\"{text}\"}}");
    let each = |wrap: &dyn Fn(&str) -> String, pieces: &[&str]| {
        pieces.iter().map(|text| wrap(text)).collect::<Vec<_>>()
    };
    let card = ["the card is ", "4539", "1488", "0343", "6467", " thanks"];
    let escaped = ["the card is ", "4539", "\\u0031488", "0343", "6467", " thanks"];
    let masked = ["ssn 536-", "90-", "4399", " thanks"];
    let between: Vec<_> =
        card.iter().flat_map(|text| [delta(text), other("77"), delta("").replace(":0", ":1")]).collect();
    let cases = [
        (each(&delta, &card), (4, true, None)),
        (each(&pretty, &card), (4, true, None)),
        (each(&delta, &escaped), (4, true, None)),
        (between, (12, true, None)),
        (each(&delta, &masked), (2, true, Some(Reason::CannotRedact("pieces")))),
        // Fields that nobody sends in pieces are what they are.
        (each(&other, &card), (6, false, None)),
        (each(&delta, &["4539", " and ", "1488", " or ", "0343", "6467"]), (6, false, None)),
        // Two strings side by side are two.
        (vec![delta("4539 1488 "), delta("0343 6467").replace(":0", ":1")], (2, false, None)),
    ];
    for compressed in [false, true] {
        for (documents, expected) in &cases {
            let mut lane = compressing(Action::Block, false);
            let got = tell(&mut lane, documents, compressed);
            assert_eq!(&got, expected, "{compressed} {documents:?}");
        }
    }
}

#[test]
fn a_string_that_did_not_go_on_for_long_has_ended_and_memory_is_bounded() {
    let delta = |index: u64, text: &str| format!("{{\"index\":{index},\"delta\":\"{text}\"}}");
    let mut documents = vec![delta(0, "card 4539 1488 ")];
    documents.extend((1..=crate::limits::THREAD_GAP + 1).map(|index| delta(index, &"word ".repeat(300))));
    documents.push(delta(0, "0343 6467"));
    let engine = engine(1 << 16, Action::Block).unwrap();
    let before = engine.held.used();
    let mut lane = Lane::new(&engine, terms(), false, None);
    assert_eq!(tell(&mut lane, &documents, false), (documents.len(), false, None));
    let most = crate::limits::THREAD_PATHS * 4 * crate::limits::THREAD_TAIL;
    assert!(engine.held.used() > before && engine.held.used() - before < 4 * most, "{}", engine.held.used());
    lane.end();
    assert_eq!(engine.held.used(), before);
}

#[test]
fn what_compression_takes_is_paid_for() {
    let engine = engine(1 << 16, Action::Block).unwrap();
    for (text, least) in
        [("some words", crate::limits::WEBSOCKET_INFLATER), (SSN, crate::limits::WEBSOCKET_DEFLATER)]
    {
        let how = Compression { bits: 15, forgets: false };
        let before = engine.held.used();
        let mut lane = Lane::new(&engine, terms(), false, Some(how));
        let coded = Deflater::new(15, false).unwrap().push(text.as_bytes(), true).unwrap();
        feed(&mut lane, Kind::Text, &coded, true).unwrap();
        assert!(engine.held.used() - before >= least, "{text}");
        drop(lane);
        assert_eq!(engine.held.used(), before);
    }
}

#[test]
fn a_long_look_at_compressed_messages_leaves_the_other_tasks_to_another_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let ran = std::sync::Arc::new(AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&ran);
    let look = async move {
        tokio::spawn(async move { seen.store(true, Ordering::Release) });
        let mut lane = Lane::new(
            &engine(1 << 16, Action::Block).unwrap(),
            terms(),
            false,
            Some(Compression { bits: 15, forgets: true }),
        );
        let coded = Deflater::new(15, true).unwrap().push(&b"words ".repeat(50_000), true).unwrap();
        let (went_on, _) = Looks::default().timed(|| {
            // No more of them than take a hundred times as long.
            (0..10_000).any(|_| {
                feed(&mut lane, Kind::Text, &coded, true).unwrap();
                ran.load(Ordering::Acquire)
            })
        });
        assert!(went_on);
    };
    runtime.block_on(async { tokio::spawn(look).await.unwrap() });
}

#[test]
fn control_frames_and_messages_have_one_count() {
    let two = RuleSpec { at_least: 2, ..RuleSpec::new("stop", &["payment.pan"], Action::Block) };
    let (first, second) = (format!("card {PAN} "), "card 4916338506082832 ");
    let orders = [
        [Kind::Text, Kind::Ping],
        [Kind::Ping, Kind::Text],
        [Kind::Ping, Kind::Pong],
        [Kind::Text, Kind::Binary],
    ];
    for [one, other] in orders {
        let mut engine = engine(1 << 16, Action::Block).unwrap();
        let policy = PolicySpec { rules: vec![two.clone()], ..PolicySpec::default() };
        let policy = Policy::compile(policy, &engine.matcher).unwrap();
        std::sync::Arc::get_mut(&mut engine).unwrap().policy = std::sync::Arc::new(policy);
        let mut lane = Lane::new(&engine, terms(), false, None);
        assert!(!feed(&mut lane, one, first.as_bytes(), false).unwrap().is_empty());
        let Err(Halt::Stopped(decision)) = feed(&mut lane, other, second.as_bytes(), false) else {
            panic!("{one:?} {other:?}")
        };
        assert_eq!(decision.found[0].distinct, 2);
        assert_eq!(decision.disclosure, Disclosure::Partial);
        assert_eq!(decision.coverage.seen, (first.len() + second.len()) as u64);
    }
}
