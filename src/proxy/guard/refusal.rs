//! Why bytes of a peer were not let through to the HTTP parser.

use std::fmt;

use crate::limits;

/// A breach of RFC 9112, or of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    HeadTooLarge,
    TooManyFields,
    BlankLines,
    BareLf,
    BareCr,
    ControlByte,
    BadRequestLine,
    BadStatusLine,
    BadVersion,
    ObsFold,
    BadField,
    SpaceBeforeColon,
    MissingHost,
    DuplicateHost,
    BadContentLength,
    DuplicateContentLength,
    BadTransferEncoding,
    TransferEncodingInHttp10,
    LengthConflict,
    ConnectWithBody,
    NotConnect,
    BadConnectTarget,
    BadChunkSize,
    BadChunk,
    ChunkExtensionsTooLarge,
    TrailersTooLarge,
    FramingInTrailers,
    Unsolicited,
    UnexpectedUpgrade,
    TooManyInformational,
    /// It did not come in time.
    HeadTimeout,
}

impl Refusal {
    /// The word in records and metric labels.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Refusal::HeadTooLarge => "head_too_large",
            Refusal::TooManyFields => "too_many_fields",
            Refusal::BlankLines => "blank_lines",
            Refusal::BareLf => "bare_lf",
            Refusal::BareCr => "bare_cr",
            Refusal::ControlByte => "control_byte",
            Refusal::BadRequestLine => "bad_request_line",
            Refusal::BadStatusLine => "bad_status_line",
            Refusal::BadVersion => "bad_version",
            Refusal::ObsFold => "obs_fold",
            Refusal::BadField => "bad_field",
            Refusal::SpaceBeforeColon => "space_before_colon",
            Refusal::MissingHost => "missing_host",
            Refusal::DuplicateHost => "duplicate_host",
            Refusal::BadContentLength => "bad_content_length",
            Refusal::DuplicateContentLength => "duplicate_content_length",
            Refusal::BadTransferEncoding => "bad_transfer_encoding",
            Refusal::TransferEncodingInHttp10 => "transfer_encoding_in_http10",
            Refusal::LengthConflict => "length_conflict",
            Refusal::ConnectWithBody => "connect_with_body",
            Refusal::NotConnect => "not_connect",
            Refusal::BadConnectTarget => "bad_connect_target",
            Refusal::BadChunkSize => "bad_chunk_size",
            Refusal::BadChunk => "bad_chunk",
            Refusal::ChunkExtensionsTooLarge => "chunk_extensions_too_large",
            Refusal::TrailersTooLarge => "trailers_too_large",
            Refusal::FramingInTrailers => "framing_in_trailers",
            Refusal::Unsolicited => "unsolicited",
            Refusal::UnexpectedUpgrade => "unexpected_upgrade",
            Refusal::TooManyInformational => "too_many_informational",
            Refusal::HeadTimeout => "head_timeout",
        }
    }

    /// The status that tells a client of it (RFC 6585, RFC 9110).
    #[must_use]
    pub(crate) const fn status(self) -> http::StatusCode {
        match self {
            Refusal::HeadTooLarge | Refusal::TooManyFields | Refusal::TrailersTooLarge => {
                http::StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Refusal::HeadTimeout => http::StatusCode::REQUEST_TIMEOUT,
            Refusal::BadVersion => http::StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => http::StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::HeadTooLarge => {
                return write!(f, "head is larger than {} KiB", limits::HEAD_BYTES / 1024);
            }
            Refusal::TooManyFields => return write!(f, "head has more than {} fields", limits::HEAD_FIELDS),
            Refusal::BlankLines => "blank lines before the request line",
            Refusal::BareLf => "line ends in a bare line feed",
            Refusal::BareCr => "carriage return inside a line",
            Refusal::ControlByte => "control byte in a head",
            Refusal::BadRequestLine => "request line is malformed",
            Refusal::BadStatusLine => "status line is malformed",
            Refusal::BadVersion => "HTTP version is neither 1.1 nor 1.0",
            Refusal::ObsFold => "header field is folded over several lines",
            Refusal::BadField => "header field is malformed",
            Refusal::SpaceBeforeColon => "space between a field name and its colon",
            Refusal::MissingHost => "Host is missing",
            Refusal::DuplicateHost => "Host is given more than once",
            Refusal::BadContentLength => "Content-Length is not a number",
            Refusal::DuplicateContentLength => "Content-Length is given more than once",
            Refusal::BadTransferEncoding => "Transfer-Encoding is something other than chunked",
            Refusal::TransferEncodingInHttp10 => "Transfer-Encoding in an HTTP/1.0 message",
            Refusal::LengthConflict => "both Content-Length and Transfer-Encoding",
            Refusal::ConnectWithBody => "CONNECT with a body",
            Refusal::NotConnect => "request is not a CONNECT",
            Refusal::BadConnectTarget => "CONNECT target is not host:port",
            Refusal::BadChunkSize => "chunk size is malformed",
            Refusal::BadChunk => "chunk does not end where its size says",
            Refusal::ChunkExtensionsTooLarge => "chunk extensions are too large",
            Refusal::TrailersTooLarge => "trailers are too large",
            Refusal::FramingInTrailers => "trailers hold a framing or routing field",
            Refusal::Unsolicited => "bytes that answer no request",
            Refusal::UnexpectedUpgrade => "protocol switch that nobody asked for",
            Refusal::TooManyInformational => "too many informational responses",
            Refusal::HeadTimeout => "head did not end in time",
        })
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for std::io::Error {
    fn from(refusal: Refusal) -> Self {
        std::io::Error::new(std::io::ErrorKind::InvalidData, refusal)
    }
}
