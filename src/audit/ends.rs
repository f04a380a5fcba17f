//! Both ends of a flow and what is spoken between them, as records say it: encoded once for all the records of a
//! connection, and copied into each. Taken to pieces it would be half of a record's cost.

use std::cell::RefCell;
use std::net::IpAddr;

use crate::audit::record::{Dialled, FlowFacts};
use crate::limits::{AUDIT_ENDS, AUDIT_SPARE_BYTES};

/// The text for these ends.
#[derive(Debug)]
struct Known {
    flow: FlowFacts,
    dialled: Option<Dialled>,
    text: Vec<u8>,
}

impl Known {
    /// Whether all that the text says is the same. Names every field, so that a new one asks where it belongs.
    fn is_of(&self, flow: &FlowFacts, dialled: Option<&Dialled>) -> bool {
        let FlowFacts {
            flow: _,
            tenant: _,
            listener,
            client,
            client_identity,
            client_certificate,
            host,
            port,
            group,
            http,
            tls_client,
            method: _,
            path_template: _,
            traceparent: _,
        } = &self.flow;
        *client == flow.client
            && *port == flow.port
            && *http == flow.http
            && *tls_client == flow.tls_client
            && self.dialled.as_ref() == dialled
            && *host == flow.host
            && *listener == flow.listener
            && *client_identity == flow.client_identity
            && *client_certificate == flow.client_certificate
            && *group == flow.group
    }
}

thread_local! {
    static KNOWN: RefCell<[Option<Known>; AUDIT_ENDS]> = const { RefCell::new([const { None }; AUDIT_ENDS]) };
}

/// Appends the text for these ends, if it is known.
pub(super) fn push(out: &mut Vec<u8>, flow: &FlowFacts, dialled: Option<&Dialled>) -> bool {
    let pushed = KNOWN.try_with(|known| {
        let known = known.borrow();
        let known = known.get(place(flow)).and_then(Option::as_ref);
        known.filter(|known| known.is_of(flow, dialled)).map(|known| out.extend_from_slice(&known.text))
    });
    matches!(pushed, Ok(Some(())))
}

/// Remembers the text for these ends.
pub(super) fn keep(flow: &FlowFacts, dialled: Option<&Dialled>, text: &[u8]) {
    if text.len() > AUDIT_SPARE_BYTES {
        return;
    }
    // A thread that ends remembers nothing.
    let _ = KNOWN.try_with(|known| {
        if let Some(place) = known.borrow_mut().get_mut(place(flow)) {
            let flow = FlowFacts { traceparent: None, ..flow.clone() };
            *place = Some(Known { flow, dialled: dialled.copied(), text: text.to_vec() });
        }
    });
}

/// Clients that talk at the same time seldom share a place.
fn place(flow: &FlowFacts) -> usize {
    let client = match flow.client {
        IpAddr::V4(address) => u32::from(address),
        IpAddr::V6(address) => u128::from(address) as u32,
    };
    let host = flow.host.bytes().fold(u32::from(flow.port), |sum, byte| sum.rotate_left(5) ^ u32::from(byte));
    let mixed = (client ^ host).wrapping_mul(0x9e37_79b1) >> 16;
    mixed as usize % AUDIT_ENDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::Draft;
    use crate::audit::tests::message;

    #[test]
    fn only_the_same_ends_are_known() {
        let Draft::Message(draft) = message(1) else { unreachable!() };
        let (flow, dialled) = ((*draft.flow).clone(), draft.dialled);
        let known = |flow: &FlowFacts, dialled: Option<Dialled>| {
            let mut out = b"before".to_vec();
            push(&mut out, flow, dialled.as_ref()).then(|| out.split_off(6))
        };
        assert_eq!(known(&flow, dialled), None);
        keep(&flow, dialled.as_ref(), b"text");
        assert_eq!(known(&flow, dialled).as_deref(), Some(b"text".as_slice()));
        // What is said elsewhere in a record may be another.
        let other = FlowFacts { method: "PUT".into(), tenant: "b".into(), ..flow.clone() };
        assert!(known(&other, dialled).is_some());
        let changes: [fn(&mut FlowFacts); 9] = [
            |flow| flow.listener = "other".into(),
            |flow| flow.client = IpAddr::from([9, 9, 9, 9]),
            |flow| flow.client_identity = Some("somebody".into()),
            |flow| flow.client_certificate = Some("somebody.test".into()),
            |flow| flow.host = "other.example".into(),
            |flow| flow.port += 1,
            |flow| flow.group = Some("group".into()),
            |flow| flow.http = None,
            |flow| flow.tls_client = None,
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut other = flow.clone();
            change(&mut other);
            assert_eq!(known(&other, dialled), None, "{number}");
        }
        let other = Dialled { address: IpAddr::from([9, 9, 9, 9]), tls: None, proven: false };
        for other in [None, Some(other)] {
            assert_eq!(known(&flow, other), None);
        }
        keep(&flow, dialled.as_ref(), &[b'x'; AUDIT_SPARE_BYTES + 1]);
        assert_eq!(known(&flow, dialled).as_deref(), Some(b"text".as_slice()));
    }
}
