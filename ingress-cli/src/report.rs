//! A finding with its source line, in the manner of a compiler.

use std::fmt;

use anstyle::Style;

use crate::manifest::{Excerpt, Place, ReadError};
use crate::output::{ERROR, GUTTER, STRONG, printable};

/// What is shown about one finding.
pub(crate) struct Report<'r> {
    pub(crate) style: Style,
    pub(crate) label: &'r str,
    pub(crate) code: Option<&'r str>,
    pub(crate) message: &'r str,
    pub(crate) file: &'r str,
    pub(crate) place: Option<Place>,
    pub(crate) excerpt: Option<&'r Excerpt>,
    /// Said after the line: what it is about, and the text.
    pub(crate) remarks: Vec<(&'r str, String)>,
}

impl<'r> Report<'r> {
    /// The report of a document that could not be read.
    pub(crate) fn unreadable(error: &'r ReadError) -> Self {
        let document = error.document_number().map(|number| ("document", format!("{number} of this file")));
        let help = error.help().map(|help| ("help", help.to_owned()));
        Self {
            style: ERROR,
            label: "error",
            code: None,
            message: error.message(),
            file: error.file_name(),
            place: error.place(),
            excerpt: error.excerpt(),
            remarks: document.into_iter().chain(help).collect(),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { style, label, .. } = self;
        write!(f, "{style}{label}")?;
        if let Some(code) = self.code {
            write!(f, "[{code}]")?;
        }
        writeln!(f, "{style:#}{STRONG}: {}{STRONG:#}", printable(self.message).replace('\n', " "))?;

        let line = self.place.map(|place| place.line().to_string());
        let margin = line.as_ref().map_or(1, String::len);
        write!(f, "{:margin$}{GUTTER}-->{GUTTER:#} {}", "", printable(self.file))?;
        if let Some(place) = self.place {
            write!(f, ":{}:{}", place.line(), place.column())?;
        }
        writeln!(f)?;
        if let (Some(line), Some(excerpt)) = (line, self.excerpt) {
            writeln!(f, "{:margin$} {GUTTER}|{GUTTER:#}", "")?;
            writeln!(f, "{GUTTER}{line} |{GUTTER:#} {}", excerpt.text())?;
            let marks = "^".repeat(excerpt.width());
            writeln!(
                f,
                "{:margin$} {GUTTER}|{GUTTER:#} {:2$}{style}{marks}{style:#}",
                "",
                "",
                excerpt.column()
            )?;
        }
        for (about, text) in &self.remarks {
            writeln!(f, "{:margin$} {GUTTER}={GUTTER:#} {STRONG}{about}{STRONG:#}: {}", "", printable(text))?;
        }
        Ok(())
    }
}
