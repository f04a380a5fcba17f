//! What is said to a client before its response: that its body is awaited, and what an upstream says early.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, Response, StatusCode, header};

use crate::limits;

/// Shared by whoever judges an exchange and whoever writes to its client; both are polled by one task.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Interim {
    /// The client waits to be asked for its body (RFC 9110, section 10.1.1).
    expected: bool,
    asked: AtomicBool,
    hints: Mutex<Vec<HeaderMap>>,
}

impl Interim {
    pub(super) fn new(expected: bool) -> Interim {
        Interim { expected, ..Interim::default() }
    }

    /// The head may pass: the body is wanted.
    pub(super) fn ask(&self) {
        self.asked.store(self.expected, Ordering::Relaxed);
    }

    /// Early hints of the upstream (RFC 8297): what may be fetched ahead, and nothing else of what it says.
    pub(in crate::proxy) fn hint(&self, fields: HeaderMap) {
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        if hints.len() < limits::INFORMATIONAL_HEADS {
            hints.push(fields);
        }
    }

    /// What is to be said now. Of hints, links alone go on, if they may.
    pub(super) fn take(&self, may_pass: impl Fn(&str) -> bool) -> Vec<Response<()>> {
        let informational = |status, fields| {
            let mut response = Response::new(());
            *response.status_mut() = status;
            *response.headers_mut() = fields;
            response
        };
        let mut said = Vec::new();
        if self.asked.swap(false, Ordering::Relaxed) {
            said.push(informational(StatusCode::CONTINUE, HeaderMap::new()));
        }
        let hints = std::mem::take(&mut *self.hints.lock().unwrap_or_else(PoisonError::into_inner));
        for hint in hints {
            let links = hint.get_all(header::LINK).iter().filter(|link| link.to_str().is_ok_and(&may_pass));
            let links: HeaderMap = links.map(|link| (header::LINK, link.clone())).collect();
            if !links.is_empty() {
                said.push(informational(StatusCode::EARLY_HINTS, links));
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_asked_for_once_and_hints_are_bounded() {
        let interim = Interim::new(true);
        let take = |interim: &Interim| interim.take(|text| !text.contains("secret"));
        assert!(take(&interim).is_empty());
        interim.ask();
        let hint = |fields: [(_, &str); 2]| {
            fields.map(|(name, value)| (name, value.parse().unwrap())).into_iter().collect()
        };
        for _ in 0..100 {
            interim.hint(hint([(header::LINK, "</a.css>"), (header::SERVER, "x")]));
        }
        let said = take(&interim);
        assert_eq!(said[0].status(), 100);
        assert_eq!(said.len(), 1 + limits::INFORMATIONAL_HEADS);
        assert!(said[1].headers().contains_key("link") && said[1].headers().len() == 1);
        assert!(take(&interim).is_empty());
        interim.hint(hint([(header::LINK, "</secret>"), (header::SERVER, "x")]));
        assert!(take(&interim).is_empty(), "nothing of it may pass");
        let other = Interim::new(false);
        other.ask();
        assert!(take(&other).is_empty(), "nobody waits for it");
    }
}
