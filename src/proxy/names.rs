//! Where a request goes: what CONNECT, SNI, request target and `Host` say must agree.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::HeaderMap;
use http::{Method, StatusCode, Uri, header};

use super::way::Routes;
use crate::flow::{Destination, Host, HostError, Scheme};

/// How the requests of a connection name their destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Each request names it in full (RFC 9112, section 3.2.2).
    Absolute,
    /// A tunnel was asked for; every request in it goes to the tunnel's end.
    Tunnel(Destination),
    /// Each names its host; all go where the connection was going.
    Original(SocketAddr),
    /// Each names its host; where it goes is configured.
    Reverse(Arc<Routes>),
    /// A tunnel was asked for, and its TLS names another host: nothing in it goes anywhere.
    Fronted(Destination),
}

/// Why it can't be told where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameError {
    /// A request for an origin, sent to a proxy.
    OriginForm,
    /// `https://` over a connection in clear text.
    CleartextHttps,
    Scheme,
    /// `*`, which names a server as a whole, and not in OPTIONS.
    Asterisk,
    /// CONNECT on a connection that carries requests.
    LateConnect,
    MissingHost,
    ManyHosts,
    BadAuthority,
    BadHost(HostError),
    /// `Host` and request target disagree.
    Target,
    /// `Host` or target name another host than the tunnel.
    Tunnel,
    /// SNI names another host than CONNECT.
    Sni,
    /// `Host` names another port than the connection was going to.
    Redirected,
    /// A reverse listener leads nowhere for this host.
    NotServed,
}

impl NameError {
    pub(super) fn status(self) -> StatusCode {
        match self {
            NameError::Tunnel | NameError::Sni | NameError::Redirected | NameError::NotServed => {
                StatusCode::MISDIRECTED_REQUEST
            }
            NameError::OriginForm
            | NameError::CleartextHttps
            | NameError::Scheme
            | NameError::Asterisk
            | NameError::LateConnect
            | NameError::MissingHost
            | NameError::ManyHosts
            | NameError::BadAuthority
            | NameError::BadHost(_)
            | NameError::Target => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            NameError::OriginForm => "not_a_proxy_request",
            NameError::CleartextHttps => "cleartext_https",
            NameError::Scheme => "scheme",
            NameError::Asterisk => "asterisk",
            NameError::LateConnect => "late_connect",
            NameError::MissingHost => "missing_host",
            NameError::ManyHosts => "many_hosts",
            NameError::BadAuthority => "bad_authority",
            NameError::BadHost(_) => "bad_host",
            NameError::Target => "target_host_mismatch",
            NameError::Tunnel => "tunnel_host_mismatch",
            NameError::Sni => "sni_mismatch",
            NameError::Redirected => "redirected_port_mismatch",
            NameError::NotServed => "host_not_served",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::OriginForm => {
                "this is a proxy: name it in the client's proxy setting (http_proxy, https_proxy) instead of \
                 sending it requests for an origin"
            }
            NameError::CleartextHttps => {
                "client asked for an https:// URL over a connection in clear text; clients reach https origins \
                 through CONNECT"
            }
            NameError::Scheme => "client asked for a URL whose scheme is neither http nor https",
            NameError::Asterisk => "client asked for `*`, which only OPTIONS may (RFC 9112, section 3.2.4)",
            NameError::LateConnect => "client sent CONNECT on a connection that already carries requests",
            NameError::MissingHost => "client sent no Host field (RFC 9112, section 3.2)",
            NameError::ManyHosts => "client sent more than one Host field",
            NameError::BadAuthority => "client sent a host and port that cannot be read",
            NameError::BadHost(error) => return error.fmt(f),
            NameError::Target => "client sent a Host field that differs from the request target",
            NameError::Tunnel => "client sent a request for another host than its tunnel was opened to",
            NameError::Sni => "client sent a TLS server name that differs from the host of its CONNECT",
            NameError::Redirected => "client sent a Host field whose port is not the one it connected to",
            NameError::NotServed => "client asked for a host that this listener does not serve",
        })
    }
}

/// A host with the port that was written after it.
pub(super) type Authority = (Host, Option<u16>);

/// Reads `host[:port]`; user information is refused, since nobody has a good reason to send it.
pub(super) fn authority(text: &str) -> Result<Authority, NameError> {
    let bracket = text.rfind(']').unwrap_or(0);
    let (host, port) = match text.rfind(':') {
        Some(colon) if colon > bracket || !text.starts_with('[') => {
            let (host, port) = text.split_at_checked(colon).ok_or(NameError::BadAuthority)?;
            (host, Some(port.strip_prefix(':').unwrap_or(port)))
        }
        _ => (text, None),
    };
    if host.contains(':') && !host.starts_with('[') {
        return Err(NameError::BadAuthority);
    }
    let port = match port {
        None | Some("") => None,
        Some(digits) if digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port != 0).ok_or(NameError::BadAuthority)?)
        }
        Some(_) => return Err(NameError::BadAuthority),
    };
    Ok((host.parse().map_err(NameError::BadHost)?, port))
}

/// The destination of one request.
pub(super) fn destination(
    entry: &Entry,
    method: &Method,
    target: &Uri,
    fields: &HeaderMap,
) -> Result<Destination, NameError> {
    if *method == Method::CONNECT {
        return Err(NameError::LateConnect);
    }
    if target.path() == "*" && *method != Method::OPTIONS {
        return Err(NameError::Asterisk);
    }
    if let Entry::Tunnel(tunnel) = entry
        && target.authority().is_none()
        && is_only_host(tunnel, fields)
    {
        // As nearly all requests in a tunnel are.
        return Ok(tunnel.clone());
    }
    let host = host_field(fields)?;
    match entry {
        Entry::Fronted(_) => Err(NameError::Sni),
        Entry::Absolute => absolute(target, host),
        Entry::Original(original) => redirected(target, host, *original),
        Entry::Reverse(routes) => {
            if !matches!(target.scheme_str(), None | Some("http" | "https")) {
                return Err(NameError::Scheme);
            }
            let host = named(target, host)?.map(|(host, _)| host);
            routes.to(host.as_ref()).cloned().ok_or(NameError::NotServed)
        }
        Entry::Tunnel(tunnel) => {
            let named = match target.authority() {
                Some(authority) if target.scheme_str() == Some(tunnel.scheme.as_str()) => {
                    Some(self::authority(authority.as_str())?)
                }
                Some(_) => return Err(NameError::Tunnel),
                None => None,
            };
            let agrees = |(host, port): &Authority| {
                // A client that leaves the port out means the tunnel's: it can't reach another one.
                *host == tunnel.host && port.is_none_or(|port| port == tunnel.port)
            };
            match named.iter().chain(host.iter()).all(agrees) {
                true => Ok(tunnel.clone()),
                false => Err(NameError::Tunnel),
            }
        }
    }
}

/// What target and `Host` name together; both may be left out.
fn named(target: &Uri, host: Option<Authority>) -> Result<Option<Authority>, NameError> {
    let Some(authority) = target.authority() else { return Ok(host) };
    let (name, port) = self::authority(authority.as_str())?;
    let agrees = |(host, given): &Authority| {
        *host == name && given.is_none_or(|given| port.is_none_or(|port| given == port))
    };
    if host.as_ref().is_some_and(|host| !agrees(host)) {
        return Err(NameError::Target);
    }
    Ok(Some((name, port)))
}

/// The name is the client's word; the address is not.
fn redirected(target: &Uri, host: Option<Authority>, original: SocketAddr) -> Result<Destination, NameError> {
    match target.scheme_str() {
        None | Some("http") => {}
        Some("https") => return Err(NameError::CleartextHttps),
        Some(_) => return Err(NameError::Scheme),
    }
    let (host, port) = named(target, host)?.unwrap_or((Host::Ip(original.ip()), None));
    if port.is_some_and(|port| port != original.port()) {
        return Err(NameError::Redirected);
    }
    Ok(Destination { scheme: Scheme::Http, host, port: original.port() })
}

fn absolute(target: &Uri, host: Option<Authority>) -> Result<Destination, NameError> {
    let (Some(scheme), Some(authority)) = (target.scheme_str(), target.authority()) else {
        return Err(NameError::OriginForm);
    };
    match scheme {
        "http" => {}
        "https" => return Err(NameError::CleartextHttps),
        _ => return Err(NameError::Scheme),
    }
    let scheme = Scheme::Http;
    let (name, port) = self::authority(authority.as_str())?;
    let port = port.unwrap_or(scheme.default_port());
    let agrees =
        host.is_none_or(|(host, given)| host == name && given.unwrap_or(scheme.default_port()) == port);
    if !agrees {
        return Err(NameError::Target);
    }
    Ok(Destination { scheme, host: name, port })
}

/// The one `Host` field; its absence is HTTP/1.0's, and HTTP/1.1's is refused before this.
fn host_field(fields: &HeaderMap) -> Result<Option<Authority>, NameError> {
    let mut values = fields.get_all(header::HOST).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(NameError::ManyHosts);
    }
    let text = value.to_str().map_err(|_| NameError::BadAuthority)?;
    authority(text.trim()).map(Some)
}

/// Whether there is one `Host` field, and it names the destination as this gate would.
fn is_only_host(destination: &Destination, fields: &HeaderMap) -> bool {
    let mut values = fields.get_all(header::HOST).iter();
    let named = values.next().is_some_and(|value| is_host_value(destination, value.as_bytes()));
    named && values.next().is_none()
}

/// Whether a `Host` field says already what [`host_value`] would.
pub(super) fn is_host_value(destination: &Destination, value: &[u8]) -> bool {
    let Host::Name(name) = &destination.host else { return false };
    let port = value.strip_prefix(name.as_bytes());
    if destination.port == destination.scheme.default_port() {
        return port == Some(b"");
    }
    let digits = port.and_then(|port| port.strip_prefix(b":")).filter(|digits| !digits.starts_with(b"0"));
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0u16, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        })
    };
    digits.and_then(number) == Some(destination.port)
}

/// The `Host` field of a rebuilt head: the port only where it is not the scheme's own.
pub(super) fn host_value(destination: &Destination) -> String {
    match destination.port == destination.scheme.default_port() {
        true => destination.host.to_string(),
        false => destination.authority(),
    }
}

/// What a client wrote for a host, for the record of a request that has no destination; `head` is what could be
/// read of it.
pub(super) fn claimed(entry: &Entry, head: Option<(&Uri, &HeaderMap)>) -> (String, u16) {
    match entry {
        Entry::Tunnel(destination) | Entry::Fronted(destination) => {
            (destination.host.to_string(), destination.port)
        }
        Entry::Absolute | Entry::Original(_) | Entry::Reverse(_) => {
            let Some((target, fields)) = head else { return (String::new(), 0) };
            let host = target.host().map(str::to_owned);
            let field =
                || fields.get(header::HOST).map(|value| String::from_utf8_lossy(value.as_bytes()).into());
            (host.or_else(field).unwrap_or_default(), target.port_u16().unwrap_or(0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(hosts: &[&str]) -> HeaderMap {
        hosts.iter().map(|host| (header::HOST, host.parse().unwrap())).collect()
    }

    fn tunnel(scheme: Scheme, host: &str, port: u16) -> Entry {
        Entry::Tunnel(Destination { scheme, host: host.parse().unwrap(), port })
    }

    fn named(entry: &Entry, target: &str, hosts: &[&str]) -> Result<String, NameError> {
        destination(entry, &Method::GET, &target.parse().unwrap(), &fields(hosts))
            .map(|destination| format!("{} {}", destination.scheme.as_str(), destination.authority()))
    }

    #[test]
    fn an_explicit_listener_wants_whole_urls() {
        type Named = Result<&'static str, NameError>;
        let cases: [(&str, &[&str], Named); 11] = [
            ("http://a.example/x", &["a.example"], Ok("http a.example:80")),
            ("http://A.example.:8080/x", &["a.example:8080"], Ok("http a.example:8080")),
            ("http://a.example:80/", &["a.example"], Ok("http a.example:80")),
            ("http://a.example/", &[], Ok("http a.example:80")),
            ("http://[2001:db8::1]/", &["[2001:db8::1]"], Ok("http [2001:db8::1]:80")),
            ("/x", &["a.example"], Err(NameError::OriginForm)),
            ("https://a.example/", &["a.example"], Err(NameError::CleartextHttps)),
            ("ftp://a.example/", &["a.example"], Err(NameError::Scheme)),
            ("http://a.example/", &["b.example"], Err(NameError::Target)),
            ("http://a.example/", &["a.example", "a.example"], Err(NameError::ManyHosts)),
            ("http://user@a.example/", &[], Err(NameError::BadHost(HostError::BadByte))),
        ];
        for (target, hosts, expected) in cases {
            assert_eq!(
                named(&Entry::Absolute, target, hosts),
                expected.map(str::to_owned),
                "{target} {hosts:?}"
            );
        }
    }

    #[test]
    fn requests_in_a_tunnel_go_to_its_end_or_nowhere() {
        let https = tunnel(Scheme::Https, "a.example", 443);
        let odd = tunnel(Scheme::Https, "a.example", 8443);
        type Named = Result<&'static str, NameError>;
        let cases: [(&Entry, &str, &[&str], Named); 10] = [
            (&https, "/", &["a.example"], Ok("https a.example:443")),
            (&https, "/", &["A.EXAMPLE:443"], Ok("https a.example:443")),
            (&https, "/", &[], Ok("https a.example:443")),
            (&https, "https://a.example/", &["a.example"], Ok("https a.example:443")),
            (&https, "http://a.example/", &["a.example"], Err(NameError::Tunnel)),
            (&https, "https://b.example/", &["a.example"], Err(NameError::Tunnel)),
            (&https, "/", &["b.example"], Err(NameError::Tunnel)),
            (&https, "/", &["a.example:8443"], Err(NameError::Tunnel)),
            (&odd, "/", &["a.example:8443"], Ok("https a.example:8443")),
            (&odd, "*", &["a.example"], Err(NameError::Asterisk)),
        ];
        for (entry, target, hosts, expected) in cases {
            assert_eq!(named(entry, target, hosts), expected.map(str::to_owned), "{target} {hosts:?}");
        }
        let fields = fields(&["a.example"]);
        assert!(destination(&odd, &Method::OPTIONS, &Uri::from_static("*"), &fields).is_ok());
        let Entry::Tunnel(end) = https else { unreachable!() };
        assert_eq!(named(&Entry::Fronted(end), "/", &["a.example"]), Err(NameError::Sni));
        assert_eq!(NameError::Sni.status(), StatusCode::MISDIRECTED_REQUEST);
    }

    #[test]
    fn a_redirected_request_names_its_host_and_goes_where_it_was_going() {
        let at = Entry::Original("192.0.2.7:8080".parse().unwrap());
        type Named = Result<&'static str, NameError>;
        let cases: [(&str, &[&str], Named); 7] = [
            ("/", &["a.example"], Ok("http a.example:8080")),
            ("/", &["a.example:8080"], Ok("http a.example:8080")),
            ("/", &["a.example:80"], Err(NameError::Redirected)),
            ("/", &[], Ok("http 192.0.2.7:8080")),
            ("http://a.example/", &["a.example"], Ok("http a.example:8080")),
            ("http://a.example/", &["b.example"], Err(NameError::Target)),
            ("https://a.example/", &["a.example"], Err(NameError::CleartextHttps)),
        ];
        for (target, hosts, expected) in cases {
            assert_eq!(named(&at, target, hosts), expected.map(str::to_owned), "{target} {hosts:?}");
        }
        let routes = Routes {
            fixed: None,
            hosts: vec![(
                "a.example".parse().unwrap(),
                Destination { scheme: Scheme::Https, host: "b.example".parse().unwrap(), port: 8443 },
            )],
        };
        let reverse = Entry::Reverse(Arc::new(routes));
        assert_eq!(named(&reverse, "/", &["a.example"]), Ok("https b.example:8443".to_owned()));
        assert_eq!(named(&reverse, "/", &["c.example"]), Err(NameError::NotServed));
        assert_eq!(named(&reverse, "ftp://a.example/", &[]), Err(NameError::Scheme));
        assert_eq!(named(&reverse, "/", &[]), Err(NameError::NotServed));
    }

    #[test]
    fn authorities_are_read_strictly() {
        let bad = [
            "a.example:0",
            "a.example:65536",
            "a.example:+80",
            "a.example:80x",
            "::1",
            "[::1",
            "",
            ":80",
            "a b",
        ];
        for text in bad {
            assert!(authority(text).is_err(), "{text}");
        }
        assert_eq!(authority("[::1]:443").unwrap(), ("::1".parse().unwrap(), Some(443)));
        assert_eq!(authority("a.example:").unwrap(), ("a.example".parse().unwrap(), None));
    }

    #[test]
    fn a_rebuilt_host_names_the_port_only_where_it_matters() {
        let with = |scheme, port| Destination { scheme, host: "a.example".parse().unwrap(), port };
        assert_eq!(host_value(&with(Scheme::Https, 443)), "a.example");
        assert_eq!(host_value(&with(Scheme::Http, 443)), "a.example:443");
        for (said, port, holds) in [
            ("a.example", 443, true),
            ("a.example:8443", 8443, true),
            ("a.example:443", 443, false),
            ("A.example", 443, false),
            ("a.example.b", 443, false),
            ("a.example:", 8443, false),
            ("a.example:08443", 8443, false),
            ("a.example:+8443", 8443, false),
            ("a.example:73979", 8443, false),
            ("a.example", 8443, false),
        ] {
            let to = with(Scheme::Https, port);
            assert_eq!(is_host_value(&to, said.as_bytes()), holds, "{said}");
            assert!(!holds || host_value(&to) == said, "{said}");
        }
    }
}
