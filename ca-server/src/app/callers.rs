//! Who may call at all. The refusal of a party that is known is a row in the
//! audit log; strangers are counted and summed, and so is a party that keeps on
//! knocking, so that a flood cannot fill the log.

use super::{App, authorise::valid_now};
use crate::port::store::{AuditEntry, Party, StoreError};

/// The gateway with this certificate (SHA-256), when it is registered and active.
pub fn admit(app: &App, certificate_sha256: &[u8; 32]) -> Result<Option<String>, StoreError> {
    let party = app.store.party_by_certificate(certificate_sha256)?;
    match party {
        Some(party) => match objection(app, &party) {
            None => Ok(Some(party.id)),
            Some(why) => {
                refuse(app, &party, why)?;
                Ok(None)
            }
        },
        None => {
            refused();
            app.strangers.count();
            Ok(None)
        }
    }
}

fn refused() {
    metrics::counter!("jitsuin_refused_callers_total").increment(1);
}

/// What speaks against a party that is known. The handshake looked at the dates
/// of its certificate once; a connection may outlive them.
fn objection(app: &App, party: &Party) -> Option<&'static str> {
    if !party.active {
        Some("suspended")
    } else if party.kind != "gateway" {
        Some("not-a-gateway")
    } else if !valid_now(app, party, app.clock.now()) {
        Some("certificate-not-valid")
    } else {
        None
    }
}

pub(super) fn refuse(app: &App, party: &Party, why: &str) -> Result<(), StoreError> {
    let name = format!("{}:{}", party.kind, party.id);
    refused();
    if !app.strangers.has_row(&name) {
        return Ok(());
    }
    app.store.record(AuditEntry {
        at: app.clock.now(),
        event: "call",
        outcome: why.to_owned(),
        actor: name,
        subject: "interface".to_owned(),
        detail: serde_json::json!({}),
    })
}

/// A gateway's message that cannot be read: a row like that of any other refusal,
/// and no more rows than a party that keeps on knocking has.
pub fn refuse_message(
    app: &App,
    gateway: &str,
    event: &'static str,
    why: &str,
) -> Result<(), StoreError> {
    let actor = format!("gateway:{gateway}");
    if !app.strangers.has_row(&actor) {
        refused();
        return Ok(());
    }
    app.store.record(AuditEntry {
        at: app.clock.now(),
        event,
        outcome: why.to_owned(),
        actor,
        subject: "message".to_owned(),
        detail: serde_json::json!({}),
    })
}

/// Once a minute: one row for all refusals that have none.
pub fn sum_up(app: &App) -> Result<u64, StoreError> {
    app.strangers.sum_up(|count| {
        app.store.record(
            app.own_entry(
                app.clock.now(),
                "call",
                "interface".to_owned(),
                serde_json::json!({ "count": count }),
            )
            .refused("strangers"),
        )
    })
}
