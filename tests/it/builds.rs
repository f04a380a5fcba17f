//! What the compiler is told by `benches/profile/rustc`, which stands in front of it in every build of this repository.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

#[test]
fn the_compiler_is_told_counts_of_its_own_release_and_only_for_optimised_code() {
    let whole = tempfile::tempdir().unwrap();
    let folder = whole.path().join("with a space");
    fs::create_dir(&folder).unwrap();
    // Links: a program that was just written may still be open for writing in a process that another test begins.
    for (name, file) in [("rustc", "benches/profile/rustc"), ("compiler", "tests/it/harness/compiler")] {
        symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join(file), folder.join(name)).unwrap();
    }
    let counts = |release| folder.join(format!("there-linux-{release}.profdata"));
    let told = |arguments: &[&str], mode: &str| {
        let done = Command::new(folder.join("rustc"))
            .arg(folder.join("compiler"))
            .args(arguments)
            .env("TIDEGATE_PROFILE", mode)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    };
    let (fast, plain) = (["lib.rs", "-C", "opt-level=3"], ["lib.rs", "-C", "opt-level=0"]);

    fs::write(counts("9.0.0"), "").unwrap();
    assert_eq!(told(&fast, ""), "lib.rs -C opt-level=3", "counts of another release");
    fs::write(counts("9.1.0"), "").unwrap();
    let with = format!("-Cprofile-use={}", counts("9.1.0").canonicalize().unwrap().display());
    let ways = "-Cllvm-args=-no-pgo-warn-mismatch -Clink-arg=-Wl,-z,keep-text-section-prefix";
    assert_eq!(told(&fast, ""), format!("lib.rs -C opt-level=3 {with} {ways}"));
    assert_eq!(told(&plain, ""), "lib.rs -C opt-level=0");
    assert_eq!(told(&["-vV"], "").lines().last(), Some("release: 9.1.0"));
    assert_eq!(told(&fast, "count"), "lib.rs -C opt-level=3 -Cprofile-generate");
    assert_eq!(told(&plain, "count"), "lib.rs -C opt-level=0");
}
