//! `ca-server audit export|verify`.

use std::{
    fs::{self, File},
    io::BufReader,
    path::PathBuf,
};

use clap::{Args, Subcommand};
use service::audit::into_files;

use super::{
    Failure, SharedConfigArgs, assemble, migrate::read_mac_key, open_store, wait_for_token,
};
use crate::{app::export_audit, config::IssueConfig, port::store::Store};

#[derive(Args)]
pub struct AuditArgs {
    #[command(flatten)]
    config: SharedConfigArgs,
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Write the log as JSON lines, and beside it its signed head.
    Export(AuditFileArgs),
    /// Check a log that was exported: chain, gaps, ends, and its head.
    Verify(AuditFileArgs),
}

#[derive(Args)]
struct AuditFileArgs {
    /// The log (JSON lines).
    #[arg(long)]
    out: PathBuf,
    /// The signed head; `audit-head.txt` beside the log when not given.
    #[arg(long)]
    head: Option<PathBuf>,
    /// Look at the log alone: not at the database for where its lanes end.
    #[arg(long)]
    offline: bool,
}

impl AuditFileArgs {
    fn head(&self) -> PathBuf {
        self.head
            .clone()
            .unwrap_or_else(|| self.out.with_file_name("audit-head.txt"))
    }
}

pub fn run(args: &AuditArgs) -> Result<(), Failure> {
    let Some(config) = args.config.load()? else {
        return Ok(());
    };
    match &args.command {
        AuditCommand::Export(args) => export(&config, args),
        AuditCommand::Verify(args) => verify(&config, args),
    }
}

fn export(config: &IssueConfig, args: &AuditFileArgs) -> Result<(), Failure> {
    let app = assemble(config)?;
    wait_for_token(&app)?;
    into_files(&args.out, &args.head(), |out| {
        export_audit::export(&app, out).map_err(Failure::from)
    })?;
    println!("exported to {}", args.out.display());
    Ok(())
}

fn verify(config: &IssueConfig, args: &AuditFileArgs) -> Result<(), Failure> {
    let mac = read_mac_key(&config.audit_mac_key_file)?;
    let ends = if args.offline {
        None
    } else {
        let store = open_store(
            config,
            std::sync::Arc::new(read_mac_key(&config.audit_mac_key_file)?),
        )?;
        Some(store.audit_ends()?)
    };
    let head = fs::read_to_string(args.head())
        .map_err(|error| format!("{}: {error}", args.head().display()))?;
    let mut log = BufReader::new(File::open(&args.out)?);
    let verified = export_audit::verify(&mut log, &mac, ends.as_deref(), Some((&head, None)))?;
    println!(
        "right: {} rows in {} lanes, root {}",
        verified.rows,
        verified.lanes,
        hex::encode(verified.root)
    );
    Ok(())
}
