//! A real nginx, in a folder of its own, on sockets that nothing outside the machine can reach.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this test is about another program: it starts it and waits for it"
)]

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::config;
use crate::controller::Controller;
use crate::objects::ObjectSet;

/// nginx, serving several sets at once. It ends with this value.
pub(crate) struct Nginx {
    program: &'static str,
    folder: PathBuf,
    child: Option<Child>,
    /// Sets whose configuration nginx refuses, with its words.
    refused: Vec<Option<String>>,
}

/// Debian has it where only root looks.
const PROGRAMS: &[&str] = &["nginx", "/usr/sbin/nginx"];

/// The program, and what it says its version is; `None` when it is not installed.
pub(crate) fn installed() -> Option<(&'static str, String)> {
    PROGRAMS.iter().find_map(|program| {
        let output = Command::new(program).arg("-v").output().ok()?;
        Some((*program, String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    })
}

impl Nginx {
    /// Writes the configuration of each set, leaves out those that nginx refuses, and starts it.
    pub(crate) fn serve(sets: &[ObjectSet]) -> Self {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        // Paths of sockets must be short, so it is not Cargo's own folder.
        let folder = std::env::temp_dir().join(format!("ingress-nginx-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder can be made");
        let (program, _) = installed().expect("nginx is installed");
        let mut nginx = Self { program, folder, child: None, refused: vec![None; sets.len()] };
        for (number, set) in sets.iter().enumerate() {
            let socket = nginx.socket(number);
            let text = config::servers(&Controller::new(set), number, &socket.to_string_lossy());
            fs::write(nginx.file(number), text).expect("a file can be written");
        }
        nginx.try_each();
        let served: Vec<_> = (0..sets.len()).filter(|set| nginx.refused[*set].is_none()).collect();
        nginx.include(&served);
        nginx.start(&served);
        nginx
    }

    /// Why nginx does not serve a set.
    pub(crate) fn refusal(&self, set: usize) -> Option<&str> {
        self.refused[set].as_deref()
    }

    pub(crate) fn socket(&self, set: usize) -> PathBuf {
        self.folder.join(format!("{set}.sock"))
    }

    /// The configuration of a set, for a person to read.
    pub(crate) fn configuration(&self, set: usize) -> String {
        fs::read_to_string(self.file(set)).unwrap_or_default()
    }

    fn file(&self, set: usize) -> PathBuf {
        self.folder.join(format!("{set}.conf"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.arg("-p").arg(&self.folder).arg("-c").arg(self.folder.join("nginx.conf"));
        command.args(["-e", "stderr"]).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Each set is tried by itself: not every message says where the culprit stands.
    fn try_each(&mut self) {
        for set in 0..self.refused.len() {
            self.include(&[set]);
            let output = self.command().arg("-t").output().expect("nginx is installed");
            if !output.status.success() {
                let words = String::from_utf8_lossy(&output.stderr).into_owned();
                let reason = words.lines().find(|line| line.contains("[emerg]")).unwrap_or(&words);
                self.refused[set] = Some(reason.to_owned());
            }
        }
    }

    /// Writes the file that nginx reads first.
    fn include(&self, sets: &[usize]) {
        let includes: String =
            sets.iter().map(|set| format!("    include {};\n", self.file(*set).display())).collect();
        let text = config::main(&self.folder.to_string_lossy(), &includes);
        fs::write(self.folder.join("nginx.conf"), text).expect("a file can be written");
    }

    fn start(&mut self, served: &[usize]) {
        let output = self.folder.join("output");
        let log = fs::File::create(&output).expect("a file can be written");
        let child = self.child.insert(self.command().stderr(log).spawn().expect("nginx is installed"));
        let patience = Instant::now() + Duration::from_secs(20);
        // It opens one after the other.
        let sets = served.iter().map(ToString::to_string);
        for name in sets.chain(["echo".to_owned()]) {
            let socket = self.folder.join(format!("{name}.sock"));
            while UnixStream::connect(&socket).is_err() {
                let runs = matches!(child.try_wait(), Ok(None));
                let words = || fs::read_to_string(&output).unwrap_or_default();
                assert!(runs && Instant::now() < patience, "nginx does not start: {}", words());
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _: io::Result<()> = child.kill();
            let _ = child.wait();
        }
        let _: io::Result<()> = fs::remove_dir_all(Path::new(&self.folder));
    }
}
