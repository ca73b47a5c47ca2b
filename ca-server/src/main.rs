//! `ca-server`: the command line. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ca_server::command::run()
}
