//! Runs the program, and shows what came of it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The top of the workspace: the examples of `--help` are run from there.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A directory of this test's own, with files in it.
pub(crate) fn directory(test: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&directory);
    for (name, bytes) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    directory
}

/// The program, ready to be run.
pub(crate) fn ingress(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress"));
    command.args(arguments).current_dir(workspace());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

/// Runs a command that reads `stdin`.
pub(crate) fn output(mut command: Command, stdin: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // From a thread, because the program may write before it has read everything.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// What a person sees: standard output, standard error, exit status.
pub(crate) fn shown(arguments: &[&str], stdin: &str) -> String {
    let output = output(ingress(arguments), stdin.as_bytes());
    let mut shown = String::new();
    for (name, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
        let text = String::from_utf8(bytes).unwrap();
        if !text.is_empty() {
            writeln!(shown, "--- {name}\n{}", without_sizes(text.trim_end_matches('\n'))).unwrap();
        }
    }
    writeln!(shown, "--- status {}", output.status.code().unwrap()).unwrap();
    shown
}

/// Sizes of tables are core's business and change with it.
fn without_sizes(text: &str) -> String {
    let blank = |line: &str| {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut line = line.to_owned();
        for key in ["\"index_bytes\":", "\"total_bytes\":"] {
            if let Some(at) = line.find(key).map(|at| at + key.len()) {
                line.replace_range(at..at + digits(&line[at..]), "0");
            }
        }
        if let Some(rest) = line.strip_suffix(" bytes") {
            line = format!("{} N bytes", rest.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end());
        }
        line
    };
    text.lines().map(blank).collect::<Vec<_>>().join("\n")
}
