//! Reading HTTP/1.1 off a connection as it stands on the wire: nothing is normalised, every byte is kept.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// A socket, with or without TLS.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// How a message is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    None,
    Length(usize),
    Chunked,
    Close,
}

/// A head, its first line apart.
#[derive(Clone, Debug)]
pub struct Head {
    pub line: String,
    pub fields: Vec<(String, String)>,
}

impl Head {
    fn parse(text: &str) -> Head {
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Head { line, fields: lines.filter(|line| !line.is_empty()).map(field).collect() }
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub fn framing(&self, otherwise: Framing) -> Framing {
        match (self.field("transfer-encoding"), self.field("content-length")) {
            (Some(coding), _) => {
                assert_eq!(coding, "chunked");
                Framing::Chunked
            }
            (None, Some(length)) => Framing::Length(length.parse().unwrap()),
            (None, None) => otherwise,
        }
    }
}

/// The body of a message as far as it came.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub trailers: Vec<(String, String)>,
    /// It ended as its framing says, not by the connection's end.
    pub whole: bool,
}

/// Reads from a connection through a buffer.
pub struct Reader {
    pub io: Box<dyn Io>,
    pub buffer: Vec<u8>,
    /// Why reading ended, if it ended in an error.
    pub error: Option<io::ErrorKind>,
}

impl Reader {
    pub fn new(io: impl Io + 'static) -> Reader {
        Reader { io: Box::new(io), buffer: Vec::new(), error: None }
    }

    /// More bytes; false at the end.
    pub async fn fill(&mut self) -> bool {
        let mut chunk = vec![0; 64 * 1024];
        match self.io.read(&mut chunk).await {
            Ok(0) => false,
            Ok(read) => {
                self.buffer.extend_from_slice(&chunk[..read]);
                true
            }
            Err(error) => {
                self.error = Some(error.kind());
                false
            }
        }
    }

    async fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                let rest = self.buffer.split_off(at + mark.len());
                return Some(std::mem::replace(&mut self.buffer, rest));
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next head; `None` when the connection ends first.
    pub async fn head(&mut self) -> Option<Head> {
        let text = self.until(b"\r\n\r\n").await?;
        Some(Head::parse(std::str::from_utf8(&text).unwrap()))
    }

    async fn exactly(&mut self, length: usize, to: &mut Vec<u8>) -> bool {
        while self.buffer.len() < length {
            if !self.fill().await {
                to.append(&mut self.buffer);
                return false;
            }
        }
        to.extend(self.buffer.drain(..length));
        true
    }

    pub async fn body(&mut self, framing: Framing) -> Body {
        let mut body = Body::default();
        match framing {
            Framing::None => body.whole = true,
            Framing::Length(length) => body.whole = self.exactly(length, &mut body.bytes).await,
            Framing::Close => {
                while self.fill().await {}
                body.bytes.append(&mut self.buffer);
                body.whole = self.error.is_none();
            }
            Framing::Chunked => while self.chunk(&mut body).await {},
        }
        body
    }

    /// The next chunk, appended; false at the end, whole or not.
    pub async fn chunk(&mut self, body: &mut Body) -> bool {
        let Some(line) = self.until(b"\r\n").await else { return false };
        let size = std::str::from_utf8(&line[..line.len() - 2]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            let mut text = String::from("\r\n");
            loop {
                let Some(line) = self.until(b"\r\n").await else { return false };
                if line == b"\r\n" {
                    break;
                }
                text.push_str(std::str::from_utf8(&line).unwrap());
            }
            body.trailers = Head::parse(&text).fields;
            body.whole = true;
            return false;
        }
        if !self.exactly(size, &mut body.bytes).await {
            return false;
        }
        let mut end = Vec::new();
        self.exactly(2, &mut end).await && end == b"\r\n"
    }
}

/// `data` as chunks of at most `size`, with the end.
pub fn chunked(data: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in data.chunks(size) {
        out.extend(chunk_of(chunk));
    }
    out.extend(b"0\r\n\r\n");
    out
}

pub fn chunk_of(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}
