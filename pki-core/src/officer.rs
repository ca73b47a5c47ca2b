//! What an officer of the authority decides at the console: each deciding act is a statement
//! of its own that the officer's key signs, and some need a second officer (Rule 14 asks
//! several persons for what uses the CA's keys).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::JapaneseDay;
use crate::certificate::public_key::{PublicKey, SignatureAlgorithm};
use crate::disclosure::Decision;
use crate::id::{ApplicationId, OperatorId, Sha256Digest};
use crate::person::municipality::MunicipalityCode;

/// What stands before the payload when an officer's key signs.
const CONTEXT: &[u8] = b"jitsuin-officer-v1\0";
/// How long an act waits for the signature of who proposed it.
pub const UNSIGNED: SignedDuration = SignedDuration::from_mins(15);
/// How long a signed act waits for the second officer.
pub const AWAITING: SignedDuration = SignedDuration::from_hours(72);

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfficerDeed {
    /// Answer a request for disclosure or correction.
    Decide {
        case: ApplicationId,
        /// The state of the case that the officer saw.
        version: u32,
        decision: Decision,
    },
    /// Put an answer off (Art 30 ②).
    Extend {
        case: ApplicationId,
        version: u32,
        reason: String,
        until: JapaneseDay,
    },
    /// Hand a request over to who decides now (Arts 34, 50, 51).
    HandOver { case: ApplicationId, version: u32 },
    /// The answer was sent by post.
    Posted { case: ApplicationId, version: u32 },
    /// Certify a party's key and take it into the registry.
    Enrol {
        kind: String,
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        municipality: Option<String>,
        label: String,
        /// The PKCS#10 request, PEM.
        request: String,
        replace: bool,
    },
    /// Cut a party off.
    Suspend { kind: String, id: String },
    /// Let a suspended party act again.
    Resume { kind: String, id: String },
    /// Publish every revocation list now.
    PublishLists,
    /// Let a gateway issue again that had stopped when a wrong governor or date was seen.
    ReleaseStop {
        /// Of the gateway that told it.
        gateway: String,
        /// The gateway's name of the stop, 32 hex digits.
        stop: String,
        /// The certificate that showed the fault.
        serial: String,
        /// What was found and why it is safe.
        reason: String,
    },
    /// Let a batch of the register through that the brake held, by its bytes.
    ReleaseBatch(HeldBatch),
    /// Refuse a batch that the brake held: the register has to leave another.
    RefuseBatch(HeldBatch),
}

/// A batch of the register as the officer saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldBatch {
    pub municipality: MunicipalityCode,
    pub batch: u64,
    /// Of the whole file.
    pub sha256: Sha256Digest,
    /// Certificates that it would end, as it was held.
    pub ends: u64,
}

impl OfficerDeed {
    /// Kebab-case name, as in statements and audit rows.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Decide { .. } => "decide",
            Self::Extend { .. } => "extend",
            Self::HandOver { .. } => "hand-over",
            Self::Posted { .. } => "posted",
            Self::Enrol { .. } => "enrol",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::PublishLists => "publish-lists",
            Self::ReleaseBatch(_) => "release-batch",
            Self::RefuseBatch(_) => "refuse-batch",
            Self::ReleaseStop { .. } => "release-stop",
        }
    }

    /// On what.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Decide { case, .. }
            | Self::Extend { case, .. }
            | Self::HandOver { case, .. }
            | Self::Posted { case, .. } => format!("disclosure:{case}"),
            Self::Enrol { kind, id, .. }
            | Self::Suspend { kind, id }
            | Self::Resume { kind, id } => {
                format!("party:{kind}/{id}")
            }
            Self::PublishLists => "crl".to_owned(),
            Self::ReleaseBatch(held) | Self::RefuseBatch(held) => {
                format!("register:{}/batch/{}", held.municipality, held.batch)
            }
            Self::ReleaseStop { gateway, stop, .. } => format!("stop:{gateway}/{stop}"),
        }
    }

    /// Whether a second officer has to agree. Suspending is done at once by one: a party
    /// that is in doubt is cut off first. Letting it back is not. A held batch is refused by
    /// one, which leaves everything as it was, and let through by two.
    #[must_use]
    pub const fn needs_second(&self) -> bool {
        match self {
            Self::Decide { decision, .. } => decision.needs_second(),
            Self::Enrol { .. }
            | Self::Resume { .. }
            | Self::ReleaseStop { .. }
            | Self::ReleaseBatch(_) => true,
            Self::Extend { .. }
            | Self::HandOver { .. }
            | Self::Posted { .. }
            | Self::Suspend { .. }
            | Self::PublishLists
            | Self::RefuseBatch(_) => false,
        }
    }

    /// The deed as it is kept and as its digest is signed.
    ///
    /// # Panics
    /// Never: a deed holds nothing that JSON cannot.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a deed is texts, days and numbers")
    }

    /// What [`OfficerDeed::to_bytes`] made.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// Which of the two signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Who proposes, and decides where one suffices.
    Propose,
    /// Who agrees as the second.
    Approve,
    /// Who rejects as the second.
    Reject,
}

/// What an officer signs. The act's random id makes each statement one of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub version: u8,
    pub prefecture: String,
    pub officer: OperatorId,
    pub act: ApplicationId,
    pub part: Part,
    pub deed: String,
    pub subject: String,
    pub deed_sha256: Sha256Digest,
}

/// Where an act stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Made, and not signed.
    Unsigned,
    /// Signed by one, waiting for the second.
    Awaiting,
    /// Signed by all who have to.
    Done,
    /// Rejected by the second.
    Rejected,
}

impl State {
    /// Name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Awaiting => "awaiting",
            Self::Done => "done",
            Self::Rejected => "rejected",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Unsigned, Self::Awaiting, Self::Done, Self::Rejected]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignFault {
    #[error("the officer's enrolled key is not a P-256 key")]
    Key,
    #[error("the signature does not verify over this statement")]
    Signature,
    #[error("the act waited too long; make it again")]
    Late,
    #[error("this act is not waiting for this signature")]
    NotDue,
    #[error("the second officer must be another person")]
    SamePerson,
    #[error("the act waits for the officer who made it")]
    OtherPerson,
}

impl SignFault {
    /// Kebab-case name, as in audit rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "officer-key",
            Self::Signature => "officer-signature",
            Self::Late => "act-late",
            Self::NotDue => "act-not-due",
            Self::SamePerson => "same-person",
            Self::OtherPerson => "other-person",
        }
    }
}

/// An act as far as its signatures are concerned.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    pub deed: &'a OfficerDeed,
    pub state: State,
    /// Who made it.
    pub proposer: &'a OperatorId,
    /// When it was made, or signed by the first.
    pub since: Timestamp,
}

/// Who may sign now in which part, and what the act's state is then.
///
/// # Errors
/// [`SignFault`]: not waiting, too late, or the wrong person.
pub fn next_state(
    standing: &Standing<'_>,
    officer: &OperatorId,
    part: Part,
    now: Timestamp,
) -> Result<State, SignFault> {
    let limit = match standing.state {
        State::Unsigned => UNSIGNED,
        State::Awaiting => AWAITING,
        State::Done | State::Rejected => return Err(SignFault::NotDue),
    };
    if now.duration_since(standing.since) > limit {
        return Err(SignFault::Late);
    }
    match (standing.state, part) {
        (State::Unsigned, Part::Propose) if officer != standing.proposer => {
            Err(SignFault::OtherPerson)
        }
        (State::Unsigned, Part::Propose) if standing.deed.needs_second() => Ok(State::Awaiting),
        (State::Unsigned, Part::Propose) => Ok(State::Done),
        (State::Awaiting, Part::Approve | Part::Reject) if officer == standing.proposer => {
            Err(SignFault::SamePerson)
        }
        (State::Awaiting, Part::Approve) => Ok(State::Done),
        (State::Awaiting, Part::Reject) => Ok(State::Rejected),
        _ => Err(SignFault::NotDue),
    }
}

impl Statement {
    /// The exact bytes that are shown and signed.
    ///
    /// # Panics
    /// Never: a statement holds nothing that JSON cannot.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement is texts and digests")
    }

    /// What the key signs (ECDSA P-256 with SHA-256).
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(&self.to_payload())
    }

    /// Checks a signature (DER) over this statement.
    ///
    /// # Errors
    /// [`SignFault::Key`], [`SignFault::Signature`].
    pub fn verify(&self, key: &PublicKey, signature: &[u8]) -> Result<(), SignFault> {
        let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
        if !algorithm.fits(key.kind()) {
            return Err(SignFault::Key);
        }
        if signature.len() > crate::act::SIGNATURE_BYTES_MAX {
            return Err(SignFault::Signature);
        }
        key.verify(algorithm, &self.message(), signature)
            .map_err(|_| SignFault::Signature)
    }
}

/// What is signed for a statement's payload.
#[must_use]
pub fn message(payload: &[u8]) -> Vec<u8> {
    [CONTEXT, payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn officer(id: &str) -> OperatorId {
        id.parse().unwrap()
    }

    fn suspend() -> OfficerDeed {
        OfficerDeed::Suspend {
            kind: "terminal".to_owned(),
            id: "131010001".to_owned(),
        }
    }

    fn resume() -> OfficerDeed {
        OfficerDeed::Resume {
            kind: "terminal".to_owned(),
            id: "131010001".to_owned(),
        }
    }

    const MADE: &str = "2026-11-22T00:00:00Z";

    fn next(
        deed: &OfficerDeed,
        state: State,
        who: &str,
        part: Part,
        now: &str,
    ) -> Result<State, SignFault> {
        let proposer = officer("OFF-1");
        let standing = Standing {
            deed,
            state,
            proposer: &proposer,
            since: at(MADE),
        };
        next_state(&standing, &officer(who), part, at(now))
    }

    #[test]
    fn one_suspends_and_two_let_back() {
        let now = "2026-11-22T00:01:00Z";
        assert_eq!(
            next(&suspend(), State::Unsigned, "OFF-1", Part::Propose, now),
            Ok(State::Done)
        );
        assert_eq!(
            next(&resume(), State::Unsigned, "OFF-1", Part::Propose, now),
            Ok(State::Awaiting)
        );
        assert_eq!(
            next(&resume(), State::Awaiting, "OFF-2", Part::Approve, now),
            Ok(State::Done)
        );
        assert_eq!(
            next(&resume(), State::Awaiting, "OFF-2", Part::Reject, now),
            Ok(State::Rejected)
        );
    }

    #[test]
    fn the_second_is_another_person_and_nobody_signs_for_the_first() {
        let now = "2026-11-22T00:01:00Z";
        assert_eq!(
            next(&resume(), State::Awaiting, "OFF-1", Part::Approve, now),
            Err(SignFault::SamePerson)
        );
        assert_eq!(
            next(&suspend(), State::Unsigned, "OFF-2", Part::Propose, now),
            Err(SignFault::OtherPerson)
        );
        assert_eq!(
            next(&resume(), State::Unsigned, "OFF-2", Part::Approve, now),
            Err(SignFault::NotDue)
        );
        for state in [State::Done, State::Rejected] {
            assert_eq!(
                next(&resume(), state, "OFF-2", Part::Approve, now),
                Err(SignFault::NotDue)
            );
        }
    }

    #[test]
    fn an_act_does_not_wait_for_ever() {
        let deed = resume();
        assert_eq!(
            next(
                &deed,
                State::Unsigned,
                "OFF-1",
                Part::Propose,
                "2026-11-22T00:15:01Z"
            ),
            Err(SignFault::Late)
        );
        assert_eq!(
            next(
                &deed,
                State::Awaiting,
                "OFF-2",
                Part::Approve,
                "2026-11-25T00:00:00Z"
            ),
            Ok(State::Done)
        );
        assert_eq!(
            next(
                &deed,
                State::Awaiting,
                "OFF-2",
                Part::Approve,
                "2026-11-25T00:00:01Z"
            ),
            Err(SignFault::Late)
        );
    }

    #[test]
    fn what_needs_two_is_what_uses_keys_lets_back_or_takes_away() {
        let decide = |decision| OfficerDeed::Decide {
            case: ApplicationId::from_bytes([1; 16]),
            version: 1,
            decision,
        };
        assert!(!decide(Decision::Disclose).needs_second());
        assert!(!decide(Decision::NoRecord).needs_second());
        assert!(
            decide(Decision::Refuse {
                reason: "x".to_owned()
            })
            .needs_second()
        );
        assert!(!OfficerDeed::PublishLists.needs_second());
        let held = HeldBatch {
            municipality: "13101".parse().unwrap(),
            batch: 42,
            sha256: Sha256Digest::of(b"batch"),
            ends: 812,
        };
        let release = OfficerDeed::ReleaseBatch(held.clone());
        assert!(release.needs_second());
        assert!(!OfficerDeed::RefuseBatch(held).needs_second());
        assert_eq!(release.subject(), "register:13101/batch/42");
        assert_eq!(
            OfficerDeed::from_bytes(&release.to_bytes()).unwrap(),
            release
        );
        let deed = decide(Decision::Disclose);
        assert_eq!(OfficerDeed::from_bytes(&deed.to_bytes()).unwrap(), deed);
    }
}
