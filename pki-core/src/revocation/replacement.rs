//! Taking one certificate out of effect by putting another in its place (更新, 再発行):
//! when that is open, and under which ground the old one falls.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ground::Ground;
use crate::application::cause::ApplicationKind;
use crate::calendar::{JapaneseDay, renewal_opens};
use crate::certificate::serial::Serial;
use crate::id::text_serde;

/// What an issuing act says of the certificate whose place the new one takes. The old one is
/// revoked in the transaction that completes the new one, so that Art 6 holds at every instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaces {
    /// The certificate that is in effect for this resident.
    pub serial: Serial,
    /// Why it need not run to its end.
    pub cause: ReplacementCause,
}

/// Why a certificate in effect is replaced. A key that leaked or was lost is not among them: that
/// is recorded at once (Art 11), and the next certificate replaces nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplacementCause {
    /// 更新: in the last three months, by the holder's wish.
    Renewal,
    /// The key was damaged or the card became unusable (Art 10).
    CardFailure,
    /// It was recorded with an error or omission (Art 13).
    OfficeError,
    /// An item changed in the register (Art 12), and the notice of it has not come yet.
    RegisterChange,
    /// 住所表記の変更: the notation of the address changed (Art 12), and the notice has not come yet.
    AddressNotation,
    /// 合併: the municipality was merged into another, and the holder wishes for a new one.
    Merger,
    /// The holder wishes for another substitute character.
    Substitute,
}

/// A text that names no cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("names no cause for replacing a certificate")]
pub struct UnknownCause;

impl ReplacementCause {
    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::Renewal,
        Self::CardFailure,
        Self::OfficeError,
        Self::RegisterChange,
        Self::AddressNotation,
        Self::Merger,
        Self::Substitute,
    ];

    /// Name in acts, messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Renewal => "renewal",
            Self::CardFailure => "card-failure",
            Self::OfficeError => "office-error",
            Self::RegisterChange => "register-change",
            Self::AddressNotation => "address-notation",
            Self::Merger => "merger",
            Self::Substitute => "substitute",
        }
    }

    /// Under which ground the old certificate is revoked. Where no event of Arts 10 to 13 has
    /// happened the holder gives it up by his own wish (Art 9), and goes over to another one.
    #[must_use]
    pub const fn ground(self) -> Ground {
        match self {
            Self::Renewal | Self::Merger | Self::Substitute => Ground::Article9Renewal,
            Self::CardFailure => Ground::Article10Damage,
            Self::OfficeError => Ground::Article13,
            Self::RegisterChange | Self::AddressNotation => Ground::Article12,
        }
    }

    /// The kind of application that leads to it; the fee follows from that.
    #[must_use]
    pub const fn application(self) -> ApplicationKind {
        match self {
            Self::Renewal => ApplicationKind::Renewal,
            Self::CardFailure => ApplicationKind::ReissueCardFailure,
            Self::OfficeError => ApplicationKind::ReissueOfficeError,
            Self::RegisterChange => ApplicationKind::ReissueRegisterChange,
            Self::AddressNotation => ApplicationKind::ReissueAddressNotation,
            Self::Merger => ApplicationKind::ReissueMerger,
            Self::Substitute => ApplicationKind::ReissueSubstitute,
        }
    }

    /// The cause that goes with a kind of application, while a certificate is in effect; `None`
    /// for the kinds that can replace nothing.
    #[must_use]
    pub fn of_application(kind: ApplicationKind) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|cause| cause.application() == kind)
    }
}

impl fmt::Display for ReplacementCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReplacementCause {
    type Err = UnknownCause;
    fn from_str(text: &str) -> Result<Self, UnknownCause> {
        Self::ALL
            .into_iter()
            .find(|cause| cause.as_str() == text)
            .ok_or(UnknownCause)
    }
}

text_serde!(ReplacementCause);

/// What is recorded of the certificate that is to be replaced, beside what is asked for now.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its last second.
    pub not_after: Timestamp,
    /// Name of its profile, and of the profile asked for.
    pub profile: (&'a str, &'a str),
    /// Where it belongs, seen from the window that asks.
    pub place: StandingPlace,
}

/// Where the certificate to be replaced belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandingPlace {
    /// To the municipality of the window.
    Same,
    /// To one that was merged into it.
    Former,
    /// To another.
    Other,
}

/// Why a certificate is not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementFault {
    /// Renewal is for the last three months.
    #[error("renewal is taken from {opens} on")]
    TooEarly {
        /// The first day of renewal.
        opens: JapaneseDay,
    },
    /// It has run out: a first application is due, and nothing to replace.
    #[error("the certificate has run out; nothing needs to be replaced")]
    Ended,
    /// It belongs to another municipality.
    #[error("the certificate belongs to another municipality")]
    OtherMunicipality,
    /// Its municipality was not merged into this one.
    #[error("the certificate's municipality was not merged into another")]
    NotMerged,
    /// Another profile.
    #[error("the certificate has another profile")]
    OtherProfile,
}

impl ReplacementCause {
    /// Whether a certificate that stands so may be replaced for this cause at `now`. That it is in
    /// effect for the same resident is for the store to say, within the transaction.
    ///
    /// # Errors
    /// [`ReplacementFault`] says what to do instead.
    pub fn check(self, old: &Standing<'_>, now: Timestamp) -> Result<(), ReplacementFault> {
        if old.profile.0 != old.profile.1 {
            return Err(ReplacementFault::OtherProfile);
        }
        match (old.place, self) {
            (StandingPlace::Other, _) => return Err(ReplacementFault::OtherMunicipality),
            (StandingPlace::Same, Self::Merger) => return Err(ReplacementFault::NotMerged),
            (StandingPlace::Same | StandingPlace::Former, _) => {}
        }
        if old.not_after < now {
            return Err(ReplacementFault::Ended);
        }
        let opens = renewal_opens(old.not_after);
        if self == Self::Renewal && JapaneseDay::of(now) < opens {
            return Err(ReplacementFault::TooEarly { opens });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::ground::ReasonCode;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn standing(not_after: &str) -> Standing<'static> {
        Standing {
            not_after: at(not_after),
            profile: ("signature", "signature"),
            place: StandingPlace::Same,
        }
    }

    #[test]
    fn renewal_is_open_from_midnight_in_japan_three_months_before_the_end() {
        let cases = [
            // notAfter, the last second before renewal opens, the first day
            ("2029-11-21T14:59:59Z", "2029-08-21T14:59:59Z", "2029-08-22"),
            // The end of February: three months before 1 March.
            ("2029-02-28T14:59:59Z", "2028-11-30T14:59:59Z", "2028-12-01"),
            // A leap day is an end like another.
            ("2028-02-29T14:59:59Z", "2027-11-30T14:59:59Z", "2027-12-01"),
            // 31 May has no day of its date in February: the last of February.
            ("2027-05-30T14:59:59Z", "2027-02-27T14:59:59Z", "2027-02-28"),
            ("2028-05-30T14:59:59Z", "2028-02-28T14:59:59Z", "2028-02-29"),
        ];
        for (end, before, opens) in cases {
            let old = standing(end);
            assert_eq!(
                ReplacementCause::Renewal.check(&old, at(before)),
                Err(ReplacementFault::TooEarly {
                    opens: opens.parse().unwrap()
                }),
                "{end}"
            );
            let midnight = at(before) + jiff::SignedDuration::from_secs(1);
            assert_eq!(
                ReplacementCause::Renewal.check(&old, midnight),
                Ok(()),
                "{end}"
            );
        }
    }

    #[test]
    fn the_last_second_counts_and_the_next_is_too_late() {
        let old = standing("2029-11-21T14:59:59Z");
        for cause in ReplacementCause::ALL {
            let old = Standing {
                place: StandingPlace::Former,
                ..old
            };
            assert_eq!(cause.check(&old, at("2029-11-21T14:59:59Z")), Ok(()));
            assert_eq!(
                cause.check(&old, at("2029-11-21T15:00:00Z")),
                Err(ReplacementFault::Ended)
            );
        }
    }

    #[test]
    fn early_replacement_is_open_for_the_other_causes() {
        let old = standing("2029-11-21T14:59:59Z");
        let early = at("2026-11-22T15:00:00Z");
        for cause in ReplacementCause::ALL {
            let wished = match cause {
                ReplacementCause::Renewal => Err(ReplacementFault::TooEarly {
                    opens: "2029-08-22".parse().unwrap(),
                }),
                ReplacementCause::Merger => Err(ReplacementFault::NotMerged),
                _ => Ok(()),
            };
            assert_eq!(cause.check(&old, early), wished, "{cause}");
        }
        let merged = Standing {
            place: StandingPlace::Former,
            ..old
        };
        assert_eq!(ReplacementCause::Merger.check(&merged, early), Ok(()));
    }

    #[test]
    fn another_place_or_profile_is_not_replaced() {
        let old = standing("2029-11-21T14:59:59Z");
        let now = at("2029-10-01T00:00:00Z");
        for cause in ReplacementCause::ALL {
            let elsewhere = Standing {
                place: StandingPlace::Other,
                ..old
            };
            let other = Standing {
                profile: ("signature", "authentication"),
                ..old
            };
            assert_eq!(
                cause.check(&elsewhere, now),
                Err(ReplacementFault::OtherMunicipality)
            );
            assert_eq!(
                cause.check(&other, now),
                Err(ReplacementFault::OtherProfile)
            );
        }
    }

    #[test]
    fn each_cause_has_its_name_kind_and_ground() {
        for cause in ReplacementCause::ALL {
            assert_eq!(cause.as_str().parse(), Ok(cause));
            assert_eq!(
                ReplacementCause::of_application(cause.application()),
                Some(cause)
            );
        }
        for kind in [ApplicationKind::First, ApplicationKind::ReissueHolder] {
            assert_eq!(ReplacementCause::of_application(kind), None);
        }
        assert_eq!(
            ReplacementCause::Renewal.ground().reason(),
            ReasonCode::Superseded
        );
        assert_eq!(ReplacementCause::OfficeError.ground(), Ground::Article13);
        assert_eq!(
            ReplacementCause::CardFailure.ground(),
            Ground::Article10Damage
        );
    }
}
