//! Arguments: help, mistakes, and what the program says about itself.

use insta::assert_snapshot;

use super::program::{output, shown};

#[test]
fn help() {
    assert_snapshot!("help", shown(&["--help"], ""));
    for command in ["route", "explain", "check", "test", "table", "serve", "completions", "man"] {
        assert_snapshot!(format!("help_{command}"), shown(&[command, "--help"], ""));
    }
}

#[test]
fn no_arguments() {
    assert!(shown(&[], "").ends_with("--- status 2\n"));
}

#[test]
fn version() {
    assert_eq!(
        shown(&["--version"], ""),
        format!("--- stdout\ningress {}\n--- status 0\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn slips_are_understood() {
    let shop = "ingress-cli/examples/shop";
    assert_snapshot!("slip_command", shown(&["rout", "-f", shop, "/"], ""));
    assert_snapshot!("slip_dialect", shown(&["route", "-f", shop, "--dialect", "kubernets", "/"], ""));
    assert_snapshot!("slip_option", shown(&["route", "-f", shop, "--heder", "a: b", "/"], ""));
    assert_snapshot!(
        "slip_controller_option",
        shown(&["route", "-f", shop, "--option", "strict=true", "/"], "")
    );
    assert_snapshot!("slip_output", shown(&["route", "-f", shop, "-o", "jsn", "/"], ""));
}

#[test]
fn arguments_that_make_no_sense() {
    let shop = "ingress-cli/examples/shop";
    assert_snapshot!("no_input", shown(&["route", "/"], ""));
    assert_snapshot!("no_request", shown(&["route", "-f", shop], ""));
    assert_snapshot!("bad_url", shown(&["route", "-f", shop, "ftp://shop.example.com/"], ""));
    assert_snapshot!("bad_header", shown(&["route", "-f", shop, "-H", "no colon", "/"], ""));
    assert_snapshot!("bad_method", shown(&["route", "-f", shop, "-X", "G T", "/"], ""));
    assert_snapshot!("two_sources", shown(&["route", "-f", shop, "--requests", "-", "/"], ""));
    assert_snapshot!("bad_controller_option", shown(&["table", "-f", shop, "--option", "strict"], ""));
    assert_snapshot!("bad_configmap", shown(&["table", "-f", shop, "--configmap", "name"], ""));
    assert_snapshot!("no_configmap", shown(&["route", "-f", shop, "--configmap", "a/b", "/"], ""));
    assert_snapshot!("bad_page", shown(&["man", "rout"], ""));
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = shown(&["completions", shell], "");
        assert!(script.contains("explain") && script.contains("requests"), "{shell}");
    }
}

/// As `kubectl` starts it.
#[test]
fn the_plugin_calls_itself_as_one_types_it() {
    let said = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-ingress"));
        command.args(arguments).env_remove("COLUMNS");
        String::from_utf8(output(command, b"").stdout).unwrap()
    };
    let help = said(&["route", "--help"]);
    assert!(help.contains("Usage: kubectl ingress route "), "{help}");
    assert!(help.contains("  $ kubectl ingress route -f ") && !help.contains("$ ingress"), "{help}");
    assert!(said(&["--help"]).contains("Usage: kubectl ingress [OPTIONS]"));
    assert!(said(&["man"]).contains(".TH kubectl-ingress 1"));
    assert!(said(&["man", "route"]).contains("\\fBkubectl ingress route\\fR"));
    assert!(said(&["completions", "bash"]).contains("complete -F _kubectl"));
    assert!(said(&["--version"]).starts_with("kubectl-ingress "));
}

#[test]
fn where_to_put_completions_and_pages() {
    for arguments in [&["completions", "fish"][..], &["man"]] {
        let plain = shown(arguments, "");
        assert!(!plain.contains("--- stderr"), "{plain}");
        let verbose = shown(&[arguments, &["-v"]].concat(), "");
        assert!(verbose.contains("note: for example to ~/."), "{verbose}");
    }
}

#[test]
fn manual_pages() {
    let program = shown(&["man"], "");
    assert!(program.contains(".TH ingress 1") && program.contains("ingress\\-explain"), "{program}");
    let route = shown(&["man", "route"], "");
    assert!(route.contains(".TH") && route.contains("\\-\\-requests"), "{route}");
}
