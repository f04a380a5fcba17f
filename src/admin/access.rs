//! Who may ask the admin listener: the right Host always, the token for changes and off loopback.

use std::net::IpAddr;

use http::{HeaderMap, StatusCode, Uri, header};
use ring::{digest, hmac};

use crate::flow::Host;

/// Decides whether a request is answered.
#[derive(Debug)]
pub(super) struct Access {
    configured: IpAddr,
    /// The token is kept as a tag: comparing tags takes the same time whatever was sent.
    key: hmac::Key,
    tag: hmac::Tag,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Host,
    Token,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Refusal::Host => StatusCode::MISDIRECTED_REQUEST,
            Refusal::Token => StatusCode::UNAUTHORIZED,
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Refusal::Host => "the Host header must be the admin listener's own address or localhost\n",
            Refusal::Token => {
                "a token is needed for changes, and off loopback: Authorization: Bearer TOKEN ([admin] token)\n"
            }
        }
    }
}

impl Access {
    pub(super) fn new(configured: IpAddr, token: &str) -> Access {
        let key =
            hmac::Key::new(hmac::HMAC_SHA256, digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        let tag = hmac::sign(&key, token.as_bytes());
        Access { configured, key, tag }
    }

    /// `peer` and `local` are the two ends of the connection; `changes`: more is asked than to be told something.
    pub(super) fn judge(
        &self,
        peer: IpAddr,
        local: IpAddr,
        uri: &Uri,
        headers: &HeaderMap,
        changes: bool,
    ) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None, None) = (hosts.next(), hosts.next(), uri.authority()) else {
            return Err(Refusal::Host);
        };
        if !host.to_str().is_ok_and(|host| self.is_own(host, local)) {
            return Err(Refusal::Host);
        }
        let is_local = peer.to_canonical().is_loopback();
        if (is_local && !changes) || self.has_token(headers) { Ok(()) } else { Err(Refusal::Token) }
    }

    /// The port is left out: forwarded ports differ, and a page's own name never equals an address.
    fn is_own(&self, host: &str, local: IpAddr) -> bool {
        let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
        match authority.host().parse() {
            Ok(Host::Name(name)) => &*name == "localhost",
            Ok(Host::Ip(ip)) => {
                let ip = ip.to_canonical();
                ip == local.to_canonical() || (ip == self.configured.to_canonical() && !ip.is_unspecified())
            }
            Err(_) => false,
        }
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let sent = value.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        sent.is_some_and(|sent| hmac::verify(&self.key, sent.as_bytes(), self.tag.as_ref()).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn ask(peer: &str, uri: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
        let access = Access::new("10.0.0.5".parse().unwrap(), TOKEN);
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let (peer, local) = (peer.parse().unwrap(), "10.0.0.5".parse().unwrap());
        access.judge(peer, local, &uri.parse().unwrap(), &headers, uri.starts_with("/change"))
    }

    #[test]
    fn the_host_must_be_the_listeners_own() {
        for host in ["localhost", "LOCALHOST:9090", "10.0.0.5", "10.0.0.5:9090", "[::ffff:10.0.0.5]:1"] {
            assert_eq!(ask("127.0.0.1", "/livez", &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["evil.example", "10.0.0.6", "0.0.0.0", "", "localhost.evil.example", "a@localhost@b"] {
            assert_eq!(ask("127.0.0.1", "/livez", &[("host", host)]), Err(Refusal::Host), "{host}");
        }
        assert_eq!(ask("127.0.0.1", "/livez", &[]), Err(Refusal::Host));
        assert_eq!(
            ask("127.0.0.1", "/", &[("host", "localhost"), ("host", "localhost")]),
            Err(Refusal::Host)
        );
        assert_eq!(ask("127.0.0.1", "http://localhost/livez", &[("host", "localhost")]), Err(Refusal::Host));
    }

    #[test]
    fn off_loopback_the_token_is_needed() {
        let host = ("host", "10.0.0.5");
        assert_eq!(ask("10.0.0.9", "/metrics", &[host]), Err(Refusal::Token));
        for wrong in ["Bearer nope", "Bearer ", TOKEN, "Basic 0123"] {
            assert_eq!(
                ask("10.0.0.9", "/metrics", &[host, ("authorization", wrong)]),
                Err(Refusal::Token),
                "{wrong}"
            );
        }
        let right = format!("Bearer {TOKEN}");
        assert_eq!(ask("10.0.0.9", "/metrics", &[host, ("authorization", &right)]), Ok(()));
        assert_eq!(ask("::ffff:127.0.0.1", "/metrics", &[host]), Ok(()));
        assert_eq!(ask("127.0.0.1", "/change", &[host]), Err(Refusal::Token));
        assert_eq!(ask("127.0.0.1", "/change", &[host, ("authorization", &right)]), Ok(()));
    }
}
