//! `wrk`, with a script that looks at every answer.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::authority::{folder, program};

/// What an endpoint says holds the Service, the host and the path of the request that it got. `wrk` tells no
/// answer which request it belongs to, so the two are compared with each other: the path is to have led to
/// that Service.
const SCRIPT: &str = r#"
local hosts = { "one.example", "two.example" }
local paths = { "/one/", "/two/", "/turn/" }
local count = 0

function request()
    count = count + 1
    local host = hosts[count % 2 + 1]
    return wrk.format("GET", paths[count % 3 + 1] .. count, { ["Host"] = host })
end

function response(status, headers, body)
    local service, host, path = body:match("^(%S+) (%S+) /(%a+)/%d+$")
    local right = status == 200 and (host == hosts[1] or host == hosts[2])
    if path == "turn" then
        right = right and service:match("^turn%-%d$") ~= nil
    else
        right = right and service == path
    end
    if not right then
        io.write("WRONG " .. status .. " " .. body .. "\n")
    end
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format("DONE %d %d %d %d %d %d\n", summary.requests, e.connect, e.read, e.write, e.status, e.timeout))
end
"#;

pub(crate) struct Wrk {
    child: Child,
    folder: PathBuf,
}

/// Starts it, for so long, if it is installed.
pub(crate) fn start(front: SocketAddr, lasting: Duration) -> Option<Wrk> {
    let program = program("wrk")?;
    let folder = folder("torture");
    let script = folder.join("script.lua");
    fs::write(&script, SCRIPT).expect("written");
    let output = fs::File::create(folder.join("output")).expect("a file of our own");
    let child = Command::new(program)
        .args(["--threads", "1", "--connections", "16", "--timeout", "10s"])
        .args(["--duration", &format!("{}s", lasting.as_secs()), "--script"])
        .arg(script)
        .arg(format!("http://{front}/"))
        .stdin(Stdio::null())
        .stderr(output.try_clone().expect("a file"))
        .stdout(output)
        .spawn()
        .expect("it is installed");
    Some(Wrk { child, folder })
}

impl Wrk {
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// How many requests it made, none of which went wrong.
    pub(crate) fn judge(mut self) -> u64 {
        let status = self.child.wait().expect("a child of ours");
        let output = fs::read_to_string(self.folder.join("output")).expect("what it wrote");
        assert!(status.success(), "{output}");
        let wrong: Vec<_> = output.lines().filter(|line| line.starts_with("WRONG")).take(5).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        let done = output.lines().find_map(|line| line.strip_prefix("DONE ")).expect("its last line");
        let mut numbers = done.split(' ').map(|number| number.parse::<u64>().expect("a number"));
        let requests = numbers.next().expect("a count");
        assert_eq!(numbers.collect::<Vec<_>>(), [0; 5], "errors to connect, read, write; statuses; timeouts");
        assert!(requests >= 100, "{requests} requests are no load");
        requests
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        // It is our own child, and ends with the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
