//! What most commands begin with: the manifests are read, and compiled.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use ingress_core::ingress::IngressPath;
use ingress_core::origin::Origin;
use ingress_core::request::Circumstances;
use ingress_core::{Compiler, Ingress, RouteTable};
use serde::Serialize;

use crate::args::Input;
use crate::inventory::Inventory;
use crate::manifest::{Located, Location, Manifests, Place, ReadError, Resource};
use crate::output::{Output, Status, printable};
use crate::report::Report;
use crate::request::Request;
use crate::settings::Settings;
use crate::surroundings;

/// Manifests and the table that they make.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) manifests: Arc<Manifests>,
    pub(crate) compiler: Compiler,
    pub(crate) table: Arc<RouteTable>,
    pub(crate) inventory: Inventory,
    /// Objects that are not what their kind says.
    unreadable: Vec<ReadError>,
}

/// A line of a file.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Line<'s> {
    pub(crate) file: &'s str,
    pub(crate) line: u32,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", printable(self.file), self.line)
    }
}

impl Session {
    /// Reads and compiles. What could not be read, and what was left out, is said on standard error. The
    /// error is the status for arguments that make no sense.
    pub(crate) fn open(input: &Input, output: &mut Output) -> Result<Self, Status> {
        let settings = Settings::from(&input.reading);
        // Of arguments that are wrong one hears before everything is read.
        settings.dialect(&Manifests::default()).map_err(|message| {
            output.error(message);
            Status::Usage
        })?;
        let manifests = read(&input.filename, output);
        let session = Self::compile(manifests, &settings, output)?;
        session.remark(output);
        Ok(session)
    }

    /// Compiles what was read, and says which objects are not what their kind says.
    pub(crate) fn compile(
        manifests: impl Into<Arc<Manifests>>,
        settings: &Settings,
        output: &mut Output,
    ) -> Result<Self, Status> {
        let session = Self::assemble(manifests, settings, output)?;
        for error in &session.unreadable {
            let line = error.place().map_or(0, Place::line);
            output.error(format_args!("{}:{line}: {}", error.file_name(), error.message()));
        }
        Ok(session)
    }

    /// Compiles what was read.
    pub(crate) fn assemble(
        manifests: impl Into<Arc<Manifests>>,
        settings: &Settings,
        output: &mut Output,
    ) -> Result<Self, Status> {
        let manifests = manifests.into();
        let (dialect, warnings) = settings.dialect(&manifests).map_err(|message| {
            output.error(message);
            Status::Usage
        })?;
        for warning in warnings {
            output.warning(format_args!("setting {warning}"));
        }
        if let Some(id) = settings.lacks_config_map(&manifests) {
            output.warning(format_args!("there is no ConfigMap {id} in the input"));
        }
        let mut compiler = Compiler::with_config(dialect, settings.config(&manifests));
        let progress = output.progress("compiling");
        let total = manifests.ingresses().len() as u64;
        for (done, ingress) in (0..).zip(manifests.ingresses()) {
            progress.at(done, total);
            let _ = compiler.upsert(ingress.object().clone());
        }
        let (inventory, unreadable) = Inventory::new(manifests.resources());
        let _ = compiler.set_surroundings(surroundings::of(&manifests, &inventory));
        let table = compiler.compile();
        drop(progress);
        let complain = |(resource, message): (&Located<Resource>, String)| {
            let (object, location) = (resource.object(), resource.location());
            let message = format!("{} {}: {message}", object.kind().name(), object.id());
            manifests.complaint(location, message)
        };
        let unreadable = unreadable.into_iter().map(complain).collect();
        Ok(Self { unreadable, ..Self::new(manifests, compiler, table, inventory) })
    }

    /// What was read, with what was made of it.
    pub(crate) fn new(
        manifests: impl Into<Arc<Manifests>>,
        compiler: Compiler,
        table: Arc<RouteTable>,
        inventory: Inventory,
    ) -> Self {
        Self { manifests: manifests.into(), compiler, table, inventory, unreadable: Vec::new() }
    }

    /// Objects that are not what their kind says.
    pub(crate) fn unreadable(&self) -> &[ReadError] {
        &self.unreadable
    }

    /// What is known of a request's connection, and of the cluster at its moment.
    pub(crate) fn circumstances<'s>(&'s self, request: &'s Request) -> Circumstances<'s> {
        request.connection().services(&self.inventory)
    }

    /// What an object says where a rule was made from it; nothing where the rule comes from elsewhere.
    pub(crate) fn path(&self, origin: &Origin) -> Option<&IngressPath> {
        self.compiler.ingress(origin.ingress())?.path(origin.field())
    }

    /// The line that each of these rules was made from; nothing for those that no object asked for.
    pub(crate) fn lines<'o>(&self, origins: impl IntoIterator<Item = &'o Origin>) -> Vec<Option<Line<'_>>> {
        let origins: Vec<_> = origins.into_iter().collect();
        // Of several objects with one name the last is the one that counts.
        let mut objects: BTreeMap<_, Option<&Location>> =
            origins.iter().map(|origin| (origin.ingress(), None)).collect();
        for ingress in self.manifests.ingresses() {
            if let Some(location) = objects.get_mut(ingress.object().id()) {
                *location = Some(ingress.location());
            }
        }
        let location = |origin: &&&Origin| objects.get(origin.ingress()).copied().flatten();
        let fields: Vec<_> = origins.iter().map(|origin| origin.field().to_string()).collect();
        let asked: Vec<_> = origins
            .iter()
            .zip(&fields)
            .filter_map(|(origin, field)| Some((location(&origin)?, field.as_str())))
            .collect();
        let mut places = self.manifests.places(&asked).into_iter();
        let line = |origin: &&Origin| {
            let file = self.manifests.file(location(&origin)?);
            places.next().map(|(place, _)| Line { file, line: place.line() })
        };
        origins.iter().map(line).collect()
    }

    /// The status of a command that read this and has nothing to object.
    pub(crate) fn status(&self) -> Status {
        let whole = self.manifests.errors().is_empty() && self.unreadable.is_empty();
        if whole { Status::Done } else { Status::Unreadable }
    }

    /// Says what was read, and what was left out.
    pub(crate) fn remark(&self, output: &mut Output) {
        let manifests = &self.manifests;
        output.detail(format_args!(
            "read {}: {}, {}",
            count(manifests.file_count(), "file", "files"),
            count(manifests.ingresses().len(), "Ingress", "Ingresses"),
            count(manifests.classes().len(), "IngressClass", "IngressClasses"),
        ));
        for (kind, number) in manifests.ignored() {
            output.detail(format_args!("passed over: {number} x {kind}"));
        }
        if manifests.ingresses().is_empty() {
            output.warning("there is no Ingress in the input");
        }
        for (class, number) in self.left_out() {
            let left = count(number, "Ingress", "Ingresses");
            let known = |name: &str| manifests.classes().iter().any(|class| class.object().name() == name);
            match class {
                Some(class) if manifests.classes().is_empty() || known(&class) => {
                    output.note(format_args!("{left} of class {class} left out; --class {class} takes them"));
                }
                Some(class) => output.note(format_args!(
                    "{left} of class {class} left out: the input has IngressClass objects, and none of this name"
                )),
                None => output.note(format_args!(
                    "{left} without a class left out; a class with the annotation \
                     ingressclass.kubernetes.io/is-default-class: \"true\" takes them"
                )),
            }
        }
    }

    /// How many objects of other classes there are, by class.
    fn left_out(&self) -> BTreeMap<Option<String>, usize> {
        let left: std::collections::BTreeSet<_> = self.compiler.left_out().collect();
        let mut classes = BTreeMap::new();
        for ingress in self.compiler.ingresses().filter(|ingress| left.contains(ingress.id())) {
            *classes.entry(class_of(ingress).map(str::to_owned)).or_default() += 1;
        }
        classes
    }
}

/// Reads manifests, and says what could not be read.
pub(crate) fn read(inputs: &[PathBuf], output: &mut Output) -> Manifests {
    let progress = output.progress("reading");
    let manifests = Manifests::read_with(inputs, &|done, total| progress.at(done, total));
    drop(progress);
    report_errors(manifests.errors(), output);
    if manifests.further_errors() > 0 {
        output.error(format_args!("{} more documents could not be read", manifests.further_errors()));
    }
    manifests
}

/// Says what could not be read: each piece in one write, so that a thousand of them take no time.
pub(crate) fn report_errors(errors: &[ReadError], output: &mut Output) {
    if output.is_log() {
        for error in errors {
            let line = error.place().map(Place::line);
            let help = error.help();
            tracing::error!(file = error.file_name(), line, help, "{}", error.message());
        }
        return;
    }
    let mut text = String::new();
    for error in errors {
        text.push_str(&format!("{}\n", Report::unreadable(error)));
        if text.len() > 1 << 16 {
            let _ = output.errors().write_all(text.as_bytes());
            text.clear();
        }
    }
    let _ = output.errors().write_all(text.as_bytes());
}

/// The class that an object names, in the field or in the annotation that was before it.
fn class_of(ingress: &Ingress) -> Option<&str> {
    let named = ingress.class().or_else(|| ingress.annotation("kubernetes.io/ingress.class"));
    named.filter(|class| !class.is_empty())
}

/// A number and its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
