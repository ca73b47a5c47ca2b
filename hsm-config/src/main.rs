//! `hsm`: the token's own program, for the CA room.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Check a token, hold the key ceremony, show the keys.
#[derive(Parser)]
#[command(name = "hsm", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a PKCS#11 module for another program; not for use by hand.
    #[command(hide = true)]
    Worker,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The module's own complaints about a token that is away are told by us.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = match "cryptoki=off".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    };
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match arguments.command {
        Command::Worker => match hsm_config::token::worker::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(fault) => {
                tracing::error!(%fault, "worker");
                ExitCode::FAILURE
            }
        },
    }
}
