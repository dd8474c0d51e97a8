//! The page for people, in a real browser: Debian's Chromium, spoken to over a pipe.
//!
//! Without the program the test skips, and says so where nothing swallows it.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::get;
use super::manifests::ingress;
use super::running::{LIMIT, directory, serve};

/// A browser with one page. Messages are JSON, each ended by a zero byte, on its descriptors 3 and 4.
struct Browser {
    child: Child,
    pipe: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    number: u64,
    /// What the page complained of.
    complaints: Vec<String>,
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|file| file.is_file());
    if found.is_none() {
        // What a test prints is shown when it fails only.
        let mut loud = std::io::stderr();
        writeln!(loud, "SKIPPED: chromium is not installed, the page was looked at by no browser").unwrap();
    }
    found
}

impl Browser {
    fn start(program: &Path, test: &str) -> Self {
        let profile = directory(&format!("browser-{test}"), &[]);
        // The shell gives the descriptors their numbers.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--remote-debugging-pipe", "--lang=en"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pipe = child.stdin.take().unwrap();
        let mut stream = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while stream.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let _ = sender.send(serde_json::from_slice(&message).unwrap());
                message.clear();
            }
        });
        let mut browser = Self { child, pipe, messages, session: None, number: 0, complaints: Vec::new() };
        let target = browser.command("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.command("Target.attachToTarget", &attach);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            browser.command(domain, &json!({}));
        }
        browser
    }

    /// Sends a command, and waits for what comes of it.
    fn command(&mut self, method: &str, parameters: &Value) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.pipe.write_all(format!("{message}\0").as_bytes()).unwrap();
        let end = Instant::now() + 3 * LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message =
                self.messages.recv_timeout(left).unwrap_or_else(|error| panic!("{method}: {error}"));
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.hear(&message);
        }
    }

    /// Keeps what the page complains of, and where it turned to.
    fn hear(&mut self, message: &Value) {
        match message["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => {
                self.complaints.push(message["params"]["exceptionDetails"].to_string());
            }
            "Log.entryAdded" if message["params"]["entry"]["level"] == "error" => {
                self.complaints.push(message["params"]["entry"].to_string());
            }
            _ => {}
        }
    }

    fn open(&mut self, url: &str) {
        self.command("Page.navigate", &json!({"url": url}));
    }

    /// The value of an expression.
    fn value(&mut self, expression: &str) -> Value {
        let result =
            self.command("Runtime.evaluate", &json!({"expression": expression, "returnByValue": true}));
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    fn wait(&mut self, expression: &str) {
        let end = Instant::now() + LIMIT;
        while self.value(expression) != true {
            assert!(Instant::now() < end, "never: {expression}\n{}", self.value("document.body.innerText"));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses a key, as a person does.
    fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "ArrowDown" => 40,
            _ => 0,
        };
        let mut event = json!({"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code});
        if key == "Enter" {
            event["text"] = "\r".into();
        } else if code == 0 {
            event["text"] = key.into();
        }
        self.command("Input.dispatchKeyEvent", &event);
        event["type"] = "keyUp".into();
        self.command("Input.dispatchKeyEvent", &event);
    }

    fn type_text(&mut self, text: &str) {
        self.command("Input.insertText", &json!({"text": text}));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_person_finds_out_with_the_keyboard() {
    let Some(program) = chromium() else { return };
    // Names that would be markup, if they were ever taken for it.
    let odd = ingress("odd", &["odd.example.com Exact \"/<img-src=x-onerror=alert(1)>\" odd"]);
    let odd = odd.replace("spec:\n", "spec:\n  ingressClassName: public\n");
    let files = directory("page", &[("odd.yaml", &odd), ("broken.yaml", "kind: [\n")]);
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let running = serve(&shop, &["--echo", "-f", &files.display().to_string()]);
    let mut browser = Browser::start(&program, "page");
    browser.open(&format!("http://{}/", running.admin()));

    // All hosts, and what is wrong.
    browser.wait("document.querySelectorAll('#hosts button').length === 6");
    browser.wait("document.querySelector('#findings').innerText.includes('certificate-conflict')");
    browser.wait("document.querySelector('#findings').innerText.includes('broken.yaml')");

    // A slash leads to the question, Enter asks it.
    browser.press("/");
    browser.wait("document.activeElement.id === 'url' && document.activeElement.value === ''");
    browser.type_text("https://shop.example.com/cart/7");
    browser.press("Enter");
    browser.wait("document.querySelector('#answer strong')?.innerText === 'goes to shop/cart:80 as /cart/7'");
    browser.wait("document.querySelectorAll('#answer tr.won').length === 1");
    let won = browser.value("document.querySelector('#answer tr.won').innerText").to_string();
    assert!(won.contains("Prefix /cart") && won.contains("won"), "{won}");
    browser.value("document.querySelector('#url').select()");
    browser.type_text("ftp://x/");
    browser.press("Enter");
    browser
        .wait("document.querySelector('#answer .error')?.innerText.includes('use http or https') === true");

    // A search, the way down to the host, and its rules in order.
    browser.value("document.querySelector('#search').focus()");
    browser.type_text("shop.exam");
    browser.wait("document.querySelectorAll('#hosts button').length === 2");
    browser.press("Tab");
    browser.press("ArrowDown");
    browser.wait("document.activeElement.dataset.host === 'www.shop.example.com'");
    browser.press("Enter");
    browser.wait("document.querySelectorAll('#rules tbody tr').length === 1");
    browser.value("document.querySelector('#hosts button').focus()");
    browser.press("Enter");
    browser.wait("document.querySelectorAll('#rules tbody tr').length === 7");
    browser.wait("document.querySelector('#hosts button').getAttribute('aria-current') === 'true'");
    let first = browser.value("document.querySelector('#rules tbody tr').innerText").to_string();
    assert!(first.contains("Exact /cart/export.csv") && first.contains("web.yaml:"), "{first}");

    // Its counters live.
    let count = "document.querySelectorAll('#rules td.number')[3].innerText";
    assert_eq!(browser.value(count), "0");
    for _ in 0..3 {
        get(running.http(), "shop.example.com", "/cart/7");
    }
    browser.wait(&format!("{count} === '3'"));

    // What manifests say is text, whatever it looks like.
    browser.open(&format!("http://{}/#url=http://odd.example.com/x", running.admin()));
    browser.open(&format!("http://{}/?again#url=http://odd.example.com/x", running.admin()));
    browser.wait(
        "document.querySelector('#answer')?.innerText.includes('/<img-src=x-onerror=alert(1)>') === true",
    );
    assert_eq!(browser.value("document.querySelectorAll('img').length"), 0);

    // A question that is answered with a mistake is a failed request, which browsers note; nothing else is.
    let mut complaints = std::mem::take(&mut browser.complaints);
    complaints.retain(|complaint| !complaint.contains("ftp%3A"));
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn it_is_readable_in_light_and_dark_and_has_names_for_everything() {
    let Some(program) = chromium() else { return };
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let running = serve(&shop, &["--echo"]);
    let mut browser = Browser::start(&program, "colours");
    let mut seen = Vec::new();
    for scheme in ["light", "dark"] {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.command("Emulation.setEmulatedMedia", &features);
        browser.open(&format!("http://{}/?{scheme}", running.admin()));
        browser.wait("document.querySelectorAll('#hosts button').length === 5");
        browser.wait("document.querySelector('#findings table') !== null");
        // The ratio of luminances, as the guidelines for accessibility define it, of every piece of text.
        let worst = browser.value(CONTRAST).as_f64().unwrap();
        assert!(worst >= 4.5, "{scheme}: {worst}");
        seen.push(browser.value("getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(seen[0], seen[1]);
    let nameless = "[...document.querySelectorAll('input, textarea, button')]\
        .filter(e => !(e.labels?.length || e.innerText.trim() || e.ariaLabel)).length";
    assert_eq!(browser.value(nameless), 0);
    // A narrow window does not scroll sideways.
    browser.command(
        "Emulation.setDeviceMetricsOverride",
        &json!({"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": false}),
    );
    browser.wait("document.documentElement.scrollWidth <= 360");
}

const CONTRAST: &str = r"(() => {
  const numbers = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = 21;
  for (const element of document.body.querySelectorAll('*')) {
    const texts = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!texts || ['SCRIPT', 'STYLE', 'OPTION'].includes(element.tagName)) continue;
    const [a, b] = [luminance(numbers(getComputedStyle(element).color)), luminance(behind(element))];
    worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return worst;
})()";
