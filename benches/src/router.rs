//! What all contestants have in common.

mod matchit;
mod ours;
mod path_tree;
mod per_host;
mod sorted_list;
mod wayfind;

pub use matchit::Matchit;
pub use ours::{Ours, OursShared};
pub use path_tree::PathTree;
pub use per_host::{Paths, PerHost};
pub use sorted_list::SortedList;
pub use wayfind::Wayfind;

use crate::requests::{Head, Requests};
use crate::workload::Workload;

/// The yardstick of all ratios: a hash of hosts, one `matchit` per host.
pub type Yardstick = PerHost<Matchit>;

/// A router that was built from a workload.
pub trait Router: Sized {
    /// The name in tables, plots and benchmark names.
    const NAME: &'static str;

    /// Takes in every rule.
    fn build(workload: &Workload) -> Self;

    /// The timed operation: which rule serves the request, as the number the router itself keeps.
    fn find(&self, host: &str, path: &str) -> Option<u32>;

    /// Whether the answer to a request is rule `expected` of the workload. Never timed.
    fn agrees(&self, workload: &Workload, head: Head<'_>, expected: Option<u32>) -> bool {
        let _ = workload;
        self.find(head.host, head.path) == expected
    }
}

/// Asks `router` every request and stops the program at the first wrong answer: nothing is timed that is
/// not right.
///
/// # Panics
///
/// When an answer differs from the oracle's.
pub fn assert_agrees<R: Router>(router: &R, workload: &Workload, requests: &Requests) {
    for (head, expected) in requests.answers() {
        assert!(
            router.agrees(workload, head, expected),
            "{} on {}: {}{} must give {expected:?}, gives {:?}",
            R::NAME,
            workload.name(),
            head.host,
            head.path,
            router.find(head.host, head.path),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;
    use crate::workload::Shape;

    fn agrees<R: Router>() {
        let shapes = [Shape::S.at_most(20, 10), Shape::X.at_most(300, 10), Shape::W.at_most(1, 300)];
        for shape in shapes {
            let workload = Workload::new(shape, 11);
            let router = R::build(&workload);
            for access in [Access::Zipf, Access::Uniform] {
                assert_agrees(&router, &workload, &Requests::new(&workload, access, 3_000));
            }
        }
    }

    #[test]
    fn ours_agrees_with_the_oracle() {
        agrees::<Ours>();
    }

    #[test]
    fn ours_shared_agrees_with_the_oracle() {
        agrees::<OursShared>();
    }

    #[test]
    fn matchit_agrees_with_the_oracle() {
        agrees::<Yardstick>();
    }

    #[test]
    fn wayfind_agrees_with_the_oracle() {
        agrees::<PerHost<Wayfind>>();
    }

    #[test]
    fn path_tree_agrees_with_the_oracle() {
        agrees::<PerHost<PathTree>>();
    }

    #[test]
    fn sorted_list_agrees_with_the_oracle() {
        agrees::<PerHost<SortedList>>();
    }
}
