//! `ca-server proof`: the signed acts behind a certificate, for an auditor.

use clap::Args;
use pki_core::certificate::Serial;
use schema::wire::bytes::Base64;
use serde_json::json;

use super::{ConfigArgs, Failure, assemble, wait_for_token};
use crate::{
    app::proof::{self, ProvedAct, Signed},
    config::IssueConfig,
};

#[derive(Args)]
pub struct ProofArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Serial number of the certificate (hex).
    #[arg(long)]
    serial: String,
}

/// Print one JSON object per act: what was signed, byte for byte, and by whom.
pub fn run(args: &ProofArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config.config)?;
    let serial: Serial = args.serial.parse()?;
    if args.config.check_config {
        return Ok(());
    }
    let app = assemble(&config)?;
    wait_for_token(&app)?;
    let acts = proof::read(&app, &serial)?;
    if acts.is_empty() {
        return Err("no act is kept for this serial".into());
    }
    for act in acts {
        println!("{}", line(&act));
    }
    Ok(())
}

/// What was signed, byte for byte, and by whom; `deed`, `kept_at` and the digest in each.
fn line(proved: &ProvedAct) -> serde_json::Value {
    let digest = hex::encode(proved.sha256);
    let (deed, kept_at) = (proved.deed.as_str(), proved.kept_at.to_string());
    match &proved.by {
        Signed::Window { signed, act } => json!({
            "deed": deed,
            "kept_at": kept_at,
            "act_sha256": digest,
            "terminal": act.terminal,
            "operator": act.operator,
            "payload": Base64(signed.payload.clone()),
            "terminal_signature": Base64(signed.terminal_signature.clone()),
            "operator_signature": Base64(signed.operator_signature.clone()),
        }),
        Signed::Holder { signed, statement } => json!({
            "deed": deed,
            "kept_at": kept_at,
            "statement_sha256": digest,
            "holder_of": statement.serial,
            "statement": signed.statement,
            "holder_signature": signed.signature,
        }),
    }
}
