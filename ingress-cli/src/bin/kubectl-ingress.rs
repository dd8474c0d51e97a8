//! The same program under the name by which `kubectl ingress …` finds it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ingress_cli::main()
}
