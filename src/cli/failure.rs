//! How a command fails: a message and one of the contract's exit codes.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::paint::Paint;
use crate::config::Complaints;
use crate::config::keys::KeyError;

const NO: u8 = 1;
const UNPROVEN: u8 = 2;
pub(super) const USAGE: u8 = 64;
const UNAVAILABLE: u8 = 69;
const IO: u8 = 74;
const CONFIGURATION: u8 = 78;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// `None`: everything is said already.
    message: Option<String>,
}

impl Failure {
    /// The answer is "no", and it has been said.
    pub(super) fn no() -> Failure {
        Failure { code: NO, message: None }
    }

    /// An answer with a code of its own, already said.
    pub(super) fn answered(code: u8) -> Failure {
        Failure { code, message: None }
    }

    pub(super) fn negative(message: impl fmt::Display) -> Failure {
        Failure { code: NO, message: Some(message.to_string()) }
    }

    /// Something is missing that would have to be there for a proof.
    pub(super) fn unproven(message: impl fmt::Display) -> Failure {
        Failure { code: UNPROVEN, message: Some(message.to_string()) }
    }

    pub(super) fn usage(message: impl fmt::Display) -> Failure {
        Failure { code: USAGE, message: Some(message.to_string()) }
    }

    pub(super) fn unavailable(message: impl fmt::Display) -> Failure {
        Failure { code: UNAVAILABLE, message: Some(message.to_string()) }
    }

    /// A command that cannot take over, with the codes of shells: 127 not found, 126 not to be run.
    pub(super) fn command(message: impl fmt::Display, error: &io::Error) -> Failure {
        let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
        Failure { code, message: Some(message.to_string()) }
    }

    pub(super) fn io(message: impl fmt::Display) -> Failure {
        Failure { code: IO, message: Some(message.to_string()) }
    }

    pub(super) fn configuration(message: impl fmt::Display) -> Failure {
        Failure { code: CONFIGURATION, message: Some(message.to_string()) }
    }

    /// A file that cannot be read or written.
    pub(super) fn file(path: &Path, doing: &str, error: &io::Error) -> Failure {
        Failure::io(format!("{} {doing}: {error}", path.display()))
    }

    /// Standard output that takes no more. A reader who has seen enough is no failure.
    pub(super) fn output(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure { code: 0, message: None },
            _ => Failure::io(format!("standard output cannot be written: {error}")),
        }
    }

    /// Says why on standard error.
    pub(super) fn report(self) -> ExitCode {
        self.said(|text| eprint!("{text}")).code.into()
    }

    /// Says why elsewhere; nothing is left to say then.
    pub(super) fn said(self, say: impl Fn(&str)) -> Failure {
        if let Some(message) = self.message {
            say(&format!("tidegate: {message}\n"));
        }
        Failure { code: self.code, message: None }
    }
}

impl From<io::Error> for Failure {
    /// Commands write with `?` to nothing but standard output.
    fn from(error: io::Error) -> Failure {
        Failure::output(error)
    }
}

impl From<Complaints> for Failure {
    fn from(complaints: Complaints) -> Failure {
        if Paint::stderr().is_on() {
            return Failure::configuration(format!("invalid configuration\n{complaints:#}"));
        }
        Failure::configuration(format!("invalid configuration\n{complaints}"))
    }
}

impl From<Vec<KeyError>> for Failure {
    fn from(errors: Vec<KeyError>) -> Failure {
        let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\ntidegate: ");
        if errors.iter().all(|error| error.is_io) { Failure::io(text) } else { Failure::configuration(text) }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Failure {
        vec![error].into()
    }
}
