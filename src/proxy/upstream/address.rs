//! Which addresses may be dialled: public ones, and what the configuration allows beside them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use ipnet::IpNet;

/// What an address is for, by the IANA special-purpose registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AddressClass {
    Public,
    Loopback,
    Private,
    LinkLocal,
    CarrierNat,
    Multicast,
    Unspecified,
    Documentation,
    Reserved,
    Nat64,
    SixToFour,
    Teredo,
    Metadata,
    Own,
}

impl AddressClass {
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            AddressClass::Public => "public",
            AddressClass::Loopback => "loopback",
            AddressClass::Private => "private",
            AddressClass::LinkLocal => "link_local",
            AddressClass::CarrierNat => "carrier_nat",
            AddressClass::Multicast => "multicast",
            AddressClass::Unspecified => "unspecified",
            AddressClass::Documentation => "documentation",
            AddressClass::Reserved => "reserved",
            AddressClass::Nat64 => "nat64",
            AddressClass::SixToFour => "6to4",
            AddressClass::Teredo => "teredo",
            AddressClass::Metadata => "metadata",
            AddressClass::Own => "own",
        }
    }

    /// Whether `upstream.allow_addresses` can lift the refusal.
    const fn can_be_allowed(self) -> bool {
        match self {
            AddressClass::Public
            | AddressClass::Loopback
            | AddressClass::Private
            | AddressClass::LinkLocal
            | AddressClass::CarrierNat
            | AddressClass::Documentation
            | AddressClass::Reserved
            | AddressClass::Nat64
            | AddressClass::SixToFour
            | AddressClass::Teredo => true,
            AddressClass::Multicast
            | AddressClass::Unspecified
            | AddressClass::Metadata
            | AddressClass::Own => false,
        }
    }
}

/// Services that hand credentials to whoever asks from the machine, by provider; nobody may be led to them.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254), // most clouds
    Ipv4Addr::new(169, 254, 170, 2),   // AWS, container credentials
    Ipv4Addr::new(169, 254, 170, 23),  // AWS, pod identity
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure, host agent
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
];
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),  // AWS, pod identity
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
];

/// An address that is not dialled, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressRefusal {
    pub(crate) address: SocketAddr,
    pub(crate) class: AddressClass,
}

impl fmt::Display for AddressRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.address.ip().to_canonical();
        match self.class {
            AddressClass::Own => {
                return write!(f, "address {} is a listener of this gate and is never dialled", self.address);
            }
            AddressClass::Metadata => {
                return write!(f, "address {ip} is a cloud metadata service and is never dialled");
            }
            class => write!(f, "address {ip} is not public ({})", class.as_str())?,
        }
        if self.class.can_be_allowed() {
            write!(f, "; `upstream.allow_addresses = [\"{}\"]` would allow it", IpNet::from(ip))?;
        }
        Ok(())
    }
}

impl std::error::Error for AddressRefusal {}

/// Decides, address by address, after resolution.
#[derive(Debug)]
pub(super) struct AddressGuard {
    allow: Vec<IpNet>,
    own: Vec<SocketAddr>,
}

impl AddressGuard {
    pub(super) fn new(allow: Vec<IpNet>, own: Vec<SocketAddr>) -> Self {
        AddressGuard { allow, own }
    }

    pub(super) fn check(&self, address: SocketAddr) -> Result<(), AddressRefusal> {
        let refuse = |class| Err(AddressRefusal { address, class });
        let ip = address.ip().to_canonical();
        // What a translator on the way would turn it into is checked as well.
        let inner = match ip {
            IpAddr::V4(_) => [None, None],
            IpAddr::V6(ip) => embedded(ip),
        };
        let mut faces = inner.into_iter().flatten().map(IpAddr::V4).chain([ip]);
        if faces.clone().any(is_metadata) {
            return refuse(AddressClass::Metadata);
        }
        if faces.clone().any(|face| self.is_own(face, address.port())) {
            return refuse(AddressClass::Own);
        }
        let class = classify(ip);
        if class == AddressClass::Public {
            return Ok(());
        }
        let listed = faces.any(|face| self.allow.iter().any(|net| net.contains(&face)));
        if listed && class.can_be_allowed() { Ok(()) } else { refuse(class) }
    }

    /// An address that the configuration itself leads to: its class is the operator's choice, but nothing leads to the
    /// gate's own listeners or to cloud metadata.
    pub(super) fn check_named(&self, address: SocketAddr) -> Result<(), AddressRefusal> {
        match self.check(address) {
            Err(refusal) if refusal.class.can_be_allowed() => Ok(()),
            checked => checked,
        }
    }

    /// Whether it is a listener of this gate.
    pub(super) fn is_own(&self, ip: IpAddr, port: u16) -> bool {
        self.own.iter().filter(|own| own.port() == port).any(|own| {
            let bound = own.ip().to_canonical();
            bound == ip || (bound.is_unspecified() && is_local(ip))
        })
    }
}

/// Whether `ip` is an address of this machine. Only those can be bound, which needs no list of interfaces that
/// might be stale.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

/// Whether nothing may lead to `ip`: it is a cloud's metadata service.
#[must_use]
pub fn never_dialled(ip: IpAddr) -> bool {
    is_metadata(ip.to_canonical())
}

fn is_metadata(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => METADATA_V4.contains(&ip),
        IpAddr::V6(ip) => METADATA_V6.contains(&ip),
    }
}

/// IPv4 addresses that a packet to `ip` may end up at, by way of a translator or a tunnel.
fn embedded(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        // IPv4-compatible (RFC 4291, section 2.5.5.1), mapped and translated (RFC 2765).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            [Some(join(high, low)), None]
        }
        // NAT64 (RFC 6052); under the local prefix (RFC 8215) its place varies, the commonest is looked at.
        [0x64, 0xff9b, 0 | 1, _, _, _, high, low] => [Some(join(high, low)), None],
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => [Some(join(high, low)), None],
        // Teredo (RFC 4380): the server, and the client with its bits turned.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            [Some(join(high, low)), Some(join(!client_high, !client_low))]
        }
        _ => [None, None],
    }
}

/// The class of an address by itself.
pub(super) fn classify(ip: IpAddr) -> AddressClass {
    match ip.to_canonical() {
        IpAddr::V4(ip) if METADATA_V4.contains(&ip) => AddressClass::Metadata,
        IpAddr::V6(ip) if METADATA_V6.contains(&ip) => AddressClass::Metadata,
        IpAddr::V4(ip) => classify_v4(ip),
        IpAddr::V6(ip) => classify_v6(ip),
    }
}

fn classify_v4(ip: Ipv4Addr) -> AddressClass {
    match ip.octets() {
        [0, ..] => AddressClass::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::CarrierNat,
        [127, ..] => AddressClass::Loopback,
        [169, 254, ..] => AddressClass::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [224..=239, ..] | [255, 255, 255, 255] => AddressClass::Multicast,
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> AddressClass {
    let inner =
        || embedded(ip).into_iter().flatten().map(classify_v4).next().unwrap_or(AddressClass::Reserved);
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // The well-known NAT64 prefix is how IPv6-only networks reach the public IPv4 Internet.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => inner(),
        [0x64, 0xff9b, 1, ..] => AddressClass::Nat64,
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => match inner() {
            AddressClass::Public => AddressClass::Reserved,
            class => class,
        },
        [0x2002, ..] => AddressClass::SixToFour,
        [0x2001, 0, ..] => AddressClass::Teredo,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressClass::Documentation,
        [0x2001, 1..=0x01ff, ..] => AddressClass::Reserved,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, port: u16) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), port)
    }

    #[test]
    fn every_class_is_known() {
        use AddressClass as C;
        let cases = [
            ("93.184.216.34", C::Public),
            ("2606:2800:220:1::1", C::Public),
            ("127.0.0.1", C::Loopback),
            ("127.255.0.9", C::Loopback),
            ("::1", C::Loopback),
            ("::ffff:127.0.0.1", C::Loopback),
            ("::127.0.0.1", C::Loopback),
            ("::ffff:0:127.0.0.1", C::Loopback),
            ("10.1.2.3", C::Private),
            ("172.16.0.1", C::Private),
            ("172.31.255.255", C::Private),
            ("172.32.0.1", C::Public),
            ("192.168.1.1", C::Private),
            ("::ffff:10.0.0.1", C::Private),
            ("fd12::1", C::Private),
            ("fec0::1", C::Private),
            ("169.254.1.1", C::LinkLocal),
            ("fe80::1", C::LinkLocal),
            ("100.64.0.1", C::CarrierNat),
            ("100.128.0.1", C::Public),
            ("224.0.0.1", C::Multicast),
            ("255.255.255.255", C::Multicast),
            ("ff02::1", C::Multicast),
            ("0.0.0.0", C::Unspecified),
            ("0.1.2.3", C::Unspecified),
            ("::", C::Unspecified),
            ("::ffff:0.0.0.0", C::Unspecified),
            ("192.0.2.1", C::Documentation),
            ("2001:db8::1", C::Documentation),
            ("198.18.0.1", C::Reserved),
            ("240.0.0.1", C::Reserved),
            ("100::1", C::Reserved),
            ("4000::1", C::Reserved),
            ("::8.8.8.8", C::Reserved),
            ("64:ff9b::8.8.8.8", C::Public),
            ("64:ff9b::10.0.0.1", C::Private),
            ("64:ff9b::127.0.0.1", C::Loopback),
            ("64:ff9b:1::8.8.8.8", C::Nat64),
            ("2002:0808:0808::1", C::SixToFour),
            ("2001:0:808:808::1", C::Teredo),
            ("169.254.169.254", C::Metadata),
            ("::ffff:169.254.169.254", C::Metadata),
            ("fd00:ec2::254", C::Metadata),
        ];
        for (text, class) in cases {
            assert_eq!(classify(text.parse().unwrap()), class, "{text}");
        }
    }

    #[test]
    fn metadata_is_never_dialled_by_any_way() {
        let everything = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        let guard = AddressGuard::new(everything, Vec::new());
        let ways = [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2001:0:a9fe:a9fe::1",
            "2001:0:808:808:0:0:5601:5601",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "169.254.170.2",
        ];
        for text in ways {
            let refusal = guard.check(at(text, 80)).unwrap_err();
            assert_eq!(refusal.class, AddressClass::Metadata, "{text}");
            assert!(refusal.to_string().ends_with("is never dialled"));
        }
        assert!(guard.check(at("10.0.0.1", 80)).is_ok());
        for text in ["0.0.0.0", "::", "224.0.0.1", "ff02::1"] {
            assert!(guard.check(at(text, 80)).is_err(), "{text}");
        }
    }

    #[test]
    fn own_listeners_are_never_dialled() {
        let everything = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        let own = vec![at("127.0.0.1", 8080), at("0.0.0.0", 9090), at("::", 9191)];
        let guard = AddressGuard::new(everything, own);
        let refused = [
            ("127.0.0.1", 8080),
            ("::ffff:127.0.0.1", 8080),
            ("64:ff9b::127.0.0.1", 8080),
            ("127.9.9.9", 9090),
            ("::1", 9090),
            ("::1", 9191),
            ("127.0.0.1", 9191),
        ];
        for (text, port) in refused {
            assert_eq!(guard.check(at(text, port)).unwrap_err().class, AddressClass::Own, "{text}:{port}");
        }
        for (text, port) in [("127.0.0.2", 8080), ("127.0.0.1", 8081), ("192.0.2.77", 9090)] {
            assert!(guard.check(at(text, port)).is_ok(), "{text}:{port}");
        }
    }

    #[test]
    fn refusals_show_the_line_that_would_allow() {
        let guard = AddressGuard::new(vec!["10.1.0.0/16".parse().unwrap()], Vec::new());
        assert!(guard.check(at("10.1.2.3", 443)).is_ok());
        assert!(guard.check(at("::ffff:10.1.2.3", 443)).is_ok());
        assert!(guard.check(at("64:ff9b::10.1.2.3", 443)).is_ok());
        let line = |text| guard.check(at(text, 443)).unwrap_err().to_string();
        assert_eq!(
            line("10.2.0.1"),
            "address 10.2.0.1 is not public (private); `upstream.allow_addresses = [\"10.2.0.1/32\"]` would allow it"
        );
        assert!(line("::1").contains("[\"::1/128\"]"));
        assert!(!line("0.0.0.0").contains("allow_addresses"));
    }
}
