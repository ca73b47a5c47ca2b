//! Wrapping of keys and passwords for the card: AES-KW (RFC 3394) and AES-KWP
//! (RFC 5649), both under an AES-128 key.

use aws_lc_rs::key_wrap::{AES_128, AesKek, KeyWrap, KeyWrapPadded};
use thiserror::Error;
use zeroize::Zeroizing;

use super::key::Key128;

/// Why bytes did not unwrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WrapFault {
    /// A length that the algorithm does not take.
    #[error("the length is not one that the key wrap takes")]
    Length,
    /// The integrity check failed: another key, or bytes that were changed.
    #[error("the wrapped bytes do not unwrap under this key")]
    Integrity,
}

fn kek(key: &Key128) -> AesKek {
    AesKek::new(&AES_128, key.expose()).expect("an AES-128 key has 16 bytes")
}

/// AES-KW (RFC 3394 §2.2.1) of at least 16 bytes, a multiple of 8.
///
/// # Errors
/// [`WrapFault::Length`].
pub fn kw_wrap(key: &Key128, plain: &[u8]) -> Result<Vec<u8>, WrapFault> {
    let mut out = vec![0; plain.len() + 8];
    let length = kek(key)
        .wrap(plain, &mut out)
        .map_err(|_| WrapFault::Length)?
        .len();
    out.truncate(length);
    Ok(out)
}

/// The reverse of [`kw_wrap`] (RFC 3394 §2.2.2).
///
/// # Errors
/// [`WrapFault::Length`] or [`WrapFault::Integrity`].
pub fn kw_unwrap(key: &Key128, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapFault> {
    if wrapped.len() < 24 || !wrapped.len().is_multiple_of(8) {
        return Err(WrapFault::Length);
    }
    let mut out = Zeroizing::new(vec![0; wrapped.len()]);
    let length = kek(key)
        .unwrap(wrapped, &mut out)
        .map_err(|_| WrapFault::Integrity)?
        .len();
    out.truncate(length);
    Ok(out)
}

/// AES-KWP (RFC 5649 §4.1) of 1 byte or more; the answer has a multiple of 8 bytes.
///
/// # Errors
/// [`WrapFault::Length`] for nothing at all.
pub fn kwp_wrap(key: &Key128, plain: &[u8]) -> Result<Vec<u8>, WrapFault> {
    let mut out = vec![0; plain.len().div_ceil(8) * 8 + 8];
    let length = kek(key)
        .wrap_with_padding(plain, &mut out)
        .map_err(|_| WrapFault::Length)?
        .len();
    out.truncate(length);
    Ok(out)
}

/// The reverse of [`kwp_wrap`] (RFC 5649 §4.2).
///
/// # Errors
/// [`WrapFault::Length`] or [`WrapFault::Integrity`].
pub fn kwp_unwrap(key: &Key128, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapFault> {
    if wrapped.len() < 16 || !wrapped.len().is_multiple_of(8) {
        return Err(WrapFault::Length);
    }
    let mut out = Zeroizing::new(vec![0; wrapped.len()]);
    let length = kek(key)
        .unwrap_with_padding(wrapped, &mut out)
        .map_err(|_| WrapFault::Integrity)?
        .len();
    out.truncate(length);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key128 {
        Key128::from_slice(&hex::decode(text).unwrap()).unwrap()
    }

    #[test]
    fn kw_gives_the_answer_of_rfc_3394_section_4_1() {
        let k = key("000102030405060708090a0b0c0d0e0f");
        let plain = hex::decode("00112233445566778899aabbccddeeff").unwrap();
        let wrapped = kw_wrap(&k, &plain).unwrap();
        assert_eq!(
            hex::encode(&wrapped),
            "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"
        );
        assert_eq!(*kw_unwrap(&k, &wrapped).unwrap(), plain);
    }

    /// RFC 5649's own examples use 192-bit keys; these are Wycheproof's `kwp_test`
    /// 1 and 2 for AES-128.
    #[test]
    fn kwp_gives_the_answers_of_wycheproof() {
        for (k, plain, wrapped) in [
            (
                "6f67486d1e914419cb43c28509c7c1ea",
                "8dc0632d92ee0be4f740028410b08270",
                "8cd63fa6788aa5edfa753fc87d645a672b14107c3b4519e7",
            ),
            (
                "a0b17172bb296db7f5c869e9a36b5ce3",
                "615dd022d607c910f20178cbdf42060f",
                "e8bac475d1429034b32f9bdeec09a37f9b3704028f1e0270",
            ),
        ] {
            let plain = hex::decode(plain).unwrap();
            let out = kwp_wrap(&key(k), &plain).unwrap();
            assert_eq!(hex::encode(&out), wrapped);
            assert_eq!(*kwp_unwrap(&key(k), &out).unwrap(), plain);
        }
    }

    /// RFC 5649 §4.1: up to eight bytes are one AES block, `A65959A6 || length || data || 00…`.
    #[test]
    fn kwp_of_a_short_password_is_the_one_block_of_rfc_5649() {
        let k = key("000102030405060708090a0b0c0d0e0f");
        let mut block = *b"\xA6\x59\x59\xA6\x00\x00\x00\x07SECRET1\x00";
        k.encrypt_block(&mut block);
        assert_eq!(kwp_wrap(&k, b"SECRET1").unwrap(), block);
    }

    #[test]
    fn kwp_takes_every_length_and_pads_to_whole_semiblocks() {
        let k = key("000102030405060708090a0b0c0d0e0f");
        for length in [1, 7, 8, 9, 16, 17, 1216, 1218] {
            let plain: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let wrapped = kwp_wrap(&k, &plain).unwrap();
            assert_eq!(wrapped.len(), plain.len().div_ceil(8) * 8 + 8);
            assert_eq!(*kwp_unwrap(&k, &wrapped).unwrap(), plain, "{length} bytes");
        }
        assert_eq!(kwp_wrap(&k, &[]), Err(WrapFault::Length));
    }

    #[test]
    fn changed_bytes_and_other_keys_do_not_unwrap() {
        let k = key("000102030405060708090a0b0c0d0e0f");
        let mut wrapped = kwp_wrap(&k, b"ABCDEF123456").unwrap();
        let other = Key128::from([9; 16]);
        assert_eq!(kwp_unwrap(&other, &wrapped), Err(WrapFault::Integrity));
        wrapped[3] ^= 1;
        assert_eq!(kwp_unwrap(&k, &wrapped), Err(WrapFault::Integrity));
        assert_eq!(kwp_unwrap(&k, &wrapped[..15]), Err(WrapFault::Length));
        assert_eq!(kw_unwrap(&k, &wrapped[..16]), Err(WrapFault::Length));
    }
}
