//! Whether a text is a form (`k=v&k=v`), where `+` stands for a space: as declared, or as it is written from its first byte
//! on.

/// Longest first key of a text that nobody calls a form.
const KEY: u64 = 64;

/// What is known of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is none, or was one until before this offset.
    Until(u64),
    /// So many bytes of its first key, or more.
    Key(u64),
    /// It is one so far.
    Written,
    Declared,
}

/// Whether a text that begins so may be a form. Those who send JSON by `curl -d` declare one, too.
pub(super) fn begins(opening: &[u8], declared: bool) -> bool {
    let opening = opening.get(..opening.len().min(super::OPENING)).unwrap_or_default();
    if declared {
        let first = opening.iter().find(|byte| !byte.is_ascii_whitespace());
        return first.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'%' | b'$'));
    }
    let key = opening.iter().take_while(|byte| is_key(**byte)).count();
    key > 0
        && opening.get(key).is_none_or(|byte| *byte == b'=')
        && opening.iter().all(|byte| is_written(*byte))
}

impl Form {
    pub(super) fn new(declared: bool) -> Form {
        if declared { Form::Declared } else { Form::Key(0) }
    }

    /// The text goes on with `chunk` at this offset.
    pub(super) fn push(&mut self, chunk: &[u8], at: u64) {
        let mut rest = chunk;
        if let Form::Key(length) = *self {
            let key = rest.iter().take_while(|byte| is_key(**byte)).count();
            let length = length + key as u64;
            *self = match rest.get(key) {
                _ if length > KEY => Form::Until(0),
                None => Form::Key(length),
                Some(b'=') if length > 0 => Form::Written,
                Some(_) => Form::Until(0),
            };
            rest = rest.get(key..).unwrap_or_default();
        }
        if *self == Form::Written
            && let Some(end) = rest.iter().position(|byte| !is_written(*byte))
        {
            *self = Form::Until(at + (chunk.len() - rest.len() + end) as u64);
        }
    }

    /// Whether `+` stands for a space at this offset of what was pushed.
    pub(super) fn holds(self, at: u64) -> bool {
        match self {
            Form::Until(end) => at < end,
            Form::Key(_) => false,
            Form::Written | Form::Declared => true,
        }
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'$')
}

/// What a form is written in by any of those who write them.
fn is_written(byte: u8) -> bool {
    is_key(byte)
        || matches!(
            byte,
            b'=' | b'&'
                | b'+'
                | b'*'
                | b'~'
                | b'!'
                | b'\''
                | b'('
                | b')'
                | b'@'
                | b':'
                | b'/'
                | b'?'
                | b','
                | b';'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_by_declaration_and_by_shape() {
        // Text, declared; how much of it is a form.
        let cases: [(&str, bool, usize); 12] = [
            ("a=b+c&d=e", false, 9),
            ("a=b+c", true, 5),
            ("note=my+ssn rest=a+b", false, 11),
            ("{\"a\":\"b+c\"}", true, 0),
            ("<a b=\"c+d\">", true, 0),
            ("-----BEGIN X-----\na+b", true, 0),
            ("a+b=c+d", false, 0),
            ("1+1=2", false, 0),
            ("=a+b", false, 0),
            ("hello, a=b+c", false, 0),
            ("user%5Bname%5D=a+b", false, 18),
            ("", true, 0),
        ];
        for (text, declared, expected) in cases {
            for cut in 0..=text.len() {
                let mut form = Form::new(declared);
                let (a, b) = text.as_bytes().split_at(cut);
                form.push(a, 0);
                form.push(b, cut as u64);
                let is_form = begins(text.as_bytes(), declared);
                let count = (0..text.len()).filter(|at| is_form && form.holds(*at as u64)).count();
                assert_eq!(count, expected, "{text} cut at {cut}");
            }
        }
        let mut form = Form::new(false);
        form.push(format!("{}=a+b", "k".repeat(65)).as_bytes(), 0);
        assert!(!form.holds(67));
    }
}
