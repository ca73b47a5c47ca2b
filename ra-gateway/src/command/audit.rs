//! `ra-gateway audit export|verify`.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    sync::Arc,
};

use service::{audit::into_files, clock::Clock};

use super::{Fault, masters::token};
use crate::{
    adapter::{database::Database, system::SystemClock, token::TokenMasters, vault::TokenAuditMac},
    app::export_audit,
    config,
    port::AuditLog,
};

/// `audit-head.txt` beside the log, unless it is said.
fn head_of(log: &Path, head: Option<PathBuf>) -> PathBuf {
    head.unwrap_or_else(|| log.with_file_name("audit-head.txt"))
}

fn mac(config: &Path) -> Result<Arc<TokenAuditMac>, Fault> {
    let masters = Arc::new(TokenMasters::new(token(config)?));
    Ok(Arc::new(TokenAuditMac::new(masters)))
}

fn database(config: &Path, mac: Arc<TokenAuditMac>) -> Result<Database, Fault> {
    Ok(Database::open(
        &config::database_of(config)?,
        1,
        "officer",
        mac,
    )?)
}

/// Writes the log as JSON lines, and its head.
pub fn export(config: &Path, out: &Path, head: Option<PathBuf>) -> Result<String, Fault> {
    let mac = mac(config)?;
    let database = database(config, Arc::clone(&mac))?;
    into_files(out, &head_of(out, head), |file| {
        export_audit::export(&database, &*mac, SystemClock.now(), file).map_err(Fault::from)
    })?;
    Ok(format!("exported to {}", out.display()))
}

/// Checks a log that was exported; unless `offline`, against the database too.
pub fn verify(
    config: &Path,
    out: &Path,
    head: Option<PathBuf>,
    offline: bool,
) -> Result<String, Fault> {
    let mac = mac(config)?;
    let ends = if offline {
        None
    } else {
        Some(database(config, Arc::clone(&mac))?.audit_ends()?)
    };
    let head = head_of(out, head);
    let text = fs::read_to_string(&head).map_err(|error| format!("{}: {error}", head.display()))?;
    let mut log = BufReader::new(File::open(out)?);
    let verified = export_audit::verify(&mut log, &text, &*mac, ends.as_deref())?;
    Ok(format!(
        "right: {} rows of {} nodes, root {}",
        verified.rows,
        verified.lanes,
        hex::encode(verified.root)
    ))
}
