//! Texts of files as they were when they could be read, for when they cannot.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The text of each file, by its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(BTreeMap<String, Arc<[u8]>>);

impl Kept {
    /// Keeps the text of a file, in the place of an earlier one.
    pub(crate) fn keep(&mut self, file: &str, bytes: Arc<[u8]>) {
        match self.0.get_mut(file) {
            Some(kept) => *kept = bytes,
            None => drop(self.0.insert(file.to_owned(), bytes)),
        }
    }

    /// Forgets the files that are not meant.
    pub(crate) fn retain(&mut self, mut meant: impl FnMut(&str) -> bool) {
        self.0.retain(|file, _| meant(file));
    }

    /// Those of these files, and of the directories among them.
    pub(crate) fn only<'f>(&self, files: impl IntoIterator<Item = &'f str>) -> Self {
        let mut only = Self::default();
        for file in files {
            if let Some(bytes) = self.get(file) {
                only.keep(file, bytes);
            }
            for name in self.below(Path::new(file)) {
                only.0.extend(self.get(name).map(|bytes| (name.to_owned(), bytes)));
            }
        }
        only
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the files.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn get(&self, file: &str) -> Option<Arc<[u8]>> {
        self.0.get(file).cloned()
    }

    /// The files that are kept of a directory, in the order of their paths.
    pub(super) fn below(&self, directory: &Path) -> impl Iterator<Item = &str> {
        let below = move |name: &&str| {
            let name = Path::new(name);
            name != directory && name.starts_with(directory)
        };
        self.names().filter(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_stands_for_what_is_below_it() {
        let mut kept = Kept::default();
        for name in ["a/b.yaml", "a/c/d.yaml", "ab/e.yaml", "f.yaml"] {
            kept.keep(name, Arc::from(name.as_bytes()));
        }
        let names =
            |files: &[&str]| kept.only(files.iter().copied()).names().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names(&["a"]), ["a/b.yaml", "a/c/d.yaml"]);
        assert_eq!(names(&["f.yaml", "a/c", "g"]), ["a/c/d.yaml", "f.yaml"]);
        assert!(kept.only(["b"]).is_empty());
    }
}
