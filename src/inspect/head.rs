//! Looks at what stands around a body: target, header fields, cookies, trailers.

use std::sync::Arc;

use super::armoured::{self, Held};
use super::depth::Path;
use super::familiar::Familiar;
use super::fields::{self, Signed};
use super::judge::{Becomes, Hidden, Judge, Whence};
use super::look::{self, Look};
use super::percent::Decoded;
use super::{Head, HeadEdit, Part, SEARCHES};
use crate::decode::{self, Kind};
use crate::detect::{Confidence, DetectorId, Finding, Label, Scope, Twin};
use crate::fingerprint::Fingerprint;
use crate::limits::{ARMOUR_LEAST, ESCAPE_DEPTH};
use crate::policy::{Naming, Overlap, Spot};

/// A finding of a head that has not left yet.
#[derive(Debug)]
pub(super) struct HeadHit {
    detector: DetectorId,
    confidence: Confidence,
    fingerprint: Fingerprint,
    /// What else it is known as.
    twin: Option<Twin>,
    /// Whether a rule lets it pass as it is.
    exempt: bool,
    fate: Fate,
}

/// What can be done about a finding, if a rule asks for it.
#[derive(Debug)]
enum Fate {
    /// Hide it; with the bytes that came.
    Edit(HeadEdit, Vec<u8>),
    /// It cannot be hidden, and the word says why.
    Fixed(&'static str),
    /// No rule could ask.
    Unasked,
    /// Recorded, and never acted on.
    Noted,
}

impl HeadHit {
    /// Whether it is to be edited, as things stand.
    fn is_edited(&self, judge: &Judge) -> bool {
        !self.exempt && judge.edits(self.detector, self.confidence)
    }

    /// What becomes of it where it leaves now.
    fn becomes(&self, judge: &Judge) -> Becomes {
        if self.exempt { Becomes::Left } else { judge.becomes(self.detector, self.confidence, self.twin) }
    }
}

/// Everything found in a head or in trailers.
#[derive(Debug, Default)]
pub(super) struct HeadHits {
    hits: Vec<HeadHit>,
    /// [`Judge::redactions`] at the last look for a refusal.
    checked: Option<u32>,
}

impl HeadHits {
    /// Why an edit that is now asked for cannot be made, if one cannot.
    pub(super) fn refusal(&mut self, judge: &Judge) -> Option<&'static str> {
        if self.checked.replace(judge.redactions()) == Some(judge.redactions()) {
            return None;
        }
        let asked = self.hits.iter().filter(|hit| hit.is_edited(judge));
        asked.map(|hit| &hit.fate).find_map(|fate| match fate {
            Fate::Edit(..) | Fate::Noted => None,
            Fate::Fixed(word) => Some(*word),
            // No rule could ask for it, and yet one does: it must not pass.
            Fate::Unasked => Some("unprepared"),
        })
    }

    /// The head leaves: settles what became of each hit, gives the edits.
    pub(super) fn leave(&mut self, judge: &mut Judge) -> Vec<HeadEdit> {
        let mut edits: Vec<HeadEdit> = Vec::new();
        for hit in std::mem::take(&mut self.hits) {
            let becomes = hit.becomes(judge);
            match hit.fate {
                Fate::Edit(mut edit, came) if becomes == Becomes::Edited => {
                    judge.edited(hit.detector);
                    edits.iter().for_each(|earlier| edit.deepen(&came, earlier));
                    edits.push(edit);
                }
                _ if becomes == Becomes::Hidden => judge.edited(hit.detector),
                Fate::Edit(..) | Fate::Fixed(_) | Fate::Unasked | Fate::Noted => {
                    judge.left(hit.detector, hit.fingerprint);
                }
            }
        }
        edits
    }
}

/// One string of a head.
#[derive(Clone, Copy)]
struct Field<'a> {
    part: Part,
    /// As in [`HeadEdit::field`].
    index: Option<usize>,
    text: &'a [u8],
    /// The name it stands under.
    label: Option<&'a str>,
    /// Why nothing of it is edited.
    fixed: Option<&'static str>,
}

/// One look at a piece of a field, and what it found; offsets are those of the field.
#[derive(Clone, Copy)]
struct Seen<'a> {
    finding: Finding,
    name: Option<&'a [u8]>,
    family: Option<&'static str>,
    carrier: &'static [&'static str],
    /// What it wears in a run of base64 or the like; nothing: it stands in none.
    path: Path,
    /// Whether it is packed in such a run.
    packed: bool,
}

/// All that is seen in a field.
#[derive(Default)]
struct Sight<'a> {
    seen: Vec<Seen<'a>>,
    /// What is packed in runs of it, apart from each other.
    packed: Vec<Seen<'a>>,
    /// Why something in it cannot be read.
    unread: Option<&'static str>,
    /// How much may still be unpacked.
    room: u64,
}

/// Carrier of a credential that stands where credentials belong.
const IN_PLACE: &str = "credential_in_place";
const PERCENT: [&str; ESCAPE_DEPTH] = ["percent"; ESCAPE_DEPTH];

/// Counts what a head holds.
pub(super) fn inspect(
    judge: &mut Judge,
    head: &Head<'_>,
    signed: Signed,
    familiar: &mut Familiar,
) -> HeadHits {
    let mut hits = HeadHits::default();
    let is_odd = |method: &str| method.bytes().any(|b| b.is_ascii_digit() || b == b'%');
    if let Some(method) = Some(&judge.message().method).filter(|method| is_odd(method)).cloned() {
        let fixed = Some("method");
        field(
            judge,
            Field { part: Part::Target, index: None, text: method.as_bytes(), label: None, fixed },
            &mut hits,
        );
    }
    familiar.begin();
    if let Some(target) = head.target.filter(|target| !familiar.knows("", target.as_bytes())) {
        let fixed = signed.head.then_some("signed");
        let text = target.as_bytes();
        if !field(judge, Field { part: Part::Target, index: None, text, label: None, fixed }, &mut hits) {
            familiar.learn("", text);
        }
    }
    fields(judge, Part::Header, head.fields, signed, &mut hits, familiar);
    hits
}

/// Counts what trailers hold.
pub(super) fn trailers(judge: &mut Judge, trailers: &[(&str, &[u8])], signed: Signed) -> HeadHits {
    let mut hits = HeadHits::default();
    fields(judge, Part::Trailer, trailers, signed, &mut hits, &mut Familiar::default());
    hits
}

/// Counts what a content coding carries beside the text. An edit there is never made: it would be one of framing.
pub(super) fn aside(judge: &mut Judge, text: &[u8], hits: &mut HeadHits) {
    let label = Some("coding_header");
    field(judge, Field { part: Part::Body, index: None, text, label, fixed: Some("coding_header") }, hits);
    hits.checked = None;
}

/// Counts what an archive carries beside its members. No edit is ever made there: gives what was found.
pub(super) fn beside(
    judge: &mut Judge,
    text: &[u8],
) -> impl Iterator<Item = (DetectorId, Option<Confidence>, Fingerprint)> {
    let mut hits = HeadHits::default();
    let fixed = Some("archive");
    field(judge, Field { part: Part::Body, index: None, text, label: Some("file_name"), fixed }, &mut hits);
    hits.hits.into_iter().map(|hit| (hit.detector, (!hit.exempt).then_some(hit.confidence), hit.fingerprint))
}

fn fields(
    judge: &mut Judge,
    part: Part,
    fields: &[(&str, &[u8])],
    signed: Signed,
    hits: &mut HeadHits,
    familiar: &mut Familiar,
) {
    for (index, (name, text)) in fields.iter().enumerate() {
        if familiar.knows(name, text) {
            continue;
        }
        let (index, mut found) = (Some(index), false);
        // A name cannot be edited; it holds a value only if it has a digit or an escape.
        if name.bytes().any(|b| b.is_ascii_digit() || b == b'%') {
            let fixed = Some("field_name");
            found |= field(judge, Field { part, index, text: name.as_bytes(), label: None, fixed }, hits);
        }
        if !text.is_empty() {
            let fixed = fields::fixed(name).or(signed.head.then_some("signed"));
            found |= field(judge, Field { part, index, text, label: Some(name), fixed }, hits);
        }
        if !found {
            familiar.learn(name, text);
        }
    }
}

/// Counts what one string holds; whether that is anything.
fn field(judge: &mut Judge, field: Field<'_>, hits: &mut HeadHits) -> bool {
    let Sight { seen, packed, unread, room } = look(judge, field);
    judge.room = room;
    if let Some(word) = unread {
        judge.unreadable(word);
    }
    if seen.is_empty() && packed.is_empty() {
        return unread.is_some();
    }
    let (mut overlap, mut winners) = (Overlap::default(), Vec::new());
    let engine = Arc::clone(judge.engine());
    let mut exempt = |finding: &Finding| {
        let name = seen.iter().find(|seen| seen.finding == *finding).and_then(|seen| seen.name);
        in_place(judge, field, None, finding.detector) || judge.exempts(finding, spot(field, name).as_slice())
    };
    overlap.add(&mut seen.iter().map(|seen| seen.finding).collect());
    let family = |finding: &Finding| {
        let is_within = seen.iter().any(|seen| seen.finding == *finding && seen.path.is_armoured());
        engine.matcher.family(finding).within(is_within)
    };
    let apart = |first, other| engine.tells_apart(first, other);
    overlap.resolve(u64::MAX, &family, &apart, &mut exempt, &mut winners);
    for won in winners {
        let is_won = |seen: &&Seen<'_>| Finding { twin: won.twin, ..seen.finding } == won;
        if let Some(seen) = seen.iter().find(is_won) {
            count(judge, field, &Seen { finding: won, ..*seen }, hits);
        }
    }
    for seen in &packed {
        count(judge, field, seen, hits);
    }
    true
}

/// Counts a finding.
fn count(judge: &mut Judge, field: Field<'_>, seen: &Seen<'_>, hits: &mut HeadHits) {
    let finding = seen.finding;
    let path = seen.name.or(field.label.map(str::as_bytes));
    let mut whence = Whence { part: field.part, path, family: seen.family, carrier: seen.carrier };
    let (detector, confidence) = (finding.detector, finding.confidence);
    let (exempt, fate) = if in_place(judge, field, seen.name, detector) {
        whence.carrier = &[IN_PLACE];
        judge.note(&finding, whence);
        (true, Fate::Noted)
    } else {
        let exempt = judge.count(&finding, whence, spot(field, seen.name).as_slice());
        let asked = !exempt && judge.may_edit(detector, confidence);
        (exempt, if asked { edit(judge, field, seen) } else { Fate::Unasked })
    };
    let Finding { fingerprint, twin, .. } = finding;
    hits.hits.push(HeadHit { detector, confidence, fingerprint, twin, exempt, fate });
}

/// Whether what a detector finds there is a credential in its place.
fn in_place(judge: &Judge, field: Field<'_>, key: Option<&[u8]>, detector: DetectorId) -> bool {
    fields::holds_credentials(field.label, key) && judge.is_credential(detector)
}

/// The key of a query that a finding stands under.
fn spot<'a>(field: Field<'_>, name: Option<&'a [u8]>) -> Option<Spot<'a>> {
    let path = name.filter(|_| field.part == Part::Target).and_then(|name| std::str::from_utf8(name).ok())?;
    Some(Spot { naming: Naming::Query, path, exact: true })
}

fn edit(judge: &Judge, field: Field<'_>, seen: &Seen<'_>) -> Fate {
    let Seen { finding, path, packed, .. } = *seen;
    if let Some(word) = field.fixed.or(packed.then_some("archive")) {
        return Fate::Fixed(word);
    }
    let (start, end) = (index(finding.start), index(finding.end));
    let (Some(before), Some(value)) = (field.text.get(..start), field.text.get(start..end)) else {
        return Fate::Fixed("encoded");
    };
    let hidden = Hidden {
        detector: finding.detector,
        confidence: finding.confidence,
        fingerprint: finding.fingerprint,
    };
    let mut mask = |before: &[u8], value: &[u8]| judge.mask(hidden, before, value);
    let Some(replacement) = decode::rewrap(&path.wrappings(), before, value, &mut mask) else {
        return Fate::Fixed("encoded");
    };
    // An escape that the mask does not know could leave the value readable.
    if replacement.len() != value.len() || still_there(judge, &replacement) {
        return Fate::Fixed("encoded");
    }
    Fate::Edit(HeadEdit { field: field.index, start, replacement }, value.to_vec())
}

/// Whether any look at `masked` finds something.
fn still_there(judge: &Judge, masked: &[u8]) -> bool {
    let mut sight = Sight { room: judge.room, ..Sight::default() };
    look_at(
        judge,
        Piece { text: masked, at: 0, label: None, name: None, family: None, plus: true },
        &mut sight,
    );
    !sight.seen.is_empty() || !sight.packed.is_empty()
}

/// A part of a field that is a value of its own.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a [u8],
    /// Offset in the field.
    at: usize,
    label: Option<Label<'a>>,
    name: Option<&'a [u8]>,
    family: Option<&'static str>,
    /// Whether `+` stands for a space.
    plus: bool,
}

/// All that can be seen in a field, the best look first: of one detector's overlapping finds the first counts.
fn look<'a>(judge: &Judge, field: Field<'a>) -> Sight<'a> {
    let engine = judge.engine();
    let label = field.label.map(|name| Label { scope: Scope::Header, name: name.as_bytes(), outer: &[] });
    let whole = engine.matcher.find(&engine.key, label, field.text);
    let is_query = field.part == Part::Target;
    let is_mark = |byte: u8| matches!(byte, b'%' | b'\\' | 0x80..) || (is_query && byte == b'+');
    let escaped =
        field.text.iter().any(|&byte| is_mark(byte)) || field.text.windows(2).any(|pair| pair == b"&#");
    let mut sight = Sight { room: judge.room, ..Sight::default() };
    if field.part == Part::Body {
        look_beneath(judge, field.text, &mut sight);
    }
    // A look at the whole finds whatever a closer look would, save what is escaped.
    if whole.is_empty() && !escaped && !armoured::may_hold(field.text) && !in_segments(field) {
        return sight;
    }
    for piece in pieces(field) {
        look_at(judge, piece, &mut sight);
    }
    for finding in whole {
        let (carrier, path) = (&[][..], Path::default());
        add(&mut sight.seen, Seen { finding, name: None, family: None, carrier, path, packed: false });
    }
    sight
}

fn look_at<'a>(judge: &Judge, piece: Piece<'a>, sight: &mut Sight<'a>) {
    let engine = judge.engine();
    let mut layers = Vec::new();
    let mut next = Decoded::of(piece.text, piece.plus);
    while let Some(layer) = next {
        next = if layers.len() + 1 < ESCAPE_DEPTH { layer.again() } else { None };
        layers.push(layer);
    }
    let found = |text: &[u8]| engine.matcher.find(&engine.key, piece.label, text);
    let entry = |finding, carrier| Seen {
        finding,
        name: piece.name,
        family: piece.family,
        carrier,
        path: Path::default(),
        packed: false,
    };
    look_into(judge, piece, layers.last(), sight);
    let seen = &mut sight.seen;
    for (depth, layer) in layers.iter().enumerate().rev() {
        let carrier = carrier(layer.kind(), depth);
        for mut finding in found(&layer.text) {
            finding.start = (piece.at + layer.raw(index(finding.start))) as u64;
            finding.end = (piece.at + layer.raw(index(finding.end))) as u64;
            add(seen, entry(finding, carrier));
        }
    }
    for mut finding in found(piece.text) {
        finding.start += piece.at as u64;
        finding.end += piece.at as u64;
        add(seen, entry(finding, &[]));
    }
}

/// What stands beside a body may be anything: unless it is text, it is looked at as what a run of base64 stands for.
fn look_beneath(judge: &Judge, text: &[u8], sight: &mut Sight<'_>) {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    if text.iter().all(is_text) || decode::is_bare_run(text, &SEARCHES) {
        return;
    }
    let (seen, unread) = Look::into_run(judge, text, &mut sight.room);
    sight.unread = sight.unread.or(unread.first().copied());
    for look::Seen { mut finding, carrier, .. } in seen {
        let carrier: &[&str] = match carrier.first().copied() {
            // It is seen as it stands.
            None => continue,
            Some("gzip") => &["gzip"],
            Some("zstd") => &["zstd"],
            Some("deflate") => &["deflate"],
            Some("zip") => &["zip"],
            Some("pdf") => &["pdf"],
            Some("utf-16") => &["utf-16"],
            Some(_) => &[],
        };
        (finding.start, finding.end) = (0, text.len() as u64);
        let (name, family, path) = (None, None, Path::default());
        let new = Seen { finding, name, family, carrier, path, packed: true };
        let is_same = |old: &Seen<'_>| {
            (old.finding.detector, old.finding.fingerprint) == (finding.detector, finding.fingerprint)
        };
        if !sight.packed.iter().any(is_same) {
            sight.packed.push(new);
        }
    }
}

/// Looks into runs of base64 and the like.
fn look_into<'a>(judge: &Judge, piece: Piece<'a>, undone: Option<&Decoded>, sight: &mut Sight<'a>) {
    if !armoured::may_hold(piece.text) && !undone.is_some_and(|undone| armoured::may_hold(&undone.text)) {
        return;
    }
    let name = piece.name.or(piece.label.map(|label| label.name));
    // A credential in its own place is a whole: what its issuer wrote in it goes where it is meant to go. A card that
    // is called one is no part of a token, and a name with a password has no issuer.
    let is_credential = matches!(name, Some(b"authorization" | b"proxy-authorization"));
    let is_basic = piece.text.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "));
    let (mut held, room) = (Held::default(), sight.room);
    (judge.steps)(&mut || held = armoured::look(judge, name, piece.text, piece.plus, room));
    sight.room = held.room;
    sight.unread = sight.unread.or(held.unread.filter(|_| !is_credential));
    for found in held.found {
        let (path, mut finding) = (found.path, found.finding);
        // Identifiers of sessions and clients are numbers, too: of those only what is sure counts, and cards.
        let is_card = judge.engine().matcher.detector(finding.detector).tags.iter().any(|tag| tag == "pci");
        let is_sure = finding.confidence >= Confidence::High;
        if !(if is_credential { is_card && (is_sure || is_basic) } else { is_card || is_sure }) {
            continue;
        }
        finding.start += piece.at as u64;
        finding.end += piece.at as u64;
        let carrier: &[&str] = match found.packed.or(path.carriers().next()) {
            Some("deflate") => &["base64", "deflate"],
            Some("gzip") => &["base64", "gzip"],
            Some("zstd") => &["base64", "zstd"],
            Some("zip") => &["base64", "zip"],
            Some("pdf") => &["base64", "pdf"],
            Some("base64") => &["base64"],
            Some("hex") => &["hex"],
            _ if path.carriers().any(|kind| kind == Kind::Hex.as_str()) => &["percent", "hex"],
            _ => &["percent", "base64"],
        };
        let packed = found.packed.is_some();
        let (name, family) = (piece.name, piece.family);
        let new = Seen { finding, name, family, carrier, path, packed };
        let is_same = |old: &Seen<'_>| {
            (old.finding.detector, old.finding.fingerprint) == (finding.detector, finding.fingerprint)
        };
        match packed {
            false => add(&mut sight.seen, new),
            true if sight.packed.iter().any(is_same) => {}
            true => sight.packed.push(new),
        }
    }
}

fn carrier(kind: Kind, depth: usize) -> &'static [&'static str] {
    match kind {
        Kind::Percent | Kind::Plus => PERCENT.get(..=depth).unwrap_or_default(),
        Kind::Backslash => &["json"],
        Kind::Entity => &["entity"],
        Kind::QuotedPrintable => &["quoted-printable"],
        Kind::LookAlike => &["look-alike"],
        // Not looked for in a head.
        Kind::Utf16
        | Kind::Utf16Big
        | Kind::Charset(_)
        | Kind::Base64
        | Kind::Hex
        | Kind::Markup
        | Kind::Field(_)
        | Kind::Number(_) => &[],
    }
}

/// Adds a find unless the same detector has seen it in a better look.
fn add<'a>(seen: &mut Vec<Seen<'a>>, new: Seen<'a>) {
    let is_same = |old: &Seen<'_>| {
        old.finding.detector == new.finding.detector
            && old.finding.start < new.finding.end
            && new.finding.start < old.finding.end
    };
    if !seen.iter().any(is_same) {
        seen.push(new);
    }
}

/// Takes a field apart into the values that stand in it.
fn pieces(field: Field<'_>) -> Vec<Piece<'_>> {
    let label = field.label.map(|name| Label { scope: Scope::Header, name: name.as_bytes(), outer: &[] });
    let plain = Piece { text: field.text, at: 0, label, name: None, family: None, plus: false };
    match (field.part, field.label) {
        (Part::Target, _) => {
            let path = field.text.iter().position(|&b| b == b'?').unwrap_or(field.text.len());
            let (path, query) = field.text.split_at_checked(path).unwrap_or((field.text, &[]));
            let mut pieces = vec![Piece { text: path, ..plain }];
            segments(path, plain, &mut pieces);
            pairs(query, path.len(), b"?&;", None, &mut pieces);
            pieces
        }
        (Part::Header, Some("cookie" | "set-cookie")) => {
            let mut pieces = Vec::new();
            pairs(field.text, 0, b";", Some("cookie"), &mut pieces);
            pieces
        }
        (Part::Header | Part::Body | Part::Trailer, _) => vec![plain],
    }
}

/// Long segments of a path, in which a slash is no digit of base64.
fn segments<'a>(path: &'a [u8], plain: Piece<'a>, pieces: &mut Vec<Piece<'a>>) {
    let mut at = 0;
    for text in path.split(|byte| *byte == b'/') {
        if text.len() >= ARMOUR_LEAST && text.len() < path.len() {
            pieces.push(Piece { text, at, ..plain });
        }
        at += text.len() + 1;
    }
}

/// Whether a segment of a path, or a value of a query, holds a run that the whole does not show.
fn in_segments(field: Field<'_>) -> bool {
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'=' | b'&' | b';');
    field.part == Part::Target
        && field.text.split(ends).any(|text| text.len() >= ARMOUR_LEAST && armoured::may_hold(text))
}

/// `key=value` pairs: each value under its key, each key for itself.
fn pairs<'a>(
    text: &'a [u8],
    at: usize,
    separators: &[u8],
    family: Option<&'static str>,
    pieces: &mut Vec<Piece<'a>>,
) {
    let plus = family.is_none();
    let mut offset = at;
    for pair in text.split(|b| separators.contains(b)) {
        let indent = pair.len() - pair.trim_ascii_start().len();
        let (begin, pair) = (offset + indent, pair.trim_ascii_start());
        offset = begin + pair.len() + 1;
        let equals = pair.iter().position(|&b| b == b'=').unwrap_or(pair.len());
        let (key, value) = pair.split_at_checked(equals).unwrap_or((pair, &[]));
        if !key.is_empty() {
            pieces.push(Piece { text: key, at: begin, label: None, name: None, family: None, plus });
        }
        if let Some((_, value)) = value.split_first().filter(|(_, value)| !value.is_empty()) {
            let at = begin + equals + 1;
            let scope = if family.is_none() { Scope::Url } else { Scope::Header };
            // Some words are names with the sign behind them alone.
            let label = Some(Label { scope, name: pair.get(..=equals).unwrap_or(key), outer: &[] });
            pieces.push(Piece { text: value, at, label, name: Some(key), family, plus });
        }
    }
}

/// Offsets within a head fit memory.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
