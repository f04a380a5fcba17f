//! Rules on trial: they alter nothing, tell what they would have done, and are enforced when somebody says so.

use std::path::Path;
use std::sync::Arc;

use tidegate::audit::query::{Facts, Filter, search};
use tidegate::config::{self, Config};
use tidegate::policy::{Action, Mode};

use crate::commands::{done, folder};
use crate::harness::client::post;
use crate::harness::origin::respond;
use crate::harness::{Client, Origin, Setup, World, rule, soon};

/// What a client can send and be sent: clean, coded, cut into chunks, with values that rules would mask or stop.
fn traffic(origin: &Origin) -> Vec<Vec<u8>> {
    let chunked = format!(
        "POST /c HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n\
         7\r\nssn 536\r\n8\r\n-22-1845\r\n0\r\nX-Checksum: 1\r\n\r\n",
        origin.authority()
    );
    let head = format!(
        "GET /?to=person7@mail.shop.com HTTP/1.1\r\nHost: {}\r\nX-Note: card 4539148803436467\r\n\
         Cookie: a=b; c=536-22-1845\r\n\r\n",
        origin.authority()
    );
    let mut traffic = vec![
        post(origin, "/clean", "application/json", b"{\"a\": [1, 2,  3]}"),
        post(origin, "/card", "application/json", br#"{"card":"4539148803436467"}"#),
        post(origin, "/mail", "text/plain", b"write to person7@mail.shop.com"),
        chunked.into_bytes(),
        head.into_bytes(),
    ];
    let mut long = vec![b'x'; 300_000];
    long.extend_from_slice(b" ssn 536-22-1845 ");
    traffic.push(post(origin, "/long", "text/plain", &long));
    traffic
}

/// What the origin received, and what the client did.
async fn exchanged(world: &World, origin: &Origin) -> (Vec<u8>, Vec<String>) {
    let before = origin.received().len();
    let mut answers = Vec::new();
    for request in traffic(origin) {
        let mut client = Client::tunnel(world, origin).await;
        let response = client.exchange(request).await;
        answers.push(format!("{:?}", (response.head, response.body)));
    }
    (origin.received().split_off(before), answers)
}

#[tokio::test]
async fn a_shadow_changes_no_byte_of_what_passes() {
    let shadow = |id: &str, identifiers: &[&str], action| tidegate::policy::RuleSpec {
        mode: Some(Mode::Observe),
        ..rule(id, identifiers, action)
    };
    let without = World::start(Setup { rules: vec![], ..Setup::default() }).await;
    let rules = vec![
        shadow("block-cards", &["payment.*"], Action::Block),
        shadow("mask-all", &["*"], Action::Redact),
        shadow("told", &["contact.email"], Action::Alert),
    ];
    let authority = Some(Arc::clone(&without.authority));
    let with = World::start(Setup { rules: rules.clone(), authority, ..Setup::default() }).await;
    let answer =
        |_: &_| respond("500 Oops", "text/plain", b"no such user: person7@mail.shop.com, 536-22-1845");
    let origin = Origin::start(&without, "origin.test", move |peer| peer.serve(answer)).await;
    let plain = exchanged(&without, &origin).await;
    let shadowed = exchanged(&with, &origin).await;
    assert!(plain == shadowed, "{:?}\n{:?}", plain.1, shadowed.1);
    assert_eq!(plain.1.len(), 6);
    let records = with.records().await;
    let would = |action: &str| records.iter().filter(|record| record["would"] == action).count();
    assert_eq!((would("block"), would("redact")), (2, 9));
    // Were they enforced, these bytes would differ.
    let authority = Some(Arc::clone(&without.authority));
    let enforced = rules.into_iter().map(|rule| tidegate::policy::RuleSpec { mode: None, ..rule }).collect();
    let enforced = World::start(Setup { rules: enforced, authority, ..Setup::default() }).await;
    assert_ne!(exchanged(&enforced, &origin).await, plain);
}

const POLICY: &str = r#"# Ours.
packs = ["contact"]

[[rule]]
id = "addresses-leave"              # what it is for
identifiers = ["contact.email"]
action = "block"
direction = "request"
mode = "observe"                    # until somebody has looked

[[rule]]
id = "ramped"
identifiers = ["contact.phone"]
action = "alert"
enforce_percent = 10 # a tenth
"#;

fn setup(config: &Config) -> Setup {
    Setup {
        mode: config.policy.mode,
        rules: config.policy.rules.clone(),
        groups: config.policy.groups.clone(),
        ..Setup::default()
    }
}

fn compiled(text: &str) -> Config {
    config::load_text("t.toml", text, Path::new("")).unwrap_or_else(|complaints| panic!("{complaints}")).0
}

/// An upload that breaks off behind an address: its end alone tells of it.
async fn break_off(world: &World, to: &Origin) {
    let mut client = Client::tunnel(world, to).await;
    let head = format!("POST /cut HTTP/1.1\r\nHost: {}\r\nContent-Length: 900000\r\n\r\n", to.authority());
    client.send([head.as_bytes(), b"to person4@mail.shop.com ", &[b'x'; 600_000]].concat()).await;
    drop(client);
    soon("the end of the upload", async {
        let mut is_told = false;
        while !is_told {
            let mut look = |_: &[u8], facts: &Facts<'_>| {
                is_told |= &*facts.kind == "end" && facts.direction.as_deref() == Some("request");
                Ok(true)
            };
            search(&world.trail(), &Filter::default(), &mut look).unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_rule_would_have_done_is_told_and_the_hints_do_what_they_say() {
    let folder = folder();
    std::fs::write(folder.path().join("t.toml"), POLICY).unwrap();
    let world = World::start(setup(&compiled(POLICY))).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let other = Origin::agreeable(&world, "other.test").await;
    for (to, number) in [(&origin, 1), (&origin, 2), (&other, 3)] {
        let mut client = Client::tunnel(&world, to).await;
        let body = format!("to person{number}@mail.shop.com");
        assert_eq!(client.post(to, "/", body.as_bytes()).await.status, 200);
    }
    let trail = world.trail();
    break_off(&world, &other).await;
    let trail = trail.to_str().unwrap();
    let ask = |args: &[&str]| {
        let (code, out, err) = done(folder.path(), args);
        (code, format!("{out}{err}"))
    };
    let (code, told) = ask(&["audit", "would", trail, "--config", "t.toml"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.starts_with("addresses-leave: would be 4 × block\n"), "{told}");
    assert!(told.contains("     2  127.0.0.1 → origin.test (request): contact.email\n"), "{told}");
    assert!(
        ask(&["audit", "would", trail, "--config", "t.toml", "--rule", "ramped"]).1.starts_with("nothing")
    );

    // The exemption for one destination, pasted beside the rule, is a policy that lets it pass, and nothing else.
    let hint = told.split("# to let it pass to origin.test:\n").nth(1).unwrap();
    let hint = hint.split("# to let it pass").next().unwrap();
    let enforced = POLICY.replace("\"observe\"", "\"enforce\"");
    let pasted = format!("{enforced}\n{hint}");
    let authority = Some(Arc::clone(&world.authority));
    let exempt = World::start(Setup { authority, ..setup(&compiled(&pasted)) }).await;
    for (to, expected) in [(&origin, 200), (&other, 403)] {
        let mut client = Client::tunnel(&exempt, to).await;
        assert_eq!(client.post(to, "/", b"to person4@mail.shop.com").await.status, expected);
    }

    // The command that enforces it: not blindly, and with nothing else in the file changed.
    let promote = told.lines().find_map(|line| line.strip_prefix("# to enforce it: tidegate ")).unwrap();
    let mut args: Vec<&str> = promote.split(' ').collect();
    args.extend(["--audit", trail]);
    let (code, refused) = ask(&args);
    assert_eq!(code, 1, "{refused}");
    assert!(refused.contains("would have stopped or altered 4 messages, more than 0"), "{refused}");
    assert_eq!(std::fs::read_to_string(folder.path().join("t.toml")).unwrap(), POLICY);
    let printed = ask(&[&args[..], &["--print"]].concat());
    assert_eq!(printed, (0, enforced.clone()));
    let (code, said) = ask(&[&args[..], &["--at-most", "4"]].concat());
    assert_eq!(code, 0, "{said}");
    assert_eq!(std::fs::read_to_string(folder.path().join("t.toml")).unwrap(), enforced);
    let (code, said) = ask(&[&args[..], &["--yes"]].concat());
    assert!(code == 1 && said.contains("is enforced already"), "{said}");
    let (code, _) = ask(&["promote", "ramped", "--config", "t.toml", "--audit", trail]);
    let text = std::fs::read_to_string(folder.path().join("t.toml")).unwrap();
    assert!(code == 0 && text.contains("enforce_percent = 100 # a tenth"), "{text}");
    let (code, said) = ask(&["promote", "nobody", "--config", "t.toml"]);
    assert!(
        code == 1 && said.contains("there is no rule `nobody`; expected addresses-leave or ramped"),
        "{said}"
    );
}

#[tokio::test]
async fn a_decision_replays_to_itself_and_tells_what_another_policy_makes_of_it() {
    let policy = r#"
packs = ["contact", "payment"]
[[rule]]
id = "addresses-leave"
identifiers = ["contact.email"]
action = "block"
direction = "request"
at_least = 2
[[rule]]
id = "told"
identifiers = ["contact.email"]
action = "alert"
[[rule]]
id = "elsewhere"
identifiers = ["contact.email"]
action = "block"
destinations = ["pay.test"]
[[rule]]
id = "hourly"
identifiers = ["contact.email"]
action = "alert"
at_least = 100
per = "client"
window = "1h"
"#;
    let folder = folder();
    std::fs::write(folder.path().join("t.toml"), policy).unwrap();
    std::fs::write(folder.path().join("other.toml"), policy.replace("at_least = 2", "at_least = 3")).unwrap();
    let (config, compiled) = config::load_text("t.toml", policy, Path::new("")).unwrap();
    let world =
        World::start(Setup { policy_hash: Some(compiled.policy.hash().to_owned()), ..setup(&config) }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let refused = client.post(&origin, "/", b"to person1@mail.shop.com, person2@mail.shop.com").await;
    assert_eq!(refused.status, 403);
    let id = refused.field("tidegate-decision").unwrap().to_owned();
    let trail = world.trail();
    let explain = |config: &str| {
        let (code, out, err) =
            done(folder.path(), &["explain", &id, "--audit", trail.to_str().unwrap(), "--config", config]);
        assert_eq!(code, 0, "{err}");
        out
    };
    let same = explain("t.toml");
    for said in [
        "replayed under the policy that decided it",
        "addresses-leave (block) fired: counts 2 different values, fires at 2",
        "told (alert) fired: counts 2 different values, fires at 1",
        "hourly (alert) did not fire: counts over flows, which one record does not tell",
        "1 of 4 rules do not look at this message",
        "it comes out as it is recorded",
    ] {
        assert!(same.contains(said), "{said}\nin\n{same}");
    }
    let other = explain("other.toml");
    assert!(other.contains("replayed under another policy than decided it"), "{other}");
    assert!(other.contains("it comes out otherwise: addresses-leave"), "{other}");
}
