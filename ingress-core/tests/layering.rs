//! Reads the sources and holds them to the layers of the crate.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by a panic")]

mod layering {
    pub(crate) mod source;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use layering::source::Source;

/// Every module with the modules that it may name, the lowest layer first. What a module may name stands
/// above it, so there are no circles.
const MODULES: &[(&str, &[&str])] = &[
    // Words without meaning.
    ("printable", &[]),
    ("words", &[]),
    ("origin", &["printable"]),
    ("port", &[]),
    ("path", &["printable", "words"]),
    ("host", &["path", "words"]),
    // What a rule is.
    ("diagnostic", &["origin"]),
    ("request", &["host", "origin", "port"]),
    ("rule", &["origin", "path", "port", "request"]),
    // What the objects are.
    ("ingress", &["diagnostic", "host", "origin", "port", "printable", "rule"]),
    ("endpoint", &["origin", "port", "request"]),
    ("k8s", &["endpoint", "ingress", "origin"]),
    // The product: no object, no dialect, no compiler.
    ("table", &["host", "origin", "path", "request", "rule", "words"]),
    // How a controller reads objects.
    (
        "dialect",
        &[
            "diagnostic",
            "endpoint",
            "host",
            "ingress",
            "origin",
            "path",
            "port",
            "printable",
            "request",
            "rule",
            "table",
        ],
    ),
    // The makers, and the reference.
    (
        "compile",
        &["diagnostic", "dialect", "host", "ingress", "origin", "path", "printable", "rule", "table"],
    ),
    ("overlap", &["path", "rule", "table"]),
    ("compare", &["host", "origin", "path", "port", "request", "rule", "table"]),
    ("explain", &["host", "path", "printable", "request", "rule", "table"]),
    // Publication.
    ("shared", &["endpoint", "table"]),
];

/// One file that names something above its layer, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    // The index holds tables of hosts without a pointer in between: a type parameter would say less.
    ("host/index.rs", "table"),
];

/// Paths that only these files may name.
const RESERVED: &[(&str, &[&str])] = &[
    ("k8s_openapi", &["k8s.rs"]),
    ("serde", &["ingress/legacy.rs", "diagnostic.rs"]),
    ("arc_swap", &["shared.rs"]),
    ("host::index", &["compile.rs", "host.rs", "host/index.rs", "table.rs"]),
    (
        "path::trie",
        &["path.rs", "path/trie.rs", "path/trie/build.rs", "table/expressions.rs", "table/host.rs"],
    ),
    ("path::shortlist", &["path.rs", "path/shortlist.rs", "table/host.rs"]),
    ("path::roster", &["path.rs", "path/roster.rs", "table/host.rs"]),
    ("path::plain", &["path.rs", "path/plain.rs", "path/roster.rs", "path/shortlist.rs", "table/host.rs"]),
    (
        "path::regex",
        &[
            "path.rs",
            "compare/words.rs",
            "host/pattern.rs",
            "path/language.rs",
            "path/regex.rs",
            "rule.rs",
            "rule/predicate.rs",
            "rule/rewrite.rs",
            "table/expressions.rs",
            "table/host.rs",
        ],
    ),
];

/// Files that may hold names of annotations and labels. The help of a finding is a sentence for people.
const VOCABULARY: &[&str] = &["dialect/", "ingress/class.rs", "k8s/", "diagnostic.rs"];

/// No IO, no clock, no randomness, no threads; nothing that is not an argument.
const FORBIDDEN: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::hash::RandomState",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "getrandom",
    "rand",
];

/// A table that changes behind a shared reference is none; `shared.rs` swaps whole ones.
const NOWHERE: &[&str] = &[
    "unsafe", "Cell", "RefCell", "OnceCell", "OnceLock", "LazyLock", "Mutex", "RwLock", "println", "eprintln",
];

#[test]
fn sources_keep_to_their_layers() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files(&root);
    assert!(files.len() > 20, "where are the sources? {files:?}");
    let mut modules = BTreeSet::new();
    let mut broken = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).expect("it lies below").to_string_lossy().into_owned();
        modules.insert(module(&name).to_owned());
        broken.extend(check(&name, &fs::read_to_string(&file).expect("it can be read")));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    modules.remove("lib");
    let declared: BTreeSet<_> = MODULES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(declared, modules, "modules as declared here, and as they are");
}

#[test]
fn layers_have_no_circles() {
    for (at, (name, allowed)) in MODULES.iter().enumerate() {
        for below in *allowed {
            assert!(
                MODULES[..at].iter().any(|(earlier, _)| earlier == below),
                "{name} stands before {below}"
            );
        }
    }
}

/// The scanner sees what it should, and nothing else.
#[test]
fn a_breach_is_seen() {
    let seen = |file: &str, text: &str| check(file, text).len();
    for (file, text) in [
        ("table.rs", "use crate::dialect::Dialect;"),
        ("table/host.rs", "use crate::{host::HostPattern, ingress::Ingress};"),
        ("table.rs", "fn f() -> crate::compile::Config { todo!() }"),
        ("table.rs", "use super::ingress;"),
        ("table/host.rs", "use super::super::ingress;"),
        ("path/trie/build.rs", "use super::super::super::table;"),
        ("explain.rs", "use crate::host::{HostName, index::HostIndex};"),
        ("explain.rs", "use crate::path; fn f() { path::trie::walk() }"),
        ("explain.rs", "fn f() { crate::path::regex::check() }"),
        ("rule.rs", "use k8s_openapi::api::core;"),
        ("rule.rs", "fn f(_: std::time::Instant) {}"),
        ("rule.rs", "use std::{fmt, time::{Duration, SystemTime}};"),
        ("rule.rs", "use std::time::*;"),
        ("rule.rs", "use std::fs;"),
        ("rule.rs", "fn f() { std::thread::spawn(g) }"),
        ("rule.rs", "use rand::Rng;"),
        ("rule.rs", "unsafe fn f() {}"),
        ("rule.rs", "static COUNT: std::sync::atomic::AtomicU32 = x;"),
        ("rule.rs", "use std::cell::Cell;"),
        ("compile.rs", "const A: &str = \"nginx.ingress.kubernetes.io/rewrite-target\";"),
        ("compile.rs", "const A: &[u8] = br#\"konghq.com/strip-path\"#;"),
        ("compile.rs", "use crate::Ingress;"),
        ("newcomer.rs", "use crate::table;"),
    ] {
        assert!(seen(file, text) > 0, "{file}: {text}");
    }
    for (file, text) in [
        ("table.rs", "// crate::dialect\n/* crate::ingress */ use crate::host::HostPattern;"),
        ("table.rs", "/// [`compile`](crate::compile)\nstruct S;"),
        ("table.rs", "#[cfg(test)] mod tests { use crate::dialect::Kubernetes; fn f() { if x { y } } }"),
        ("table/host.rs", "use super::semantics::Semantics;"),
        ("host/index.rs", "use crate::table::HostTable;"),
        ("rule.rs", "use std::{fmt, time::Duration}; fn f<'a>(_: &'a str) -> char { '\"' }"),
        (
            "rule.rs",
            "const A: &str = \"use std::fs; a \\\" unsafe\"; const B: u8 = b'\\''; const C: char = '\\u{7f}';",
        ),
        ("dialect/kubernetes.rs", "const A: &str = \"nginx.ingress.kubernetes.io/\";"),
        ("k8s.rs", "use k8s_openapi::api; use crate::ingress::Ingress;"),
    ] {
        assert_eq!(check(file, text), Vec::<String>::new(), "{file}: {text}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The module at the root of the crate that a file belongs to.
fn module(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// What is wrong with a file.
fn check(file: &str, text: &str) -> Vec<String> {
    let source = Source::read(text);
    let mut broken = Vec::new();
    let mut wrong = |what: String| broken.push(format!("{file} {what}"));

    let own = module(file);
    let allowed = MODULES.iter().find(|(name, _)| *name == own).map(|(_, allowed)| *allowed);
    if allowed.is_none() && own != "lib" {
        wrong("belongs to no layer: declare its module in tests/layering.rs".to_owned());
    }
    for path in source.paths.iter().filter(|_| own != "lib") {
        let Some(named) = in_crate(file, path) else { continue };
        let excepted = EXCEPTIONS.contains(&(file, named));
        if named != own && !excepted && !allowed.unwrap_or_default().contains(&named) {
            wrong(format!("may not name {}", path.join("::")));
        }
    }
    for (reserved, holders) in RESERVED {
        let wanted: Vec<_> = reserved.split("::").collect();
        let named = |path: &Vec<String>| path.windows(wanted.len()).any(|part| part == wanted);
        if !holders.contains(&file) && source.paths.iter().any(named) {
            wrong(format!("may not name {reserved}: that is for {}", holders.join(", ")));
        }
    }
    for path in &source.paths {
        for forbidden in FORBIDDEN {
            let wanted: Vec<_> = forbidden.split("::").collect();
            let shared = path.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
            let all = path.get(shared).is_some_and(|part| part == "*") && shared > 0;
            if shared == wanted.len() || all {
                wrong(format!("may not name {}", path.join("::")));
            }
        }
    }
    for word in &source.words {
        // Publications are counted where they are made.
        let atomic = word.starts_with("Atomic") && file != "shared.rs";
        if NOWHERE.contains(&word.as_str()) || atomic {
            wrong(format!("may not say {word}"));
        }
    }
    if !VOCABULARY.iter().any(|place| file.starts_with(place)) {
        for text in source.texts.iter().filter(|text| is_qualified(text)) {
            wrong(format!("may not know the name {text:?}"));
        }
    }
    broken
}

/// The module that a path leads to, if it leads through the root of the crate.
fn in_crate<'p>(file: &str, path: &'p [String]) -> Option<&'p str> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let depth = file.split('/').count();
    let at = match path.first()?.as_str() {
        "crate" => 1,
        "super" if supers >= depth => supers,
        _ => return None,
    };
    path.get(at).map(String::as_str)
}

/// Whether a text is, or holds, a name such as `example.io/name`.
fn is_qualified(text: &str) -> bool {
    [".io/", ".org/", ".com/", ".net/", ".dev/"].iter().any(|domain| text.contains(domain))
}
