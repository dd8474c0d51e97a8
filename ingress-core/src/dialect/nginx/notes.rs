//! What an object's annotations say, read and judged as the controller does.

use super::settings::Globals;
use super::text;
use super::vocabulary::{self, Bad, PREFIX};
use crate::diagnostic::{DiagnosticKind, DialectFinding};
use crate::dialect::Assembly;
use crate::ingress::Ingress;
use crate::origin::FieldPath;
use crate::printable::Excerpt;

use super::findings;

/// The annotations of one object that count.
#[derive(Debug)]
pub(super) struct Notes<'i> {
    ingress: &'i Ingress,
    /// Behind the prefix, with their values; bad and empty ones are gone.
    values: Vec<(&'i str, &'i str)>,
    /// Present, with nothing in them.
    empty: Vec<&'i str>,
    /// A bad value among the redirects voids all of them.
    pub(super) denied: bool,
    pub(super) no_auth: bool,
}

/// Judges the annotations; `None` when the controller does not load the object.
pub(super) fn read<'i>(ingress: &'i Ingress, globals: &Globals, out: &mut Assembly<'_>) -> Option<Notes<'i>> {
    let mut notes = Notes { ingress, values: Vec::new(), empty: Vec::new(), denied: false, no_auth: false };
    let own = |(key, value): (&'i str, &'i str)| Some((key.strip_prefix(PREFIX)?, value));
    for (name, value) in ingress.annotations().filter_map(own) {
        if let Some(word) = globals.blocked_words.iter().find(|word| value.contains(word.as_str())) {
            notes.find(
                &findings::DROPPED,
                name,
                &format!("it holds the blocked word {}", Excerpt(word)),
                out,
            );
            return None;
        }
        let Some(entry) = vocabulary::find(name) else { continue };
        if entry.risk > globals.risk {
            let why = format!("its risk is {:?}, the cluster allows {:?}", entry.risk, globals.risk);
            notes.find(&findings::DROPPED, name, &why, out);
            return None;
        }
        if value.is_empty() {
            notes.empty.push(name);
            continue;
        }
        let controls = value.chars().any(|c| c == '\r' || c == '\n');
        if controls || globals.validate && !entry.shape.admits(value) {
            let what = format!("{} is no value for it", Excerpt(value));
            // What nobody reads cannot do any harm.
            match if is_read(ingress, name) { entry.bad } else { Bad::Default } {
                Bad::Drop => {
                    notes.find(&findings::DROPPED, name, &what, out);
                    return None;
                }
                Bad::Deny => {
                    notes.find(&findings::DENIED, name, &what, out);
                    notes.denied = true;
                }
                Bad::NoAuth => {
                    notes.find(&findings::FAILS_OPEN, name, &what, out);
                    notes.no_auth = true;
                }
                Bad::Default => notes.find(&findings::IGNORED, name, &what, out),
            }
            continue;
        }
        if let Some(lost) = entry.lost {
            notes.find(&findings::NOT_ACTED_ON, name, lost, out);
        }
        notes.values.push((name, value));
    }
    Some(notes)
}

/// Whether the controller looks at an annotation at all: some it only reads beside another one, and permanent
/// redirects only where there is no temporal one.
fn is_read(ingress: &Ingress, name: &str) -> bool {
    let says =
        |name: &str| ingress.annotation(&format!("{PREFIX}{name}")).is_some_and(|value| !value.is_empty());
    vocabulary::needs(name).is_none_or(says)
        && !(matches!(name, "permanent-redirect" | "permanent-redirect-code") && says("temporal-redirect"))
}

impl<'i> Notes<'i> {
    /// The object.
    pub(super) fn ingress(&self) -> &'i Ingress {
        self.ingress
    }

    /// The value of an annotation, if it has a good one.
    pub(super) fn get(&self, name: &str) -> Option<&'i str> {
        self.values.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }

    /// Whether an annotation is there with nothing in it.
    pub(super) fn is_empty(&self, name: &str) -> bool {
        self.empty.contains(&name)
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).and_then(text::boolean).unwrap_or(default)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(text::integer)
    }

    /// A finding about an annotation.
    pub(super) fn find(
        &self,
        finding: &'static DialectFinding,
        name: &str,
        what: &str,
        out: &mut Assembly<'_>,
    ) {
        let field = FieldPath::annotation(&format!("{PREFIX}{name}"));
        let message = format!("{name}: {what}");
        out.diagnose(DiagnosticKind::Dialect(finding), self.ingress.id(), field, message);
    }
}
