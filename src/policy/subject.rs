//! The names that a client's certificate bears, and which of them stand for whom.

use std::fmt;

use crate::flow::Host;

/// One subject alternative name (RFC 5280, section 4.2.1.6) of a certificate that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectName {
    Dns(Box<str>),
    Uri(Box<str>),
    Email(Box<str>),
}

impl SubjectName {
    fn text(&self) -> &str {
        match self {
            SubjectName::Dns(text) | SubjectName::Uri(text) | SubjectName::Email(text) => text,
        }
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Which names stand for an identity: one, or all below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectPattern {
    /// Of a name with all below it: what stands before (of a URI) or behind it (of a host).
    name: SubjectName,
    below: bool,
}

impl SubjectPattern {
    /// `spiffe://corp.example/billing`, `spiffe://corp.example/ns/shop/*`, `billing.corp.example`, `*.corp.example`,
    /// `ops@corp.example`; the error says what is wrong.
    pub fn parse(text: &str) -> Result<SubjectPattern, String> {
        let wrong = |why: &dyn fmt::Display| {
            format!(
                "`{text}` is no name of a certificate ({why}); expected `spiffe://corp.example/billing`, \
                 `spiffe://corp.example/*`, `billing.corp.example`, `*.corp.example` or `ops@corp.example`"
            )
        };
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*');
        if let Some((scheme, rest)) = text.split_once("://") {
            let (rest, below) = match rest.strip_suffix("/*") {
                Some(rest) => (format!("{rest}/"), true),
                None => (rest.to_owned(), false),
            };
            if scheme.is_empty() || rest.is_empty() || rest.starts_with('/') || !is_plain(&rest) {
                return Err(wrong(&"not a URI"));
            }
            return Ok(SubjectPattern {
                name: SubjectName::Uri(uri(&format!("{scheme}://{rest}")).into()),
                below,
            });
        }
        if let Some((local, domain)) = text.split_once('@') {
            if local.is_empty() || domain.is_empty() || domain.contains('@') || !is_plain(text) {
                return Err(wrong(&"not a mail address"));
            }
            return Ok(SubjectPattern { name: SubjectName::Email(email(text).into()), below: false });
        }
        let (name, below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
        match name.parse::<Host>().map_err(|error| wrong(&error))? {
            Host::Name(name) if below => {
                Ok(SubjectPattern { name: SubjectName::Dns(format!(".{name}").into()), below })
            }
            Host::Name(name) => Ok(SubjectPattern { name: SubjectName::Dns((&*name).into()), below }),
            Host::Ip(_) => Err(wrong(&"an address stands among `clients`")),
        }
    }

    /// How closely it names `subject`, if it does: the name itself goes before all below one, and the longer of these
    /// before the shorter.
    pub(super) fn closeness(&self, subject: &SubjectName) -> Option<usize> {
        let is_named = match (&self.name, subject) {
            (SubjectName::Uri(own), SubjectName::Uri(theirs)) => {
                let theirs = uri(theirs);
                match self.below {
                    true => {
                        theirs.strip_prefix(&**own).is_some_and(|rest| !rest.is_empty() && !climbs(&theirs))
                    }
                    false => theirs == **own,
                }
            }
            (SubjectName::Dns(own), SubjectName::Dns(theirs)) => {
                let theirs = theirs.to_ascii_lowercase();
                match self.below {
                    true => theirs.strip_suffix(&**own).is_some_and(|rest| !rest.is_empty()),
                    false => theirs == **own,
                }
            }
            (SubjectName::Email(own), SubjectName::Email(theirs)) => email(theirs) == **own,
            (SubjectName::Dns(_) | SubjectName::Uri(_) | SubjectName::Email(_), _) => false,
        };
        is_named.then_some(if self.below { self.name.text().len() } else { usize::MAX })
    }
}

/// Scheme and authority know no case.
fn uri(text: &str) -> String {
    let authority = text.find("://").map_or(0, |at| at + 3);
    let path = text.get(authority..).and_then(|rest| rest.find('/')).map_or(text.len(), |at| authority + at);
    let (before, behind) = text.split_at_checked(path).unwrap_or((text, ""));
    before.to_ascii_lowercase() + behind
}

/// Whether a path could be read as leading elsewhere.
fn climbs(uri: &str) -> bool {
    uri.contains('%') || uri.split('/').any(|step| step == ".." || step == ".")
}

/// A domain knows no case, what stands before it may.
fn email(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> SubjectName {
        let text: Box<str> = text.into();
        match &text {
            text if text.contains("://") => SubjectName::Uri(text.clone()),
            text if text.contains('@') => SubjectName::Email(text.clone()),
            _ => SubjectName::Dns(text),
        }
    }

    #[test]
    fn a_name_stands_for_itself_or_for_all_below_it() {
        let cases = [
            ("billing.corp.test", "billing.corp.test", true),
            ("Billing.Corp.Test", "BILLING.corp.test", true),
            ("billing.corp.test", "x.billing.corp.test", false),
            ("billing.corp.test", "spiffe://billing.corp.test", false),
            ("*.corp.test", "a.b.corp.test", true),
            ("*.corp.test", "corp.test", false),
            ("*.corp.test", "evilcorp.test", false),
            ("spiffe://corp.test/billing", "SPIFFE://Corp.Test/billing", true),
            ("spiffe://corp.test/billing", "spiffe://corp.test/Billing", false),
            ("spiffe://corp.test/billing", "spiffe://corp.test/billing/x", false),
            ("spiffe://corp.test/ns/shop/*", "spiffe://corp.test/ns/shop/sa/web", true),
            ("spiffe://corp.test/ns/shop/*", "spiffe://corp.test/ns/shop/", false),
            ("spiffe://corp.test/ns/shop/*", "spiffe://corp.test/ns/shopping/sa/web", false),
            ("spiffe://corp.test/ns/shop/*", "spiffe://corp.test/ns/shop/../bank/sa/web", false),
            ("spiffe://corp.test/ns/shop/*", "spiffe://corp.test/ns/shop/%2e%2e/bank", false),
            ("spiffe://corp.test/*", "spiffe://corp.test.evil.test/x", false),
            ("ops@corp.test", "ops@CORP.test", true),
            ("ops@corp.test", "Ops@corp.test", false),
        ];
        for (pattern, name, expected) in cases {
            let pattern = SubjectPattern::parse(pattern).unwrap();
            assert_eq!(pattern.closeness(&subject(name)).is_some(), expected, "{pattern:?} {name}");
        }
    }

    #[test]
    fn the_name_itself_goes_first_then_the_longer() {
        let close =
            |pattern: &str| SubjectPattern::parse(pattern).unwrap().closeness(&subject("spiffe://c/a/b"));
        assert!(close("spiffe://c/a/b") > close("spiffe://c/a/*"));
        assert!(close("spiffe://c/a/*") > close("spiffe://c/*"));
    }

    #[test]
    fn what_is_no_name_is_said() {
        for text in [
            "",
            "*",
            "a b",
            "10.0.0.1",
            "*@corp.test",
            "@x",
            "a@b@c",
            "spiffe://",
            "spiffe:///x",
            "http://*/x",
        ] {
            let error = SubjectPattern::parse(text).expect_err(text);
            assert!(error.contains("is no name of a certificate"), "{error}");
        }
    }
}
