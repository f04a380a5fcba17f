//! What nobody reads keeps nothing waiting: neither flows nor the trail nor an end.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::{configure, done, folder, records, tidegate};

/// Longer than any wait in here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running gate; killed when a test fails before it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(folder: &Path, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Running {
        let mut command = tidegate(folder, &["run", "--config", "t.toml"]);
        Running(command.stdout(stdout).stderr(stderr).spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// The exit code, and how long it took.
    fn end(&mut self) -> (i32, Duration) {
        let begun = Instant::now();
        self.signal("TERM");
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return (status.code().unwrap(), begun.elapsed());
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Reads the greeting, then fills the pipe: from then on nobody reads. The admin listener's address.
fn fill(reader: &mut io::PipeReader, mut writer: io::PipeWriter) -> String {
    let mut greeting = Vec::new();
    while !greeting.ends_with(b")\"\n\n") {
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        greeting.push(byte[0]);
    }
    // Ends when the test does, and its pipe with it.
    thread::spawn(move || writer.write_all(&vec![b'\n'; 4 << 20]));
    let greeting = String::from_utf8(greeting).unwrap();
    let admin = greeting.lines().find_map(|line| line.trim().strip_prefix("admin")).unwrap();
    admin.trim().trim_start_matches("http://").split('/').next().unwrap().to_owned()
}

fn ask(admin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn standard_output_that_nobody_reads_stops_neither_the_trail_nor_an_end() {
    let folder = folder();
    let sink = "[[sink]]\nname = \"out\"\nkind = \"stdout\"\nbegin = \"start\"\n";
    configure(folder.path(), &format!("[audit]\nheartbeat = \"1s\"\nwitness = \"heads\"\n{sink}"));
    let (mut reader, writer) = io::pipe().unwrap();
    let mut gate = Running::start(folder.path(), OwnedFd::from(writer.try_clone().unwrap()), Stdio::null());
    let admin = fill(&mut reader, writer);
    until("the witness is told", || {
        ask(&admin, "/readyz?verbose").contains("audit: warning (witness behind: standard output")
    });
    let heads = || fs::read_to_string(folder.path().join("heads")).unwrap().lines().count();
    let before = heads();
    until("heads go on", || heads() >= before + 3);
    assert!(ask(&admin, "/readyz").starts_with("HTTP/1.1 200"), "it is ready all the same");
    let (code, took) = gate.end();
    assert!(code == 0 && took < Duration::from_secs(20), "{code} {took:?}");
    let all = records(folder.path());
    assert!(all.contains("\"control\":\"witness\""), "{all}");
    let (code, out, _) =
        done(folder.path(), &["audit", "verify", "audit", "--witness", "heads", "--require-witness"]);
    assert!(code == 0 && out.contains("it ends with a stop"), "{code} {out}");
}

#[test]
fn standard_error_that_nobody_reads_stops_nothing() {
    let folder = folder();
    configure(folder.path(), "");
    let (mut reader, writer) = io::pipe().unwrap();
    let (log, mut filled) = io::pipe().unwrap();
    let stderr = OwnedFd::from(filled.try_clone().unwrap());
    let mut gate = Running::start(folder.path(), OwnedFd::from(writer), stderr);
    thread::spawn(move || filled.write_all(&vec![b'\n'; 4 << 20]));
    let mut greeting = [0; 64];
    reader.read_exact(&mut greeting).unwrap();
    thread::spawn(move || io::copy(&mut reader, &mut io::sink()));
    let reloads = || records(folder.path()).matches("\"outcome\":\"loaded\"").count();
    for n in 1..=5 {
        gate.signal("HUP");
        until("a reload", || reloads() >= n);
    }
    let (code, took) = gate.end();
    assert!(code == 0 && took < Duration::from_secs(20), "{code} {took:?}");
    drop(log);
    // Nor does a failure that nobody hears of.
    let (log, mut filled) = io::pipe().unwrap();
    fs::write(folder.path().join("t.toml"), "mode = \"enforze\"\n").unwrap();
    filled.write_all(&[b'\n'; 32 * 1024]).unwrap();
    let full = filled.try_clone().unwrap();
    thread::spawn(move || filled.write_all(&vec![b'\n'; 4 << 20]));
    thread::sleep(Duration::from_millis(200));
    let mut gate = Running::start(folder.path(), Stdio::null(), OwnedFd::from(full));
    until("it ends", || gate.0.try_wait().unwrap().is_some());
    assert_eq!(gate.0.wait().unwrap().code(), Some(78));
    drop(log);
}

#[test]
fn a_witness_that_is_removed_is_gone_on_with_and_that_is_on_record() {
    let folder = folder();
    configure(folder.path(), "[audit]\nheartbeat = \"1s\"\nwitness = \"heads\"\n");
    let log = File::create(folder.path().join("log")).unwrap();
    let mut gate = Running::start(folder.path(), Stdio::null(), log);
    let heads = folder.path().join("heads");
    until("a first head", || fs::metadata(&heads).is_ok_and(|found| found.len() > 0));
    fs::remove_file(&heads).unwrap();
    until("it is there again", || fs::metadata(&heads).is_ok_and(|found| found.len() > 0));
    until("it is on record", || {
        let all = records(folder.path());
        all.lines()
            .any(|line| line.contains("\"control\":\"witness\"") && line.contains("was moved or removed"))
    });
    assert_eq!(gate.end().0, 0);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("heads was moved or removed"), "{log}");
    let (code, out, _) =
        done(folder.path(), &["audit", "verify", "audit", "--witness", "heads", "--require-witness"]);
    assert!(code == 0, "{code} {out}");
}
