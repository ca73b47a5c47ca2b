//! `ca-server proof`: the signed acts behind a certificate, for an auditor.

use clap::Args;
use pki_core::certificate::Serial;
use schema::wire::bytes::Base64;

use super::{ConfigArgs, Failure, assemble, wait_for_token};
use crate::{
    app::proof::{self, ProvedAct},
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
        println!("{}", json(&act));
    }
    Ok(())
}

fn json(proved: &ProvedAct) -> serde_json::Value {
    serde_json::json!({
        "deed": proved.deed.as_str(),
        "kept_at": proved.kept_at.to_string(),
        "act_sha256": hex::encode(proved.act_sha256),
        "terminal": proved.act.terminal,
        "operator": proved.act.operator,
        "payload": Base64(proved.signed.payload.clone()),
        "terminal_signature": Base64(proved.signed.terminal_signature.clone()),
        "operator_signature": Base64(proved.signed.operator_signature.clone()),
    })
}
