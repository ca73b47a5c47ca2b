//! OCSP responses (RFC 6960 §4.2).

use jiff::Timestamp;

use super::request::CertId;
use crate::certificate::asn1::{self, DerFault, Element};
use crate::certificate::image::{CertificateImage, ImageFault, Purpose};
use crate::certificate::issuer::Issuer;
use crate::certificate::public_key::{PublicKey, SignatureAlgorithm, SignatureInvalid};
use crate::certificate::tbs::{extension, read_extensions};
use crate::certificate::{Serial, oid};
use crate::revocation::ground::ReasonCode;

/// An answer without a status (RFC 6960 §2.3). Not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorStatus {
    /// The request cannot be read.
    MalformedRequest,
    /// The responder failed.
    InternalError,
    /// The responder is too busy, or its token is away.
    TryLater,
    /// The responder does not answer for that issuer (RFC 5019 §2.2.3).
    Unauthorized,
}

impl ErrorStatus {
    /// OCSPResponse, DER.
    pub const fn to_der(self) -> [u8; 5] {
        let code = match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::Unauthorized => 6,
        };
        [asn1::SEQUENCE, 3, asn1::ENUMERATED, 1, code]
    }
}

/// What the record says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertStatus {
    /// Issued here and not revoked.
    Good,
    /// Revoked or abandoned.
    Revoked {
        /// When it was recorded.
        at: Timestamp,
        /// Why; `None` for unspecified.
        reason: Option<ReasonCode>,
    },
    /// Not issued here.
    Unknown,
}

/// One answer in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleResponse<'a> {
    /// The certificate, as the request named it.
    pub certificate: &'a CertId,
    /// Its status.
    pub status: CertStatus,
    /// When the status was known to be so.
    pub this_update: Timestamp,
    /// Until when the answer may be used.
    pub next_update: Timestamp,
}

impl SingleResponse<'_> {
    fn to_der(&self) -> Vec<u8> {
        let status = match self.status {
            CertStatus::Good => asn1::tlv(asn1::implicit(0), &[]),
            CertStatus::Revoked { at, reason } => {
                let reason = reason
                    .map(|reason| {
                        let code = asn1::tlv(asn1::ENUMERATED, &[&[reason.code()]]);
                        asn1::tlv(asn1::explicit(0), &[&code])
                    })
                    .unwrap_or_default();
                asn1::tlv(asn1::explicit(1), &[&asn1::generalized_time(at), &reason])
            }
            CertStatus::Unknown => asn1::tlv(asn1::implicit(2), &[]),
        };
        let next = asn1::tlv(
            asn1::explicit(0),
            &[&asn1::generalized_time(self.next_update)],
        );
        asn1::sequence(&[
            self.certificate.as_der(),
            &status,
            &asn1::generalized_time(self.this_update),
            &next,
        ])
    }
}

/// Why a certificate is no responder's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponderFault {
    /// It cannot be read.
    #[error("the responder's certificate cannot be read")]
    Certificate(#[from] ImageFault),
    /// The issuer did not delegate to it (RFC 6960 §4.2.2.2): issued directly by the CA,
    /// id-kp-OCSPSigning.
    #[error("the issuer did not delegate to this responder")]
    NotDelegated,
    /// Its key cannot make such signatures.
    #[error("the responder's key cannot make signatures of that algorithm")]
    Algorithm,
    /// The signature does not verify with the responder's key.
    #[error("the responder's key does not verify the signature")]
    Signature(#[from] SignatureInvalid),
}

/// A delegated responder: its certificate, which goes with every answer, and its key.
#[derive(Clone, Debug)]
pub struct Responder {
    /// `[0] { SEQUENCE OF Certificate }`
    certificates: Vec<u8>,
    /// `[2] KeyHash`
    id: Vec<u8>,
    public_key: PublicKey,
    algorithm: SignatureAlgorithm,
    not_after: Timestamp,
}

impl Responder {
    /// The responder of that certificate, which `issuer` must have signed for OCSP.
    pub fn new(
        certificate: &[u8],
        issuer: &Issuer,
        algorithm: SignatureAlgorithm,
    ) -> Result<Self, ResponderFault> {
        let image = CertificateImage::decode(certificate)?;
        let delegated = image.issuer == *issuer.subject()
            && image.verify_signature(issuer.public_key()).is_ok()
            && image.purposes.contains(&Purpose::OcspSigning);
        if !delegated {
            return Err(ResponderFault::NotDelegated);
        }
        if !algorithm.fits(image.public_key.kind()) {
            return Err(ResponderFault::Algorithm);
        }
        let key_hash = asn1::octet_string(&image.public_key.key_id());
        Ok(Self {
            certificates: asn1::tlv(asn1::explicit(0), &[&asn1::sequence(&[certificate])]),
            id: asn1::tlv(asn1::explicit(2), &[&key_hash]),
            public_key: image.public_key,
            algorithm,
            not_after: image.not_after,
        })
    }

    /// The same responder, signing by another algorithm of its key.
    pub fn signing_by(&self, algorithm: SignatureAlgorithm) -> Result<Self, ResponderFault> {
        if !algorithm.fits(self.public_key.kind()) {
            return Err(ResponderFault::Algorithm);
        }
        Ok(Self {
            algorithm,
            ..self.clone()
        })
    }

    /// Its public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// How it signs.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// End of its certificate.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// A response to be signed.
#[derive(Debug)]
pub struct UnsignedResponse {
    tbs: Vec<u8>,
}

impl UnsignedResponse {
    /// ResponseData of these answers; the nonce is the request's.
    pub fn plan(
        responder: &Responder,
        produced_at: Timestamp,
        answers: &[SingleResponse<'_>],
        nonce: Option<&[u8]>,
    ) -> Self {
        let answers: Vec<u8> = answers.iter().flat_map(SingleResponse::to_der).collect();
        let extensions = nonce
            .map(|nonce| {
                let nonce = extension(&oid::OCSP_NONCE, false, &asn1::octet_string(nonce));
                asn1::tlv(asn1::explicit(1), &[&asn1::sequence(&[&nonce])])
            })
            .unwrap_or_default();
        let tbs = asn1::sequence(&[
            &responder.id,
            &asn1::generalized_time(produced_at),
            &asn1::sequence(&[&answers]),
            &extensions,
        ]);
        Self { tbs }
    }

    /// What the responder signs.
    pub fn bytes_to_sign(&self) -> &[u8] {
        &self.tbs
    }

    /// Verifies the signature and makes the OCSPResponse, DER.
    pub fn assemble(
        self,
        signature: &[u8],
        responder: &Responder,
    ) -> Result<Vec<u8>, ResponderFault> {
        responder
            .public_key
            .verify(responder.algorithm, &self.tbs, signature)?;
        Ok(self.put_together(signature, responder))
    }

    /// The same for a signature over [`UnsignedResponse::bytes_to_sign`] that was verified already
    /// by the key with that SubjectPublicKeyInfo (DER). If it is not the responder's, the signature is
    /// verified here.
    pub fn assemble_verified(
        self,
        signature: &[u8],
        by: &[u8],
        responder: &Responder,
    ) -> Result<Vec<u8>, ResponderFault> {
        if by == responder.public_key.spki_der() {
            Ok(self.put_together(signature, responder))
        } else {
            self.assemble(signature, responder)
        }
    }

    fn put_together(&self, signature: &[u8], responder: &Responder) -> Vec<u8> {
        let basic = asn1::sequence(&[
            &self.tbs,
            &responder.algorithm.identifier_der(),
            &asn1::bit_string(signature),
            &responder.certificates,
        ]);
        let bytes = asn1::sequence(&[&asn1::oid(&oid::OCSP_BASIC), &asn1::octet_string(&basic)]);
        let successful = [asn1::ENUMERATED, 1, 0];
        asn1::sequence(&[&successful, &asn1::tlv(asn1::explicit(0), &[&bytes])])
    }
}

/// A response read back, for checks before it leaves and for the archive.
#[derive(Clone, Debug)]
pub struct ResponseImage {
    /// When it was produced.
    pub produced_at: Timestamp,
    /// The answers.
    pub answers: Vec<AnswerImage>,
    /// The nonce.
    pub nonce: Option<Vec<u8>>,
    /// The responder's certificate, DER.
    pub responder: Vec<u8>,
}

/// One answer read back.
#[derive(Clone, Debug)]
pub struct AnswerImage {
    /// The certificate that was asked for.
    pub certificate: CertId,
    /// Its status.
    pub status: CertStatus,
    /// When the status was known.
    pub this_update: Timestamp,
    /// Until when the answer may be used.
    pub next_update: Option<Timestamp>,
}

impl AnswerImage {
    /// The serial number, if it can be one of ours.
    pub fn serial(&self) -> Option<Serial> {
        self.certificate.serial().ok()
    }
}

/// Why bytes are no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseFault {
    /// Not an OCSPResponse in DER.
    #[error("not an OCSP response")]
    Encoding(#[from] DerFault),
    /// An error status, with its number.
    #[error("the responder answered with status {0}")]
    Status(u8),
    /// The responder's certificate does not hold.
    #[error("the responder's certificate does not hold")]
    Responder(#[from] ResponderFault),
}

impl ResponseImage {
    /// Reads a response and verifies it: signature by the certificate it carries, which
    /// `issuer` must have signed for OCSP.
    pub fn verify(der: &[u8], issuer: &Issuer) -> Result<Self, ResponseFault> {
        let mut outer = Element::parse_as(der, asn1::SEQUENCE)?.inside()?;
        match outer.expect(asn1::ENUMERATED)?.content {
            [0] => {}
            [status] => return Err(ResponseFault::Status(*status)),
            _ => return Err(DerFault::Value("a status of more than one octet").into()),
        }
        let bytes = outer.expect(asn1::explicit(0))?;
        outer.finish()?;
        let mut typed = Element::parse_as(bytes.content, asn1::SEQUENCE)?.inside()?;
        if typed.next()?.oid()? != oid::OCSP_BASIC {
            return Err(DerFault::Value("a response of another type").into());
        }
        let basic = typed.expect(asn1::OCTET_STRING)?.content;
        typed.finish()?;
        let mut fields = Element::parse_as(basic, asn1::SEQUENCE)?.inside()?;
        let data = fields.expect(asn1::SEQUENCE)?;
        let algorithm = fields.expect(asn1::SEQUENCE)?.raw;
        let signature = fields.expect(asn1::BIT_STRING)?.octets_of_bits()?;
        let certificates = fields.expect(asn1::explicit(0))?;
        fields.finish()?;
        let certificate = Element::parse_as(certificates.content, asn1::SEQUENCE)?
            .inside()?
            .expect(asn1::SEQUENCE)?
            .raw;
        let algorithm =
            SignatureAlgorithm::from_identifier_der(algorithm).ok_or(ResponderFault::Algorithm)?;
        let responder = Responder::new(certificate, issuer, algorithm)?;
        responder
            .public_key
            .verify(algorithm, data.raw, signature)
            .map_err(ResponderFault::from)?;
        Self::read(data, certificate)
    }

    fn read(data: Element<'_>, certificate: &[u8]) -> Result<Self, ResponseFault> {
        let mut fields = data.inside()?;
        fields.next()?; // responderID: the key was verified by its certificate
        let produced_at = fields.expect(asn1::GENERALIZED_TIME)?.time()?;
        let mut answers = Vec::new();
        for answer in fields.expect(asn1::SEQUENCE)?.inside()?.rest()? {
            let mut parts = answer.expect(asn1::SEQUENCE)?.inside()?;
            let certificate = CertId::read(parts.next()?)?;
            let status = read_status(parts.next()?)?;
            let this_update = parts.expect(asn1::GENERALIZED_TIME)?.time()?;
            let next_update = match parts.optional(asn1::explicit(0))? {
                Some(time) => Some(Element::parse(time.content)?.time()?),
                None => None,
            };
            answers.push(AnswerImage {
                certificate,
                status,
                this_update,
                next_update,
            });
        }
        let mut nonce = None;
        if let Some(wrapped) = fields.optional(asn1::explicit(1))? {
            let list = Element::parse_as(wrapped.content, asn1::SEQUENCE)?.inside()?;
            for extension in read_extensions(list)? {
                if extension.name == oid::OCSP_NONCE {
                    let octets = Element::parse_as(extension.value, asn1::OCTET_STRING)?;
                    nonce = Some(octets.content.to_vec());
                }
            }
        }
        fields.finish()?;
        Ok(Self {
            produced_at,
            answers,
            nonce,
            responder: certificate.to_vec(),
        })
    }
}

fn read_status(status: Element<'_>) -> Result<CertStatus, DerFault> {
    const GOOD: u8 = asn1::implicit(0);
    const REVOKED: u8 = asn1::explicit(1);
    const UNKNOWN: u8 = asn1::implicit(2);
    match status.tag {
        GOOD => Ok(CertStatus::Good),
        UNKNOWN => Ok(CertStatus::Unknown),
        REVOKED => {
            let mut fields = status.inside()?;
            let at = fields.expect(asn1::GENERALIZED_TIME)?.time()?;
            let reason = match fields.optional(asn1::explicit(0))? {
                Some(reason) => {
                    match Element::parse_as(reason.content, asn1::ENUMERATED)?.content {
                        [code] => ReasonCode::from_code(*code),
                        _ => None,
                    }
                }
                None => None,
            };
            Ok(CertStatus::Revoked { at, reason })
        }
        found => Err(DerFault::Tag {
            expected: GOOD,
            found,
        }),
    }
}
