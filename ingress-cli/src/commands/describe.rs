//! `ingress completions` and `ingress man`: the program about itself.

use std::io::{self, Write};

use clap_complete::Shell;

use crate::args::{CompletionsArgs, ManArgs, program};
use crate::output::{Output, Status};
use crate::suggest::did_you_mean;

pub(super) fn completions(args: &CompletionsArgs, output: &mut Output) -> io::Result<Status> {
    // Written to memory first: the generator has no way to say that a pipe was closed.
    let mut script = Vec::new();
    let mut program = program();
    let name = program.get_name().to_owned();
    // A shell completes what it starts: as a plugin that is the file, not the two words.
    program = program.bin_name(&name);
    clap_complete::generate(args.shell, &mut program, &name, &mut script);
    output.results().write_all(&script)?;
    output.detail(match args.shell {
        Shell::Bash => format!("for example to ~/.local/share/bash-completion/completions/{name}"),
        Shell::Fish => format!("for example to ~/.config/fish/completions/{name}.fish"),
        Shell::Zsh => format!("for example to a file _{name} in a directory of $fpath"),
        _ => "for example to the profile of your shell".to_owned(),
    });
    Ok(Status::Done)
}

pub(super) fn man(args: &ManArgs, output: &mut Output) -> io::Result<Status> {
    let mut program = program();
    program.build();
    let command = match &args.command {
        None => program.clone(),
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                let known: Vec<_> = program.get_subcommands().map(clap::Command::get_name).collect();
                let meant = did_you_mean(name, known.iter().copied());
                output.error(format_args!("there is no command {name:?}, but {}{meant}", known.join(", ")));
                return Ok(Status::Usage);
            }
        },
    };
    clap_mangen::Man::new(command).render(&mut output.results())?;
    output.detail(format_args!("for example to ~/.local/share/man/man1/{}.1", program.get_name()));
    Ok(Status::Done)
}
