//! Every example of `--help`, and of the front page, works as it stands.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::program::{ingress, output, workspace};

/// What stands before the program's arguments on the front page.
const PREFIX: &str = "cargo run --release -p ingress-cli -- ";

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
            let Some(arguments) = command.strip_prefix(PREFIX) else {
                assert!(command.starts_with("cargo ") || command.starts_with("curl "), "{command}");
                continue;
            };
            if arguments.starts_with("serve ") {
                continue; // It does not end: the next test has it.
            }
            let output = run(&format!("ingress {arguments}"));
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(printed.trim_end(), wanted.trim_end(), "{command}");
            assert_eq!(output.status.code(), Some(promised(command)), "{command}");
            shown += 1;
        }
    }
    assert!(shown >= 2, "{shown} commands of the program");
}

/// The server of the front page says what is shown, and answers what is shown: all but ports, the version of
/// the client, and the number that each request gets.
#[test]
fn the_server_of_the_front_page_is_true() {
    let page = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let mut blocks = page.split("```console\n$ ").skip(1).map(|block| block.split_once("\n```").unwrap().0);
    let (serve, said) = blocks.find(|block| block.contains(" serve ")).unwrap().split_once('\n').unwrap();
    let (curl, answered) = blocks.next().unwrap().split_once('\n').unwrap();
    let arguments = serve.strip_prefix(PREFIX).unwrap().split(' ');
    let mut command = ingress(&arguments.collect::<Vec<_>>());
    command.args(["--http", "0", "--https", "0", "--admin", "0", "--log", "text", "--for", "60s"]);
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut port = String::new();
    for wanted in said.lines() {
        let line = lines.next().unwrap().unwrap();
        // What follows is the address of the other family, which not every machine has.
        match line.split_once("://127.0.0.1:") {
            Some((scheme, rest)) => {
                assert!(wanted.starts_with(&format!("{scheme}://127.0.0.1:")), "{line}");
                if scheme.starts_with("http ") {
                    port = rest.split(' ').next().unwrap().to_owned();
                }
            }
            None => assert_eq!(line, wanted),
        }
    }
    let output = run(&curl.replace(":8080", &format!(":{port}")).replacen("curl", "curl -s", 1));
    let _ = server.kill();
    let _ = server.wait();
    if output.status.code() == Some(127) {
        let mut loud = std::io::stderr();
        writeln!(loud, "SKIPPED: curl is not installed, what the front page shows of it was not compared")
            .unwrap();
        return;
    }
    let answer = String::from_utf8(output.stdout).unwrap().replace(&port, "8080");
    let varies = |line: &&str| !line.contains("\"x-request-id\"") && !line.contains("\"user-agent\"");
    let comparable = |text: &str| text.lines().filter(varies).collect::<Vec<_>>().join("\n");
    assert_eq!(comparable(&answer), comparable(answered));
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
