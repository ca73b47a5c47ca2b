//! AES as the card uses it: CMAC, single blocks, CBC, key wrap.

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecryptMut, BlockEncrypt, BlockEncryptMut, KeyInit, KeyIvInit};
use aes_kw::KekAes128;
use cmac::{Cmac, Mac};
use zeroize::Zeroizing;

use super::secret::AesKey;

/// A block of AES.
pub type Block = [u8; 16];

/// AES-CMAC of the parts put one after the other (RFC 4493).
pub fn cmac(key: &AesKey, parts: &[&[u8]]) -> Block {
    let mut mac = <Cmac<Aes128> as Mac>::new(key.expose().into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// One block of AES-ECB (FIPS 197).
pub fn encrypt_block(key: &AesKey, block: Block) -> Block {
    let mut block = GenericArray::from(block);
    Aes128::new(key.expose().into()).encrypt_block(&mut block);
    block.into()
}

/// Key check value: the first 3 bytes of the encryption of 16 bytes `01` (GlobalPlatform).
pub fn check_value(key: &AesKey) -> [u8; 3] {
    let [a, b, c, ..] = encrypt_block(key, [1; 16]);
    [a, b, c]
}

/// AES-CBC of whole blocks.
pub fn cbc_encrypt(key: &AesKey, iv: &Block, data: &mut [u8]) {
    let mut cbc = cbc::Encryptor::<Aes128>::new(key.expose().into(), iv.into());
    for block in data.chunks_exact_mut(16) {
        cbc.encrypt_block_mut(GenericArray::from_mut_slice(block));
    }
}

/// The inverse of [`cbc_encrypt`].
pub fn cbc_decrypt(key: &AesKey, iv: &Block, data: &mut [u8]) {
    let mut cbc = cbc::Decryptor::<Aes128>::new(key.expose().into(), iv.into());
    for block in data.chunks_exact_mut(16) {
        cbc.decrypt_block_mut(GenericArray::from_mut_slice(block));
    }
}

/// Unwraps a key of 16 bytes wrapped by AES-KW (RFC 3394); none when it does not hold.
pub fn unwrap_key(key: &AesKey, wrapped: &[u8]) -> Option<AesKey> {
    if wrapped.len() != 24 {
        return None;
    }
    let unwrapped = Zeroizing::new(KekAes128::from(*key.expose()).unwrap_vec(wrapped).ok()?);
    AesKey::from_slice(&unwrapped)
}

/// Unwraps data of any length wrapped by AES-KWP (RFC 5649); none when it does not hold.
pub fn unwrap_padded(key: &AesKey, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if wrapped.len() < 16 || !wrapped.len().is_multiple_of(8) {
        return None;
    }
    KekAes128::from(*key.expose())
        .unwrap_with_padding_vec(wrapped)
        .ok()
        .map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> AesKey {
        AesKey::from_slice(&hex::decode(text).expect("hex")).expect("16 bytes")
    }

    #[test]
    fn cmac_gives_the_values_of_rfc_4493() {
        let k = key("2b7e151628aed2a6abf7158809cf4f3c");
        let message = hex::decode(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
             30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
        )
        .expect("hex");
        for (length, expected) in [
            (0, "bb1d6929e95937287fa37d129b756746"),
            (16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (40, "dfa66747de9ae63030ca32611497c827"),
            (64, "51f0bebf7e3b9d92fc49741779363cfe"),
        ] {
            assert_eq!(
                hex::encode(cmac(&k, &[&message[..length]])),
                expected,
                "{length} bytes"
            );
            assert_eq!(
                hex::encode(cmac(
                    &k,
                    &[&message[..length / 2], &message[length / 2..length]]
                )),
                expected
            );
        }
    }

    #[test]
    fn cbc_gives_the_values_of_nist_sp_800_38a() {
        let k = key("2b7e151628aed2a6abf7158809cf4f3c");
        let iv: Block = std::array::from_fn(|i| i as u8);
        let plain = hex::decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
            .expect("hex");
        let mut data = plain.clone();
        cbc_encrypt(&k, &iv, &mut data);
        assert_eq!(
            hex::encode(&data),
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        );
        cbc_decrypt(&k, &iv, &mut data);
        assert_eq!(data, plain);
    }

    #[test]
    fn key_wrap_gives_the_value_of_rfc_3394_section_4_1() {
        let kek = key("000102030405060708090a0b0c0d0e0f");
        let wrapped = hex::decode("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5").expect("hex");
        let unwrapped = unwrap_key(&kek, &wrapped).expect("holds");
        assert_eq!(
            hex::encode(unwrapped.expose()),
            "00112233445566778899aabbccddeeff"
        );
        for i in 0..wrapped.len() {
            let mut torn = wrapped.clone();
            torn[i] ^= 1;
            assert!(unwrap_key(&kek, &torn).is_none(), "byte {i}");
        }
        assert!(unwrap_key(&kek, &wrapped[..16]).is_none());
    }

    #[test]
    fn padded_key_wrap_takes_every_length_and_refuses_every_change() {
        // RFC 5649 has vectors for a 192-bit key only (below); with the card's
        // 128 bits the padding is checked against a wrap written out of the
        // RFC's own steps.
        let kek = key("5840df6e29b02af1ab493b705bf16ea1");
        for length in 1..40usize {
            let plain: Vec<u8> = (0..length as u8).collect();
            let wrapped = wrap_by_definition(&kek, &plain);
            assert_eq!(
                unwrap_padded(&kek, &wrapped).expect("holds").as_slice(),
                plain,
                "{length} bytes"
            );
            for i in 0..wrapped.len() {
                let mut torn = wrapped.clone();
                torn[i] ^= 0x80;
                assert!(unwrap_padded(&kek, &torn).is_none());
            }
        }
        assert!(unwrap_padded(&kek, &[0; 8]).is_none() && unwrap_padded(&kek, &[0; 17]).is_none());
    }

    #[test]
    fn the_crate_behind_padded_key_wrap_gives_the_values_of_rfc_5649_section_6() {
        let kek = aes_kw::KekAes192::try_from(
            hex::decode("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
                .expect("hex")
                .as_slice(),
        )
        .expect("24 bytes");
        for (plain, wrapped) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            let unwrapped = kek
                .unwrap_with_padding_vec(&hex::decode(wrapped).expect("hex"))
                .expect("holds");
            assert_eq!(hex::encode(unwrapped), plain);
        }
    }

    #[test]
    fn check_values_are_those_of_globalplatform() {
        for (k, expected) in [
            ("000102030405060708090a0b0c0d0e0f", "c35280"),
            ("101112131415161718191a1b1c1d1e1f", "013808"),
            ("202122232425262728292a2b2c2d2e2f", "840de5"),
            ("404142434445464748494a4b4c4d4e4f", "504a77"),
        ] {
            assert_eq!(hex::encode(check_value(&key(k))), expected);
        }
    }

    /// RFC 5649 §4.1 over RFC 3394 §2.2.1, step by step.
    fn wrap_by_definition(kek: &AesKey, plain: &[u8]) -> Vec<u8> {
        let mut padded = plain.to_vec();
        padded.resize(plain.len().div_ceil(8) * 8, 0);
        let mut a = [0xA6, 0x59, 0x59, 0xA6, 0, 0, 0, plain.len() as u8];
        let n = padded.len() / 8;
        if n == 1 {
            let mut block = [0; 16];
            block[..8].copy_from_slice(&a);
            block[8..].copy_from_slice(&padded);
            return encrypt_block(kek, block).to_vec();
        }
        for j in 0..6 {
            for i in 0..n {
                let mut block = [0; 16];
                block[..8].copy_from_slice(&a);
                block[8..].copy_from_slice(&padded[8 * i..8 * i + 8]);
                let block = encrypt_block(kek, block);
                let t = (n * j + i + 1) as u64;
                a = (u64::from_be_bytes(block[..8].try_into().expect("8")) ^ t).to_be_bytes();
                padded[8 * i..8 * i + 8].copy_from_slice(&block[8..]);
            }
        }
        [&a[..], &padded].concat()
    }
}
