//! What clerk and applicant say of the certificate's image, and where each verdict leads.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cause::EndCause;
use crate::revocation::ground::Ground;

/// The verdict on the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageVerdict {
    /// Everything is right: the certificate may be written to the card.
    Right,
    /// The person's data are wrong: revoked under Art 13, issued again without a further fee.
    PersonWrong,
    /// The governor's name or a date is wrong: nothing is written, and the issuing service
    /// stops until an officer of the certificate authority releases it.
    IssuerWrong,
    /// The applicant wishes for another substitute: revoked under Art 9, and a new
    /// procedure with a higher fee.
    SubstituteWish,
}

impl ImageVerdict {
    /// Name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::PersonWrong => "person-wrong",
            Self::IssuerWrong => "issuer-wrong",
            Self::SubstituteWish => "substitute-wish",
        }
    }

    /// The exit to take; `None` when the image is right.
    #[must_use]
    pub const fn exit(self) -> Option<ImageExit> {
        let (cause, ground, stops_service) = match self {
            Self::Right => return None,
            Self::PersonWrong => (EndCause::PersonWrong, Ground::Article13, false),
            Self::IssuerWrong => (EndCause::IssuerWrong, Ground::Article13, true),
            Self::SubstituteWish => (EndCause::SubstituteWish, Ground::Article9, false),
        };
        Some(ImageExit {
            cause,
            ground,
            stops_service,
        })
    }
}

impl fmt::Display for ImageVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What follows from an image that is not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageExit {
    /// Why the application ends.
    pub cause: EndCause,
    /// On which ground the certificate is revoked.
    pub ground: Ground,
    /// Whether the issuing service stops.
    pub stops_service: bool,
}

/// A verdict that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    pub verdict: ImageVerdict,
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::cause::ApplicationKind;

    #[test]
    fn each_verdict_has_its_exit() {
        assert_eq!(ImageVerdict::Right.exit(), None);
        let person = ImageVerdict::PersonWrong.exit().unwrap();
        assert_eq!(
            (person.ground, person.stops_service),
            (Ground::Article13, false)
        );
        assert!(person.cause.next_application().unwrap().is_free());
        let issuer = ImageVerdict::IssuerWrong.exit().unwrap();
        assert_eq!(
            (issuer.ground, issuer.stops_service),
            (Ground::Article13, true)
        );
        let wish = ImageVerdict::SubstituteWish.exit().unwrap();
        assert_eq!((wish.ground, wish.stops_service), (Ground::Article9, false));
        assert_eq!(
            wish.cause.next_application(),
            Some(ApplicationKind::ReissueSubstitute)
        );
    }
}
