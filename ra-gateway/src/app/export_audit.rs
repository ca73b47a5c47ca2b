//! The audit as JSON lines with its head. The gateway's token holds no key that signs,
//! so the head carries a MAC under the key of the audit: whoever verifies needs the
//! gateway's token, as for the rows.

use std::io::{self, BufRead, Write};

use jiff::Timestamp;
use service::audit::{AuditFault, End, Export, Log, Verified};

use crate::port::{AuditLog, AuditMac, AuditRecord, MasterFault, StoreError};

/// Rows read at once.
const PAGE: u32 = 5_000;
/// Who keeps the log, in its head.
const ORIGIN: &str = "ra-gateway";
/// What stands before the head in the bytes of its MAC. No row begins so.
const CONTEXT: &[u8] = b"jitsuin-ra-audit-head-v1\0";

/// Why the audit was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database.
    #[error("the audit cannot be read")]
    Store(#[from] StoreError),
    /// The token.
    #[error("the head cannot be made without the gateway's token")]
    Mac(#[from] MasterFault),
    /// The file.
    #[error("the export cannot be written")]
    Write(#[from] io::Error),
}

/// Writes every row, one JSON object a line, and returns the head as text: its four
/// lines and its MAC.
pub fn export(
    log: &dyn AuditLog,
    mac: &dyn AuditMac,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<String, ExportError> {
    let mut export = Export::new(out);
    let mut last: Option<(String, u64)> = None;
    loop {
        let after = last.as_ref().map(|(node, number)| (node.as_str(), *number));
        let page = log.audit_rows(after, PAGE)?;
        for record in &page {
            export.row(record)?;
        }
        let Some(end) = page.into_iter().next_back() else {
            break;
        };
        last = Some((end.node, end.sequence));
    }
    let head = export.head(ORIGIN.to_owned(), now).to_text();
    let made = mac.mac(&[CONTEXT, head.as_bytes()].concat())?;
    Ok(format!("{head}\nmac {}\n", hex::encode(made)))
}

/// Checks an exported log: every MAC and every number from 1 without a gap, its head;
/// with the `ends` of the database, that the database has lost none of it since.
pub fn verify(
    log: &mut impl BufRead,
    head: &str,
    mac: &dyn AuditMac,
    ends: Option<&[End]>,
) -> Result<Verified, AuditFault> {
    let log = Log::read::<AuditRecord, _>(log, |covered| mac.mac(covered))?;
    if let Some(ends) = ends {
        log.still_in(ends)?;
    }
    let (text, made) = head.split_once("\n\nmac ").ok_or(AuditFault::Head)?;
    let text = format!("{text}\n");
    let expected = mac
        .mac(&[CONTEXT, text.as_bytes()].concat())
        .map_err(|error| AuditFault::Keyless(Box::new(error)))?;
    if made.trim_end() != hex::encode(expected) {
        return Err(AuditFault::Signature);
    }
    log.is_under(&text)?;
    Ok(log.verified())
}
