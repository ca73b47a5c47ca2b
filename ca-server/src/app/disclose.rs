//! Disclosure and correction as the window sees them: a request is taken in and forwarded, its
//! state is told, and the answer is handed over. What is decided is [`super::decide`]'s.

use jiff::Timestamp;
use pki_core::{
    act::Deed,
    calendar::JapaneseDay,
    disclosure::{self, Case, Identification, Receipt, RequestContent, RequestFault, Term, Wish},
    id::{ApplicationId, Sha256Digest},
};
use schema::wire::v1::disclosure::{
    DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
};

use super::{
    App,
    authorise::{self, Permitted, Refusal, Unauthorised, authorise},
    records::resident_hash,
};
use crate::port::{
    disclosure::{CaseChange, CaseFilter, ChangeCase, NewCase, ReceiveCase, StoredCase},
    store::{AuditEntry, StoreError},
    vault::VaultError,
};

/// Most requests in a list.
const LIST: u32 = 500;

/// Why a request was not taken in or an answer not handed over.
#[derive(Debug, thiserror::Error)]
pub enum DiscloseError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request as it stands on the paper.
    #[error("the request")]
    Request(#[from] RequestFault),
    /// What was signed and what was sent differ.
    #[error("{0} in the act differs from what was sent")]
    Mismatch(&'static str),
    /// The state of the request does not allow it.
    #[error(transparent)]
    Case(#[from] disclosure::Refusal),
    /// Not of this municipality, or not at all.
    #[error("there is no such request in this municipality")]
    NotFound,
    /// The id or the idempotency key belongs to another request.
    #[error("the id or the idempotency key belongs to another request")]
    Taken,
    /// Somebody changed it meanwhile.
    #[error("the request was changed meanwhile; send this again")]
    Stale,
    #[error("a stored request cannot be read")]
    Unreadable,
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
}

impl From<Unauthorised> for DiscloseError {
    fn from(error: Unauthorised) -> Self {
        match error {
            Unauthorised::Refused(refusal) => Self::Refused(refusal),
            Unauthorised::Store(error) => Self::Store(error),
        }
    }
}

impl DiscloseError {
    /// The name in the audit row, for what is a refusal and not yet in the log.
    fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.name()),
            Self::Request(_) => Some("request-refused"),
            Self::Mismatch(_) => Some("act-mismatch"),
            Self::Case(refusal) => Some(refusal.name()),
            Self::NotFound => Some("not-found"),
            Self::Taken | Self::Stale | Self::Unreadable | Self::Vault(_) | Self::Store(_) => None,
        }
    }
}

/// The place that a case is bound to when it is sealed.
pub(super) fn sealed_case(id: &[u8; 16], column: &str) -> String {
    format!("disclosure/{}/{column}", hex::encode(id))
}

/// Open what is kept of a request.
pub(super) fn opened(app: &App, stored: &StoredCase) -> Result<Case, DiscloseError> {
    let bytes = app
        .vault
        .open(&sealed_case(&stored.id, "case"), &stored.sealed)?;
    Case::from_bytes(&bytes).map_err(|_| DiscloseError::Unreadable)
}

/// The next state of a case, to be stored.
pub(super) fn change_to(
    app: &App,
    stored: &StoredCase,
    case: &Case,
    answer: Option<&[u8]>,
    at: Timestamp,
) -> Result<CaseChange, VaultError> {
    Ok(CaseChange {
        id: stored.id,
        expected: stored.version,
        step: case.step.as_str(),
        due: case.due().map(|day| day.to_string()),
        sealed: app
            .vault
            .seal(&sealed_case(&stored.id, "case"), &case.to_bytes())?,
        answer: answer
            .map(|pdf| app.vault.seal(&sealed_case(&stored.id, "answer"), pdf))
            .transpose()?,
        revoke: None,
        at,
    })
}

/// A refusal has its audit row before it is answered.
fn audited<T>(
    app: &App,
    gateway: &str,
    message: &schema::wire::v1::act::SignedActMessage,
    event: &'static str,
    outcome: Result<T, DiscloseError>,
) -> Result<T, DiscloseError> {
    if let Err(error) = &outcome
        && let Some(name) = error.refusal()
    {
        let entry = authorise::entry(gateway, message, event, app.clock.now());
        app.store.record(entry.refused(name))?;
    }
    outcome
}

/// Take a request in and forward it to who decides.
pub fn receive(
    app: &App,
    gateway: &str,
    wish: &DisclosureRequest,
) -> Result<DisclosureLine, DiscloseError> {
    let outcome = take_in(app, gateway, wish);
    audited(app, gateway, &wish.act, "disclosure.receive", outcome)
}

fn take_in(
    app: &App,
    gateway: &str,
    wish: &DisclosureRequest,
) -> Result<DisclosureLine, DiscloseError> {
    // 1. The act is this window's and is about this very request.
    let now = app.clock.now();
    let permitted = authorise(app, gateway, &wish.act, now)?;
    let Deed::Disclose(deed) = &permitted.act.deed else {
        return Err(Refusal::OtherDeed.into());
    };
    if deed.request_sha256 != Sha256Digest::of(&wish.request.0) {
        return Err(DiscloseError::Mismatch("the digest of the request"));
    }
    let request = RequestContent::from_bytes(&wish.request.0)?;
    if deed.identity_sha256 != request.identification.digest() {
        return Err(DiscloseError::Mismatch("the digest of the identity"));
    }
    request.identification.check(JapaneseDay::of(now))?;

    // 2. A case: forwarded to who decides now, its clock running from the day of the request.
    let act = &permitted.act;
    let municipality = act.municipality.to_string();
    let disclosed = match &request.wish {
        Wish::Correction(correction) => app
            .store
            .case(correction.disclosure.as_bytes())?
            .map(|stored| opened(app, &stored))
            .transpose()?,
        Wish::Disclosure => None,
    };
    let receipt = Receipt {
        id: act.application,
        municipality: act.municipality,
        terminal: act.terminal,
        operator: act.operator.clone(),
        at: now,
        identity_sha256: deed.identity_sha256,
    };
    let addressee = app.office.addressee.clone();
    let case = Case::receive(receipt, request, addressee, disclosed.as_ref())?;

    // 3. It is kept, sealed, under its idempotency key.
    let id = *act.application.as_bytes();
    let new = NewCase {
        id,
        wish: wish_name(&case),
        requested_on: case.request.requested_on.to_string(),
        due: case.due().map(|day| day.to_string()),
        idempotency_key: *act.idempotency_key.as_bytes(),
        wish_sha256: *act.wish_digest().as_bytes(),
        resident: resident_hash(app, case.receipt.municipality, &case.request.person)?,
        sealed: app
            .vault
            .seal(&sealed_case(&id, "case"), &case.to_bytes())?,
        municipality,
        at: now,
    };
    let entry = entry(&permitted, "disclosure.receive", now);
    match app.store.receive_case(new, entry)? {
        ReceiveCase::Received => {
            metrics::counter!("jitsuin_disclosures_total", "wish" => wish_name(&case)).increment(1);
            Ok(line(&case, now))
        }
        ReceiveCase::Repeat(stored) => Ok(line(&opened(app, &stored)?, now)),
        ReceiveCase::Taken => Err(DiscloseError::Taken),
    }
}

fn entry(permitted: &Permitted<'_>, event: &'static str, at: Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        event,
        outcome: "done".to_owned(),
        actor: permitted.actor.clone(),
        subject: format!("disclosure:{}", permitted.act.application),
        detail: serde_json::json!({ "act_sha256": hex::encode(permitted.act_sha256) }),
    }
}

fn wish_name(case: &Case) -> &'static str {
    match case.request.wish {
        Wish::Disclosure => "disclosure",
        Wish::Correction(_) => "correction",
    }
}

/// What is told of a case without naming anybody.
pub fn line(case: &Case, now: Timestamp) -> DisclosureLine {
    let (due, left) = match case.term(now) {
        Term::Days { due, left } => (Some(due.to_string()), Some(left)),
        Term::WithoutDelay { .. } => (None, None),
    };
    DisclosureLine {
        id: case.receipt.id.to_string(),
        wish: wish_name(case).to_owned(),
        step: case.step.as_str().to_owned(),
        municipality: case.receipt.municipality.to_string(),
        requested_on: case.request.requested_on.to_string(),
        due,
        days_left: left,
        extended: case.extension.is_some(),
        addressee: case.addressee.name().to_owned(),
        received_at: case.receipt.at.to_string(),
    }
}

/// The requests of a municipality.
pub fn list(app: &App, municipality: &str) -> Result<DisclosureList, DiscloseError> {
    let now = app.clock.now();
    let filter = CaseFilter {
        municipality: Some(municipality.to_owned()),
        limit: LIST,
        ..CaseFilter::default()
    };
    let disclosures = app
        .store
        .cases(&filter)?
        .iter()
        .map(|stored| Ok(line(&opened(app, stored)?, now)))
        .collect::<Result<_, DiscloseError>>()?;
    Ok(DisclosureList { disclosures })
}

/// One request of a municipality.
pub fn read(app: &App, municipality: &str, id: &[u8; 16]) -> Result<DisclosureLine, DiscloseError> {
    let stored = app.store.case(id)?.ok_or(DiscloseError::NotFound)?;
    if stored.municipality != municipality {
        return Err(DiscloseError::NotFound);
    }
    Ok(line(&opened(app, &stored)?, app.clock.now()))
}

/// Hand the answer over: it goes to the window as the paper that was decided on, and the
/// request is closed. A second time it is printed again, and that is in its history.
pub fn deliver(
    app: &App,
    gateway: &str,
    id: ApplicationId,
    wish: &DeliveryRequest,
) -> Result<DeliveryResponse, DiscloseError> {
    let outcome = hand_over(app, gateway, id, wish);
    audited(app, gateway, &wish.act, "disclosure.deliver", outcome)
}

fn hand_over(
    app: &App,
    gateway: &str,
    id: ApplicationId,
    wish: &DeliveryRequest,
) -> Result<DeliveryResponse, DiscloseError> {
    let now = app.clock.now();
    let permitted = authorise(app, gateway, &wish.act, now)?;
    let Deed::Deliver(deed) = &permitted.act.deed else {
        return Err(Refusal::OtherDeed.into());
    };
    if permitted.act.application != id {
        return Err(DiscloseError::Mismatch("the id of the request"));
    }
    if deed.identity_sha256 != Sha256Digest::of(&wish.identification.0) {
        return Err(DiscloseError::Mismatch("the digest of the identity"));
    }
    Identification::from_bytes(&wish.identification.0)?.check(JapaneseDay::of(now))?;
    let stored = app
        .store
        .case(permitted.act.application.as_bytes())?
        .ok_or(DiscloseError::NotFound)?;
    if stored.municipality != permitted.act.municipality.to_string() {
        return Err(DiscloseError::NotFound);
    }
    let by = format!(
        "terminal:{} operator:{}",
        permitted.act.terminal, permitted.act.operator
    );
    let case = opened(app, &stored)?.deliver(&by, now)?;
    let answer = answer(app, &stored)?;
    let change = change_to(app, &stored, &case, None, now)?;
    let entry = entry(&permitted, "disclosure.deliver", now);
    match app.store.change_case(change, entry)? {
        ChangeCase::Changed => Ok(DeliveryResponse {
            disclosure: line(&case, now),
            answer: answer.into(),
        }),
        ChangeCase::Stale | ChangeCase::NotRevoked => Err(DiscloseError::Stale),
    }
}

/// The answer on paper.
pub(super) fn answer(app: &App, stored: &StoredCase) -> Result<Vec<u8>, DiscloseError> {
    let sealed = stored
        .answer
        .as_ref()
        .ok_or(disclosure::Refusal::NotAnswered)?;
    let place = sealed_case(&stored.id, "answer");
    Ok(app.vault.open(&place, sealed)?.to_vec())
}
