//! The commands.

mod asking;
mod check;
mod describe;
mod diff;
mod explain;
mod route;
mod table;
mod test;

use std::io;

use crate::args::Command;
use crate::output::{Output, Status};

/// Runs a command. The error is that of writing its results.
pub(crate) fn run(command: &Command, output: &mut Output) -> io::Result<Status> {
    match command {
        Command::Route(args) => route::run(args, output),
        Command::Explain(args) => explain::run(args, output),
        Command::Check(args) => check::run(args, output),
        Command::Test(args) => test::run(args, output),
        Command::Table(args) => table::run(args, output),
        Command::Diff(args) => diff::run(args, output),
        Command::Serve(args) => crate::serve::run(args, output),
        Command::Completions(args) => describe::completions(args, output),
        Command::Man(args) => describe::man(args, output),
    }
}
