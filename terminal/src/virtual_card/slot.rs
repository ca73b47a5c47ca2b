//! The two keys of the JPKI application, each with what belongs to it.

use serde::{Deserialize, Serialize};

use super::apdu::Status;
use super::image::StoredKey;
use super::password::{Password, is_authentication_pin, is_signature_password};
use super::rsa_key::RsaKey;
use super::secret::Secret;

/// Which key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// 署名用: key `001A`, password `001B`, certificate `0001`.
    #[default]
    Signature,
    /// 利用者証明用: key `0017`, PIN `0018`, certificate `000A`.
    Authentication,
}

impl Slot {
    /// Both.
    pub const ALL: [Slot; 2] = [Slot::Signature, Slot::Authentication];

    /// As P2 of the gateway's commands names it.
    ///
    /// # Errors
    /// `6A86` for any other number.
    pub fn from_p2(p2: u8) -> Result<Slot, Status> {
        match p2 {
            0x00 => Ok(Slot::Signature),
            0x01 => Ok(Slot::Authentication),
            _ => Err(Status::WRONG_PARAMETERS),
        }
    }

    /// The rule of its password: 6 to 16 of `A–Z 0–9`, or a PIN of 4 digits.
    pub fn allows(self, password: &[u8]) -> bool {
        match self {
            Slot::Signature => is_signature_password(password),
            Slot::Authentication => is_authentication_pin(password),
        }
    }

    /// A new password with all its tries: 5 for a signature, 3 for signing in.
    pub fn password(self, value: Secret) -> Password {
        Password::with_tries(
            value,
            match self {
                Slot::Signature => 5,
                Slot::Authentication => 3,
            },
        )
    }
}

/// What a slot holds in non-volatile memory.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotImage {
    /// The private key in use, as PKCS#8, and its certificate.
    pub key: Option<StoredKey>,
    /// The password that opens it.
    pub password: Password,
    /// The certificate of the CA that certified it.
    #[serde(with = "super::image::hex_option")]
    pub ca_certificate: Option<Vec<u8>>,
}

impl SlotImage {
    /// Nothing in it.
    pub fn empty() -> SlotImage {
        SlotImage {
            key: None,
            password: Password::unset(),
            ca_certificate: None,
        }
    }

    /// The certificate of its key.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.key.as_ref()?.certificate.as_deref()
    }

    /// Whether a key waits for its certificate.
    pub fn waits(&self) -> bool {
        self.key.is_some() && self.certificate().is_none()
    }

    /// Erases key, certificate and password.
    pub fn erase(&mut self) {
        self.key = None;
        self.password = Password::unset();
    }
}

/// The keys in working memory, ready to sign.
#[derive(Default)]
pub struct Keys([Option<RsaKey>; 2]);

impl Keys {
    /// The key of a slot.
    pub fn get(&self, slot: Slot) -> Option<&RsaKey> {
        self.0[slot as usize].as_ref()
    }

    /// Puts a key in place, or takes it away.
    pub fn set(&mut self, slot: Slot, key: Option<RsaKey>) {
        self.0[slot as usize] = key;
    }
}
