//! A label in a value's place: it says what was there, in as many bytes as that takes.

use super::mask::may_be_number;

/// Types of texts in which a string may have any length, whatever it stands in.
const TEXTS: [&str; 12] = [
    "application/json",
    "application/graphql-response+json",
    "application/ndjson",
    "application/x-ndjson",
    "application/xml",
    "application/xhtml+xml",
    "text/csv",
    "text/html",
    "text/json",
    "text/plain",
    "text/tab-separated-values",
    "text/xml",
];
/// The one that keeps brackets and colons escaped.
const FORM: &str = "application/x-www-form-urlencoded";

/// The label for a value of `identifier`; `None` where the text that `media_type` names has no room for one, or a bare
/// number stands, which must stay one, or a tag stands in the midst of it, which must stay there. `before` is what stands in front of the value, `percent` says that it is written in
/// such escapes.
#[must_use]
pub fn label(
    identifier: &str,
    media_type: Option<&str>,
    percent: bool,
    before: &[u8],
    value: &[u8],
) -> Option<Vec<u8>> {
    let media_type = media_type?;
    let is_form = media_type == FORM;
    let is_text =
        TEXTS.contains(&media_type) || media_type.ends_with("+json") || media_type.ends_with("+xml");
    let has_room = (is_form || is_text) && !has_tags(value) && !is_counted(before);
    if !has_room || is_number(value) && may_be_number(before) && !is_form {
        return None;
    }
    Some(match is_form || percent {
        true => format!("%5BREDACTED%3A{identifier}%5D").into_bytes(),
        false => format!("[REDACTED:{identifier}]").into_bytes(),
    })
}

/// Whether the string in which `before` ends says how long it is, as in what PHP serialises: `s:11:"…"`.
fn is_counted(before: &[u8]) -> bool {
    let text = String::from_utf8_lossy(before).replace("%3A", ":").replace("%3a", ":").replace("%22", "\"");
    let text = text.replace('\\', "");
    let Some((head, string)) = text.rsplit_once(":\"") else { return false };
    let count = head.bytes().rev().take_while(u8::is_ascii_digit).count();
    let is_string = head.get(..head.len() - count).is_some_and(|head| head.ends_with("s:"));
    count > 0 && is_string && !string.contains("\";") && !string.contains("\"%3")
}

/// Whether digits may be a number, whole or with a fraction: groups of them are text.
fn is_number(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").or_else(|| value.strip_prefix(b"+")).unwrap_or(value);
    let points = digits.iter().filter(|byte| **byte == b'.').count();
    points < 2 && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// What `<` is written as: plainly, and in escapes of every kind.
const TAGS: [&[u8]; 6] = [b"<", b"u003c", b"x3c", b"%3c", b"&lt;", b"&#60;"];

/// Whether a tag or a comment parts the value.
fn has_tags(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    TAGS.iter().any(|tag| memchr::memmem::find(&value, tag).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_where_a_text_may_be_longer_and_a_number_stays_one() {
        let json = Some("application/json");
        let form = Some(FORM);
        let plain = Some("[REDACTED:payment.pan]");
        let escaped = Some("%5BREDACTED%3Apayment.pan%5D");
        let cases = [
            (json, false, "{\"card\":\"", "4539148803436467", plain),
            (json, false, "{\"note\":\"card ", "4539148803436467", plain),
            (json, false, "{\"card\":", "4539148803436467", None),
            (json, false, "[1, ", "4539148803436467", None),
            (json, true, "{\"url\":\"/?c=", "%34539148803436467", escaped),
            (Some("application/problem+json"), false, "\"", "4539 1488 0343 6467", plain),
            (Some("image/svg+xml"), false, "<text>", "4539 1488 0343 6467", plain),
            (Some("text/csv"), false, "1,", "4539148803436467", None),
            (Some("text/csv"), false, "1,", "45391488034364.67", None),
            (Some("text/csv"), false, "1,", "4539-1488-0343-6467", plain),
            (Some("text/html"), false, "<p>", "536-90-4399", plain),
            (Some("text/csv"), false, "1,", "4539 1488 0343 6467", plain),
            (Some("text/html"), false, "<b>", "45391488</b>03436467", None),
            (Some("text/html"), false, "<p>", "4539 &lt;b&gt;1488 0343 6467", None),
            (json, false, "\"", "4539 \\u003Cb>1488 0343 6467", None),
            (form, false, "card=", "45391488%3Cb%3E03436467", None),
            (form, false, "card=", "4539148803436467", escaped),
            (json, false, r#"{"option":"a:1:{s:3:\"ssn\";s:11:\""#, "536-90-4399", None),
            (json, false, r#"{"option":"a:1:{s:3:\"ssn\";s:30:\"my number is "#, "536-90-4399", None),
            (json, false, r#"{"option":"s:3:\"ssn\";","note":""#, "536-90-4399", plain),
            (json, false, r#"{"ss:1":"x","note":""#, "536-90-4399", plain),
            (form, false, "option=s%3A11%3A%22", "536-90-4399", None),
            (Some("text/plain"), false, "s:11:\"", "536-90-4399", None),
            (form, false, "card=", "4539+1488+0343+6467", escaped),
            (Some("application/yaml"), false, "card: ", "4539 1488 0343 6467", None),
            (Some("multipart/form-data"), false, "\r\n", "4539 1488 0343 6467", None),
            (Some("application/grpc"), false, "", "4539 1488 0343 6467", None),
            (None, false, "\"", "4539 1488 0343 6467", None),
        ];
        for (media_type, percent, before, value, expected) in cases {
            let label = label("payment.pan", media_type, percent, before.as_bytes(), value.as_bytes());
            let label = label.map(|label| String::from_utf8(label).unwrap());
            assert_eq!(label.as_deref(), expected, "{media_type:?} {before}{value}");
        }
    }
}
