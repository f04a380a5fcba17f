//! Parameters of a field (RFC 9110, section 5.6.6), for whoever may read them in another way.

use std::borrow::Cow;

/// Values that are told; who says more means to be misread.
const MOST: usize = 8;

/// What a field says under a name, to those who mind quotes and to those who do not.
#[derive(Debug, Default)]
pub struct Said<'v> {
    /// In order, each once.
    pub values: Vec<Cow<'v, [u8]>>,
    /// Whether there are more, or one is given in pieces or in a charset of its own (RFC 2231), which HTTP does not have.
    pub extended: bool,
}

impl<'v> Said<'v> {
    fn add(&mut self, wanted: &str, name: &[u8], value: Cow<'v, [u8]>) {
        let Some((own, rest)) = name.split_at_checked(wanted.len()) else { return };
        if !own.eq_ignore_ascii_case(wanted.as_bytes()) {
            return;
        }
        match rest {
            [b'*', ..] => self.extended = true,
            [] if value.is_empty() || self.values.contains(&value) => {}
            [] if self.values.len() == MOST => self.extended = true,
            [] => self.values.push(value),
            _ => {}
        }
    }

    /// Whether readers may differ about the value.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        self.extended || self.values.len() > 1
    }
}

/// What `field` says under `wanted`.
#[must_use]
pub fn parameter<'v>(field: &'v [u8], wanted: &str) -> Said<'v> {
    let mut said = Said::default();
    let Some(mark) = memchr::memchr(b';', field) else { return said };
    let rest = field.get(mark + 1..).unwrap_or_default();
    for pair in rest.split(|byte| *byte == b';') {
        if let Some((name, value)) = halves(pair) {
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            said.add(wanted, name, Cow::Borrowed(value.strip_suffix(b"\"").unwrap_or(value)));
        }
    }
    if memchr::memchr(b'"', rest).is_some() {
        quoted(rest, &mut |name, value| said.add(wanted, name, Cow::Owned(value)));
    }
    said
}

/// The values of a field that holds several, or may for some readers; a comma between quotes parts none.
pub fn listed(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (is_list, mut quoted) = (memchr::memchr(b',', field).is_some(), false);
    field.split(move |byte| {
        quoted ^= *byte == b'"';
        is_list && *byte == b',' && !quoted
    })
}

/// What types of content declare to part their parts.
#[derive(Debug, Default)]
pub struct Parted {
    /// One, and what it is for those who part no values at commas.
    pub boundaries: Vec<Box<[u8]>>,
    /// Whether it is said in more ways than that.
    pub is_unclear: bool,
}

/// Reads all that is said of one body's type: whoever takes one of it for `multipart` finds the boundary anywhere.
pub fn parted<'v>(types: impl Iterator<Item = &'v [u8]> + Clone) -> Parted {
    let is_multipart = |value: &[u8]| {
        let kind = value.trim_ascii_start().split_at_checked(b"multipart/".len());
        kind.is_some_and(|(kind, _)| kind.eq_ignore_ascii_case(b"multipart/"))
    };
    let mut parted = Parted::default();
    if !types.clone().any(|value| value.split(|byte| *byte == b',').any(is_multipart)) {
        return parted;
    }
    for said in types.clone().flat_map(listed).map(|value| parameter(value, "boundary")) {
        parted.is_unclear |= said.extended;
        parted.add(said);
    }
    parted.is_unclear |= parted.boundaries.len() > 1;
    let whole = types.fold(Vec::new(), |all: Vec<u8>, value| match all.is_empty() {
        true => value.to_vec(),
        false => [&*all, b", ", value].concat(),
    });
    parted.add(parameter(&whole, "boundary"));
    parted.is_unclear |= parted.boundaries.len() > 2;
    parted
}

impl Parted {
    fn add(&mut self, said: Said<'_>) {
        for value in said.values.into_iter().map(|value| Box::from(value.into_owned())) {
            if !self.boundaries.contains(&value) {
                self.boundaries.push(value);
            }
        }
    }
}

fn halves(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let mark = memchr::memchr(b'=', pair)?;
    Some((pair.get(..mark)?.trim_ascii(), pair.get(mark + 1..)?.trim_ascii()))
}

/// Tells all pairs, where a quoted value may hold what else would part them.
fn quoted<'v>(mut rest: &'v [u8], tell: &mut dyn FnMut(&'v [u8], Vec<u8>)) {
    while let Some(mark) = memchr::memchr2(b'=', b';', rest) {
        let (name, behind) = (rest.get(..mark).unwrap_or_default(), rest.get(mark + 1..).unwrap_or_default());
        if rest.get(mark) == Some(&b';') {
            rest = behind;
            continue;
        }
        let start = behind.trim_ascii_start();
        let (value, behind) = match start.strip_prefix(b"\"") {
            Some(text) => unquoted(text),
            None => {
                let end = memchr::memchr(b';', start).unwrap_or(start.len());
                let (value, behind) = start.split_at_checked(end).unwrap_or((start, &[]));
                (value.trim_ascii_end().to_vec(), behind)
            }
        };
        tell(name.trim_ascii(), value);
        let next = memchr::memchr(b';', behind).map_or(behind.len(), |mark| mark + 1);
        rest = behind.get(next..).unwrap_or_default();
    }
}

/// What stands before the quote that ends it, and what behind.
fn unquoted(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut value, mut bytes) = (Vec::new(), text.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => value.extend(bytes.next()),
            byte => value.push(*byte),
        }
    }
    (value, bytes.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_decoy_hides_what_a_reader_without_quotes_goes_by(
            decoy in "([ -~]|b=|[\"\\\\;]){0,40}", value in "[a-z0-9]{1,12}", noise in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let said = parameter(&noise, "b");
            prop_assert!(said.values.len() <= MOST);
            let field = format!("text/plain;{decoy};b={value}");
            let said = parameter(field.as_bytes(), "b");
            prop_assert!(said.extended || said.values.iter().any(|told| **told == *value.as_bytes()));
        }
    }

    #[test]
    fn a_boundary_is_told_to_whoever_may_go_by_it() {
        let cases: [(&[&str], &[&str], bool); 20] = [
            (&[], &[], false),
            (&["text/plain; boundary=B"], &[], false),
            (&["multipart/mixed"], &[], false),
            (&["Multipart/Mixed; boundary=B"], &["B"], false),
            (&["multipart/mixed; boundary=\"a,b\""], &["a,b"], false),
            (&["multipart/mixed; boundary=B, text/plain"], &["B", "B, text/plain"], false),
            (&["multipart/mixed; boundary=B,text/plain;q=1"], &["B", "B,text/plain"], false),
            (&["multipart/mixed; boundary=\"B\", text/plain"], &["B", "B\", text/plain"], false),
            (&["text/plain, multipart/mixed; boundary=B"], &["B"], false),
            (&["text/plain,\tmultipart/mixed; boundary=B"], &["B"], false),
            (&["multipart/mixed, text/plain; boundary=B"], &["B"], false),
            (&["text/plain; x=\", multipart/mixed; boundary=B"], &["B"], false),
            (&["text/plain", "multipart/mixed; boundary=B"], &["B"], false),
            (&["multipart/mixed; boundary=B", "text/plain"], &["B", "B, text/plain"], false),
            (&["multipart/mixed", "text/plain; boundary=B"], &["B"], false),
            (
                &["multipart/mixed; boundary=B", "multipart/mixed; boundary=B"],
                &["B", "B, multipart/mixed"],
                false,
            ),
            (&["multipart/mixed; boundary=B, multipart/mixed; boundary=C"], &["B", "C"], true),
            (&["multipart/mixed; boundary=B", "multipart/mixed; boundary=C"], &["B", "C"], true),
            (&["multipart/mixed; boundary=B; boundary=C"], &["B", "C"], true),
            (&["multipart/mixed; boundary*=''B, text/plain"], &[], true),
        ];
        for (types, boundaries, is_unclear) in cases {
            let parted = parted(types.iter().map(|value| value.as_bytes()));
            let told: Vec<_> = parted.boundaries.iter().map(|told| String::from_utf8_lossy(told)).collect();
            assert_eq!(parted.is_unclear, is_unclear, "{types:?}");
            let told = told.get(..boundaries.len()).unwrap_or(&told);
            assert_eq!(told, boundaries, "{types:?}");
            assert!(is_unclear || parted.boundaries.len() == boundaries.len(), "{types:?}");
        }
    }

    #[test]
    fn what_readers_may_differ_about_is_told() {
        let cases: [(&[u8], &[&str], bool); 20] = [
            (b"text/plain", &[], false),
            (b"text/plain; q=b7", &[], false),
            (b"text/plain;b=b7", &["b7"], false),
            (b"text/plain ; B = b7 ;", &["b7"], false),
            (b"text/plain; b=\"b7\"", &["b7"], false),
            (b"text/plain; b=\"b 7\"; c=\"x\"", &["b 7"], false),
            (b"text/plain; b=b7; b=b7; b=\"b7\"", &["b7"], false),
            (b"text/plain; b=\"\"", &[], false),
            (b"text/plain; b", &[], false),
            (b"text/plain; bb=b7", &[], false),
            (b"text/plain; x=\xe9; b=b7", &["b7"], false),
            (b"text/plain; x=\"a\\\"; y\"; b=b7", &["b7"], false),
            (b"text/plain; x=\"a; c=1; d=\"; b=b7", &["b7"], false),
            (b"text/plain; b=b7; b=b8", &["b7", "b8"], true),
            (b"text/plain; x=\"; b=b7; y=\"; b=b8", &["b7", "b8"], true),
            (b"text/plain; b=\"b;7\"", &["b", "b;7"], true),
            (b"text/plain; b=\"b\\7\"", &["b\\7", "b7"], true),
            (b"text/plain; b*=us-ascii''b7", &[], true),
            (b"text/plain; b*0=b; b*1=7", &[], true),
            (b"text/plain; b=b7; B*=''b8", &["b7"], true),
        ];
        for (field, values, unclear) in cases {
            let said = parameter(field, "b");
            let told: Vec<_> = said.values.iter().map(|value| value.escape_ascii().to_string()).collect();
            let values: Vec<_> =
                values.iter().map(|value| value.as_bytes().escape_ascii().to_string()).collect();
            assert_eq!((told, said.is_unclear()), (values, unclear), "{}", field.escape_ascii());
        }
        let many: String = (0..10_000).map(|number| format!(";b={number}")).collect();
        let said = parameter(many.as_bytes(), "b");
        assert_eq!((said.values.len(), said.extended), (MOST, true));
    }
}
