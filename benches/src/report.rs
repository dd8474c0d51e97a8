//! Everything that ends up in RESULTS.md.

mod bars;
mod machine;
mod plot;
mod table;

pub use bars::{Bar, EXPRESSION_BARS, LOOKUP_BARS, LookupBar, bar_of};
pub use machine::Machine;
pub use plot::{Plot, Series};
pub use table::Table;
