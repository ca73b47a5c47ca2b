//! `ca-server audit export|verify`.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::{ConfigArgs, Failure, assemble, migrate::read_mac_key, open_store, wait_for_token};
use crate::{
    app::export_audit,
    config::IssueConfig,
    port::store::Store,
};

#[derive(Args)]
pub struct AuditArgs {
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
    #[command(flatten)]
    config: ConfigArgs,
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
    match &args.command {
        AuditCommand::Export(args) => export(args),
        AuditCommand::Verify(args) => verify(args),
    }
}

fn export(args: &AuditFileArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config.config)?;
    if args.config.check_config {
        return Ok(());
    }
    let app = assemble(&config)?;
    wait_for_token(&app)?;
    let beside = beside(&args.out);
    let mut out = BufWriter::new(File::create(&beside)?);
    let head = export_audit::export(&app, &mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    fs::rename(&beside, &args.out)?;
    fs::write(args.head(), head)?;
    println!("exported to {}", args.out.display());
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let mut beside = path.to_owned();
    beside.as_mut_os_string().push(".part");
    beside
}

fn verify(args: &AuditFileArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config.config)?;
    if args.config.check_config {
        return Ok(());
    }
    let mac = read_mac_key(&config.audit_mac_key_file)?;
    // A head says where each lane ended when it was taken: rows that came since
    // are no cut, so without a head of that moment the database is not asked.
    let ends = if args.offline {
        None
    } else {
        let store = open_store(&config, std::sync::Arc::new(read_mac_key(&config.audit_mac_key_file)?))?;
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
