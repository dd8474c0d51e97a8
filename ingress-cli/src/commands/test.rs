//! `ingress test`: do requests go where they should?

mod coverage;
mod junit;
mod ran;
mod text;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use self::coverage::{Coverage, Reached};
use self::ran::Ran;
use super::asking;
use crate::args::{TestArgs, TestFormat};
use crate::manifest::{Manifests, ReadError};
use crate::output::{Output, Status};
use crate::session::{self, Session};
use crate::settings::Settings;
use crate::suite::Suite;

pub(super) fn run(args: &TestArgs, output: &mut Output) -> io::Result<Status> {
    if !asking::stdin_is_free(args.input.filename.iter().chain(&args.tests), output) {
        return Ok(Status::Usage);
    }
    let mut run = Run::new(args);
    if let Err(status) = run.all(output) {
        return Ok(status);
    }
    let report = run.report;
    let written = match args.output {
        TestFormat::Text => text::write(&report, output),
        TestFormat::Json => write_json(&report, output),
        TestFormat::Junit => junit::write(&report, output),
    };
    // Whoever stops listening has not changed what came of the tests.
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })?;
    if report.tests.is_empty() && report.errors.is_empty() {
        output.error("there is no test in these files");
        return Ok(Status::Unreadable);
    }
    let good = report.failed() == 0 && !report.is_uncovered();
    Ok(run.status.max(if good { Status::Done } else { Status::No }))
}

/// What came of all tests.
struct Report {
    tests: Vec<Ran>,
    /// Tests that could not be read.
    errors: Vec<ReadError>,
    coverage: Option<Coverage>,
    fail_under: Option<f64>,
}

impl Report {
    fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.passed()).count()
    }

    /// Whether less was reached than was asked for.
    fn is_uncovered(&self) -> bool {
        let percent = self.coverage.as_ref().map(Coverage::percent);
        percent.zip(self.fail_under).is_some_and(|(percent, wanted)| percent < wanted)
    }
}

/// The tests in the course of being run.
struct Run<'a> {
    args: &'a TestArgs,
    settings: Settings,
    /// The table of the manifests that are not a test file's own, once somebody needs it.
    shared: Option<(Session, Reached)>,
    report: Report,
    status: Status,
}

impl<'a> Run<'a> {
    fn new(args: &'a TestArgs) -> Self {
        let coverage = (args.coverage || args.fail_under.is_some()).then(Coverage::default);
        let report = Report { tests: Vec::new(), errors: Vec::new(), coverage, fail_under: args.fail_under };
        Self {
            args,
            settings: Settings::from(&args.input.reading),
            shared: None,
            report,
            status: Status::Done,
        }
    }

    /// Runs the tests of every file, in order. The error is the status for arguments that make no sense.
    fn all(&mut self, output: &mut Output) -> Result<(), Status> {
        self.settings.dialect(&Manifests::default()).map_err(|message| {
            output.error(message);
            Status::Usage
        })?;
        let (files, errors) = Manifests::files(&self.args.tests);
        self.unreadable(errors, output);
        let progress = output.progress("testing");
        for (done, file) in (0..).zip(&files) {
            progress.at(done, files.len() as u64);
            progress.pause(|| self.file(file, output))?;
        }
        drop(progress);
        if let Some((session, reached)) = self.shared.take() {
            self.finish(&session, &reached);
        }
        Ok(())
    }

    fn file(&mut self, file: &PathBuf, output: &mut Output) -> Result<(), Status> {
        let own = Manifests::read(std::slice::from_ref(file));
        let suite = Suite::read(&own);
        self.unreadable(own.errors().to_vec(), output);
        let has_mistakes = !suite.errors.is_empty();
        self.unreadable(suite.errors, output);
        if !suite.is_suite {
            // In a directory of tests there may be other files. Who names one means it.
            if self.args.tests.contains(file) && !has_mistakes && own.errors().is_empty() {
                output.error(format_args!("{}: there is no list of tests in it", file.display()));
                self.status = Status::Unreadable;
            }
            return Ok(());
        }
        let failed = self.report.failed();
        let objects = own.ingresses().len() + own.classes().len() + own.resources().len();
        if objects > 0 || !suite.options.is_empty() {
            let settings = suite.options.over(&self.settings);
            let session = Session::compile(self.with_own(file, own, output)?, &settings, output)?;
            // What such a file leaves out is there to be left out.
            if output.is_verbose() {
                session.remark(output);
            }
            let mut reached = Reached::default();
            self.report.tests.extend(ran::run(&session, file, suite.tests, failed, &mut reached));
            self.finish(&session, &reached);
            return Ok(());
        }
        let (session, mut reached) = match self.shared.take() {
            Some(shared) => shared,
            None => (self.open_shared(file, output)?, Reached::default()),
        };
        self.report.tests.extend(ran::run(&session, file, suite.tests, failed, &mut reached));
        self.shared = Some((session, reached));
        Ok(())
    }

    /// The manifests of a test file together with those of the arguments.
    fn with_own(&self, file: &PathBuf, own: Manifests, output: &mut Output) -> Result<Manifests, Status> {
        let given = &self.args.input.filename;
        if given.is_empty() {
            return Ok(own);
        }
        if given.iter().any(|path| path.as_os_str() == "-") {
            let file = file.display();
            output.error(format_args!("{file} has manifests of its own: give those of -f a file, too"));
            return Err(Status::Usage);
        }
        let inputs: Vec<_> = given.iter().chain([file]).cloned().collect();
        Ok(session::read(&inputs, output))
    }

    fn open_shared(&self, file: &Path, output: &mut Output) -> Result<Session, Status> {
        let given = &self.args.input.filename;
        if given.is_empty() {
            let file = file.display();
            output.error(format_args!("{file} has no manifests of its own: name some with -f"));
            return Err(Status::Usage);
        }
        let session = Session::compile(session::read(given, output), &self.settings, output)?;
        session.remark(output);
        Ok(session)
    }

    /// Counts what the tests of a table reached.
    fn finish(&mut self, session: &Session, reached: &Reached) {
        self.status = self.status.max(session.status());
        if let Some(coverage) = &mut self.report.coverage {
            coverage.add(session, reached);
        }
    }

    fn unreadable(&mut self, errors: Vec<ReadError>, output: &mut Output) {
        session::report_errors(&errors, output);
        if !errors.is_empty() {
            self.status = Status::Unreadable;
        }
        self.report.errors.extend(errors);
    }
}

/// One object a line: the tests, then what they reached, then their sum.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Event<'r> {
    Test(&'r Ran),
    Coverage(&'r Coverage),
    Summary { tests: usize, passed: usize, failed: usize, unreadable: usize },
}

fn write_json(report: &Report, output: &mut Output) -> io::Result<()> {
    let failed = report.failed();
    let summary = Event::Summary {
        tests: report.tests.len(),
        passed: report.tests.len() - failed,
        failed,
        unreadable: report.errors.len(),
    };
    let events = report.tests.iter().map(Event::Test).chain(report.coverage.as_ref().map(Event::Coverage));
    let out = output.results();
    for event in events.chain([summary]) {
        serde_json::to_writer(&mut *out, &event)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
