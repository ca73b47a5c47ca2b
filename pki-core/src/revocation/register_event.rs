//! Events of the resident register (住民基本台帳) that reach the governor by notice: what each does
//! to a certificate (異動等失効, Art 12), and what the holder may apply for afterwards.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::ground::Ground;
use crate::application::cause::ApplicationKind;
use crate::id::{ResidentNumber, text_serde};
use crate::person::municipality::MunicipalityCode;

/// What happened in the register. The list is closed: a notice of another kind is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegisterEventKind {
    /// 転出: moved to another municipality.
    MovedOut,
    /// 死亡.
    Death,
    /// 職権消除: the entry was deleted by the office.
    Deletion,
    /// One of the four items was changed or corrected.
    ItemChanged,
    /// 軽微な修正: a correction of no weight, which Art 12 excepts.
    MinorCorrection,
    /// 住所表記の変更: the office writes the same address in another way.
    AddressNotation,
    /// 合併: the municipality became part of another, where the resident has a new number.
    Merger,
}

/// What an event does to the resident's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is revoked under this ground when the event is recorded (Art 15).
    Revoke(Ground),
    /// It stays in effect and from now on belongs to the resident's new number.
    Relink,
    /// Nothing.
    None,
}

/// What an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    /// The resident's certificate was revoked.
    Revoked,
    /// The certificate belongs to the resident's new number from now on.
    Relinked,
    /// As [`EventOutcome::Relinked`], but a newer one was in effect under the new number: the
    /// older one was revoked (Art 6).
    Superseded,
    /// There is no certificate that it bears on.
    Nothing,
}

impl EventOutcome {
    /// As in tables, audit rows and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Relinked => "relinked",
            Self::Superseded => "superseded",
            Self::Nothing => "nothing",
        }
    }

    /// Whether a certificate went out of effect.
    #[must_use]
    pub const fn ends(self) -> bool {
        matches!(self, Self::Revoked | Self::Superseded)
    }
}

/// A text that names no kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("names no kind of register event")]
pub struct UnknownKind;

impl RegisterEventKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::MovedOut,
        Self::Death,
        Self::Deletion,
        Self::ItemChanged,
        Self::MinorCorrection,
        Self::AddressNotation,
        Self::Merger,
    ];

    /// Name in batches, messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MovedOut => "moved-out",
            Self::Death => "death",
            Self::Deletion => "deletion",
            Self::ItemChanged => "item-changed",
            Self::MinorCorrection => "minor-correction",
            Self::AddressNotation => "address-notation",
            Self::Merger => "merger",
        }
    }

    /// What it does to the resident's certificate: after a merger the holder may go on with it.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Self::MovedOut
            | Self::Death
            | Self::Deletion
            | Self::ItemChanged
            | Self::AddressNotation => Effect::Revoke(Ground::Article12),
            Self::Merger => Effect::Relink,
            Self::MinorCorrection => Effect::None,
        }
    }

    /// What the resident may apply for here because of it; the fee follows from that (free after a
    /// changed notation and a merger). One who moved out applies where he lives now.
    #[must_use]
    pub const fn next_application(self) -> Option<ApplicationKind> {
        match self {
            Self::ItemChanged => Some(ApplicationKind::ReissueRegisterChange),
            Self::AddressNotation => Some(ApplicationKind::ReissueAddressNotation),
            Self::Merger => Some(ApplicationKind::ReissueMerger),
            Self::MovedOut | Self::Death | Self::Deletion | Self::MinorCorrection => None,
        }
    }
}

impl fmt::Display for RegisterEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RegisterEventKind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownKind)
    }
}

text_serde!(RegisterEventKind);

/// One event as the municipality's register tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterEvent {
    /// Counts the events of this municipality: 1, 2, 3, …
    pub sequence: u64,
    /// In the register of the municipality that tells it.
    pub resident: ResidentNumber,
    pub kind: RegisterEventKind,
    /// When the register was changed.
    pub recorded_at: Timestamp,
    /// For a merger, and for nothing else: municipality and number before it.
    pub former: Option<(MunicipalityCode, ResidentNumber)>,
}

impl RegisterEvent {
    /// Whether a certificate rests on the register as it stood before this event: the resident was
    /// compared with the register at `identified_at`, and the event came then or later.
    #[must_use]
    pub fn came_after(&self, identified_at: Timestamp) -> bool {
        identified_at <= self.recorded_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::ground::ReasonCode;

    #[test]
    fn names_come_back_and_others_are_refused() {
        for kind in RegisterEventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("moved".parse::<RegisterEventKind>(), Err(UnknownKind));
    }

    #[test]
    fn all_but_mergers_and_corrections_without_weight_revoke_under_article_12() {
        for kind in RegisterEventKind::ALL {
            let wished = match kind {
                RegisterEventKind::Merger => Effect::Relink,
                RegisterEventKind::MinorCorrection => Effect::None,
                _ => Effect::Revoke(Ground::Article12),
            };
            assert_eq!(kind.effect(), wished, "{kind}");
            if let Effect::Revoke(ground) = kind.effect() {
                // A verifier does not learn whether somebody moved or died.
                assert_eq!(ground.reason(), ReasonCode::AffiliationChanged);
            }
        }
    }

    #[test]
    fn a_new_certificate_is_free_after_a_changed_notation_and_a_merger() {
        let free = |kind: RegisterEventKind| kind.next_application().map(ApplicationKind::is_free);
        assert_eq!(free(RegisterEventKind::AddressNotation), Some(true));
        assert_eq!(free(RegisterEventKind::Merger), Some(true));
        assert_eq!(free(RegisterEventKind::ItemChanged), Some(false));
        assert_eq!(free(RegisterEventKind::Death), None);
        assert_eq!(free(RegisterEventKind::MovedOut), None);
    }

    #[test]
    fn what_rests_on_the_register_before_the_event_is_hit() {
        let event = RegisterEvent {
            sequence: 1,
            resident: "1".parse().unwrap(),
            kind: RegisterEventKind::ItemChanged,
            recorded_at: "2026-11-22T01:00:00Z".parse().unwrap(),
            former: None,
        };
        assert!(event.came_after("2026-11-22T00:59:59Z".parse().unwrap()));
        assert!(event.came_after("2026-11-22T01:00:00Z".parse().unwrap()));
        assert!(!event.came_after("2026-11-22T01:00:01Z".parse().unwrap()));
    }
}
