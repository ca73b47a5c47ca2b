//! The signature of an officer's card over what the authority's console shows.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use terminal::card::pcsc::{PcscReader, Service};
use terminal::officer;
use zeroize::Zeroizing;

/// The PIN passes through this program: freed memory is overwritten.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

type Fault = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(version, about)]
struct Line {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show what a statement says, sign it with the card, and print the signature for the form
    Sign {
        #[command(flatten)]
        card: CardArgs,
        /// The statement as the console gives it
        #[arg(long)]
        statement: PathBuf,
    },
    /// Write the card's request for a certificate, to be enrolled at the console
    Request {
        #[command(flatten)]
        card: CardArgs,
        /// Where it goes (PKCS#10, PEM)
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Args)]
struct CardArgs {
    /// Name of the card reader, or a part of it
    #[arg(long)]
    reader: String,
    /// A file with the PIN, mode 0600; else it is asked for
    #[arg(long)]
    pin_file: Option<PathBuf>,
}

fn main() -> ExitCode {
    service::log::start();
    let done = match Line::parse().command {
        Verb::Sign { card, statement } => sign(&card, &statement),
        Verb::Request { card, out } => request(&card, &out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", service::log::causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn sign(card: &CardArgs, path: &Path) -> Result<(), Fault> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .map_err(|error| format!("{}: {error}", path.display()))?
        .take(officer::LONGEST)
        .read_to_end(&mut bytes)?;
    let said = officer::read(&bytes)?;
    eprintln!(
        "{}: {} {} (act {})",
        said.officer, said.deed, said.subject, said.act
    );
    let reader = PcscReader::new(&Service::new(), &card.reader);
    let signature = officer::sign(&reader, &pin(card)?, &said)?;
    writeln!(std::io::stdout().lock(), "{signature}")?;
    Ok(())
}

fn request(card: &CardArgs, out: &Path) -> Result<(), Fault> {
    let reader = PcscReader::new(&Service::new(), &card.reader);
    let (id, request) = officer::request(&reader, &pin(card)?)?;
    fs::write(out, request)?;
    eprintln!("the request of {id} is in {}", out.display());
    Ok(())
}

fn pin(card: &CardArgs) -> Result<Zeroizing<String>, Fault> {
    let mut text = Zeroizing::new(String::with_capacity(256));
    match &card.pin_file {
        Some(path) => {
            service::config::owner_only("pin-file", path)?;
            fs::File::open(path)?.take(64).read_to_string(&mut text)?;
        }
        None => {
            eprint!("PIN: ");
            let _quiet = echo::Quiet::begin();
            std::io::stdin().read_line(&mut text)?;
            eprintln!();
        }
    }
    Ok(Zeroizing::new(text.trim_ascii().to_owned()))
}

mod echo {
    /// Switches the terminal's echo off until dropped; nothing where there is no terminal.
    pub struct Quiet(Option<libc::termios>);

    impl Quiet {
        #[allow(unsafe_code)]
        pub fn begin() -> Self {
            // SAFETY: tcgetattr and tcsetattr read and write the termios that we own.
            unsafe {
                let mut now: libc::termios = std::mem::zeroed();
                if libc::tcgetattr(0, &mut now) != 0 {
                    return Self(None);
                }
                let mut quiet = now;
                quiet.c_lflag &= !libc::ECHO;
                libc::tcsetattr(0, libc::TCSANOW, &quiet);
                Self(Some(now))
            }
        }
    }

    impl Drop for Quiet {
        #[allow(unsafe_code)]
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                // SAFETY: puts back what tcgetattr gave.
                unsafe {
                    libc::tcsetattr(0, libc::TCSANOW, before);
                }
            }
        }
    }
}
