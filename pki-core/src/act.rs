//! The signed act: what a window asks of the certificate authority, in one
//! statement that the terminal's key signs and the operator's card countersigns.
//! The gateway between them carries it verbatim and can neither make nor change one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::certificate::public_key::{PublicKey, SignatureAlgorithm};
use crate::certificate::serial::Serial;
use crate::id::{
    ApplicationId, CardId, IdempotencyKey, OperatorId, Sha256Digest, TerminalId, VisitId,
};
use crate::mode::Mode;
use crate::person::municipality::{MunicipalityCode, PrefectureCode};
pub use crate::revocation::ground::Ground;
pub use crate::revocation::replacement::{ReplacementCause, Replaces};

/// Longest payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 4096;
/// Longest signature, in bytes; ECDSA on P-256 in DER needs at most 72.
pub const SIGNATURE_BYTES_MAX: usize = 80;

/// Who signs: what stands before the payload keeps one's signature from being
/// shown as the other's, or as one over anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatory {
    /// The window's terminal, with its enrolled key.
    Terminal,
    /// The clerk, with the operator card.
    Operator,
}

impl Signatory {
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Terminal => b"jitsuin-act-v1\0terminal\0",
            Self::Operator => b"jitsuin-act-v1\0operator\0",
        }
    }

    /// The bytes that this party signs (ECDSA P-256 with SHA-256).
    #[must_use]
    pub fn message(self, payload: &[u8]) -> Vec<u8> {
        [self.context(), payload].concat()
    }

    /// SHA-256 of [`Signatory::message`], as the operator card is given it.
    #[must_use]
    pub fn message_sha256(self, payload: &[u8]) -> Sha256Digest {
        Sha256Digest::of(&self.message(payload))
    }
}

/// One act: who, where, when, for which application, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    version: u8,
    pub prefecture: PrefectureCode,
    pub municipality: MunicipalityCode,
    pub terminal: TerminalId,
    pub operator: OperatorId,
    pub application: ApplicationId,
    pub idempotency_key: IdempotencyKey,
    /// When the terminal made the statement.
    pub time: Timestamp,
    /// Which environment the terminal belongs to; not written for production.
    #[serde(default, skip_serializing_if = "Mode::is_production")]
    pub mode: Mode,
    #[serde(rename = "act")]
    pub deed: Deed,
}

/// What is asked. The list is closed: another deed is another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Issue a certificate (Art 3 ⑤).
    Issue(IssueDeed),
    /// Record a revocation (Arts 9 to 13).
    Revoke(RevokeDeed),
    /// Take in a request for disclosure or correction (Arts 29, 31) and forward it.
    Disclose(DiscloseDeed),
    /// Hand the answer to such a request over.
    Deliver(DeliverDeed),
}

/// What the window vouches for when it asks for a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueDeed {
    /// The visit in which the kiosk made the key.
    pub visit: VisitId,
    /// The card that holds it.
    pub card: CardId,
    /// Name of the certificate profile.
    pub profile: String,
    /// Who in the register it is for ([`crate::id::ResidentNumber::digest`]): the rule of one
    /// certificate in effect (Art 6) rests on it.
    pub resident_sha256: Sha256Digest,
    /// Digest of the items ([`crate::person::certificate_items::CertificateItems::digest`]).
    pub items_sha256: Sha256Digest,
    /// SHA-256 of the public key's SubjectPublicKeyInfo, DER.
    pub spki_sha256: Sha256Digest,
    /// SHA-256 of the recorded identity decision's JSON bytes.
    pub identity_sha256: Sha256Digest,
    /// When the resident was compared with the register: what the register records then or
    /// later (Art 12) takes the certificate out of effect, or keeps it from being issued.
    pub identified_at: Timestamp,
    /// 発行要求作成日時: stands in the certificate's common name.
    pub request_made_at: Timestamp,
    /// The certificate in effect whose place the new one takes; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Replaces>,
}

/// What the window vouches for when it asks for a revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeDeed {
    pub serial: Serial,
    /// The statutory ground.
    pub ground: Ground,
    /// SHA-256 of the recorded identity decision's JSON bytes.
    pub identity_sha256: Sha256Digest,
}

/// What the window vouches for when it takes a request for disclosure in. The act's
/// application is the request's own id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscloseDeed {
    /// SHA-256 of the request's bytes ([`crate::disclosure::RequestContent`]).
    pub request_sha256: Sha256Digest,
    /// SHA-256 of how the asker was identified.
    pub identity_sha256: Sha256Digest,
}

/// What the window vouches for when it hands an answer over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverDeed {
    /// SHA-256 of how who fetched it was identified.
    pub identity_sha256: Sha256Digest,
}

/// Who acts where, for which application and when: what all acts share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActFrame {
    pub terminal: TerminalId,
    pub operator: OperatorId,
    pub application: ApplicationId,
    pub idempotency_key: IdempotencyKey,
    pub time: Timestamp,
}

/// Why a signed act is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ActFault {
    /// The payload or a signature is longer than any act needs.
    #[error(
        "the act is larger than {PAYLOAD_BYTES_MAX} bytes or its signature than {SIGNATURE_BYTES_MAX}"
    )]
    TooLarge,
    /// Not the JSON of an act of this version, an unknown field and an unknown deed included.
    #[error("the act cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// A version that this program does not know.
    #[error("the act has version {0}; version 1 is understood")]
    Version(u8),
    /// Terminal, municipality and prefecture do not name the same place.
    #[error("the act's terminal, municipality and prefecture disagree")]
    Place,
    /// A profile is named by 1 to 32 characters of a–z, 0–9 and hyphen.
    #[error("the act names its profile by other characters than a-z, 0-9 and hyphen")]
    Profile,
    /// A key that is no P-256 key cannot have signed an act.
    #[error("the {0:?}'s enrolled key is not a P-256 key")]
    Key(Signatory),
    /// The signature is not that of the party.
    #[error("the {0:?}'s signature does not verify")]
    Signature(Signatory),
    /// The act's time lies too far from the verifier's clock.
    #[error("the act's time is more than {} s from now: check the terminal's clock", .max_skew.as_secs())]
    Time {
        /// The greatest distance allowed, either way.
        max_skew: SignedDuration,
    },
}

impl Act {
    /// An act of the current version; municipality and prefecture are the terminal's.
    #[must_use]
    pub fn new(frame: ActFrame, deed: Deed) -> Self {
        let municipality = frame.terminal.municipality();
        Self {
            version: 1,
            prefecture: municipality.prefecture(),
            municipality,
            terminal: frame.terminal,
            operator: frame.operator,
            application: frame.application,
            idempotency_key: frame.idempotency_key,
            time: frame.time,
            mode: Mode::Production,
            deed,
        }
    }

    /// The same act, made at a terminal of that mode.
    #[must_use]
    pub fn made_in(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// SHA-256 of what is wished, apart from who says it and when: a window that lost the
    /// answer signs its act again after a while, perhaps at another counter, and means the same.
    ///
    /// # Panics
    /// Never, as [`Act::to_payload`].
    #[must_use]
    pub fn wish_digest(&self) -> Sha256Digest {
        let mut deed = self.deed.clone();
        if let Deed::Issue(issue) = &mut deed {
            issue.request_made_at = Timestamp::UNIX_EPOCH;
        }
        let wish = serde_json::to_vec(&(self.municipality, self.application, deed))
            .expect("an act is plain text, numbers and times");
        Sha256Digest::of(&wish)
    }

    /// The bytes to be signed and carried.
    ///
    /// # Panics
    /// Never: an act holds nothing that JSON cannot.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an act is plain text, numbers and times")
    }

    /// Reads a payload whose signatures somebody else has checked or will check.
    ///
    /// # Errors
    /// [`ActFault`] for everything but signatures and time.
    pub fn from_payload(payload: &[u8]) -> Result<Self, ActFault> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(ActFault::TooLarge);
        }
        let act: Self = serde_json::from_slice(payload).map_err(ActFault::Unreadable)?;
        if act.version != 1 {
            return Err(ActFault::Version(act.version));
        }
        let place = act.terminal.municipality();
        if act.municipality != place || act.prefecture != place.prefecture() {
            return Err(ActFault::Place);
        }
        if let Deed::Issue(issue) = &act.deed {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if !(1..=32).contains(&issue.profile.len()) || !issue.profile.bytes().all(plain) {
                return Err(ActFault::Profile);
            }
        }
        Ok(act)
    }

    /// What this act shares with every other.
    #[must_use]
    pub fn frame(&self) -> ActFrame {
        ActFrame {
            terminal: self.terminal,
            operator: self.operator.clone(),
            application: self.application,
            idempotency_key: self.idempotency_key,
            time: self.time,
        }
    }
}

/// An act as it travels: the bytes that were signed, and the two signatures (ECDSA, DER).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAct {
    pub payload: Vec<u8>,
    pub terminal_signature: Vec<u8>,
    pub operator_signature: Vec<u8>,
}

impl SignedAct {
    /// The act without its signatures checked: to learn whose keys to look up.
    ///
    /// # Errors
    /// As [`Act::from_payload`].
    pub fn unverified(&self) -> Result<Act, ActFault> {
        Act::from_payload(&self.payload)
    }

    /// Checks both signatures over the exact payload, that the time lies within
    /// `max_skew` of `now`, and that the payload is an act of this version.
    ///
    /// # Errors
    /// [`ActFault`]. Whose keys these are, and whether they may act, the caller knows.
    pub fn verify(
        &self,
        terminal_public_key: &PublicKey,
        operator_public_key: &PublicKey,
        now: Timestamp,
        max_skew: SignedDuration,
    ) -> Result<Act, ActFault> {
        let act = self.unverified()?;
        for (signatory, key, signature) in [
            (
                Signatory::Terminal,
                terminal_public_key,
                &self.terminal_signature,
            ),
            (
                Signatory::Operator,
                operator_public_key,
                &self.operator_signature,
            ),
        ] {
            if signature.len() > SIGNATURE_BYTES_MAX {
                return Err(ActFault::TooLarge);
            }
            let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
            if !algorithm.fits(key.kind()) {
                return Err(ActFault::Key(signatory));
            }
            key.verify(algorithm, &signatory.message(&self.payload), signature)
                .map_err(|_| ActFault::Signature(signatory))?;
        }
        if act.time.duration_since(now).abs() > max_skew {
            return Err(ActFault::Time { max_skew });
        }
        Ok(act)
    }
}

#[cfg(test)]
mod tests;
