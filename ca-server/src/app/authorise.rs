//! Whether an act may be carried out. The CA does not take the gateway's word:
//! it looks up terminal and operator in its own registry and verifies both
//! signatures over the exact bytes.

use jiff::{SignedDuration, Timestamp};
use pki_core::{
    act::{Act, ActFault, Deed, SignedAct},
    certificate::{PublicKey, distribution_point::Place},
    mode::OtherMode,
};
use schema::wire::v1::act::SignedActMessage;
use sha2::{Digest, Sha256};

use super::App;
use crate::port::store::{AuditEntry, Party, StoreError};

/// Why an act is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The act itself cannot be read, or a signature does not verify.
    #[error("the act does not hold")]
    Act(#[from] ActFault),
    /// It asks for something else than this route does.
    #[error("the act asks for something else than this request")]
    OtherDeed,
    /// It is made out for another prefecture.
    #[error("the act is made out for another prefecture")]
    OtherPrefecture,
    /// It was made at a terminal for training, or this authority is.
    #[error("the act cannot be taken: {0}")]
    OtherMode(#[from] OtherMode),
    /// The municipality is not in this authority's table.
    #[error("the municipality is not served by this authority")]
    UnknownMunicipality,
    /// The terminal or operator is not enrolled.
    #[error("the {0} is not enrolled")]
    NotEnrolled(&'static str),
    /// The certificate of the terminal, operator or kiosk has run out, or has not begun.
    #[error("the certificate of the {0} is not valid now; have it enrolled again")]
    NotValidNow(&'static str),
    /// The terminal or operator is suspended.
    #[error("the {0} is suspended")]
    Suspended(&'static str),
    /// The terminal or operator belongs to another municipality.
    #[error("the {0} belongs to another municipality")]
    OutOfScope(&'static str),
    /// The terminal has used its quota up.
    #[error("this terminal sends too many requests; wait {0} s")]
    TooMany(u64),
}

impl Refusal {
    /// As in audit rows.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Act(ActFault::TooLarge | ActFault::Unreadable(_)) => "act-unreadable",
            Self::Act(ActFault::Version(_)) => "act-version",
            Self::Act(ActFault::Place) => "act-place",
            Self::Act(ActFault::Profile) => "act-profile",
            Self::Act(ActFault::Key(_) | ActFault::Signature(_)) => "act-signature",
            Self::Act(ActFault::Time { .. }) => "act-time",
            Self::OtherDeed => "act-other-deed",
            Self::OtherPrefecture => "other-prefecture",
            Self::OtherMode(_) => "other-mode",
            Self::UnknownMunicipality => "unknown-municipality",
            Self::NotEnrolled(_) => "not-enrolled",
            Self::NotValidNow(_) => "certificate-not-valid",
            Self::Suspended(_) => "suspended",
            Self::OutOfScope(_) => "out-of-scope",
            Self::TooMany(_) => "too-many-requests",
        }
    }
}

/// An act that may be carried out.
pub struct Permitted<'a> {
    pub act: Act,
    /// The municipality in whose name it is done.
    pub place: &'a Place,
    /// SHA-256 of the signed payload.
    pub act_sha256: [u8; 32],
    /// Who, for audit rows.
    pub actor: String,
}

/// Why [`authorise`] gave no permission.
#[derive(Debug, thiserror::Error)]
pub enum Unauthorised {
    /// The answer is no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The registry could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Check an act; `now` is the use-case's clock reading.
pub fn authorise<'a>(
    app: &'a App,
    gateway: &str,
    message: &SignedActMessage,
    now: Timestamp,
) -> Result<Permitted<'a>, Unauthorised> {
    let signed = SignedAct {
        payload: message.payload.0.clone(),
        terminal_signature: message.terminal_signature.0.clone(),
        operator_signature: message.operator_signature.0.clone(),
    };
    let claim = signed.unverified().map_err(Refusal::Act)?;
    let terminal = party(app, "terminal", &claim.terminal.to_string())?;
    let operator = party(app, "operator", claim.operator.as_str())?;
    let skew = SignedDuration::try_from(app.act_skew).unwrap_or(SignedDuration::from_secs(300));
    let act = signed
        .verify(
            &enrolled_key(app, &terminal, "terminal", now)?,
            &enrolled_key(app, &operator, "operator", now)?,
            now,
            skew,
        )
        .map_err(Refusal::Act)?;
    // From here on the act is authentic; what follows is what its signers may do.
    if act.prefecture != app.prefecture {
        return Err(Refusal::OtherPrefecture.into());
    }
    app.mode.takes(act.mode).map_err(Refusal::OtherMode)?;
    let municipality = act.municipality.to_string();
    for (party, what) in [(&terminal, "terminal"), (&operator, "operator")] {
        if !party.active {
            return Err(Refusal::Suspended(what).into());
        }
        if party.municipality.as_deref() != Some(municipality.as_str()) {
            return Err(Refusal::OutOfScope(what).into());
        }
    }
    let place = app
        .place(act.municipality)
        .ok_or(Refusal::UnknownMunicipality)?;
    app.limits.check(&terminal.id).map_err(Refusal::TooMany)?;
    Ok(Permitted {
        actor: format!(
            "gateway:{gateway} terminal:{} operator:{}",
            terminal.id, operator.id
        ),
        act_sha256: Sha256::digest(&message.payload.0).into(),
        place,
        act,
    })
}

fn party(app: &App, kind: &'static str, id: &str) -> Result<Party, Unauthorised> {
    Ok(app
        .store
        .party(kind, id)?
        .ok_or(Refusal::NotEnrolled(kind))?)
}

/// The key of a party, for as long as its certificate is valid: TLS shows the
/// authority the gateway's certificate alone, so theirs are looked at here.
pub(super) fn enrolled_key(
    app: &App,
    party: &Party,
    what: &'static str,
    now: Timestamp,
) -> Result<PublicKey, Refusal> {
    let known = app.known.of(party);
    if !known.is_valid(now) {
        return Err(Refusal::NotValidNow(what));
    }
    known.key.clone().ok_or(Refusal::NotEnrolled(what))
}

/// Whether the party's certificate is valid at this moment.
pub(super) fn valid_now(app: &App, party: &Party, now: Timestamp) -> bool {
    app.known.of(party).is_valid(now)
}

/// The audit row of an act before anything about it is known but its caller. Terminal and
/// operator are what it claims: nobody has verified their signatures.
pub(super) fn entry(
    gateway: &str,
    message: &SignedActMessage,
    event: &'static str,
    now: Timestamp,
) -> AuditEntry {
    let act_sha256 = hex::encode(Sha256::digest(&message.payload.0));
    // Ids have closed forms, so a claim that could be read cannot carry anything else.
    let claim = Act::from_payload(&message.payload.0).ok();
    let actor = match &claim {
        Some(act) => format!(
            "gateway:{gateway} claimed-terminal:{} claimed-operator:{}",
            act.terminal, act.operator
        ),
        None => format!("gateway:{gateway}"),
    };
    let subject = match &claim {
        Some(act) => match &act.deed {
            Deed::Issue(_) => format!("application:{}", act.application),
            Deed::Revoke(deed) => format!("serial:{}", deed.serial),
            Deed::Disclose(_) | Deed::Deliver(_) => format!("disclosure:{}", act.application),
        },
        None => "act".to_owned(),
    };
    AuditEntry {
        at: now,
        event,
        outcome: "done".to_owned(),
        actor,
        subject,
        detail: serde_json::json!({ "act_sha256": act_sha256 }),
    }
}
