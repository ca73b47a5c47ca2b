//! Verifies what a token signed, before it leaves.

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};

use super::key::SignatureAlgorithm;

/// A public key, parsed once.
pub(super) struct Verifier {
    spki: Vec<u8>,
    rsa256: Option<ParsedPublicKey>,
    rsa384: Option<ParsedPublicKey>,
    p256: Option<ParsedPublicKey>,
    p384: Option<ParsedPublicKey>,
}

impl Verifier {
    /// Takes a SubjectPublicKeyInfo in DER.
    pub(super) fn new(spki: Vec<u8>) -> Self {
        let parse = |algorithm: &'static dyn VerificationAlgorithm| {
            ParsedPublicKey::new(algorithm, &spki).ok()
        };
        let rsa256 = parse(&signature::RSA_PKCS1_2048_8192_SHA256);
        let rsa384 = parse(&signature::RSA_PKCS1_2048_8192_SHA384);
        let p256 = parse(&signature::ECDSA_P256_SHA256_ASN1);
        let p384 = parse(&signature::ECDSA_P384_SHA384_ASN1);
        Self {
            spki,
            rsa256,
            rsa384,
            p256,
            p384,
        }
    }

    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }

    fn key(&self, algorithm: SignatureAlgorithm) -> Option<&ParsedPublicKey> {
        match algorithm {
            SignatureAlgorithm::RsaSha256 => self.rsa256.as_ref(),
            SignatureAlgorithm::RsaSha384 => self.rsa384.as_ref(),
            SignatureAlgorithm::EcdsaP256Sha256 => self.p256.as_ref(),
            SignatureAlgorithm::EcdsaP384Sha384 => self.p384.as_ref(),
        }
    }

    /// Whether a key of this kind can make signatures of that algorithm.
    pub(super) fn fits(&self, algorithm: SignatureAlgorithm) -> bool {
        self.key(algorithm).is_some()
    }

    /// Whether the signature is right for this digest.
    pub(super) fn is_right(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> bool {
        let length = match algorithm.digest_length() {
            32 => &aws_lc_rs::digest::SHA256,
            _ => &aws_lc_rs::digest::SHA384,
        };
        let Ok(digest) = aws_lc_rs::digest::Digest::import_less_safe(digest, length) else {
            return false;
        };
        self.key(algorithm)
            .is_some_and(|key| key.verify_digest_sig(&digest, signature).is_ok())
    }
}
