//! `ca-server console`, and the signature over what it shows.

use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
    sync::Arc,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use pki_core::{
    certificate::pem,
    officer::{Statement, message},
};
use zeroize::Zeroizing;

use super::{Failure, ServeArgs, assemble};
use crate::{config::IssueConfig, http::serve};

/// Longest statement that is signed, in bytes.
const LONGEST: u64 = 16 * 1024;

#[derive(Args)]
pub struct SignArgs {
    /// The officer's key: PKCS#8, PEM, mode 0600.
    #[arg(long)]
    key: PathBuf,
    /// The statement as the console gives it; `-` reads standard input.
    #[arg(long)]
    statement: PathBuf,
}

/// Serve the officers' pages until a signal asks to end.
pub fn console(args: &ServeArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config.config)?;
    if args.config.check_config {
        return Ok(());
    }
    let app = Arc::new(assemble(&config)?);
    Ok(serve::console(&config, app, args.ready_file.as_deref())?)
}

/// Show what a statement says, sign it, and print the signature for the console's form.
pub fn sign(args: &SignArgs) -> Result<(), Failure> {
    let statement = read(args)?;
    let said: Statement = serde_json::from_slice(&statement)
        .map_err(|error| format!("this is no statement of the console: {error}"))?;
    if said.version != 1 || said.to_payload() != statement {
        return Err("this is no statement of the console".into());
    }
    let path = args.key.display();
    service::config::owner_only("key", &args.key)?;
    let text =
        Zeroizing::new(fs::read_to_string(&args.key).map_err(|error| format!("{path}: {error}"))?);
    let der = Zeroizing::new(
        pem::decode(pem::PRIVATE_KEY, &text).map_err(|error| format!("{path}: {error}"))?,
    );
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
        .map_err(|_| format!("{path}: no P-256 key in PKCS#8"))?;
    let signature = key
        .sign(&SystemRandom::new(), &message(&statement))
        .map_err(|_| "the key did not sign")?;
    let mut out = std::io::stdout().lock();
    eprintln!(
        "{}: {} {} (act {})",
        said.officer, said.deed, said.subject, said.act
    );
    writeln!(out, "{}", STANDARD.encode(signature.as_ref()))?;
    Ok(())
}

fn read(args: &SignArgs) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    if args.statement.as_os_str() == "-" {
        std::io::stdin().take(LONGEST).read_to_end(&mut bytes)?;
    } else {
        fs::File::open(&args.statement)
            .map_err(|error| format!("{}: {error}", args.statement.display()))?
            .take(LONGEST)
            .read_to_end(&mut bytes)?;
    }
    // A statement that went through an editor may end with a line's end.
    while bytes.last().is_some_and(u8::is_ascii_whitespace) {
        bytes.pop();
    }
    Ok(bytes)
}
