//! Which of the two certificates of a card.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a certificate is for. An application, a visit to the kiosk and a key of the card are for
/// one of them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// 署名用電子証明書: declarations, the certificate of the Act of 2002.
    #[default]
    Signature,
    /// 利用者証明用電子証明書: signing in, where the prefecture issues it (docs/adr/0011).
    UserAuthentication,
}

/// A text that names no kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("names no kind of certificate")]
pub struct UnknownCertificateKind;

impl CertificateKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Signature, Self::UserAuthentication];

    /// Name in messages and stored states.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::UserAuthentication => "user-authentication",
        }
    }

    /// Number of its key on the card (docs/card-interface.md §2, §3.1).
    #[must_use]
    pub const fn card_slot(self) -> u8 {
        match self {
            Self::Signature => 0,
            Self::UserAuthentication => 1,
        }
    }

    /// The kind of a key of the card; `None` for a number that no card has.
    #[must_use]
    pub fn of_card_slot(slot: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.card_slot() == slot)
    }

    /// Whether it is for signatures, as every certificate was before there was another kind.
    #[must_use]
    pub fn is_signature(&self) -> bool {
        *self == Self::Signature
    }

    /// Whether the four items stand in it. In a certificate for signing in nothing of the person does,
    /// so nobody is asked for substitutes.
    #[must_use]
    pub const fn carries_items(self) -> bool {
        matches!(self, Self::Signature)
    }

    /// Whether the card takes such a password for its key: 6 to 16 of `A–Z 0–9` for signatures,
    /// a PIN of 4 digits for signing in.
    #[must_use]
    pub fn allows_password(self, password: &[u8]) -> bool {
        match self {
            Self::Signature => {
                (6..=16).contains(&password.len())
                    && password
                        .iter()
                        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            }
            Self::UserAuthentication => {
                password.len() == 4 && password.iter().all(u8::is_ascii_digit)
            }
        }
    }
}

impl fmt::Display for CertificateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CertificateKind {
    type Err = UnknownCertificateKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownCertificateKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_slots_lead_back() {
        for kind in CertificateKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(CertificateKind::of_card_slot(kind.card_slot()), Some(kind));
            assert_eq!(
                serde_json::to_value(kind).unwrap(),
                serde_json::json!(kind.as_str())
            );
        }
        assert_eq!(CertificateKind::of_card_slot(2), None);
        assert!("login".parse::<CertificateKind>().is_err());
    }

    #[test]
    fn each_key_has_its_rule_of_password() {
        let [signature, user] = CertificateKind::ALL;
        for (password, for_signature, for_user) in [
            ("ABC123", true, false),
            ("ABCDEFGHIJ123456", true, false),
            ("ABCDEFGHIJ1234567", false, false),
            ("abc123", false, false),
            ("ABC12", false, false),
            ("1234", false, true),
            ("123", false, false),
            ("12345", false, false),
            ("12A4", false, false),
            ("１２３４", false, false),
        ] {
            assert_eq!(
                signature.allows_password(password.as_bytes()),
                for_signature,
                "{password}"
            );
            assert_eq!(
                user.allows_password(password.as_bytes()),
                for_user,
                "{password}"
            );
        }
    }
}
