//! What register events did, for the windows to tell the residents.

use pki_core::person::municipality::MunicipalityCode;

use super::App;
use crate::port::store::{AuditEntry, StoreError, ToldRevocation};

/// Most revocations in one answer.
const MOST: u32 = 500;

/// Certificates that events after `since` revoked; `None` for a municipality that this authority
/// does not serve. An answer that tells of anybody is in the audit log.
pub fn list(
    app: &App,
    gateway: &str,
    municipality: MunicipalityCode,
    since: u64,
) -> Result<Option<Vec<ToldRevocation>>, StoreError> {
    if app.place(municipality).is_none() {
        return Ok(None);
    }
    let now = app.clock.now();
    let told = app
        .store
        .register_revocations(&municipality.to_string(), since, MOST)?;
    if let Some(last) = told.last() {
        app.store.record(AuditEntry {
            at: now,
            event: "register.told",
            outcome: "done".to_owned(),
            actor: format!("gateway:{gateway}"),
            subject: format!("register:{municipality}"),
            detail: serde_json::json!({ "after": since, "to": last.sequence }),
        })?;
    }
    Ok(Some(told))
}
