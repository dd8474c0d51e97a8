//! Requests as bytes on a socket, for no client library would send most of them.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::answer::Answer;
use crate::config::{BACKEND, TARGET};
use crate::controller::DEFAULT;
use crate::requests::Ask;

/// A connection that is kept as long as nginx keeps it.
pub(crate) struct Client<'s> {
    socket: &'s Path,
    stream: Option<UnixStream>,
}

impl<'s> Client<'s> {
    pub(crate) fn new(socket: &'s Path) -> Self {
        Self { socket, stream: None }
    }

    /// What nginx answers.
    pub(crate) fn ask(&mut self, ask: &Ask) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = UnixStream::connect(self.socket)?;
                stream.set_read_timeout(Some(Duration::from_secs(20)))?;
                stream.set_write_timeout(Some(Duration::from_secs(20)))?;
                stream
            }
        };
        stream.write_all(&ask.on_the_wire())?;
        let mut received = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut response = httparse::Response::new(&mut headers);
            let status = response.parse(&received).map_err(io::Error::other)?;
            if let httparse::Status::Complete(head) = status {
                let body = header(&response, "Content-Length").and_then(|length| length.parse().ok());
                let bodiless = ask.method == "HEAD" || matches!(response.code, Some(204 | 304));
                let body: usize = if bodiless { 0 } else { body.unwrap_or(0) };
                if received.len() >= head + body {
                    let kept = header(&response, "Connection").is_none_or(|value| value != "close");
                    let answer = answer(&response);
                    if kept && received.len() == head + body {
                        self.stream = Some(stream);
                    }
                    return Ok(answer);
                }
            }
            let count = stream.read(&mut chunk)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            received.extend_from_slice(&chunk[..count]);
        }
    }
}

fn header(response: &httparse::Response<'_, '_>, name: &str) -> Option<String> {
    let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    Some(header.value.iter().copied().map(char::from).collect())
}

fn answer(response: &httparse::Response<'_, '_>) -> Answer {
    let status = response.code.unwrap_or(0);
    if let Some(location) = header(response, "Location") {
        return Answer::Redirect { status, location };
    }
    // A redirect of nginx's own carries the header of its location, but nothing from upstream.
    match (header(response, BACKEND), header(response, TARGET)) {
        (Some(backend), Some(target)) if backend != DEFAULT => Answer::Backend { backend, target },
        (Some(backend), Some(_)) if backend == DEFAULT => Answer::Status(404),
        (Some(backend), None) if status == 400 => Answer::Unsendable { backend },
        _ => Answer::Status(status),
    }
}
