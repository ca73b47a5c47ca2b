//! The password of a key on the resident's card.

use pki_core::application::certificate_kind::CertificateKind;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::local::{Kind, Problem};

/// The rules for the password of one of the card's keys, told before the resident types.
pub struct Rules {
    ja: &'static str,
    en: &'static str,
    pattern: &'static str,
}

/// Those of the key of that kind.
pub const fn rules(kind: CertificateKind) -> Rules {
    match kind {
        CertificateKind::Signature => Rules {
            ja: "英大文字（A–Z）と数字（0–9）で、6文字から16文字まで",
            en: "6 to 16 characters, capital letters A–Z and digits 0–9",
            pattern: "^[A-Z0-9]{6,16}$",
        },
        CertificateKind::UserAuthentication => Rules {
            ja: "数字4桁",
            en: "4 digits",
            pattern: "^[0-9]{4}$",
        },
    }
}

impl Rules {
    /// As programs are told.
    pub fn told(&self) -> Value {
        json!({"ja": self.ja, "en": self.en, "pattern": self.pattern})
    }
}

/// A password as typed. Erased when dropped; never shown.
pub struct Password(Zeroizing<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl Password {
    /// The bytes for the card.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Checks the rules of the key of that kind.
    ///
    /// # Errors
    /// [`Kind::PasswordRules`], naming the field but not what was typed.
    pub fn check(&self, field: &str, kind: CertificateKind) -> Result<(), Problem> {
        if kind.allows_password(self.as_bytes()) {
            return Ok(());
        }
        let Rules { ja, en, .. } = rules(kind);
        Err(Problem::new(
            Kind::PasswordRules,
            format!("{field} has to be {en}"),
            &format!("パスワードは{ja}で決めてください。"),
            &format!("Choose {en}."),
        ))
    }

    /// Checks that the repetition is the same.
    ///
    /// # Errors
    /// [`Kind::PasswordRules`].
    pub fn check_again(&self, again: &Self) -> Result<(), Problem> {
        if self.as_bytes() == again.as_bytes() {
            return Ok(());
        }
        Err(Problem::new(
            Kind::PasswordRules,
            "the repetition differs",
            "2回の入力が違います。もう一度入力してください。",
            "The two entries differ. Type them again.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: CertificateKind = CertificateKind::Signature;
    const SIGNING_IN: CertificateKind = CertificateKind::UserAuthentication;

    #[test]
    fn only_six_to_sixteen_capitals_and_digits_are_taken() {
        for good in ["ABC123", "ABCDEFGHIJ123456"] {
            assert!(Password::from(good).check("password", SIGNATURE).is_ok());
        }
        for bad in [
            "",
            "ABC12",
            "abc123",
            "ABC 123",
            "ABCDEFGHIJ1234567",
            "ＡＢＣ１２３",
        ] {
            let problem = Password::from(bad)
                .check("password", SIGNATURE)
                .unwrap_err();
            assert_eq!(problem.kind(), Kind::PasswordRules);
            assert!(bad.is_empty() || !problem.document().to_string().contains(bad));
        }
    }

    #[test]
    fn a_key_for_signing_in_has_a_pin_of_four_digits() {
        assert!(Password::from("8274").check("password", SIGNING_IN).is_ok());
        for bad in ["", "827", "82741", "82A4", "ABC123", "８２７４"] {
            let problem = Password::from(bad)
                .check("password", SIGNING_IN)
                .unwrap_err();
            assert_eq!(problem.kind(), Kind::PasswordRules);
            let said = problem.document().to_string();
            assert!(said.contains("4 digits"), "{said}");
            assert!(bad.is_empty() || !said.contains(bad));
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(format!("{:?}", Password::from("ABC123")), "Password(…)");
    }
}
