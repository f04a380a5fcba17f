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
    /// It begins with something else than its settings (section 3.4).
    Greeting,
    /// A frame is not as long as its kind is (section 4.2).
    Size,
    /// A window is asked for that cannot be (section 6.5.2).
    Window,
    /// An upstream would be pushed to (section 6.5.2).
    Push,
    /// A header block cannot be read (section 4.3).
    Compression,
    /// More of a message whose end was sent (section 5.1).
    Closed,
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
            Breach::Push => "h2_push",
            Breach::Compression => "h2_header_block",
            Breach::Closed => "h2_stream_closed",
        }
    }

    /// The code in the gate's GOAWAY (section 7).
    pub(super) const fn reason(self) -> Reason {
        match self {
            Breach::Resets | Breach::Continuations | Breach::Control | Breach::Unended => {
                Reason::ENHANCE_YOUR_CALM
            }
            Breach::Greeting | Breach::Push => Reason::PROTOCOL_ERROR,
            Breach::Size => Reason::FRAME_SIZE_ERROR,
            Breach::Window => Reason::FLOW_CONTROL_ERROR,
            Breach::Compression => Reason::COMPRESSION_ERROR,
            Breach::Closed => Reason::STREAM_CLOSED,
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
            Breach::Push => "peer says that it may be pushed to, which is for clients to say",
            Breach::Compression => "peer sends a header block that cannot be read",
            Breach::Closed => "peer goes on with a message that it has ended",
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
    /// An error once one is what nobody, or no upstream, may ask for.
    pub(super) fn take(&mut self, payload: &[u8], is_client: bool) -> Result<(), Breach> {
        for byte in payload {
            if let Some(place) = self.entry.get_mut(self.have) {
                *place = *byte;
            }
            self.have = (self.have + 1) % self.entry.len();
            match self.entry {
                _ if self.have != 0 => {}
                // INITIAL_WINDOW_SIZE, whose first bit is none of it.
                [0, 4, first, ..] if first >= 0x80 => return Err(Breach::Window),
                // ENABLE_PUSH.
                [0, 2, value @ ..] if !is_client && value != [0; 4] => return Err(Breach::Push),
                _ => {}
            }
        }
        Ok(())
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
            assert_eq!(whole.take(&entries[..18.min(cut)], true), Ok(()));
            assert_eq!(whole.take(&entries[18.min(cut)..], true), Err(Breach::Window), "{cut}");
            assert_eq!(Entries::default().take(&entries[..18], true), Ok(()));
        }
    }

    #[test]
    fn no_upstream_is_pushed_to() {
        for (value, of_a_client, of_an_upstream) in
            [(0, Ok(()), Ok(())), (1, Ok(()), Err(Breach::Push)), (2, Ok(()), Err(Breach::Push))]
        {
            let entry = [0, 2, 0, 0, 0, value];
            assert_eq!(Entries::default().take(&entry, true), of_a_client, "{value}");
            assert_eq!(Entries::default().take(&entry, false), of_an_upstream, "{value}");
        }
    }
}
