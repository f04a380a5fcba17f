//! What a peer may not send, as far as it is told before the engine sees it: too much of something, or frames that the engine
//! would refuse in other words than RFC 9113 has for them.

use std::fmt;
use std::io;

use h2::Reason;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Breach {
    /// Streams that are asked for and given up at once (CVE-2023-44487).
    Resets,
    /// Header blocks that do not end (CVE-2024-27316).
    Continuations,
    /// Settings, pings, priorities, windows, empty frames.
    Control,
    /// Time, for a header block or another frame that is taken whole.
    Unended,
    /// A client begins with something else than its settings (section 3.4).
    Greeting,
    /// A frame is not as long as its kind is (section 4.2).
    Size,
    /// A window is asked for that cannot be (section 6.5.2).
    Window,
    /// A header block cannot be read (section 4.3).
    Compression,
}

impl Breach {
    /// The word in records and metric labels.
    pub(in crate::proxy) const fn as_str(self) -> &'static str {
        match self {
            Breach::Resets => "h2_resets",
            Breach::Continuations => "h2_continuations",
            Breach::Control => "h2_control_frames",
            Breach::Unended => "h2_headers_timeout",
            Breach::Greeting => "h2_greeting",
            Breach::Size => "h2_frame_size",
            Breach::Window => "h2_window",
            Breach::Compression => "h2_header_block",
        }
    }

    /// The code in the gate's GOAWAY (section 7).
    pub(super) const fn reason(self) -> Reason {
        match self {
            Breach::Resets | Breach::Continuations | Breach::Control | Breach::Unended => {
                Reason::ENHANCE_YOUR_CALM
            }
            Breach::Greeting => Reason::PROTOCOL_ERROR,
            Breach::Size => Reason::FRAME_SIZE_ERROR,
            Breach::Window => Reason::FLOW_CONTROL_ERROR,
            Breach::Compression => Reason::COMPRESSION_ERROR,
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Breach::Resets => "peer gives up more streams than it uses",
            Breach::Continuations => "peer sends a header block that does not end",
            Breach::Control => "peer sends more control frames than its traffic needs",
            Breach::Unended => "peer did not end a header block in time",
            Breach::Greeting => "peer does not begin with its settings",
            Breach::Size => "peer sends a frame that is not as long as its kind is",
            Breach::Window => "peer asks for a window of more than 2^31 - 1 bytes",
            Breach::Compression => "peer sends a header block that cannot be read",
        })
    }
}

impl std::error::Error for Breach {}

impl From<Breach> for io::Error {
    fn from(breach: Breach) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, breach)
    }
}

/// Whether a frame of this kind may be this long. How long any may be is for the engine to say.
pub(super) const fn is_well_sized(kind: u8, flags: u8, length: usize) -> bool {
    const ACK: u8 = 1;
    match kind {
        // PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE.
        2 => length == 5,
        3 | 8 => length == 4,
        4 => length.is_multiple_of(6) && (flags & ACK == 0 || length == 0),
        6 => length == 8,
        7 => length >= 8,
        _ => true,
    }
}

/// The entries of SETTINGS, wherever they are cut.
#[derive(Debug, Default)]
pub(super) struct Entries {
    entry: [u8; 6],
    have: usize,
}

impl Entries {
    /// False once one asks for a window that cannot be.
    pub(super) fn take(&mut self, payload: &[u8]) -> bool {
        for byte in payload {
            if let Some(place) = self.entry.get_mut(self.have) {
                *place = *byte;
            }
            self.have = (self.have + 1) % self.entry.len();
            // INITIAL_WINDOW_SIZE, whose first bit is none of it.
            if self.have == 0 && matches!(self.entry, [0, 4, first, ..] if first >= 0x80) {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_wherever_settings_are_cut() {
        let entries =
            [0, 3, 0, 0, 0, 100, 0, 4, 0x7f, 0xff, 0xff, 0xff, 0, 1, 0x80, 0, 0, 0, 0, 4, 0x80, 0, 0, 0];
        for cut in 0..entries.len() {
            let mut whole = Entries::default();
            assert!(whole.take(&entries[..18.min(cut)]));
            assert!(!whole.take(&entries[18.min(cut)..]), "{cut}");
            assert!(Entries::default().take(&entries[..18]));
        }
    }
}
