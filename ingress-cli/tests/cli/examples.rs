//! Every example of `--help` works as it stands.

use std::path::Path;
use std::process::Command;

use super::program::{ingress, output, workspace};

#[test]
fn examples_of_help_work() {
    for command in ["route", "explain", "check", "table", "completions", "man"] {
        let help = String::from_utf8(output(ingress(&[command, "--help"]), b"").stdout).unwrap();
        let examples: Vec<_> = help.lines().filter_map(|line| line.trim().strip_prefix("$ ")).collect();
        assert!(examples.len() >= 2, "{command} has {} examples", examples.len());
        for example in examples {
            works(example);
        }
    }
}

fn works(example: &str) {
    let programs = Path::new(env!("CARGO_BIN_EXE_ingress")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", example]).current_dir(workspace()).env("PATH", path);
    let output = output(shell, b"");
    let stderr = String::from_utf8(output.stderr).unwrap();
    // 1 is an answer, too: `check --fail-on warning` finds something.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{example}: {:?}\n{stderr}", output.status.code());
    assert!(!output.stdout.is_empty() && !stderr.contains("error"), "{example}\n{stderr}");
}
