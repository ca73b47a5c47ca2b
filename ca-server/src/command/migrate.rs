//! `ca-server migrate`.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use service::config::owner_only;
use zeroize::Zeroizing;

use super::{ConfigArgs, Failure};
use crate::{
    adapter::{database::AuditMac, system::SystemEntropy},
    config::IssueConfig,
    port::entropy::random,
};

pub fn migrate(args: &ConfigArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config)?;
    if args.check_config {
        return Ok(());
    }
    if !config.audit_mac_key_file.exists() {
        make_mac_key(&config.audit_mac_key_file)?;
    }
    schema::ca::migrate(&config.database)?;
    tracing::info!("the database is up to date");
    Ok(())
}

fn make_mac_key(path: &Path) -> Result<(), Failure> {
    let key = Zeroizing::new(random::<32>(&SystemEntropy)?);
    let text = Zeroizing::new(format!("{}\n", hex::encode(*key)));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    tracing::info!(path = %path.display(), "made the key of the audit chain; keep a copy of it");
    Ok(())
}

/// The key of the audit chain, from a file that only its owner can read.
pub fn read_mac_key(path: &Path) -> Result<AuditMac, Failure> {
    let named = |what: &str| format!("audit.mac_key_file {}: {what}", path.display());
    owner_only("audit.mac_key_file", path)?;
    let text = Zeroizing::new(fs::read_to_string(path)?);
    let mut key = Zeroizing::new([0_u8; 32]);
    hex::decode_to_slice(text.trim_end(), key.as_mut_slice())
        .map_err(|_| named("must hold 64 hexadecimal digits"))?;
    Ok(AuditMac::new(&key))
}
