//! Texts made from fixed seeds: what goes through a gate all day, what is full of hits, and what is meant to hurt.

use std::fmt::Write;

use crate::rng::Rng;

/// What a text stands for; each kind has goals of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everyday traffic with one byte in a thousand planted.
    Benign,
    Random,
    Prose,
    Dense,
    Hostile,
}

pub struct Corpus {
    pub name: &'static str,
    pub kind: Kind,
    pub text: Vec<u8>,
    /// Identifiers put in on purpose.
    pub planted: usize,
}

type Piece = fn(&mut Rng, &mut Vec<u8>);

/// Name, kind, one piece of text, and what stands around a planted value.
const TABLE: &[(&str, Kind, Piece, (&str, &str))] = &[
    ("json", Kind::Benign, json, ("{\"note\":\"", "\"},\n")),
    ("js", Kind::Benign, script, (";var note=\"", "\";")),
    ("csv", Kind::Benign, csv, ("\"", "\"\n")),
    ("logs", Kind::Benign, logs, ("level=info msg=\"", "\"\n")),
    ("prose", Kind::Prose, prose, (" ", ". ")),
    ("random", Kind::Random, random, ("\n", "\n")),
    ("dense", Kind::Dense, nothing, ("{\"v\":\"", "\"},\n")),
    ("dense-emails", Kind::Dense, emails, ("", "")),
    ("dense-cards", Kind::Dense, cards, ("", "")),
    ("single-digits", Kind::Hostile, single_digits, ("", "")),
    ("digit-groups", Kind::Hostile, digit_groups, ("", "")),
    ("digits", Kind::Hostile, digits, ("", "")),
    ("near-luhn", Kind::Hostile, near_luhn, ("", "")),
    ("nine-digits", Kind::Hostile, nine_digits, ("", "")),
    ("dotted", Kind::Hostile, dotted, ("", "")),
    ("a@a@", Kind::Hostile, ats, ("", "")),
    ("long@", Kind::Hostile, long_ats, ("", "")),
    ("no-domain@", Kind::Hostile, no_domain, ("", "")),
    ("keywords", Kind::Hostile, keywords, ("", "")),
    ("prefixes", Kind::Hostile, prefixes, ("", "")),
    ("jwt-heads", Kind::Hostile, jwt_heads, ("", "")),
    ("dots@", Kind::Hostile, dotted_ats, ("", "")),
    ("secret-names", Kind::Hostile, secret_names, ("", "")),
    ("dull-secrets", Kind::Hostile, dull_secrets, ("", "")),
    ("remotes", Kind::Hostile, remotes, ("", "")),
    ("a%40a", Kind::Hostile, encoded_ats, ("", "")),
    ("access-keys", Kind::Hostile, access_keys, ("", "")),
    ("basic", Kind::Hostile, basic, ("", "")),
    ("bearer", Kind::Hostile, bearer, ("", "")),
    ("passports", Kind::Hostile, passports, ("", "")),
    ("elements", Kind::Hostile, elements, ("", "")),
    ("dense-elements", Kind::Dense, taxpayers, ("", "")),
    ("tuples", Kind::Hostile, tuples, ("", "")),
    ("arrays", Kind::Hostile, arrays, ("", "")),
    ("alnum", Kind::Hostile, alnum, ("", "")),
    ("letters", Kind::Hostile, letters, ("", "")),
    ("one-byte", Kind::Hostile, one_byte, ("", "")),
    ("upper-digit", Kind::Hostile, upper_digit, ("", "")),
    ("separators", Kind::Hostile, separators, ("", "")),
];

pub fn names() -> Vec<&'static str> {
    TABLE.iter().map(|row| row.0).collect()
}

/// The text of a name; `planted` are values with their words, put in one after the other.
pub fn make(name: &str, size: usize, planted: &[String]) -> Option<Corpus> {
    let &(name, kind, piece, (before, after)) = TABLE.iter().find(|row| row.0 == name)?;
    let mut rng = Rng::new(name.bytes().fold(0x7469_6465, |h, b| h * 31 + u64::from(b)));
    let mut text = Vec::with_capacity(size + 4096);
    let (mut count, mut bytes) = (0, 0);
    while text.len() < size {
        piece(&mut rng, &mut text);
        let due = match kind {
            Kind::Benign | Kind::Random | Kind::Prose => bytes * 1000 < text.len(),
            Kind::Dense => before.len() + after.len() > 0,
            Kind::Hostile => false,
        };
        if let Some(value) = planted.get(count % planted.len().max(1)).filter(|_| due) {
            text.extend_from_slice(before.as_bytes());
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(after.as_bytes());
            bytes += value.len();
            count += 1;
        }
    }
    Some(Corpus { name, kind, text, planted: count })
}

/// Formats into bytes.
macro_rules! put {
    ($text:expr, $($arg:tt)*) => {{
        let mut piece = String::new();
        let _ = write!(piece, $($arg)*);
        $text.extend_from_slice(piece.as_bytes());
    }};
}

const COMMON: &str = "the of and to in a is that for it as was with be by on not he his but at are this have from or had an \
    they which one you were all her she there would their we him been has when who will no more if out so up said what its \
    about than into them can only other time new some could these two may first then do any like my now over such our man \
    me even most made after also did many off before must well back through years where much your way down should because \
    long each just state those people too mister little good world make very year still see own work men day get here old \
    between both life being under three never know same last another while us might great go come since against right \
    without during system order number account customer service report delivery request shipment contract meeting";

fn common(rng: &mut Rng) -> &'static str {
    let words: &Vec<&'static str> = {
        static WORDS: std::sync::OnceLock<Vec<&'static str>> = std::sync::OnceLock::new();
        WORDS.get_or_init(|| COMMON.split_whitespace().collect())
    };
    words[rng.below(words.len() as u64) as usize]
}

fn uuid(r: &mut Rng) -> String {
    let (a, b) = (r.next(), r.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

/// Answers and requests of an API: ids, times, amounts, links, tokens, nested objects.
fn json(r: &mut Rng, t: &mut Vec<u8>) {
    let (a, b, c) = (r.word(), common(r), common(r));
    put!(
        t,
        "{{\"id\":{},\"uuid\":\"{}\",\"type\":\"{a}.{b}\",\"created_at\":\"2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\",",
        r.below(9_000_000),
        uuid(r),
        1 + r.below(12),
        1 + r.below(28),
        r.below(24),
        r.below(60),
        r.below(60),
        r.below(1000)
    );
    put!(
        t,
        "\"updated\":{},\"ts\":{},\"amount\":{}.{:02},\"currency\":\"EUR\",\"active\":{},\"score\":{:.15},",
        1_760_000_000 + r.below(9_000_000),
        1_760_000_000_000 + r.below(9_000_000_000),
        r.below(5000),
        r.below(100),
        r.below(2) == 0,
        r.below(1 << 50) as f64 / (1u64 << 50) as f64
    );
    put!(
        t,
        "\"url\":\"https://{a}.example.com/v2/{b}/{}?page={}&sort={c}\",\"etag\":\"W/\\\"{:x}\\\"\",\"parent\":null,",
        r.below(100_000),
        r.below(90),
        r.next()
    );
    put!(
        t,
        "\"items\":[{{\"sku\":\"{}-{}\",\"qty\":{},\"price\":{}.{:02}}},{{\"sku\":\"{}\",\"qty\":{}}}],\"sha\":\"{:016x}{:016x}{:08x}\",",
        a.to_uppercase(),
        r.below(100_000),
        r.below(9),
        r.below(300),
        r.below(100),
        r.below(1_000_000),
        r.below(9),
        r.next(),
        r.next(),
        r.next() >> 32
    );
    put!(
        t,
        "\"geo\":[{}.{:06},-{}.{:06}],\"tags\":[\"{b}\",\"{c}\"],\"text\":\"",
        r.below(80),
        r.below(1_000_000),
        r.below(170),
        r.below(1_000_000)
    );
    for _ in 0..4 + r.below(16) {
        put!(t, "{} ", common(r));
    }
    put!(t, "\"}},\n");
}

/// A bundle after its minifier: short names, calls, literals, tables of numbers, paths.
fn script(r: &mut Rng, t: &mut Vec<u8>) {
    let (a, b) = (r.word(), r.word());
    match r.below(8) {
        0 => {
            put!(t, "{a}=[");
            for _ in 0..20 + r.below(60) {
                let digits = r.below(6) as u32;
                put!(t, "{},", r.below(10u64.pow(digits)));
            }
            put!(t, "0];");
        }
        1 => put!(
            t,
            "d:\"M{}.{} {}.{}l-{}.{}-{}.{:03}c{}.{:02} {} {}.{} {} z\",fill:\"#{:06x}\",",
            r.below(24),
            r.below(1000),
            r.below(24),
            r.below(1000),
            r.below(9),
            r.below(100),
            r.below(9),
            r.below(1000),
            r.below(9),
            r.below(100),
            r.below(9),
            r.below(9),
            r.below(100),
            r.below(9),
            r.below(1 << 24)
        ),
        2 => put!(
            t,
            "Object.defineProperty(t,\"__esModule\",{{value:!0}}),t.{a}=void 0;const {b}=n({});",
            r.below(9999)
        ),
        3 => {
            put!(t, "throw new Error(\"{} {} {}: \"+e+\". {}\");", common(r), common(r), common(r), common(r))
        }
        4 => put!(
            t,
            "{{display:\"flex\",width:{}px,margin:\"0 {}px\",opacity:.{},transform:\"rotate({}deg)\"}}",
            r.below(999),
            r.below(99),
            r.below(99),
            r.below(360)
        ),
        5 => put!(
            t,
            "e.exports=JSON.parse('{{\"{a}\":\"{b}\",\"version\":\"{}.{}.{}\"}}')}},{}:function(e,t,n){{\"use strict\";",
            r.below(20),
            r.below(40),
            r.below(20),
            r.below(99_999)
        ),
        _ => put!(
            t,
            "function {a}(e,t){{for(var r=0;r<t.length;r++){{if(null==e[r]||{}===t.{b})return n(e,t,{});o.push(r<<{}|{})}}}}",
            r.below(300),
            r.below(90),
            r.below(32),
            r.below(65_536)
        ),
    }
}

/// Metrics: epochs in seconds and milliseconds, counters, decimals.
fn csv(r: &mut Rng, t: &mut Vec<u8>) {
    put!(
        t,
        "{},{},host-{:03},{}.{:06},{},0.{:09},-{}.{:03},{},{}\n",
        1_760_000_000 + r.below(9_000_000),
        1_760_000_000_000 + r.below(9_000_000_000),
        r.below(400),
        r.below(1000),
        r.below(1_000_000),
        r.below(100_000),
        r.below(1_000_000_000),
        r.below(100),
        r.below(1000),
        r.below(10),
        r.below(1 << 40)
    );
}

fn logs(r: &mut Rng, t: &mut Vec<u8>) {
    if r.below(2) == 0 {
        put!(
            t,
            "10.{}.{}.{} - - [23/Nov/2026:06:{:02}:{:02} +0000] \"GET /{}/{}?page={} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n",
            r.below(255),
            r.below(255),
            r.below(255),
            r.below(60),
            r.below(60),
            r.word(),
            r.word(),
            r.below(50),
            r.below(90_000)
        );
    } else {
        put!(
            t,
            "2026-11-23T06:{:02}:{:02}.{:06}Z level=info svc={} trace_id={:016x}{:016x} span_id={:016x} dur_ms={}.{:03} status=200 bytes={} msg=\"{} {} {} in pool-{}\"\n",
            r.below(60),
            r.below(60),
            r.below(1_000_000),
            r.word(),
            r.next(),
            r.next(),
            r.next(),
            r.below(400),
            r.below(1000),
            r.below(1_000_000),
            common(r),
            common(r),
            common(r),
            r.below(64)
        );
    }
}

fn prose(r: &mut Rng, t: &mut Vec<u8>) {
    for n in 0..8 + r.below(12) {
        put!(t, "{}{}", if n > 0 { " " } else { "" }, common(r));
    }
    match r.below(6) {
        0 => put!(t, " in {}. ", 1900 + r.below(130)),
        1 => put!(t, " ({} of {}). ", r.below(90), r.below(900)),
        2 => t.extend_from_slice(b".\n\n"),
        _ => t.extend_from_slice(b", "),
    }
}

fn random(r: &mut Rng, t: &mut Vec<u8>) {
    (0..128).for_each(|_| t.extend_from_slice(&r.next().to_le_bytes()));
}

fn nothing(_: &mut Rng, _: &mut Vec<u8>) {}

fn emails(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{{\"to\":\"{}.{}@{}.com\"}},", r.word(), r.word(), r.word());
}

fn cards(r: &mut Rng, t: &mut Vec<u8>) {
    let mut number = format!("4539{:011}", r.below(100_000_000_000));
    number.push(luhn(&number));
    put!(t, "card {} {} {} {}\n", &number[..4], &number[4..8], &number[8..12], &number[12..]);
}

/// The digit that makes the number pass (ISO/IEC 7812-1, annex B).
fn luhn(number: &str) -> char {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0') * if i % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    char::from(b'0' + ((10 - sum % 10) % 10) as u8)
}

fn single_digits(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{} ", r.below(10));
}

fn digit_groups(r: &mut Rng, t: &mut Vec<u8>) {
    let width = 2 + r.below(4) as usize;
    put!(t, "{:0width$}{}", r.below(10u64.pow(width as u32)), [' ', '-', '.'][r.below(3) as usize]);
}

fn digits(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{:018}", r.below(10u64.pow(18)));
}

/// Visa numbers of which the check digit is off by one.
fn near_luhn(r: &mut Rng, t: &mut Vec<u8>) {
    let number = format!("4{:014}", r.below(10u64.pow(14)));
    let wrong = (luhn(&number) as u8 - b'0' + 1) % 10;
    put!(t, "card {number}{wrong}, ");
}

fn nine_digits(r: &mut Rng, t: &mut Vec<u8>) {
    let width = 9 + r.below(4) as usize;
    put!(t, "{:0width$},", r.below(10u64.pow(width as u32)));
}

fn dotted(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{}.{}.{}.{}-{} ", r.below(256), r.below(256), r.below(256), r.below(256), r.below(100));
}

fn ats(_: &mut Rng, t: &mut Vec<u8>) {
    t.extend_from_slice(b"a@");
}

fn long_ats(_: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{}@{}@", "a".repeat(64), "b.c".repeat(20));
}

fn no_domain(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{}.{}@{}, ", r.word(), r.word(), r.word());
}

const FLOOD: &[&str] =
    &["card", "ssn", "pan", "nir", "iban", "pesel", "passport", "order", "phone", "cvv", "tax id", "nino"];

/// Words that matter, and numbers among them that do not.
fn keywords(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{} ", FLOOD[r.below(FLOOD.len() as u64) as usize]);
    if r.below(6) == 0 {
        put!(t, "{:011} ", r.below(100_000_000_000));
    }
}

const PREFIXES: &[&str] = &[
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "glpat-",
    "npm_",
    "xoxb-",
    "sk_live_",
    "SG.",
    "AIza",
    "-----BEGIN ",
    "eyJ",
    "://u:",
];

fn prefixes(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{}", PREFIXES[r.below(PREFIXES.len() as u64) as usize]);
    if r.below(4) == 0 {
        put!(t, "{} ", r.word());
    }
}

fn jwt_heads(_: &mut Rng, t: &mut Vec<u8>) {
    t.extend_from_slice(b"eyJhbGciOi.eyJ");
}

/// Many beginnings of a mail address before each `@`, and as many ends behind it.
fn dotted_ats(_: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{}@", "a.".repeat(100));
}

/// Names of secrets, each the value of the one before.
fn secret_names(_: &mut Rng, t: &mut Vec<u8>) {
    t.extend_from_slice(b"password=");
}

/// Secrets of little entropy, however much of them is taken.
fn dull_secrets(_: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "token={}\n", "1a".repeat(64));
}

/// Users of remotes, with many beginnings each.
fn remotes(_: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "x://{}a@b.co ", "a.".repeat(24));
}

fn encoded_ats(_: &mut Rng, t: &mut Vec<u8>) {
    t.extend_from_slice(b"a%40");
}

/// Names of keys with values that are one letter too long.
fn access_keys(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "aws_secret_access_key={:041x} ", r.next());
}

/// Credentials of which many beginnings are base64 of something.
fn basic(_: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "Basic {} ", "a+".repeat(127));
}

fn bearer(_: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "bearer {} ", "a1-".repeat(130));
}

/// What the lines of passports are filled with.
fn passports(_: &mut Rng, t: &mut Vec<u8>) {
    t.extend_from_slice(b"P<");
}

/// Numbers under names that matter, of an area that none is of.
fn elements(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "<ssn><b>{:09}</b></ssn>", 666_000_000 + r.below(1_000_000));
}

/// Numbers under names that matter, of which about half are a taxpayer's.
fn taxpayers(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "<ssn><b>{:09}</b></ssn>", 900_000_000 + r.below(10_000_000));
}

fn tuples(r: &mut Rng, t: &mut Vec<u8>) {
    if t.len() % 1000 < 40 {
        put!(t, ";\nINSERT INTO t (iban, pesel) VALUES ");
    }
    put!(t, "({:011},'{:010}'),", r.below(10u64.pow(11)), r.below(10u64.pow(10)));
}

fn arrays(r: &mut Rng, t: &mut Vec<u8>) {
    if t.len() % 1000 < 40 {
        put!(t, "]}},{{\"pesel\":{{\"nhs\":[");
    }
    put!(t, "[{:011}],", r.below(10u64.pow(11)));
}

fn alnum(r: &mut Rng, t: &mut Vec<u8>) {
    const SET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..64).for_each(|_| t.push(SET[r.below(62) as usize]));
}

/// Words of capitals, about as long as coded identifiers.
fn letters(r: &mut Rng, t: &mut Vec<u8>) {
    (0..6 + r.below(14)).for_each(|_| t.push(b'A' + r.below(26) as u8));
    t.push(b' ');
}

fn one_byte(_: &mut Rng, t: &mut Vec<u8>) {
    t.extend_from_slice(b"xxxxxxxxxxxxxxxx");
}

/// Codes of capitals and digits, as in parts lists.
fn upper_digit(r: &mut Rng, t: &mut Vec<u8>) {
    for _ in 0..1 + r.below(4) {
        (0..1 + r.below(4)).for_each(|_| t.push(b'A' + r.below(26) as u8));
        let width = 1 + r.below(7) as u32;
        put!(t, "{}", r.below(10u64.pow(width)));
    }
    t.push(b' ');
}

fn separators(r: &mut Rng, t: &mut Vec<u8>) {
    put!(t, "{}-{}/{} .-/", r.below(100), r.below(10), r.below(1000));
}
