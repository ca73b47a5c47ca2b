//! Holding the ceremony.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pki_core::certificate::issuer::{Issuer, IssuerFault};
use pki_core::certificate::pem;
use pki_core::certificate::plan::{PlanFault as CertificateFault, PlanInput, Subject, plan};
use pki_core::certificate::public_key::{PublicKey, PublicKeyFault, SignatureAlgorithm};
use pki_core::certificate::request::{self, CreateFault};
use pki_core::certificate::serial::Serial;
use pki_core::certificate::unsigned::AssembleFault;

use super::plan::{Plan, PlannedCertificate, RECORDS, sha256};
use super::record::{MadeFile, MadeKey, Presence, Record};
use super::spec::{KeySpec, RequestSpec};
use crate::token::{Health, Refusal, Token, TokenError};

/// RSA-4096 in a slow token.
const KEY_TIME: Duration = Duration::from_secs(300);

/// Why a ceremony stopped. Its record says how far it came.
#[derive(Debug, thiserror::Error)]
pub enum HoldFault {
    /// The token failed.
    #[error("the token failed at {at}")]
    Token {
        /// What was being done.
        at: String,
        /// Why.
        #[source]
        source: TokenError,
    },
    /// The token gave a public key that is none.
    #[error("the token's public key cannot be used")]
    PublicKey(#[from] PublicKeyFault),
    /// The CA's name or place of publication cannot be used.
    #[error("the CA cannot be described")]
    Issuer(#[from] IssuerFault),
    /// The certificate must not be signed.
    #[error("the certificate must not be signed")]
    Certificate(#[from] CertificateFault),
    /// The signature makes no certificate.
    #[error("the signature makes no certificate")]
    Assemble(#[from] AssembleFault),
    /// The request could not be made.
    #[error("the request could not be made")]
    Request(#[source] Box<CreateFault<TokenError>>),
    /// A key that was made could be taken out.
    #[error("the token made key {0:?}, but does not keep it inside: destroy it")]
    Unprotected(String),
    /// A file could not be written.
    #[error("{path} could not be written", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Holds the ceremony. `confirmed` has the moment of each officer's confirmation, in
/// the order of the plan (empty in a rehearsal); `clock` is read for each entry of the record.
///
/// Before the first key is made it is checked that every label is free. The record is
/// returned and written in every case, also with the fault that stopped the ceremony.
pub fn hold(
    plan: &Plan,
    token: &Token,
    confirmed: &[Timestamp],
    clock: &dyn Fn() -> Timestamp,
) -> (Record, Result<(), HoldFault>) {
    let mut record = begin(plan, token, confirmed, clock);
    let done = carry_out(plan, token, &mut record, clock);
    record.ended = clock().to_string();
    record.outcome = match &done {
        Ok(()) => "complete".into(),
        Err(fault) => format!("INCOMPLETE: {}", chain(fault)),
    };
    let written = write_record(plan, &record);
    (record, done.and(written))
}

fn begin(
    plan: &Plan,
    token: &Token,
    confirmed: &[Timestamp],
    clock: &dyn Fn() -> Timestamp,
) -> Record {
    let digest =
        |path: &Path| std::fs::read(path).map_or_else(|_| "unread".into(), |bytes| sha256(&bytes));
    let started = clock().to_string();
    Record {
        version: 1,
        title: plan.title.clone(),
        rehearsal: plan.rehearsal,
        spec_sha256: plan.sha256.clone(),
        program_sha256: digest(&std::env::current_exe().unwrap_or_default()),
        program_version: env!("CARGO_PKG_VERSION").into(),
        module_sha256: digest(plan.token.module()),
        token: match token.health() {
            Health::Usable(description) => Some((*description).clone()),
            _ => None,
        },
        officers: plan
            .officers
            .iter()
            .enumerate()
            .map(|(number, officer)| Presence {
                name: officer.name.clone(),
                role: officer.role.clone(),
                confirmed: confirmed.get(number).map(ToString::to_string),
            })
            .collect(),
        ended: started.clone(),
        started,
        keys: Vec::new(),
        files: Vec::new(),
        outcome: "begun".into(),
    }
}

fn carry_out(
    plan: &Plan,
    token: &Token,
    record: &mut Record,
    clock: &dyn Fn() -> Timestamp,
) -> Result<(), HoldFault> {
    // 1. Nothing is overwritten: every label is free.
    let at = |at: &str| {
        let at = at.to_owned();
        move |source| HoldFault::Token { at, source }
    };
    let there = token
        .keys(token.deadline())
        .map_err(at("listing its keys"))?;
    if let Some(taken) = there
        .iter()
        .find(|key| plan.keys.iter().any(|wanted| wanted.label == key.label))
    {
        let refusal = Refusal::KeyExists(taken.label.clone());
        return Err(at("looking for its keys")(TokenError::Refused(refusal)));
    }
    std::fs::create_dir_all(&plan.out).map_err(|source| HoldFault::File {
        path: plan.out.clone(),
        source,
    })?;
    // 2. The keys exist.
    for key in &plan.keys {
        make_key(token, key, record, clock)?;
    }
    // 3. Each CA certificate exists.
    for certificate in &plan.certificates {
        let made = make_certificate(plan, token, certificate, clock)?;
        record.files.push(made);
    }
    // 4. Each request exists.
    for request in &plan.requests {
        let made = make_request(plan, token, request, clock)?;
        record.files.push(made);
    }
    Ok(())
}

fn make_key(
    token: &Token,
    key: &KeySpec,
    record: &mut Record,
    clock: &dyn Fn() -> Timestamp,
) -> Result<(), HoldFault> {
    let at = |source| HoldFault::Token {
        at: format!("making key {:?}", key.label),
        source,
    };
    let spki = token
        .generate(&key.label, key.algorithm, Instant::now() + KEY_TIME)
        .map_err(at)?;
    let objects: Vec<_> = token
        .keys(token.deadline())
        .map_err(at)?
        .into_iter()
        .filter(|object| object.label == key.label)
        .collect();
    let unprotected = objects
        .iter()
        .any(|object| object.sensitive == Some(false) || object.extractable == Some(true));
    record.keys.push(MadeKey {
        time: clock().to_string(),
        label: key.label.clone(),
        algorithm: key.algorithm.to_string(),
        spki_sha256: spki.as_deref().map(sha256),
        objects,
    });
    if unprotected {
        return Err(HoldFault::Unprotected(key.label.clone()));
    }
    Ok(())
}

fn public_key(token: &Token, label: &str) -> Result<PublicKey, HoldFault> {
    let spki = token
        .public_key(label, token.deadline())
        .map_err(|source| HoldFault::Token {
            at: format!("reading public key {label:?}"),
            source,
        })?;
    Ok(PublicKey::from_spki_der(&spki)?)
}

fn make_certificate(
    ceremony: &Plan,
    token: &Token,
    certificate: &PlannedCertificate,
    clock: &dyn Fn() -> Timestamp,
) -> Result<MadeFile, HoldFault> {
    let label = &certificate.spec.key;
    let at = |source| HoldFault::Token {
        at: format!("signing the certificate of {label:?}"),
        source,
    };
    let now = clock();
    let mut random = [0; 16];
    random.copy_from_slice(&token.random(16, token.deadline()).map_err(at)?);
    let serial = Serial::from_random(random);
    let key = public_key(token, label)?;
    let issuer = Issuer::self_signed(
        certificate.subject.clone(),
        certificate.alternative_name.as_ref(),
        key.clone(),
        &serial,
        certificate.publication.clone(),
    )?;
    let unsigned = plan(&PlanInput {
        profile: &certificate.profile,
        issuer: &issuer,
        serial: &serial,
        now,
        public_key: &key,
        subject: Subject::Authority,
    })?;
    let algorithm = unsigned.algorithm();
    let signature = token
        .sign(label, algorithm, unsigned.bytes_to_sign(), token.deadline())
        .map_err(at)?;
    let der = unsigned.assemble(&signature, &issuer)?.into_der();
    let file = &certificate.spec.out;
    let bytes = if file.extension().is_some_and(|kind| kind == "pem") {
        pem::encode(pem::CERTIFICATE, &der).into_bytes()
    } else {
        der.clone()
    };
    write_new(&ceremony.out.join(file), &bytes)?;
    Ok(MadeFile {
        time: now.to_string(),
        name: file.display().to_string(),
        what: format!("certificate by profile {}", certificate.profile.name()),
        key: label.clone(),
        sha256: sha256(&bytes),
        der_sha256: sha256(&der),
        serial: Some(hex::encode(serial.as_octets())),
    })
}

fn make_request(
    ceremony: &Plan,
    token: &Token,
    request: &RequestSpec,
    clock: &dyn Fn() -> Timestamp,
) -> Result<MadeFile, HoldFault> {
    let key = public_key(token, &request.key)?;
    let algorithm = SignatureAlgorithm::usual_for(key.kind());
    let der = request::create(&request.common_name, &key, algorithm, |info| {
        token.sign(&request.key, algorithm, info, token.deadline())
    })
    .map_err(|fault| HoldFault::Request(Box::new(fault)))?;
    let bytes = if request.out.extension().is_some_and(|kind| kind == "der") {
        der.clone()
    } else {
        pem::encode(pem::REQUEST, &der).into_bytes()
    };
    write_new(&ceremony.out.join(&request.out), &bytes)?;
    Ok(MadeFile {
        time: clock().to_string(),
        name: request.out.display().to_string(),
        what: format!("request for {:?}", request.common_name),
        key: request.key.clone(),
        sha256: sha256(&bytes),
        der_sha256: sha256(&der),
        serial: None,
    })
}

fn write_record(plan: &Plan, record: &Record) -> Result<(), HoldFault> {
    // A record is all strings, numbers and lists: it can always be written as JSON.
    let json = serde_json::to_string_pretty(record).unwrap_or_else(|fault| fault.to_string());
    std::fs::create_dir_all(&plan.out).map_err(|source| HoldFault::File {
        path: plan.out.clone(),
        source,
    })?;
    write_new(&plan.out.join(RECORDS[0]), (json + "\n").as_bytes())?;
    write_new(&plan.out.join(RECORDS[1]), record.to_text().as_bytes())
}

/// Writes a file that must not exist, and waits until the disk has it.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), HoldFault> {
    let write = || {
        let mut file = std::fs::File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| HoldFault::File {
        path: path.to_owned(),
        source,
    })
}

/// An error with its causes, in one line.
pub fn chain(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
