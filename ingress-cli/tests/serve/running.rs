//! The program while it serves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing that is waited for takes this long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A program that serves; it is killed when the test is over.
pub(crate) struct Running {
    child: Child,
    start: Value,
    log: Arc<Mutex<String>>,
}

/// A directory of this test's own, with files in it.
pub(crate) fn directory(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("serve-{test}"));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    for (name, text) in files {
        std::fs::write(directory.join(name), text).unwrap();
    }
    directory
}

/// The program, with free ports, and a log for programs.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress"));
    command.arg("serve").args(arguments).args(["--log", "json"]);
    for option in ["--http", "--https", "--admin"] {
        if !arguments.contains(&option) {
            command.args([option, "127.0.0.1:0"]);
        }
    }
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts it on manifests, and waits until it serves.
pub(crate) fn serve(manifests: &Path, arguments: &[&str]) -> Running {
    let manifests = manifests.display().to_string();
    Running::start(command(&[&["-f", &manifests], arguments].concat()))
}

/// Runs it to its end, which is expected at once, and gives its status and what it said.
pub(crate) fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = command(arguments).spawn().unwrap();
    drop(child.stdin.take());
    let status = wait(&mut child, LIMIT).expect("it serves, though it should not");
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status.code(), said)
}

impl Running {
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with(command, "")
    }

    /// The same with something to read.
    pub(crate) fn start_with(mut command: Command, input: &str) -> Self {
        let mut child = command.spawn().unwrap();
        // Small enough for any pipe; dropped, which is its end.
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = lines(child.stderr.take().unwrap());
        let kept = log.clone();
        thread::spawn(move || {
            for line in lines {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let first = lines_of_start(child.stdout.take().unwrap());
        let mut running = Self { child, start: Value::Null, log };
        running.start = match first.recv_timeout(LIMIT) {
            Ok(line) => serde_json::from_str(&line).unwrap(),
            Err(error) => panic!("it does not start: {error}\n{}", running.log()),
        };
        running
    }

    /// What it said of itself when it began.
    pub(crate) fn said(&self) -> &Value {
        &self.start
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.address("http", 0)
    }

    pub(crate) fn https(&self) -> SocketAddr {
        self.address("https", 0)
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.address("admin", 0)
    }

    pub(crate) fn address(&self, listener: &str, number: usize) -> SocketAddr {
        self.start[listener][number].as_str().unwrap().parse().unwrap()
    }

    /// Everything that it logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for words in the log.
    pub(crate) fn logs(&self, words: &str) -> String {
        until(|| self.log().lines().find(|line| line.contains(words)).map(str::to_owned))
            .unwrap_or_else(|| panic!("not in the log: {words}\n{}", self.log()))
    }

    /// Waits until something is so many times in the log.
    pub(crate) fn logs_times(&self, words: &str, times: usize) {
        let enough = || (self.log().matches(words).count() >= times).then_some(());
        until(enough).unwrap_or_else(|| panic!("not {times} times in the log: {words}\n{}", self.log()));
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = wait(&mut self.child, LIMIT);
        let status = status.unwrap_or_else(|| panic!("it does not end\n{}", self.log()));
        (status, self.log())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            println!("--- log\n{}", self.log());
        }
    }
}

/// Tries until there is something, for as long as a test may take.
pub(crate) fn until<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = attempt() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn lines(stream: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(stream).lines().map_while(Result::ok)
}

/// The first line, from a thread: reading has no time limit of its own.
fn lines_of_start(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in lines(stream) {
            let _ = sender.send(line);
        }
    });
    receiver
}
