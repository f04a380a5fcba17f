//! Documents that hold a value, and readers of their types.

use std::ops::Range;

/// What a document says: its strings, in order. `None`: it is none of its type.
type Read = fn(&[u8]) -> Option<Vec<String>>;

/// A kind of document with a place for a value.
pub(super) struct Carrier {
    pub(super) name: &'static str,
    pub(super) media_type: Option<&'static str>,
    body: Body,
    pub(super) read: Option<Read>,
    /// Whether the value stands below one layer more than as it is written.
    pub(super) deep: bool,
    /// Whether a star at its beginning would be something else than a text.
    unquoted: bool,
}

enum Body {
    /// With `¤` for the value.
    Text(&'static str),
    /// What stands before and behind a value of this length, and how it is written.
    Built(fn(&str) -> [Vec<u8>; 3]),
}

impl Carrier {
    pub(super) fn write(&self, value: &str) -> Vec<u8> {
        match self.body {
            Body::Text(template) => template.replace('¤', value).into_bytes(),
            Body::Built(build) => build(value).concat(),
        }
    }

    /// The same with the mask of the value.
    pub(super) fn masked(&self, wrap: fn(&str) -> String) -> Vec<u8> {
        let masked = wrap(super::matrix::MASKED);
        let out = self.write(&masked);
        // Only where the star itself stands there.
        if !self.unquoted || !masked.starts_with('*') {
            return out;
        }
        self.write(&masked.replacen('*', "_", 1))
    }

    /// Where a value stands.
    pub(super) fn place(&self, value: &str) -> Range<usize> {
        let start = match self.body {
            Body::Text(template) => template.find('¤').unwrap(),
            Body::Built(build) => build(value)[0].len(),
        };
        let length = match self.body {
            Body::Text(_) => value.len(),
            Body::Built(build) => build(value)[1].len(),
        };
        start..start + length
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.body, Body::Text(_))
    }
}

const fn text(
    name: &'static str,
    media_type: Option<&'static str>,
    template: &'static str,
    read: Read,
) -> Carrier {
    Carrier { name, media_type, body: Body::Text(template), read: Some(read), deep: false, unquoted: false }
}

const fn built(
    name: &'static str,
    media_type: &'static str,
    build: fn(&str) -> [Vec<u8>; 3],
    deep: bool,
    read: Read,
) -> Carrier {
    Carrier {
        name,
        media_type: Some(media_type),
        body: Body::Built(build),
        read: Some(read),
        deep,
        unquoted: false,
    }
}

const fn yaml(
    name: &'static str,
    media_type: Option<&'static str>,
    template: &'static str,
    unquoted: bool,
) -> Carrier {
    Carrier { unquoted, ..text(name, media_type, template, read_yaml) }
}

const JSON: Option<&str> = Some("application/json");
const XML: Option<&str> = Some("application/xml");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const YAML: Option<&str> = Some("application/yaml");
const PARTS: &str = "multipart/form-data; boundary=b7";
pub(super) const PROTOBUF_TYPES: [&str; 4] = [
    "application/x-protobuf",
    "application/grpc",
    "application/grpc-web+proto",
    "application/grpc-web-text+proto",
];

pub(super) const CARRIERS: &[Carrier] = &[
    text("json", JSON, r#"{"id":7,"customer":{"tags":[1.5,null],"card":"¤"},"z":"\u00e9"}"#, read_json),
    text("json in an array", None, r#"[{"a":["x","¤"]},true]"#, read_json),
    text("json lines", Some("application/x-ndjson"), "{\"a\":1}\n{\"card\":\"¤\"}\n", read_json_lines),
    text("pretty json", JSON, "{\n  \"a\" : 1,\n  \"card\" : \"¤\"\n}\n", read_json),
    text("json in json", JSON, r#"{"payload":"{\"card\":\"¤\",\"n\":1}"}"#, read_json),
    text("json with a mark", JSON, "\u{feff}{\"card\":\"¤\"}", read_json),
    text("form", FORM, "a=b+c&card=¤&d=%20", read_form),
    text("form with +", FORM, "a=b+c&note=my+card+¤+please&d=%2B", read_form),
    text("json in a form", FORM, "a=1&p=%7B%22card%22%3A%22¤%22%7D", read_form),
    text(
        "xml",
        XML,
        "<?xml version=\"1.0\"?><o:a xmlns:o=\"urn:x\"><card type='x'>¤</card>&amp;</o:a>",
        read_xml,
    ),
    text("xml attribute", XML, "<a><b card=\"¤\" n='1'/></a>", read_xml),
    text("xml section", XML, "<a><b><![CDATA[{\"card\":\"¤\"}]]></b></a>", read_xml),
    text("html", Some("text/html"), "<!doctype html><p>Tom &amp; Ann<br/>card: ¤</p>", read_xml),
    text(
        "multipart",
        Some(PARTS),
        "--b7\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b7\r\nContent-Disposition: form-data; name=\"card\"\r\nContent-Type: text/plain\r\n\r\n¤\r\n--b7--\r\n",
        read_parts,
    ),
    text(
        "file name",
        None,
        "--b7\r\nContent-Disposition: form-data; name=\"a\"; filename=\"¤.txt\"\r\n\r\n1\r\n--b7--\r\n",
        read_parts,
    ),
    built(
        "base64 in multipart",
        PARTS,
        |value| {
            let code = super::matrix::data_encoding_of(format!("pay with {value} now").as_bytes());
            [
            b"--b7\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_vec(),
            code.into_bytes(),
            b"\r\n--b7--\r\n".to_vec(),
        ]
        },
        true,
        read_parts,
    ),
    text("csv", Some("text/csv"), "id,card,x\n1,\"¤\",\"a, \"\"b\"\"\"\n2,,\n", read_csv),
    text("csv without quotes", Some("text/csv"), "id,card,x\n1,¤,a\n2,,\n", read_csv),
    text("tsv", Some("text/tab-separated-values"), "id\tcard\tx\n1\t¤\ta\n", read_csv),
    yaml("yaml", YAML, "a: 1\ncustomer:\n  card: '¤'\n  n: [1, 2]\n", false),
    yaml("yaml without quotes", YAML, "a: 1\ncustomer:\n  card: ¤\n  n: [1, 2]\n", true),
    yaml("yaml of nobody's type", None, "a: 1\ncustomer:\n  card: ¤\n  n: [1, 2]\n", true),
    yaml("yaml in a sequence", YAML, "cards:\n- x\n- ¤\n", true),
    yaml("yaml in flow style", YAML, "customer: {id: 7, card: ¤}\ncards: [x]\n", true),
    text(
        "event",
        Some("text/event-stream"),
        "event: x\ndata: {\"delta\":{\"text\":\"card ¤ \"}}\n\ndata: {\"delta\":{\"text\":\"bye\"}}\n\n",
        read_events,
    ),
    text("text", Some("text/plain"), "hello, the card is ¤, thanks\n", |text| Some(vec![utf8(text)?])),
    built("protocol buffers", PROTOBUF_TYPES[0], |value| message(value, false), false, read_protobuf),
    built(
        "grpc",
        PROTOBUF_TYPES[1],
        |value| message(value, true),
        false,
        |frame| read_protobuf(frame.get(5..)?),
    ),
    built(
        "grpc-web",
        PROTOBUF_TYPES[2],
        |value| message(value, true),
        false,
        |frame| read_protobuf(frame.get(5..)?),
    ),
    built(
        "grpc-web-text",
        PROTOBUF_TYPES[3],
        |value| {
            let code = super::matrix::data_encoding_of(&message(value, true).concat());
            [Vec::new(), code.into_bytes(), Vec::new()]
        },
        true,
        |text| read_protobuf(base64(text)?.get(5..)?),
    ),
];

/// Field 1 is the number 7, field 2 a message whose field 3 is the value, field 4 a word.
fn message(value: &str, framed: bool) -> [Vec<u8>; 3] {
    let length = |tag: u8, length: usize| {
        let mut out = vec![tag];
        let mut rest = length;
        while rest > 127 {
            out.push(rest as u8 | 128);
            rest >>= 7;
        }
        out.push(rest as u8);
        out
    };
    let field = length(0x1a, value.len());
    let nested = length(0x12, field.len() + value.len());
    let before = [&[8, 7], nested.as_slice(), &field].concat();
    let behind = b"\x22\x03bye".to_vec();
    let all = (before.len() + value.len() + behind.len()) as u32;
    let prefix = if framed { [&[0], all.to_be_bytes().as_slice()].concat() } else { Vec::new() };
    [[prefix, before].concat(), value.as_bytes().to_vec(), behind]
}

fn utf8(text: &[u8]) -> Option<String> {
    String::from_utf8(text.to_vec()).ok()
}

fn leaves(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(values) => values.iter().for_each(|value| leaves(value, out)),
        serde_json::Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            out.push(key.clone());
            leaves(value, out);
        }),
        value => out.push(value.to_string()),
    }
}

fn read_json(text: &[u8]) -> Option<Vec<String>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut out = Vec::new();
    leaves(&serde_json::from_slice(text).ok()?, &mut out);
    Some(out)
}

fn read_json_lines(text: &[u8]) -> Option<Vec<String>> {
    let lines = utf8(text)?;
    let read: Option<Vec<_>> = lines.lines().map(|line| read_json(line.as_bytes())).collect();
    Some(read?.concat())
}

fn read_events(text: &[u8]) -> Option<Vec<String>> {
    let text = utf8(text)?;
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let read: Option<Vec<_>> = data.map(|line| read_json(line.as_bytes())).collect();
    Some(read?.concat())
}

/// By keys and values; escapes must be whole.
fn read_form(text: &[u8]) -> Option<Vec<String>> {
    let decode = |part: &str| {
        let mut out = Vec::new();
        let mut rest = part.as_bytes();
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            out.push(match first {
                b'+' => b' ',
                b'%' => {
                    let (pair, behind) = rest.split_at_checked(2)?;
                    rest = behind;
                    u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?
                }
                byte => *byte,
            });
        }
        Some(String::from_utf8_lossy(&out).into_owned())
    };
    utf8(text)?.split('&').flat_map(|pair| pair.splitn(2, '=').map(decode).collect::<Vec<_>>()).collect()
}

fn read_xml(text: &[u8]) -> Option<Vec<String>> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(text);
    let mut out = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Eof => return Some(out),
            Event::Start(tag) | Event::Empty(tag) => {
                out.push(utf8(tag.name().as_ref())?);
                for attribute in tag.attributes() {
                    out.push(attribute.ok()?.unescape_value().ok()?.into_owned());
                }
            }
            other => out.push(utf8(&other)?),
        }
    }
}

/// Parts by their boundary: heads, and what stands in them.
fn read_parts(text: &[u8]) -> Option<Vec<String>> {
    let text = utf8(text)?;
    let parts: Vec<_> = text.split("--b7").collect();
    let whole = parts.first() == Some(&"") && parts.last() == Some(&"--\r\n");
    let mut out = Vec::new();
    for part in parts.get(1..parts.len() - 1).filter(|_| whole)? {
        let (head, body) = part.strip_prefix("\r\n")?.strip_suffix("\r\n")?.split_once("\r\n\r\n")?;
        out.push(head.to_owned());
        out.push(if head.contains("base64") { utf8(&base64(body.as_bytes())?)? } else { body.to_owned() });
    }
    Some(out)
}

fn read_csv(text: &[u8]) -> Option<Vec<String>> {
    let delimiter = if text.contains(&b'\t') { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(text);
    let mut out = Vec::new();
    for row in reader.records() {
        out.extend(row.ok()?.iter().map(str::to_owned));
    }
    Some(out)
}

fn read_yaml(text: &[u8]) -> Option<Vec<String>> {
    use yaml_rust2::{Yaml, YamlLoader};
    fn leaves(value: &Yaml, out: &mut Vec<String>) {
        match value {
            Yaml::Array(values) => values.iter().for_each(|value| leaves(value, out)),
            Yaml::Hash(fields) => fields.iter().for_each(|(key, value)| {
                leaves(key, out);
                leaves(value, out);
            }),
            Yaml::String(text) => out.push(text.clone()),
            other => out.push(format!("{other:?}")),
        }
    }
    let mut out = Vec::new();
    YamlLoader::load_from_str(&utf8(text)?).ok()?.iter().for_each(|document| leaves(document, &mut out));
    Some(out)
}

/// Numbers, and strings that are messages or texts.
fn read_protobuf(text: &[u8]) -> Option<Vec<String>> {
    let (mut rest, mut out) = (text, Vec::new());
    let number = |rest: &mut &[u8]| {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let (first, behind) = rest.split_first()?;
            *rest = behind;
            value |= u64::from(first & 127) << shift;
            shift += 7;
            if first & 128 == 0 {
                return Some(value);
            }
        }
    };
    while !rest.is_empty() {
        let tag = number(&mut rest)?;
        let value = number(&mut rest)?;
        match tag & 7 {
            0 => out.push(value.to_string()),
            2 => {
                let (field, behind) = rest.split_at_checked(usize::try_from(value).ok()?)?;
                rest = behind;
                match tag >> 3 {
                    2 => out.extend(read_protobuf(field)?),
                    _ => out.push(utf8(field)?),
                }
            }
            _ => return None,
        }
    }
    Some(out)
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        let all = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        all.iter().position(|digit| *digit == byte).and_then(|at| u32::try_from(at).ok())
    };
    let mut out = Vec::new();
    for quad in text.chunks(4) {
        let digits: Vec<u8> = quad.iter().copied().take_while(|byte| *byte != b'=').collect();
        let mut word = 0;
        for byte in &digits {
            word = word << 6 | digit(*byte)?;
        }
        word <<= 6 * (4 - digits.len() as u32);
        out.extend(word.to_be_bytes().get(1..digits.len())?);
        (quad.len() == 4).then_some(())?;
    }
    Some(out)
}
