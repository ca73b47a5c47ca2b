//! `ca-server enrolment-request`: a key and the request for its certificate,
//! in a file (servers) or in a token (OCSP responders).

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use hsm_config::{KeyAlgorithm, Refusal, Token, TokenError};
use pki_core::certificate::{
    PublicKey, SignatureAlgorithm, pem,
    request::{create, create_p256},
};

use super::Failure;
use crate::config::StatusConfig;

#[derive(Args)]
pub struct RequestArgs {
    /// The party's id, which becomes the common name.
    #[arg(long)]
    id: String,
    /// Where the new private key is written, PEM, mode 0600.
    #[arg(
        long,
        conflicts_with = "token_key",
        required_unless_present = "token_key"
    )]
    key: Option<PathBuf>,
    /// Or the label of a key in the token of `--config`, made when it is missing.
    #[arg(long, requires = "config")]
    token_key: Option<String>,
    /// A file with a `[token]` table: `status.toml`, or that table alone.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where the request is written, PEM.
    #[arg(long)]
    out: PathBuf,
}

pub fn run(args: &RequestArgs) -> Result<(), Failure> {
    let request = match (&args.key, &args.token_key, &args.config) {
        (Some(path), None, _) => in_file(&args.id, path)?,
        (None, Some(label), Some(config)) => in_token(&args.id, label, config)?,
        _ => return Err("give --key, or --token-key with --config".into()),
    };
    fs::write(&args.out, request)?;
    Ok(())
}

fn in_file(id: &str, path: &Path) -> Result<String, Failure> {
    let made = create_p256(id)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    file.write_all(made.private_key_pem.as_bytes())?;
    file.sync_all()?;
    Ok(made.request_pem)
}

fn in_token(id: &str, label: &str, config: &Path) -> Result<String, Failure> {
    let token = Token::open(StatusConfig::load_token(config)?);
    token.wait_usable(Duration::from_secs(15));
    let spki = match token.public_key(label, token.deadline()) {
        Ok(spki) => spki,
        Err(TokenError::Refused(Refusal::NoSuchKey(_))) => token
            .generate(label, KeyAlgorithm::P256, token.deadline())?
            .ok_or("the token gave no public key")?,
        Err(error) => return Err(error.into()),
    };
    let key = PublicKey::from_spki_der(&spki)?;
    let algorithm = SignatureAlgorithm::usual_for(key.kind());
    let request = create(id, &key, algorithm, |info| {
        token.sign(label, algorithm, info, token.deadline())
    })?;
    Ok(pem::encode(pem::REQUEST, &request))
}
