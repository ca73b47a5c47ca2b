//! The circuit breaker: stops are told to the authority, and what two of its officers signed
//! opens issuing again. Their signatures are judged here; the authority only carries them.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use pki_core::release::{OfficerSignature, ReleaseFault, SignedRelease};
use schema::wire::v1::stop::{MOST_STOPS, Stop, StopRelease, StopReport};
use sha2::{Digest, Sha256};

use super::{
    App,
    refusal::{Failure, Reason, refuse},
};
use crate::port::{AuditEntry, BreakerStop, StoreError};

/// The release that was refused last: it comes again with every answer, and has one row.
#[derive(Default)]
pub struct RefusedRelease(Mutex<Option<[u8; 32]>>);

/// What came of asking the authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Stops that were released now.
    pub released: usize,
    /// Stops that hold.
    pub open: usize,
}

impl App {
    /// While a stop holds nothing is issued and no certificate goes onto a card.
    pub(super) fn not_stopped(&self) -> Result<(), Failure> {
        if self.store.stops()?.is_empty() {
            return Ok(());
        }
        refuse(
            Reason::IssuingStopped,
            "issuing is stopped until two officers of the authority release it",
        )
    }

    /// Tells the authority every stop that holds, and takes what its officers released.
    pub fn follow_stops(&self) -> Result<Followed, Failure> {
        let now = self.clock.now();
        let stops = self.store.stops()?;
        if stops.is_empty() {
            return Ok(Followed::default());
        }
        let report = StopReport {
            stops: stops.iter().take(MOST_STOPS).map(told).collect(),
        };
        let mut followed = Followed {
            released: 0,
            open: stops.len(),
        };
        for release in self.authority.tell_stops(&report)?.releases {
            if self.release_stop(&stops, &release, now)? {
                followed.released += 1;
                followed.open -= 1;
            }
        }
        Ok(followed)
    }

    /// Takes a release that came as a file from the console, where the authority cannot be
    /// reached. It is judged like any other.
    pub fn release_by_file(&self, release: &StopRelease) -> Result<bool, Failure> {
        let now = self.clock.now();
        self.release_stop(&self.store.stops()?, release, now)
    }

    fn release_stop(
        &self,
        stops: &[BreakerStop],
        release: &StopRelease,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let Some(stop) = stops.iter().find(|stop| stop.id == release.stop) else {
            return Ok(false);
        };
        let entry = AuditEntry {
            act: "release-breaker",
            application: Some(stop.application),
            ..AuditEntry::default()
        };
        let proof =
            serde_json::to_string(release).map_err(|fault| Failure::Broken(fault.into()))?;
        let judged = signed(release)
            .and_then(|signed| signed.verify(&self.settings.officers, &stop.id, &stop.serial, now));
        match judged {
            Ok(released) => {
                let by = format!("{} {}", released.proposer, released.second);
                let entry = AuditEntry {
                    reference: Some(format!("{} by {by}", stop.id)),
                    ..entry
                };
                Ok(self
                    .store
                    .release_stop(&stop.id, &by, &released.reason, &proof, now, &entry)?)
            }
            Err(fault) => {
                tracing::error!(
                    error = &fault as &dyn std::error::Error,
                    "a release of the breaker does not hold"
                );
                self.refused_release(&entry, &stop.id, &proof, now)?;
                Ok(false)
            }
        }
    }

    fn refused_release(
        &self,
        entry: &AuditEntry,
        stop: &str,
        proof: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let digest: [u8; 32] = Sha256::digest(proof.as_bytes()).into();
        let known = *self
            .refused_release
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known == Some(digest) {
            return Ok(());
        }
        let entry = AuditEntry {
            refused: Some("release-refused".to_owned()),
            reference: Some(stop.to_owned()),
            ..entry.clone()
        };
        self.store.audit(&entry, now)?;
        *self
            .refused_release
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(digest);
        Ok(())
    }
}

fn told(stop: &BreakerStop) -> Stop {
    Stop {
        id: stop.id.clone(),
        serial: stop.serial.clone(),
        application: stop.application.to_string(),
        terminal: stop.terminal.clone(),
        operator: stop.operator.clone(),
        tripped_at: stop.tripped_at.to_string(),
    }
}

fn signed(release: &StopRelease) -> Result<SignedRelease, ReleaseFault> {
    let part = |one: &schema::wire::v1::stop::OfficerSignature| {
        Ok(OfficerSignature {
            officer: one.officer.parse().map_err(|_| ReleaseFault::Deed)?,
            certificate: one.certificate.0.clone(),
            signature: one.signature.0.clone(),
        })
    };
    Ok(SignedRelease {
        act: release.act.parse().map_err(|_| ReleaseFault::Deed)?,
        deed: release.deed.0.clone(),
        proposer: part(&release.proposer)?,
        second: part(&release.second)?,
    })
}
