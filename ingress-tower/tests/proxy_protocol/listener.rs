//! Headers taken off connections: who may send them, in what time, and what is left.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ingress_tower::proxy_protocol::{AcceptError, HeaderError, Presence, ProxyProtocol};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf, duplex};
use tokio::time::{Instant, sleep};

use crate::encode::{v1, v2, v2_raw};

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn required() -> ProxyProtocol {
    ProxyProtocol::required(["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()])
}

fn optional() -> ProxyProtocol {
    ProxyProtocol::optional(["10.0.0.0/8".parse().unwrap()])
}

/// Gives these chunks, one with each read, then the end. A read after that is one too many.
struct Chunks(VecDeque<Vec<u8>>);

impl Chunks {
    fn new<C: Into<Vec<u8>>>(chunks: impl IntoIterator<Item = C>) -> Self {
        Self(chunks.into_iter().map(Into::into).filter(|chunk: &Vec<u8>| !chunk.is_empty()).collect())
    }
}

impl AsyncRead for Chunks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut chunk) = self.0.pop_front() {
            let later = chunk.split_off(chunk.len().min(into.remaining()));
            into.put_slice(&chunk);
            if !later.is_empty() {
                self.0.push_front(later);
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Who the client is and what is left to read, or why the connection was refused.
async fn outcome(
    listener: &ProxyProtocol,
    stream: Chunks,
    peer: &str,
) -> Result<(String, Vec<u8>), AcceptError> {
    let mut connection = listener.accept(stream, address(peer)).await?;
    assert_eq!(connection.peer(), address(peer));
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.unwrap();
    Ok((connection.client().to_string(), rest))
}

const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 5555 443\r\nhello";
const INSIDE: &str = "10.0.0.2:4000";
const OUTSIDE: &str = "192.0.2.66:4000";

#[tokio::test]
async fn who_may_send_a_header() {
    for (listener, peer, bytes, expected) in [
        (ProxyProtocol::off(), INSIDE, LINE, Some((INSIDE, LINE))),
        (required(), INSIDE, LINE, Some(("192.0.2.7:5555", b"hello"))),
        // An IPv4 peer on a listener for both families.
        (required(), "[::ffff:10.0.0.2]:1", LINE, Some(("192.0.2.7:5555", b"hello"))),
        (required(), "[fd12::1]:1", LINE, Some(("192.0.2.7:5555", b"hello"))),
        (required(), OUTSIDE, LINE, None),
        (required(), OUTSIDE, b"hello", None),
        (required(), "[::1]:1", LINE, None),
        (optional(), INSIDE, LINE, Some(("192.0.2.7:5555", b"hello"))),
        // Somebody who writes a header without being trusted has written something else.
        (optional(), OUTSIDE, LINE, Some((OUTSIDE, LINE))),
        (optional(), INSIDE, b"hello", Some((INSIDE, b"hello"))),
        (optional(), INSIDE, b"PRI * HTTP/2.0\r\n", Some((INSIDE, b"PRI * HTTP/2.0\r\n"))),
        (optional(), INSIDE, b"PROXY \r\n", None),
        (ProxyProtocol::required([]), INSIDE, LINE, None),
    ] {
        let result = outcome(&listener, Chunks::new([bytes]), peer).await;
        let expected = expected.map(|(client, rest)| (client.to_owned(), rest.to_vec()));
        assert_eq!(result.ok(), expected, "{:?} {peer} {}", listener.presence(), bytes.escape_ascii());
    }
    assert_eq!(optional().presence(), Presence::Optional);
}

#[tokio::test]
async fn why_a_connection_is_refused() {
    let reason = async |bytes: &[u8], peer: &str| match outcome(&required(), Chunks::new([bytes]), peer).await
    {
        Ok(accepted) => panic!("{accepted:?}"),
        Err(error) => error,
    };
    assert!(matches!(reason(LINE, OUTSIDE).await, AcceptError::Untrusted));
    assert!(matches!(reason(b"", INSIDE).await, AcceptError::Closed));
    assert!(matches!(reason(b"PROXY TCP4 1.2", INSIDE).await, AcceptError::Closed));
    assert!(matches!(reason(b"hello", INSIDE).await, AcceptError::Header(HeaderError::Absent)));
    let malformed = reason(b"PROXY TCP4 1.2\r\n", INSIDE).await;
    assert_eq!(malformed.to_string(), "the header is missing or malformed");
    let source = std::error::Error::source(&malformed).unwrap();
    assert_eq!(source.to_string(), "the addresses or ports are malformed");
}

#[tokio::test]
async fn a_balancer_that_speaks_for_itself_is_the_client() {
    for header in [v2_raw(0x20, 0, &[]), b"PROXY UNKNOWN\r\n".to_vec(), v2_raw(0x21, 0x31, &[0; 216])] {
        let stream = Chunks::new([&header[..], b"hello"]);
        let expected = (INSIDE.to_owned(), b"hello".to_vec());
        assert_eq!(outcome(&required(), stream, INSIDE).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn no_more_bytes_than_allowed() {
    let fields = [(0xe0, vec![1; 4069])];
    let header = v2(address("192.0.2.7:1"), address("10.0.0.1:2"), &fields);
    assert_eq!(header.len(), 4100);
    let result = outcome(&required(), Chunks::new([&header[..]]), INSIDE).await;
    assert!(matches!(result, Err(AcceptError::TooLong)));
    for (limit, accepted) in [(4099, false), (4100, true)] {
        let listener = required().with_byte_limit(limit);
        assert_eq!(outcome(&listener, Chunks::new([&header[..]]), INSIDE).await.is_ok(), accepted);
    }
    // It is refused for what it says, not for what it sends: the end, which comes next, would be another.
    let result = outcome(&required(), Chunks::new([&header[..16]]), INSIDE).await;
    assert!(matches!(result, Err(AcceptError::TooLong)));
    let result = outcome(&required().with_byte_limit(30), Chunks::new([LINE]), INSIDE).await;
    assert!(matches!(result, Err(AcceptError::TooLong)));
}

#[tokio::test(start_paused = true)]
async fn no_more_time_than_allowed() {
    for (sent, pause, accepted) in [
        // Nothing at all; a header that stops; one that comes a byte at a time, but in time; and one that
        // does not, however steadily it comes.
        (0, 0, false),
        (20, 0, false),
        (LINE.len(), 100, true),
        (LINE.len(), 150, false),
    ] {
        let (mut balancer, stream) = duplex(64);
        let sender = tokio::spawn(async move {
            for byte in &LINE[..sent] {
                sleep(Duration::from_millis(pause)).await;
                if balancer.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
            sleep(Duration::from_secs(3600)).await;
        });
        let start = Instant::now();
        let result = required().accept(stream, address(INSIDE)).await;
        match result {
            Ok(connection) => {
                assert!(accepted && start.elapsed() < Duration::from_secs(5));
                assert_eq!(connection.client(), address("192.0.2.7:5555"));
            }
            Err(AcceptError::TooSlow) => {
                assert!(!accepted, "{sent} {pause}");
                assert_eq!(start.elapsed().as_secs(), 5);
            }
            Err(error) => panic!("{error:?}"),
        }
        sender.abort();
    }
    let (_balancer, stream) = duplex(64);
    let start = Instant::now();
    let listener = optional().with_time_limit(Duration::from_millis(300));
    assert!(matches!(listener.accept(stream, address(INSIDE)).await, Err(AcceptError::TooSlow)));
    assert_eq!(start.elapsed().as_millis().div_euclid(10), 30);
}

#[tokio::test]
async fn a_refused_connection_is_closed() {
    let (mut balancer, stream) = duplex(64);
    balancer.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert!(required().accept(stream, address(INSIDE)).await.is_err());
    assert_eq!(balancer.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn writes_go_through() {
    let (mut balancer, stream) = duplex(256);
    balancer.write_all(LINE).await.unwrap();
    let mut connection = required().accept(stream, address(INSIDE)).await.unwrap();
    connection.write_all(b"answer").await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = String::new();
    balancer.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");
    // What was read beyond the header comes in pieces as small as they are asked for.
    let mut pieces = Vec::new();
    for length in [1, 3, 1] {
        let mut piece = vec![0; length];
        connection.read_exact(&mut piece).await.unwrap();
        pieces.push(piece);
    }
    assert_eq!(pieces.concat(), b"hello");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn however_it_comes_the_rest_is_whole(
        binary: bool,
        rest in vec(any::<u8>(), 0..600),
        cuts in vec(1_usize..400, 0..12),
    ) {
        let (client, destination) = (address("[2001:db8::7]:1"), address("[fd00::1]:2"));
        let fields = [(0xe0, vec![1; 300])];
        let header = if binary { v2(client, destination, &fields) } else { v1(client, destination) };
        let mut bytes = [&header[..], &rest].concat();
        let mut chunks = Vec::new();
        for cut in cuts {
            let later = bytes.split_off(cut.min(bytes.len()));
            chunks.push(std::mem::replace(&mut bytes, later));
        }
        chunks.push(bytes);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let result = runtime.block_on(outcome(&required(), Chunks::new(chunks), INSIDE)).unwrap();
        prop_assert_eq!(result, (client.to_string(), rest));
    }
}
