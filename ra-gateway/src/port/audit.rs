//! What is written down about every act and every refusal.

use pki_core::id::{ApplicationId, KioskId, OperatorId, TerminalId};

use super::token::MasterFault;

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
