//! Pods: little servers that answer with their name.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// A pod that answers every request with its name and the headers that it saw.
pub(crate) struct Pod {
    pub(crate) address: SocketAddr,
}

impl Pod {
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, Arc::new(|| ()))
    }

    /// A pod that tells of each request, and answers when told to.
    pub(crate) fn slow(name: &str) -> (Self, Receiver<()>, Sender<()>) {
        let (asked, is_asked) = channel();
        let (answer, may_answer) = channel::<()>();
        let may_answer = std::sync::Mutex::new(may_answer);
        let wait = move || {
            let _ = asked.send(());
            let _ = may_answer.lock().unwrap().recv();
        };
        (Self::start_with(name, Arc::new(wait)), is_asked, answer)
    }

    fn start_with(name: &str, wait: Arc<dyn Fn() + Send + Sync>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let name = name.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (name, wait) = (name.clone(), wait.clone());
                thread::spawn(move || serve(&stream.unwrap(), &name, &*wait));
            }
        });
        Self { address }
    }
}

fn serve(stream: &TcpStream, name: &str, wait: &dyn Fn()) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let head: Vec<String> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let request = head.first()?;
        wait();
        let body = format!("{name} {request}\n");
        let length = body.len();
        (&mut &*stream)
            .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes())
            .ok()?;
    }
}
