//! The files: reading them, with what they were where they are broken; and seeing when they change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::manifest::{Kept, Manifests, ReadError, STDIN};
use crate::output::Output;
use crate::session::{Session, report_errors};
use crate::settings::Settings;

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Looking takes at most this part of a core's time; with very many files it is done less often.
const SHARE: u32 = 20;

/// How often all is read to find out which files are broken.
const ROUNDS: usize = 4;

/// How long files must have stayed as they are, before they are read: somebody may be writing.
const QUIET: Duration = Duration::from_millis(50);

/// How often that is waited for, at most.
const PATIENCE: u32 = 20;

/// The files of the arguments.
///
/// They are looked at again and again, in the place of asking the system to tell: that works in the same
/// way on every platform, for network file systems, for the links that Kubernetes swaps when it updates a
/// mounted ConfigMap and for the renames of editors, and it knows no limit on how many are watched. Its
/// cost is bounded instead: a look takes no more than its [`SHARE`] of the time.
#[derive(Debug)]
pub(super) struct Input {
    paths: Vec<PathBuf>,
    settings: Settings,
    /// What was in files when they could be read.
    kept: Kept,
    /// The files as they were when they were read, and as they were at the last look.
    read: Stamps,
    seen: Stamps,
    unquiet: u32,
    next_look: Instant,
    /// What was complained of already.
    complaints: BTreeSet<String>,
}

type Stamps = BTreeMap<PathBuf, Stamp>;

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Device, number, and when anything about it changed.
    #[cfg(unix)]
    identity: (u64, u64, i64, i64),
}

/// What was read in one go.
struct Read {
    session: Session,
    errors: Vec<ReadError>,
    /// What is taken as it was.
    broken: BTreeSet<String>,
}

/// What reading came to.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) session: Session,
    /// What could not be read of what is in the files now.
    pub(super) errors: Vec<ReadError>,
    /// Files that are served as they were.
    pub(super) kept: Vec<String>,
}

impl Input {
    pub(super) fn new(paths: Vec<PathBuf>, settings: Settings) -> Self {
        Self {
            paths,
            settings,
            kept: Kept::default(),
            read: Stamps::new(),
            seen: Stamps::new(),
            unquiet: 0,
            next_look: Instant::now() + INTERVAL,
            complaints: BTreeSet::new(),
        }
    }

    /// When it is time to look.
    pub(super) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// Looks whether files have changed since they were read, and are quiet again.
    pub(super) fn has_changed(&mut self) -> bool {
        let began = Instant::now();
        let now = stamps(&self.paths);
        let cost = began.elapsed() * SHARE;
        let changed = now != self.read;
        let quiet = now == self.seen || self.unquiet >= PATIENCE;
        self.seen = now;
        if changed && !quiet {
            self.unquiet += 1;
            self.next_look = began + QUIET.max(cost);
            return false;
        }
        self.unquiet = 0;
        self.next_look = began + INTERVAL.max(cost);
        changed
    }

    /// Reads and compiles. A file that cannot be read is taken as it was when it could; only where it never
    /// could, what can be read of it counts. What is wrong is said, if it has not been.
    pub(super) fn read(&mut self, output: &mut Output) -> Option<Compiled> {
        // Before the files are read: a change that comes meanwhile is seen by the next look.
        self.read = stamps(&self.paths);
        for _ in 0..PATIENCE {
            let sources = self.read_once(output);
            let now = stamps(&self.paths);
            self.seen.clone_from(&now);
            if now == self.read {
                return self.compiled(sources?, output);
            }
            // Somebody wrote meanwhile: what was read may be one half of it.
            self.read = now;
            thread::sleep(QUIET);
        }
        output.error("the files change faster than they can be read");
        None
    }

    fn read_once(&mut self, output: &mut Output) -> Option<Read> {
        let mut errors: Vec<ReadError> = Vec::new();
        // There is no second reading of standard input.
        let mut instead = BTreeSet::from([STDIN.to_owned()]);
        for _ in 0..ROUNDS {
            let kept = self.kept.only(instead.iter().map(String::as_str));
            let manifests = Manifests::read_instead(&self.paths, &kept, &|_, _| ());
            let session = Session::assemble(manifests, &self.settings, output).ok()?;
            let found = session.manifests.errors().iter().chain(session.unreadable());
            let found: Vec<_> = found.filter(|error| !errors.contains(error)).cloned().collect();
            let names: BTreeSet<_> = found.iter().map(|error| error.file_name().to_owned()).collect();
            let settled = self.kept.only(names.iter().map(String::as_str)).is_empty();
            errors.extend(found);
            instead.extend(names);
            if settled {
                return Some(Read { session, errors, broken: instead });
            }
        }
        output.error("the files change faster than they can be read");
        None
    }

    fn compiled(&mut self, read: Read, output: &mut Output) -> Option<Compiled> {
        let Read { session, errors, broken } = read;
        let before = self.kept.only(broken.iter().filter(|name| *name != STDIN).map(String::as_str));
        let mut names = BTreeSet::new();
        for (name, bytes) in session.manifests.texts() {
            names.insert(name);
            if name == STDIN || !broken.contains(name) {
                self.kept.keep(name, bytes.clone());
            }
        }
        self.kept.retain(|name| names.contains(name));
        let kept = before.names().filter(|name| names.contains(name)).map(str::to_owned).collect();
        self.say(&errors, output);
        Some(Compiled { session, errors, kept })
    }

    /// Says what is wrong that was not before, and when nothing is any more.
    fn say(&mut self, errors: &[ReadError], output: &mut Output) {
        let said: BTreeSet<_> = errors.iter().map(ToString::to_string).collect();
        let is_new = |error: &&ReadError| !self.complaints.contains(&error.to_string());
        let new: Vec<_> = errors.iter().filter(is_new).cloned().collect();
        report_errors(&new, output);
        if said.is_empty() && !self.complaints.is_empty() {
            output.note("all files can be read again");
        }
        self.complaints = said;
    }
}

fn stamps(paths: &[PathBuf]) -> Stamps {
    let (files, _) = Manifests::files(paths);
    files.into_iter().filter_map(|file| Some((file.clone(), Stamp::of(&fs::metadata(&file).ok()?)))).collect()
}

impl Stamp {
    fn of(file: &fs::Metadata) -> Self {
        Self {
            modified: file.modified().ok(),
            length: file.len(),
            #[cfg(unix)]
            identity: {
                use std::os::unix::fs::MetadataExt;
                (file.dev(), file.ino(), file.ctime(), file.ctime_nsec())
            },
        }
    }
}
