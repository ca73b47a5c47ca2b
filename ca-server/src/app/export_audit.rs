//! The audit log as JSON lines, the Merkle tree over them, and its signed head.
//! Lanes stand one after the other, each in its own order.

use std::{
    convert::Infallible,
    io::{self, BufRead, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use pki_core::certificate::{PublicKey, SignatureAlgorithm};
use schema::ca::rows::AuditRow;
use serde::{Deserialize, Serialize};
pub use service::audit::{AuditFault, Verified};
use service::audit::{End, Export, Log, Mac, Row};

use super::App;
use crate::{
    adapter::database::{AuditMac, covered},
    port::{
        signer::SignError,
        store::{AuditRecord, StoreError},
    },
};

/// Rows read at once.
const PAGE: u32 = 5_000;
/// What stands before the head in the signed bytes.
const CONTEXT: &[u8] = b"jitsuin-audit-head-v1\0";

/// Why the log was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    #[error("the head was not signed")]
    Sign(#[from] SignError),
    #[error("the audit key is of a kind that is not known")]
    Key,
    #[error("the export cannot be written")]
    Write(#[from] io::Error),
}

/// One line of an export.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    lane: String,
    sequence: u64,
    /// Microseconds since 1970-01-01T00:00:00Z, as in the MAC.
    at_us: i64,
    /// The same for people.
    at: String,
    event: String,
    outcome: String,
    actor: String,
    subject: String,
    /// The JSON text as it entered the MAC.
    detail: String,
    mac: String,
}

impl Line {
    fn of(record: &AuditRecord) -> Self {
        Self {
            lane: record.lane.clone(),
            sequence: record.sequence,
            at_us: record.at.as_microsecond(),
            at: record.at.to_string(),
            event: record.event.clone(),
            outcome: record.outcome.clone(),
            actor: record.actor.clone(),
            subject: record.subject.clone(),
            detail: record.detail.clone(),
            mac: hex::encode(record.mac),
        }
    }
}

impl Row for Line {
    fn lane(&self) -> &str {
        &self.lane
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn mac(&self) -> Option<Mac> {
        let mut mac = [0; 32];
        hex::decode_to_slice(&self.mac, &mut mac).ok()?;
        Some(mac)
    }

    fn covered(&self, before: &Mac) -> Option<Vec<u8>> {
        let row = AuditRow {
            lane: self.lane.clone(),
            sequence: i64::try_from(self.sequence).ok()?,
            at: self.at_us,
            event: self.event.clone(),
            outcome: self.outcome.clone(),
            actor: self.actor.clone(),
            subject: self.subject.clone(),
            detail: self.detail.clone(),
            mac: Vec::new(),
        };
        Some(covered(before, &row))
    }
}

/// Write every row, one JSON object a line, and return the signed head as text:
/// the head's four lines, the audit key (SPKI, base64) and the signature (base64).
pub fn export(app: &App, out: &mut impl Write) -> Result<String, ExportError> {
    let at = app.clock.now();
    let mut export = Export::new(out);
    let mut last: Option<(String, u64)> = None;
    loop {
        let after = last
            .as_ref()
            .map(|(lane, sequence)| (lane.as_str(), *sequence));
        let page = app.store.audit(after, PAGE)?;
        let Some(end) = page.last() else { break };
        last = Some((end.lane.clone(), end.sequence));
        for record in &page {
            export.row(&Line::of(record))?;
        }
    }
    let head = export.head(app.signing.name.clone(), at);
    let spki = app.signer.public_key(&app.audit_key)?;
    let kind = PublicKey::from_spki_der(&spki)
        .map_err(|_| ExportError::Key)?
        .kind();
    let signature = app.signer.sign(
        &app.audit_key,
        SignatureAlgorithm::usual_for(kind),
        &[CONTEXT, head.to_text().as_bytes()].concat(),
    )?;
    Ok(format!(
        "{}\nkey {}\nsignature {}\n",
        head.to_text(),
        STANDARD.encode(spki),
        STANDARD.encode(signature)
    ))
}

/// Check an exported log: every MAC and every sequence from 1 without a gap;
/// with the `ends` of the database, that the database has not lost any of it since;
/// with a head, its signature, size and root.
pub fn verify(
    log: &mut impl BufRead,
    mac: &AuditMac,
    ends: Option<&[End]>,
    head: Option<(&str, Option<&[u8]>)>,
) -> Result<Verified, AuditFault> {
    let log = Log::read::<Line, _>(log, |covered| Ok::<_, Infallible>(mac.of(covered)))?;
    if let Some(ends) = ends {
        log.still_in(ends)?;
    }
    if let Some((head, key)) = head {
        log.is_under(&signed_head(head, key)?)?;
    }
    Ok(log.verified())
}

/// The head in a signed head, whose signature holds.
fn signed_head(text: &str, expected_key: Option<&[u8]>) -> Result<String, AuditFault> {
    let (head_text, rest) = text.split_once("\n\nkey ").ok_or(AuditFault::Head)?;
    let head_text = format!("{head_text}\n");
    let (key, signature) = rest.split_once("\nsignature ").ok_or(AuditFault::Head)?;
    let decode = |text: &str| {
        STANDARD
            .decode(text.trim_end())
            .map_err(|_| AuditFault::Head)
    };
    let (key, signature) = (decode(key)?, decode(signature)?);
    if expected_key.is_some_and(|expected| expected != key) {
        return Err(AuditFault::Key);
    }
    let public_key = PublicKey::from_spki_der(&key).map_err(|_| AuditFault::Head)?;
    public_key
        .verify(
            SignatureAlgorithm::usual_for(public_key.kind()),
            &[CONTEXT, head_text.as_bytes()].concat(),
            &signature,
        )
        .map_err(|_| AuditFault::Signature)?;
    Ok(head_text)
}
