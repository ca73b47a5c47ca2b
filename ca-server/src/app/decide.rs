//! What an officer decides on a request: the next state of the case, the paper that goes with
//! it, and, for a recording error, the revocation of the certificate (Arts 13, 31).

use jiff::Timestamp;
use pki_core::{
    calendar::JapaneseDay,
    certificate::Serial,
    disclosure::{Case, Decision, Extension, Refusal},
    id::ApplicationId,
    revocation::ground::Ground,
};

use super::{
    App,
    disclose::{self, DiscloseError, change_to, opened},
    letter::{self, LetterError},
    records::{self, Record, RecordsError},
};
use crate::port::{
    disclosure::{CaseChange, CaseFilter, StoredCase},
    store::{AuditEntry, Revocation, StoreError},
};

/// Why a case was not read or not moved on.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    #[error(transparent)]
    Case(#[from] Refusal),
    #[error("there is no such request")]
    NotFound,
    #[error("the request was changed meanwhile: read it again")]
    Stale,
    /// Art 29: what is recorded is disclosed, and "nothing" is said when nothing is.
    #[error("something is recorded about this person: it has to be disclosed")]
    Recorded,
    #[error("nothing is recorded about this person that can be disclosed")]
    NotRecorded,
    #[error("the certificate is not one of this person's")]
    ForeignCertificate,
    #[error("the request cannot be read")]
    Disclose(#[from] DiscloseError),
    #[error("the records cannot be read")]
    Records(#[from] RecordsError),
    #[error("the paper cannot be made")]
    Letter(#[from] LetterError),
}

impl From<crate::port::store::StoreError> for DecideError {
    fn from(error: crate::port::store::StoreError) -> Self {
        Self::Disclose(error.into())
    }
}

/// A case as an officer sees it.
pub struct Seen {
    pub stored: StoredCase,
    pub case: Case,
    pub records: Vec<Record>,
}

/// A request with the person's records. Reading it is in the audit log before it is shown.
pub fn view(app: &App, who: &str, id: ApplicationId) -> Result<Seen, DecideError> {
    let seen = read(app, id)?;
    app.store.record(AuditEntry {
        at: app.clock.now(),
        event: "disclosure.view",
        outcome: "done".to_owned(),
        actor: who.to_owned(),
        subject: format!("disclosure:{id}"),
        detail: serde_json::json!({
            "certificates": seen
                .records
                .iter()
                .map(|record| record.serial.to_string())
                .collect::<Vec<_>>(),
        }),
    })?;
    Ok(seen)
}

fn read(app: &App, id: ApplicationId) -> Result<Seen, DecideError> {
    let stored = app
        .store
        .case(id.as_bytes())?
        .ok_or(DecideError::NotFound)?;
    let case = opened(app, &stored)?;
    let records = records::of(app, &case)?;
    Ok(Seen {
        stored,
        case,
        records,
    })
}

/// Requests, those that are owed first.
pub fn list(app: &App, step: &str) -> Result<Vec<Case>, DecideError> {
    let filter = CaseFilter {
        step: Some(step.to_owned()),
        by_due: step == "open",
        limit: 500,
        ..CaseFilter::default()
    };
    let mut cases = app
        .store
        .cases(&filter)?
        .iter()
        .map(|stored| opened(app, stored))
        .collect::<Result<Vec<_>, _>>()?;
    if step == "open" {
        // A correction is due without delay: from its first day on it stands before the rest.
        cases.sort_by_key(|case| case.due().unwrap_or(case.request.requested_on));
    }
    Ok(cases)
}

/// What is done with a case.
pub enum Move<'a> {
    Decide(&'a Decision),
    Extend(Extension),
    HandOver,
    Posted,
}

/// The change that a move makes; `version` is the one that the officer saw. Changes nothing.
pub fn plan(
    app: &App,
    by: &str,
    id: ApplicationId,
    version: u32,
    wish: Move<'_>,
    now: Timestamp,
) -> Result<CaseChange, DecideError> {
    let seen = read(app, id)?;
    if seen.stored.version != version {
        return Err(DecideError::Stale);
    }
    let today = JapaneseDay::of(now);
    let mut revoke = None;
    let mut paper = None;
    let case = match wish {
        Move::Decide(decision) => {
            fits(decision, &seen.records)?;
            let case = seen.case.decide(decision.clone(), by, now)?;
            let letter = letter::answer(&case, decision, &seen.records, today);
            paper = Some(letter::to_pdf(app, &letter, now)?);
            if let Decision::Correct {
                revoke: Some(serial),
                ..
            } = decision
            {
                revoke = Some(recording_error(app, serial, now)?);
            }
            case
        }
        Move::Extend(extension) => seen.case.extend(extension, by, now)?,
        Move::HandOver => seen.case.hand_over(app.office.addressee.clone(), by, now)?,
        Move::Posted => seen.case.deliver(by, now)?,
    };
    let change =
        change_to(app, &seen.stored, &case, paper.as_deref(), now).map_err(DiscloseError::from)?;
    Ok(CaseChange { revoke, ..change })
}

/// The decision says what the records say.
fn fits(decision: &Decision, records: &[Record]) -> Result<(), DecideError> {
    let disclosed = records.iter().any(Record::is_disclosed);
    match decision {
        Decision::Disclose if !disclosed => Err(DecideError::NotRecorded),
        Decision::NoRecord if disclosed => Err(DecideError::Recorded),
        Decision::Correct {
            revoke: Some(serial),
            ..
        } if !records
            .iter()
            .any(|record| record.is_disclosed() && record.serial == *serial) =>
        {
            Err(DecideError::ForeignCertificate)
        }
        _ => Ok(()),
    }
}

/// Art 13: what was recorded with an error loses its effect when that is recorded.
fn recording_error(app: &App, serial: &Serial, now: Timestamp) -> Result<Revocation, StoreError> {
    let ground = Ground::Article13;
    Ok(Revocation {
        issuer: app.issuer_of(serial)?.name.clone(),
        serial: serial.as_octets().to_vec(),
        ground: ground.as_str().to_owned(),
        reason: Some(ground.reason_code()),
        at: now,
        // The governor's, in whichever municipality the person applied.
        municipalities: None,
        // The officers' acts behind it are kept by themselves.
        proof: None,
    })
}

/// The answer as PDF. Reading it is in the audit log before it is shown.
pub fn answer(app: &App, who: &str, id: ApplicationId) -> Result<Vec<u8>, DecideError> {
    let seen = view(app, who, id)?;
    Ok(disclose::answer(app, &seen.stored)?)
}

/// The letter that tells of an extension, as PDF. Reading it is in the audit log.
pub fn extension(app: &App, who: &str, id: ApplicationId) -> Result<Vec<u8>, DecideError> {
    let seen = view(app, who, id)?;
    let told = seen.case.extension.as_ref().ok_or(DecideError::NotFound)?;
    let at = seen
        .case
        .history
        .iter()
        .find(|event| matches!(event.what, pki_core::disclosure::Happening::Extended(_)))
        .map_or(seen.case.receipt.at, |event| event.at);
    let letter = letter::extension(&seen.case, told, JapaneseDay::of(at));
    Ok(letter::to_pdf(app, &letter, at)?)
}
