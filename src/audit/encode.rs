//! A draft as the body of its record: the contract's fields, in the contract's order.
//!
//! Runs on the caller's side, so that the one writer thread is left with what only it can know: `seq`, `time` and
//! `prev`. The body is the inside of a JSON object that begins with `"kind"`.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::audit::prints::{Prints, TenantKey};
use crate::audit::record::{Dialled, FlowFacts, Kind, MessageDraft, PackStamp};
use crate::audit::text::{push_comma, push_number, push_string, push_string_within, push_value};
use crate::audit::{ends, spare};
use crate::flow::FlowId;
use crate::inspect::{Coverage, Decision, Found, Part, Place, Reason};
use crate::limits;
use crate::policy::{Action, Disclosure};

/// Fields that the writer owns; an event that brings one of its own does not get to say it twice.
const OWNED: [&str; 6] = ["seq", "time", "node", "boot", "prev", "kind"];

/// The body of a message's record.
pub(super) fn message(draft: &MessageDraft, prints: Option<&Prints>) -> Vec<u8> {
    let mut fields = Fields { out: spare::take() };
    push_message(&mut fields, draft, prints);
    fields.out
}

/// The body of an event's record.
pub(super) fn event(kind: Kind, detail: &Map<String, Value>) -> Vec<u8> {
    let mut fields = Fields { out: Vec::new() };
    push_event(&mut fields, kind, detail);
    fields.out
}

/// The value of `packs`.
pub(super) fn packs(stamps: &[PackStamp]) -> Vec<u8> {
    let mut f = Fields { out: vec![b'['] };
    for stamp in stamps {
        f.object_item(|f| {
            f.text("name", &stamp.name);
            f.text("version", &stamp.version);
            f.text("hash", &stamp.hash);
        });
    }
    f.out.push(b']');
    f.out
}

fn push_event(fields: &mut Fields, kind: Kind, detail: &Map<String, Value>) {
    fields.word("kind", kind.as_str());
    for (name, value) in detail.iter().filter(|(name, _)| !OWNED.contains(&name.as_str())) {
        push_comma(&mut fields.out);
        push_string(&mut fields.out, name);
        fields.out.push(b':');
        push_value(&mut fields.out, value);
    }
}

/// What records of messages in which nothing was found have between their bytes and the policy: most records.
const NOTHING_FOUND: &str = concat!(
    r#","findings":[],"rules":[],"action":"allow","would":null,"reason":null,"disclosure":"none","#,
    r#""policy":{"hash":"#,
);

/// Names, braces and commas of what every record has are spelled out in long pieces: put together one by one they
/// cost more than all the rest.
fn push_message(f: &mut Fields, m: &MessageDraft, prints: Option<&Prints>) {
    let decision = m.decision.as_ref();
    f.raw(r#""kind":""#).raw(m.kind.as_str());
    f.raw(r#"","decision":""#).id(m.decision_id).raw(r#"","flow":""#).id(m.flow.flow);
    f.raw(r#"","tenant":"#).quoted(&m.flow.tenant).raw(r#","mode":""#).raw(m.mode.as_str()).raw("\"");
    let (start, dialled) = (f.out.len(), m.dialled.as_ref());
    if !ends::push(&mut f.out, &m.flow, dialled) {
        push_ends(f, &m.flow, dialled);
        ends::keep(&m.flow, dialled, f.out.get(start..).unwrap_or_default());
    }
    f.raw(r#","http":{"method":"#).quoted(&m.flow.method);
    f.raw(r#","path_template":"#).quoted(&m.flow.path_template);
    f.raw(r#","status":"#).digits_or_null(m.status.map(u64::from));
    f.raw(r#","content_type":"#).quoted_or_null(m.content_type.as_deref());
    f.raw(r#"},"direction":""#).raw(m.direction.as_str()).raw("\"");
    match decision {
        Some(decision) => push_coverage(f, &decision.coverage),
        None => f.null("bytes"),
    }
    if decision.is_some_and(is_nothing_found) && m.reason.is_none() {
        f.raw(NOTHING_FOUND);
    } else {
        push_judgement(f, m, prints);
        f.raw(r#","policy":{"hash":"#);
    }
    f.quoted(&m.policy_hash).raw(r#"},"packs":"#);
    f.out.extend_from_slice(m.packs.json());
    match m.overlay.as_deref() {
        None => f.raw(r#","overlay":null,"canary":false,"latency_us":{"inspect":"#),
        Some(overlay) => {
            f.raw(r#","overlay":"#).quoted(overlay).raw(r#","canary":false,"latency_us":{"inspect":"#)
        }
    };
    f.digits(m.inspect_us);
    f.raw(r#","hold":"#).digits(m.hold_us);
    f.raw(r#"},"traceparent":"#).quoted_or_null(m.flow.traceparent.as_deref());
    if m.interim {
        f.raw(r#","interim":true"#);
    }
}

/// Whether [`NOTHING_FOUND`] says all that a decision has to say of what it found.
fn is_nothing_found(decision: &Decision) -> bool {
    let Decision { action, would, reason, rules, found, disclosure, coverage: _, edits: _ } = decision;
    let silent = rules.is_empty() && found.is_empty() && would.is_none() && reason.is_none();
    silent && *action == Action::Allow && *disclosure == Disclosure::None
}

/// What was found, and what came of it.
fn push_judgement(f: &mut Fields, m: &MessageDraft, prints: Option<&Prints>) {
    let decision = m.decision.as_ref();
    let action = decision.map_or(m.action, |d| d.action);
    push_findings(f, decision, prints.map(|prints| (prints, &*m.flow.tenant)));
    f.array("rules", |f| {
        for rule in decision.iter().flat_map(|d| &d.rules) {
            f.text_item(&rule.id);
        }
    });
    f.raw(r#","action":""#).raw(action.as_str()).raw("\"");
    f.word_or_null("would", decision.and_then(|d| d.would).map(Action::as_str));
    push_reason(f, decision.and_then(|d| d.reason.as_ref()), m.reason.as_deref());
    f.word_or_null("disclosure", decision.map(|d| d.disclosure.as_str()));
}

/// Both ends of the flow and what is spoken between them.
fn push_ends(f: &mut Fields, flow: &FlowFacts, dialled: Option<&Dialled>) {
    f.raw(r#","client":{"address":"#).address(flow.client);
    f.raw(r#","identity":"#).quoted_or_null(flow.client_identity.as_deref());
    if let Some(certificate) = &flow.client_certificate {
        f.raw(r#","certificate":"#).quoted(certificate);
    }
    f.raw(r#"},"destination":{"host":"#).quoted(&flow.host).raw(r#","address":"#);
    match dialled {
        Some(dialled) => f.address(dialled.address),
        None => f.raw("null"),
    };
    f.raw(r#","port":"#).digits(u64::from(flow.port));
    f.raw(r#","group":"#).quoted_or_null(flow.group.as_deref());
    let proven = dialled.is_some_and(|dialled| dialled.proven);
    f.raw(if proven { r#","proven":true}"# } else { r#","proven":false}"# });
    f.raw(r#","protocol":{"listener":"#).quoted(&flow.listener);
    f.word_or_null("http", flow.http);
    f.word_or_null("tls_client", flow.tls_client);
    f.word_or_null("tls_upstream", dialled.and_then(|dialled| dialled.tls));
    f.raw("}");
}

fn push_coverage(f: &mut Fields, coverage: &Coverage) {
    f.raw(r#","bytes":{"seen":"#).digits(coverage.seen);
    f.raw(r#","inspected":"#).digits(coverage.inspected);
    f.raw(r#","uninspected":["#);
    for (reason, bytes) in &coverage.uninspected {
        f.object_item(|f| {
            f.word("reason", reason);
            f.number("bytes", *bytes);
        });
    }
    f.raw(r#"],"forwarded_before_decision":"#).digits(coverage.forwarded_before_decision);
    f.raw(r#","forwarded":"#).digits(coverage.forwarded).raw("}");
}

fn push_findings(f: &mut Fields, decision: Option<&Decision>, prints: Option<(&Prints, &str)>) {
    let strongest = decision.map_or(Action::Allow, |d| d.action.max(d.would.unwrap_or(Action::Allow)));
    let mut fingerprints = if strongest >= Action::Alert { limits::FINGERPRINTS_PER_MESSAGE } else { 0 };
    let keyed = prints.map(|(prints, tenant)| (prints.now(), tenant));
    let mut is_shown = false;
    f.array("findings", |f| {
        for found in decision.iter().flat_map(|d| &d.found) {
            let quota = fingerprints.min(limits::FINGERPRINTS_PER_FINDING).min(found.fingerprints.len());
            fingerprints -= quota;
            let shown = keyed.as_ref().filter(|_| quota > 0).map(|(epoch, tenant)| epoch.of(tenant));
            f.object_item(|f| push_found(f, found, quota, shown.as_ref()));
            is_shown |= quota > 0;
        }
    });
    // Fingerprints of two epochs or two tenants say nothing about each other.
    if let (Some((epoch, _)), true) = (&keyed, is_shown) {
        f.text("fingerprint_epoch", epoch.id());
    }
}

fn push_found(f: &mut Fields, found: &Found, fingerprints: usize, key: Option<&TenantKey>) {
    f.text("identifier", &found.identifier);
    f.word("confidence", found.confidence.as_str());
    f.number("matched", found.matched);
    f.number("distinct", found.distinct);
    f.number("forwarded", found.forwarded);
    f.number("withheld", found.withheld);
    f.number("suppressed", found.suppressed);
    f.array("at", |f| {
        for place in found.at.iter().take(limits::PLACES_PER_FINDING) {
            f.object_item(|f| push_place(f, place));
        }
    });
    f.array("fingerprints", |f| {
        for fingerprint in found.fingerprints.iter().take(fingerprints) {
            match key {
                Some(key) => f.shown_item(&key.shown(&found.identifier, fingerprint)),
                None => f.shown_item(fingerprint),
            }
        }
    });
    if !found.rules.is_empty() {
        f.array("rules", |f| found.rules.iter().for_each(|rule| f.text_item(rule)));
    }
}

fn push_place(f: &mut Fields, place: &Place) {
    f.word("part", part_word(place.part));
    f.array("carrier", |f| place.carrier.iter().for_each(|carrier| f.text_item(carrier)));
    f.text_or_null("path", place.path.as_deref());
    f.boolean("keyword", place.keyword);
    f.array("validators", |f| place.validators.iter().for_each(|validator| f.text_item(validator)));
}

const fn part_word(part: Part) -> &'static str {
    match part {
        Part::Target => "target",
        Part::Header => "header",
        Part::Body => "body",
        Part::Trailer => "trailer",
    }
}

/// The inspector's reason as a word (with its detail after a colon), then the proxy's sentence.
fn push_reason(f: &mut Fields, reason: Option<&Reason>, sentence: Option<&str>) {
    let (word, detail) = match reason {
        None => return f.text_or_null("reason", sentence),
        Some(Reason::Undecodable(how)) => ("undecodable", Some(*how)),
        Some(Reason::CannotRedact(why)) => ("cannot_redact", Some(*why)),
        Some(Reason::HeldBytes) => ("held_bytes", None),
        Some(Reason::InspectorFailed) => ("inspector_failed", None),
        Some(Reason::Unlisted) => ("unlisted", None),
        Some(Reason::Overlay) => ("overlay", None),
    };
    let mut text = String::from(word);
    for (mark, part) in [(": ", detail), ("; ", sentence)] {
        if let Some(part) = part {
            text.push_str(mark);
            text.push_str(part);
        }
    }
    f.text("reason", &text);
}

/// Writes the fields of one object after another.
struct Fields {
    out: Vec<u8>,
}

impl Fields {
    /// A piece of ours, as it stands in the record. Inlined: pieces whose length is known are stored, not copied.
    #[inline(always)]
    fn raw(&mut self, piece: &'static str) -> &mut Self {
        self.out.extend_from_slice(piece.as_bytes());
        self
    }

    /// A text that may come from outside: cut to the bound.
    fn quoted(&mut self, text: &str) -> &mut Self {
        push_string_within(&mut self.out, text, limits::RECORD_TEXT);
        self
    }

    fn quoted_or_null(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.quoted(text),
            None => self.raw("null"),
        }
    }

    fn digits(&mut self, number: u64) -> &mut Self {
        push_number(&mut self.out, number);
        self
    }

    fn digits_or_null(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.digits(number),
            None => self.raw("null"),
        }
    }

    /// Without its quotes.
    fn id(&mut self, id: FlowId) -> &mut Self {
        self.out.extend_from_slice(&id.text());
        self
    }

    fn address(&mut self, address: IpAddr) -> &mut Self {
        match address {
            IpAddr::V4(address) => {
                self.out.push(b'"');
                for part in address.octets() {
                    push_number(&mut self.out, u64::from(part));
                    self.out.push(b'.');
                }
                // In place of the last point.
                self.out.pop();
                self.out.push(b'"');
            }
            IpAddr::V6(_) => self.quote(&address),
        }
        self
    }

    /// A name of ours: it has nothing to escape.
    fn key(&mut self, name: &'static str) {
        push_comma(&mut self.out);
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A word of ours, as plain as the names.
    fn word(&mut self, name: &'static str, word: &'static str) {
        self.key(name);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }

    fn word_or_null(&mut self, name: &'static str, word: Option<&'static str>) {
        match word {
            Some(word) => self.word(name, word),
            None => self.null(name),
        }
    }

    /// A text that may come from outside: cut to the bound.
    fn text(&mut self, name: &'static str, text: &str) {
        self.key(name);
        self.quoted(text);
    }

    fn text_item(&mut self, text: &str) {
        push_comma(&mut self.out);
        push_string_within(&mut self.out, text, limits::RECORD_TEXT);
    }

    fn text_or_null(&mut self, name: &'static str, text: Option<&str>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.null(name),
        }
    }

    /// A value whose display needs no escaping: fingerprints.
    fn shown_item(&mut self, value: &dyn fmt::Display) {
        push_comma(&mut self.out);
        self.quote(value);
    }

    fn quote(&mut self, value: &dyn fmt::Display) {
        self.out.push(b'"');
        // Writing to memory cannot fail.
        let _ = write!(Plain(&mut self.out), "{value}");
        self.out.push(b'"');
    }

    fn number(&mut self, name: &'static str, number: u64) {
        self.key(name);
        push_number(&mut self.out, number);
    }

    fn boolean(&mut self, name: &'static str, value: bool) {
        self.key(name);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn null(&mut self, name: &'static str) {
        self.key(name);
        self.out.extend_from_slice(b"null");
    }

    fn object_item(&mut self, fill: impl FnOnce(&mut Self)) {
        push_comma(&mut self.out);
        self.braced(fill);
    }

    fn braced(&mut self, fill: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        fill(self);
        self.out.push(b'}');
    }

    fn array(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) {
        self.key(name);
        self.out.push(b'[');
        fill(self);
        self.out.push(b']');
    }
}

/// Plain text into a JSON string, for values known to need no escapes.
struct Plain<'a>(&'a mut Vec<u8>);

impl fmt::Write for Plain<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::audit::record::Draft;
    use crate::audit::tests::message as clean;
    use crate::detect::Confidence;
    use crate::fingerprint::FingerprintKey;
    use crate::inspect::RuleHit;
    use crate::policy::{Disclosure, Mode};

    /// The body of a draft's record.
    fn body(draft: &Draft) -> Vec<u8> {
        match draft {
            Draft::Message(draft) => message(draft, None),
            Draft::Event { kind, detail } => event(*kind, detail),
        }
    }

    fn parsed(draft: &Draft) -> Value {
        let body = body(draft);
        serde_json::from_str(&format!("{{{}}}", String::from_utf8(body).unwrap())).unwrap()
    }

    fn with(change: impl FnOnce(&mut MessageDraft)) -> Draft {
        let Draft::Message(mut message) = clean(1) else { unreachable!() };
        change(&mut message);
        Draft::Message(message)
    }

    fn found(identifier: &str, values: u32) -> Found {
        let key = FingerprintKey::new(&[1; 32]);
        let place = Place {
            part: Part::Body,
            path: Some("$.card".into()),
            carrier: vec!["gzip", "json"],
            keyword: true,
            validators: vec!["luhn".into()],
        };
        Found {
            identifier: identifier.into(),
            confidence: Confidence::High,
            matched: u64::from(values),
            distinct: u64::from(values),
            forwarded: 0,
            withheld: u64::from(values),
            suppressed: 0,
            at: vec![place; values as usize],
            fingerprints: (0..values).map(|v| key.of(identifier, &v.to_be_bytes())).collect(),
            rules: vec!["pan-leaves".into()],
        }
    }

    #[test]
    fn fields_stand_in_the_order_of_the_contract() {
        let body = String::from_utf8(body(&clean(1))).unwrap();
        let order = [
            "kind",
            "decision",
            "flow",
            "tenant",
            "mode",
            "client",
            "destination",
            "protocol",
            "http",
            "direction",
            "bytes",
            "findings",
            "rules",
            "action",
            "would",
            "reason",
            "disclosure",
            "policy",
            "packs",
            "overlay",
            "canary",
            "latency_us",
            "traceparent",
        ];
        let mut at = 0;
        for name in order {
            let next = body[at..].find(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name} in {body}"));
            at += next;
        }
        let record = parsed(&clean(1));
        assert_eq!(record.as_object().unwrap().len(), order.len());
        assert_eq!(record["client"], json!({"address": "192.0.2.7", "identity": null}));
        assert_eq!(
            record["destination"],
            json!({"host": "api.example.com", "address": "198.51.100.1", "port": 443, "group": null, "proven": true})
        );
        assert_eq!(
            record["protocol"],
            json!({"listener": "apps", "http": "HTTP/1.1", "tls_client": "TLSv1.3", "tls_upstream": "TLSv1.3"})
        );
        let bytes = json!({
            "seen": 812, "inspected": 812, "uninspected": [], "forwarded_before_decision": 0, "forwarded": 812
        });
        assert_eq!(record["bytes"], bytes);
        assert_eq!(record["latency_us"], json!({"inspect": 41, "hold": 3}));
        assert_eq!((&record["canary"], &record["overlay"]), (&json!(false), &Value::Null));
    }

    #[test]
    fn findings_say_what_and_where_and_never_more_than_the_caps() {
        let draft = with(|message| {
            let decision = message.decision.as_mut().unwrap();
            decision.action = Action::Block;
            decision.disclosure = Disclosure::Prevented;
            decision.reason = Some(Reason::CannotRedact("signed"));
            decision.rules =
                vec![RuleHit { id: Arc::from("pan-leaves"), action: Action::Block, mode: Mode::Enforce }];
            decision.found = (0..6).map(|n| found(&format!("payment.{n}"), 20)).collect();
            decision.coverage.uninspected = vec![("oversize", 9)];
            message.reason = Some("upstream certificate expired".into());
        });
        let record = parsed(&draft);
        let findings = record["findings"].as_array().unwrap();
        let count = |finding: &Value, field: &str| finding[field].as_array().unwrap().len();
        let fingerprints: Vec<_> = findings.iter().map(|finding| count(finding, "fingerprints")).collect();
        assert_eq!(fingerprints, [8, 8, 8, 8, 0, 0]);
        assert!(findings.iter().all(|finding| count(finding, "at") == limits::PLACES_PER_FINDING));
        let place = json!({"part": "body", "carrier": ["gzip", "json"], "path": "$.card", "keyword": true, "validators": ["luhn"]});
        assert_eq!(findings[0]["at"][0], place);
        assert_eq!(
            (&findings[0]["matched"], &findings[0]["withheld"], &findings[0]["confidence"]),
            (&json!(20), &json!(20), &json!("high"))
        );
        assert_eq!(record["rules"], json!(["pan-leaves"]));
        assert_eq!(record["reason"], "cannot_redact: signed; upstream certificate expired");
        assert_eq!(record["bytes"]["uninspected"], json!([{"reason": "oversize", "bytes": 9}]));
        assert_eq!((&record["action"], &record["disclosure"]), (&json!("block"), &json!("prevented")));
    }

    #[test]
    fn fingerprints_need_an_alert_done_or_observed() {
        for (action, would, expected) in [
            (Action::Allow, None, 0),
            (Action::Alert, None, 3),
            (Action::Allow, Some(Action::Block), 3),
            (Action::Redact, None, 3),
        ] {
            let draft = with(|message| {
                let decision = message.decision.as_mut().unwrap();
                (decision.action, decision.would) = (action, would);
                decision.found = vec![found("contact.email", 3)];
            });
            let record = parsed(&draft);
            assert_eq!(
                record["findings"][0]["fingerprints"].as_array().unwrap().len(),
                expected,
                "{action:?}"
            );
            assert_eq!(record["would"], would.map_or(Value::Null, |would| would.as_str().into()));
        }
    }

    #[test]
    fn an_opening_record_claims_nothing_that_is_not_known() {
        let draft = with(|message| {
            message.kind = Kind::Opening;
            message.decision = None;
        });
        let record = parsed(&draft);
        assert_eq!((&record["kind"], &record["action"]), (&json!("opening"), &json!("allow")));
        for field in ["bytes", "disclosure", "would", "reason"] {
            assert_eq!(record[field], Value::Null, "{field}");
        }
        assert_eq!(record["findings"], json!([]));
    }

    #[test]
    fn long_and_hostile_text_is_cut_and_escaped() {
        let draft = with(|message| {
            let flow = Arc::make_mut(&mut message.flow);
            flow.path_template = "/é".repeat(5000).into();
            flow.host = "\u{1b}[31m\"},\"kind\":\"x".into();
        });
        let body = String::from_utf8(body(&draft)).unwrap();
        assert!(body.len() < 3 * limits::RECORD_TEXT && !body.contains('\u{1b}'));
        let record = parsed(&draft);
        assert_eq!(record["destination"]["host"], "\u{1b}[31m\"},\"kind\":\"x");
        let path = record["http"]["path_template"].as_str().unwrap();
        assert!(path.len() <= limits::RECORD_TEXT + 3 && path.ends_with('…'));
    }
}
