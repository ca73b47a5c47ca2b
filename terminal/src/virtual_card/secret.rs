//! Bytes that are not shown: keys and passwords in the card's memory.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Secret bytes, erased when dropped, without `Debug`; compared in constant time.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes a copy of some bytes.
    pub fn new(bytes: &[u8]) -> Secret {
        Secret(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes, for the operation that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether these are the bytes; time depends on the lengths alone.
    pub fn equals(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(hex::encode(self.expose()));
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes =
            hex::decode(text.as_bytes()).map_err(|_| serde::de::Error::custom("not hex"))?;
        Ok(Secret(Zeroizing::new(bytes)))
    }
}

/// A 16-byte AES key, erased when dropped, without `Debug`.
#[derive(Clone)]
pub struct AesKey(Zeroizing<[u8; 16]>);

impl AesKey {
    /// A key of exactly 16 bytes; none otherwise.
    pub fn from_slice(bytes: &[u8]) -> Option<AesKey> {
        bytes.try_into().ok().map(|key| AesKey(Zeroizing::new(key)))
    }

    /// The key's bytes.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for AesKey {
    fn from(bytes: [u8; 16]) -> Self {
        AesKey(Zeroizing::new(bytes))
    }
}

impl Serialize for AesKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Secret::new(self.expose()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AesKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = Secret::deserialize(deserializer)?;
        AesKey::from_slice(secret.expose()).ok_or_else(|| serde::de::Error::custom("not 16 bytes"))
    }
}

/// The three keys of a GlobalPlatform key set.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySet {
    /// Encryption key.
    pub enc: AesKey,
    /// MAC key.
    pub mac: AesKey,
    /// Key encryption key.
    pub dek: AesKey,
}
