//! Standard output, buffered, with every write's error told.

use std::fmt;
use std::io::{self, BufWriter, Stdout, Write};

/// Where a command's answer goes.
pub(crate) struct Output {
    stdout: BufWriter<Stdout>,
    /// Something was written since the last flush. Where nothing was, nobody need wait for a thread that still writes to it.
    is_dirty: bool,
}

impl Output {
    pub(super) fn stdout() -> Output {
        Output { stdout: BufWriter::new(io::stdout()), is_dirty: false }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_dirty = true;
        self.stdout.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.is_dirty {
            return Ok(());
        }
        self.stdout.flush().inspect(|()| self.is_dirty = false)
    }
}
