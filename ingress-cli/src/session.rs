//! What most commands begin with: the manifests are read, and compiled.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use ingress_core::ingress::ClassSelector;
use ingress_core::{Compiler, Config, Ingress, RouteTable};

use crate::args::Input;
use crate::manifest::Manifests;
use crate::output::{Output, Status};
use crate::report::Report;

/// Manifests and the table that they make.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) manifests: Manifests,
    pub(crate) compiler: Compiler,
    pub(crate) table: Arc<RouteTable>,
}

impl Session {
    /// Reads and compiles. What could not be read, and what was left out, is said on standard error.
    pub(crate) fn open(input: &Input, output: &mut Output) -> Self {
        let manifests = Manifests::read(&input.filename);
        report_errors(&manifests, output);
        let mut classes =
            ClassSelector::default().classes(manifests.classes().iter().map(|class| class.object().clone()));
        if let Some(class) = &input.class {
            classes = classes.class(class);
        }
        let mut compiler = Compiler::with_config(input.dialect.dialect(), Config::default().classes(classes));
        for ingress in manifests.ingresses() {
            let _ = compiler.upsert(ingress.object().clone());
        }
        let table = compiler.compile();
        let session = Self { manifests, compiler, table };
        session.remark(output);
        session
    }

    /// The status of a command that read this and has nothing to object.
    pub(crate) fn status(&self) -> Status {
        if self.manifests.errors().is_empty() { Status::Done } else { Status::Unreadable }
    }

    fn remark(&self, output: &mut Output) {
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

/// Says what could not be read: each piece in one write, so that a thousand of them take no time.
fn report_errors(manifests: &Manifests, output: &mut Output) {
    let mut text = String::new();
    for error in manifests.errors() {
        text.push_str(&format!("{}\n", Report::unreadable(error)));
        if text.len() > 1 << 16 {
            let _ = output.errors().write_all(text.as_bytes());
            text.clear();
        }
    }
    let _ = output.errors().write_all(text.as_bytes());
    if manifests.further_errors() > 0 {
        output.error(format_args!("{} more documents could not be read", manifests.further_errors()));
    }
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
