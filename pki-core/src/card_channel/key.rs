//! AES-128 keys of cards and visits, and their check values.

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::cmac;
use aws_lc_rs::iv::FixedLength;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An AES-128 key. Erased when dropped; never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key128([u8; 16]);

impl std::fmt::Debug for Key128 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key128(..)")
    }
}

impl PartialEq for Key128 {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
impl Eq for Key128 {}

impl From<[u8; 16]> for Key128 {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Key128 {
    /// A key from exactly 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// The key's bytes, for wrapping and for handing it to a card's factory.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// Key check value: the first three bytes of AES-ECB over sixteen bytes `01`
    /// (GlobalPlatform Amendment D v1.1.2 §4.1.4).
    pub fn check_value(&self) -> [u8; 3] {
        let mut block = [1_u8; 16];
        self.encrypt_block(&mut block);
        [block[0], block[1], block[2]]
    }

    /// AES-CMAC (RFC 4493, NIST SP 800-38B).
    pub fn cmac(&self, message: &[u8]) -> [u8; 16] {
        let key = cmac::Key::new(cmac::AES_128, &self.0).expect("an AES-128 key has 16 bytes");
        let tag = cmac::sign(&key, message).expect("CMAC of bytes in memory does not fail");
        tag.as_ref().try_into().expect("an AES-CMAC has 16 bytes")
    }

    /// One block in ECB, in place: the initial values of the channel and check values.
    pub(super) fn encrypt_block(&self, block: &mut [u8; 16]) {
        EncryptingKey::ecb(self.unbound())
            .and_then(|key| key.less_safe_encrypt(block, EncryptionContext::None))
            .expect("one AES block always encrypts");
    }

    /// CBC without padding, in place; `data` is whole blocks.
    pub(super) fn encrypt_cbc(&self, iv: [u8; 16], data: &mut [u8]) {
        debug_assert_eq!(data.len() % 16, 0);
        EncryptingKey::cbc(self.unbound())
            .and_then(|key| {
                key.less_safe_encrypt(data, EncryptionContext::Iv128(FixedLength::from(iv)))
            })
            .expect("whole AES blocks always encrypt");
    }

    /// CBC without padding, in place; `data` is whole blocks.
    pub(super) fn decrypt_cbc(&self, iv: [u8; 16], data: &mut [u8]) {
        debug_assert_eq!(data.len() % 16, 0);
        DecryptingKey::cbc(self.unbound())
            .and_then(|key| {
                key.decrypt(data, DecryptionContext::Iv128(FixedLength::from(iv)))
                    .map(|_| ())
            })
            .expect("whole AES blocks always decrypt");
    }

    fn unbound(&self) -> UnboundCipherKey {
        UnboundCipherKey::new(&AES_128, &self.0).expect("an AES-128 key has 16 bytes")
    }
}

/// The three keys of one key version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    /// Encryption of commands and answers (of a visit: half of 外部認証鍵).
    pub enc: Key128,
    /// Authentication of commands and answers (of a visit: half of 外部認証鍵).
    pub mac: Key128,
    /// Wraps keys and passwords on their way into the card (of a visit: 秘密鍵格納鍵).
    pub dek: Key128,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key128 {
        Key128::from_slice(&hex::decode(text).unwrap()).unwrap()
    }

    #[test]
    fn cmac_gives_the_four_answers_of_rfc_4493_section_4() {
        let k = key("2b7e151628aed2a6abf7158809cf4f3c");
        let m = hex::decode(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
             30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
        )
        .unwrap();
        for (length, tag) in [
            (0, "bb1d6929e95937287fa37d129b756746"),
            (16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (40, "dfa66747de9ae63030ca32611497c827"),
            (64, "51f0bebf7e3b9d92fc49741779363cfe"),
        ] {
            assert_eq!(hex::encode(k.cmac(&m[..length])), tag, "{length} bytes");
        }
    }

    #[test]
    fn cbc_gives_the_answer_of_nist_sp_800_38a_f_2_1() {
        let k = key("2b7e151628aed2a6abf7158809cf4f3c");
        let iv: [u8; 16] = std::array::from_fn(|i| i as u8);
        let plain = hex::decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
            .unwrap();
        let mut data = plain.clone();
        k.encrypt_cbc(iv, &mut data);
        assert_eq!(
            hex::encode(&data),
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        );
        k.decrypt_cbc(iv, &mut data);
        assert_eq!(data, plain);
    }

    /// The check values that Osmocom's pySim prints for its AES-128 test key set.
    #[test]
    fn check_values_are_those_of_global_platform() {
        for (k, kcv) in [
            ("000102030405060708090a0b0c0d0e0f", "c35280"),
            ("101112131415161718191a1b1c1d1e1f", "013808"),
            ("202122232425262728292a2b2c2d2e2f", "840de5"),
        ] {
            assert_eq!(hex::encode(key(k).check_value()), kcv);
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        assert_eq!(format!("{:?}", Key128::from([0x41; 16])), "Key128(..)");
    }
}
