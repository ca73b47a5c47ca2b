//! Bytes to sign, and the certificate that they become.

use super::asn1;
use super::image::{CertificateImage, ImageFault};
use super::issuer::Issuer;
use super::lint::{self, LintFault};
use super::profile::Profile;
use super::public_key::{SignatureAlgorithm, SignatureInvalid};
use super::serial::Serial;

/// Lints that speak against signing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} lints speak against signing: {}", .0.len(), lint::list(.0))]
pub struct LintFaults(pub Vec<LintFault>);

/// Bytes to sign that passed every lint. It is consumed by [`Unsigned::assemble`]:
/// one `Unsigned`, at most one certificate.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsigned {
    tbs: Vec<u8>,
    serial: Serial,
    algorithm: SignatureAlgorithm,
}

/// Why a signature makes no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleFault {
    /// The issuer's public key does not verify it. Nothing may be handed out; the
    /// serial is to be abandoned.
    #[error("the issuer's key does not verify the signature")]
    Signature(#[from] SignatureInvalid),
}

impl Unsigned {
    /// Takes bytes that were planned before, and lints them again.
    pub fn from_stored(
        tbs: Vec<u8>,
        profile: &Profile,
        issuer: &Issuer,
    ) -> Result<Self, LintFaults> {
        let serial = lint::check(&tbs, profile, issuer).map_err(LintFaults)?;
        Ok(Self {
            tbs,
            serial,
            algorithm: profile.signature(),
        })
    }

    /// What the issuer signs.
    pub fn bytes_to_sign(&self) -> &[u8] {
        &self.tbs
    }

    /// The certificate's serial number.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// How the issuer signs.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Verifies the signature with the issuer's public key and makes the certificate.
    /// ECDSA signatures are DER.
    pub fn assemble(self, signature: &[u8], issuer: &Issuer) -> Result<Certificate, AssembleFault> {
        issuer
            .public_key()
            .verify(self.algorithm, &self.tbs, signature)?;
        let der = asn1::sequence(&[
            &self.tbs,
            &self.algorithm.identifier_der(),
            &asn1::bit_string(signature),
        ]);
        Ok(Certificate {
            der,
            serial: self.serial,
        })
    }
}

/// A certificate, its signature verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    serial: Serial,
}

impl Certificate {
    /// DER.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// DER, taken out.
    pub fn into_der(self) -> Vec<u8> {
        self.der
    }

    /// Its serial number.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// Everything in it, decoded from the DER.
    pub fn image(&self) -> Result<CertificateImage, ImageFault> {
        CertificateImage::decode(&self.der)
    }
}
