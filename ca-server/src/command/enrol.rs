//! `ca-server enrol`, `suspend`, `resume`.

use std::{fs, net::IpAddr, path::PathBuf, sync::Arc};

use clap::Args;
use pki_core::certificate::pem;
use schema::wire::v1::ca::{PartyKind, PartyRecord};

use super::{ConfigArgs, Failure, assemble_ready, migrate::read_mac_key, open_store};
use crate::{
    adapter::system::SystemClock,
    app::{
        enrol::{self, Enrolment},
        verifier,
    },
    config::IssueConfig,
    port::{clock::Clock, store::Party},
};

#[derive(Args)]
pub struct EnrolArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// terminal, kiosk, operator, gateway, server, ocsp-responder, officer, auditor or verifier.
    #[arg(long)]
    kind: String,
    /// Terminal and kiosk: nine characters, municipality first. Operator: 4 to 16.
    #[arg(long)]
    id: String,
    /// Five digits; for operators needed.
    #[arg(long)]
    municipality: Option<String>,
    /// A name that people know it by.
    #[arg(long)]
    label: String,
    /// The PKCS#10 request, PEM.
    #[arg(long)]
    request: PathBuf,
    /// Names of a server.
    #[arg(long, num_args = 1..)]
    dns: Vec<String>,
    /// Addresses of a server.
    #[arg(long, num_args = 1..)]
    address: Vec<IpAddr>,
    /// Take the place of the party of this kind and id.
    #[arg(long)]
    replace: bool,
    /// An OCSP responder: the CA that it answers for; without it that of signature certificates.
    #[arg(long)]
    issuer: Option<String>,
    /// Where the certificate is written, PEM.
    #[arg(long)]
    out: PathBuf,
    /// Number and date of the written arrangement (Art 17 (4)), needed for a verifier.
    #[arg(long)]
    arrangement: Option<String>,
    /// Where the record for the gateway's registry is written, JSON; verifiers have none.
    #[arg(long)]
    record: Option<PathBuf>,
}

#[derive(Args)]
pub struct PartyArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[arg(long)]
    kind: String,
    #[arg(long)]
    id: String,
}

pub fn enrol(args: &EnrolArgs) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config.config)?;
    if args.config.check_config {
        return Ok(());
    }
    let text = fs::read_to_string(&args.request)
        .map_err(|error| format!("{}: {error}", args.request.display()))?;
    let request = pem::decode(pem::REQUEST, &text)
        .map_err(|error| format!("{}: {error}", args.request.display()))?;
    let app = assemble_ready(&config)?;
    let wish = Enrolment {
        kind: args.kind.clone(),
        id: args.id.clone(),
        municipality: args.municipality.clone(),
        label: args.label.clone(),
        request,
        dns_names: args.dns.clone(),
        addresses: args.address.clone(),
        replace: args.replace,
    };
    let certificate = match (&args.record, &args.arrangement) {
        (None, Some(arrangement)) => verifier::enrol(&app, &wish, arrangement)?.certificate,
        (Some(path), None) => {
            let issuer = args.issuer.as_deref();
            let party = enrol::enrol_for(&app, &wish, enrol::OFFICER, issuer)?;
            fs::write(path, serde_json::to_vec_pretty(&record(&party)?)?)?;
            party.certificate
        }
        _ => {
            return Err(
                "a verifier is enrolled with --arrangement, everybody else with --record".into(),
            );
        }
    };
    fs::write(&args.out, pem::encode(pem::CERTIFICATE, &certificate))?;
    println!("enrolled {} {}", wish.kind, wish.id);
    Ok(())
}

/// What the gateway's registry takes.
pub fn record(party: &Party) -> Result<PartyRecord, Failure> {
    let kind: PartyKind = serde_json::from_value(serde_json::Value::String(party.kind.clone()))?;
    Ok(PartyRecord {
        kind,
        id: party.id.clone(),
        municipality: party.municipality.clone(),
        label: party.label.clone(),
        certificate: party.certificate.clone().into(),
    })
}

pub fn set_active(args: &PartyArgs, active: bool) -> Result<(), Failure> {
    let config = IssueConfig::load(&args.config.config)?;
    if args.config.check_config {
        return Ok(());
    }
    let mac = Arc::new(read_mac_key(&config.audit_mac_key_file)?);
    let store = open_store(&config, mac)?;
    if !enrol::set_active(&store, SystemClock.now(), &args.kind, &args.id, active)? {
        return Err(format!("no {} is enrolled as {}", args.kind, args.id).into());
    }
    let word = if active { "resumed" } else { "suspended" };
    println!("{word} {} {}", args.kind, args.id);
    Ok(())
}
