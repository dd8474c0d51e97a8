//! Route tests as data: requests, what to expect of each, and why.
//!
//! A test file is a list of tests, or a mapping with that list under `requests` and settings under
//! `options`. Manifests may stand before it, in documents of their own: then the file is a suite that
//! needs nothing else. The conformance data of the project is written like that.

mod compare;
mod expect;
mod fields;
mod options;

pub(crate) use compare::{Difference, says};
pub(crate) use expect::Expectation;
pub(crate) use options::Options;

use fields::{Fields, text};

use crate::manifest::{Manifests, Mistake, Node, Place, ReadError, Value};
use crate::request::{KEYS, Request};
use crate::suggest::closest;

/// The tests of one file.
#[derive(Debug, Default)]
pub(crate) struct Suite {
    pub(crate) options: Options,
    pub(crate) tests: Vec<Test>,
    /// Tests that cannot be read.
    pub(crate) errors: Vec<ReadError>,
    /// Whether the file has a list of tests, even an empty one.
    pub(crate) is_suite: bool,
}

/// A request and what becomes of it.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) place: Place,
    pub(crate) request: Request,
    pub(crate) expect: Expectation,
    pub(crate) because: Option<String>,
}

impl Suite {
    /// The tests among what was read of one file.
    pub(crate) fn read(manifests: &Manifests) -> Self {
        let mut suite = Self::default();
        let errors = manifests.each_plain(|_, root| {
            let mut mistakes = Vec::new();
            suite.document(root, &mut mistakes);
            mistakes
        });
        suite.errors = errors;
        suite
    }

    fn document(&mut self, root: &Node<'_>, mistakes: &mut Vec<Mistake>) {
        const KEYS: &[&str] = &["requests", "options"];
        let has = |key| root.entries().iter().any(|entry| entry.key == key);
        match &root.value {
            Value::List(tests) => self.tests(tests, mistakes),
            // One test a document, or a line of JSON.
            Value::Map(_) if has("request") || has("expect") => {
                self.tests(std::slice::from_ref(root), mistakes);
            }
            Value::Map(_) if KEYS.iter().any(|key| has(key)) => {
                let mut fields = Fields::new(root, "a test file");
                if let Some(options) = fields.take("options") {
                    self.options.read(&options.value, mistakes);
                }
                if let Some(requests) = fields.take("requests") {
                    match &requests.value.value {
                        Value::List(tests) => self.tests(tests, mistakes),
                        _ => mistakes
                            .push(fields::mistake(requests.value.place, "requests is a list of tests")),
                    }
                }
                let _ = fields.done(KEYS, mistakes);
            }
            // Values of charts and the like may lie beside tests. A slip is worth a word.
            Value::Map(entries) => {
                let meant = entries
                    .iter()
                    .find_map(|entry| Some((entry, closest(&entry.key, KEYS.iter().copied())?)));
                if let Some((entry, meant)) = meant {
                    let message = format!("key {:?} has no meaning in a test file", entry.key);
                    let help = Some(format!("did you mean {meant:?}?"));
                    mistakes.push(Mistake { place: entry.place, message, help });
                }
            }
            _ => {}
        }
    }

    fn tests(&mut self, tests: &[Node<'_>], mistakes: &mut Vec<Mistake>) {
        self.is_suite = true;
        for node in tests {
            let before = mistakes.len();
            let test = Test::read(node, mistakes);
            // A test with a mistake in it might pass for the wrong reason.
            self.tests.extend(test.filter(|_| mistakes.len() == before));
        }
    }
}

impl Test {
    fn read(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        const KEYS: &[&str] = &["request", "expect", "because"];
        if !matches!(node.value, Value::Map(_)) {
            mistakes.push(fields::mistake(node.place, "a test is a mapping of request, expect and because"));
            return None;
        }
        let mut fields = Fields::new(node, "a test");
        let asked = fields.take("request").map(|entry| &entry.value);
        let expected = fields.take("expect").map(|entry| &entry.value);
        let because = fields.take("because").and_then(|entry| text(entry, mistakes));
        let misspelt = fields.done(KEYS, mistakes);
        for (key, value) in [("request", asked), ("expect", expected)] {
            // A key that is there by another name has been complained of.
            if value.is_none() && !misspelt {
                mistakes.push(fields::mistake(node.place, &format!("the test has no key {key:?}")));
            }
        }
        let request = asked.and_then(|node| request(node, mistakes));
        let expect = expected.and_then(|node| Expectation::read(node, mistakes));
        Some(Self { place: node.place, request: request?, expect: expect?, because })
    }
}

fn request(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<Request> {
    match &node.value {
        Value::Text(url) => Request::from_url(url)
            .map_err(|message| mistakes.push(fields::mistake(node.place, &message)))
            .ok(),
        Value::Map(_) => match Request::read(node) {
            Ok((request, unknown)) => {
                for entry in node.entries().iter().filter(|entry| unknown.iter().any(|key| *key == entry.key))
                {
                    mistakes.push(fields::unknown(entry, "a request", KEYS));
                }
                Some(request)
            }
            Err(mistake) => {
                mistakes.push(mistake);
                None
            }
        },
        _ => {
            mistakes.push(fields::mistake(node.place, "a request is a mapping, or a URL"));
            None
        }
    }
}
