//! What is said about a listener's own TLS and those who come with certificates, and what it comes to.

use super::tests::{hold, read_ok};
use crate::flow::Host;

const WRONG: &[(&str, &[&[&str]])] = &[
    (
        "[[listener]]\naddress = \"0.0.0.0:1\"\ncertificate = \"issuer\"",
        &[&[
            "3:15: listener[0].certificate: nobody can tell by what name",
            "names = [\"proxy.example.com\"]",
        ]],
    ),
    (
        "[[listener]]\nkey = \"none.key\"\ncertificate = \"issuer\"\nnames = [\"a b\"]",
        &[&["2:7: listener[0].key: the issuer's certificates have keys of their own", "no key"]],
    ),
    (
        "[[listener]]\ncertificate = \"issuer\"\nnames = [\"a b\"]",
        &[&["3:10: listener[0].names[0]: ", "a host such as \"proxy.example.com\""]],
    ),
    (
        "[[listener]]\nnames = [\"a.example\"]\nclient_certificate = \"requested\"\nclient_crls = [\"x.pem\"]",
        &[
            &["2:10: listener[0].names[0]: names make no difference", "certificate = \"issuer\" beside them"],
            &["3:22: listener[0].client_certificate: unknown word `requested`", "required or optional"],
            &["4:16: listener[0].client_crls[0]: of no use by itself", "client_ca = \"ca.pem\" beside it"],
        ],
    ),
    (
        "[[listener]]\nclient_ca = \"none.pem\"",
        &[
            &["2:13: listener[0].client_ca: no such file: ", "none.pem"],
            &["2:13: listener[0].client_ca: clients are asked within TLS, and this listener speaks none"],
            &[
                "2:13: listener[0].client_ca: clients are asked for certificates, and none stands",
                "[[identity]]",
            ],
        ],
    ),
    (
        "[[listener]]\nkind = \"transparent\"\ncertificate = \"issuer\"\nnames = [\"a\"]",
        &[
            &["3:15: listener[0].certificate: a transparent listener shows what it stands for"],
            &["4:10: listener[0].names[0]: a transparent listener shows what it stands for"],
        ],
    ),
    (
        "[[identity]]\nname = \"a\"\ncertificates = [\"*\", \"a.example\"]\n[[identity]]\nname = \"b\"\ncertificates = [\"A.example\"]",
        &[
            &[
                "3:17: identity[0].certificates[0]: `*` is no name of a certificate",
                "spiffe://corp.example/billing",
            ],
            &["6:17: identity[1].certificates[0]: `A.example` already stands for `a`"],
        ],
    ),
];

#[test]
fn complaints_name_the_place_and_what_was_expected() {
    hold(WRONG);
}

#[test]
fn every_key_of_a_listeners_tls_arrives() {
    let name = |more: &str| {
        let config = read_ok(&format!("[[listener]]\naddress = \"192.0.2.7:1\"\n{more}"));
        let tls = config.listeners.first().unwrap().tls.as_ref().map(crate::tls::ListenerTls::identity);
        tls.map(|tls| (tls.is_issued(), tls.asks(), tls.name().map(Host::to_string).unwrap_or_default()))
    };
    assert_eq!(name(""), None);
    assert_eq!(name("certificate = \"issuer\""), Some((true, false, "192.0.2.7".to_owned())));
    let named = "certificate = \"issuer\"\nnames = [\"proxy.example\", \"10.0.0.1\"]";
    assert_eq!(name(named), Some((true, false, "proxy.example".to_owned())));
    let config = read_ok("[[identity]]\nname = \"a\"\ncertificates = [\"spiffe://c/*\", \"a@c.example\"]");
    let [identity] = config.policy.identities.as_slice() else { panic!("one identity") };
    assert_eq!(identity.certificates, ["spiffe://c/*", "a@c.example"]);
}
