//! The locations of a server as they are written: in order, prefixes taken apart, and whether all of them
//! are expressions.

use super::model::{Location, Model, Server};
use super::pcre;

/// A location as it is written.
#[derive(Clone, Debug)]
pub(super) struct Written<'m> {
    pub(super) location: &'m Location,
    /// May differ from the declared one by a slash.
    pub(super) path: String,
    pub(super) exact: bool,
}

/// All locations of a server.
#[derive(Debug)]
pub(super) struct Layout<'m> {
    pub(super) written: Vec<Written<'m>>,
    /// Every location is an expression, without case and open at its end.
    pub(super) regex: bool,
    /// The named groups of all these expressions: each is a variable, empty where another location has it.
    pub(super) names: Vec<String>,
    /// Locations that nginx would refuse as duplicates, with those that have their names.
    pub(super) duplicates: Vec<(&'m Location, &'m Location)>,
}

impl<'m> Layout<'m> {
    pub(super) fn of(server: &'m Server, model: &Model<'_>) -> Self {
        let mut sorted: Vec<&Location> = server.locations.iter().collect();
        sorted.sort_by(|a, b| b.path.cmp(&a.path));
        sorted.sort_by_key(|location| std::cmp::Reverse(location.path.len()));

        let rewrites = |location: &Location, path: &str| {
            let rewrite = rewrite_of(location, model);
            rewrite.is_some_and(|target| target != path)
        };
        let by_regex = |location: &Location| !location.plain && uses_regex(location, model);
        let mut written = Vec::new();
        for location in &sorted {
            let path = &location.path;
            let mut push = |path: &str, exact| {
                written.push(Written { location, path: path.to_owned(), exact });
            };
            if path == "/" || location.exact || rewrites(location, path) || by_regex(location) {
                push(path, location.exact);
                continue;
            }
            let slashed = if path.ends_with('/') { path.clone() } else { format!("{path}/") };
            push(&slashed, false);
            // An `Exact` of somebody stands for the path without its slash.
            if !sorted.iter().any(|other| other.exact && other.path == *path) {
                push(path, true);
            }
        }
        let regex = written.iter().any(|one| by_regex(one.location) || rewrites(one.location, &one.path));
        let named = written.iter().filter(|one| regex && one.path.contains("(?"));
        let groups = named.filter_map(|one| pcre::translate_groups(&one.path).ok());
        let names = groups.flat_map(|translated| translated.names).map(|(name, _)| name).collect();
        let mut layout = Self { written, regex, names, duplicates: Vec::new() };
        if !regex {
            layout.drop_duplicates();
        }
        layout
    }

    /// Of locations with one name the older object's stays; the implicit root goes before all.
    fn drop_duplicates(&mut self) {
        let mut kept: Vec<Written<'m>> = Vec::new();
        for one in std::mem::take(&mut self.written) {
            match kept.iter_mut().find(|other| other.exact == one.exact && other.path == one.path) {
                None => kept.push(one),
                Some(other) if other.location.owner <= one.location.owner => {
                    self.duplicates.push((one.location, other.location));
                }
                Some(other) => {
                    self.duplicates.push((other.location, one.location));
                    *other = one;
                }
            }
        }
        self.written = kept;
    }
}

/// The rewrite target that holds for a location.
pub(super) fn rewrite_of<'m>(location: &Location, model: &'m Model<'_>) -> Option<&'m str> {
    if location.plain {
        return None;
    }
    model.objects.get(location.owner?)?.options.rewrite.as_deref()
}

fn uses_regex(location: &Location, model: &Model<'_>) -> bool {
    location.owner.and_then(|owner| model.objects.get(owner)).is_some_and(|object| object.options.use_regex)
}
