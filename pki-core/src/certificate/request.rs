//! PKCS#10 requests (RFC 2986): proof that the applicant's key is the applicant's.
//!
//! A request contributes its key and its proof, nothing else. What a resident's
//! card signs carries visit and card besides (docs/card-interface.md §4); every
//! other name, attribute or extension in a request is a fault, not a wish.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use zeroize::Zeroizing;

use super::asn1::{self, DerFault, Element};
use super::key_fitness::{self, KeyUnfit};
use super::name::{Name, NameFault};
use super::public_key::{PublicKey, PublicKeyFault, SignatureAlgorithm};
use super::{oid, pem};

/// Longest request that is read, in octets.
pub const MAX_OCTETS: usize = 4096;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// Longer than [`MAX_OCTETS`].
    #[error("a request has at most {MAX_OCTETS} octets")]
    TooLong,
    /// Not a PKCS#10 request in DER.
    #[error("not a PKCS#10 request")]
    Encoding(#[from] DerFault),
    /// Its version is not 0.
    #[error("a request has version 0")]
    Version,
    /// Its subject cannot be read.
    #[error("the subject cannot be read")]
    Subject(#[from] NameFault),
    /// A card's request names nobody.
    #[error("the subject of a card's request is empty")]
    SubjectNotEmpty,
    /// Its key cannot be read.
    #[error("the public key cannot be read")]
    PublicKey(#[from] PublicKeyFault),
    /// Its key is not good enough to be certified.
    #[error("the public key is not certified")]
    Unfit(#[from] KeyUnfit),
    /// Signed with an algorithm that is not accepted.
    #[error("the signature algorithm is not accepted")]
    Algorithm,
    /// The key did not sign this request.
    #[error("the proof of possession does not verify")]
    Proof,
    /// Attributes other than those that the request may carry.
    #[error("the request carries other attributes than it may")]
    Attributes,
}

/// What a resident's card proves: this key, in this visit, on this card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardRequest {
    /// The key whose possession was proved.
    pub public_key: PublicKey,
    /// The visit in which the key was made.
    pub visit: [u8; 16],
    /// The card that holds the key.
    pub card: [u8; 16],
}

/// What a terminal, kiosk, operator or server proves: this key. The name is what
/// it calls itself; an officer compares it with the enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyRequest {
    /// The key whose possession was proved.
    pub public_key: PublicKey,
    /// The subject as written in the request.
    pub subject: Name,
}

/// Reads and verifies the request that a resident's card signed.
pub fn parse_card_request(der: &[u8]) -> Result<CardRequest, RequestFault> {
    let request = Signed::read(der)?;
    if !Name::from_der(request.subject)?.is_empty() {
        return Err(RequestFault::SubjectNotEmpty);
    }
    let public_key = request.verify()?;
    let [visit, card] = request.attributes[..] else {
        return Err(RequestFault::Attributes);
    };
    Ok(CardRequest {
        public_key,
        visit: identifier(visit, oid::REQUEST_VISIT)?,
        card: identifier(card, oid::REQUEST_CARD)?,
    })
}

/// Reads and verifies the request of a party to be enrolled.
pub fn parse_party_request(der: &[u8]) -> Result<PartyRequest, RequestFault> {
    let request = Signed::read(der)?;
    if !request.attributes.is_empty() {
        return Err(RequestFault::Attributes);
    }
    Ok(PartyRequest {
        public_key: request.verify()?,
        subject: Name::from_der(request.subject)?,
    })
}

/// Attribute with one OCTET STRING of 16.
fn identifier(
    attribute: Element<'_>,
    expected: const_oid::ObjectIdentifier,
) -> Result<[u8; 16], RequestFault> {
    let mut fields = attribute.expect(asn1::SEQUENCE)?.inside()?;
    let name = fields.next()?.oid()?;
    let mut values = fields.expect(asn1::SET)?.inside()?;
    fields.finish()?;
    let value = values.expect(asn1::OCTET_STRING)?.content;
    values.finish()?;
    match <[u8; 16]>::try_from(value) {
        Ok(value) if name == expected => Ok(value),
        _ => Err(RequestFault::Attributes),
    }
}

struct Signed<'a> {
    info: &'a [u8],
    subject: &'a [u8],
    spki: &'a [u8],
    attributes: Vec<Element<'a>>,
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    fn read(der: &'a [u8]) -> Result<Self, RequestFault> {
        if der.len() > MAX_OCTETS {
            return Err(RequestFault::TooLong);
        }
        let mut fields = Element::parse_as(der, asn1::SEQUENCE)?.inside()?;
        let info = fields.expect(asn1::SEQUENCE)?;
        let algorithm = fields.expect(asn1::SEQUENCE)?;
        let signature = fields.expect(asn1::BIT_STRING)?.octets_of_bits()?;
        fields.finish()?;
        let mut inside = info.inside()?;
        if inside.expect(asn1::INTEGER)?.small_integer()? != 0 {
            return Err(RequestFault::Version);
        }
        let subject = inside.expect(asn1::SEQUENCE)?;
        let spki = inside.expect(asn1::SEQUENCE)?;
        let attributes = inside.expect(asn1::explicit(0))?;
        inside.finish()?;
        asn1::check_canonical(info.raw)?;
        Ok(Self {
            info: info.raw,
            subject: subject.raw,
            spki: spki.raw,
            attributes: attributes.inside()?.rest()?,
            algorithm: algorithm.raw,
            signature,
        })
    }

    fn verify(&self) -> Result<PublicKey, RequestFault> {
        let public_key = PublicKey::from_spki_der(self.spki)?;
        key_fitness::check(&public_key)?;
        let algorithm = SignatureAlgorithm::from_identifier_der(self.algorithm)
            .ok_or(RequestFault::Algorithm)?;
        public_key
            .verify(algorithm, self.info, self.signature)
            .map_err(|_| RequestFault::Proof)?;
        Ok(public_key)
    }
}

/// Why no request could be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateFault<E> {
    /// The common name cannot stand in a name.
    #[error("the common name cannot stand in a name")]
    Name(#[from] NameFault),
    /// The signer failed.
    #[error("the request could not be signed")]
    Signer(#[source] E),
    /// The signer's signature does not verify with the key.
    #[error("the signature does not verify with the key")]
    WrongSignature,
}

/// Makes a PKCS#10 request, DER, for a key that someone else holds: `sign` gets
/// the bytes to sign and answers the signature (ECDSA as DER).
pub fn create<E>(
    common_name: &str,
    public_key: &PublicKey,
    algorithm: SignatureAlgorithm,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, CreateFault<E>> {
    let subject = Name::new([("CN", common_name)])?;
    let info = asn1::sequence(&[
        &asn1::integer(&[]),
        subject.as_der(),
        public_key.spki_der(),
        &asn1::tlv(asn1::explicit(0), &[]),
    ]);
    let signature = sign(&info).map_err(CreateFault::Signer)?;
    public_key
        .verify(algorithm, &info, &signature)
        .map_err(|_| CreateFault::WrongSignature)?;
    Ok(asn1::sequence(&[
        &info,
        &algorithm.identifier_der(),
        &asn1::bit_string(&signature),
    ]))
}

/// A fresh P-256 key and the request that proves its possession.
pub struct CreatedKey {
    /// PKCS#8, PEM. For a file that only its owner can read.
    pub private_key_pem: Zeroizing<String>,
    /// PKCS#10, PEM.
    pub request_pem: String,
}

/// The random source or the name failed.
#[derive(Debug, thiserror::Error)]
#[error("the cryptographic library could not make or use a key")]
pub struct KeyFault;

/// Makes a P-256 key and its request. The key's randomness is the cryptographic
/// library's own: no other is good enough to be handed in.
pub fn create_p256(common_name: &str) -> Result<CreatedKey, CreateFault<KeyFault>> {
    let random = SystemRandom::new();
    let unusable = || CreateFault::Signer(KeyFault);
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
        .map_err(|_| unusable())?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref())
        .map_err(|_| unusable())?;
    let public_key = PublicKey::from_ec_point(key.public_key().as_ref()).map_err(|_| unusable())?;
    let request = create(
        common_name,
        &public_key,
        SignatureAlgorithm::EcdsaP256Sha256,
        |info| {
            let signature = key.sign(&random, info).map_err(|_| KeyFault)?;
            Ok(signature.as_ref().to_vec())
        },
    )?;
    Ok(CreatedKey {
        private_key_pem: Zeroizing::new(pem::encode(pem::PRIVATE_KEY, pkcs8.as_ref())),
        request_pem: pem::encode(pem::REQUEST, &request),
    })
}

#[cfg(test)]
mod tests;
