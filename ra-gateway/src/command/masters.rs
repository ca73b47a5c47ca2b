//! The masters of card and visit keys.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, Instant},
};

use hsm_config::{Health, KeyAlgorithm, Refusal, Token, TokenError};
use pki_core::{
    card_channel::kdf,
    id::{CardId, KioskId},
};
use serde_json::json;
use zeroize::Zeroizing;

use super::Fault;
use crate::{
    adapter::vault::VAULT_MASTER,
    app::card_keys::{CARD_MASTER, kiosk_master},
    config,
};

/// How long a command waits for the token.
const PATIENCE: Duration = Duration::from_secs(15);

/// Creates a file that only its owner can read; never replaces one.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// The token, once it is usable.
pub fn token(config: &Path) -> Result<Token, Fault> {
    let token = Token::open(config::token_of(config)?);
    match token.wait_usable(PATIENCE) {
        Health::Usable(_) => Ok(token),
        Health::Probing => Err("the token does not answer".into()),
        Health::Unusable { reason, .. } => Err(format!("the token is not usable: {reason}").into()),
    }
}

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// Makes the gateway's own masters in its token: of card keys and of what is at rest.
/// Those that are there stay.
pub fn card_master(config: &Path) -> Result<String, Fault> {
    let token = token(config)?;
    let mut told = Vec::new();
    for label in [CARD_MASTER, VAULT_MASTER] {
        told.push(
            match token.generate(label, KeyAlgorithm::Aes256Cmac, deadline()) {
                Ok(_) => format!("{label} was made"),
                Err(TokenError::Refused(Refusal::KeyExists(_))) => format!("{label} is there"),
                Err(error) => return Err(error.into()),
            },
        );
    }
    Ok(told.join("\n"))
}

/// Makes the master of one kiosk: into the gateway's token, and sealed into a file for
/// the kiosk. Once; a kiosk that lost its file gets a new id.
pub fn kiosk_master_command(config: &Path, kiosk: &str, out: &Path) -> Result<String, Fault> {
    let kiosk: KioskId = kiosk.parse()?;
    let token = token(config)?;
    let label = kiosk_master(&kiosk);
    if token
        .keys(deadline())?
        .iter()
        .any(|entry| entry.label == label)
    {
        return Err(format!("the token has {label} already").into());
    }
    let mut master = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *master).map_err(|error| error.to_string())?;
    let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(*master))));
    // The file first: a master in the token that no kiosk holds could not be made again.
    write_private(out, text.as_bytes())?;
    if let Err(error) = token.import_cmac_key(&label, &*master, deadline()) {
        let _ = fs::remove_file(out);
        return Err(error.into());
    }
    Ok(format!("{label} is in the token and in {}", out.display()))
}

/// Exports one card's key set for its factory (docs/card-interface.md §3).
pub fn card_keys(config: &Path, card: &str, out: &Path) -> Result<String, Fault> {
    let card: CardId = card.parse()?;
    let token = token(config)?;
    let keys = kdf::card_keys(
        |message| token.cmac(CARD_MASTER, message, deadline()),
        card.as_bytes(),
    )?;
    let text = Zeroizing::new(format!(
        "{}\n",
        json!({
            "card": card.to_string(),
            "enc": hex::encode(keys.enc.expose()),
            "mac": hex::encode(keys.mac.expose()),
            "dek": hex::encode(keys.dek.expose()),
        })
    ));
    write_private(out, text.as_bytes())?;
    Ok(format!("keys of card {card} in {}", out.display()))
}
