//! Notices about a card that its holder has already: change of the password (暗証番号の変更),
//! unlocking (ロック解除), a new password for a forgotten one (初期化), and the erasure of a
//! revoked key. Each rests on a recorded decision, is carried out on the card, and can be
//! taken up again after any interruption. None needs the certificate authority.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    application::{
        Application, cause::EndCause, certificate_kind::CertificateKind, identity::RecordedDecision,
    },
    certificate::serial::Serial,
    id::{ApplicationId, CardId, IdempotencyKey, NoticeId, OperatorId, TerminalId},
};

/// What is done to the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// The holder knows the password and sets another (暗証番号の変更).
    Change,
    /// Too many wrong tries; the holder remembers the password after all (ロック解除).
    Unlock,
    /// The password is forgotten: a new one is set without the old (初期化).
    Initialise,
    /// Key and certificate of a revoked certificate are erased from the card.
    Erase,
}

impl Service {
    /// All services.
    pub const ALL: [Self; 4] = [Self::Change, Self::Unlock, Self::Initialise, Self::Erase];

    /// As in messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Unlock => "unlock",
            Self::Initialise => "initialise",
            Self::Erase => "erase",
        }
    }

    /// The reverse of [`Service::as_str`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|service| service.as_str() == name)
    }

    /// Whether the gateway speaks to the card. A change is made at the card's public
    /// interface, where the holder presents the old password.
    #[must_use]
    pub const fn by_channel(self) -> bool {
        !matches!(self, Self::Change)
    }
}

/// How far a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeStep {
    /// Taken in; nothing is known to have been done to the card.
    Open,
    /// The card has an interim password that nobody is told; the holder's own comes next.
    Interim,
    /// Carried out.
    Done,
    /// The holder left, or the card would not do it.
    GivenUp,
}

impl NoticeStep {
    /// As in messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Interim => "interim",
            Self::Done => "done",
            Self::GivenUp => "given-up",
        }
    }

    /// Whether something is still to be done.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Interim)
    }
}

/// What the certificate of an application is to its holder now, as the window knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// None was written to a card yet.
    Nothing,
    /// On the card.
    Held,
    /// Revoked.
    Revoked,
}

impl Standing {
    /// Of an application.
    #[must_use]
    pub const fn of(application: &Application) -> Self {
        match application {
            Application::Written(_) | Application::Paid(_) | Application::HandedOver(_) => {
                Self::Held
            }
            Application::Revoked(_) => Self::Revoked,
            _ => Self::Nothing,
        }
    }
}

/// Why a notice is not taken in or a step is not due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeFault {
    /// Without a certificate there is no password to serve.
    #[error("there is no certificate on this card yet; finish the application first")]
    Nothing,
    /// A revoked certificate needs no password any more.
    #[error("the certificate on this card is revoked; take a new application in")]
    Revoked,
    /// Only what is revoked is erased.
    #[error("the certificate on this card is in effect; revoke it first")]
    InEffect,
    /// Art 3's identification did not succeed.
    #[error("the person was not identified as the holder")]
    NotIdentified(EndCause),
    /// No identification was recorded.
    #[error("record the identification of the holder")]
    IdentityMissing,
    /// This service is not one that the gateway carries out on the card.
    #[error("this service is carried out with the password at the card itself")]
    NoChannel,
    /// Another step is due.
    #[error("the notice stands at `{}`", .0.as_str())]
    Step(NoticeStep),
}

/// A notice as it was handed in.
#[derive(Clone)]
pub struct Opening {
    pub id: NoticeId,
    pub idempotency_key: IdempotencyKey,
    pub service: Service,
    pub card: CardId,
    /// The application that the card's certificate comes from.
    pub application: ApplicationId,
    /// Its certificate.
    pub serial: Serial,
    pub standing: Standing,
    pub terminal: TerminalId,
    pub operator: OperatorId,
    /// How the holder was identified; of an erasure, the revocation says it.
    pub identity: Option<RecordedDecision>,
    pub now: Timestamp,
}

/// A notice.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    version: u8,
    pub id: NoticeId,
    pub idempotency_key: IdempotencyKey,
    pub service: Service,
    pub card: CardId,
    pub application: ApplicationId,
    pub serial: Serial,
    pub terminal: TerminalId,
    pub operator: OperatorId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<RecordedDecision>,
    pub opened_at: Timestamp,
    step: NoticeStep,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// Stored bytes that are not a notice of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored notice cannot be read")]
pub struct StoredNoticeFault;

impl Notice {
    /// Takes a notice in.
    ///
    /// # Errors
    /// When the card carries nothing to serve, or its holder was not identified.
    pub fn open(opening: Opening) -> Result<Self, NoticeFault> {
        match (opening.service, opening.standing) {
            (_, Standing::Nothing) => return Err(NoticeFault::Nothing),
            (Service::Erase, Standing::Held) => return Err(NoticeFault::InEffect),
            (Service::Erase, Standing::Revoked) => {}
            (_, Standing::Revoked) => return Err(NoticeFault::Revoked),
            (_, Standing::Held) => {
                let identity = opening
                    .identity
                    .as_ref()
                    .ok_or(NoticeFault::IdentityMissing)?;
                if let Some(cause) = identity.decision().end() {
                    return Err(NoticeFault::NotIdentified(cause));
                }
            }
        }
        Ok(Self {
            version: 1,
            id: opening.id,
            idempotency_key: opening.idempotency_key,
            service: opening.service,
            card: opening.card,
            application: opening.application,
            serial: opening.serial,
            terminal: opening.terminal,
            operator: opening.operator,
            identity: opening.identity,
            opened_at: opening.now,
            step: NoticeStep::Open,
            ended_at: None,
        })
    }

    /// How far it is.
    #[must_use]
    pub const fn step(&self) -> NoticeStep {
        self.step
    }

    /// Whether the gateway may speak to the card for it. An interrupted channel is opened
    /// again: everything that is sent through it may be done twice.
    ///
    /// # Errors
    /// When it has ended, or is not the gateway's to carry out.
    pub const fn may_open_channel(&self) -> Result<(), NoticeFault> {
        if !self.service.by_channel() {
            return Err(NoticeFault::NoChannel);
        }
        if self.step.is_open() {
            Ok(())
        } else {
            Err(NoticeFault::Step(self.step))
        }
    }

    /// The card answered that it has done what the gateway sent.
    ///
    /// # Errors
    /// As [`Notice::may_open_channel`].
    pub fn done_on_card(mut self, now: Timestamp) -> Result<Self, NoticeFault> {
        self.may_open_channel()?;
        if matches!(self.service, Service::Initialise) {
            self.step = NoticeStep::Interim;
        } else {
            self.step = NoticeStep::Done;
            self.ended_at = Some(now);
        }
        Ok(self)
    }

    /// The terminal has set the holder's new password on the card.
    ///
    /// # Errors
    /// When it was not the terminal's turn.
    pub fn password_set(mut self, now: Timestamp) -> Result<Self, NoticeFault> {
        match (self.service, self.step) {
            (Service::Change, NoticeStep::Open) | (Service::Initialise, NoticeStep::Interim) => {
                self.step = NoticeStep::Done;
                self.ended_at = Some(now);
                Ok(self)
            }
            (_, step) => Err(NoticeFault::Step(step)),
        }
    }

    /// The holder left, or the card would not do it.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn give_up(mut self, now: Timestamp) -> Result<Self, NoticeFault> {
        if !self.step.is_open() {
            return Err(NoticeFault::Step(self.step));
        }
        self.step = NoticeStep::GivenUp;
        self.ended_at = Some(now);
        Ok(self)
    }

    /// For its row.
    ///
    /// # Panics
    /// Never: a notice holds nothing that JSON cannot.
    #[must_use]
    pub fn to_stored(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a notice is plain text and times")
    }

    /// From its row.
    ///
    /// # Errors
    /// [`StoredNoticeFault`].
    pub fn from_stored(json: &[u8]) -> Result<Self, StoredNoticeFault> {
        let notice: Self = serde_json::from_slice(json).map_err(|_| StoredNoticeFault)?;
        if notice.version == 1 {
            Ok(notice)
        } else {
            Err(StoredNoticeFault)
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notice({:?} {})", self.service, self.id)
    }
}

/// A password that stands on the card between the gateway's work and the holder's: as long as the
/// key's rule allows. For signatures sixteen of 32 characters, 80 bits; for signing in four digits, of
/// which a finder has the card's three tries. It opens nothing for anyone: the terminal replaces it at
/// once and keeps no copy.
#[must_use]
pub fn interim_password(kind: CertificateKind, random: &[u8; 16]) -> Zeroizing<String> {
    const CHARACTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    match kind {
        CertificateKind::Signature => {
            let mut password = Zeroizing::new(String::with_capacity(16));
            for byte in random {
                password.push(char::from(CHARACTERS[usize::from(byte % 32)]));
            }
            password
        }
        // 2^128 is so much more than ten thousand that no PIN is likelier than another.
        CertificateKind::UserAuthentication => {
            Zeroizing::new(format!("{:04}", u128::from_be_bytes(*random) % 10_000))
        }
    }
}

#[cfg(test)]
mod tests;
