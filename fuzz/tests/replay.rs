//! Every seed and every finding through its target, on the stable compiler, without a fuzzer.

#![allow(clippy::unwrap_used, reason = "a test says no by a panic")]

use std::fs;
use std::path::PathBuf;

use ingress_fuzz::{TARGETS, lines};

/// The inputs in `corpus/<target>` or `regressions/<target>`, by name.
fn inputs(kind: &str, target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(kind).join(target);
    let mut files: Vec<_> = match fs::read_dir(&folder) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    };
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

#[test]
fn seeds_and_findings_pass() {
    for (name, target) in TARGETS {
        let seeds = inputs("corpus", name);
        assert!(!seeds.is_empty(), "corpus/{name} is empty");
        for (file, data) in seeds.into_iter().chain(inputs("regressions", name)) {
            println!("{}", file.display());
            target(&data);
        }
    }
}

/// A seed that is cut, or has something else in the middle, is quickly something that nobody thought of.
#[test]
fn damaged_seeds_pass() {
    for (name, target) in TARGETS {
        for (_, data) in inputs("corpus", name) {
            let step = data.len() / 40 + 1;
            for at in (0..data.len()).step_by(step) {
                target(&data[..at]);
                for other in [b'/', b'%', b'*', b'.', b' ', b'\n', 0, 0xff] {
                    let mut changed = data.clone();
                    changed[at] = other;
                    target(&changed);
                }
            }
        }
    }
}

/// A line of a seed that says nothing is a mistake in the seed.
#[test]
fn every_line_of_a_seed_says_something() {
    for name in ["changes", "lookup", "rewrite"] {
        for (file, data) in inputs("corpus", name) {
            let text = String::from_utf8(data).unwrap();
            let (read, others) = lines::read(&text);
            assert_eq!(others, 0, "{}", file.display());
            let written: Vec<_> = read.iter().map(ToString::to_string).collect();
            let kept: Vec<_> =
                text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
            assert_eq!(written, kept, "{}", file.display());
        }
    }
}

/// A folder that belongs to no target is one that nobody reads.
#[test]
fn every_folder_has_a_target() {
    for kind in ["corpus", "regressions"] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(kind);
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(TARGETS.iter().any(|(target, _)| *target == name), "{kind}/{name}");
        }
    }
}
