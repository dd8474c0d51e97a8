//! `ingress`: ask Ingress manifests where a request goes, and why.

use std::process::ExitCode;

fn main() -> ExitCode {
    ingress_cli::main()
}
