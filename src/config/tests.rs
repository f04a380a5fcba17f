//! What a configuration means and what is said about a wrong one, as text.

use super::*;

pub(super) fn read_ok(text: &str) -> Config {
    read_text("t.toml", text, Path::new("etc")).unwrap_or_else(|complaints| panic!("{complaints}"))
}

pub(super) fn complaints(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let Complaints(list) = load_text("t.toml", text, folder.path()).expect_err(text);
    list.iter().map(ToString::to_string).collect()
}

/// Text of a configuration and, for each complaint about it, words that it must hold.
const WRONG: &[(&str, &[&[&str]])] = &[
    (
        "mode = \"enforze\"",
        &[&["t.toml:1:8: mode: unknown word `enforze`", "observe or enforce", "did you mean `enforce`?"]],
    ),
    (
        "mod = \"enforce\"",
        &[&["t.toml:1:1: mod: unknown key", "did you mean `mode`?", "1 | mod = \"enforce\"\n    | ^^^"]],
    ),
    ("starter = \"yes\"", &[&["t.toml:1:11: starter: bad value: \"yes\"", "true or false"]]),
    ("packs = [\"paymant\"]", &[&["packs[0]: unknown pack `paymant`", "did you mean `payment`?"]]),
    ("packs = [\"payment\", \"payment\"]", &[&["packs[1]", "listed twice"]]),
    ("packs = [\"./none.toml\"]", &[&["packs[0]: no such file", "none.toml"]]),
    ("[listener]\nname = \"a\"", &[&["1:", "listener: bad value: a table", "[[listener]]"]]),
    (
        "[[listener]]\nkind = \"transparant\"",
        &[&["2:8: listener[0].kind: unknown word `transparant`", "did you mean `transparent`?"]],
    ),
    ("[[listener]]\nkind = \"reverse\"", &[&["listener[0].kind: it leads nowhere", "upstream = "]]),
    (
        "[[listener]]\nkind = \"reverse\"\nupstream = \"app.example/x\"",
        &[&["3:12: listener[0].upstream: `app.example/x` is no upstream", "a URL without a path"]],
    ),
    (
        "[[listener]]\nredirection = \"nat\"\nupstream = \"https://a.example\"",
        &[
            &["2:15: listener[0].redirection: of use to a transparent listener alone"],
            &["3:12: listener[0].upstream: of use to a reverse listener alone"],
        ],
    ),
    (
        "[[listener]]\nkind = \"reverse\"\nupstream = \"https://a.example\"\ncertificate = \"none.pem\"",
        &[&["listener[0].certificate: half of a pair"]],
    ),
    (
        "[[listener]]\nkind = \"reverse\"\nupstream = \"https://a.example\"\ncertificate = \"none.pem\"\nkey = \"none.key\"",
        &[&["listener[0].certificate: ", "none.key", "cannot be read"]],
    ),
    (
        "[[listener]]\nintercept = \"listed\"",
        &[&["listener[0].intercept: nothing is listed", "intercept_destinations"]],
    ),
    (
        "[[listener]]\nintercept_destinations = [\"a.example\"]",
        &[&["intercept_destinations[0]: these destinations make no difference", "intercept = \"listed\""]],
    ),
    (
        "[[listener]]\nintercept = \"listed\"\nintercept_destinations = [\"payment-procesors\"]",
        &[&["intercept_destinations[0]: no group `payment-procesors`", "did you mean `payment-processors`"]],
    ),
    (
        "[[listener]]\nproxy_protocol = true",
        &[&["listener[0].proxy_protocol: whoever connects could say to be anybody", "proxy_protocol_from"]],
    ),
    (
        "[[listener]]\nproxy_protocol_from = [\"10.0.0.0/8\"]",
        &[&["listener[0].proxy_protocol_from[0]: of no use by itself", "proxy_protocol = true"]],
    ),
    (
        "[[listener]]\naddress = \"8080\"",
        &[&["2:11: listener[0].address: bad value", "an address and a port"]],
    ),
    (
        "[[listener]]\n[[listener]]\nname = \"apps\"\naddress = \"0.0.0.0:8080\"",
        &[
            &["3:8: listener[1].name: another listener is already named `apps`"],
            &["4:11: listener[1].address", "already has 127.0.0.1:8080"],
        ],
    ),
    (
        "[admin]\naddress = \"127.0.0.1:8080\"",
        &[&["admin.address: listener `apps` already has this address"]],
    ),
    ("[upstream]\nroots = [\"mozila\"]", &[&["upstream.roots[0]: no such file", "did you mean `mozilla`?"]]),
    ("[upstream]\nmin_tls = \"1.1\"", &[&["upstream.min_tls: unknown word `1.1`", "1.2 or 1.3"]]),
    (
        "[upstream]\nallow_addresses = [\"10.0.0.0/33\"]",
        &[&["allow_addresses[0]: `10.0.0.0/33` is not a network"]],
    ),
    ("[upstream]\nconnect_timeout = \"2m\"", &[&["connect_timeout: 2m is out of range", "1ms to 1m"]]),
    ("[upstream]\nfirst_byte = \"10ms\"", &[&["first_byte: 10ms is out of range", "1s to 1h"]]),
    ("[upstream]\nevents_idle = \"2d\"", &[&["events_idle: 2d is out of range", "1s to 1h"]]),
    (
        "[upstream]\nresolve = { \"a b\" = [\"x\"], \"b.example\" = [], \"c.example\" = [\"x\"] }",
        &[
            &["`a b` is not a DNS name"],
            &["upstream.resolve.b.example: no addresses given"],
            &["upstream.resolve.c.example[0]: `x` is not an address"],
        ],
    ),
    (
        "[egress]\nunlisted = \"redact\"",
        &[&["egress.unlisted: unknown word `redact`", "allow, alert or block"]],
    ),
    ("[inspect]\nhold = \"1KiB\"", &[&["inspect.hold: 1KiB is out of range", "4KiB to 64MiB"]]),
    ("[inspect]\nhold = 4096", &[&["inspect.hold: bad value: 4096", "a size such as"]]),
    (
        "[inspect]\nopaque = \"alow\"",
        &[&["inspect.opaque: unknown word `alow`", "block, inspect or allow", "did you mean `allow`?"]],
    ),
    ("[inspect]\ncoded_redact = \"abort\"", &[&["inspect.coded_redact: not available in this version"]]),
    (
        "[audit]\nretention = \"30d\"",
        &[&["audit.retention: 30 days is shorter than records must be kept", "at least 90d"]],
    ),
    ("[selftest]\nevery = \"0s\"", &[&["selftest.every: out of range", "1s to 7d"]]),
    ("[fingerprint]\nepoch = \"1s\"", &[&["fingerprint.epoch: 1s is out of range", "1h to 400d"]]),
    ("[audit]\nkey_epoch = \"1s\"", &[&["audit.key_epoch: 1s is out of range", "1m to 400d"]]),
    ("[audit]\nheartbeat = \"30d\"", &[&["audit.heartbeat: out of range", "1s to 7d"]]),
    ("[[sink]]\nname = \"a\"", &[&["sink[0]: a sink needs `kind`"]]),
    ("[[sink]]\nname = \"a\"\nkind = \"elastic\"", &[&["sink[0].kind: unknown word `elastic`"]]),
    (
        "[[sink]]\nname = \"a\"\nkind = \"stdout\"\nrules = [\"pan-leave\", \"pan-*\"]\nidentifiers = [\"payment.*\", \"paymnt.*\"]\ntenants = [\"nobody\"]",
        &[
            &["4:10: sink[0].rules[0]: there is no rule `pan-leave`", "a pattern such as `x*`"],
            &["5:29: sink[0].identifiers[1]: no pack in use finds `paymnt.*`", "did you mean `payment.*`?"],
            &["sink[0].tenants[0]: no listener or identity serves tenant `nobody`", "expected default"],
        ],
    ),
    (
        "[selftest]\nidentifiers = [\"payment.pann\", \"payment.*\"]",
        &[
            &["selftest.identifiers[0]: no pack in use finds `payment.pann`", "did you mean `payment.pan`?"],
            &["selftest.identifiers[1]: no pack in use finds `payment.*`"],
        ],
    ),
    ("[upstream]\nroots = []", &[&["2:9: upstream.roots: the list is empty", "system, mozilla"]]),
    ("[upstream]\nmin_tls = 1.2", &[&["upstream.min_tls: bad value: 1.2", "expected \"1.2\" or \"1.3\""]]),
    (
        "[upstream]\nallow_addresses = [\"10.0.0.0/8\", \"169.254.169.254\"]",
        &[&["upstream.allow_addresses[1]", "a cloud's metadata service, which is never dialled"]],
    ),
    (
        "[destinations]\nmine = [\"pay.example\", \"payment-processors\", \"yours\"]\nyours = []",
        &[
            &["2:24: destinations.mine[1]: `payment-processors` is a group, and a group holds hosts alone"],
            &["destinations.mine[2]: `yours` is a group"],
        ],
    ),
    (
        "[[rule]]\nid = \"r r\\u0007\"\nidentifiers = [\"*\"]\naction = \"block\"",
        &[&["2:6: rule[0].id: `r r\\u{7}` is not a rule's id", "128 at most"]],
    ),
    (
        "[[sink]]\nname = \"a b\"\nkind = \"stdout\"\nactions = [\"blok\"]",
        &[
            &["sink[0].name: bad name for a sink"],
            &["sink[0].actions[0]: unknown word `blok`", "did you mean `block`?"],
        ],
    ),
    (
        "[[sink]]\nname = \"a\"\nkind = \"syslog\"\naddress = \"logs.example\"\nsecret = \"x\"",
        &[&["sink[0].address: bad address", "host:port"]],
    ),
    (
        "[[sink]]\nname = \"a\"\nkind = \"splunk\"\nurl = \"ftp://x\"",
        &[&["sink[0].url: bad URL", "https://host"]],
    ),
    (
        "[[sink]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"https://x/\"\ntls = true\nalarm = \"2d\"",
        &[
            &["sink[0].tls: a webhook sink has no `tls`"],
            &["sink[0].alarm: out of range"],
            &["sink[0]: a webhook sink needs `secret`", "mode 0600"],
        ],
    ),
    (
        "[[sink]]\nname = \"a\"\nkind = \"stdout\"\n[[sink]]\nname = \"a\"\nkind = \"stdout\"\nurl = \"https://x\"",
        &[&["sink[1].name: another sink is called `a`"], &["sink[1].url: a stdout sink has no `url`"]],
    ),
    (
        "[audit]\nmax_disk = \"1MiB\"",
        &[&["audit.max_disk: the disk budget does not hold one segment", "256MiB"]],
    ),
    (
        "[destinations]\n\"a.b\" = []\nown = [\"http://x\", \"*.10.0.0.1\"]",
        &[
            &["2:1: destinations.a.b: a group may not be named `a.b`"],
            &["3:8: destinations.own[0]: `http://x` is not a host"],
            &["destinations.own[1]: `*.10.0.0.1` is not a host"],
        ],
    ),
    (
        "[[bypass]]\nhosts = [\"a.example\"]\nexpires = \"soon\"",
        &[
            &["bypass[0]: `reason` is missing"],
            &["bypass[0]: `owner` is missing"],
            &["3:11: bypass[0].expires: bad value: \"soon\"", "a date without quotes"],
        ],
    ),
    (
        "[[bypass]]\nhosts = [\"a b\", \"nobody\"]\nclients = [\"apsp\"]\nreason = \"r\"\nowner = \"o\"\nexpires = 2030-01-01",
        &[
            &["2:10: bypass[0].hosts[0]: no group `a b`"],
            &["bypass[0].hosts[1]: no group `nobody`"],
            &[
                "3:12: bypass[0].clients[0]: `apsp` is neither a network nor a listener",
                "did you mean `apps`?",
            ],
        ],
    ),
    (
        "[[bypass]]\nhosts = []\nreason = \"r\"\nowner = \"o\"\nexpires = 2030-01-01",
        &[&["bypass[0]: a bypass names the hosts that it is for"]],
    ),
    (
        "[[suppress]]\nidentifier = \"contact.emial\"\ndestinations = [\"crm-provider\"]\nexpires = 2026-12-31T18:00:00",
        &[
            &["suppress[0]: `reason` is missing", "why: reason ="],
            &["suppress[0]: `owner` is missing"],
            &["2:14", "no pack in use finds `contact.emial`", "did you mean `contact.email`?"],
            &[
                "3:17: suppress[0].destinations[0]: there is no group `crm-provider`",
                "did you mean `crm-providers`?",
            ],
            &["4:11: suppress[0].expires: bad value", "2027-01-31T18:00:00Z"],
        ],
    ),
    (
        "[[identity]]\nname = \"a\"\nclients = [\"10.0.0.0/8\", \"x\"]\n[[identity]]\nname = \"a\"\nclients = [\"10.9.0.0/8\"]\n\
         [[rule]]\nid = \"r\"\nidentifiers = [\"*\"]\naction = \"allow\"\ndestinations = [\"stripe\"]\nenvironments = [\"prod\"]\nenforce_percent = 101\n\
         [[transport]]\nmin_tls = \"1.1\"\n[[identity]]\n",
        &[
            &["3:26: identity[0].clients[1]: `x` is not a network"],
            &["5:8: identity[1].name: another identity is already named `a`"],
            &["6:12: identity[1].clients[0]: 10.0.0.0/8 already stands for `a`"],
            &["rule[0].environments[0]: no identity has the environment `prod`"],
            &["rule[0].enforce_percent: bad value: 101", "from 0 to 100"],
            &["transport[0].min_tls: unknown word `1.1`", "1.2 or 1.3"],
            &["identity[2]: `name` is missing"],
            &["identity[2]: `clients` is missing"],
        ],
    ),
    (
        "[[rule]]\nid = \"a\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\nmask = \"token\"\n\
         [[rule]]\nid = \"b\"\nidentifiers = [\"payment.pan\"]\naction = \"redact\"\nmask = \"tokens\"\n",
        &[
            &["5:8: rule[0].mask: only what is redacted is masked", "action = \"redact\""],
            &["rule[1].mask: unknown word `tokens`", "did you mean `token`?"],
        ],
    ),
    (
        "[[rule]]\n",
        &[
            &["t.toml:1:1: rule[0]: `id` is missing"],
            &["rule[0]: `identifiers` is missing"],
            &["rule[0]: `action` is missing"],
        ],
    ),
    (
        "[[rule]]\nid = \"a\"\nidentifiers = [\"payment.pam\"]\naction = \"block\"\ndestnations = []",
        &[
            &[
                "3:16: rule[0].identifiers[0]: no pack in use finds `payment.pam`",
                "did you mean `payment.pan`?",
            ],
            &["5:1: rule[0].destnations: unknown key", "did you mean `destinations`?"],
        ],
    ),
    (
        "[[rule]]\nid = \"a\"\nidentifiers = [\"*\"]\naction = \"block\"\nwindow = \"1h\"\nat_least_bytes = \"1MiB\"",
        &[
            &["5:10: rule[0].window: a window needs to know over what it counts", "per = \"client\""],
            &["6:18: rule[0].at_least_bytes: bytes are counted over flows", "per and window beside it"],
            &["rule[0].at_least_bytes: a rule counts values or bytes", "no identifiers and no at_least"],
        ],
    ),
    (
        "[[rule]]\nid = \"a\"\nidentifiers = [\"*\"]\naction = \"block\"\nper = \"tenant\"\n\
         [[rule]]\nid = \"b\"\naction = \"redact\"\nper = \"host\"\nwindow = \"90d\"\n\
         [[rule]]\nid = \"c\"\naction = \"redact\"\nper = \"client\"\nwindow = \"90d\"\nat_least_bytes = \"1MiB\"",
        &[
            &["rule[0].per: what is counted over flows needs a window", "window = \"1h\""],
            &["rule[1]: `identifiers` is missing"],
            &["rule[1].per: unknown word `host`", "flow, client, tenant or destination"],
            &["rule[1].window: a window needs to know"],
            &["rule[2].window: 90d is out of range", "1s to 31d"],
            &["rule[2].at_least_bytes: bytes can be told of or stopped", "\"alert\" or \"block\""],
        ],
    ),
    (
        "[[rule]]\nid = \"a\"\nidentifiers = [\"*\"]\naction = \"allow\"\nat_least = 2",
        &[
            &["1:1: rule[0]: an exemption must name its destinations"],
            &["rule[0].at_least: an exemption takes no threshold"],
        ],
    ),
    (
        "[[rule]]\nid = \"a\"\nidentifiers = [\"*\"]\naction = \"alert\"\ndirection = \"request\"\nstatus = [\"4xx\", \"9xx\"]\n\
         destinations = [\"payment-procesors\"]\nclients = [\"aps\"]\ntenants = [\"b\"]\nmethods = [\"post\"]\n\
         paths = [\"v1\"]\nmedia_types = [\"json\"]\nschemes = [\"htp\"]\nat_least = 0\nconfidence = \"sure\"",
        &[
            &["6:11: rule[0].status[0]: a request has no status"],
            &["6:18: rule[0].status[1]: `9xx` is not a status"],
            &["7:17: rule[0].destinations[0]: there is no group `payment-procesors`"],
            &[
                "8:12: rule[0].clients[0]: `aps` is neither a network, an identity nor a listener",
                "did you mean `apps`?",
            ],
            &["9:12: rule[0].tenants[0]: no listener or identity serves tenant `b`", "expected default"],
            &["10:12: rule[0].methods[0]: `post` is not a method"],
            &["11:10: rule[0].paths[0]: `v1` is not a path"],
            &["12:16: rule[0].media_types[0]: `json` is not a media type"],
            &["13:12: rule[0].schemes[0]: unknown word `htp`", "did you mean `http`?"],
            &["14:12: rule[0].at_least: bad value: 0", "from 1 up"],
            &["15:14: rule[0].confidence: unknown word `sure`", "low, medium or high"],
        ],
    ),
    (
        "[[rule]]\nid = \"a\"\nidentifiers = [\"*\"]\naction = \"alert\"\n[[rule]]\nid = \"a\"\nidentifiers = [\"*\"]\naction = \"alert\"",
        &[&["6:6: rule[1].id: another rule is already named `a`"]],
    ),
    (
        "[fields]\na = [\"$.x[0]\"]\n\
         [[rule]]\nid = \"a\"\nidentifiers = [\"*\"]\naction = \"allow\"\ndestinations = [\"stripe\"]\nfields = [\"of:stripes\", \"*\"]\nat_most = 5000\n\
         [[rule]]\nid = \"b\"\nidentifiers = [\"*\"]\naction = \"redact\"\nfields = [\"//a\"]\nat_most = 2\n\
         [[rule]]\nid = \"c\"\nidentifiers = [\"*\"]\naction = \"allow\"\ndestinations = [\"stripe\"]\nfields = []",
        &[
            &["2:6: fields.a[0]: `$.x[0]` is not a path of keys"],
            &["8:11: rule[0].fields[0]: there is no list of fields `stripes`", "did you mean `stripe`?"],
            &["8:25: rule[0].fields[1]: `*` would be every field", "card[number]"],
            &["9:11: rule[0].at_most: 5000 is out of range", "1 to 4096"],
            &["14:11: rule[1].fields[0]: fields narrow what is exempt, told of or blocked"],
            &["15:11: rule[1].at_most: only an exemption ends after so many values", "at_least"],
            &["21:10: rule[2].fields: names no field"],
        ],
    ),
    (
        "[[listener]]\nauthentication = \"basic\"\n[[listener]]\nname = \"b\"\naddress = \"127.0.0.1:1\"\nkind = \"transparent\"\nauthentication = \"basic\"",
        &[
            &[
                "2:18: listener[0].authentication: clients are asked who they are, and nobody could say",
                "tidegate identity hash",
            ],
            &["7:18: listener[1].authentication: only clients that know of a proxy can be asked by it"],
        ],
    ),
    (
        "[[identity]]\nname = \"a\"\n[[identity]]\nname = \"b:c\"\npassword = \"secret\"\n\
         [[identity]]\nname = \"d\"\npassword_file = \"/no/such/file\"\n\
         [[identity]]\nname = \"e\"\npassword = \"$pbkdf2-sha256$i=10$c2FsdHNhbHQ$DeuvBZ/dTVwSM+hcXyaQGxJnZD8Be4HAoUQs8kAECxY\"",
        &[
            &["1:1: identity[0]: `clients` is missing"],
            &["4:8: identity[1].name: a name that a client says beside a password has no colon"],
            &["5:12: identity[1].password: not a hashed password", "tidegate identity hash"],
            &["8:17: identity[2].password_file: /no/such/file: cannot be read"],
            &["11:12: identity[3].password: too cheap to guess", "at least 100000 iterations"],
        ],
    ),
    ("mode = \nnode = \"x\n", &[&["t.toml:1:", "not TOML"], &["t.toml:2:", "not TOML"]]),
];

#[test]
fn every_complaint_names_its_place_and_what_was_expected_all_at_once() {
    hold(WRONG);
}

/// Each text draws these complaints and no others.
pub(super) fn hold(table: &[(&str, &[&[&str]])]) {
    for (text, expected) in table {
        let found = complaints(text);
        assert_eq!(found.len(), expected.len(), "{text}\n{}", found.join("\n"));
        for words in *expected {
            let fits = |complaint: &String| words.iter().all(|word| complaint.contains(word));
            assert!(found.iter().any(fits), "{words:?} in\n{}", found.join("\n"));
        }
    }
}

#[test]
fn a_word_that_is_suggested_is_a_word_that_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let complaints = |text: &str| match load_text("t.toml", text, folder.path()) {
        Ok(_) => Vec::new(),
        Err(Complaints(list)) => list,
    };
    let mut taken = 0;
    for (text, _) in WRONG {
        for complaint in complaints(text) {
            let Some(meant) = &complaint.similar else { continue };
            let line = text.split_inclusive('\n').nth(complaint.line - 1).unwrap();
            let (before, rest) = line.split_at(complaint.column - 1);
            // What is written there: a word in quotes, or a bare key.
            let (open, inner) = rest.strip_prefix('"').map_or(("", rest), |inner| ("\"", inner));
            let end = inner.find(|c: char| c == '"' || (open.is_empty() && !c.is_alphanumeric() && c != '_'));
            let written = &inner[..end.unwrap_or(inner.len())];
            // Of a list, only its prefix stands before the name.
            let prefix = ["of:", "tag:"].into_iter().find(|prefix| written.starts_with(prefix)).unwrap_or("");
            let prefix = if meant.starts_with(prefix) { "" } else { prefix };
            let mended = format!("{before}{open}{prefix}{meant}{}", &inner[written.len()..]);
            let mended = text.replacen(line, &mended, 1);
            let same = |left: &Complaint| left.key == complaint.key && left.message == complaint.message;
            assert!(!complaints(&mended).iter().any(same), "{complaint}\nafter\n{mended}");
            taken += 1;
        }
    }
    assert!(taken > 10, "{taken}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_complaint() {
    let complaints = read(Some(Path::new("/no/such/file.toml"))).unwrap_err().to_string();
    assert!(complaints.starts_with("/no/such/file.toml: cannot be read: "), "{complaints}");
}

#[test]
fn the_built_in_configuration_is_the_default_of_every_key_and_compiles() {
    let built_in = read_text("b.toml", BUILT_IN, Path::new("etc")).unwrap();
    let empty = read_ok("");
    let plain = |config: &Config| {
        let packs = config.packs.iter().map(|pack| pack.value.clone()).collect::<Vec<_>>();
        let PolicySpec { hash: _, ref mode, ref groups, ref rules, ref unlisted, .. } = config.policy;
        format!(
            "{:?}",
            (
                (&config.node, packs, &config.listeners, &config.admin, &config.issuer, &config.upstream),
                (&config.inspect, &config.fingerprint_key, &config.audit, &config.audit_key),
                (&config.sinks, &config.selftest, config.heartbeat, &config.witness),
                (mode, groups, rules, unlisted),
            )
        )
    };
    assert_eq!(plain(&built_in), plain(&empty));
    load(None).unwrap();
}

#[test]
fn the_commented_parts_of_the_built_in_configuration_hold_too() {
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        Some(rest)
            if rest.starts_with('[') || rest.split(" = ").next().is_some_and(|key| !key.contains(' ')) =>
        {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    let text = BUILT_IN.lines().map(uncommented).collect::<Vec<_>>().join("\n");
    assert!(text.contains("\n[[rule]]\nid = \"pan-leaves\"") && text.contains("\nnode = \"egress-1\""));
    let (config, _) =
        load_text("b.toml", &text, Path::new("etc")).unwrap_or_else(|complaints| panic!("{complaints}"));
    let ids: Vec<_> = config.policy.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert!(ids.ends_with(&["pan-leaves", "suppress[0]"]), "{ids:?}");
}

#[test]
fn the_starter_policy_is_on_unless_there_are_rules_and_yields_to_the_users_groups() {
    let rule = "[[rule]]\nid = \"r\"\nidentifiers = [\"*\"]\naction = \"alert\"\n";
    let starters =
        |config: &Config| config.policy.rules.iter().filter(|rule| rule.id.starts_with("starter-")).count();
    assert!(starters(&read_ok("")) > 5);
    assert_eq!(starters(&read_ok(rule)), 0);
    let both = read_ok(&format!("starter = true\n{rule}"));
    assert!(starters(&both) > 5);
    assert_eq!(both.policy.rules.last().unwrap().id, "r");
    assert!(read_ok("starter = false").policy.rules.is_empty());

    let own = read_ok("[destinations]\npayment-processors = [\"psp.example\"]");
    let hosts = own
        .policy
        .groups
        .iter()
        .find(|(name, _)| name == "payment-processors")
        .map(|(_, hosts)| hosts.clone());
    assert_eq!(hosts.unwrap(), ["psp.example"]);
}

#[test]
fn the_starter_policy_speaks_only_of_the_packs_in_use() {
    let (config, _) = load_text("t.toml", "packs = [\"payment\"]", Path::new("")).unwrap();
    assert!(
        config.policy.rules.iter().flat_map(|rule| &rule.identifiers).all(|id| id.starts_with("payment."))
    );
    assert!(config.policy.rules.iter().any(|rule| rule.id == "starter-cleartext"));
}

#[test]
fn the_policy_is_named_by_everything_that_decides() {
    let hash = |text: &str| load_text("t.toml", text, Path::new("")).unwrap().1.policy.hash().to_owned();
    let all = [hash(""), hash("starter = false"), hash("packs = [\"payment\"]"), hash("mode = \"observe\"")];
    assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
    assert_eq!(hash(""), hash(""));
    assert_eq!(hash("").len(), 64);
}
