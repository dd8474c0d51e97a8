//! Results as XML, in the form that JUnit made common and that CI systems read.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Report;
use super::ran::Ran;
use super::text::details;
use crate::output::Output;

pub(super) fn write(report: &Report, output: &mut Output) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(output.results(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let under = usize::from(report.fail_under.is_some());
    let tests = (report.tests.len() + report.errors.len() + under).to_string();
    let failures = (report.failed() + usize::from(report.is_uncovered())).to_string();
    let errors = report.errors.len().to_string();
    writer
        .create_element("testsuites")
        .with_attributes([
            ("name", "ingress test"),
            ("tests", tests.as_str()),
            ("failures", failures.as_str()),
            ("errors", errors.as_str()),
        ])
        .write_inner_content(|writer| {
            // The tests of one file follow each other.
            for tests in report.tests.chunk_by(|a, b| a.file == b.file) {
                suite(writer, tests)?;
            }
            if !report.errors.is_empty() {
                unreadable(writer, report)?;
            }
            if report.fail_under.is_some() {
                coverage(writer, report)?;
            }
            Ok(())
        })?;
    writer.get_mut().write_all(b"\n")
}

fn suite<W: Write>(writer: &mut Writer<W>, tests: &[Ran]) -> io::Result<()> {
    let name = tests.first().map(|test| text(&test.file)).unwrap_or_default();
    let failed = tests.iter().filter(|test| !test.passed()).count().to_string();
    let number = tests.len().to_string();
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", name.as_str()),
            ("tests", number.as_str()),
            ("failures", failed.as_str()),
            ("errors", "0"),
        ])
        .write_inner_content(|writer| tests.iter().try_for_each(|test| case(writer, test)))?;
    Ok(())
}

fn case<W: Write>(writer: &mut Writer<W>, test: &Ran) -> io::Result<()> {
    let (name, file, line) = (text(&test.request), text(&test.file), test.line.to_string());
    let element = writer.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", file.as_str()),
        ("file", file.as_str()),
        ("line", line.as_str()),
    ]);
    if test.passed() {
        element.write_empty()?;
        return Ok(());
    }
    let message = test.differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let lines: Vec<_> = details(test).iter().map(|(label, said)| format!("{label}: {said}")).collect();
    element.write_inner_content(|writer| failure(writer, "failure", &message, &lines.join("\n")))?;
    Ok(())
}

/// What could not be read counts, too: else a broken file would look like a good one.
fn unreadable<W: Write>(writer: &mut Writer<W>, report: &Report) -> io::Result<()> {
    let number = report.errors.len().to_string();
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", "unreadable"),
            ("tests", number.as_str()),
            ("failures", "0"),
            ("errors", number.as_str()),
        ])
        .write_inner_content(|writer| {
            for error in &report.errors {
                let name = text(&error.to_string());
                writer
                    .create_element("testcase")
                    .with_attributes([("name", name.as_str()), ("classname", "unreadable")])
                    .write_inner_content(|writer| {
                        failure(writer, "error", error.message(), error.help().unwrap_or(""))
                    })?;
            }
            Ok(())
        })?;
    Ok(())
}

fn coverage<W: Write>(writer: &mut Writer<W>, report: &Report) -> io::Result<()> {
    let Some(coverage) = &report.coverage else { return Ok(()) };
    let failed = usize::from(report.is_uncovered()).to_string();
    let reached = format!("{} of {} rules reached", coverage.reached, coverage.rules);
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", "coverage"),
            ("tests", "1"),
            ("failures", failed.as_str()),
            ("errors", "0"),
        ])
        .write_inner_content(|writer| {
            let case = writer
                .create_element("testcase")
                .with_attributes([("name", "rules reached"), ("classname", "coverage")]);
            if !report.is_uncovered() {
                case.write_empty()?;
                return Ok(());
            }
            let lines: Vec<_> = coverage.unreached.iter().map(|rule| rule.text.as_str()).collect();
            case.write_inner_content(|writer| failure(writer, "failure", &reached, &lines.join("\n")))?;
            Ok(())
        })?;
    Ok(())
}

fn failure<W: Write>(writer: &mut Writer<W>, kind: &str, message: &str, said: &str) -> io::Result<()> {
    let (message, said) = (text(message), text(said));
    writer
        .create_element(kind)
        .with_attribute(("message", message.as_str()))
        .write_text_content(BytesText::new(&said))?;
    Ok(())
}

/// XML 1.0 cannot say most control characters at all, not even as an escape.
fn text(said: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    said.chars().map(shown).collect()
}
