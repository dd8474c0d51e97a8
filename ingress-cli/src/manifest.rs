//! Reads manifests: YAML and JSON, from files, directories and standard input.
//!
//! A file is split into documents first, and each document is read by itself, on all cores. What
//! cannot be read becomes a [`ReadError`] that names the file, the line and the document; everything
//! else is there.
//!
//! Bounds, per document: 200 levels of nesting, and 250,000 values copied by aliases. Per file: 256 MiB.
//! Time and memory are linear in the size of the input.

mod compose;
mod error;
mod field;
mod issued;
mod kept;
mod location;
mod node;
mod object;
mod parallel;
mod place;
mod resource;
mod scalar;
mod secrets;
mod source;
mod split;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use error::ReadError;
use ingress_core::ingress::IngressClass;
use ingress_core::origin::ObjectId;
use ingress_core::{Ingress, IngressId};
pub(crate) use kept::Kept;
pub use location::{Located, Location};
pub use place::{Excerpt, Place};
pub use resource::{Resource, ResourceKind};
pub(crate) use source::STDIN;

use compose::SyntaxError;
pub(crate) use node::{Entry, Node, Value};
use object::Found;
use source::Source;
use split::Chunk;

/// How many errors are kept. Who has more of them needs no list.
const MOST_ERRORS: usize = 100_000;

/// Everything that was read.
///
/// ```no_run
/// use ingress_cli::manifest::Manifests;
///
/// let manifests = Manifests::read(&["manifests/".into()]);
/// for error in manifests.errors() {
///     eprintln!("{error}");
/// }
/// for ingress in manifests.ingresses() {
///     println!("{} in {}", ingress.object().id(), manifests.file(ingress.location()));
/// }
/// ```
#[derive(Debug, Default)]
pub struct Manifests {
    sources: Vec<Source>,
    documents: Vec<Document>,
    found: Found,
    errors: Vec<ReadError>,
    further_errors: usize,
}

#[derive(Debug)]
struct Document {
    source: usize,
    /// Its number in the file, from 1.
    number: u32,
    chunk: Chunk,
}

impl Manifests {
    /// Reads files, directories, and standard input where an input is `-`.
    pub fn read(inputs: &[PathBuf]) -> Self {
        Self::read_with(inputs, &|_, _| ())
    }

    /// The same, telling now and then how many bytes have been read, and how many there are.
    pub fn read_with(inputs: &[PathBuf], progress: &(dyn Fn(u64, u64) + Sync)) -> Self {
        Self::read_instead(inputs, &Kept::default(), progress)
    }

    /// The same with other texts in the place of what some files hold.
    pub(crate) fn read_instead(
        inputs: &[PathBuf],
        kept: &Kept,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Self {
        let mut errors = Vec::new();
        let sources = source::open(inputs, kept, &mut errors);
        let mut documents = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let numbered = (1..).zip(split::split(&source.bytes));
            documents.extend(numbered.map(|(number, chunk)| Document { source: index, number, chunk }));
        }
        let total = sources.iter().map(|source| source.bytes.len() as u64).sum();
        let done = AtomicU64::new(0);
        let batches = parallel::batches(&documents, |first, batch| {
            let mut found = Found::default();
            let mut bytes = 0;
            for (index, document) in (first..).zip(batch) {
                let Some(source) = sources.get(document.source) else { continue };
                bytes += document.chunk.range.len() as u64;
                match document.compose(source) {
                    Ok(None) => {}
                    Ok(Some(root)) => found.read(index, &root),
                    Err(error) => found.errors.push((index, error)),
                }
            }
            progress(done.fetch_add(bytes, Ordering::Relaxed) + bytes, total);
            found
        });
        let mut manifests = Self { sources, documents, errors, ..Self::default() };
        for found in batches {
            manifests.found.append(found);
        }
        manifests.report();
        manifests
    }

    /// Puts errors into words.
    fn report(&mut self) {
        let mut template = None;
        for (index, error) in std::mem::take(&mut self.found.errors) {
            let Some(document) = self.documents.get(index) else { continue };
            let Some(source) = self.sources.get(document.source) else { continue };
            // Every document of a template is broken; saying so once is enough.
            if error.template && template.replace(document.source) == Some(document.source) {
                continue;
            }
            if self.errors.len() >= MOST_ERRORS {
                self.further_errors += 1;
                continue;
            }
            let excerpt = error.place.excerpt(&source.bytes);
            let report =
                ReadError::document(&source.name, document.number, error.place, excerpt, error.message);
            let secret = secrets::may_hold(document.bytes(source));
            let report = if secret { report.without_excerpt() } else { report };
            self.errors.push(if error.template { report.with_help(RENDER) } else { report });
        }
    }

    /// The files that inputs name, one by one: those below a directory in the order of their paths. The
    /// errors are directories that cannot be read.
    pub fn files(inputs: &[PathBuf]) -> (Vec<PathBuf>, Vec<ReadError>) {
        let mut errors = Vec::new();
        let files = source::files(inputs, &mut errors);
        (files, errors)
    }

    /// Shows every document that holds no object to `visit`, with the name of its file. What it finds
    /// wrong is an error like those of [`errors`](Self::errors).
    pub(crate) fn each_plain(
        &self,
        mut visit: impl FnMut(&str, &Node<'_>) -> Vec<Mistake>,
    ) -> Vec<ReadError> {
        let mut errors = Vec::new();
        for index in &self.found.plain {
            let Some(document) = self.documents.get(*index) else { continue };
            let Some(source) = self.sources.get(document.source) else { continue };
            let Ok(Some(root)) = document.compose(source) else { continue };
            errors.extend(visit(&source.name, &root).into_iter().map(|mistake| {
                let Mistake { place, message, help } = mistake;
                let excerpt = place.excerpt(&source.bytes);
                let error = ReadError::document(&source.name, document.number, place, excerpt, message);
                match help {
                    Some(help) => error.with_help(help),
                    None => error,
                }
            }));
        }
        errors
    }

    /// The Ingress objects, in the order of the input.
    pub fn ingresses(&self) -> &[Located<Ingress>] {
        &self.found.ingresses
    }

    /// The Ingress objects of versions that Kubernetes dropped, with the version.
    pub fn outdated(&self) -> &[Located<(IngressId, &'static str)>] {
        &self.found.outdated
    }

    /// The IngressClass objects.
    pub fn classes(&self) -> &[Located<IngressClass>] {
        &self.found.classes
    }

    /// The Services, EndpointSlices, Endpoints, Secrets and ConfigMaps.
    pub fn resources(&self) -> &[Located<Resource>] {
        &self.found.resources
    }

    /// Whether another object promises that this Secret will be there.
    pub fn issues(&self, secret: &ObjectId) -> bool {
        self.found.issued.contains(secret)
    }

    /// Objects of other kinds: how many there are of each.
    pub fn ignored(&self) -> &BTreeMap<String, usize> {
        &self.found.ignored
    }

    /// What could not be read.
    pub fn errors(&self) -> &[ReadError] {
        &self.errors
    }

    /// How many more errors there were than were kept.
    pub fn further_errors(&self) -> usize {
        self.further_errors
    }

    /// The text of every file that was read, by the file's name.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &Arc<[u8]>)> {
        self.sources.iter().map(|source| (source.name.as_str(), &source.bytes))
    }

    /// How many files were read.
    pub fn file_count(&self) -> usize {
        self.sources.len()
    }

    /// The file that an object stands in.
    pub fn file(&self, location: &Location) -> &str {
        let source =
            self.documents.get(location.document).and_then(|document| self.sources.get(document.source));
        source.map_or("", |source| &source.name)
    }

    /// An object that is not what it should be, as an error like those of [`errors`](Self::errors). The line
    /// is not shown: it may be one of a Secret.
    pub(crate) fn complaint(&self, location: &Location, message: String) -> ReadError {
        let number = self.documents.get(location.document).map_or(0, |document| document.number);
        let excerpt = location.place.excerpt(b"");
        ReadError::document(self.file(location), number, location.place, excerpt, message).without_excerpt()
    }

    /// Finds the places of fields, such as `spec.rules[0].http.paths[2].path`, and how their lines look.
    /// A field that is not there is found where it should be. A line that may show something of a Secret
    /// is kept back.
    ///
    /// Documents are read again for it, once for all of their fields, so that nothing has to be
    /// kept for the many documents of which nothing is asked.
    pub fn places(&self, fields: &[(&Location, &str)]) -> Vec<(Place, Option<Excerpt>)> {
        let mut wanted: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, (location, _)) in fields.iter().enumerate() {
            wanted.entry(location.document).or_default().push(at);
        }
        let wanted: Vec<_> = wanted.into_iter().collect();
        let found = parallel::batches(&wanted, |_, batch| {
            let places = batch.iter().flat_map(|(document, asked)| self.places_in(*document, asked, fields));
            places.collect::<Vec<_>>()
        });
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        found.sort_unstable_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, place)| place).collect()
    }

    fn places_in(
        &self,
        document: usize,
        asked: &[usize],
        fields: &[(&Location, &str)],
    ) -> Vec<(usize, (Place, Option<Excerpt>))> {
        let document = self.documents.get(document);
        let source = document.and_then(|document| self.sources.get(document.source));
        let root =
            document.zip(source).and_then(|(document, source)| document.compose(source).ok().flatten());
        let bytes = source.map_or(&[][..], |source| &source.bytes);
        let secrets = root.as_ref().map(secrets::Lines::of).unwrap_or_default();
        let secret = |place: Place| secrets.contains(place.line());
        let place = |location: &Location, field| {
            let object = location.items.iter().try_fold(root.as_ref()?, |list, index| {
                list.get("items")?.items().get(usize::try_from(*index).ok()?)
            })?;
            Some(field::find(object, field))
        };
        let found = asked.iter().filter_map(|at| {
            let (location, field) = fields.get(*at)?;
            let place = place(location, field).unwrap_or(location.place);
            let excerpt = (!secret(place)).then(|| place.excerpt(bytes));
            Some((*at, (place, excerpt)))
        });
        found.collect()
    }
}

/// What is wrong in a document, and what to do about it.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

const RENDER: &str = "render it first: helm template CHART | ingress COMMAND -f -";

impl Document {
    fn bytes<'s>(&self, source: &'s Source) -> &'s [u8] {
        source.bytes.get(self.chunk.range.clone()).unwrap_or_default()
    }

    fn compose<'s>(&self, source: &'s Source) -> Result<Option<Node<'s>>, SyntaxError> {
        let bytes = self.bytes(source);
        let root = text::check(bytes, &self.chunk).and_then(|text| compose::compose(text, &self.chunk));
        root.map_err(|error| match text::template_action(bytes, &self.chunk) {
            None => error,
            Some(place) => {
                SyntaxError { place, message: "this is a Helm template, not YAML".to_owned(), template: true }
            }
        })
    }
}
