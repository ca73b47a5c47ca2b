//! 本番 and 訓練 (全国実用試験): an environment that issues real certificates, and one where clerks
//! learn and trials are held. They look alike; nothing of one may count in the other.
//!
//! What an environment is stands in certificates, by their policy, and not in a setting alone: in
//! those of its two CAs, from which every party has its own, and in those of residents. A setting
//! that says otherwise is refused at the start; mutual TLS keeps the two environments apart; and
//! each act says, under the signatures of terminal and card, which one it was made in.

use serde::{Deserialize, Serialize};

use crate::certificate::{CertificateImage, profile::Profile};

/// Which kind of environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Certificates have their effect in law.
    #[default]
    Production,
    /// Nothing that is issued has any.
    Training,
}

impl Mode {
    /// As in configurations and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Training => "training",
        }
    }

    /// For `serde`: acts of production say nothing about it.
    #[must_use]
    pub const fn is_production(&self) -> bool {
        matches!(self, Self::Production)
    }

    /// For marks on screens and papers.
    #[must_use]
    pub const fn is_training(self) -> bool {
        matches!(self, Self::Training)
    }

    /// Policies of training lie in `….1.9.n`, whatever arc a prefecture has.
    #[must_use]
    pub fn of_policy(oid: &str) -> Self {
        let mut arcs = oid.rsplit('.');
        match (arcs.next(), arcs.next(), arcs.next()) {
            (Some(_), Some("9"), Some("1")) => Self::Training,
            _ => Self::Production,
        }
    }

    /// What a certificate says: one policy of training is enough.
    #[must_use]
    pub fn of_certificate(certificate: &CertificateImage) -> Self {
        let mut modes = certificate.policies.iter().map(|p| Self::of_policy(&p.oid));
        if modes.any(Self::is_training) {
            Self::Training
        } else {
            Self::Production
        }
    }

    /// What the certificates of a profile will say.
    #[must_use]
    pub fn of_profile(profile: &Profile) -> Self {
        profile
            .policy()
            .map_or(Self::Production, |policy| Self::of_policy(&policy.oid))
    }

    /// A program of this mode works with what is of `theirs`.
    ///
    /// # Errors
    /// [`OtherMode`].
    pub fn takes(self, theirs: Self) -> Result<(), OtherMode> {
        if self == theirs {
            Ok(())
        } else {
            Err(OtherMode { ours: self, theirs })
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something of the other environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is of {theirs}, and this is {ours}")]
pub struct OtherMode {
    pub ours: Mode,
    pub theirs: Mode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_says_which() {
        for (oid, mode) in [
            ("1.3.6.1.4.1.99999.2026.1.9.20", Mode::Training),
            ("1.3.6.1.4.1.99999.2026.1.9.1", Mode::Training),
            ("1.3.6.1.4.1.99999.2026.1.0.20", Mode::Production),
            ("1.3.6.1.4.1.99999.2026.1.9.20.1", Mode::Production),
            ("1.3.6.1.4.1.99999.2026.11.9.20", Mode::Production),
            ("1.9.20", Mode::Training),
            ("9.20", Mode::Production),
            ("", Mode::Production),
        ] {
            assert_eq!(Mode::of_policy(oid), mode, "{oid}");
        }
    }

    #[test]
    fn the_profiles_of_training_are_marked_and_no_others() {
        for (file, text) in crate::certificate::profile::SAMPLES {
            let profile = Profile::parse(text).unwrap();
            assert_eq!(
                Mode::of_profile(&profile).is_training(),
                file.ends_with("-training.toml"),
                "{file}"
            );
        }
    }

    #[test]
    fn neither_takes_what_is_of_the_other() {
        let (ours, theirs) = (Mode::Production, Mode::Training);
        assert_eq!(ours.takes(ours), Ok(()));
        assert_eq!(theirs.takes(theirs), Ok(()));
        assert_eq!(ours.takes(theirs), Err(OtherMode { ours, theirs }));
        let told = theirs.takes(ours).unwrap_err().to_string();
        assert_eq!(told, "it is of production, and this is training");
    }
}
