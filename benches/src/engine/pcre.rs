//! What nginx does: expressions compiled to machine code by PCRE2, tried one after the other.

use pcre2::bytes::{Regex, RegexBuilder};

use super::Engine;
use crate::expressions::Expressions;

/// PCRE2 with its compiler, one expression after the other.
#[derive(Debug)]
pub struct Pcre(Vec<Regex>);

impl Engine for Pcre {
    const NAME: &'static str = "PCRE2-JIT, one by one";

    /// # Panics
    ///
    /// When an expression is none, and when PCRE2 has no compiler for this processor.
    #[expect(clippy::expect_used, reason = "the expressions are our own")]
    fn build(expressions: &Expressions) -> Self {
        assert!(pcre2::is_jit_available(), "without its compiler PCRE2 is not what nginx uses");
        let compile = |text: &String| RegexBuilder::new().caseless(true).jit(true).build(&format!("^{text}"));
        Self(expressions.texts().iter().map(|text| compile(text).expect("it is an expression")).collect())
    }

    fn find(&self, _: &str, path: &str) -> Option<u32> {
        let path = path.as_bytes();
        self.0.iter().position(|regex| regex.is_match(path).unwrap_or(false)).map(|found| found as u32)
    }
}
