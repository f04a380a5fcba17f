//! Every bound of the product, named, with its reason.

use std::time::Duration;

/// Longest span that one match may cover, in bytes; longer values match a bounded prefix. It bounds the
/// carry-over of a stream and so its memory.
pub const MATCH_LEN: usize = 512;
/// Largest automaton of one pattern, in bytes as it is built, and memory that building it may take. They bound the
/// time that a pattern costs before it is refused: some tenths of a second.
pub const PATTERN_AUTOMATON: usize = 2 * 1024 * 1024;
pub const PATTERN_WORK: usize = 4 * 1024 * 1024;
/// Furthest a keyword may stand before or after a value, in bytes.
pub const KEYWORD_REACH: usize = 128;
/// Furthest that names are looked for backwards from a value: keys of enclosing objects, elements, its row's beginning,
/// its part's header. Far enough for the records that people send, short enough to be carried over from chunk to chunk.
pub const NAMES_REACH: usize = 1024;
/// So much of a text before its first character beyond ASCII is read with it where another charset than UTF-8 is declared:
/// the names of a table's columns mostly begin no later.
pub const CHARSET_REACH: usize = 4096;
/// Columns of a list whose names are kept when they stand further back: of those that values were found in.
pub const KEPT_COLUMNS: usize = 8;
/// Furthest that one is looked for forwards from where a value begins: what a member of the same object calls it.
pub const NAMES_AHEAD: usize = 120;
/// Names around one value that count and are told, the innermost first.
pub const NAMES: usize = 8;
/// Longest such name that is told whole.
pub const NAME_LEN: usize = 64;
/// Longest field that a rule may name: a path of as many such names as are looked up.
pub const FIELD_LEN: usize = 256;
/// Fields of one form that are remembered because rules speak of them; what stands in others counts everywhere.
pub const FORM_FIELDS: usize = 64;
/// What hashing a client's password takes: OWASP's figure for PBKDF2 with SHA-256, some tenths of a second. Less is not
/// worth the name; more, nobody would wait for.
pub const PASSWORD_ITERATIONS: u32 = 600_000;
pub const PASSWORD_ITERATIONS_MIN: u32 = 100_000;
pub const PASSWORD_ITERATIONS_MAX: u32 = 10_000_000;
/// Longest password; what people and programs choose is far shorter.
pub const PASSWORD_LEN: usize = 1024;
/// Passwords that are known again because they were right, and how many are tried at once: guessing takes one
/// processor at most.
pub const PASSWORDS_KNOWN: usize = 4096;
pub const PASSWORDS_AT_ONCE: usize = 1;
/// Wrong passwords of one address within a time, after which it is not listened to until that time is over; and how many
/// addresses are remembered for it.
pub const PASSWORDS_WRONG: u32 = 10;
pub const PASSWORDS_WRONG_WITHIN: Duration = Duration::from_secs(60);
pub const PASSWORDS_ADDRESSES: usize = 4096;
/// Names of a client's certificate that are looked at; those of workloads and people bear one or two.
pub const CERTIFICATE_NAMES: usize = 32;
/// Longest first line of a text that is kept as the header of its columns, and most columns; what spreadsheets and
/// databases export stays below.
pub const HEADER_ROW: usize = 4096;
pub const COLUMNS: usize = 512;
/// Bytes in which the declaration of an XML document ends: few of them have more than a hundred.
pub const XML_DECLARATION: usize = 1024;
/// Longest line that parts the parts of a body: RFC 2046 grants 70 characters and four dashes.
pub const BOUNDARY: usize = 76;
/// Places of findings of one text that are kept for the record, which tells of fewer; and findings whose place is looked for,
/// since where nothing names any, none is found.
pub const PLACES: usize = 512;
pub const PLACES_SOUGHT: usize = 4096;
/// Longest pattern for what stands right before or behind a match, in bytes.
pub const EXCLUDE_REACH: usize = 64;
/// How far before and behind a number the others of its list are read: seven numbers as long as a card's.
pub const CROWD_REACH: usize = 128;
/// How far before groups of digits the rows of their table are read: eight rows of twelve numbers. What stands behind
/// them is waited for, and reads no further than a list.
pub const TABLE_REACH: usize = 512;
const _: () = assert!(TABLE_REACH <= NAMES_REACH);
/// A match that can be longer is no number as people write them: where one may end in so many ways, checks judge all ends
/// in one reading.
pub const NUMBER_LEN: usize = 64;
/// Ways to divide one match into prefix, value and suffix that are tried; more would make a start cost too much.
pub const VALUE_TRIES: usize = 256;
/// Years of birth that a number of a person may hold: the first registers were filled with people born then; and what
/// a check accepts must not depend on the day it runs, so the end lies ahead and is moved with a release.
pub const BIRTH_YEARS: std::ops::RangeInclusive<u32> = 1855..=2039;
/// Ways (who, where to) of one observed rule that are told apart, and those that are shown: the most travelled.
pub const WOULD_WAYS: usize = 10_000;
pub const WOULD_SHOWN: usize = 20;
/// How long an exemption holds that is suggested: long enough to mend what it is for.
pub const WOULD_EXEMPT: Duration = Duration::from_secs(90 * 86_400);
/// Bytes that labels may add to a message: what waits is paid for as it came, and this much beside it is not. Where more
/// would be added, values are masked in as many bytes.
pub const RESIZED_BYTES: i64 = 64 << 10;
/// Encrypted numbers that are read from standard input at once, in bytes: some hundred thousand of them.
pub const REVEAL_INPUT: u64 = 8 << 20;
/// Least numbers that an encryption in the same form may map (NIST SP 800-38G, revision 1): of fewer all could be tried.
pub const FORM_LEAST: u128 = 1_000_000;
/// Times that a number is encrypted again until it has a first digit that may lead it; zero leads one in ten.
pub const FORM_WALK: u32 = 256;
/// Tokens tried for one value until one is taken for no value: of card numbers two in three are good, of others nearly all.
pub const TOKEN_ROUNDS: u8 = 16;
/// Distinct values counted exactly in one message; beyond it counts are stated as "at least".
pub const DISTINCT_EXACT: usize = 4096;
/// Fingerprints written into one record: enough to correlate, too few to make the trail a list of values.
pub const FINGERPRINTS_PER_MESSAGE: usize = 32;
/// Fingerprints written for one identifier of a record.
pub const FINGERPRINTS_PER_FINDING: usize = 8;
/// Places written for one identifier of a record.
pub const PLACES_PER_FINDING: usize = 8;

/// Memory that the windows of all rules may take. Ten thousand clients that each send something to a hundred
/// destinations take half of it; what does not fit is taken for a threshold that is met.
pub const BUDGET_BYTES: usize = 64 * 1024 * 1024;
/// Values of one message that its windows are asked about; past it they are taken for met.
pub const BUDGET_CLAIMS: usize = 65_536;
/// Time between two writings of the windows: what a crash may lose.
pub const BUDGET_SNAPSHOT: Duration = Duration::from_secs(5);
/// Longest window: what is written down must stay of use to the next process, not to the next year.
pub const WINDOW_MAX: Duration = Duration::from_secs(31 * 86_400);

/// Longest request or response head, in bytes; what common servers accept, doubled.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Most header fields in a head; the most that hyper parses without an allocation for each head.
pub const HEAD_FIELDS: usize = 100;
/// Most bytes of trailers after a chunked body.
pub const TRAILER_BYTES: usize = 16 * 1024;
/// Most bytes of chunk extensions in one body; nobody uses them, so little is granted.
pub const CHUNK_EXTENSION_BYTES: usize = 4 * 1024;
/// Most informational (1xx) heads before a response; more are a flood.
pub const INFORMATIONAL_HEADS: usize = 16;
/// Streams that one HTTP/2 connection may have open at once.
pub const H2_STREAMS: u32 = 100;
/// Largest HTTP/2 frame that every peer takes (RFC 9113, section 4.2), and the payload with which a frame and its head fill
/// a TLS record: one byte more would be a record of its own.
pub const H2_LEAST_FRAME: usize = 16 * 1024;
pub const H2_FILLED: usize = H2_LEAST_FRAME - 9;
/// Pieces of a body up to so many bytes together are copied into one frame.
pub const H2_JOINED: usize = 4 * 1024;
/// Bytes of HTTP/2 frames that wait to leave together, and room for them with what encryption adds to each record.
pub const H2_GATHERED: usize = 64 * 1024;
pub const H2_GATHERED_ROOM: usize = H2_GATHERED + 1024;
/// What the sender of one HTTP/2 stream may send before it is read. A connection's window grows with what waits up to that of
/// all its streams together: none that waits can stall another, and a connection never buffers more than 12.5 MiB (16.5 MiB
/// with wide ones).
pub const H2_STREAM_WINDOW: u32 = 2 * H2_FRAME_BYTES;
/// The same of upstreams, whose streams this side opens: where there are more, another connection is made. A wider window
/// keeps bodies coming while one is looked at; together they are no more than a client's.
pub const H2_UPSTREAM_STREAMS: u32 = 32;
pub const H2_UPSTREAM_WINDOW: u32 = 3 * H2_STREAM_WINDOW;
/// Streams in a row that an upstream gives up without an answer until its connection is taken for unwell, how often one request
/// is sent over another connection, and connections to one destination that are made beside those that wait for slow readers:
/// with so much unread for so long. What waits for one client counts against what its upstream keeps for all.
pub const H2_GIVEN_UP: u32 = 3;
/// Streams that this side may give up on one upstream's connection in a burst, and how many more a second, until the next
/// ones go over another: many servers end a connection, and everybody's streams on it, at 200 in 30 seconds or at 1,000
/// (CVE-2023-44487), and whose clients went away is not theirs to know.
pub const H2_CUT: u64 = 25;
pub const H2_CUT_A_SECOND: u64 = 1;
/// For how long an upstream that asked for calm is asked over connections of each client's own: what one of them keeps it busy
/// with costs no other then.
pub const H2_STRAINED: Duration = Duration::from_secs(60);
/// How long a connection that takes no more streams and carries none is kept, for one that was just about to be begun.
pub const H2_LET_GO: Duration = Duration::from_millis(100);
pub const H2_SENT_AGAIN: usize = 2;
pub const H2_CLOGGED_LINES: usize = 4;
pub const H2_CLOGGED: usize = H2_UPSTREAM_WINDOW as usize / 4;
pub const H2_CLOGGED_FOR: Duration = Duration::from_secs(1);
/// What a stream's window may become where its peer is far away: enough for 40 MB a second over 50 ms, the most that is
/// aimed at. Streams of one connection that there is room for then, and connections that may have it at once (128 MiB of
/// windows together, beside the usual ones).
pub const H2_WIDE_WINDOW: u32 = 2 * 1024 * 1024;
pub const H2_WIDE_RATE: f64 = 40e6;
pub const H2_WIDE_STREAMS: u32 = 2;
pub const H2_WIDE_CONNECTIONS: usize = 32;
/// What clients' connections may be promised together beyond a part of their own, and streams that one is given room for beside
/// what waits in it.
pub const H2_PROMISED: usize = 64 * 1024 * 1024;
pub const H2_ROOM_STREAMS: usize = 8;
/// What HTTP/2 may keep of bodies in all connections together: that came and was not taken, and that waits to leave. Past the
/// first, an upstream's connection with more than its own part waiting is not read, nor a client's with so much beside what it
/// was promised; past the last, a stream is given its next bytes once those before have left.
pub const H2_UNREAD: usize = 32 * 1024 * 1024;
pub const H2_UNREAD_EACH: usize = 256 * 1024;
/// What a frame that came counts for at least: the engine keeps as much beside its bytes.
pub const H2_FRAME_KEPT: usize = 256;
pub const H2_UNSENT: usize = 48 * 1024 * 1024;
/// Longest HTTP/2 head, as it is decoded (RFC 9113, section 10.5.1) and as it comes.
pub const H2_HEAD_BYTES: u32 = 64 * 1024;
/// Largest HTTP/2 frame that is taken: with its head it fills four TLS records, and goes on as four frames that do.
pub const H2_FRAME_BYTES: u32 = 4 * H2_FILLED as u32;
/// What one HTTP/2 stream buffers on its way out.
pub const H2_SEND_BUFFER: usize = 256 * 1024;
/// Frames after the first that one HTTP/2 head may be cut into; senders fill a frame before they begin another.
pub const H2_CONTINUATIONS: usize = 16;
/// A peer's table of header fields (RFC 9113, section 6.5.2), a block's buffer that is kept for the next one, and streams of
/// an upstream that are remembered to have begun their answer: some that this side gave up may never end.
pub const H2_TABLE: usize = 4096;
pub const H2_BLOCK_KEPT: usize = 1024;
pub const H2_ANSWERED: usize = 4 * H2_UPSTREAM_STREAMS as usize;
/// Streams that a peer may give up in a burst, and how many more a second: who uses streams to their end earns more.
pub const H2_RESETS: u64 = 100;
pub const H2_RESETS_A_SECOND: u64 = 10;
/// Reset streams that are remembered for frames still on their way.
pub const H2_RESET_STREAMS: usize = 50;
/// Streams that a client ended and that are remembered, for what it may not send any more: as many as may be open.
pub const H2_ENDED_STREAMS: usize = H2_STREAMS as usize;
/// Streams that a peer may make this side reset by breaking rules (CVE-2025-8671).
pub const H2_STREAM_ERRORS: usize = 50;
/// Frames without content that a peer may send in a burst, how many more a second, and the traffic in bytes that
/// earns one.
pub const H2_CONTROL: u64 = 1000;
pub const H2_CONTROL_A_SECOND: u64 = 100;
pub const H2_CONTROL_BYTES: u64 = 1024;
/// Time between two pings to a client whose streams are open, and for its answer.
pub const H2_PING: Duration = Duration::from_secs(30);
/// Most upstreams whose choice of protocol is remembered, and for how long.
pub const ALPN_CACHE: usize = 4096;
pub const ALPN_LIFE: Duration = Duration::from_secs(600);
/// How long an upstream in clear text may take to say that it speaks HTTP/2; it says so at once or never.
pub const H2_GREETING: Duration = Duration::from_secs(2);
/// How long a client's handshake waits to learn what its upstream speaks.
pub const ALPN_WAIT: Duration = Duration::from_secs(5);
/// Bytes read at a time of a WebSocket; no buffer is kept while nothing comes.
pub const WEBSOCKET_READ: usize = 16 * 1024;
/// Memory of one direction that reads compressed messages, a window above all; and of one that writes
/// them anew: two windows, and what finds repetitions in them.
pub const WEBSOCKET_INFLATER: usize = 32 * 1024;
pub const WEBSOCKET_DEFLATER: usize = 320 * 1024;
/// How long it may take, once an upstream has sent its settings, until it is known whether it takes WebSockets.
pub const WEBSOCKET_SETTINGS: Duration = Duration::from_millis(50);
/// Longest payload of a control frame (RFC 6455, section 5.5).
pub const WEBSOCKET_CONTROL: u64 = 125;
/// Most frames of one message that leave as they were cut; a message in more pieces leaves as one.
pub const WEBSOCKET_FRAMES: usize = 1024;
/// Time a WebSocket may stay open while neither end sends anything; applications that mean to stay send pings.
pub const WEBSOCKET_IDLE: Duration = Duration::from_secs(600);
/// The same once one side has said that it ends.
pub const WEBSOCKET_CLOSING: Duration = Duration::from_secs(30);
/// How long an end may take to read why a WebSocket was ended, and to end its side.
pub const WEBSOCKET_FAREWELL: Duration = Duration::from_secs(2);
/// Most that one system call reads from a socket while bytes come in bulk, from which size of read on a full one says
/// that they do, and how many buffers for it each thread keeps: a connection has one only while bytes wait in it. Connections
/// that may have one at once: while there are more, the others read what they are asked for.
pub const READ_AHEAD: usize = 64 * 1024;
pub const READ_AHEAD_FROM: usize = 4096;
pub const READ_AHEAD_SPARE: usize = 4;
pub const READ_AHEAD_CONNECTIONS: usize = 128;
/// Longest body that is kept until its answer, so that a request which may come twice can be sent again over another
/// connection (what is held whole by default), and bytes of all of them: past that, such a request is sent once.
pub const SPARE_BODY: usize = 256 * 1024;
pub const SPARE_BODIES: usize = 32 * 1024 * 1024;
/// Longest prefix read to tell what a connection speaks; a ClientHello may fill a whole TLS record.
pub const SNIFF_BYTES: usize = 16 * 1024 + 5;

/// How much of a message may wait for its decision unless configured.
pub const HOLD: usize = 256 * 1024;
/// Smallest and largest configurable hold.
pub const HOLD_MIN: usize = 4 * 1024;
pub const HOLD_MAX: usize = 64 * 1024 * 1024;
/// How long a response stays in hold while nothing arrives.
pub const HOLD_IDLE: Duration = Duration::from_millis(50);
/// Bytes that all flows together may hold.
pub const HELD_BYTES: usize = 256 * 1024 * 1024;

/// Decoded bytes before the expansion ratio is judged: small bodies may expand a lot without harm.
pub const DECODED_GRACE: u64 = 16 * 1024 * 1024;
/// Bytes that all that is packed in a message's head and beside its body is unpacked to: none of it is a body's own text.
pub const BESIDE_UNPACKED: u64 = 256 * 1024;
/// Largest ratio of decoded to coded bytes past the grace (deflate tops out near 1032).
pub const DECODED_RATIO: u64 = 200;
/// Most codings stacked on one body.
pub const CODING_DEPTH: usize = 3;
/// Size of the one buffer that a coded body is decoded into.
pub const DECODE_WINDOW: usize = 32 * 1024;
/// Memory of what takes deflate off, and of what takes other codings off beside the window that a stream asks for.
pub const INFLATER: usize = 48 * 1024;
pub const DECODER_STATE: usize = 256 * 1024;
/// The same of what puts a coding on, whose window is the gate's to choose: deflate's is its own, those of Brotli and Zstandard
/// grow with the text, up to the second figure.
pub const ENCODER_STATE: usize = 320 * 1024;
pub const ENCODER_WINDOW: usize = 8 * 1024 * 1024;

/// Largest window that a stream may ask for, as a power of two: 8 MiB, what RFC 9659 grants zstd in HTTP.
pub const DECODE_WINDOW_LOG: u32 = 23;
/// How far back a copy of Snappy may reach: encoders cut what they are given into blocks of so much.
pub const SNAPPY_WINDOW: usize = 64 * 1024;
/// For so many bytes behind is remembered where fields of protocol buffers end: more than a look around an escape takes.
pub const PROTOBUF_SEAMS: u64 = 64 * 1024;
/// Longest skippable frame (RFC 8878, section 3.1.2) that is kept to be inspected as one: those of parallel compressors
/// have 4 bytes, seek tables some thousands.
pub const ZSTD_SKIPPABLE: usize = 16 * 1024;
/// Longest line around a signed chunk, and most bytes of trailers behind the last: S3's own are below 200.
pub const AWS_CHUNK_LINE: usize = 1024;

/// Longest escape that is waited for while it comes: two halves of a character, each behind eight backslashes.
pub const ESCAPE_LEN: usize = 26;
/// The same of a numeric reference, before whose digits any number of noughts may stand.
pub const REFERENCE_LEN: usize = 256;
/// Longest stretch of tags and comments between two digits of a number that are read past, and waited for: some styled
/// elements.
pub const TAGS_LEN: usize = 256;
/// Layers of escapes in escapes that are undone: a form in JSON in JSON.
pub const LAYER_DEPTH: usize = 3;
/// Shortest run of base64 or hexadecimal digits that is looked into: fifteen bytes, the shortest card number and quotes.
pub const ARMOUR_LEAST: usize = 20;
/// Digits at the beginning of such a run that tell whether it stands for a text.
pub const ARMOUR_JUDGED: usize = 96;
/// Bytes of text whose escapes are undone at once; it bounds what is kept of them.
pub const LAYER_STEP: usize = 16 * 1024;
/// The same where what may be undone is rare.
pub const LAYER_GLANCE: usize = 256;

/// Messages of protocol buffers within messages that are taken apart: what their own readers accept by default is 100, and
/// what people nest stays below ten.
pub const PROTOBUF_DEPTH: usize = 32;
/// Bytes at the beginning of one of their values that tell whether it is a text or a message.
pub const PROTOBUF_PEEK: usize = 4 * 1024;
/// Least number in them that is looked at: no identifier has fewer digits.
pub const PROTOBUF_LEAST: u64 = 10_000_000;
/// Multipart bodies within multipart bodies whose parts are known as such.
pub const PARTS_DEPTH: usize = 5;
/// Longest header of a part that is read: browsers send some hundred bytes.
pub const PART_HEADER: usize = 8 * 1024;

/// Arrays and maps within each other that are followed in CBOR and MessagePack, and bytes of a string of theirs that tell
/// whether it is a text.
pub const OBJECTS_DEPTH: usize = 64;
pub const OBJECTS_PEEK: usize = 64;
/// Bytes of what a run stands for by which deflate is told: what [`ARMOUR_JUDGED`] hexadecimal digits stand for.
pub const PROBED: usize = 48;

/// Archives within archives that are looked into: a document in an archive in a compressed archive, and room.
pub const ARCHIVE_DEPTH: usize = 5;
/// Members of one archive: the largest trees of sources have some hundred thousand files. Each takes up to 72 bytes until
/// the directory behind them was seen.
pub const ARCHIVE_MEMBERS: u64 = 1 << 19;
/// Places in one text that look like the beginning of something packed and are none; chance makes one in 16 MiB.
pub const ARCHIVE_FALSE: u32 = 1024;
/// Text from what began in the middle of another and broke that proves that it was packed indeed.
pub const ARCHIVE_PROOF: u64 = 1024;
/// Bytes of it that are kept until then, to be looked at as text.
pub const ARCHIVE_DOUBT: usize = 4 * 1024;
/// The same of zstd, whose blocks (RFC 8878, section 3.1.1.2) may take so much before they tell anything; and how often in one
/// text, since each costs as much again.
pub const ARCHIVE_DOUBT_ZSTD: usize = 132 * 1024;
pub const ARCHIVE_DOUBTS_ZSTD: u32 = 32;
/// Of the extended header of a tar member: what is kept to learn the member's length from it.
pub const TAR_RECORDS: usize = 4 * 1024;
/// Findings of members that stand in an archive as they are, remembered so that they count once.
pub const ARCHIVE_TWICE: usize = 512;

/// Bytes of a text in which a PDF document may begin: what its common readers accept.
pub const PDF_OPENING: usize = 1024;
/// Bytes of a PDF document that are read at once: they can stand for a thousand times as many.
pub const PDF_STEP: usize = 256;
/// Longest dictionary before a stream of a PDF document that is read; common ones have some hundred bytes. Behind a longer
/// one the stream is undecodable.
pub const PDF_DICTIONARY: usize = 64 * 1024;
/// Bytes kept of packed objects and of what a font's codes show, which are read whole.
pub const PDF_KEPT: usize = 256 * 1024;
/// Longest string or name of a page that is read at once; a longer string is shown in pieces.
pub const PDF_OPERAND: usize = 4 * 1024;
/// Names, fonts and tables of codes remembered of a document; what is beyond is undecodable.
pub const PDF_OBJECTS: usize = 64 * 1024;
/// Ranges of codes of all fonts of a document, of 8 bytes each: a font of one script has some dozen. What is beyond is undecodable.
pub const PDF_CODES: usize = 256 * 1024;
/// Codes shown before their font was known that are kept until it is: some thousand pages. What is beyond is undecodable.
pub const PDF_LATE: usize = 8 * 1024 * 1024;
/// Longest line of a stream of events whose strings are joined with those of other lines; models send some hundred bytes.
pub const DELTA_LINE: usize = 16 * 1024;
/// Strings that go on from event to event at the same time: answers and calls of tools side by side.
pub const DELTA_PATHS: usize = 32;
/// Bytes of a stream after which a string that did not go on has ended: what waits for it must not wait for ever.
pub const DELTA_GAP: u64 = 64 * 1024;
/// Objects and arrays within each other, and such strings, in one event.
pub const DELTA_DEPTH: usize = 32;
pub const DELTA_STRINGS: usize = 64;
/// The same between the messages of a WebSocket: strings at the same time, how much of each is looked at with its next
/// piece (longer than most values, with words near them), and the messages after which one that did not go on has ended.
pub const THREAD_PATHS: usize = 16;
pub const THREAD_TAIL: usize = 512;
pub const THREAD_GAP: u64 = 64;

/// Wire bytes given to a decoder at once: bytes of a coded stream are released at these steps. Most texts that so many
/// become fit [`DECODE_WINDOW`], and what is scanned in long pieces is scanned faster.
pub const DECODE_STEP: usize = 8 * 1024;
/// Longest gzip member header (RFC 1952): it is kept until it is whole, and its name, comment and extra field are
/// inspected as one value.
pub const GZIP_HEADER: usize = 512;
/// Longest header field, path or the like that a connection remembers as harmless, and all of them together in one
/// direction: enough for the fields that are the same in every request, little beside a connection's buffers.
pub const FAMILIAR_TEXT: usize = 192;
pub const FAMILIAR_BYTES: usize = 1024;
/// Layers of escapes looked through in a head, as in a body; a second one is common in redirect parameters.
pub const ESCAPE_DEPTH: usize = LAYER_DEPTH;
/// Findings that may overlap in one unbroken chain before the best of them are chosen anyway.
pub const OVERLAP_CHAIN: usize = 1024;
/// Bytes before a value that are looked at to tell what surrounds it when it is masked.
pub const MASK_CONTEXT: usize = 16;
/// Most characters of a value that a mask may leave readable (PCI DSS 4.0.1, 3.4.1: the last four).
pub const MASK_KEEP: usize = 4;
/// Held memory is reserved in pieces of this size, so that a busy stream touches the shared count rarely.
pub const HELD_QUANTUM: usize = 4 * 1024;
/// The part of its tenant's share of held memory that one client may have, as a divisor: nobody can take it all from
/// the others, and a client alone has half.
pub const HELD_CLIENT_PART: usize = 2;
/// Parts that the shares are kept in, so that flows seldom wait for each other.
pub const HELD_PARTS: usize = 16;
/// What is reserved for one chunk in hold on top of its bytes: a sender of single bytes must pay for each.
pub const HELD_ENTRY: usize = 64;

/// Chunks in hold below this length, behind others, are copied out of the buffer that they were read into: it is twice as long
/// and more.
pub const HELD_LOOSE: usize = 4 * 1024;
/// The part of all held memory, as a divisor, past which longer ones are copied, too: a buffer may be twice as long as what
/// was read into it, and that much may be wasted of little, not of all.
pub const HELD_SHORT: usize = 16;

/// A client's time to send a whole head, and to finish its TLS handshake.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time to connect to an upstream address, unless configured.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Head start of one connection attempt before the next address is tried beside it (RFC 8305, section 5).
pub const CONNECT_STAGGER: Duration = Duration::from_millis(250);
/// Most addresses of one name that are tried.
pub const CONNECT_ADDRESSES: usize = 8;
/// Time for a name to be resolved: one try of a common resolver.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// When an answer that has not come is asked for once more.
pub const RESOLVE_AGAIN: Duration = Duration::from_secs(2);
/// Names that are asked for at once: each blocks a thread of the system's resolver.
pub const RESOLVERS: usize = 32;
/// Most names whose addresses are remembered, and most addresses of one.
pub const RESOLVE_CACHE: usize = 4096;
pub const RESOLVE_ADDRESSES: usize = 32;
/// How long addresses are remembered, for the system does not say how long they hold, and how long it is remembered that
/// there are none: a name server that comes back is noticed within the two times together.
pub const RESOLVE_LIFE: Duration = Duration::from_secs(30);
pub const RESOLVE_LIFE_NONE: Duration = Duration::from_secs(1);
/// How long a name is known to have led to an address, how many of them are kept, and how old an answer must be for another
/// question when a redirected connection was going elsewhere.
pub const RESOLVE_PAST: Duration = Duration::from_secs(600);
pub const RESOLVE_PAST_ADDRESSES: usize = 64;
pub const RESOLVE_ANEW: Duration = Duration::from_secs(1);
/// Time from the end of a request to the first byte of its response.
pub const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(60);
/// Time between two bytes of a body.
pub const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The same between two messages of a gRPC call: who watches for something that seldom happens says nothing for minutes.
pub const CALL_IDLE: Duration = Duration::from_secs(300);
/// The same of responses that tell of events as they happen, and the most that may be configured: a dead peer is not noticed
/// earlier.
pub const EVENTS_IDLE: Duration = Duration::from_secs(300);
pub const EVENTS_IDLE_MOST: Duration = Duration::from_secs(3600);
/// Time a peer may refuse to take bytes.
pub const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Time a client connection may stay open between requests.
pub const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(75);
/// Time an unused upstream connection stays in the pool; below the 60 s at which common servers close.
pub const POOL_IDLE: Duration = Duration::from_secs(45);
/// Idle upstream connections kept for one destination.
pub const POOL_PER_KEY: usize = 32;
/// Idle upstream connections kept in all: each holds a descriptor and buffers.
pub const POOL_TOTAL: usize = 2048;
/// Polls of one connection in a row that answer its own wakes, before other tasks have their turn; hyper's own figure
/// for its loop within one.
pub const WAKING_ROUNDS: usize = 16;
/// So long a message is looked at before its connection leaves its thread to the others, where a step of the look ends.
pub const LOOK_AT_ONCE: Duration = Duration::from_millis(10);
/// Where one look at a message took so long, the next leaves its thread to the others from the beginning: it costs some
/// microseconds.
pub const LOOK_LONG: Duration = Duration::from_millis(2);
/// Looking at a message for so long counts as one of the 128 steps that a task may take before others have their turn.
pub const LOOK_SHARE: Duration = Duration::from_micros(100);
/// Time between two looks for idle upstream connections that are too old or closed.
pub const POOL_SWEEP: Duration = Duration::from_secs(15);
/// TLS sessions remembered for resumption with upstreams.
pub const UPSTREAM_SESSIONS: usize = 1024;
/// A slow body must reach this rate after the grace, in bytes a second.
pub const BODY_MIN_RATE: u64 = 500;
pub const BODY_RATE_GRACE: Duration = Duration::from_secs(10);
/// How often a wait for more of a body is looked at. Between two looks twice as far apart nobody waited: what waits is woken.
pub const BODY_RATE_LOOK: Duration = Duration::from_secs(1);
/// How long a client in a tunnel may keep silent before its server is asked whether it speaks first: far longer than any
/// client waits before its own first byte. It holds where the bytes of such a protocol would be let through.
pub const SERVER_FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long a tunnel that is not opened may carry nothing; dead peers are noticed by it.
pub const TUNNEL_IDLE: Duration = Duration::from_secs(300);
/// The same once one side has ended: what is left to say comes soon.
pub const TUNNEL_HALF_IDLE: Duration = Duration::from_secs(60);
/// How long one side of an opaque protocol may be kept waiting for bytes that could still be the beginning of a value.
pub const OPAQUE_FLUSH: Duration = Duration::from_millis(250);
/// Bytes before those that wait that are looked at with them at such a pause: words near a value make it certain.
pub const OPAQUE_RECENT: usize = 4 * 1024;
/// Values of one message that are remembered as counted before they were certain; further ones may be recorded twice.
pub const COUNTED_AHEAD: usize = 64;
/// How much of a gRPC message is kept to be looked at once more when it has ended: nearly all of them fit.
pub const MESSAGE_RECENT: usize = 16 * 1024;
/// Bytes read at a time in such a tunnel; no buffer is kept while nothing comes.
pub const TUNNEL_READ: usize = 16 * 1024;
/// Longest answer of a parent proxy to a CONNECT.
pub const PARENT_HEAD: usize = 8 * 1024;
/// Connections that the kernel may keep waiting for a listener that sets its own socket up.
pub const BACKLOG: u32 = 1024;
/// How long in-flight flows may go on after SIGTERM.
pub const DRAIN: Duration = Duration::from_secs(30);
/// How long cut connections may take to leave their records.
pub const CUT: Duration = Duration::from_secs(1);
/// Of that, for WebSockets to tell their ends.
pub const CUT_FAREWELL: Duration = Duration::from_millis(500);
/// Of a hundred descriptors: how many client connections may take. The upstream connections of their requests may
/// take as many again.
pub const DESCRIPTORS_CLIENTS: u64 = 40;
/// Of a hundred descriptors: how many idle upstream connections may take. With clients and their upstreams that is
/// 90; the rest is for records, the admin listener, and addresses tried side by side.
pub const DESCRIPTORS_IDLE: u64 = 10;
/// Time between two warnings that clients wait for a descriptor to become free.
pub const ROOM_WARNING: Duration = Duration::from_secs(60);
/// Pause after a connection could not be accepted (descriptors are used up), doubled up to the second figure:
/// short enough to go on as soon as one is free, long enough not to spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
pub const ACCEPT_PAUSE_MAX: Duration = Duration::from_millis(500);
/// What is read and thrown away of a refused request before its connection closes.
pub const REFUSED_DRAIN_BYTES: usize = 256 * 1024;
pub const REFUSED_DRAIN: Duration = Duration::from_secs(2);

/// Leaf certificates kept.
pub const LEAF_CACHE: usize = 8192;
/// Life of a generated issuer: trust stores are filled by hand, so it is long.
pub const ISSUER_LIFE: Duration = Duration::from_secs(3650 * 86_400);
/// Life of a leaf, and how far it is dated back for clients whose clock is slow.
pub const LEAF_LIFE: Duration = Duration::from_secs(30 * 86_400);
pub const LEAF_BACKDATE: Duration = Duration::from_secs(2 * 86_400);

/// Size at which a segment of the trail is closed, and room that all may take, unless configured.
pub const AUDIT_SEGMENT: u64 = 256 * 1024 * 1024;
pub const AUDIT_DISK: u64 = 50 * 1024 * 1024 * 1024;
/// Records that may wait for the writer; past it flows are refused.
pub const AUDIT_QUEUE: usize = 8192;
/// Records written in one batch.
pub const AUDIT_BATCH: usize = 512;
/// How long a flow waits for its record before it is refused.
pub const AUDIT_WAIT: Duration = Duration::from_secs(1);
/// Time between checkpoints while idle.
pub const CHECKPOINT_IDLE: Duration = Duration::from_secs(60);
/// Records between checkpoints.
pub const CHECKPOINT_RECORDS: u64 = 1000;
/// Longest client-supplied string kept in a record.
pub const RECORD_TEXT: usize = 1024;
/// Digits of a hash of policy or pack in the record of a message: enough to tell those of one trail apart, whose `start`
/// and `config` records hold the whole hash. Whole ones would be a sixth of each record.
pub const RECORD_HASH: usize = 16;

/// Longest key file that is read: a certificate chain with room to spare.
pub const KEY_FILE: u64 = 64 * 1024;
/// Shortest admin token, in characters; 128 bits when it is hexadecimal.
pub const TOKEN_MIN: usize = 32;
/// Longest configuration or pack file that is read: a thousand rules many times over.
pub const CONFIG_FILE: u64 = 4 * 1024 * 1024;
/// Most bytes of a text that `explain` follows through every detector.
pub const EXPLAIN_BYTES: usize = 1024 * 1024;
/// Characters of a masked value that `explain` shows.
pub const EXPLAIN_SHAPE: usize = 60;
/// Looks at a detector's checks before it is said to have no further value: some seconds, and enough for five check
/// digits at once.
pub const SAMPLE_TRIES: usize = 3_000_000;
/// The same for `pack lint`, which asks of every detector.
pub const LINT_TRIES: usize = 300_000;
/// Nanoseconds per byte, alone, above which `pack lint` calls a detector slow; the whole built-in set takes less.
pub const LINT_SLOW: f64 = 2.0;
/// The same of a text that is made to be slow for it: a megabyte takes ten seconds.
pub const LINT_STRAINED: f64 = 10_000.0;
/// Bytes of each such text.
pub const LINT_STRAIN: usize = 4096;
/// Most of them that one detector is measured over.
pub const LINT_STRAINS: usize = 64;
/// Most files in a folder that is one pack: a file a country, and room.
pub const PACK_FILES: usize = 512;
/// Hosts of one rule by which it is looked up; a rule that names more is asked each time, which is cheaper than keeping it
/// under each of them.
pub const INDEXED_HOSTS: usize = 256;
/// Destinations whose terms are kept since the start; connections to others are counted.
pub const POSTURE_HOSTS: usize = 4096;
/// How long before an upstream's certificate ends somebody should look.
pub const CERTIFICATE_WARNING: Duration = Duration::from_secs(14 * 86_400);
/// Overlays in force at once: each message looks at all of them.
pub const OVERLAYS: usize = 256;
/// Words in one list of an overlay, and characters in one of its texts.
pub const OVERLAY_WORDS: usize = 256;
pub const OVERLAY_TEXT: usize = 200;
/// The longest that an overlay may loosen: long enough for an incident, too short to be forgotten.
pub const OVERLAY_LOOSENS: Duration = Duration::from_secs(24 * 3600);
/// Time between two looks whether a watched file has changed: an editor's several writes are then one change.
pub const RELOAD_LOOK: Duration = Duration::from_secs(1);
/// Changes that the record of a reload names, names within one of them, and characters of one: all of them together
/// stay far below the longest record.
pub const RELOAD_CHANGES: usize = 64;
pub const RELOAD_WORDS: usize = 8;
pub const RELOAD_CHANGE_CHARS: usize = 240;
/// Time between two looks whether an overlay has ended, and for changes that no byte brings up.
pub const OVERLAY_LOOK: Duration = Duration::from_millis(250);
/// Requests that a throttle lets through at once, at most: a minute's worth of few.
pub const THROTTLE_BURST: u64 = 60;
/// Of a throttled stream, the time whose worth of bytes leaves at once.
pub const THROTTLE_SLICE: Duration = Duration::from_millis(100);
/// Longest body of a request to the admin listener.
pub const ADMIN_BODY: usize = 64 * 1024;
/// Longest answer of an admin listener that a command reads.
pub const ADMIN_ANSWER: u64 = 16 * 1024 * 1024;
/// Refused tries at the admin listener that are recorded one by one within a minute; the rest is counted.
pub const ADMIN_DENIALS: u32 = 10;
/// Admin connections served at once: probes, a scraper, a person.
pub const ADMIN_CONNECTIONS: usize = 64;
/// An admin connection's time for one request, from its first byte to its answer's last.
pub const ADMIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Days before the issuer's end from which readiness warns.
pub const ISSUER_WARNING: Duration = Duration::from_secs(14 * 86_400);
/// Time before a bypass's end from which it is warned of.
pub const BYPASS_WARNING: Duration = Duration::from_secs(14 * 86_400);
/// Hosts whose clients refused the gate's certificate that are remembered, so that each is warned of once in the second
/// figure.
pub const PINNED_HOSTS: usize = 1024;
pub const PINNED_WARNING: Duration = Duration::from_secs(600);
/// Days that the bypass holds which such a warning suggests.
pub const PINNED_BYPASS: Duration = Duration::from_secs(30 * 86_400);
/// Bytes read at a time by `scan`.
pub const SCAN_CHUNK: usize = 64 * 1024;
/// Bytes of findings that a file may gather before they are written, when it is its turn.
pub const SCAN_SAID: usize = 64 * 1024;
/// Bytes of findings kept for files whose turn has not come: past it their threads wait.
pub const SCAN_KEPT: usize = 4 * 1024 * 1024;
/// Most bytes of text shown on each side of a finding by `scan`.
pub const SCAN_CONTEXT: usize = 32;
/// Longest `traceparent` that is recorded: of the version known it has 55 bytes, later ones may have more.
pub const TRACEPARENT: usize = 128;
/// Longest record; a message's own caps keep it far below, so a longer one is a mistake of the caller.
pub const RECORD_BYTES: usize = 1024 * 1024;
/// Bytes that queued records may take together; bounds memory when the disk stalls.
pub const AUDIT_QUEUE_BYTES: usize = 64 * 1024 * 1024;
/// Bytes written in one call: large enough that the call's cost vanishes, small enough to be soon done.
pub const AUDIT_BATCH_BYTES: usize = 1024 * 1024;
/// Buffers for records that each thread keeps, and their size: that of a record with a few findings.
pub const AUDIT_SPARE: usize = 64;
pub const AUDIT_SPARE_BYTES: usize = 2048;
/// Pairs of client and destination whose part of a record each thread remembers: some hundred bytes each.
pub const AUDIT_ENDS: usize = 64;
/// Time between writing a record and asking the disk to keep it through a power cut.
pub const AUDIT_SYNC: Duration = Duration::from_secs(1);
/// Time after which the file being written is looked at again, whether it is still where records are looked for.
pub const AUDIT_LOOK: Duration = Duration::from_millis(500);
/// Time between two tries to write while nothing can be written; recovery is promised within 2 s.
pub const AUDIT_RETRY: Duration = Duration::from_millis(100);
/// Heads that may wait for somebody who does not take them: the newest, and those that hand over a key, one an epoch.
pub const HEADS_WAITING: usize = 400;
/// Time without a head taken that is told, between two tries to write one to a file, and for the last ones when the gate
/// stops: within what a supervisor waits for.
pub const HEADS_BEHIND: Duration = Duration::from_secs(10);
pub const HEADS_RETRY: Duration = Duration::from_secs(1);
pub const HEADS_GOODBYE: Duration = Duration::from_secs(5);
/// Time between two looks whether heads are taken.
pub const HEADS_LOOK: Duration = Duration::from_secs(1);
/// Bytes of log lines that may wait for a reader, some ten thousand lines; past it they are lost. And time for those that
/// wait when the gate has ended.
pub const LOG_WAITING: usize = 1024 * 1024;
pub const LOG_GOODBYE: Duration = Duration::from_secs(2);
/// Kept of the disk budget for the writer's own records, so that a full trail is still closed with a signature.
pub const AUDIT_RESERVE: u64 = 64 * 1024;
/// Shares of the disk budget, in percent, at which an alarm is raised.
pub const AUDIT_ALARMS: [u64; 2] = [70, 85];
/// Records not yet signed for that make a second a busy one, which ends with a checkpoint: any. It costs a line of some
/// 700 bytes and a signature in a second that had traffic, and whoever asks a moment later finds everything signed.
pub const CHECKPOINT_BUSY: u64 = 1;
/// How long a reader waits for the checkpoint that a gate at work writes within a second or two.
pub const SETTLE: Duration = Duration::from_secs(3);
/// Text in one block of a packed segment: large enough to pack well, small enough to be read for one record.
pub const BLOCK_TEXT: usize = 256 * 1024;
/// How often, and how long apart, a trail that is in use is tried again: longer than a program takes to start.
pub const LOCK_TRIES: u32 = 10;
pub const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// Longest value that a forensic sample holds: what a pattern can match at most.
pub const SAMPLE_VALUE: usize = 512;
/// Values kept in memory until their message is decided, twice: 4 MiB at most.
pub const SAMPLE_JAR: usize = 4096;
/// Values that were found so long ago are forgotten, whether or not their message is decided.
pub const SAMPLE_TURN: Duration = Duration::from_secs(60);
/// Samples that wait to be written; beyond it none is taken, and the record says so.
pub const SAMPLE_QUEUE: usize = 256;
/// Samples in their folder at most, however small they are: a folder that can still be listed.
pub const SAMPLE_FILES: u64 = 100_000;
/// Room for samples, unless the configuration says otherwise.
pub const SAMPLE_DISK: u64 = 64 << 20;
/// How long samples are kept, unless the configuration says otherwise: as short as an investigation needs.
pub const SAMPLE_RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// A sealed sample is never longer: eight values for each of four identifiers, in JSON and base64.
pub const SAMPLE_BYTES: u64 = 64 * 1024;
/// Time between two looks at the closed segments of a trail; the end of a segment is looked at sooner.
pub const AUDIT_KEEP: Duration = Duration::from_secs(60);
/// Life of a signing key of the trail, and time between two tries to make the next one.
pub const KEY_EPOCH: Duration = Duration::from_secs(86_400);
pub const KEY_RETRY: Duration = Duration::from_secs(600);
/// Life of a key of the records' fingerprints: long enough to follow one value through an incident.
pub const PRINT_EPOCH: Duration = Duration::from_secs(30 * 86_400);
/// How long records are kept unless configured.
pub const RETENTION: Duration = Duration::from_secs(365 * 86_400);
/// After so long without a record, or after the clock was set, nothing is removed for a day: a wrong date must not cost
/// records, and a day is time to notice.
pub const RETENTION_AWAY: Duration = Duration::from_secs(30 * 86_400);
pub const RETENTION_DOUBT: Duration = Duration::from_secs(86_400);
/// Longest file of a tombstone and of a legal hold that is read, and longest id of a hold.
pub const TOMBSTONE_BYTES: u64 = 16 * 1024;
pub const HOLD_BYTES: u64 = 16 * 1024;
pub const HOLD_ID: usize = 64;
/// Names that a report counts by (hosts come from clients), the rest in one line; and rows that it shows of a table.
pub const REPORT_NAMES: usize = 10_000;
pub const REPORT_ROWS: usize = 100;
/// Messages under way (WebSockets) whose interim records wait for their end while a period is added up; those beyond
/// count by each record.
pub const REPORT_OPEN: usize = 20_000;
/// Messages without an end that a proof of the whole trail names one by one.
pub const UNENDED_SHOWN: usize = 20;
/// Changes that a report names one by one, and characters of one.
pub const REPORT_CHANGES: usize = 1000;
pub const REPORT_TEXT: usize = 600;
/// Most decisions that a report draws for a tester: more than any sampling table asks for.
pub const REPORT_SAMPLE: usize = 10_000;
/// Time between two looks at a growing trail by `audit tail --follow`.
pub const TAIL_LOOK: Duration = Duration::from_millis(200);
/// Longest name of a sink: it is part of a file's name and of a metric's.
pub const SINK_NAME: usize = 64;
/// Records and bytes that a sink sends at once: below what Splunk and Datadog take.
pub const SINK_BATCH: usize = 500;
pub const SINK_BATCH_BYTES: usize = 1024 * 1024;
/// Time for a sink's server to take a batch.
pub const SINK_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of a collector's answer that are read to keep its connection.
pub const SINK_ANSWER: usize = 64 * 1024;
/// Time between two looks for new records.
pub const SINK_LOOK: Duration = Duration::from_millis(200);
/// First pause after a failure, doubled up to the second: short enough to go on soon after an outage.
pub const SINK_RETRY: Duration = Duration::from_millis(500);
pub const SINK_RETRY_MAX: Duration = Duration::from_secs(30);
/// How often one record alone must be refused before it is set aside, and how many may be in a row: past that it is not
/// for the records that nothing is taken.
pub const SINK_REFUSALS: u32 = 3;
pub const SINK_ASIDE: u64 = 10;
/// How long a syslog connection must have stood for what was written to count as taken.
pub const SINK_SETTLE: Duration = Duration::from_secs(5);
/// Time for the last records when the gate stops, and for a receiver to end its side.
pub const SINK_GOODBYE: Duration = Duration::from_secs(2);
/// Silence of a sink, while records wait, that is on record, unless configured.
pub const SINK_ALARM: Duration = Duration::from_secs(15 * 60);
/// Time between two looks whether a self-test is asked for or due, and the longest that one may take.
pub const SELFTEST_LOOK: Duration = Duration::from_secs(1);
pub const SELFTEST_TIME: Duration = Duration::from_secs(60);
/// Time between two heartbeats, unless configured: a gate with nothing to do says that it is there.
pub const HEARTBEAT: Duration = Duration::from_secs(300);
/// Time between two looks at the wall clock, and a step of it that is on record: more than time services correct at once.
pub const CLOCK_LOOK: Duration = Duration::from_secs(10);
pub const CLOCK_STEP: Duration = Duration::from_secs(2);
/// Values that a self-test sends of each identifier in one message: enough for the starter policy's thresholds of cards
/// and national IDs, whatever surrounds them.
pub const SELFTEST_VALUES: usize = 3;
