//! Frames that ask much and carry nothing end their connection, and reach no origin in number.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::client::{connector_offering, name};
use crate::harness::{Client, H2Client, H2Origin, Setup, World, soon};

const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;
const TRIES: u32 = 10_000;
/// Of [`TRIES`] requests, so many may reach the origin.
const MAY_REACH: usize = 200;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// A GET, whole, written without a table.
pub fn get(stream: u32, authority: &str) -> Vec<u8> {
    let block =
        [&[0x82, 0x87, 0x84, 0x01, u8::try_from(authority.len()).unwrap()], authority.as_bytes()].concat();
    frame(1, 5, stream, &block)
}

/// Why a connection ends, as its last frame says (GOAWAY).
pub fn farewell(mut frames: &[u8]) -> Option<u32> {
    let mut code = None;
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = frames {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let (payload, behind) = rest.split_at_checked(length)?;
        if *kind == 7 {
            code = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
        frames = behind;
    }
    code
}

/// Sends what `attack` makes until the gate ends the connection, and answers with why it says it did.
async fn attacked(world: &World, origin: &H2Origin, attack: impl Fn(u32) -> Vec<u8>) -> Option<u32> {
    let tcp = Client::connect(world, &origin.authority()).await;
    let tls = connector_offering(&world.issuer, &["h2"]).connect(name(origin.name), tcp).await.unwrap();
    let (mut read, mut write) = tokio::io::split(tls);
    let sending = async {
        let greeting = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, &[])].concat();
        write.write_all(&greeting).await?;
        for number in 0..TRIES {
            write.write_all(&attack(number)).await?;
        }
        write.flush().await
    };
    let reading = async {
        let (mut all, mut buffer) = (Vec::new(), [0; 16 * 1024]);
        while let Ok(length @ 1..) = read.read(&mut buffer).await {
            all.extend_from_slice(&buffer[..length]);
        }
        all
    };
    // That it cannot send any more is what is wanted.
    let (_, read) = soon("the end of an attack", async { tokio::join!(sending, reading) }).await;
    farewell(&read)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_are_cut_off() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let authority = origin.authority();
    let stream = |number: u32| 2 * number + 1;
    type Attack<'a> = (&'static str, Box<dyn Fn(u32) -> Vec<u8> + 'a>);
    let attacks: [Attack<'_>; 6] = [
        (
            "resets",
            Box::new(|n| [get(stream(n), &authority), frame(3, 0, stream(n), &[0, 0, 0, 8])].concat()),
        ),
        ("made resets", Box::new(|n| [get(stream(n), &authority), frame(8, 0, stream(n), &[0; 4])].concat())),
        (
            "continuations",
            Box::new(|n| if n == 0 { frame(1, 1, 1, &[0x82]) } else { frame(9, 0, 1, &[0x84]) }),
        ),
        ("settings", Box::new(|_| frame(4, 0, 0, &[]))),
        ("pings", Box::new(|_| frame(6, 0, 0, &[1; 8]))),
        ("priorities", Box::new(|n| frame(2, 0, stream(n), &[0, 0, 0, 0, 1]))),
    ];
    for (what, attack) in attacks {
        let before = origin.streams();
        let why = attacked(&world, &origin, attack).await;
        // The engine itself notices some, in its own words.
        assert!(matches!(why, Some(ENHANCE_YOUR_CALM | PROTOCOL_ERROR)), "{what}: {why:?}");
        let reached = origin.streams() - before;
        assert!(reached <= MAY_REACH, "{what}: {reached}");
    }
    let mut client = H2Client::to(&world, &origin).await;
    assert_eq!(client.post(&authority, "/", b"{}").await.status, 200, "others are served as ever");
}
