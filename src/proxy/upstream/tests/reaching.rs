//! Which upstreams are reached, and which are refused.

use super::*;

#[tokio::test]
async fn a_good_upstream_is_verified_and_reused() {
    let authority = Authority::new();
    let config = testing::server_config(authority.issue(&[NAME], (2020, 2100)), testing::any_version());
    let origin = Origin::start(Some(config), |_, stream| answer(stream, OK)).await;
    let upstreams = upstreams(&authority);
    for round in 0..3 {
        let lease = upstreams.acquire(&origin.https(), &tenant(), Spoken::Http1).await.unwrap();
        assert_eq!(lease.peer().tls_version, Some("TLSv1.3"));
        assert_eq!(lease.peer().address.port(), origin.port);
        assert!(lease.is_proven());
        assert_eq!(lease.is_reused(), round > 0);
        assert_eq!(read(lease.send(get(), None).await.unwrap()).await.unwrap(), "hello");
    }
    assert_eq!(origin.connections(), 1);
    assert_eq!(upstreams.pool_stats(), PoolStats { idle: 1, reused: 2, missed: 1 });
}

#[tokio::test]
async fn bad_upstreams_are_refused_with_their_reason() {
    let authority = Authority::new();
    let any = testing::any_version();
    let old: &[_] = &[&rustls::version::TLS12];
    let good = || authority.issue(&[NAME], (2020, 2100));
    let cases = [
        (
            testing::server_config(authority.issue(&[NAME], (2020, 2024)), any),
            "certificate has expired (notAfter 2024-",
        ),
        (testing::server_config(testing::self_signed(&[NAME]), any), "certificate is self-signed"),
        (
            testing::server_config(authority.issue(&["other.example"], (2020, 2100)), any),
            "certificate is not for origin.example",
        ),
        (
            testing::server_config(good(), old),
            "upstream offers no TLS version that is allowed (upstream.min_tls = \"1.3\")",
        ),
    ];
    let upstreams = upstreams_with(authority.trust(MinTls::Tls13), &["127.0.0.1"], &["127.0.0.1/32"]);
    for (config, wanted) in cases {
        let origin = Origin::start(Some(config), |_, stream| answer(stream, OK)).await;
        let error = upstreams.acquire(&origin.https(), &tenant(), Spoken::Http1).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error} lacks {wanted}");
        assert_eq!((error.as_str(), error.status()), ("tls", StatusCode::BAD_GATEWAY));
    }
    let plain = Origin::start(None, |_, mut stream| async move {
        let _ = stream.write_all(b"220 smtp.example ready\r\n").await;
        let _ = stream.read(&mut [0; 512]).await;
    })
    .await;
    let error = upstreams.acquire(&plain.https(), &tenant(), Spoken::Http1).await.unwrap_err();
    assert!(error.to_string().contains("upstream does not answer in TLS"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_reached_says_why() {
    let authority = Authority::new();
    let upstreams = upstreams(&authority);
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let nowhere = Destination { scheme: Scheme::Http, host: NAME.parse().unwrap(), port: closed.port() };
    let error = upstreams.acquire(&nowhere, &tenant(), Spoken::Http1).await.unwrap_err();
    assert_eq!((error.as_str(), error.proxy_status()), ("connect", "connection_refused"));
    let unknown = Destination { host: "no-such-name.invalid".parse().unwrap(), ..nowhere };
    let error = upstreams.acquire(&unknown, &tenant(), Spoken::Http1).await.unwrap_err();
    assert_eq!((error.as_str(), error.status()), ("dns", StatusCode::BAD_GATEWAY));
    assert!(error.to_string().starts_with("upstream no-such-name.invalid cannot be resolved: "), "{error}");
}

#[tokio::test]
async fn addresses_are_checked_when_dialled() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let strict = upstreams_with(authority.trust(MinTls::Tls12), &["127.0.0.1"], &[]);
    let error = strict.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap_err();
    assert_eq!((error.status(), error.proxy_status()), (StatusCode::FORBIDDEN, "destination_ip_prohibited"));
    assert!(
        error.to_string().contains("`upstream.allow_addresses = [\"127.0.0.1/32\"]` would allow it"),
        "{error}"
    );
    assert_eq!(origin.connections(), 0);
    // Of several answers only those allowed are dialled.
    let mixed =
        upstreams_with(authority.trust(MinTls::Tls12), &["169.254.169.254", "127.0.0.1"], &["0.0.0.0/0"]);
    assert_eq!(fetch(&mixed, &origin.http()).await, "hello");
}

#[tokio::test]
async fn the_next_address_is_tried() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let addresses = ["127.0.0.2", "::1", "127.0.0.1"];
    let upstreams = upstreams_with(authority.trust(MinTls::Tls12), &addresses, &["127.0.0.0/8", "::1/128"]);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
}

#[tokio::test]
async fn tenants_do_not_share_connections() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let upstreams = upstreams(&authority);
    for name in ["a", "b", "a", "b"] {
        let lease = upstreams.acquire(&origin.http(), &Arc::from(name), Spoken::Http1).await.unwrap();
        read(lease.send(get(), None).await.unwrap()).await.unwrap();
    }
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn those_who_wait_for_one_connection_share_its_failure() {
    let authority = Authority::new();
    let mute = Origin::start(None, |_, mut stream| async move {
        while stream.read(&mut [0; 512]).await.is_ok_and(|length| length > 0) {}
    })
    .await;
    let upstreams = upstreams(&authority);
    let (to, tenant) = (mute.https(), tenant());
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let ask = || upstreams.acquire(&to, &tenant, Spoken::Http2);
    let (first, second, third) = tokio::join!(ask(), ask(), ask());
    let told: Vec<_> = [first, second, third].map(|asked| asked.unwrap_err().to_string()).into();
    assert!(told.iter().all(|text| *text == told[0]), "{told:?}");
    assert!(start.elapsed() < limits::HANDSHAKE_TIMEOUT * 2, "{:?}", start.elapsed());
    assert!(mute.connections() <= 1);
    // Who comes later finds out anew.
    ask().await.unwrap_err();
    assert!(start.elapsed() >= limits::HANDSHAKE_TIMEOUT * 2, "{:?}", start.elapsed());
}
