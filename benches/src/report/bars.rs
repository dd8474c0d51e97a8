//! What has to be reached.

use crate::access::Access;

/// The most that lookup time may be, as a share of the yardstick's in the same run.
#[derive(Clone, Copy, Debug)]
pub struct LookupBar {
    /// The letter of the workload.
    pub workload: &'static str,
    /// The access it is measured with.
    pub access: Access,
    /// Reached, or the work is not done.
    pub done: f64,
    /// What we would like.
    pub goal: f64,
}

const fn lookup(workload: &'static str, access: Access, done: f64, goal: f64) -> LookupBar {
    LookupBar { workload, access, done, goal }
}

/// Ratios of medians, ours to host hash + one `matchit` per host.
pub const LOOKUP_BARS: [LookupBar; 6] = [
    lookup("S", Access::Zipf, 0.70, 0.40),
    lookup("M", Access::Zipf, 0.22, 0.12),
    lookup("M", Access::Uniform, 0.18, 0.08),
    lookup("L", Access::Zipf, 0.30, 0.15),
    lookup("X", Access::Zipf, 0.33, 0.20),
    lookup("W", Access::Zipf, 0.50, 0.33),
];

/// The same for 50 and for 500 expressions of a host, ours to PCRE2-JIT trying one after the other.
pub const EXPRESSION_BARS: [f64; 2] = [1.0 / 8.0, 1.0 / 50.0];

/// The bar for a workload and an access, where there is one.
pub fn bar_of(workload: &str, access: Access) -> Option<LookupBar> {
    LOOKUP_BARS.into_iter().find(|bar| bar.workload == workload && bar.access == access)
}

/// One line of the summary: a figure and the bound it must stay under.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What was measured.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// It may be this, not more.
    pub done: f64,
    /// What we would like, if that is less.
    pub goal: Option<f64>,
    /// What is written behind the numbers.
    pub unit: &'static str,
    /// Digits behind the point.
    pub digits: usize,
}

impl Bar {
    /// Whether the figure stays under the bound.
    pub fn passes(&self) -> bool {
        self.value <= self.done
    }

    /// The cells of its row: what, measured, done when, goal, verdict.
    pub fn cells(&self) -> [String; 5] {
        let number = |value: f64| format!("{value:.*}{}", self.digits, self.unit);
        let verdict = match self.goal {
            Some(goal) if self.value <= goal => "pass, goal reached",
            _ if self.passes() => "pass",
            _ => "**fail**",
        };
        [
            self.what.clone(),
            number(self.value),
            format!("<= {}", number(self.done)),
            self.goal.map_or_else(|| "-".to_owned(), |goal| format!("<= {}", number(goal))),
            verdict.to_owned(),
        ]
    }
}
