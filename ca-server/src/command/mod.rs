//! The command line: what officers and service managers type.

mod audit;
mod console;
mod enrol;
mod follow_register;
mod migrate;
mod proof;
mod request;
mod serve;
mod verifiers;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, Parser, Subcommand};
use hsm_config::Token;

use crate::{
    adapter::{
        aead::AeadVault,
        database::{AuditMac, Database, DatabaseSettings},
        hsm::HsmSigner,
        system::{SystemClock, SystemEntropy, SystemStopwatch},
    },
    app::{App, enrol::register_issuers},
    config::IssueConfig,
    port::clock::{Clock, Stopwatch},
};

pub use enrol::record;

/// Any error of a command; shown with all of its causes.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(
    name = "ca-server",
    version,
    about = "The prefecture's certificate authority"
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database up to date and make the audit key when it is missing.
    Migrate(ConfigArgs),
    /// Issue and revoke for gateways; publish revocation lists.
    Issue(ServeArgs),
    /// Serve the officers' pages.
    Console(ServeArgs),
    /// Sign a statement of the console with an officer's key.
    OfficerSign(console::SignArgs),
    /// Answer OCSP and give out lists to relying parties.
    Status(ServeArgs),
    /// Certify a party's key and take the party into the registry.
    Enrol(enrol::EnrolArgs),
    /// Suspend a party: it is refused at its next request.
    Suspend(enrol::PartyArgs),
    /// Lift a suspension.
    Resume(enrol::PartyArgs),
    /// Apply what the resident registers have told (Art 12), once; `issue` does it on schedule.
    FollowRegister(follow_register::FollowArgs),
    /// The signed acts behind a certificate.
    Proof(proof::ProofArgs),
    /// Revocation lists.
    Crl(CrlArgs),
    /// The audit log.
    Audit(audit::AuditArgs),
    /// Registered verifiers, and what was provided to them.
    Verifiers(verifiers::VerifiersArgs),
    /// Make a key and the request for its certificate.
    EnrolmentRequest(request::RequestArgs),
}

#[derive(Args)]
struct ConfigArgs {
    /// The configuration file (TOML).
    #[arg(long)]
    config: PathBuf,
    /// Only check the configuration; touch nothing.
    #[arg(long)]
    check_config: bool,
}

#[derive(Args)]
struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Written, whole, as soon as the server answers.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

/// The configuration of a command with commands below it: before or after them.
#[derive(Args)]
struct SharedConfigArgs {
    /// The configuration file (TOML).
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Only check the configuration; touch nothing.
    #[arg(long, global = true)]
    check_config: bool,
}

impl SharedConfigArgs {
    /// Read and check it; `None` when that was all that was asked for.
    fn load(&self) -> Result<Option<IssueConfig>, Failure> {
        let path = self.config.as_deref().ok_or("--config FILE is needed")?;
        let config = IssueConfig::load(path)?;
        Ok((!self.check_config).then_some(config))
    }
}

#[derive(Args)]
struct CrlArgs {
    #[command(flatten)]
    config: SharedConfigArgs,
    #[command(subcommand)]
    command: CrlCommand,
}

#[derive(Subcommand)]
enum CrlCommand {
    /// Publish every list now.
    Publish,
}

/// Parse the command line, carry it out, and say how it went.
/// 0: done. 1: not done, and why. 2: the command line is not understood.
pub fn run() -> ExitCode {
    let line = Line::parse();
    service::log::start();
    match carry_out(line.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let said = crate::causes(&*error);
            tracing::error!(error = said, "not done");
            eprintln!("ca-server: {said}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<(), Failure> {
    match command {
        Command::Migrate(args) => migrate::migrate(&args),
        Command::Issue(args) => serve::issue(&args),
        Command::Console(args) => console::console(&args),
        Command::OfficerSign(args) => console::sign(&args),
        Command::Status(args) => serve::status(&args),
        Command::Enrol(args) => enrol::enrol(&args),
        Command::Suspend(args) => enrol::set_active(&args, false),
        Command::Resume(args) => enrol::set_active(&args, true),
        Command::FollowRegister(args) => follow_register::run(&args),
        Command::Proof(args) => proof::run(&args),
        Command::Crl(CrlArgs {
            config,
            command: CrlCommand::Publish,
        }) => serve::publish(&config),
        Command::Audit(args) => audit::run(&args),
        Command::Verifiers(args) => verifiers::run(&args),
        Command::EnrolmentRequest(args) => request::run(&args),
    }
}

/// The use-cases over the real ports.
fn assemble(config: &IssueConfig) -> Result<App, Failure> {
    let mac = Arc::new(migrate::read_mac_key(&config.audit_mac_key_file)?);
    Ok(assemble_over(config, open_store(config, mac)?))
}

/// The use-cases for a command that only looks: the database is opened to read, and nothing can
/// be written by mistake.
fn assemble_to_read(config: &IssueConfig) -> Result<App, Failure> {
    let store = Database::open_to_read(&config.database, config.database_readers)?;
    let app = assemble_over(config, store);
    wait_for_token(&app)?;
    Ok(app)
}

fn assemble_over(config: &IssueConfig, store: Database) -> App {
    let store = Arc::new(store);
    let signer = Arc::new(HsmSigner::new(Token::open(config.token.clone())));
    let clock = Arc::new(SystemClock);
    let entropy = Arc::new(SystemEntropy);
    let vault = Arc::new(AeadVault::new(
        store.clone(),
        signer.clone(),
        clock.clone(),
        entropy.clone(),
        config.vault_key.clone(),
    ));
    let clocks: (Arc<dyn Clock>, Arc<dyn Stopwatch>) = (clock, Arc::new(SystemStopwatch));
    App::new(config, store, signer, vault, clocks, entropy)
}

/// The use-cases for a command that signs: the token is there, and the database knows the issuers.
fn assemble_ready(config: &IssueConfig) -> Result<App, Failure> {
    let app = assemble(config)?;
    wait_for_token(&app)?;
    if !register_issuers(&app)? {
        return Err(
            "the database knows an issuer of the same name with another certificate".into(),
        );
    }
    Ok(app)
}

fn open_store(config: &IssueConfig, mac: Arc<AuditMac>) -> Result<Database, Failure> {
    let settings = DatabaseSettings {
        url: config.database.clone(),
        node: config.node.clone(),
        readers: config.database_readers,
        writers: config.database_writers,
    };
    Ok(Database::open(&settings, mac)?)
}

/// For commands, which have nobody to wait for them: the token as it is once
/// its start has ended one way or the other.
fn wait_for_token(app: &App) -> Result<(), Failure> {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(15);
    loop {
        match app.signer.trouble() {
            None => return Ok(()),
            Some(reason) if std::time::Instant::now() > until => return Err(reason.into()),
            Some(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
}
