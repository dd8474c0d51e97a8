//! Arguments: help, mistakes, and what the program says about itself.

use insta::assert_snapshot;

use super::program::shown;

#[test]
fn help() {
    assert_snapshot!("help", shown(&["--help"], ""));
    for command in ["route", "explain", "check", "table", "completions", "man"] {
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
    assert_snapshot!("bad_page", shown(&["man", "rout"], ""));
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = shown(&["completions", shell], "");
        assert!(script.contains("explain") && script.contains("requests"), "{shell}");
    }
}

#[test]
fn manual_pages() {
    let program = shown(&["man"], "");
    assert!(program.contains(".TH ingress 1") && program.contains("ingress\\-explain"), "{program}");
    let route = shown(&["man", "route"], "");
    assert!(route.contains(".TH") && route.contains("\\-\\-requests"), "{route}");
}
