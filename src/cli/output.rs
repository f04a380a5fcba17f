//! Standard output, buffered, with every write's error told.

use std::fmt;
use std::io::{self, BufWriter, Stdout, Write};

/// Where a command's answer goes.
pub(crate) struct Output(BufWriter<Stdout>);

impl Output {
    pub(super) fn stdout() -> Output {
        Output(BufWriter::new(io::stdout()))
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
