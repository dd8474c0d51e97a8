//! How it ends.

#![cfg(unix)]

use std::io::{BufReader, Read, Write};
use std::thread;
use std::time::Instant;

use rustix::process::Signal;

use super::client::{answer, ask_on, connect, get};
use super::manifests::{ingress, service};
use super::pods::Pod;
use super::running::{LIMIT, directory, serve, until};

#[test]
fn what_is_under_way_is_finished() {
    let (pod, asked, may_answer) = Pod::slow("slow");
    let web = ingress("web", &["a.com Prefix / web"]) + &service("web", &[pod.address.port()]);
    let running = serve(&directory("drain", &[("web.yaml", &web)]), &[]);
    let (http, admin) = (running.http(), running.admin());
    let mut idle = BufReader::new(connect(http));
    let waiting = thread::spawn(move || get(http, "a.com", "/slow"));
    asked.recv_timeout(LIMIT).unwrap();
    assert_eq!(get(admin, "localhost", "/readyz").status, 200);

    running.signal(Signal::TERM);
    running.logs("stopping");
    assert_eq!(get(admin, "localhost", "/readyz").status, 503);
    assert_eq!(get(admin, "localhost", "/healthz").status, 200);
    // Connections without a request are closed, and no more are taken.
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    until(|| std::net::TcpStream::connect(http).is_err().then_some(())).unwrap();

    may_answer.send(()).unwrap();
    let answer = waiting.join().unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "slow GET /slow HTTP/1.1\n"));
    let (status, log) = running.ended();
    assert!(status.success() && !log.contains("WARN"), "{status} {log}");
}

#[test]
fn the_second_time_is_at_once() {
    let (pod, asked, _answer) = Pod::slow("slow");
    let web = ingress("web", &["a.com Prefix / web"]) + &service("web", &[pod.address.port()]);
    for signal in [Signal::TERM, Signal::INT] {
        let running = serve(&directory("twice", &[("web.yaml", &web)]), &[]);
        let mut stream = connect(running.http());
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a.com\r\n\r\n").unwrap();
        asked.recv_timeout(LIMIT).unwrap();
        running.signal(signal);
        running.logs("stopping");
        running.signal(signal);
        let (status, log) = running.ended();
        assert!(status.success() && log.contains("told again"), "{status} {log}");
        assert!(answer(&mut BufReader::new(stream)).is_err());
    }
}

#[test]
fn it_does_not_wait_for_ever() {
    let (pod, asked, _answer) = Pod::slow("slow");
    let web = ingress("web", &["a.com Prefix / web"]) + &service("web", &[pod.address.port()]);
    let running = serve(&directory("limit", &[("web.yaml", &web)]), &["--drain", "300ms"]);
    let mut stream = connect(running.http());
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.com\r\n\r\n").unwrap();
    asked.recv_timeout(LIMIT).unwrap();
    let began = Instant::now();
    running.signal(Signal::TERM);
    let (status, log) = running.ended();
    assert!(status.success() && log.contains("connections are cut"), "{status} {log}");
    assert!(began.elapsed().as_millis() >= 300);
}

/// Whom the kernel has let in, while nobody was there to accept, is answered as well.
#[test]
fn nobody_who_waits_to_be_accepted_is_turned_away() {
    let manifests = directory("queue", &[("web.yaml", &ingress("web", &["a.com Prefix / web"]))]);
    std::fs::write(manifests.join("config.txt"), "listen: {connections: 2}\n").unwrap();
    let config = manifests.join("config.txt").display().to_string();
    let running = serve(&manifests, &["--echo", "--https", "off", "--config", &config]);
    let _places = [connect(running.http()), connect(running.http())];
    let mut waiting = connect(running.http());
    waiting.write_all(b"GET / HTTP/1.1\r\nHost: a.com\r\n\r\n").unwrap();
    running.signal(Signal::TERM);
    assert_eq!(answer(&mut BufReader::new(waiting)).unwrap().status, 200);
    assert!(running.ended().0.success());
}

/// Requests that are sent while it stops are answered as long as they are accepted: whoever asked on a
/// connection gets an answer, or was told before that the connection ends.
#[test]
fn nobody_who_was_accepted_is_left_without_an_answer() {
    let running = serve(
        &directory("accepted", &[("web.yaml", &ingress("web", &["a.com Prefix / web"]))]),
        &["--echo", "--workers", "2", "--per-core"],
    );
    let http = running.http();
    // Connected, and silent still, when the end begins.
    let streams: Vec<_> = (0..8).map(|_| connect(http)).collect();
    running.signal(Signal::TERM);
    running.logs("stopping");
    for stream in streams {
        let answer = ask_on(&mut BufReader::new(stream), "a.com", "/").unwrap();
        assert_eq!(answer.status, 200);
    }
    assert!(running.ended().0.success());
}
