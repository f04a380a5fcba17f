//! Colour for people: on a terminal only, and not where `NO_COLOR` is set.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};

/// How a part of a text is set off.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Magenta,
    Cyan,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Red => "1;31",
            Ink::Green => "32",
            Ink::Yellow => "33",
            Ink::Magenta => "35",
            Ink::Cyan => "36",
        }
    }
}

/// Whether to paint at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    pub(super) fn stdout() -> Paint {
        Paint::for_terminal(io::stdout().is_terminal())
    }

    pub(super) fn stderr() -> Paint {
        Paint::for_terminal(io::stderr().is_terminal())
    }

    fn for_terminal(is_terminal: bool) -> Paint {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Paint { on: is_terminal && !set("NO_COLOR") && !dumb }
    }

    pub(super) const fn is_on(self) -> bool {
        self.on
    }

    pub(super) fn with<T: Display>(self, ink: Ink, text: T) -> Painted<T> {
        Painted { code: self.on.then(|| ink.code()), text }
    }
}

/// A text in its colour. Widths and alignments count what is seen.
pub(super) struct Painted<T> {
    code: Option<&'static str>,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(code) = self.code else { return self.text.fmt(f) };
        write!(f, "\x1b[{code}m")?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

/// Lines of a name and what is to be said under it.
pub(super) struct Rows<'a> {
    pub(super) output: &'a mut dyn Write,
    pub(super) paint: Paint,
}

impl Rows<'_> {
    pub(super) fn line(&mut self, name: &str, text: impl Display) -> io::Result<()> {
        writeln!(self.output, "  {} {text}", self.paint.with(Ink::Dim, format!("{name:12}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_and_takes_no_room() {
        let plain = Paint { on: false };
        assert_eq!(format!("[{:>4}]", plain.with(Ink::Red, "ab")), "[  ab]");
        let painted = Paint { on: true };
        assert_eq!(format!("[{:>4}]", painted.with(Ink::Red, "ab")), "[\u{1b}[1;31m  ab\u{1b}[0m]");
        assert!(!Paint::for_terminal(false).is_on());
    }
}
