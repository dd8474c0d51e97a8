//! How many random cases a run tries, and from which seed.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestCaseError, TestError, TestRunner};

/// Cases of a run: the same in every run, unless the environment asks for more or for others.
pub(crate) struct Settings {
    cases: u32,
    seed: u64,
}

impl Settings {
    /// `usual` cases, or `INGRESS_CASES`; from a fixed seed, or from `INGRESS_SEED`.
    pub(crate) fn of(usual: u32) -> Self {
        Self {
            cases: variable("INGRESS_CASES").unwrap_or(usual),
            seed: variable("INGRESS_SEED").unwrap_or(1),
        }
    }

    /// Runs `check` on values of `strategy`, `each` of the cases being covered by one of them.
    pub(crate) fn run<S: Strategy>(
        &self,
        each: u32,
        strategy: &S,
        check: impl Fn(S::Value) -> Result<(), TestCaseError>,
    ) where
        S::Value: std::fmt::Debug,
    {
        let seed = self.seed;
        println!("{} cases from seed {seed}; INGRESS_CASES and INGRESS_SEED change that", self.cases);
        let config = Config {
            cases: self.cases.div_ceil(each),
            failure_persistence: None,
            rng_algorithm: RngAlgorithm::ChaCha,
            rng_seed: RngSeed::Fixed(seed),
            max_shrink_iters: 20_000,
            ..Config::default()
        };
        match TestRunner::new(config).run(strategy, check) {
            Ok(()) => {}
            // The reason says what to look at; the value it was found with is mostly other requests.
            Err(TestError::Fail(reason, _)) => panic!("{reason}\nfound with INGRESS_SEED={seed}"),
            Err(error) => panic!("{error}\nfound with INGRESS_SEED={seed}"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the length of a test run is not configuration of the core")]
fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number that fits")))
}
