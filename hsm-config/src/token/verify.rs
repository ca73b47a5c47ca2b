//! Verifies what a token signed, before it leaves.

use aws_lc_rs::digest::Digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, VerificationAlgorithm,
};
use pki_core::certificate::public_key::{PublicKey, PublicKeyFault};

use super::key::{self, SignatureAlgorithm};

/// A public key, parsed once for all the signatures that it will verify.
pub(super) struct Verifier {
    key: PublicKey,
    parsed: Vec<(SignatureAlgorithm, ParsedPublicKey)>,
}

impl Verifier {
    /// Takes a SubjectPublicKeyInfo in DER.
    pub(super) fn new(spki: &[u8]) -> Result<Self, PublicKeyFault> {
        let key = PublicKey::from_spki_der(spki)?;
        let parsed = SignatureAlgorithm::ALL
            .into_iter()
            .filter(|algorithm| algorithm.fits(key.kind()))
            .filter_map(|algorithm| {
                let parsed = ParsedPublicKey::new(name(algorithm), key.octets()).ok()?;
                Some((algorithm, parsed))
            })
            .collect();
        Ok(Self { key, parsed })
    }

    pub(super) fn spki(&self) -> &[u8] {
        self.key.spki_der()
    }

    /// Whether a key of this kind can make signatures of that algorithm.
    pub(super) fn fits(&self, algorithm: SignatureAlgorithm) -> bool {
        self.parsed.iter().any(|(fitting, _)| *fitting == algorithm)
    }

    /// Whether the signature is right for this digest.
    pub(super) fn is_right(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> bool {
        let Ok(digest) = Digest::import_less_safe(digest, key::hash(algorithm)) else {
            return false;
        };
        self.parsed
            .iter()
            .filter(|(fitting, _)| *fitting == algorithm)
            .any(|(_, key)| key.verify_digest_sig(&digest, signature).is_ok())
    }
}

fn name(algorithm: SignatureAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        SignatureAlgorithm::RsaPkcs1Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        SignatureAlgorithm::EcdsaP256Sha256 => &ECDSA_P256_SHA256_ASN1,
        SignatureAlgorithm::EcdsaP384Sha384 => &ECDSA_P384_SHA384_ASN1,
    }
}
