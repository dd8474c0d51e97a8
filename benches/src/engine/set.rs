//! The `regex` crate's set: all expressions at once, every one that matches.

use regex::bytes::{RegexSet, RegexSetBuilder};

use super::Engine;
use crate::expressions::Expressions;

/// `regex::bytes::RegexSet`.
#[derive(Debug)]
pub struct Set(RegexSet);

impl Engine for Set {
    const NAME: &'static str = "RegexSet";

    /// # Panics
    ///
    /// When an expression is none.
    #[expect(clippy::expect_used, reason = "the expressions are our own")]
    fn build(expressions: &Expressions) -> Self {
        let texts = expressions.texts().iter().map(|text| format!("^{text}"));
        Self(RegexSetBuilder::new(texts).case_insensitive(true).build().expect("they are expressions"))
    }

    fn find(&self, _: &str, path: &str) -> Option<u32> {
        self.0.matches(path.as_bytes()).iter().next().map(|found| found as u32)
    }
}
