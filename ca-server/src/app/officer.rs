//! Officers of the authority: who they are, and how what they decide is carried out. Each act
//! is kept before it is signed, signed by the officer's own key, and, where the rule of
//! [`pki_core::officer`] wants it, agreed to by a second officer.

use jiff::Timestamp;
use pki_core::{
    certificate::{PublicKey, pem},
    disclosure::Extension,
    id::{ApplicationId, OperatorId, Sha256Digest},
    officer::{OfficerDeed, Part, SignFault, Standing, State, Statement, next_state},
};

use super::{
    App,
    authorise::{enrolled_key, valid_now},
    decide::{self, DecideError, Move},
    enrol::{self, EnrolError, Enrolment},
    publish_crl::{self, InPlace},
    register_holds, stop,
};
use crate::port::{
    disclosure::ChangeCase,
    entropy::{EntropyFailed, random},
    officer::{ActChange, OfficerAct, Signed, Signing},
    register_hold::{HoldDecision, HoldState},
    store::{AuditEntry, Party, StoreError},
    vault::VaultError,
};

/// The kinds of parties that are enrolled at the console. Servers and responders need names
/// and keys of the machine room and are enrolled at the command line.
pub const ENROLLED_HERE: [&str; 6] = [
    "terminal", "kiosk", "operator", "gateway", "officer", "auditor",
];

/// Who is at the console.
#[derive(Clone)]
pub struct Officer {
    pub id: OperatorId,
    pub label: String,
    /// Reads and decides nothing.
    pub auditor: bool,
    key: PublicKey,
}

impl Officer {
    /// As in audit rows.
    pub fn actor(&self) -> String {
        let role = if self.auditor { "auditor" } else { "officer" };
        format!("{role}:{}", self.id)
    }
}

/// Why an officer's act was not made, signed or carried out.
#[derive(Debug, thiserror::Error)]
pub enum OfficerError {
    #[error("an auditor reads and decides nothing")]
    Auditor,
    #[error("there is no such act")]
    NotFound,
    #[error(transparent)]
    Sign(#[from] SignFault),
    #[error("there is no such party")]
    NoParty,
    #[error("the party is in that state already")]
    NothingToDo,
    /// Applied, decided or replaced meanwhile, or never held.
    #[error("this batch of the register does not wait for that")]
    NotHeld,
    #[error("this kind of party is not enrolled at the console")]
    Kind,
    #[error("the request is not PEM of a PKCS#10 request")]
    Pem,
    /// It was signed, and somebody had changed the request meanwhile.
    #[error("the request was changed meanwhile: the act is void, make it again")]
    Void,
    #[error(transparent)]
    Decide(#[from] DecideError),
    #[error("not enrolled")]
    Enrol(#[from] EnrolError),
    /// The reason is in the log.
    #[error("a list was not published")]
    Publish,
    #[error("a reason has 1 to 500 characters")]
    Reason,
    #[error("a stored act cannot be read")]
    Unreadable,
    #[error("the vault cannot be used")]
    Vault(#[from] VaultError),
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
}

impl OfficerError {
    fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Auditor => Some("auditor"),
            Self::Sign(fault) => Some(fault.name()),
            Self::NoParty | Self::NotFound => Some("not-found"),
            Self::NothingToDo => Some("nothing-to-do"),
            Self::NotHeld => Some("batch-not-held"),
            Self::Kind | Self::Pem => Some("request-refused"),
            Self::Decide(_) => Some("not-decided"),
            Self::Enrol(_) => Some("not-enrolled"),
            Self::Publish => Some("not-published"),
            Self::Reason => Some("reason"),
            Self::Void | Self::Unreadable | Self::Vault(_) | Self::Store(_) | Self::Entropy(_) => {
                None
            }
        }
    }
}

/// The officer or auditor with this certificate (SHA-256), when active and valid now. The
/// refusal of a party that is known is in the audit log.
pub fn admit(app: &App, certificate_sha256: &[u8; 32]) -> Result<Option<Officer>, StoreError> {
    let now = app.clock.now();
    let Some(party) = app.store.party_by_certificate(certificate_sha256)? else {
        metrics::counter!("jitsuin_refused_callers_total").increment(1);
        return Ok(None);
    };
    let officer = match objection(app, &party, now) {
        None => officer(app, &party, now),
        Some(why) => Err(why),
    };
    match officer {
        Ok(officer) => Ok(Some(officer)),
        Err(why) => {
            super::callers::refuse(app, &party, why)?;
            Ok(None)
        }
    }
}

fn objection(app: &App, party: &Party, now: Timestamp) -> Option<&'static str> {
    if !party.active {
        Some("suspended")
    } else if !matches!(party.kind.as_str(), "officer" | "auditor") {
        Some("not-an-officer")
    } else if !valid_now(app, party, now) {
        Some("certificate-not-valid")
    } else {
        None
    }
}

fn officer(app: &App, party: &Party, now: Timestamp) -> Result<Officer, &'static str> {
    Ok(Officer {
        id: party.id.parse().map_err(|_| "officer-id")?,
        label: party.label.clone(),
        auditor: party.kind == "auditor",
        key: enrolled_key(app, party, "officer", now).map_err(|_| "officer-key")?,
    })
}

/// An act with its deed.
pub struct Known {
    pub act: OfficerAct,
    pub deed: OfficerDeed,
}

fn place(id: &[u8; 16]) -> String {
    format!("officer-act/{}", hex::encode(id))
}

fn entry(officer: &Officer, at: Timestamp, event: &'static str, known: &Known) -> AuditEntry {
    AuditEntry {
        at,
        event,
        outcome: "done".to_owned(),
        actor: officer.actor(),
        subject: known.deed.subject(),
        detail: serde_json::json!({
            "act": hex::encode(known.act.id),
            "deed": known.deed.name(),
            "deed_sha256": Sha256Digest::of(&known.deed.to_bytes()),
        }),
    }
}

/// A refusal has its audit row before it is answered.
fn refused(
    app: &App,
    officer: &Officer,
    event: &'static str,
    subject: String,
    error: OfficerError,
) -> OfficerError {
    let Some(name) = error.refusal() else {
        return error;
    };
    let row = AuditEntry {
        at: app.clock.now(),
        event,
        outcome: name.to_owned(),
        actor: officer.actor(),
        subject,
        detail: serde_json::json!({}),
    };
    match app.store.record(row) {
        Ok(()) => error,
        Err(store) => store.into(),
    }
}

/// Make an act that waits for the officer's signature; what cannot be done is refused now.
pub fn propose(
    app: &App,
    officer: &Officer,
    deed: OfficerDeed,
) -> Result<ApplicationId, OfficerError> {
    let subject = deed.subject();
    prepare(app, officer, deed)
        .map_err(|error| refused(app, officer, "officer.propose", subject, error))
}

fn prepare(app: &App, officer: &Officer, deed: OfficerDeed) -> Result<ApplicationId, OfficerError> {
    let now = app.clock.now();
    if officer.auditor {
        return Err(OfficerError::Auditor);
    }
    check(app, officer, &deed, now)?;
    let id = random::<16>(&*app.entropy)?;
    let known = Known {
        act: OfficerAct {
            id,
            deed: deed.name().to_owned(),
            subject: deed.subject(),
            state: State::Unsigned,
            proposer: officer.id.to_string(),
            first_signature: None,
            second: None,
            second_signature: None,
            sealed: app.vault.seal(&place(&id), &deed.to_bytes())?,
            outcome: None,
            made_at: now,
            since: now,
        },
        deed,
    };
    let entry = entry(officer, now, "officer.propose", &known);
    app.store.put_act(known.act, entry)?;
    Ok(ApplicationId::from_bytes(id))
}

/// Whether the deed can be done as things stand; what it changes of a request or a batch.
fn check(
    app: &App,
    officer: &Officer,
    deed: &OfficerDeed,
    now: Timestamp,
) -> Result<Option<ActChange>, OfficerError> {
    let by = officer.actor();
    let planned = |case: &ApplicationId, version: &u32, wish| {
        let change = decide::plan(app, &by, *case, *version, wish, now)?;
        Ok(Some(ActChange::Case(change)))
    };
    match deed {
        OfficerDeed::Decide {
            case,
            version,
            decision,
        } => planned(case, version, Move::Decide(decision)),
        OfficerDeed::Extend {
            case,
            version,
            reason,
            until,
        } => {
            let extension = Extension {
                reason: reason.clone(),
                until: *until,
            };
            planned(case, version, Move::Extend(extension))
        }
        OfficerDeed::HandOver { case, version } => planned(case, version, Move::HandOver),
        OfficerDeed::Posted { case, version } => planned(case, version, Move::Posted),
        OfficerDeed::Enrol { .. } => {
            enrol::check_wish(app, &enrolment(deed)?)?;
            Ok(None)
        }
        OfficerDeed::Suspend { kind, id } => known_party(app, kind, id, true).map(|()| None),
        OfficerDeed::Resume { kind, id } => known_party(app, kind, id, false).map(|()| None),
        OfficerDeed::PublishLists => Ok(None),
        OfficerDeed::ReleaseBatch(held) => {
            register_holds::decide(app, held, HoldState::Released, by, now)
                .map(|decision| Some(ActChange::Hold(decision)))
        }
        OfficerDeed::RefuseBatch(held) => {
            register_holds::decide(app, held, HoldState::Refused, by, now)
                .map(|decision| Some(ActChange::Hold(decision)))
        }
        OfficerDeed::ReleaseStop { .. } => stop::check(app, deed).map(|()| None),
    }
}

fn known_party(app: &App, kind: &str, id: &str, active: bool) -> Result<(), OfficerError> {
    let party = app.store.party(kind, id)?.ok_or(OfficerError::NoParty)?;
    if party.active == active {
        Ok(())
    } else {
        Err(OfficerError::NothingToDo)
    }
}

fn enrolment(deed: &OfficerDeed) -> Result<Enrolment, OfficerError> {
    let OfficerDeed::Enrol {
        kind,
        id,
        municipality,
        label,
        request,
        replace,
    } = deed
    else {
        return Err(OfficerError::Kind);
    };
    if !ENROLLED_HERE.contains(&kind.as_str()) {
        return Err(OfficerError::Kind);
    }
    Ok(Enrolment {
        kind: kind.clone(),
        id: id.clone(),
        municipality: municipality.clone(),
        label: label.clone(),
        request: pem::decode(pem::REQUEST, request).map_err(|_| OfficerError::Pem)?,
        dns_names: Vec::new(),
        addresses: Vec::new(),
        replace: *replace,
    })
}

/// An act as it stands.
pub fn act(app: &App, id: ApplicationId) -> Result<Known, OfficerError> {
    let act = app
        .store
        .act(id.as_bytes())?
        .ok_or(OfficerError::NotFound)?;
    opened(app, act)
}

/// Acts that wait for a second officer (`State::Awaiting`), or all that were signed.
pub fn acts(app: &App, state: Option<State>) -> Result<Vec<Known>, OfficerError> {
    app.store
        .acts(state, 200)?
        .into_iter()
        .map(|act| opened(app, act))
        .collect()
}

fn opened(app: &App, act: OfficerAct) -> Result<Known, OfficerError> {
    let bytes = app.vault.open(&place(&act.id), &act.sealed)?;
    let deed = OfficerDeed::from_bytes(&bytes).map_err(|_| OfficerError::Unreadable)?;
    Ok(Known { act, deed })
}

/// What this officer would sign in that part.
pub fn statement(app: &App, officer: &Officer, known: &Known, part: Part) -> Statement {
    Statement {
        version: 1,
        prefecture: app.prefecture.to_string(),
        officer: officer.id.clone(),
        act: ApplicationId::from_bytes(known.act.id),
        part,
        deed: known.deed.name().to_owned(),
        subject: known.deed.subject(),
        deed_sha256: Sha256Digest::of(&known.deed.to_bytes()),
    }
}

/// Take an officer's signature over an act; with the last one that is needed it is carried out.
pub fn sign(
    app: &App,
    officer: &Officer,
    id: ApplicationId,
    part: Part,
    signature: &[u8],
) -> Result<State, OfficerError> {
    signed(app, officer, id, part, signature)
        .map_err(|error| refused(app, officer, "officer.sign", format!("act:{id}"), error))
}

fn signed(
    app: &App,
    officer: &Officer,
    id: ApplicationId,
    part: Part,
    signature: &[u8],
) -> Result<State, OfficerError> {
    // 1. The act waits for this signature by this officer, and it is theirs.
    let now = app.clock.now();
    if officer.auditor {
        return Err(OfficerError::Auditor);
    }
    let known = act(app, id)?;
    let proposer: OperatorId = known
        .act
        .proposer
        .parse()
        .map_err(|_| OfficerError::Unreadable)?;
    let standing = Standing {
        deed: &known.deed,
        state: known.act.state,
        proposer: &proposer,
        since: known.act.since,
    };
    let to = next_state(&standing, &officer.id, part, now)?;
    statement(app, officer, &known, part).verify(&officer.key, signature)?;

    // 2. It can still be done. What it changes of a request or a batch is planned now.
    let change = match to {
        State::Done => match check(app, officer, &known.deed, now)? {
            Some(ActChange::Hold(decision)) => Some(ActChange::Hold(HoldDecision {
                by: signers(officer, &known),
                ..decision
            })),
            change => change,
        },
        State::Unsigned | State::Awaiting | State::Rejected => None,
    };
    let whole = change.is_some();

    // 3. The signature is recorded, once, and with it the new state of request or batch.
    let event = match part {
        Part::Propose => "officer.sign",
        Part::Approve => "officer.approve",
        Part::Reject => "officer.reject",
    };
    let signing = Signing {
        id: known.act.id,
        from: known.act.state,
        to,
        officer: officer.id.to_string(),
        signature: signature.to_vec(),
        at: now,
        change,
    };
    match app
        .store
        .sign_act(signing, entry(officer, now, event, &known))?
    {
        Signed::Signed => {}
        Signed::NotDue => return Err(SignFault::NotDue.into()),
        Signed::Case(ChangeCase::NotRevoked) => {
            return Err(DecideError::ForeignCertificate.into());
        }
        Signed::Case(_) | Signed::NotHeld => return Err(OfficerError::Void),
    }
    if whole {
        // It may have revoked a certificate.
        app.acknowledger.revoked().wait();
    }

    // 4. What is no single transaction is carried out under the recorded signatures.
    if to == State::Done && !whole {
        carry_out(app, officer, &known, signature, now)?;
    }
    Ok(to)
}

/// Everybody who signed, this officer last; as in audit rows.
fn signers(officer: &Officer, known: &Known) -> String {
    match &known.act.state {
        State::Awaiting => format!("officer:{} {}", known.act.proposer, officer.actor()),
        _ => officer.actor(),
    }
}

fn carry_out(
    app: &App,
    officer: &Officer,
    known: &Known,
    signature: &[u8],
    now: Timestamp,
) -> Result<(), OfficerError> {
    let by = signers(officer, known);
    let done = match &known.deed {
        OfficerDeed::Enrol { .. } => {
            enrolment(&known.deed).and_then(|wish| Ok(enrol::enrol_by(app, &wish, &by).map(drop)?))
        }
        OfficerDeed::Suspend { kind, id } => set_active(app, &by, now, kind, id, false),
        OfficerDeed::Resume { kind, id } => set_active(app, &by, now, kind, id, true),
        OfficerDeed::PublishLists => publish(app),
        OfficerDeed::ReleaseStop { .. } => stop::release(app, officer, known, signature, now),
        OfficerDeed::Decide { .. }
        | OfficerDeed::Extend { .. }
        | OfficerDeed::HandOver { .. }
        | OfficerDeed::Posted { .. }
        | OfficerDeed::ReleaseBatch(_)
        | OfficerDeed::RefuseBatch(_) => Ok(()),
    };
    let outcome = match &done {
        Ok(()) => "done",
        Err(error) => error.refusal().unwrap_or("failed"),
    };
    let row = entry(officer, now, "officer.carry-out", known);
    let row = if done.is_ok() {
        row
    } else {
        row.refused(outcome)
    };
    app.store.end_act(&known.act.id, outcome, row)?;
    done
}

fn set_active(
    app: &App,
    by: &str,
    now: Timestamp,
    kind: &str,
    id: &str,
    active: bool,
) -> Result<(), OfficerError> {
    if enrol::set_active_by(&*app.store, by, now, kind, id, active)? {
        Ok(())
    } else {
        Err(OfficerError::NoParty)
    }
}

fn publish(app: &App) -> Result<(), OfficerError> {
    let (_, failed) = publish_crl::publish(app, &mut InPlace::new());
    for error in &failed {
        tracing::error!(error = %crate::causes(error), "a list was not published");
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(OfficerError::Publish)
    }
}
