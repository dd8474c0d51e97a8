//! `ingress completions` and `ingress man`: the program about itself.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs, ManArgs, bin_name};
use crate::output::{Output, Status};

pub(super) fn completions(args: &CompletionsArgs, output: &mut Output) -> io::Result<Status> {
    // Written to memory first: the generator has no way to say that a pipe was closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command().bin_name("ingress"), "ingress", &mut script);
    output.results().write_all(&script)?;
    Ok(Status::Done)
}

pub(super) fn man(args: &ManArgs, output: &mut Output) -> io::Result<Status> {
    let mut program = Args::command();
    program.build();
    let command = match &args.command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                output.error(format_args!("there is no command {name:?}; {} --help lists them", bin_name()));
                return Ok(Status::Usage);
            }
        },
    };
    clap_mangen::Man::new(command).render(&mut output.results())?;
    Ok(Status::Done)
}
