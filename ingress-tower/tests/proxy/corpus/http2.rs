//! The same for HTTP/2, where lengths are framed and yet can be claimed, and where a gateway to HTTP/1
//! can be made to write what no client of HTTP/1 could send.
//!
//! Frames are written by hand: no library would send these.

use super::*;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An integer of HPACK with a prefix of seven bits.
fn integer(mut value: usize) -> Vec<u8> {
    if value < 127 {
        return vec![value as u8];
    }
    let mut bytes = vec![127];
    value -= 127;
    while value >= 128 {
        bytes.push((value % 128) as u8 | 128);
        value /= 128;
    }
    bytes.push(value as u8);
    bytes
}

/// A header as a literal that is in no table, without Huffman's code.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [bytes(name), bytes(value)] {
        field.extend(integer(text.len()));
        field.extend(text);
    }
    field
}

/// The status that a block of headers begins with.
fn decode_status(block: &[u8]) -> String {
    let indexed = ["200", "204", "206", "304", "400", "404", "500"];
    match block {
        [first @ 0x88..=0x8e, ..] => indexed[usize::from(first - 0x88)].to_owned(),
        // A literal with the name of the table's eighth entry: three digits, by Huffman's code.
        [_, length, rest @ ..] if length & 0x80 != 0 => {
            let mut bits = rest.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
            let mut take = |count: usize| bits.by_ref().take(count).fold(0u8, |sum, bit| sum << 1 | bit);
            let mut text = String::new();
            for _ in 0..3 {
                let five = take(5);
                text.push(char::from(b'0' + if five < 3 { five } else { (five << 1 | take(1)) - 0x19 + 3 }));
            }
            text
        }
        [_, 3, digits @ ..] => String::from_utf8_lossy(&digits[..3]).into_owned(),
        _ => panic!("not a status: {block:?}"),
    }
}

/// What comes of one request: a status, or `reset` if the stream or the connection is.
async fn ask(front: SocketAddr, case: &Case) -> String {
    let mut client = connect(front).await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.send(frame(4, 0, 0, &[])).await;
    let mut block = Vec::new();
    for pair in case.0["headers"].as_array().expect("headers") {
        block.extend(literal(pair[0].as_str().expect("a name"), pair[1].as_str().expect("a value")));
    }
    let data = case.0["data"].as_str();
    let flags = END_HEADERS | if data.is_none() { END_STREAM } else { 0 };
    let mut sent = frame(HEADERS, flags, 1, &block);
    if let Some(data) = data {
        sent.extend(frame(DATA, END_STREAM, 1, data.as_bytes()));
    }
    client.send(sent).await;
    loop {
        let Some(head) = client.exactly(9).await else { return "reset".to_owned() };
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let payload = client.exactly(length as usize).await.expect("a whole frame");
        match head[3] {
            HEADERS => return decode_status(&payload),
            RST_STREAM | GOAWAY => return "reset".to_owned(),
            _ => {}
        }
    }
}

#[test]
fn the_status_of_a_block_is_read() {
    assert_eq!(decode_status(&[0x8c]), "400");
    // Examples of RFC 7541, appendix C.6.
    assert_eq!(decode_status(&[0x48, 0x82, 0x64, 0x02]), "302");
    assert_eq!(decode_status(&[0x48, 0x83, 0x64, 0x0e, 0xff]), "307");
    assert_eq!(decode_status(&[0x08, 0x03, b'4', b'0', b'5']), "405");
}

#[tokio::test]
async fn every_request_of_the_corpus_over_http2_is_answered_as_documented() {
    let cases = Case::all(include_str!("http2.jsonl"));
    assert!(cases.len() >= 50, "{} cases", cases.len());
    let record = Record::default();
    let front = judged(&record).await;
    let mut wrong = Vec::new();
    for case in &cases {
        let judged = within(async {
            let answer = ask(front, case).await;
            let seen = is_sound_after(front, &record).await?;
            if case.0["answer"].as_str() != Some(&answer) {
                let lines: Vec<_> = seen.iter().map(|seen| &seen.line).collect();
                return Err(format!("answered {answer}, and endpoints saw {lines:?}"));
            }
            case.check_seen(&seen)
        })
        .await;
        if let Err(why) = judged {
            wrong.push(format!("{}: {why}", case.name()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
