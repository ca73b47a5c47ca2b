//! Which application is open to a resident now. Told at receipt, before anybody goes to
//! the kiosk: there is never a second certificate while one is in effect (Art 6).
//!
//! The certificate that was issued last decides. In effect, it can be replaced: in its
//! last three months by renewal (更新), before that only because its card or key failed
//! (Art 10), its municipality was merged, or the register says otherwise now (Art 12). Ended before its time, it is issued again
//! (再発行), with or without a fee according to how it ended. Run out, it is forgotten:
//! the application is a first one again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cause::ApplicationKind;
use crate::calendar::{JapaneseDay, renewal_opens};
use crate::certificate::serial::Serial;
use crate::person::four_items::{Comparison, Item};
use crate::person::municipality::MunicipalityCode;
use crate::revocation::ground::Ground;

/// How a certificate was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The statutory ground.
    pub ground: Ground,
    /// The moment of recording (Art 15).
    pub at: Timestamp,
    /// What the next application is by the way in which it ended: on the image
    /// ([`super::cause::EndCause::next_application`]), or by an event of the register
    /// ([`crate::revocation::register_event::RegisterEventKind::next_application`]). `None`
    /// where the ground alone says it.
    pub next: Option<ApplicationKind>,
}

/// A certificate that the resident was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub serial: Serial,
    /// Where it was applied for; it may have been merged away since.
    pub municipality: MunicipalityCode,
    pub issued_at: Timestamp,
    /// Last second of its validity.
    pub not_after: Timestamp,
    /// How it was ended; `None` while nobody ended it.
    pub ended: Option<Ended>,
    /// Which of the items that were applied for agree with the register today.
    pub items: Comparison,
}

impl Held {
    /// Whether it is in effect at `now` (Arts 5, 15).
    #[must_use]
    pub fn in_effect(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now <= self.not_after
    }
}

/// What has to be seen before an application of this kind is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The card was tried at the window and does not work.
    CardTried,
    /// The holder's written notice of a damaged key or card (Art 10) was received.
    DamageNotice,
    /// The municipality's notice that it writes the same address in another way (住所表記の変更).
    NotationNotice,
}

/// What shows that a card or its key failed.
const CARD_FAILED: &[Evidence] = &[Evidence::CardTried, Evidence::DamageNotice];
/// What shows that nobody moved.
const NOTATION_CHANGED: &[Evidence] = &[Evidence::NotationNotice];

impl Evidence {
    /// Name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CardTried => "card-tried",
            Self::DamageNotice => "damage-notice",
            Self::NotationNotice => "notation-notice",
        }
    }
}

/// An application that can be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub kind: ApplicationKind,
    /// The certificate in effect that ends when the new one begins.
    pub replaces: Option<Serial>,
    /// One of these has to be recorded with it; empty where none is asked for.
    pub evidence: &'static [Evidence],
}

/// What is open to a resident, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openings {
    /// The certificate that was issued last.
    pub last: Option<Held>,
    /// Whether that one is in effect.
    pub in_effect: bool,
    /// While it is: the day from which it can be renewed.
    pub renewal_from: Option<JapaneseDay>,
    /// What can be taken in; the likeliest first.
    pub open: Vec<Opening>,
}

/// Why an application of a kind is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpen {
    /// Only a renewal, in its last three months, or a replacement by cause.
    #[error(
        "a certificate is in effect until {until} (Art 6): it can be renewed from {renewal_from}; \
         before that it is replaced only because its card or key failed, or else revoked first"
    )]
    InEffect {
        until: JapaneseDay,
        renewal_from: JapaneseDay,
    },
    #[error(
        "a certificate is in effect until {until} (Art 6): take an application of kind `{due}` in"
    )]
    Replace {
        until: JapaneseDay,
        due: ApplicationKind,
    },
    #[error("no certificate is in effect: this application is to be of kind `{due}`")]
    Otherwise { due: ApplicationKind },
    #[error(
        "record what it rests on: the card that was tried, the notice of damage, or the notice of the notation"
    )]
    EvidenceMissing,
    #[error("an application of this kind does not rest on that evidence")]
    EvidenceNotDue,
}

impl Openings {
    /// What is open at `now` at a window of `municipality` to a resident who was issued
    /// these certificates, in whatever order.
    #[must_use]
    pub fn of(held: Vec<Held>, municipality: MunicipalityCode, now: Timestamp) -> Self {
        // A live one before all: whatever came after it did not end it.
        let last = held
            .into_iter()
            .max_by_key(|one| (one.in_effect(now), one.issued_at));
        let Some(held) = last else {
            return Self {
                last: None,
                in_effect: false,
                renewal_from: None,
                open: vec![fresh(ApplicationKind::First)],
            };
        };
        if !held.in_effect(now) {
            let kind = again(&held, now);
            return Self {
                last: Some(held),
                in_effect: false,
                renewal_from: None,
                open: vec![fresh(kind)],
            };
        }
        let renewal_from = renewal_opens(held.not_after);
        let mut open = Vec::new();
        let replacing = |kind, evidence| Opening {
            kind,
            replaces: Some(held.serial.clone()),
            evidence,
        };
        if held.municipality != municipality {
            open.push(replacing(ApplicationKind::ReissueMerger, &[]));
        } else if !held.items.agrees() {
            // The register was changed and its notice has not reached the authority yet; it
            // revokes the certificate (Art 12) if the resident does not replace it before.
            open.push(replacing(ApplicationKind::ReissueRegisterChange, &[]));
            if held.items.differing() == [Item::Address] {
                let kind = ApplicationKind::ReissueAddressNotation;
                open.push(replacing(kind, NOTATION_CHANGED));
            }
        }
        if JapaneseDay::of(now) >= renewal_from {
            open.push(replacing(ApplicationKind::Renewal, &[]));
        }
        open.push(replacing(ApplicationKind::ReissueCardFailure, CARD_FAILED));
        Self {
            in_effect: true,
            renewal_from: Some(renewal_from),
            open,
            last: Some(held),
        }
    }

    /// What the screen proposes by itself: the first that needs no evidence.
    #[must_use]
    pub fn proposed(&self) -> Option<&Opening> {
        self.open.iter().find(|opening| opening.evidence.is_empty())
    }

    /// The opening for an application of this kind, resting on this evidence.
    ///
    /// # Errors
    /// [`NotOpen`] says what to do instead.
    pub fn admit(
        &self,
        kind: ApplicationKind,
        evidence: Option<Evidence>,
    ) -> Result<&Opening, NotOpen> {
        let Some(opening) = self.open.iter().find(|opening| opening.kind == kind) else {
            return Err(self.shut());
        };
        match evidence {
            None if opening.evidence.is_empty() => Ok(opening),
            None => Err(NotOpen::EvidenceMissing),
            Some(shown) if opening.evidence.contains(&shown) => Ok(opening),
            Some(_) => Err(NotOpen::EvidenceNotDue),
        }
    }

    fn shut(&self) -> NotOpen {
        match (&self.last, self.renewal_from) {
            (Some(held), Some(renewal_from)) => {
                let until = JapaneseDay::of(held.not_after);
                match self.proposed() {
                    Some(opening) => NotOpen::Replace {
                        until,
                        due: opening.kind,
                    },
                    None => NotOpen::InEffect {
                        until,
                        renewal_from,
                    },
                }
            }
            _ => NotOpen::Otherwise {
                due: self
                    .open
                    .first()
                    .map_or(ApplicationKind::First, |opening| opening.kind),
            },
        }
    }
}

fn fresh(kind: ApplicationKind) -> Opening {
    Opening {
        kind,
        replaces: None,
        evidence: &[],
    }
}

/// The kind of the application after a certificate that is no longer in effect. What the
/// law gives back for it ends with the day on which it would have ended anyhow.
fn again(held: &Held, now: Timestamp) -> ApplicationKind {
    let Some(ended) = &held.ended else {
        return ApplicationKind::First;
    };
    if now > held.not_after {
        return ApplicationKind::First;
    }
    if let Some(next) = ended.next {
        return next;
    }
    match ended.ground {
        Ground::Article12 => ApplicationKind::ReissueRegisterChange,
        // The office's error, and the authority's own key: neither is the holder's doing.
        Ground::Article13 | Ground::Article14 => ApplicationKind::ReissueOfficeError,
        Ground::Article10Damage => ApplicationKind::ReissueCardFailure,
        Ground::Article9
        | Ground::Article9Renewal
        | Ground::Article10Leak
        | Ground::Article10Loss => ApplicationKind::ReissueHolder,
    }
}

#[cfg(test)]
mod tests;
