//! The issuer: what its certificate, CRLs and OCSP answers take from it.

use super::asn1;
use super::distribution_point::{DistributionPoint, Place, directory_name, uri_name};
use super::image::CertificateImage;
use super::name::{Name, NameFault};
use super::partition::Partition;
use super::public_key::PublicKey;
use super::serial::Serial;
use super::{ImageFault, oid};
use jiff::Timestamp;

/// Whether relying parties find revocation information openly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only registered verifiers (Arts 17, 18): certificates carry no URI.
    Registered,
    /// Plain HTTP as in the web PKI: certificates carry URIs below this base URL,
    /// written without a final slash.
    Open {
        /// `http://host[:port][/path]`
        base_url: String,
    },
}

/// How an issuer's lists and answers are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Who may fetch.
    pub access: Access,
    /// The issuer's segment in URLs and file names: `sign` in `/crl/sign.crl`.
    pub segment: String,
}

impl Publication {
    fn uri(&self, path: impl FnOnce(&str) -> String) -> Option<String> {
        match &self.access {
            Access::Registered => None,
            Access::Open { base_url } => Some(format!("{base_url}{}", path(&self.segment))),
        }
    }

    /// URI of the full CRL.
    pub fn full_crl(&self) -> Option<String> {
        self.uri(|issuer| format!("/crl/{issuer}.crl"))
    }

    /// URI of a municipality's partition, or of a further part of it.
    pub fn partition_crl(&self, partition: Partition) -> Option<String> {
        self.uri(|issuer| format!("/crl/{issuer}/{partition}.crl"))
    }

    /// URI of the delta of the full CRL.
    pub fn full_delta(&self) -> Option<String> {
        self.uri(|issuer| format!("/crl/{issuer}/delta.crl"))
    }

    /// URI of the delta of a municipality's partition.
    pub fn partition_delta(&self, partition: Partition) -> Option<String> {
        self.uri(|issuer| format!("/crl/{issuer}/{partition}/delta.crl"))
    }

    /// URI of the OCSP responder.
    pub fn ocsp(&self) -> Option<String> {
        self.uri(|issuer| format!("/ocsp/{issuer}"))
    }

    /// URI of the issuer's certificate.
    pub fn certificate(&self) -> Option<String> {
        self.uri(|issuer| format!("/certs/{issuer}.cer"))
    }
}

/// Why a certificate is no issuer's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFault {
    /// It cannot be read.
    #[error("the issuer's certificate cannot be read")]
    Certificate(#[from] ImageFault),
    /// It is not a CA's.
    #[error("the certificate is not a CA's")]
    NotAnAuthority,
    /// It names itself as its issuer and its key did not sign it.
    #[error("the issuer's certificate is not signed by its own key")]
    SelfSignature,
    /// It carries no subject key identifier.
    #[error("the issuer's certificate carries no subject key identifier")]
    NoKeyIdentifier,
    /// A name cannot be written.
    #[error("a name cannot be written")]
    Name(#[from] NameFault),
    /// The base URL or the segment is not what URIs are made of.
    #[error("the base URL or the issuer's segment is malformed")]
    Publication,
}

/// An issuing CA with the DER that its certificates and lists repeat.
#[derive(Clone, Debug)]
pub struct Issuer {
    subject: Name,
    public_key: PublicKey,
    key_id: Vec<u8>,
    validity: Option<(Timestamp, Timestamp)>,
    publication: Publication,
    certificate: Option<Vec<u8>>,
    /// Values of extensions, ready to copy.
    pub(crate) full_authority_key_id: Vec<u8>,
    pub(crate) short_authority_key_id: Vec<u8>,
    pub(crate) alternative_name: Option<Vec<u8>>,
    pub(crate) information_access: Option<Vec<u8>>,
}

impl Issuer {
    /// The issuer whose certificate this is.
    pub fn from_certificate(der: &[u8], publication: Publication) -> Result<Self, IssuerFault> {
        let image = CertificateImage::decode(der)?;
        if !image.is_authority() {
            return Err(IssuerFault::NotAnAuthority);
        }
        if image.issuer == image.subject && image.verify_signature(&image.public_key).is_err() {
            return Err(IssuerFault::SelfSignature);
        }
        let key_id = image
            .subject_key_id
            .clone()
            .ok_or(IssuerFault::NoKeyIdentifier)?;
        Self::build(
            image.subject.clone(),
            &image.issuer,
            image
                .subject_directory_name
                .as_ref()
                .map(|name| asn1::sequence(&[&directory_name(name)])),
            image.public_key.clone(),
            key_id,
            &image.serial,
            Some((image.not_before, image.not_after)),
            publication,
            Some(der.to_vec()),
        )
    }

    /// A CA that is about to sign its own first certificate.
    pub fn self_signed(
        subject: Name,
        alternative_name: Option<&Name>,
        public_key: PublicKey,
        serial: &Serial,
        publication: Publication,
    ) -> Result<Self, IssuerFault> {
        let key_id = public_key.key_id().to_vec();
        let issuer = subject.clone();
        Self::build(
            subject,
            &issuer,
            alternative_name.map(|name| asn1::sequence(&[&directory_name(name)])),
            public_key,
            key_id,
            serial,
            None,
            publication,
            None,
        )
    }

    #[allow(clippy::too_many_arguments)] // one private constructor behind two named ones
    fn build(
        subject: Name,
        issuer: &Name,
        alternative_name: Option<Vec<u8>>,
        public_key: PublicKey,
        key_id: Vec<u8>,
        serial: &Serial,
        validity: Option<(Timestamp, Timestamp)>,
        publication: Publication,
        certificate: Option<Vec<u8>>,
    ) -> Result<Self, IssuerFault> {
        check_publication(&publication)?;
        let key_id_field = asn1::tlv(asn1::implicit(0), &[&key_id]);
        let issuer_field = asn1::tlv(asn1::explicit(1), &[&directory_name(issuer)]);
        let serial_field = asn1::tlv(asn1::implicit(2), &[serial.as_octets()]);
        let information_access =
            publication
                .ocsp()
                .zip(publication.certificate())
                .map(|(responder, certificate)| {
                    let describe =
                        |method, uri: &str| asn1::sequence(&[&asn1::oid(method), &uri_name(uri)]);
                    asn1::sequence(&[
                        &describe(&oid::OCSP, &responder),
                        &describe(&oid::CA_ISSUERS, &certificate),
                    ])
                });
        Ok(Self {
            full_authority_key_id: asn1::sequence(&[&key_id_field, &issuer_field, &serial_field]),
            short_authority_key_id: asn1::sequence(&[&key_id_field]),
            alternative_name,
            information_access,
            subject,
            public_key,
            key_id,
            validity,
            publication,
            certificate,
        })
    }

    /// Its name, which its certificates and lists carry as issuer.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// Its public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Its subject key identifier.
    pub fn key_id(&self) -> &[u8] {
        &self.key_id
    }

    /// Begin and end of its own certificate; `None` while that is being made.
    pub fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        self.validity
    }

    /// Its certificate, DER; `None` while that is being made.
    pub fn certificate_der(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// How it publishes.
    pub fn publication(&self) -> &Publication {
        &self.publication
    }

    /// Distribution point of the full CRL: the issuer's own name.
    pub fn full_distribution_point(&self) -> DistributionPoint {
        DistributionPoint::new(self.subject.clone(), self.publication.full_crl())
    }

    /// Where the delta of the full CRL is found (RFC 5280 §5.2.6): the directory entry of the
    /// full CRL, where it has an attribute of its own, and a URI of its own.
    pub fn full_freshest_point(&self) -> DistributionPoint {
        DistributionPoint::new(self.subject.clone(), self.publication.full_delta())
    }

    /// Where the delta of a municipality's partition is found.
    pub fn partition_freshest_point(
        &self,
        base: &Name,
        place: &Place,
    ) -> Result<DistributionPoint, NameFault> {
        DistributionPoint::partition(base, place, self.publication.partition_delta(place.list()))
    }

    /// Distribution point of a municipality's partition below `base`
    /// ([`super::profile::Profile::distribution_points`]).
    pub fn partition_distribution_point(
        &self,
        base: &Name,
        place: &Place,
    ) -> Result<DistributionPoint, NameFault> {
        DistributionPoint::partition(base, place, self.publication.partition_crl(place.list()))
    }
}

fn check_publication(publication: &Publication) -> Result<(), IssuerFault> {
    let segment = &publication.segment;
    let segment_fits = (1..=32).contains(&segment.len())
        && segment
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let base_fits = match &publication.access {
        Access::Registered => true,
        Access::Open { base_url } => {
            base_url.len() <= 200
                && base_url.starts_with("http://")
                && base_url.len() > "http://".len()
                && !base_url.ends_with('/')
                && base_url
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b))
        }
    };
    if segment_fits && base_fits {
        Ok(())
    } else {
        Err(IssuerFault::Publication)
    }
}
