//! The resident's signature password.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::local::{Kind, Problem};

/// Rules, told before the resident types.
pub const RULES_JA: &str = "英大文字（A–Z）と数字（0–9）で、6文字から16文字まで";
/// Rules, told before the resident types.
pub const RULES_EN: &str = "6 to 16 characters, capital letters A–Z and digits 0–9";

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

    /// Checks the rules: 6–16 of `A–Z 0–9`.
    ///
    /// # Errors
    /// [`Kind::PasswordRules`], naming the field but not what was typed.
    pub fn check(&self, field: &str) -> Result<(), Problem> {
        let length = self.0.len();
        let alphabet = self
            .0
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if (6..=16).contains(&length) && alphabet {
            return Ok(());
        }
        Err(Problem::new(
            Kind::PasswordRules,
            format!("{field} has to be {RULES_EN}"),
            &format!("パスワードは{RULES_JA}で決めてください。"),
            &format!("Choose {RULES_EN}."),
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

    #[test]
    fn only_six_to_sixteen_capitals_and_digits_are_taken() {
        for good in ["ABC123", "ABCDEFGHIJ123456"] {
            assert!(Password::from(good).check("password").is_ok());
        }
        for bad in [
            "",
            "ABC12",
            "abc123",
            "ABC 123",
            "ABCDEFGHIJ1234567",
            "ＡＢＣ１２３",
        ] {
            let problem = Password::from(bad).check("password").unwrap_err();
            assert_eq!(problem.kind(), Kind::PasswordRules);
            assert!(bad.is_empty() || !problem.document().to_string().contains(bad));
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(format!("{:?}", Password::from("ABC123")), "Password(…)");
    }
}
