//! Addresses, versions of HTTP, and who the client is.

use std::io::{BufReader, Write};
use std::net::SocketAddr;

use super::client::{answer, ask_http2, connect, get};
use super::manifests::ingress;
use super::running::{directory, serve, until};

fn web(test: &str) -> std::path::PathBuf {
    directory(test, &[("web.yaml", &ingress("web", &["a.com Prefix / web"]))])
}

#[test]
fn several_addresses_of_both_families() {
    let arguments = ["--echo", "--http", "127.0.0.1:0", "--http", "[::1]:0", "--http", "127.0.0.1:0"];
    let running = serve(&web("families"), &arguments);
    for (number, v6) in [(0, false), (1, true), (2, false)] {
        let address = running.address("http", number);
        assert_eq!(address.is_ipv6(), v6);
        let echo = get(address, "a.com", "/").json();
        assert_eq!(echo["headers"]["x-forwarded-for"], if v6 { "::1" } else { "127.0.0.1" });
        assert_eq!(echo["headers"]["x-forwarded-port"], address.port().to_string());
    }
}

#[test]
fn http2_is_understood_without_tls() {
    let running = serve(&web("h2c"), &["--echo"]);
    let http = running.http();
    let stream = async move { tokio::net::TcpStream::connect(http).await.unwrap() };
    let answer = ask_http2(stream, "http://a.com/x?y");
    assert_eq!(answer.status, 200);
    let echo = answer.json();
    assert_eq!((&echo["path"], &echo["host"]), (&"/x?y".into(), &"a.com".into()), "{echo:#}");
}

#[test]
fn threads_with_sockets_of_their_own_serve_alike() {
    for arguments in [
        &["--echo", "--workers", "3", "--per-core"][..],
        &["--echo", "--workers", "3"],
        &["--echo", "--workers", "1", "--reuse-port"],
    ] {
        let running = serve(&web("threads"), arguments);
        for _ in 0..30 {
            assert_eq!(get(running.http(), "a.com", "/").backend(), "web/web", "{arguments:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn two_processes_may_share_an_address_while_one_takes_over() {
    let first = serve(&web("share-1"), &["--echo", "--reuse-port"]);
    let address = first.http().to_string();
    let second = serve(&web("share-2"), &["--echo", "--reuse-port", "--http", &address]);
    assert_eq!(first.http(), second.http());
    first.signal(rustix::process::Signal::TERM);
    first.logs("stopping");
    assert!(first.ended().0.success());
    for _ in 0..10 {
        assert_eq!(get(second.http(), "a.com", "/").status, 200);
    }
}

#[test]
fn a_load_balancer_says_who_the_client_is() {
    let running = serve(&web("proxied"), &["--echo", "--proxy-protocol", "127.0.0.0/8"]);
    let said = |first: &str| {
        let mut stream = connect(running.http());
        stream.write_all(format!("{first}GET / HTTP/1.1\r\nHost: a.com\r\n\r\n").as_bytes()).unwrap();
        answer(&mut BufReader::new(stream))
    };
    let echo = said("PROXY TCP4 192.0.2.7 192.0.2.1 5555 80\r\n").unwrap().json();
    assert_eq!(echo["headers"]["x-forwarded-for"], "192.0.2.7", "{echo:#}");
    assert!(said("").is_err(), "a connection without a header is refused");
    let refused = || {
        get(running.admin(), "localhost", "/metrics").body.contains("\ningress_connections_refused_total 1\n")
    };
    until(|| refused().then_some(())).unwrap();

    let others = serve(&web("proxied-others"), &["--echo", "--proxy-protocol", "192.0.2.0/24"]);
    let mut stream = connect(others.http());
    let _ =
        stream.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 5555 80\r\nGET / HTTP/1.1\r\nHost: a.com\r\n\r\n");
    assert!(answer(&mut BufReader::new(stream)).is_err(), "nobody there is believed");
}

#[test]
fn what_is_no_request_is_refused() {
    let running = serve(&web("strict"), &["--echo"]);
    let http: SocketAddr = running.http();
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a.com\r\nHost: b.com\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a.com\n\n", 400),
        (
            "GET / HTTP/1.1\r\nHost: a.com\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("CONNECT a.com:443 HTTP/1.1\r\nHost: a.com\r\n\r\n", 405),
    ] {
        let mut stream = connect(http);
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(answer(&mut BufReader::new(stream)).unwrap().status, status, "{request:?}");
    }
}

#[test]
fn connections_have_a_bound() {
    let files = web("bound");
    std::fs::write(files.join("config.txt"), "listen: {connections: 2}\n").unwrap();
    let config = files.join("config.txt").display().to_string();
    let running = serve(&files, &["--echo", "--https", "off", "--config", &config]);
    // The third waits until one has gone.
    let first = connect(running.http());
    let second = connect(running.http());
    let mut third = BufReader::new(connect(running.http()));
    third.get_mut().set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    assert!(super::client::ask_on(&mut third, "a.com", "/").is_err());
    drop((first, second));
    third.get_mut().set_read_timeout(Some(super::running::LIMIT)).unwrap();
    assert_eq!(answer(&mut third).unwrap().status, 200);
}
