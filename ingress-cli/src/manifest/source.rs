//! Files, directories and standard input, as bytes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ReadError;
use super::kept::Kept;

/// The largest file that is read. Manifests of whole clusters have a tenth of it.
const LARGEST: u64 = 256 << 20;

/// How deep directories may be nested; deeper ones are links in a circle.
const DEEPEST: usize = 64;

/// What standard input is called.
pub(crate) const STDIN: &str = "standard input";

/// What was opened: the bytes of a file, and the name to call it by.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    /// Shared with whoever keeps the text for when the file is broken.
    pub(super) bytes: Arc<[u8]>,
}

/// Reads everything that `inputs` name, in that order; a directory's files in the order of their
/// paths, and no file twice. What is kept is taken in the place of what is in the files.
pub(super) fn open(inputs: &[PathBuf], kept: &Kept, errors: &mut Vec<ReadError>) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut seen = BTreeSet::new();
    // One by one, so that errors come in the order of the inputs.
    for input in inputs {
        let mut files = files(std::slice::from_ref(input), errors);
        // What is kept of a directory stands in for what can no longer be listed.
        let unlisted = kept.below(input).map(PathBuf::from).filter(|file| !files.contains(file));
        let unlisted: Vec<_> = unlisted.collect();
        if !unlisted.is_empty() {
            files.retain(|file| file != input);
            files.extend(unlisted);
            files.sort();
        }
        for file in files {
            let is_stdin = file.as_os_str() == "-";
            let name = if is_stdin { Path::new(STDIN) } else { &file };
            if let Some(bytes) = kept.get(&name.display().to_string()) {
                sources.push(Source { name: name.display().to_string(), bytes });
            } else if is_stdin {
                read(name, io::stdin().lock(), &mut sources, errors);
            } else {
                read_file(&file, &mut seen, &mut sources, errors);
            }
        }
    }
    sources
}

/// The files that `inputs` name, one by one, in the order in which [`open`] would read them.
pub(super) fn files(inputs: &[PathBuf], errors: &mut Vec<ReadError>) -> Vec<PathBuf> {
    let mut named = Vec::new();
    for input in inputs {
        if input.as_os_str() != "-" && input.is_dir() {
            directory(input, &mut named, errors);
        } else {
            named.push(input.clone());
        }
    }
    named
}

/// Adds the manifests below a directory, in the order of their paths.
fn directory(input: &Path, files: &mut Vec<PathBuf>, errors: &mut Vec<ReadError>) {
    let mut found = Vec::new();
    let before = errors.len();
    walk(input, 0, &mut BTreeSet::new(), &mut found, errors);
    if found.is_empty() && errors.len() == before {
        errors.push(ReadError::file(input, "the directory holds no .yaml, .yml or .json file"));
    }
    found.sort();
    files.append(&mut found);
}

/// Collects the manifests below a directory. Hidden entries are passed over: they are the business
/// of other tools, and the copies that Kubernetes keeps when it mounts a ConfigMap.
fn walk(
    directory: &Path,
    depth: usize,
    above: &mut BTreeSet<PathBuf>,
    files: &mut Vec<PathBuf>,
    errors: &mut Vec<ReadError>,
) {
    let listed = fs::canonicalize(directory).and_then(|real| Ok((real, fs::read_dir(directory)?)));
    let (real, entries) = match listed {
        Ok(listed) => listed,
        Err(error) => return errors.push(ReadError::file(directory, &error.to_string())),
    };
    if depth > DEEPEST || !above.insert(real.clone()) {
        return;
    }
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                errors.push(ReadError::file(directory, &error.to_string()));
                continue;
            }
        };
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() {
            walk(&path, depth + 1, above, files, errors);
        } else if is_manifest(&path) {
            // Whoever opens a pipe waits for somebody to write to it. Who means to names it.
            if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
                errors.push(ReadError::file(&path, "not a regular file; give it by name to read it"));
            } else {
                files.push(path);
            }
        }
    }
    above.remove(&real);
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn read_file(
    path: &Path,
    seen: &mut BTreeSet<PathBuf>,
    sources: &mut Vec<Source>,
    errors: &mut Vec<ReadError>,
) {
    // What cannot be told apart from another file is read: pipes have no name of their own.
    if let Ok(real) = fs::canonicalize(path)
        && real.is_file()
        && !seen.insert(real)
    {
        return;
    }
    match File::open(path) {
        Ok(file) => read(path, file, sources, errors),
        Err(error) => errors.push(ReadError::file(path, &error.to_string())),
    }
}

fn read(name: &Path, input: impl Read, sources: &mut Vec<Source>, errors: &mut Vec<ReadError>) {
    let mut bytes = Vec::new();
    match input.take(LARGEST + 1).read_to_end(&mut bytes) {
        Err(error) => errors.push(ReadError::file(name, &error.to_string())),
        Ok(_) if bytes.len() as u64 > LARGEST => {
            let limit = LARGEST >> 20;
            errors.push(ReadError::file(name, &format!("the file is larger than {limit} MiB")));
        }
        Ok(_) if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") => {
            errors.push(ReadError::file(name, "the file is UTF-16; save it as UTF-8"));
        }
        Ok(_) => sources.push(Source { name: name.display().to_string(), bytes: bytes.into() }),
    }
}
