//! The statutory ground of a revocation, and the reason code by which RFC 5280
//! lets a relying party know of it.

use std::fmt;
use std::str::FromStr;

use crate::id::text_serde;

/// Reason codes that this CA uses (RFC 5280 §5.3.1). Suspension (certificateHold) does
/// not exist in the law of 2002, and unspecified is left out, as the RFC asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonCode {
    /// The private key is in doubt.
    KeyCompromise,
    /// The CA's key is in doubt.
    CaCompromise,
    /// The holder's data changed.
    AffiliationChanged,
    /// Another certificate takes its place.
    Superseded,
    /// The certificate is no longer needed or usable.
    CessationOfOperation,
}

impl ReasonCode {
    /// The number in CRLs and OCSP answers.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
        }
    }

    /// The reason of that number; `None` for those that this CA does not use.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::KeyCompromise),
            2 => Some(Self::CaCompromise),
            3 => Some(Self::AffiliationChanged),
            4 => Some(Self::Superseded),
            5 => Some(Self::CessationOfOperation),
            _ => None,
        }
    }
}

/// Why a certificate loses its effect: the article of the Act of 2002.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// Art 9: the holder's own wish.
    Article9,
    /// Art 9: the holder's wish to go over to a new certificate (更新), which takes its place.
    /// Never stated by itself: it is recorded together with the new one.
    Article9Renewal,
    /// Art 10: the private key leaked or was stolen.
    Article10Leak,
    /// Art 10: the private key or the card was lost.
    Article10Loss,
    /// Art 10: the key was damaged or the card became unusable.
    Article10Damage,
    /// Art 12: an item changed in the register, or the entry was deleted.
    Article12,
    /// Art 13: the certificate was recorded with an error or omission.
    Article13,
    /// Art 14: the certificate authority's own key.
    Article14,
}

/// A text that names no ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("names no ground of revocation")]
pub struct UnknownGround;

impl Ground {
    /// Every ground.
    pub const ALL: [Self; 8] = [
        Self::Article9,
        Self::Article9Renewal,
        Self::Article10Leak,
        Self::Article10Loss,
        Self::Article10Damage,
        Self::Article12,
        Self::Article13,
        Self::Article14,
    ];

    /// Name in acts, messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Article9 => "article9",
            Self::Article9Renewal => "article9-renewal",
            Self::Article10Leak => "article10-leak",
            Self::Article10Loss => "article10-loss",
            Self::Article10Damage => "article10-damage",
            Self::Article12 => "article12",
            Self::Article13 => "article13",
            Self::Article14 => "article14",
        }
    }

    /// What relying parties are told. All of Art 12 is affiliationChanged: a verifier
    /// need not learn whether a person moved, married or died.
    #[must_use]
    pub const fn reason(self) -> ReasonCode {
        match self {
            Self::Article10Leak => ReasonCode::KeyCompromise,
            Self::Article14 => ReasonCode::CaCompromise,
            Self::Article12 => ReasonCode::AffiliationChanged,
            Self::Article13 | Self::Article9Renewal => ReasonCode::Superseded,
            Self::Article9 | Self::Article10Loss | Self::Article10Damage => {
                ReasonCode::CessationOfOperation
            }
        }
    }

    /// The number of [`Self::reason`].
    #[must_use]
    pub const fn reason_code(self) -> u8 {
        self.reason().code()
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ground {
    type Err = UnknownGround;
    fn from_str(text: &str) -> Result<Self, UnknownGround> {
        Self::ALL
            .into_iter()
            .find(|ground| ground.as_str() == text)
            .ok_or(UnknownGround)
    }
}

text_serde!(Ground);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ground_comes_back_from_its_name() {
        for ground in Ground::ALL {
            assert_eq!(ground.to_string().parse(), Ok(ground));
        }
        for text in ["", "article11", "Article9", "hold"] {
            assert_eq!(text.parse::<Ground>(), Err(UnknownGround));
        }
    }

    #[test]
    fn no_ground_is_a_hold_or_a_removal_or_unspecified() {
        for ground in Ground::ALL {
            assert!((1..=5).contains(&ground.reason_code()), "{ground}");
        }
        assert_eq!(Ground::Article10Leak.reason_code(), 1);
        assert_eq!(Ground::Article12.reason_code(), 3);
    }
}
