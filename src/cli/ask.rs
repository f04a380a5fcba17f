//! Asks the admin listener of a running gate, with the token that its configuration names.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use zeroize::Zeroizing;

use super::env::reachable;
use super::{ConfigArg, Failure};
use crate::config::{self, keys};
use crate::limits;
use crate::platform::process;

/// How the gate's answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// Which gate is asked, and who asks.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct GateArg {
    #[command(flatten)]
    config: ConfigArg,
    /// Where its admin listener is; default: as the configuration says.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// Who makes the change, for the record; default: the user's name.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

/// What the gate answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// The sentence of a refusal.
    pub(super) fn detail(&self) -> String {
        let text = self.body.get("detail").and_then(Value::as_str);
        text.map_or_else(|| format!("the gate answered {}", self.status), str::to_owned)
    }

    /// The answer, unless it is a refusal.
    pub(super) fn granted(self) -> Result<Value, Failure> {
        match self.status {
            200..=299 => Ok(self.body),
            400 | 415 | 422 => Err(Failure::usage(self.detail())),
            503 => Err(Failure::unavailable(self.detail())),
            _ => Err(Failure::negative(self.detail())),
        }
    }
}

impl GateArg {
    pub(super) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        let config = config::read(self.config.config.as_deref())?;
        if !config.admin.token.exists() {
            let token = config.admin.token.display();
            return Err(Failure::unavailable(format!(
                "no gate has run with this configuration: its token {token} is not there"
            )));
        }
        let token = keys::read_text(&config.admin.token)?;
        let address = self.admin.unwrap_or_else(|| reachable(config.admin.address));
        if address.port() == 0 {
            let hint = "the configuration leaves the admin port to the system; name it with --admin ADDRESS";
            return Err(Failure::usage(hint));
        }
        let request = self.request(method, path, body, address, &token);
        let answered = exchange(address, &request);
        let raw = answered.map_err(|error| {
            Failure::unavailable(format!(
                "no gate answers at {address}: {error}; is one running with this configuration?"
            ))
        })?;
        let answer = parse(&raw).ok_or_else(|| {
            Failure::unavailable(format!("what answers at {address} is no admin listener of tidegate"))
        })?;
        if answer.status == 401 {
            let token = config.admin.token.display();
            return Err(Failure::negative(format!("the gate at {address} refuses the token in {token}")));
        }
        Ok(answer)
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        address: SocketAddr,
        token: &str,
    ) -> Zeroizing<String> {
        let body = body.map_or_else(String::new, Value::to_string);
        let actor = self.actor.clone().unwrap_or_else(user);
        // A header is one line.
        let actor: String = actor.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
        Zeroizing::new(format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             tidegate-actor: {actor}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        ))
    }
}

/// Whether a gate that takes this token answers there.
pub(super) fn answers(address: SocketAddr, token: &str) -> bool {
    let address = reachable(address);
    let request = Zeroizing::new(format!(
        "GET /api/v1/overlays HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    ));
    exchange(address, &request).ok().and_then(|raw| parse(&raw)).is_some_and(|answer| answer.status == 200)
}

/// Who asks, as far as this machine knows: where nobody logged in (cron, a container), the account itself.
fn user() -> String {
    let said = |name: &&str| std::env::var(name).ok().filter(|name| !name.trim().is_empty());
    ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(said).unwrap_or_else(|| {
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        account(&accounts, process::user_id())
    })
}

/// The name of an account, or its number.
fn account(accounts: &str, id: u32) -> String {
    let number = id.to_string();
    let named = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number && !name.is_empty()).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {number}"))
}

fn exchange(address: SocketAddr, request: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, limits::CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(limits::ADMIN_TIMEOUT))?;
    stream.set_write_timeout(Some(limits::ADMIN_TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    let mut raw = Vec::new();
    stream.take(limits::ADMIN_ANSWER).read_to_end(&mut raw)?;
    Ok(raw)
}

/// One whole answer; the listener ends its connection behind it.
fn parse(raw: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(raw).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer { status, body: serde_json::from_str(body).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_name_has_a_number() {
        let accounts = "root:x:0:0::/root:/bin/sh\nbroken\nalice:x:1000:1000::/:/bin/sh\n";
        assert_eq!(account(accounts, 1000), "alice");
        assert_eq!(account(accounts, 0), "root");
        assert_eq!(account(accounts, 100), "uid 100");
    }

    #[test]
    fn answers_are_read() {
        let answer = parse(b"HTTP/1.1 422 Unprocessable\r\na: b\r\n\r\n{\"detail\":\"no\"}\n").unwrap();
        assert_eq!((answer.status, answer.detail().as_str()), (422, "no"));
        assert!(answer.granted().is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\nplain").unwrap().granted().is_ok());
        assert!(parse(b"SSH-2.0-x\r\n").is_none());
    }
}
