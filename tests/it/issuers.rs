//! One issuer gives way to the next without a client ever being without, and commands can be run behind the gate.

use std::fs;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::commands::{Gate, configure, done, folder, tidegate};
use crate::harness::client::{connector, name};
use crate::harness::soon;

type Tls = tokio_rustls::client::TlsStream<TcpStream>;

/// TLS in a tunnel through the gate, for a client that trusts this alone.
async fn shake(proxy: &str, trusted: &Path) -> std::io::Result<Tls> {
    let mut tcp = TcpStream::connect(proxy).await?;
    tcp.write_all(b"CONNECT nowhere.invalid:443 HTTP/1.1\r\nHost: nowhere.invalid\r\n\r\n").await?;
    let mut answer = [0; 39];
    soon("an answer to CONNECT", tcp.read_exact(&mut answer)).await?;
    let trusted = fs::read_to_string(trusted).unwrap();
    soon("a handshake", connector(&trusted).connect(name("nowhere.invalid"), tcp)).await
}

/// The first line of the answer to a request.
async fn ask(tls: &mut Tls) -> String {
    tls.write_all(b"GET / HTTP/1.1\r\nHost: nowhere.invalid\r\n\r\n").await.unwrap();
    let mut line = [0; 12];
    soon("an answer", tls.read_exact(&mut line)).await.unwrap();
    String::from_utf8_lossy(&line).into_owned()
}

#[tokio::test]
async fn the_next_issuer_is_trusted_before_it_signs_and_open_flows_live_on() {
    let folder = folder();
    let at = folder.path();
    configure(at, "");
    let (mut gate, greeting) = Gate::start(at);
    let proxy = greeting.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let (code, out, err) = done(at, &["issuer", "rotate", "--config", "t.toml", "--activate"]);
    assert_eq!(code, 78, "{out}{err}");
    assert!(err.contains("issuer.next.pem"), "{err}");
    let (code, out, _) = done(at, &["issuer", "rotate", "--config", "t.toml"]);
    assert!(code == 0 && out.contains("issuer.next.pem"), "{out}");
    let (old, next) = (at.join("certs/issuer.pem"), at.join("certs/issuer.next.pem"));
    let old_copy = at.join("old.pem");
    fs::copy(&old, &old_copy).unwrap();
    let (_, bundle, _) = done(at, &["issuer", "bundle", "--config", "t.toml"]);
    for file in [&old, &next] {
        assert!(bundle.contains(fs::read_to_string(file).unwrap().trim()), "{}", file.display());
    }
    let (_, shown, _) = done(at, &["issuer", "show", "--config", "t.toml"]);
    assert!(shown.contains("next   one   ") && shown.matches("sha256       ").count() == 2, "{shown}");
    let mut open = shake(&proxy, &old).await.unwrap();
    shake(&proxy, &next).await.unwrap_err();
    let (code, out, err) = done(at, &["issuer", "rotate", "--config", "t.toml", "--activate"]);
    assert!(code == 0 && out.contains("SIGHUP"), "{out}{err}");
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    shake(&proxy, &old).await.unwrap();
    shake(&proxy, &old_copy).await.unwrap_err();
    assert_eq!(ask(&mut open).await, "HTTP/1.1 502");
    let (_, bundle, _) = done(at, &["issuer", "bundle", "--config", "t.toml"]);
    assert!(bundle.contains(fs::read_to_string(&old_copy).unwrap().trim()));
    let (_, shown, _) = done(at, &["issuer", "show", "--config", "t.toml"]);
    assert!(shown.contains("former one   ") && shown.matches("sha256       ").count() == 2, "{shown}");
}

#[test]
fn a_command_is_run_behind_the_gate_and_answers_for_itself() {
    let folder = folder();
    configure(folder.path(), "");
    assert_eq!(done(folder.path(), &["issuer", "init", "--config", "t.toml"]).0, 0);
    let script =
        "test -s \"$SSL_CERT_FILE\" && test -s \"$NODE_EXTRA_CA_CERTS\" && echo \"$https_proxy\"; exit 7";
    let (code, out, err) = done(folder.path(), &["exec", "--config", "t.toml", "--", "sh", "-c", script]);
    assert_eq!((code, out.as_str()), (7, "http://127.0.0.1:0\n"), "{err}");
    let (code, _, err) = done(folder.path(), &["exec", "--config", "t.toml", "--", "./no-such-command"]);
    assert!(code == 127 && err.contains("no-such-command: cannot be run"), "{code} {err}");
    let (code, _, err) = done(folder.path(), &["exec", "--config", "t.toml", "--", "./t.toml"]);
    assert!(code == 126 && err.contains("t.toml: cannot be run"), "{code} {err}");
    assert_eq!(tidegate(folder.path(), &["exec"]).output().unwrap().status.code(), Some(64));
}
