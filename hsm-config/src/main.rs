//! `hsm`: the token's own program, for the CA room.

mod command;

use std::path::PathBuf;
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
    /// Says what module, token and keys are there, what fails and what to do.
    Check {
        /// `hsm.toml` with the [token] table.
        #[arg(long)]
        config: PathBuf,
    },
    /// Lists the keys in the token.
    Keys {
        /// `hsm.toml` with the [token] table.
        #[arg(long)]
        config: PathBuf,
    },
    /// Initialises an empty token with the configured label and PIN.
    Init {
        /// `hsm.toml` with the [token] table.
        #[arg(long)]
        config: PathBuf,
        /// File with the security officer's PIN.
        #[arg(long)]
        so_pin_file: PathBuf,
    },
    /// Measures how fast the token signs, raw and through the worker: JSON lines.
    Rate {
        /// `hsm.toml` with the [token] table.
        #[arg(long)]
        config: PathBuf,
        /// Label of the key.
        #[arg(long)]
        key: String,
        /// Length of each measurement.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
    },
    /// Makes keys, CA certificates and requests from one reviewed file, and a record of it.
    Ceremony {
        /// The reviewed file.
        spec: PathBuf,
        /// Folder for certificates, requests and record.
        #[arg(long, default_value = ".")]
        out: PathBuf,
        /// Only say what would be done, and the file's digest.
        #[arg(long)]
        check: bool,
    },
    /// Runs a PKCS#11 module for another program; not for use by hand.
    #[command(hide = true)]
    Worker,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The module's own complaints about a token that is away are told by us.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let filter = match "cryptoki=off".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    };
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let done = match arguments.command {
        Command::Check { config } => command::check::run(&config),
        Command::Keys { config } => command::keys::run(&config),
        Command::Init {
            config,
            so_pin_file,
        } => command::init::run(&config, &so_pin_file),
        Command::Rate {
            config,
            key,
            seconds,
        } => command::rate::run(&config, &key, seconds),
        Command::Ceremony { spec, out, check } => command::ceremony::run(&spec, &out, check),
        Command::Worker => hsm_config::token::worker::run().map_err(command::Trouble::new),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("hsm: {}", trouble.what);
            if let Some(advice) = trouble.advice {
                eprintln!("     {advice}");
            }
            ExitCode::FAILURE
        }
    }
}
