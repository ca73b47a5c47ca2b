//! The command line that the two programs share.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// The command line of `counter-terminal` and `keygen-kiosk`.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Line {
    /// What to do.
    #[command(subcommand)]
    pub command: Verb,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Serve the local pages until SIGTERM or SIGINT.
    Serve(Serve),
    /// Make this machine's key and the request that a CA officer enrols it from.
    EnrolmentRequest(EnrolmentRequest),
}

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Configuration file (TOML).
    #[arg(long)]
    pub config: PathBuf,
    /// Check the configuration and end; touches nothing.
    #[arg(long)]
    pub check_config: bool,
    /// Written when the server is ready: pid, address, local secret, start address of
    /// the browser.
    #[arg(long)]
    pub ready_file: Option<PathBuf>,
}

/// `enrolment-request`
#[derive(Debug, Args)]
pub struct EnrolmentRequest {
    /// Id of this terminal or kiosk: municipality code and four characters.
    #[arg(long)]
    pub id: String,
    /// Where the private key goes (PKCS#8 PEM, mode 0600; never overwritten).
    #[arg(long)]
    pub key: PathBuf,
    /// Where the PKCS#10 request goes (PEM).
    #[arg(long)]
    pub out: PathBuf,
}

/// Runs the program's verb; `serve` gets the server's arguments.
pub fn run(serve: impl FnOnce(Serve) -> Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    service::log::start();
    let done = match Line::parse().command {
        Verb::Serve(arguments) => serve(arguments),
        Verb::EnrolmentRequest(arguments) => enrol(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", service::log::causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn enrol(arguments: &EnrolmentRequest) -> Result<(), Box<dyn std::error::Error>> {
    let id = &arguments.id;
    let well_formed = id.len() == 9
        && id
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && id.bytes().take(5).all(|b| b.is_ascii_digit());
    if !well_formed {
        return Err(
            "the id has nine characters 0-9 A-Z, the first five being the municipality's code"
                .into(),
        );
    }
    crate::party::enrolment_request(id, &arguments.key, &arguments.out)?;
    Ok(())
}
