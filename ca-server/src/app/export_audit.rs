//! The audit log as JSON lines, the Merkle tree over them, and its signed head.
//! Lanes stand one after the other, each in its own order.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use pki_core::{
    audit::{Head, Tree, leaf},
    certificate::{PublicKey, SignatureAlgorithm},
};
use schema::ca::rows::AuditRow;
use serde::{Deserialize, Serialize};

use super::App;
use crate::{
    adapter::database::AuditMac,
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

    fn row(&self) -> Option<AuditRow> {
        Some(AuditRow {
            lane: self.lane.clone(),
            sequence: i64::try_from(self.sequence).ok()?,
            at: self.at_us,
            event: self.event.clone(),
            outcome: self.outcome.clone(),
            actor: self.actor.clone(),
            subject: self.subject.clone(),
            detail: self.detail.clone(),
            mac: hex::decode(&self.mac).ok()?,
        })
    }
}

/// Write every row, one JSON object a line, and return the signed head as text:
/// the head's four lines, the audit key (SPKI, base64) and the signature (base64).
pub fn export(app: &App, out: &mut impl Write) -> Result<String, ExportError> {
    let at = app.clock.now();
    let mut tree = Tree::default();
    let mut last: Option<(String, u64)> = None;
    loop {
        let after = last
            .as_ref()
            .map(|(lane, sequence)| (lane.as_str(), *sequence));
        let page = app.store.audit(after, PAGE)?;
        let Some(end) = page.last() else { break };
        last = Some((end.lane.clone(), end.sequence));
        for record in &page {
            let line = serde_json::to_string(&Line::of(record)).map_err(io::Error::other)?;
            tree.push(leaf(line.as_bytes()));
            out.write_all(line.as_bytes())?;
            out.write_all(b"\n")?;
        }
    }
    let head = Head {
        origin: app.signing.name.clone(),
        size: tree.size(),
        root: tree.root(),
        at,
    };
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

/// What a check of an exported log found right.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    pub rows: u64,
    pub lanes: usize,
    pub root: [u8; 32],
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    #[error("the log cannot be read")]
    Read(#[from] io::Error),
    #[error("line {0} is not a row of an audit log")]
    Line(u64),
    #[error("line {line}: lane {lane} goes from row {before} to row {now}")]
    Gap {
        line: u64,
        lane: String,
        before: u64,
        now: u64,
    },
    #[error("line {0}: the row or one before it was changed")]
    Mac(u64),
    #[error("lane {lane}: the log has {found} rows, the database has {stored} or others")]
    Cut {
        lane: String,
        found: u64,
        stored: u64,
    },
    #[error("the head is malformed")]
    Head,
    #[error("the head's signature does not verify")]
    Signature,
    #[error("the head is signed by another key than the audit key")]
    Key,
    #[error("the head speaks of {head} rows, the log has {log}")]
    Size { head: u64, log: u64 },
    #[error("the head's root is not that of the log")]
    Root,
}

/// Check an exported log: every MAC and every sequence from 1 without a gap;
/// with the `ends` of the database, that the database has not lost any of it since;
/// with a head, its signature, size and root.
pub fn verify(
    log: &mut impl BufRead,
    mac: &AuditMac,
    ends: Option<&[(String, u64, [u8; 32])]>,
    head: Option<(&str, Option<&[u8]>)>,
) -> Result<Verified, AuditFault> {
    let mut tree = Tree::default();
    let mut lanes: BTreeMap<String, (u64, [u8; 32])> = BTreeMap::new();
    let mut text = String::new();
    let mut number = 0;
    loop {
        text.clear();
        if log.read_line(&mut text)? == 0 {
            break;
        }
        number += 1;
        let line = text.strip_suffix('\n').ok_or(AuditFault::Line(number))?;
        tree.push(leaf(line.as_bytes()));
        let parsed: Line = serde_json::from_str(line).map_err(|_| AuditFault::Line(number))?;
        let row = parsed.row().ok_or(AuditFault::Line(number))?;
        let (before, before_mac) = lanes.get(&row.lane).copied().unwrap_or((0, [0; 32]));
        if parsed.sequence != before + 1 {
            return Err(AuditFault::Gap {
                line: number,
                lane: row.lane,
                before,
                now: parsed.sequence,
            });
        }
        let expected = mac.of(&before_mac, &row);
        if row.mac != expected {
            return Err(AuditFault::Mac(number));
        }
        lanes.insert(row.lane, (parsed.sequence, expected));
    }
    if let Some(ends) = ends {
        for (lane, (found, found_mac)) in &lanes {
            let stored = ends.iter().find(|(name, ..)| name == lane);
            let kept = stored.is_some_and(|(_, sequence, mac)| {
                sequence > found || sequence == found && mac == found_mac
            });
            if !kept {
                return Err(AuditFault::Cut {
                    lane: lane.clone(),
                    found: *found,
                    stored: stored.map_or(0, |(_, sequence, _)| *sequence),
                });
            }
        }
    }
    if let Some((head, key)) = head {
        check_head(head, key, &tree)?;
    }
    Ok(Verified {
        rows: tree.size(),
        lanes: lanes.len(),
        root: tree.root(),
    })
}

fn check_head(text: &str, expected_key: Option<&[u8]>, tree: &Tree) -> Result<(), AuditFault> {
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
    let head = Head::from_text(&head_text).map_err(|_| AuditFault::Head)?;
    if head.size != tree.size() {
        return Err(AuditFault::Size {
            head: head.size,
            log: tree.size(),
        });
    }
    if head.root != tree.root() {
        return Err(AuditFault::Root);
    }
    Ok(())
}
