//! What could not be read.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use super::place::{Excerpt, Place};

/// A file or a document that could not be read. Everything else of the input was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReadError {
    file: String,
    document: Option<u32>,
    place: Option<Place>,
    excerpt: Option<Excerpt>,
    message: String,
    help: Option<Cow<'static, str>>,
}

impl ReadError {
    pub(crate) fn file(file: &Path, message: &str) -> Self {
        Self {
            file: file.display().to_string(),
            document: None,
            place: None,
            excerpt: None,
            message: message.to_owned(),
            help: None,
        }
    }

    pub(super) fn document(
        file: &str,
        document: u32,
        place: Place,
        excerpt: Excerpt,
        message: String,
    ) -> Self {
        Self {
            file: file.to_owned(),
            document: Some(document),
            place: Some(place),
            excerpt: Some(excerpt),
            message,
            help: None,
        }
    }

    pub(super) fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Does not show the line.
    pub(super) fn without_excerpt(mut self) -> Self {
        self.excerpt = None;
        self
    }

    /// The file.
    pub fn file_name(&self) -> &str {
        &self.file
    }

    /// The number of the document in its file, from 1, when only a document is affected.
    pub fn document_number(&self) -> Option<u32> {
        self.document
    }

    /// Where in the file.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// How the line looks there.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{}", place.line())?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(document) = self.document {
            write!(f, " (document {document})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ReadError {}
