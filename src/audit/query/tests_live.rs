//! A trail that grows, and one that broke off, asked about and handed on.

use std::fs;
use std::path::Path;

use super::tests::trail;
use super::*;
use crate::audit::tests::{check, config, key, message, temp};
use crate::audit::{Audit, Signer, Verdict, chain, text};

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn bundle<'a>(directory: &'a Path, to: &'a Path, filter: &'a Filter, only_matching: bool) -> Bundle<'a> {
    Bundle { directory, to, filter, key: None, only_matching, signer: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gate_wrote_just_now_is_waited_for_and_what_broke_off_is_said() {
    let dir = temp();
    let (live, broken) = (dir.path().join("live"), dir.path().join("broken"));
    let (audit, writer) = Audit::open(config(&live), &key()).unwrap();
    for n in 0..3 {
        audit.submit(message(n)).await.map(drop).unwrap();
    }
    let last = settle(&live).unwrap();
    // As a disk holds it that was taken away before the checkpoint.
    copy(&live, &broken);
    let path = &crate::audit::segment::list(&broken).unwrap()[0].path;
    let text = fs::read_to_string(path).unwrap();
    let (kept, checkpoint) = text.trim_end().rsplit_once('\n').unwrap();
    assert!(checkpoint.contains("\"cause\":\"busy\""), "{checkpoint}");
    fs::write(path, format!("{kept}\n")).unwrap();
    let mut report = check(&live);
    report.asked = last;
    assert!(report.verdict() == Verdict::Whole && last.is_some(), "{report}");
    assert_eq!(check(&live).verdict(), Verdict::Whole, "a second after the last record all is signed for");
    let filter = Filter::default();
    let exported = export(&bundle(&live, &dir.path().join("all"), &filter, false)).unwrap();
    assert_eq!(exported.left_out, None);

    assert_eq!(settle(&broken).unwrap(), None);
    let report = check(&broken);
    assert_eq!(report.verdict(), Verdict::Unproven);
    assert!(report.to_string().contains("it does not end with a stop"), "{report}");
    for (to, only_matching) in [("some", false), ("proofs", true)] {
        let to = dir.path().join(to);
        let exported = export(&bundle(&broken, &to, &filter, only_matching)).unwrap();
        let (first, last, count) = exported.left_out.unwrap();
        assert!(last - first + 1 == count && count == 3, "{exported:?}");
        if let Some((holds, said)) = super::tests::python(&[&to.join("verify.py"), &to]) {
            assert!(holds, "{said}");
        }
    }
    writer.close();
    let report = check(&live);
    assert!(report.to_string().contains("it ends with a stop"), "{report}");
    assert_eq!(settle(&live).unwrap(), Some(report.last));
}

#[tokio::test]
async fn a_damaged_segment_does_not_hide_the_others() {
    let dir = temp();
    trail(dir.path(), 400).await;
    assert!(crate::audit::tests::pack_all(dir.path()) > 3);
    let search = |take: &mut dyn FnMut(u64)| {
        search_sound(dir.path(), &Filter::default(), &mut |_, facts| {
            take(facts.seq);
            Ok(true)
        })
        .unwrap()
    };
    let segments = crate::audit::segment::list(dir.path()).unwrap();
    let (whole, damaged) = search(&mut |_| {});
    assert!(damaged.is_empty());
    let (path, next) = (&segments[1].path, segments[2].first);
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    // Whatever an index kept from before still says.
    let mut seqs = Vec::new();
    let (rest, damaged) = search(&mut |seq| seqs.push(seq));
    assert!(damaged.len() == 1 && damaged[0].contains("segment-"), "{damaged:?}");
    assert!(rest.matched < whole.matched && seqs.contains(&1) && seqs.contains(&next), "{rest:?}");
    let report = check(dir.path());
    let said = report.to_string();
    assert!(report.fault.is_some() && !said.contains("is missing"), "{said}");
}

/// Changes a file of a bundle and mends the manifest, as a forger would.
fn forge(bundle: &Path, file: &str, change: impl Fn(&str) -> String) {
    let path = bundle.join(file);
    let text = fs::read_to_string(&path).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text, "{file}");
    fs::write(&path, &changed).unwrap();
    let hash = |text: &str| text::hex(&chain::sha256(text.as_bytes()));
    let manifest = fs::read_to_string(bundle.join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    for entry in manifest["files"].as_array_mut().unwrap() {
        if entry["file"] == file {
            entry["sha256"] = hash(&changed).into();
            entry["bytes"] = changed.len().into();
        }
    }
    fs::write(bundle.join("manifest.json"), manifest.to_string()).unwrap();
}

#[tokio::test]
async fn a_forged_bundle_is_refused_by_its_own_program() {
    let dir = temp();
    let audit = dir.path().join("audit");
    trail(&audit, 60).await;
    let filter = Filter::default();
    let own = Signer::from_pkcs8(&key()).unwrap();
    let other = Signer::from_pkcs8(&crate::audit::generate_signing_key().unwrap()).unwrap();
    let made = |name: &str, only_matching: bool, signer: Option<&Signer>| {
        let to = dir.path().join(name);
        export(&Bundle { signer, ..bundle(&audit, &to, &filter, only_matching) }).unwrap();
        to
    };
    let asked = |to: &Path, more: &[&Path]| {
        let first = to.join("verify.py");
        super::tests::python(&[&[first.as_path(), to], more].concat())
    };
    let signed = made("signed", false, Some(&own));
    let Some((holds, said)) = asked(&signed, &[]) else {
        eprintln!("SKIPPED: there is no python3");
        return;
    };
    assert!(holds && said.contains("a key of this trail"), "{said}");
    let refused = |to: &Path, more: &[&Path], word: &str| {
        let (holds, said) = asked(to, more).unwrap();
        assert!(!holds && said.contains(word) && !said.contains("Traceback"), "{word} in {said}");
    };
    let pem = dir.path().join("other.pub");
    fs::write(&pem, other.public().to_pem()).unwrap();
    let strange = made("strange", false, Some(&other));
    refused(&strange, &[], "no key of this trail");
    let (holds, said) = asked(&strange, &["--signer".as_ref(), &pem]).unwrap();
    assert!(holds && said.contains("the signer given"), "{said}");
    refused(&signed, &["--signer".as_ref(), &pem], "not by the --signer");

    let unsigned = |name: &str, only: bool| {
        let to = made(name, only, None);
        let (holds, said) = asked(&to, &[]).unwrap();
        assert!(holds && said.contains("NOT signed"), "{said}");
        to
    };
    let better = |text: &str| text.replacen("\"action\":\"block\"", "\"action\":\"allow\"", 1);
    let to = unsigned("selection", false);
    forge(&to, "selection.jsonl", better);
    refused(&to, &[], "is not the record of the trail");
    let to = unsigned("proven", true);
    forge(&to, "selection.jsonl", better);
    refused(&to, &[], "is not proven");
    let to = unsigned("checkpoints", false);
    forge(&to, "checkpoints.jsonl", |text| text.lines().skip(1).map(|line| format!("{line}\n")).collect());
    refused(&to, &[], "checkpoints.jsonl is not what the records hold");
    let to = unsigned("more", false);
    fs::write(to.join("records/segment-2.jsonl"), "{}").unwrap();
    refused(&to, &[], "not in the manifest: records/segment-2.jsonl");
    let to = unsigned("less", false);
    fs::remove_file(to.join("checkpoints.jsonl")).unwrap();
    refused(&to, &[], "checkpoints.jsonl is listed and not there");
    let to = unsigned("form", false);
    forge(&to, "selection.jsonl", |_| "[]\n".to_owned());
    refused(&to, &[], "does not have the form");
    let checker = signed.join("verify.py");
    let (holds, said) = super::tests::python(&[&checker, "--help".as_ref()]).unwrap();
    assert!(holds && said.contains("--signer"), "{said}");
}
