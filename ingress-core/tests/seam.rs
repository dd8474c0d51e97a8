//! The whole model through the dialect seam: what `kubernetes` itself never uses, used by dialects that
//! exist only here. Every answer is asked twice, of `lookup` and of `explain`.

#[path = "seam/closures.rs"]
mod closures;
#[path = "seam/hosts.rs"]
mod hosts;
#[path = "seam/objects.rs"]
mod objects;
#[path = "seam/paths.rs"]
mod paths;
#[path = "seam/rewrites.rs"]
mod rewrites;
#[path = "seam/rules.rs"]
mod rules;
