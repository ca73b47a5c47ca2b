//! `virtual-card`: makes cards in software and puts them into readers.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use actix_web::web;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Parser, Subcommand, ValueEnum};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use terminal::virtual_card::factory::{self, CardKeyFile};
use terminal::virtual_card::readers::{Reader, Readers};
use terminal::virtual_card::{Card, FileMemory, Id, OperatorImage, control};
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

type Fault = Box<dyn Error + Send + Sync>;

/// An IC card in software, for tests and demonstrations.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new card; an existing file is never overwritten
    Init {
        /// The card's file
        #[arg(long)]
        state: PathBuf,
        #[arg(long)]
        kind: Kind,
        /// Resident: the card id the keys must be for
        #[arg(long)]
        card: Option<Id>,
        /// Resident: the card keys exported by the gateway
        #[arg(long, required_if_eq("kind", "resident"))]
        card_keys: Option<PathBuf>,
        /// Operator: the operator's id
        #[arg(long, required_if_eq("kind", "operator"))]
        operator: Option<String>,
        /// Operator: a file with the PIN
        #[arg(long, required_if_eq("kind", "operator"))]
        pin_file: Option<PathBuf>,
    },
    /// Put the card into readers as the control says, until SIGTERM
    Serve {
        /// The card's file
        #[arg(long)]
        state: PathBuf,
        /// A reader slot, NAME=127.0.0.1:PORT; may be given several times
        #[arg(long = "reader", required = true)]
        readers: Vec<Reader>,
        /// Put the card into this reader at once
        #[arg(long)]
        insert: Option<String>,
        /// Where the control listens (loopback)
        #[arg(long, default_value = "127.0.0.1:0")]
        control: SocketAddr,
        /// Written when the card can be moved
        #[arg(long)]
        ready_file: Option<PathBuf>,
    },
    /// Write the operator's card's certification request (PEM)
    OperatorRequest {
        /// The card's file
        #[arg(long)]
        state: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// Put the operator's certificate (PEM) on the card
    OperatorCertificate {
        /// The card's file
        #[arg(long)]
        state: PathBuf,
        #[arg(long)]
        certificate: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Resident,
    Operator,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .with_writer(io::stderr)
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .init();
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let mut text = fault.to_string();
            let mut cause = fault.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            tracing::error!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Fault> {
    match command {
        Command::Init {
            state,
            kind: Kind::Resident,
            card,
            card_keys,
            ..
        } => {
            let path = card_keys.ok_or("a resident's card needs --card-keys")?;
            let text = Zeroizing::new(read(&path)?);
            let keys: CardKeyFile =
                serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))?;
            if card.is_some_and(|card| card != keys.card) {
                return Err(format!("the keys are for card {}", keys.card).into());
            }
            Ok(factory::make_resident(&state, keys)?)
        }
        Command::Init {
            state,
            kind: Kind::Operator,
            operator,
            pin_file,
            ..
        } => {
            let operator = operator.ok_or("an operator's card needs --operator")?;
            let pin = Zeroizing::new(read(
                &pin_file.ok_or("an operator's card needs --pin-file")?,
            )?);
            let image = OperatorImage::new(&operator, pin.trim_ascii_end())?;
            Ok(factory::make_operator(&state, image)?)
        }
        Command::OperatorRequest { state, out } => {
            let request = factory::operator_request(&state)?;
            Ok(fs::write(&out, pem("CERTIFICATE REQUEST", &request))
                .map_err(|e| format!("{}: {e}", out.display()))?)
        }
        Command::OperatorCertificate { state, certificate } => {
            let text = read(&certificate)?;
            let der = CertificateDer::from_pem_slice(&text)
                .map_err(|e| format!("{}: no certificate in PEM: {e}", certificate.display()))?;
            Ok(factory::put_operator_certificate(&state, &der)?)
        }
        Command::Serve {
            state,
            readers,
            insert,
            control,
            ready_file,
        } => serve(
            &state,
            readers,
            insert.as_deref(),
            control,
            ready_file.as_deref(),
        ),
    }
}

fn serve(
    state: &Path,
    readers: Vec<Reader>,
    insert: Option<&str>,
    address: SocketAddr,
    ready_file: Option<&Path>,
) -> Result<(), Fault> {
    let memory = FileMemory::open(state).map_err(|e| format!("{}: {e}", state.display()))?;
    let card = Card::start(Box::new(memory))?;
    let readers = web::Data::new(Readers::new(Arc::new(Mutex::new(card)), readers));
    if let Some(name) = insert {
        readers.insert(name)?;
    }
    actix_web::rt::System::new().block_on(async {
        let (server, bound) = control::bind(readers.clone(), address)?;
        if let Some(path) = ready_file {
            let ready = serde_json::json!({
                "pid": std::process::id(),
                "listen": { "control": format!("http://{bound}") },
            });
            write_ready(path, ready.to_string().as_bytes())?;
        }
        tracing::info!(control = %bound, "ready");
        server.await
    })?;
    readers.remove();
    tracing::info!("card removed");
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    Ok(fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?)
}

fn write_ready(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut copy = path.as_os_str().to_owned();
    copy.push(".new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(&copy)?;
    file.write_all(content)?;
    fs::rename(&copy, path)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + &format!("-----END {label}-----\n")
}
