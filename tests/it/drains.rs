//! The gate ends without breaking what is under way, until it must, and says so.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};

use crate::harness::client::get;
use crate::harness::origin::ok;
use crate::harness::{Client, Origin, Setup, World, messages, soon};

/// An origin that tells when a request has come, and answers when it is told to.
async fn waiting(world: &World) -> (Origin, mpsc::UnboundedReceiver<()>, mpsc::UnboundedSender<()>) {
    let (came, comes) = mpsc::unbounded_channel();
    let (go, gate) = mpsc::unbounded_channel();
    let gate = Arc::new(Mutex::new(gate));
    let origin = Origin::start(world, "origin.test", move |mut conn| {
        let (came, gate) = (came.clone(), Arc::clone(&gate));
        async move {
            while conn.request().await.is_some() {
                came.send(()).unwrap();
                if gate.lock().await.recv().await.is_none() {
                    return;
                }
                conn.send(ok("{\"late\":true}")).await;
            }
        }
    })
    .await;
    (origin, comes, go)
}

#[tokio::test]
async fn what_is_under_way_ends_well() {
    let world = World::start(Setup::default()).await;
    let (origin, mut comes, go) = waiting(&world).await;
    let mut idle = Client::tunnel(&world, &origin).await;
    let mut busy = Client::tunnel(&world, &origin).await;
    busy.send(get(&origin, "/")).await;
    soon("the request at the origin", comes.recv()).await.unwrap();
    let proxy = world.proxy;
    let records = tokio::spawn(world.records());
    assert!(idle.is_closed().await, "an idle connection is closed at once");
    soon("the listener to close", async {
        while TcpStream::connect(proxy).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    go.send(()).unwrap();
    let response = busy.response().await;
    assert_eq!((response.status, response.body.whole), (200, true));
    assert!(busy.is_closed().await);
    let records = records.await.unwrap();
    assert_eq!(messages(&records).len(), 2);
    assert!(messages(&records).iter().all(|record| record["kind"] == "decision"));
}

#[tokio::test]
async fn what_outlasts_the_deadline_is_cut_and_recorded() {
    let world = World::start(Setup::default()).await;
    let (origin, mut comes, go) = waiting(&world).await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(get(&origin, "/")).await;
    soon("the request at the origin", comes.recv()).await.unwrap();
    let (cut, records) = world.cut(Duration::from_millis(50)).await;
    assert_eq!(cut, 1);
    assert!(client.reader.head().await.is_none(), "no response, whole or not");
    let end = messages(&records).into_iter().find(|record| record["kind"] == "end").unwrap().clone();
    assert_eq!(end["direction"], "response");
    assert!(end["reason"].as_str().unwrap().contains("drain"), "{end}");
    drop(go);
}
