//! What is written down about every act and every refusal.

use pki_core::id::{ApplicationId, KioskId, OperatorId, TerminalId};
use serde::{Deserialize, Serialize};
use service::audit::{End, Mac, Row};

use super::{store::StoreError, token::MasterFault};

/// One line of the audit. It names things, never what they contain: no personal
/// data, no secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEntry {
    /// Kebab-case name of the act: `identify`.
    pub act: &'static str,
    /// The refusal's kebab-case reason; absent when the act was done.
    pub refused: Option<String>,
    /// Terminal that asked.
    pub terminal: Option<TerminalId>,
    /// Operator who asked.
    pub operator: Option<OperatorId>,
    /// Kiosk that asked.
    pub kiosk: Option<KioskId>,
    /// Application concerned.
    pub application: Option<ApplicationId>,
    /// Another reference: a visit, a serial, a receipt number, a party.
    pub reference: Option<String>,
}

/// The MAC key of the audit, outside the database.
///
/// Promise: the same message gives the same MAC on every node and after a restart;
/// nobody without the gateway's token can compute it. While the key is not to be had
/// nothing is audited, and so nothing is done.
pub trait AuditMac: Send + Sync {
    /// MAC of a row's bytes.
    fn mac(&self, message: &[u8]) -> Result<[u8; 32], MasterFault>;
}

/// One row of the audit as it was written; as JSON, one line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRecord {
    /// The gateway node that wrote it.
    pub node: String,
    /// Its number in the node's chain, counted from 1.
    pub sequence: u64,
    /// Microseconds since 1970-01-01T00:00:00Z, as in the MAC.
    pub at_us: i64,
    /// As in [`AuditEntry`].
    pub act: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Terminal that asked.
    pub terminal: Option<String>,
    /// Operator who asked.
    pub operator: Option<String>,
    /// Kiosk that asked.
    pub kiosk: Option<String>,
    /// Application concerned.
    pub application: Option<String>,
    /// Another reference.
    pub reference: Option<String>,
    /// MAC over [`Row::covered`], hex.
    pub mac: String,
}

impl Row for AuditRecord {
    fn lane(&self) -> &str {
        &self.node
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn mac(&self) -> Option<Mac> {
        let mut mac = [0; 32];
        hex::decode_to_slice(&self.mac, &mut mac).ok()?;
        Some(mac)
    }

    /// Every column with its length before it (absent ones apart from empty ones), then
    /// the MAC of the row before.
    fn covered(&self, before: &Mac) -> Option<Vec<u8>> {
        let mut bytes = b"jitsuin-ra-audit-v1\0".to_vec();
        let mut text = |value: Option<&str>| match value {
            None => bytes.push(0),
            Some(value) => {
                bytes.push(1);
                bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
                bytes.extend_from_slice(value.as_bytes());
            }
        };
        text(Some(&self.node));
        text(Some(&self.sequence.to_string()));
        text(Some(&self.at_us.to_string()));
        text(Some(&self.act));
        text(Some(&self.outcome));
        for column in [
            &self.reason,
            &self.terminal,
            &self.operator,
            &self.kiosk,
            &self.application,
            &self.reference,
        ] {
            text(column.as_deref());
        }
        bytes.extend_from_slice(before);
        Some(bytes)
    }
}

/// The audit as it is read. It is written by the transactions of the store alone.
pub trait AuditLog: Send + Sync {
    /// Rows in order of node and number, those after the given row; at most `limit`.
    fn audit_rows(
        &self,
        after: Option<(&str, u64)>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError>;

    /// Where each node's chain ends.
    fn audit_ends(&self) -> Result<Vec<End>, StoreError>;
}
