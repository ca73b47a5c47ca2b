//! Who may call at all. The refusal of a party that is known is a row in the
//! audit log; strangers are counted and summed, and so is a party that keeps on
//! knocking, so that a flood cannot fill the log.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
};

use governor::{DefaultKeyedRateLimiter, Quota};
use jiff::Timestamp;

use super::{App, authorise::valid_now};
use crate::port::store::{AuditEntry, Party, StoreError};

/// Refusals that have no row of their own yet.
pub struct Strangers {
    count: AtomicU64,
    rows: DefaultKeyedRateLimiter<String>,
}

impl Default for Strangers {
    fn default() -> Self {
        let ten = NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN);
        Self {
            count: AtomicU64::new(0),
            rows: DefaultKeyedRateLimiter::keyed(Quota::per_minute(ten)),
        }
    }
}

/// The gateway with this certificate (SHA-256), when it is registered and active.
pub fn admit(app: &App, certificate_sha256: &[u8; 32]) -> Result<Option<String>, StoreError> {
    let party = app.store.party_by_certificate(certificate_sha256)?;
    match party {
        Some(party) => match objection(&party, app.clock.now()) {
            None => Ok(Some(party.id)),
            Some(why) => {
                refuse(app, &party, why)?;
                Ok(None)
            }
        },
        None => {
            count(app);
            Ok(None)
        }
    }
}

fn count(app: &App) {
    metrics::counter!("jitsuin_refused_callers_total").increment(1);
    app.strangers.count.fetch_add(1, Ordering::Relaxed);
}

/// What speaks against a party that is known. The handshake looked at the dates
/// of its certificate once; a connection may outlive them.
fn objection(party: &Party, now: Timestamp) -> Option<&'static str> {
    if !party.active {
        Some("suspended")
    } else if party.kind != "gateway" {
        Some("not-a-gateway")
    } else if !valid_now(party, now) {
        Some("certificate-not-valid")
    } else {
        None
    }
}

fn refuse(app: &App, party: &Party, why: &str) -> Result<(), StoreError> {
    let name = format!("{}:{}", party.kind, party.id);
    if app.strangers.rows.check_key(&name).is_err() {
        count(app);
        return Ok(());
    }
    metrics::counter!("jitsuin_refused_callers_total").increment(1);
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
    if app.strangers.rows.check_key(&actor).is_err() {
        count(app);
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
    let count = app.strangers.count.swap(0, Ordering::Relaxed);
    if count == 0 {
        return Ok(0);
    }
    let entry = app
        .own_entry(
            app.clock.now(),
            "call",
            "interface".to_owned(),
            serde_json::json!({ "count": count }),
        )
        .refused("strangers");
    app.store.record(entry).inspect_err(|_| {
        // They are not forgotten because the database was away.
        app.strangers.count.fetch_add(count, Ordering::Relaxed);
    })?;
    Ok(count)
}
