//! The `regex` crate, one expression after the other.

use regex::bytes::Regex;

use super::Engine;
use crate::expressions::{Expressions, compile};

/// `regex::bytes::Regex`, one expression after the other.
#[derive(Debug)]
pub struct OneByOne(Vec<Regex>);

impl Engine for OneByOne {
    const NAME: &'static str = "regex, one by one";

    fn build(expressions: &Expressions) -> Self {
        Self(expressions.texts().iter().map(|text| compile(text)).collect())
    }

    fn find(&self, _: &str, path: &str) -> Option<u32> {
        self.0.iter().position(|regex| regex.is_match(path.as_bytes())).map(|found| found as u32)
    }
}
