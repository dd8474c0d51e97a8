//! Files that change while it serves.

use std::fs;
use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::client::{ask_on, connect, get};
use super::manifests::{ingress, service};
use super::pods::Pod;
use super::running::{Running, command, directory, serve, until};

const CHANGED: &str = "another table is served";

#[test]
fn what_changes_is_served() {
    let manifests = directory("changes", &[("a.yaml", &ingress("a", &["a.com Prefix / one"]))]);
    let running = serve(&manifests, &["--echo"]);
    let mut open = BufReader::new(connect(running.http()));
    assert_eq!(ask_on(&mut open, "a.com", "/").unwrap().backend(), "web/one");

    // Another backend; as editors do it, by a new file in the place of the old one.
    fs::write(manifests.join("a.tmp"), ingress("a", &["a.com Prefix / two"])).unwrap();
    fs::rename(manifests.join("a.tmp"), manifests.join("a.yaml")).unwrap();
    running.logs_times(CHANGED, 1);
    assert_eq!(ask_on(&mut open, "a.com", "/").unwrap().backend(), "web/two", "on the same connection");

    // One file more, in a directory that was not there.
    assert_eq!(get(running.http(), "b.com", "/").status, 404);
    fs::create_dir(manifests.join("more")).unwrap();
    fs::write(manifests.join("more/b.yaml"), ingress("b", &["b.com Prefix / three"])).unwrap();
    running.logs_times(CHANGED, 2);
    assert_eq!(get(running.http(), "b.com", "/").backend(), "web/three");

    // One file less.
    fs::remove_file(manifests.join("a.yaml")).unwrap();
    running.logs_times(CHANGED, 3);
    assert_eq!(ask_on(&mut open, "a.com", "/").unwrap().status, 404);
    assert_eq!(ask_on(&mut open, "b.com", "/").unwrap().backend(), "web/three");
}

#[test]
fn a_broken_file_stays_as_it_was() {
    let manifests = directory(
        "broken",
        &[
            (
                "a.yaml",
                &(ingress("a", &["a.com Prefix / one"]) + "---\n" + &ingress("b", &["b.com Prefix / one"])),
            ),
            ("c.yaml", &ingress("c", &["c.com Prefix / one"])),
        ],
    );
    let running = serve(&manifests, &["--echo"]);
    let backends = || {
        ["a.com", "b.com", "c.com"].map(|host| get(running.http(), host, "/").backend().replace("web/", ""))
    };
    assert_eq!(backends(), ["one", "one", "one"]);

    // The first document is sound and new; the second is broken. The other file changes, too.
    let broken = ingress("a", &["a.com Prefix / two"])
        + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: [\n";
    fs::write(manifests.join("c.yaml"), ingress("c", &["c.com Prefix / two"])).unwrap();
    fs::write(manifests.join("a.yaml"), &broken).unwrap();
    let line = running.logs("a.yaml");
    assert!(line.contains("\"level\":\"ERROR\"") && line.contains("\"line\":"), "{line}");
    until(|| (backends() == ["one", "one", "two"]).then_some(()))
        .unwrap_or_else(|| panic!("{:?}", backends()));
    let diagnostics = get(running.admin(), "localhost", "/diagnostics").json();
    assert!(diagnostics["unreadable"][0]["file"].as_str().unwrap().ends_with("a.yaml"), "{diagnostics:#}");
    assert!(diagnostics["unreadable"][0]["line"].as_u64().unwrap() > 5, "{diagnostics:#}");
    assert!(diagnostics["kept"][0].as_str().unwrap().ends_with("a.yaml"), "{diagnostics:#}");
    assert!(get(running.admin(), "localhost", "/metrics").body.contains("\ningress_files_kept 1\n"));

    // An object that is not what its kind says breaks its file as well.
    let wrong = ingress("a", &["a.com Prefix / two"])
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: 7}\n";
    fs::write(manifests.join("a.yaml"), wrong).unwrap();
    running.logs("Service default/x");
    assert_eq!(backends(), ["one", "one", "two"]);

    // Mended.
    fs::write(manifests.join("a.yaml"), ingress("a", &["a.com Prefix / three"])).unwrap();
    running.logs("all files can be read again");
    until(|| (get(running.http(), "b.com", "/").status == 404).then_some(())).unwrap();
    assert_eq!(get(running.http(), "a.com", "/").backend(), "web/three");
}

#[test]
fn a_directory_that_is_gone_is_kept_too() {
    let parent = directory("gone", &[]);
    let (manifests, away) = (parent.join("manifests"), parent.join("away"));
    fs::create_dir(&manifests).unwrap();
    fs::write(manifests.join("a.yaml"), ingress("a", &["a.com Prefix / one"])).unwrap();
    let running = serve(&manifests, &["--echo"]);
    fs::rename(&manifests, &away).unwrap();
    running.logs("serve-gone/manifests");
    running.logs_times(CHANGED, 1);
    assert_eq!(get(running.http(), "a.com", "/").backend(), "web/one");
    fs::write(away.join("a.yaml"), ingress("a", &["a.com Prefix / two"])).unwrap();
    fs::rename(&away, &manifests).unwrap();
    until(|| (get(running.http(), "a.com", "/").backend() == "web/two").then_some(())).unwrap();
}

#[test]
fn endpoints_come_and_go_without_a_lost_request() {
    let pods = [Pod::start("first"), Pod::start("second")];
    let port = |number: usize| pods[number].address.port();
    let state = |number: usize, extra: usize| {
        ingress("web", &["a.com Prefix / web", &format!("a.com Exact /extra-{extra} web")])
            + &service("web", &[port(number)])
    };
    let manifests = directory("lossless", &[("web.yaml", &state(0, 0))]);
    let running = Arc::new(serve(&manifests, &[]));
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (running, stop, asked) = (running.clone(), stop.clone(), asked.clone());
            thread::spawn(move || {
                let mut stream = BufReader::new(connect(running.http()));
                while !stop.load(Ordering::Relaxed) {
                    // Half of them on one connection for ever.
                    let answer = match client % 2 {
                        0 => ask_on(&mut stream, "a.com", "/x").unwrap(),
                        _ => get(running.http(), "a.com", "/x"),
                    };
                    assert_eq!(answer.status, 200, "{answer:?}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for change in 1..=6 {
        fs::write(manifests.join("web.tmp"), state(change % 2, change)).unwrap();
        fs::rename(manifests.join("web.tmp"), manifests.join("web.yaml")).unwrap();
        running.logs_times(CHANGED, change);
        let wanted = ["first", "second"][change % 2];
        let body = get(running.http(), "a.com", "/x").body;
        assert!(body.starts_with(wanted), "{body}");
    }
    stop.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert!(asked.load(Ordering::Relaxed) > 100, "{asked:?}");
}

#[cfg(unix)]
#[test]
fn a_signal_reads_the_files() {
    let manifests = directory("signal", &[("a.yaml", &ingress("a", &["a.com Prefix / one"]))]);
    let running = serve(&manifests, &["--echo"]);
    running.signal(rustix::process::Signal::HUP);
    let line = running.logs(CHANGED);
    assert!(line.contains("told to"), "{line}");
}

#[test]
fn standard_input_is_read_once_and_stays() {
    let manifests = directory("stdin", &[("b.yaml", &ingress("b", &["b.com Prefix / one"]))]);
    let command = command(&["--echo", "-f", "-", "-f", &manifests.display().to_string()]);
    let running = Running::start_with(command, &ingress("a", &["a.com Prefix / one"]));
    assert_eq!(get(running.http(), "a.com", "/").backend(), "web/one");
    fs::write(manifests.join("b.yaml"), ingress("b", &["b.com Prefix / two"])).unwrap();
    running.logs(CHANGED);
    assert_eq!(get(running.http(), "b.com", "/").backend(), "web/two");
    assert_eq!(get(running.http(), "a.com", "/").backend(), "web/one");
}
