//! The circuit breaker of a gateway (wrong governor or date in a certificate's image): what the
//! gateways tell, and the release by two officers, which travels with both signatures so that
//! the gateway judges it by itself.

use jiff::Timestamp;
use pki_core::{
    certificate::Serial,
    id::{ApplicationId, OperatorId, Sha256Digest, TerminalId},
    officer::{OfficerDeed, Part, SignFault, Statement},
    release::REASON_CHARACTERS,
};
use schema::wire::v1::stop::{MOST_STOPS, OfficerSignature, StopRelease, StopReleases, StopReport};

use super::{
    App,
    authorise::enrolled_key,
    officer::{Known, Officer, OfficerError},
};
use crate::port::{
    stop::{GatewayStop, NoteStop},
    store::{AuditEntry, StoreError},
};

/// Why a report was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// Where in the message, and what is wrong there.
    #[error("{0}: {1}")]
    Malformed(String, &'static str),
    #[error("this gateway has too many open stops; have officers release them")]
    TooMany,
    #[error("a stored release cannot be read")]
    Unreadable(#[source] serde_json::Error),
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
}

/// Take a gateway's stops in and answer with what officers have released of them.
pub fn receive(app: &App, gateway: &str, report: &StopReport) -> Result<StopReleases, StopError> {
    let now = app.clock.now();
    // 1. Every one can be read before any is kept.
    if report.stops.len() > MOST_STOPS {
        return Err(StopError::Malformed("/stops".into(), "at most 100 at once"));
    }
    let stops = report
        .stops
        .iter()
        .enumerate()
        .map(|(place, stop)| read(stop, gateway, now, place))
        .collect::<Result<Vec<_>, _>>()?;
    // 2. Those not told before are kept.
    let mut releases = Vec::new();
    for stop in stops {
        let id = stop.id.clone();
        let entry = AuditEntry {
            at: now,
            event: "stop.tell",
            outcome: "done".to_owned(),
            actor: format!("gateway:{gateway}"),
            subject: format!("stop:{gateway}/{id}"),
            detail: serde_json::json!({
                "serial": stop.serial, "application": stop.application,
                "terminal": stop.terminal, "operator": stop.operator,
                "tripped_at": stop.tripped_at.to_string(),
            }),
        };
        match app.store.note_stop(stop, entry)? {
            NoteStop::Noted => {}
            NoteStop::TooMany => return Err(StopError::TooMany),
            // 3. One told before may have been released.
            NoteStop::Known => {
                let released = app.store.stop(&id)?.and_then(|stop| stop.release);
                if let Some((bytes, _)) = released {
                    releases.push(serde_json::from_slice(&bytes).map_err(StopError::Unreadable)?);
                }
            }
        }
    }
    Ok(StopReleases { releases })
}

fn read(
    stop: &schema::wire::v1::stop::Stop,
    gateway: &str,
    now: Timestamp,
    place: usize,
) -> Result<GatewayStop, StopError> {
    let bad = |field: &str, why| StopError::Malformed(format!("/stops/{place}/{field}"), why);
    // The same form as an application's id: 16 bytes in lower-case hex.
    let id: ApplicationId = stop
        .id
        .parse()
        .map_err(|_| bad("id", "not 32 hex digits"))?;
    let application: ApplicationId = stop
        .application
        .parse()
        .map_err(|_| bad("application", "not an application's id"))?;
    let serial: Serial = stop
        .serial
        .parse()
        .map_err(|_| bad("serial", "not a serial number in hex"))?;
    let terminal: TerminalId = stop
        .terminal
        .parse()
        .map_err(|_| bad("terminal", "not a terminal's id"))?;
    let operator: OperatorId = stop
        .operator
        .parse()
        .map_err(|_| bad("operator", "not an operator's id"))?;
    let tripped_at = stop
        .tripped_at
        .parse()
        .map_err(|_| bad("tripped_at", "not a time (RFC 3339)"))?;
    Ok(GatewayStop {
        id: id.to_string(),
        gateway: gateway.to_owned(),
        serial: serial.to_string(),
        application: application.to_string(),
        terminal: terminal.to_string(),
        operator: operator.to_string(),
        tripped_at,
        told_at: now,
        release: None,
    })
}

/// Whether a release could be carried out as things stand.
pub(super) fn check(app: &App, deed: &OfficerDeed) -> Result<(), OfficerError> {
    let OfficerDeed::ReleaseStop {
        gateway,
        stop,
        serial,
        reason,
    } = deed
    else {
        return Err(OfficerError::NotFound);
    };
    let known = app.store.stop(stop)?.ok_or(OfficerError::NotFound)?;
    if known.gateway != *gateway || known.serial != *serial {
        return Err(OfficerError::NotFound);
    }
    if known.release.is_some() {
        return Err(OfficerError::NothingToDo);
    }
    let plain = reason.chars().all(|c| c == '\n' || !c.is_control());
    if reason.trim().is_empty() || reason.chars().count() > REASON_CHARACTERS || !plain {
        return Err(OfficerError::Reason);
    }
    Ok(())
}

/// Lay both officers' signatures beside the stop; the gateway is given them when it asks.
pub(super) fn release(
    app: &App,
    second: &Officer,
    known: &Known,
    signature: &[u8],
    now: Timestamp,
) -> Result<(), OfficerError> {
    let OfficerDeed::ReleaseStop { stop, .. } = &known.deed else {
        return Err(OfficerError::NotFound);
    };
    let first = known
        .act
        .first_signature
        .as_deref()
        .ok_or(OfficerError::Unreadable)?;
    let proposer = signed_by(app, &known.act.proposer, first)?;
    // The gateway would refuse a signature that the officer's present certificate does not bear
    // out, as after a renewed card: then the release has to be made again.
    let party = app
        .store
        .party("officer", &known.act.proposer)?
        .filter(|party| party.active)
        .ok_or(OfficerError::NoParty)?;
    let key = enrolled_key(app, &party, "officer", now).map_err(|_| SignFault::Key)?;
    let deed = known.deed.to_bytes();
    Statement {
        version: 1,
        prefecture: app.prefecture.to_string(),
        officer: party.id.parse().map_err(|_| OfficerError::Unreadable)?,
        act: ApplicationId::from_bytes(known.act.id),
        part: Part::Propose,
        deed: known.deed.name().to_owned(),
        subject: known.deed.subject(),
        deed_sha256: Sha256Digest::of(&deed),
    }
    .verify(&key, first)?;
    let release = StopRelease {
        stop: stop.clone(),
        act: ApplicationId::from_bytes(known.act.id).to_string(),
        deed: deed.into(),
        proposer,
        second: signed_by(app, second.id.as_str(), signature)?,
    };
    let bytes = serde_json::to_vec(&release).map_err(|_| OfficerError::Unreadable)?;
    let entry = AuditEntry {
        at: now,
        event: "stop.release",
        outcome: "done".to_owned(),
        actor: format!("officer:{} {}", known.act.proposer, second.actor()),
        subject: known.deed.subject(),
        detail: serde_json::json!({ "act": release.act }),
    };
    if app.store.release_stop(stop, bytes, now, entry)? {
        Ok(())
    } else {
        Err(OfficerError::NothingToDo)
    }
}

fn signed_by(app: &App, officer: &str, signature: &[u8]) -> Result<OfficerSignature, OfficerError> {
    let party = app
        .store
        .party("officer", officer)?
        .ok_or(OfficerError::NoParty)?;
    Ok(OfficerSignature {
        officer: party.id,
        certificate: party.certificate.into(),
        signature: signature.to_vec().into(),
    })
}
