//! The resident's RSA-2048 key: import checks, the JPKI card's ways of padding.

use rand_core::{OsRng, RngCore};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::sha2::{Digest, Sha256};
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};

use super::apdu::Status;
use super::der;

/// Length of modulus and signature in bytes.
pub const MODULUS_LENGTH: usize = 256;
const EXPONENT: u32 = 65_537;
const SHA256_LENGTH: usize = 32;
/// rsaEncryption, 1.2.840.113549.1.1.1.
const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];

/// How COMPUTE makes its input into what is signed (P1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// `00`: PKCS#1 v1.5 around the bytes as given (at most 245), normally a DigestInfo.
    AsGiven,
    /// `01`: PKCS#1 v1.5 around the bare SHA-256 of the message.
    BareHash,
    /// `02`: DigestInfo around the SHA-256 given.
    HashGiven,
    /// `03`: the card hashes the message; the usual one.
    Message,
    /// `04`: PSS with SHA-256 over the hash given, salt of 32 bytes.
    PssHashGiven,
    /// `05`: PSS, the card hashes the message.
    PssMessage,
}

impl Padding {
    /// The padding a P1 stands for.
    pub fn from_p1(p1: u8) -> Option<Padding> {
        Some(match p1 {
            0x00 => Padding::AsGiven,
            0x01 => Padding::BareHash,
            0x02 => Padding::HashGiven,
            0x03 => Padding::Message,
            0x04 => Padding::PssHashGiven,
            0x05 => Padding::PssMessage,
            _ => return None,
        })
    }
}

/// A private key that has shown that it works.
pub struct RsaKey {
    private: RsaPrivateKey,
    public: RsaPublicKey,
}

impl RsaKey {
    /// Takes a key from PKCS#8 DER: two primes, 2048 bits, e = 65537, parts
    /// that belong together, and a signature over a random message that holds.
    pub fn import(pkcs8: &[u8]) -> Option<RsaKey> {
        let key = RsaKey::load(pkcs8)?;
        // The CRT parts are computed anew from the primes; those sent must be
        // the same, and the DER must be the one way to write them.
        if key.private.to_pkcs8_der().ok()?.as_bytes() != pkcs8 {
            return None;
        }
        let mut message = [0; SHA256_LENGTH];
        OsRng.fill_bytes(&mut message);
        key.sign(Padding::Message, &message).ok()?;
        Some(key)
    }

    /// The same without the trial signature, for a key from the card's own memory.
    pub fn load(pkcs8: &[u8]) -> Option<RsaKey> {
        let private = RsaPrivateKey::from_pkcs8_der(pkcs8).ok()?;
        private.validate().ok()?;
        let public = private.to_public_key();
        let fits = public.n().bits() == 8 * MODULUS_LENGTH && *public.e() == EXPONENT.into();
        fits.then_some(RsaKey { private, public })
    }

    /// Signs, verifies with the public half, and only then returns the 256 bytes.
    ///
    /// # Errors
    /// `6700` when the input does not fit the padding, `6F00` when the
    /// signature does not verify (it does not leave the card).
    pub fn sign(&self, padding: Padding, input: &[u8]) -> Result<Vec<u8>, Status> {
        let hash = match padding {
            Padding::AsGiven | Padding::HashGiven | Padding::PssHashGiven => input.to_vec(),
            Padding::BareHash | Padding::Message | Padding::PssMessage => {
                Sha256::digest(input).to_vec()
            }
        };
        let fits = match padding {
            Padding::AsGiven => (1..=MODULUS_LENGTH - 11).contains(&hash.len()),
            _ => hash.len() == SHA256_LENGTH,
        };
        if !fits {
            return Err(Status::WRONG_LENGTH);
        }
        // The random number blinds the private-key operation.
        let signature = match padding {
            Padding::AsGiven | Padding::BareHash => {
                self.private
                    .sign_with_rng(&mut OsRng, Pkcs1v15Sign::new_unprefixed(), &hash)
            }
            Padding::HashGiven | Padding::Message => {
                self.private
                    .sign_with_rng(&mut OsRng, Pkcs1v15Sign::new::<Sha256>(), &hash)
            }
            Padding::PssHashGiven | Padding::PssMessage => {
                self.private
                    .sign_with_rng(&mut OsRng, Pss::new::<Sha256>(), &hash)
            }
        }
        .map_err(|_| Status::INTERNAL_FAULT)?;
        let verified = match padding {
            Padding::AsGiven | Padding::BareHash => {
                self.public
                    .verify(Pkcs1v15Sign::new_unprefixed(), &hash, &signature)
            }
            Padding::HashGiven | Padding::Message => {
                self.public
                    .verify(Pkcs1v15Sign::new::<Sha256>(), &hash, &signature)
            }
            Padding::PssHashGiven | Padding::PssMessage => {
                self.public.verify(Pss::new::<Sha256>(), &hash, &signature)
            }
        };
        // The length is checked by itself: a leading zero that is dropped gave
        // 8,200 cards wrong signatures once in 256 times.
        if verified.is_err() || signature.len() != MODULUS_LENGTH {
            return Err(Status::INTERNAL_FAULT);
        }
        Ok(signature)
    }

    /// SubjectPublicKeyInfo (RFC 3279 §2.3.1).
    pub fn public_key(&self) -> Vec<u8> {
        let modulus = der::unsigned(&self.public.n().to_bytes_be());
        let exponent = der::unsigned(&self.public.e().to_bytes_be());
        let algorithm = der::element(
            der::SEQUENCE,
            &[
                &der::element(der::OBJECT_IDENTIFIER, &[RSA_ENCRYPTION]),
                der::NULL,
            ],
        );
        let key = der::bit_string(&der::element(der::SEQUENCE, &[&modulus, &exponent]));
        der::element(der::SEQUENCE, &[&algorithm, &key])
    }
}
