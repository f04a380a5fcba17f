//! Notices a peer that begins what must come whole, a head above all, and does not end it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Runs from the first byte of one of them to its last, whatever arrives between. It is looked at only while nothing does.
#[derive(Debug)]
pub(super) struct Late {
    limit: Duration,
    /// Which one it runs for.
    of: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Late {
    pub(super) fn new(limit: Duration) -> Late {
        Late { limit, of: 0, timer: None }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// The peer is not read for now, which it cannot help: its time begins anew.
    pub(super) fn pause(&mut self) {
        self.timer = None;
    }

    /// Nothing arrives. Ready when the time is over of what is under way, by its number, if anything is.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, under_way: Option<u64>) -> Poll<()> {
        let Some(number) = under_way else {
            self.timer = None;
            return Poll::Pending;
        };
        if self.of != number {
            self.of = number;
            self.timer = None;
        }
        self.timer.get_or_insert_with(|| Box::pin(sleep(self.limit))).as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use crate::limits;
    use crate::proxy::http2::{Breach, FrameGuard};

    /// With the settings that belong to it.
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    const HEADERS: [u8; 9] = [0, 0, 4, 1, 0, 0, 0, 0, 1];
    const LAST: [u8; 9] = [0, 0, 2, 9, 4, 0, 0, 0, 1];
    const DATA: [u8; 9] = [0, 0, 9, 0, 0, 0, 0, 0, 1];
    const SETTINGS: [u8; 9] = [0, 0, 6, 4, 0, 0, 0, 0, 0];

    /// Fields of the table.
    const FOUR: &[u8] = b"\x82\x84\x86\x87";
    const TWO: &[u8] = b"\x88\x89";

    type Pieces<'a> = Vec<&'a [u8]>;

    /// After how many seconds a client that sends these pieces, each a second behind the one before, is given up.
    async fn given_up(pieces: &[&[u8]]) -> Option<u64> {
        let (mut near, far) = tokio::io::duplex(1024);
        let (mut guard, handle) = FrameGuard::client(far);
        let begun = Instant::now();
        let send = async {
            for piece in pieces {
                near.write_all(piece).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
            std::future::pending::<()>().await;
        };
        let read = async { while guard.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {} };
        tokio::select! {
            () = send => None,
            () = read => None,
            breach = handle.breached() => {
                assert_eq!(breach, Breach::Unended);
                Some(begun.elapsed().as_secs())
            }
            () = tokio::time::sleep(limits::HEAD_TIMEOUT * 10) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_block_has_its_time_from_its_first_byte_to_its_last() {
        let limit = limits::HEAD_TIMEOUT.as_secs();
        let drip = vec![PREFACE, &HEADERS, FOUR, &LAST[..1]];
        let slow = [&[PREFACE], &HEADERS.chunks(1).collect::<Pieces>()[..], &[FOUR]].concat();
        let cases: [(_, Pieces, _); 10] = [
            ("a connection that is idle", vec![PREFACE, &SETTINGS, b"123456"], None),
            ("half a head of a frame", vec![PREFACE, &HEADERS[..3]], Some(1 + limit)),
            ("half a frame of headers", vec![PREFACE, &HEADERS, TWO], Some(1 + limit)),
            ("a block without an end", vec![PREFACE, &HEADERS, FOUR], Some(1 + limit)),
            ("half a continuation", drip, Some(1 + limit)),
            ("one that comes byte by byte", slow, Some(1 + limit)),
            ("half a frame of settings", vec![PREFACE, &SETTINGS, b"1"], Some(1 + limit)),
            ("a block that ends", vec![PREFACE, &HEADERS, FOUR, &LAST, TWO], None),
            ("half a frame of data, whose pace is looked at elsewhere", vec![PREFACE, &DATA, TWO], None),
            (
                "a second block has a time of its own",
                vec![PREFACE, &HEADERS, FOUR, &LAST, TWO, &HEADERS],
                Some(5 + limit),
            ),
        ];
        for (what, pieces, expected) in cases {
            assert_eq!(given_up(&pieces).await, expected, "{what}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn blocks_one_behind_the_other_each_have_their_time() {
        let (mut near, far) = tokio::io::duplex(1024);
        let (mut guard, handle) = FrameGuard::client(far);
        near.write_all(PREFACE).await.unwrap();
        let send = async {
            // Each piece ends one block and begins the next: there is always one under way, and never the same.
            for _ in 0..10 {
                near.write_all(&HEADERS).await.unwrap();
                tokio::time::sleep(limits::HEAD_TIMEOUT / 2).await;
                near.write_all(&[FOUR, &LAST, TWO].concat()).await.unwrap();
            }
        };
        let read = async { while guard.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {} };
        tokio::select! {
            () = send => {}
            () = read => {}
            _ = handle.breached() => panic!("given up"),
        }
    }
}
