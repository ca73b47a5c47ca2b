//! A password with its retry counter (the JPKI passwords `001B` and `0018`, the operator's PIN).

use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// Tries before a password is blocked, where it has no number of its own.
pub const TRIES: u8 = 5;

/// A password, perhaps not yet set, and how many wrong tries it still allows.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Password {
    value: Option<Secret>,
    tries_left: u8,
    /// How many a right one gives back.
    tries: u8,
}

impl Password {
    /// No password set: nothing verifies against it.
    pub fn unset() -> Password {
        Password {
            value: None,
            tries_left: 0,
            tries: TRIES,
        }
    }

    /// A password with all its tries.
    pub fn new(value: Secret) -> Password {
        Password::with_tries(value, TRIES)
    }

    /// A password with so many tries.
    pub fn with_tries(value: Secret, tries: u8) -> Password {
        Password {
            value: Some(value),
            tries_left: tries,
            tries,
        }
    }

    /// Whether there is a password.
    pub fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// Tries left; 0 when blocked or not set.
    pub fn tries_left(&self) -> u8 {
        self.tries_left
    }

    /// Whether no try is left.
    pub fn is_blocked(&self) -> bool {
        self.tries_left == 0
    }

    /// Takes one try away; to be made durable before [`Password::is`].
    pub fn count_try(&mut self) {
        self.tries_left = self.tries_left.saturating_sub(1);
    }

    /// Gives all tries back; an unset password stays without.
    pub fn reset_tries(&mut self) {
        self.tries_left = if self.is_set() { self.tries } else { 0 };
    }

    /// Compares, in constant time for equal lengths.
    pub fn is(&self, presented: &[u8]) -> bool {
        self.value
            .as_ref()
            .is_some_and(|value| value.equals(presented))
    }
}

/// The rule for a signature password: 6 to 16 of `A–Z`, `0–9`.
pub fn is_signature_password(bytes: &[u8]) -> bool {
    (6..=16).contains(&bytes.len())
        && bytes
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The rule for the PIN of the authentication key (`0018`): 4 digits.
pub fn is_authentication_pin(bytes: &[u8]) -> bool {
    bytes.len() == 4 && bytes.iter().all(u8::is_ascii_digit)
}

/// The rule for an operator's PIN: 6 to 12 digits.
pub fn is_operator_pin(bytes: &[u8]) -> bool {
    (6..=12).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit)
}
