//! Where the requests of an HTTP/1 connection begin and end, read as strictly as the standard allows.
//!
//! The parser behind reads for itself. It is a good one, and yet it takes `Content-Length` beside
//! `Transfer-Encoding`, lines without a carriage return, and other things that a server of another make
//! may read differently. Whatever passes here leaves only one reading.

use memchr::memchr;

use super::strict::Flaw;

/// More than the parser accepts, so that it is the parser that answers 431.
const LINE_LIMIT: usize = 1 << 20;
/// Of one chunk. Nobody uses extensions.
const EXTENSION_LIMIT: u16 = 256;

/// The reader of one connection. It keeps what it has seen of an unfinished line, and nothing else.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    line: Vec<u8>,
    head: Head,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Before a request. One empty line may come first.
    Between {
        empty: bool,
    },
    Headers,
    Length(u64),
    Size {
        size: u64,
        digits: u8,
    },
    Extension {
        size: u64,
        length: u16,
    },
    SizeEnd {
        size: u64,
    },
    Data(u64),
    DataReturn,
    DataEnd,
    Trailers,
}

#[derive(Debug, Default)]
struct Head {
    http10: bool,
    length: Option<u64>,
    chunked: bool,
}

/// What must not be passed on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Refused {
    /// How many bytes before it may be.
    pub(super) at: usize,
    pub(super) flaw: Flaw,
    /// Whether it is in the head of a request, not in a body.
    pub(super) in_head: bool,
}

impl Default for Framing {
    fn default() -> Self {
        Self { state: State::Between { empty: false }, line: Vec::new(), head: Head::default() }
    }
}

impl Framing {
    /// Whether all that was read are whole requests.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.state, State::Between { .. }) && self.line.is_empty()
    }

    /// Reads on.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let in_head = matches!(self.state, State::Between { .. } | State::Headers);
            match self.step(rest) {
                Ok(read) => rest = rest.get(read..).unwrap_or_default(),
                Err(flaw) => return Err(Refused { at, flaw, in_head }),
            }
        }
        Ok(())
    }

    /// Reads at least a byte, and says how many.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Flaw> {
        match self.state {
            State::Between { .. } | State::Headers | State::Trailers => return self.read_line(bytes),
            State::Length(left) | State::Data(left) => {
                let read = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let left = left - read as u64;
                self.state = match (self.state, left) {
                    (State::Data(_), 0) => State::DataReturn,
                    (State::Data(_), left) => State::Data(left),
                    (_, 0) => State::Between { empty: false },
                    (_, left) => State::Length(left),
                };
                return Ok(read);
            }
            _ => {}
        }
        let byte = bytes.first().copied().unwrap_or(0);
        self.state = match (self.state, byte) {
            (State::Size { size, digits: 1.. }, b'\r') => State::SizeEnd { size },
            (State::Size { size, digits: 1.. }, b';') => State::Extension { size, length: 0 },
            (State::Size { size, digits: digits @ 0..16 }, _) => {
                let digit = char::from(byte).to_digit(16).ok_or(Flaw::Chunk)?;
                State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Extension { size, .. }, b'\r') => State::SizeEnd { size },
            (State::Extension { size, length: length @ 0..EXTENSION_LIMIT }, b'\t' | b' '..=b'~') => {
                State::Extension { size, length: length + 1 }
            }
            (State::SizeEnd { size: 0 }, b'\n') => State::Trailers,
            (State::SizeEnd { size }, b'\n') => State::Data(size),
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size { size: 0, digits: 0 },
            _ => return Err(Flaw::Chunk),
        };
        Ok(1)
    }

    fn read_line(&mut self, bytes: &[u8]) -> Result<usize, Flaw> {
        let Some(end) = memchr(b'\n', bytes) else {
            if self.line.len() + bytes.len() > LINE_LIMIT {
                return Err(Flaw::TooLong);
            }
            self.line.extend_from_slice(bytes);
            return Ok(bytes.len());
        };
        let (part, _) = bytes.split_at(end);
        if self.line.is_empty() {
            self.end_line(part)?;
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(part);
            self.end_line(&line)?;
            // Its memory is for the next one.
            line.clear();
            self.line = line;
        }
        Ok(end + 1)
    }

    fn end_line(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let line = line.strip_suffix(b"\r").ok_or(Flaw::BareLineFeed)?;
        if memchr(b'\r', line).is_some() {
            return Err(Flaw::BareCarriageReturn);
        }
        self.state = match self.state {
            State::Between { empty: false } if line.is_empty() => State::Between { empty: true },
            State::Between { .. } if line.is_empty() => return Err(Flaw::EmptyLines),
            State::Between { .. } => {
                self.head = Head { http10: is_http10(line)?, ..Head::default() };
                State::Headers
            }
            State::Trailers if line.is_empty() => State::Between { empty: false },
            State::Headers if line.is_empty() => self.head.body()?,
            State::Trailers => split(line).map(|_| State::Trailers)?,
            _ => {
                self.head.read(line)?;
                State::Headers
            }
        };
        Ok(())
    }
}

impl Head {
    fn read(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let (name, value) = split(line)?;
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() {
                return Err(Flaw::LengthTwice);
            }
            self.length = Some(length(value).ok_or(Flaw::Length)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || self.http10 || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Flaw::Encoding);
            }
            self.chunked = true;
        }
        Ok(())
    }

    /// What comes after the head.
    fn body(&self) -> Result<State, Flaw> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Flaw::LengthAndEncoding),
            (true, None) => Ok(State::Size { size: 0, digits: 0 }),
            (false, None | Some(0)) => Ok(State::Between { empty: false }),
            (false, Some(length)) => Ok(State::Length(length)),
        }
    }
}

/// Name and value of a header. The parser behind looks at the characters; here it matters that there
/// is one place where the name can end.
fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Flaw> {
    if line.first().is_some_and(|byte| is_blank(*byte)) {
        return Err(Flaw::Fold);
    }
    let colon = memchr(b':', line).ok_or(Flaw::HeaderName)?;
    let (name, value) = line.split_at(colon);
    let value = value.get(1..).unwrap_or_default();
    if name.is_empty() || name.iter().any(|byte| !is_token(*byte)) {
        return Err(Flaw::HeaderName);
    }
    Ok((name, trim(value)))
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = value
        && is_blank(*first)
    {
        value = rest;
    }
    while let [rest @ .., last] = value
        && is_blank(*last)
    {
        value = rest;
    }
    value
}

/// Digits and nothing else. The largest is what fits in 63 bits, as some servers calculate with a sign.
fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    let digit = |sum: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    value.iter().try_fold(0, digit).filter(|length| i64::try_from(*length).is_ok())
}

fn is_http10(line: &[u8]) -> Result<bool, Flaw> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some(version), None) = (method, target, version, words.next()) else {
        return Err(Flaw::RequestLine);
    };
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) || target.is_empty() {
        return Err(Flaw::RequestLine);
    }
    if memchr(b'#', target).is_some() {
        return Err(Flaw::Fragment);
    }
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        _ => Err(Flaw::RequestLine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(text: &str) -> Result<bool, Flaw> {
        let mut framing = Framing::default();
        let whole =
            framing.feed(text.as_bytes()).map(|()| framing.is_between()).map_err(|refused| refused.flaw);
        // However it is cut, it comes to the same.
        for cut in 1..text.len() {
            let mut framing = Framing::default();
            let (first, second) = text.as_bytes().split_at(cut);
            let parts = framing.feed(first).and_then(|()| framing.feed(second));
            let parts = parts.map(|()| framing.is_between()).map_err(|refused| refused.flaw);
            assert_eq!(parts, whole, "{text:?} cut at {cut}");
        }
        whole
    }

    fn with(lines: &str) -> Result<bool, Flaw> {
        feed(&format!("POST / HTTP/1.1\r\n{lines}"))
    }

    #[test]
    fn requests_end_where_they_say() {
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "\r\nGET / HTTP/1.0\r\nHost:a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3 \r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding:\tChunked\r\n\r\n3;a=\"b\"\r\n\r\n\r\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n\
             GET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert_eq!(feed(text), Ok(true), "{text:?}");
        }
        for text in ["G", "GET / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc"]
        {
            assert_eq!(feed(text), Ok(false), "{text:?}");
        }
    }

    #[test]
    fn what_has_two_readings_has_none() {
        for (lines, flaw) in [
            ("Content-Length: 3\nX: y\r\n\r\n", Flaw::BareLineFeed),
            ("X: y\rContent-Length: 3\r\n\r\n", Flaw::BareCarriageReturn),
            ("X: y\r\n Content-Length: 3\r\n\r\n", Flaw::Fold),
            ("Content-Length : 3\r\n\r\n", Flaw::HeaderName),
            (": 3\r\n\r\n", Flaw::HeaderName),
            ("no colon\r\n\r\n", Flaw::HeaderName),
            ("Content-Length: +3\r\n\r\n", Flaw::Length),
            ("Content-Length: 3, 3\r\n\r\n", Flaw::Length),
            ("Content-Length: 0x3\r\n\r\n", Flaw::Length),
            ("Content-Length:\r\n\r\n", Flaw::Length),
            ("Content-Length: 9223372036854775808\r\n\r\n", Flaw::Length),
            ("Content-Length: 99999999999999999999\r\n\r\n", Flaw::Length),
            ("Content-Length: 3\r\nContent-Length: 3\r\n\r\n", Flaw::LengthTwice),
            ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", Flaw::LengthAndEncoding),
            ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", Flaw::LengthAndEncoding),
            ("Transfer-Encoding: xchunked\r\n\r\n", Flaw::Encoding),
            ("Transfer-Encoding: chunked, identity\r\n\r\n", Flaw::Encoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", Flaw::Encoding),
        ] {
            assert_eq!(with(lines), Err(flaw), "{lines:?}");
        }
        for chunks in [
            "\r\n",
            "g\r\n",
            "3 \r\n",
            " 3\r\n",
            "3\n",
            "0x3\r\n",
            "-1\r\n",
            "3\r\nabcd",
            "3\r\nabc\n",
            "3\rx",
            "3;\n",
            "3;\0\r\n",
            "00000000000000003\r\n",
            "ffffffffffffffff0\r\n",
            "3;\r\nabc\rX",
            "1;\u{e4}\r\n",
        ] {
            let refused = with(&format!("Transfer-Encoding: chunked\r\n\r\n{chunks}"));
            assert_eq!(refused, Err(Flaw::Chunk), "{chunks:?}");
        }
        assert_eq!(with("Transfer-Encoding: chunked\r\n\r\n0\r\n X: y\r\n"), Err(Flaw::Fold));
        for (line, flaw) in [
            ("GET  / HTTP/1.1\r\n", Flaw::RequestLine),
            ("GET /\r\n", Flaw::RequestLine),
            ("GET / HTTP/1.1 \r\n", Flaw::RequestLine),
            ("GET /\tHTTP/1.1\r\n", Flaw::RequestLine),
            ("GET / HTTP/1.2\r\n", Flaw::RequestLine),
            ("GET / HTTP/2.0\r\n", Flaw::RequestLine),
            (" GET / HTTP/1.1\r\n", Flaw::RequestLine),
            ("GET /a#b HTTP/1.1\r\n", Flaw::Fragment),
            ("\r\n\r\nGET / HTTP/1.1\r\n", Flaw::EmptyLines),
            ("\nGET / HTTP/1.1\r\n", Flaw::BareLineFeed),
        ] {
            assert_eq!(feed(line), Err(flaw), "{line:?}");
        }
        let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(feed(old), Err(Flaw::Encoding));
    }

    #[test]
    fn an_endless_line_takes_no_endless_memory() {
        let mut framing = Framing::default();
        let fed = (0..2048).try_for_each(|_| framing.feed(&[b'a'; 1024]));
        assert_eq!(fed.map_err(|refused| refused.flaw), Err(Flaw::TooLong));
        assert!(framing.line.len() <= LINE_LIMIT);
    }
}
