//! Every example of `--help`, and of the front page, works as it stands.

use std::path::Path;
use std::process::{Command, Output};

use super::program::{ingress, output, workspace};

/// The commands, as `ingress --help` lists them.
fn commands() -> Vec<String> {
    let help = String::from_utf8(output(ingress(&["--help"]), b"").stdout).unwrap();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn examples_of_help_work() {
    let commands = commands();
    assert!(commands.iter().any(|command| command == "test"), "{commands:?}");
    for command in &commands {
        let help = String::from_utf8(output(ingress(&[command, "--help"]), b"").stdout).unwrap();
        let examples: Vec<_> = help.lines().filter_map(|line| line.trim().strip_prefix("$ ")).collect();
        assert!(examples.len() >= 2, "{command} has {} examples", examples.len());
        for example in examples {
            works(example);
        }
    }
}

#[test]
fn examples_of_the_program_work() {
    let help = String::from_utf8(output(ingress(&["--help"]), b"").stdout).unwrap();
    let examples: Vec<_> = help.lines().filter_map(|line| line.trim().strip_prefix("$ ")).collect();
    assert!(!examples.is_empty());
    examples.into_iter().for_each(works);
}

/// What the front page shows of the program is what it prints. The other commands there build and test.
#[test]
fn the_front_page_is_true() {
    let page = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let mut shown = 0;
    for block in page.split("```console\n").skip(1) {
        let (block, _) = block.split_once("\n```").unwrap();
        for example in block.split("$ ").filter(|example| !example.is_empty()) {
            let (command, wanted) = example.split_once('\n').unwrap_or((example, ""));
            let Some(arguments) = command.strip_prefix("cargo run --release -p ingress-cli -- ") else {
                assert!(command.starts_with("cargo "), "{command}");
                continue;
            };
            let output = run(&format!("ingress {arguments}"));
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(printed.trim_end(), wanted.trim_end(), "{command}");
            assert_eq!(output.status.code(), Some(promised(command)), "{command}");
            shown += 1;
        }
    }
    assert!(shown >= 2, "{shown} commands of the program");
}

/// An example that does not end with 0 says so.
fn promised(example: &str) -> i32 {
    example.split_once("# exits ").map_or(0, |(_, status)| status.trim().parse().unwrap())
}

fn works(example: &str) {
    let output = run(example);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(promised(example)), "{example}\n{stderr}");
    assert!(!output.stdout.is_empty() && !stderr.contains("error"), "{example}\n{stderr}");
}

fn run(example: &str) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_ingress")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", example]).current_dir(workspace()).env("PATH", path).env_remove("CLICOLOR_FORCE");
    output(shell, b"")
}
