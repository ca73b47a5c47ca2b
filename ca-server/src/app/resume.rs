//! Serials that were reserved and never completed are given up: at the start,
//! after a failure and by a sweep, all through the same [`abandon`].

use jiff::{SignedDuration, Timestamp};

use super::{App, certificate_subject};
use crate::port::store::StoreError;

/// No step between reserving and completing takes so long.
const LONGEST_ISSUE: SignedDuration = SignedDuration::from_secs(60);

/// Give one serial up for good: it is never signed again and stands on the CRL
/// until the notAfter of its stored bytes.
pub fn abandon(
    app: &App,
    issuer: &str,
    serial: &[u8],
    now: Timestamp,
    why: &'static str,
) -> Result<bool, StoreError> {
    let entry = app.own_entry(
        now,
        "issue.abandon",
        certificate_subject(issuer, serial),
        serde_json::json!({ "why": why }),
    );
    let abandoned = app.store.abandon(issuer, serial, now, entry)?;
    if abandoned {
        metrics::counter!("jitsuin_serials_abandoned_total").increment(1);
        app.publisher.ring();
    }
    Ok(abandoned)
}

/// At the start: whatever this node left reserved is given up. Answers how many.
pub fn resume(app: &App) -> Result<usize, StoreError> {
    let now = app.clock.now();
    let left = app.store.reserved_by(&app.node)?;
    for (issuer, serial) in &left {
        abandon(app, issuer, serial, now, "found at start")?;
    }
    Ok(left.len())
}

/// Now and then: what a failure left behind because the database was away just then.
pub fn sweep(app: &App) -> Result<usize, StoreError> {
    let now = app.clock.now();
    let mut count = 0;
    for (issuer, serial) in app.store.reserved_by(&app.node)? {
        let Some(stored) = app.store.certificate(&issuer, &serial)? else {
            continue;
        };
        if now.duration_since(stored.reserved_at) > LONGEST_ISSUE
            && abandon(app, &issuer, &serial, now, "left over")?
        {
            count += 1;
        }
    }
    Ok(count)
}

/// A reserved serial in the hands of a use-case. Unless it is completed, it is
/// abandoned when the use-case ends, whichever way it ends.
pub(super) struct Held<'a> {
    app: &'a App,
    issuer: &'a str,
    serial: Option<Vec<u8>>,
    now: Timestamp,
}

impl<'a> Held<'a> {
    /// From before the reservation on: even one whose answer was lost is given up.
    pub fn new(app: &'a App, issuer: &'a str, serial: &[u8], now: Timestamp) -> Self {
        Self {
            app,
            issuer,
            serial: Some(serial.to_owned()),
            now,
        }
    }

    /// The certificate is stored, or the serial was never ours.
    pub fn release(mut self) {
        self.serial = None;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(serial) = self.serial.take()
            && let Err(error) = abandon(self.app, self.issuer, &serial, self.now, "failed")
        {
            // The sweep or the next start does it.
            tracing::warn!(error = %crate::causes(&error), "a serial waits to be abandoned");
        }
    }
}
