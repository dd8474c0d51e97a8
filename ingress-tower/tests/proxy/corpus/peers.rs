//! The same requests through nginx and haproxy, where they are installed.
//!
//! `peers.jsonl` lists what they do differently: whoever moves from one of them finds there what will
//! be refused, or let pass, that was not before. What is not listed they do as the proxy does. Where it
//! depends on how the bytes arrive, as whether a body is passed on before its flaw is seen, each outcome
//! is listed.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

struct Running {
    child: Child,
    folder: std::path::PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It is our own child, and ends with the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Past the test harness, which shows nothing of tests that pass.
fn loudly(text: &str) {
    // Who closed the output does not want to know.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The answer of the program to the question for its version, if it is installed.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("-v").output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().map(str::to_owned)
}

fn nginx(folder: &Path, front: SocketAddr, web: SocketAddr, admin: SocketAddr) -> (String, Vec<String>) {
    let at = folder.display();
    let pass = |name| {
        format!(
            "proxy_pass http://{name}; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
             proxy_set_header Host $http_host; proxy_ignore_client_abort on;"
        )
    };
    let text = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log; events {{}}
http {{
    access_log off; client_body_timeout 2s; client_header_timeout 2s; lingering_timeout 1s;
    client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u;
    scgi_temp_path {at}/s;
    upstream web {{ server {web}; keepalive 4; }}
    upstream admin {{ server {admin}; keepalive 4; }}
    server {{
        listen {front};
        location / {{ {} }}
        location = /admin {{ {} }}
        location /admin/ {{ {} }}
    }}
}}",
        pass("web"),
        pass("admin"),
        pass("admin")
    );
    (text, vec!["-p".into(), at.to_string(), "-c".into(), format!("{at}/conf")])
}

fn haproxy(folder: &Path, front: SocketAddr, web: SocketAddr, admin: SocketAddr) -> (String, Vec<String>) {
    let text = format!(
        "defaults
    mode http
    timeout connect 5s
    timeout client 2s
    timeout server 5s
    timeout http-request 2s
frontend front
    bind {front}
    acl admin path /admin
    acl admin path_beg /admin/
    use_backend admin if admin
    default_backend web
backend web
    http-reuse always
    server web {web}
backend admin
    http-reuse always
    server admin {admin}
"
    );
    (text, vec!["-db".into(), "-f".into(), format!("{}/conf", folder.display())])
}

type Setup = fn(&Path, SocketAddr, SocketAddr, SocketAddr) -> (String, Vec<String>);

async fn start(program: &str, setup: Setup, record: &Record) -> (SocketAddr, Running) {
    let folder = std::env::temp_dir().join(format!("ingress-tower-{program}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder of our own");
    // Free a moment ago; if it is taken meanwhile, the program does not start, and says so.
    let front = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr());
    let front = front.expect("a free port");
    let (web, admin) = (record.endpoint("web").await, record.endpoint("admin").await);
    let (text, arguments) = setup(&folder, front, web, admin);
    std::fs::write(folder.join("conf"), text).expect("written");
    let child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it was there a moment ago");
    let mut running = Running { child, folder };
    within(async {
        while tokio::net::TcpStream::connect(front).await.is_err() {
            let ended = running.child.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "{program} does not start: {ended:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    (front, running)
}

/// The answers to a case, and what endpoints saw of it.
async fn observe(front: SocketAddr, case: &Case, record: &Record) -> (Vec<u16>, Vec<String>) {
    let answers = play(front, &case.raw()).await;
    let lines = match is_sound_after(front, record).await {
        Ok(seen) => seen.into_iter().map(|seen| seen.line).collect(),
        Err(why) => {
            record.take();
            vec![why]
        }
    };
    (answers, lines)
}

/// `expected` is the version that `peers.jsonl` describes.
async fn compare(program: &str, expected: &str, setup: Setup) {
    let Some(found) = version(program) else {
        loudly(&format!("SKIPPED: {program} is not installed, so nothing was compared with it"));
        return;
    };
    let mut listed: HashMap<String, Vec<Case>> = HashMap::new();
    for case in Case::all(include_str!("peers.jsonl")) {
        if case.0["peer"].as_str() == Some(program) {
            listed.entry(case.name()).or_default().push(case);
        }
    }
    let record = Record::default();
    let (front, _running) = start(program, setup, &record).await;
    let (mut wrong, mut found_lines) = (Vec::new(), Vec::new());
    for case in Case::all(include_str!("http1.jsonl")) {
        let fits = |(answers, lines): &(Vec<u16>, Vec<String>)| {
            let as_in = |case: &Case| *answers == case.answers() && *lines == case.strings("seen");
            listed.get(&case.name()).map_or_else(|| as_in(&case), |outcomes| outcomes.iter().any(as_in))
        };
        let mut outcome = within(observe(front, &case, &record)).await;
        // What depends on time is rarely the same rare thing five times.
        for _ in 0..4 {
            if !fits(&outcome) {
                outcome = within(observe(front, &case, &record)).await;
            }
        }
        let is_listed = fits(&outcome);
        let (answers, lines) = outcome;
        if !is_listed {
            wrong.push(format!("{}: answered {answers:?}, and endpoints saw {lines:?}", case.name()));
        }
        if answers != case.answers() || lines != case.strings("seen") {
            let group = case.0["group"].clone();
            let name = case.0["name"].clone();
            found_lines.push(serde_json::json!({
                "peer": program, "group": group, "name": name, "answers": answers, "seen": lines,
            }));
        }
    }
    if !found.contains(expected) {
        loudly(&format!(
            "NOT JUDGED: {found} is not {expected}; it differs from the list in {} cases",
            wrong.len()
        ));
        return;
    }
    if let Ok(path) = std::env::var("PEERS_OUT") {
        let lines: String = found_lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(format!("{path}/{program}.jsonl"), lines).expect("written");
    }
    assert!(wrong.is_empty(), "{} cases are not as listed:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn nginx_differs_as_listed() {
    compare("nginx", "nginx/1.22.1", nginx).await;
}

#[tokio::test]
async fn haproxy_differs_as_listed() {
    compare("haproxy", "version 2.6.12", haproxy).await;
}
