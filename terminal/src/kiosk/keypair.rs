//! One RSA-2048 key pair: made, tried, wrapped, erased.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use pki_core::card_channel::{Key128, wrap};
use thiserror::Error;
use zeroize::Zeroizing;

/// The key could not be made, or does not hold what it promises.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the key pair could not be made")]
pub struct KeypairFault;

/// What of a key pair may leave: the public half, and the private half wrapped for
/// one card in one visit.
pub struct WrappedPair {
    /// AES-KWP under V-DEK of the private key (PKCS#8 DER).
    pub wrapped_private_key: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
}

/// Makes a pair (e = 65537), signs and verifies a random message with it, and wraps
/// the private key under V-DEK (秘密鍵格納鍵). When this returns, the private key is
/// erased here: aws-lc cleanses its numbers, the encoding is a zeroizing buffer.
///
/// # Errors
/// [`KeypairFault`]: the random source failed or the trial did not hold.
pub fn generate(v_dek: &Key128) -> Result<WrappedPair, KeypairFault> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeypairFault)?;
    try_pair(&pair)?;
    let spki = AsDer::<PublicKeyX509Der>::as_der(pair.public_key())
        .map_err(|_| KeypairFault)?
        .as_ref()
        .to_vec();
    let private = AsDer::<Pkcs8V1Der>::as_der(&pair).map_err(|_| KeypairFault)?;
    let wrapped_private_key = wrap::kwp_wrap(v_dek, private.as_ref()).map_err(|_| KeypairFault)?;
    Ok(WrappedPair {
        wrapped_private_key,
        spki,
    })
}

fn try_pair(pair: &KeyPair) -> Result<(), KeypairFault> {
    let mut message = [0; 32];
    getrandom::fill(&mut message).map_err(|_| KeypairFault)?;
    let mut signature = Zeroizing::new(vec![0; pair.public_modulus_len()]);
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        &message,
        &mut signature,
    )
    .map_err(|_| KeypairFault)?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
        .verify(&message, &signature)
        .map_err(|_| KeypairFault)
}

#[cfg(test)]
mod tests {
    use pki_core::certificate::public_key::PublicKey;

    use super::*;

    #[test]
    fn a_pair_is_rsa_2048_with_the_usual_exponent_and_leaves_only_wrapped() {
        let dek = Key128::from([7; 16]);
        let made = generate(&dek).unwrap();
        let public = PublicKey::from_spki_der(&made.spki).unwrap();
        let (modulus, exponent) = public.rsa_numbers().unwrap();
        assert_eq!(modulus.len(), 256);
        assert_eq!(exponent, [1, 0, 1]);
        let pkcs8 = wrap::kwp_unwrap(&dek, &made.wrapped_private_key).unwrap();
        let again = KeyPair::from_pkcs8(&pkcs8).unwrap();
        let spki = AsDer::<PublicKeyX509Der>::as_der(again.public_key()).unwrap();
        assert_eq!(spki.as_ref(), made.spki);
    }
}
