//! Why an application was made, and why it ended before the card was handed over.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is applied for, and why; the fee follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationKind {
    /// First issue.
    First,
    /// Renewal within the last three months.
    Renewal,
    /// Again after the holder's own revocation (Art 9), a leak or a loss (Art 10).
    ReissueHolder,
    /// Again because the card or the key on it failed (Art 10).
    ReissueCardFailure,
    /// Again because the office recorded an item wrongly (Art 13).
    ReissueOfficeError,
    /// Again after an item changed in the register (Art 12).
    ReissueRegisterChange,
    /// Again, on wish, after municipalities merged.
    ReissueMerger,
    /// Again after the notation of the address changed (住所表記の変更).
    ReissueAddressNotation,
    /// Again because another substitute character is wished.
    ReissueSubstitute,
}

impl ApplicationKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::First,
        Self::Renewal,
        Self::ReissueHolder,
        Self::ReissueCardFailure,
        Self::ReissueOfficeError,
        Self::ReissueRegisterChange,
        Self::ReissueMerger,
        Self::ReissueAddressNotation,
        Self::ReissueSubstitute,
    ];

    /// Name in messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Renewal => "renewal",
            Self::ReissueHolder => "reissue-holder",
            Self::ReissueCardFailure => "reissue-card-failure",
            Self::ReissueOfficeError => "reissue-office-error",
            Self::ReissueRegisterChange => "reissue-register-change",
            Self::ReissueMerger => "reissue-merger",
            Self::ReissueAddressNotation => "reissue-address-notation",
            Self::ReissueSubstitute => "reissue-substitute",
        }
    }
}

impl fmt::Display for ApplicationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an application ended before hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndCause {
    /// An item of the form differs from the register.
    ItemsDisagree,
    /// The person is not in the municipality's register.
    NotRegistered,
    /// The clerk did not accept the identification.
    IdentityRefused,
    /// The applicant withdrew before anything was issued.
    Withdrawn,
    /// Nobody went on with it in its time, or the written reply did not come.
    Lapsed,
    /// The image showed wrong data of the person.
    PersonWrong,
    /// The image showed a wrong governor or date.
    IssuerWrong,
    /// On the image the applicant wished for another substitute.
    SubstituteWish,
    /// The certificate was revoked for another reason; the ground says which.
    CertificateRevoked,
}

impl EndCause {
    /// Name in messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ItemsDisagree => "items-disagree",
            Self::NotRegistered => "not-registered",
            Self::IdentityRefused => "identity-refused",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::PersonWrong => "person-wrong",
            Self::IssuerWrong => "issuer-wrong",
            Self::SubstituteWish => "substitute-wish",
            Self::CertificateRevoked => "certificate-revoked",
        }
    }

    /// What the next application is, where this end leads to one.
    #[must_use]
    pub const fn next_application(self) -> Option<ApplicationKind> {
        match self {
            Self::PersonWrong | Self::IssuerWrong => Some(ApplicationKind::ReissueOfficeError),
            Self::SubstituteWish => Some(ApplicationKind::ReissueSubstitute),
            _ => None,
        }
    }
}

impl fmt::Display for EndCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_serialised_form() {
        for kind in ApplicationKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        for cause in [
            EndCause::ItemsDisagree,
            EndCause::NotRegistered,
            EndCause::IdentityRefused,
            EndCause::Withdrawn,
            EndCause::Lapsed,
            EndCause::PersonWrong,
            EndCause::IssuerWrong,
            EndCause::SubstituteWish,
            EndCause::CertificateRevoked,
        ] {
            assert_eq!(
                serde_json::to_string(&cause).unwrap(),
                format!("\"{cause}\"")
            );
        }
    }
}
