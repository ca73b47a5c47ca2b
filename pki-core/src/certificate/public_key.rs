//! Public keys and the signatures that they verify.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature as aws;
use const_oid::ObjectIdentifier;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::asn1::{self, DerFault, Element};
use super::oid;

/// How a signature is made. SHA-1 is not among them, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 4055 §5).
    #[serde(rename = "rsa-sha256")]
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[serde(rename = "rsa-sha384")]
    RsaPkcs1Sha384,
    /// ECDSA on P-256 with SHA-256 (RFC 5758 §3.2), signature as DER.
    #[serde(rename = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ecdsa-p384-sha384")]
    EcdsaP384Sha384,
}

impl SignatureAlgorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::EcdsaP256Sha256,
        Self::EcdsaP384Sha384,
    ];

    pub(crate) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::RsaPkcs1Sha256 => oid::SHA256_WITH_RSA,
            Self::RsaPkcs1Sha384 => oid::SHA384_WITH_RSA,
            Self::EcdsaP256Sha256 => oid::ECDSA_WITH_SHA256,
            Self::EcdsaP384Sha384 => oid::ECDSA_WITH_SHA384,
        }
    }

    /// AlgorithmIdentifier, DER. RSA carries NULL parameters (RFC 4055 §5),
    /// ECDSA none (RFC 5758 §3.2).
    pub fn identifier_der(self) -> Vec<u8> {
        match self {
            Self::RsaPkcs1Sha256 | Self::RsaPkcs1Sha384 => {
                asn1::sequence(&[&asn1::oid(&self.oid()), &asn1::null()])
            }
            Self::EcdsaP256Sha256 | Self::EcdsaP384Sha384 => {
                asn1::sequence(&[&asn1::oid(&self.oid())])
            }
        }
    }

    /// The algorithm that an AlgorithmIdentifier names, byte for byte.
    pub fn from_identifier_der(der: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.identifier_der() == der)
    }

    /// The algorithm that this CA uses with a key of that kind.
    pub fn usual_for(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa { .. } => Self::RsaPkcs1Sha256,
            KeyKind::P256 => Self::EcdsaP256Sha256,
            KeyKind::P384 => Self::EcdsaP384Sha384,
        }
    }

    /// Whether a key of that kind can make such signatures.
    pub fn fits(self, kind: KeyKind) -> bool {
        match self {
            Self::RsaPkcs1Sha256 | Self::RsaPkcs1Sha384 => matches!(kind, KeyKind::Rsa { .. }),
            Self::EcdsaP256Sha256 => kind == KeyKind::P256,
            Self::EcdsaP384Sha384 => kind == KeyKind::P384,
        }
    }

    fn verifier(self) -> &'static dyn aws::VerificationAlgorithm {
        match self {
            Self::RsaPkcs1Sha256 => &aws::RSA_PKCS1_2048_8192_SHA256,
            Self::RsaPkcs1Sha384 => &aws::RSA_PKCS1_2048_8192_SHA384,
            Self::EcdsaP256Sha256 => &aws::ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP384Sha384 => &aws::ECDSA_P384_SHA384_ASN1,
        }
    }
}

/// Kind and size of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, with the modulus's length in bits.
    Rsa {
        /// Length of the modulus in bits.
        bits: u32,
    },
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
}

/// Why bytes are no public key that this CA knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyFault {
    /// Not a SubjectPublicKeyInfo in DER.
    #[error("not a SubjectPublicKeyInfo")]
    Encoding(#[from] DerFault),
    /// Neither RSA nor EC on P-256 or P-384.
    #[error("a kind of key that is not accepted")]
    Kind,
    /// The EC point is not an uncompressed point of its curve.
    #[error("the point does not lie on its curve")]
    Point,
}

/// A signature that the key does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct SignatureInvalid;

#[derive(Clone)]
enum Numbers {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Point,
}

/// A public key as its SubjectPublicKeyInfo.
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    kind: KeyKind,
    numbers: Numbers,
    /// Where the BIT STRING's octets begin in `spki`; they run to its end.
    octets_at: usize,
    /// Made at the first verification, with the algorithm it was made for: a CA verifies
    /// with the same key and algorithm again and again.
    parsed: Arc<OnceLock<(SignatureAlgorithm, aws::ParsedPublicKey)>>,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = hex::encode(self.key_id());
        write!(f, "PublicKey({:?}, {id})", self.kind)
    }
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 3279 §2.3, RFC 5480 §2). EC points are
    /// checked to be uncompressed and on their curve; whether a key is good
    /// enough to certify is [`super::key_fitness`]'s question.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, PublicKeyFault> {
        let mut fields = Element::parse_as(spki, asn1::SEQUENCE)?.inside()?;
        let algorithm = fields.expect(asn1::SEQUENCE)?;
        let octets = fields.expect(asn1::BIT_STRING)?.octets_of_bits()?;
        fields.finish()?;
        let mut parts = algorithm.inside()?;
        let name = parts.next()?.oid()?;
        let (kind, numbers) = if name == oid::RSA_ENCRYPTION {
            parts.expect(asn1::NULL)?;
            let mut numbers = Element::parse_as(octets, asn1::SEQUENCE)?.inside()?;
            let modulus = positive(numbers.expect(asn1::INTEGER)?.integer()?)?;
            let exponent = positive(numbers.expect(asn1::INTEGER)?.integer()?)?;
            numbers.finish()?;
            (
                KeyKind::Rsa {
                    bits: bit_length(modulus),
                },
                Numbers::Rsa {
                    modulus: modulus.to_vec(),
                    exponent: exponent.to_vec(),
                },
            )
        } else if name == oid::EC_PUBLIC_KEY {
            let curve = parts.next()?.oid()?;
            let (kind, length, algorithm) = match curve {
                oid::P256 => (KeyKind::P256, 65, SignatureAlgorithm::EcdsaP256Sha256),
                oid::P384 => (KeyKind::P384, 97, SignatureAlgorithm::EcdsaP384Sha384),
                _ => return Err(PublicKeyFault::Kind),
            };
            // Parsing in aws-lc checks that the point is on the curve and not at infinity.
            let on_curve = aws::ParsedPublicKey::new(algorithm.verifier(), octets).is_ok();
            if octets.len() != length || octets[0] != 0x04 || !on_curve {
                return Err(PublicKeyFault::Point);
            }
            (kind, Numbers::Point)
        } else {
            return Err(PublicKeyFault::Kind);
        };
        parts.finish()?;
        Ok(Self {
            octets_at: spki.len() - octets.len(),
            spki: spki.to_vec(),
            kind,
            numbers,
            parsed: Arc::default(),
        })
    }

    /// An RSA key from its modulus and exponent, big-endian, as a token gives them.
    pub fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, PublicKeyFault> {
        let algorithm = asn1::sequence(&[&asn1::oid(&oid::RSA_ENCRYPTION), &asn1::null()]);
        let numbers = asn1::sequence(&[&asn1::integer(modulus), &asn1::integer(exponent)]);
        Self::from_spki_der(&asn1::sequence(&[&algorithm, &asn1::bit_string(&numbers)]))
    }

    /// An EC key from its uncompressed point (`04 || x || y`); the length tells the curve.
    pub fn from_ec_point(point: &[u8]) -> Result<Self, PublicKeyFault> {
        let curve = match point.len() {
            65 => oid::P256,
            97 => oid::P384,
            _ => return Err(PublicKeyFault::Point),
        };
        let algorithm = asn1::sequence(&[&asn1::oid(&oid::EC_PUBLIC_KEY), &asn1::oid(&curve)]);
        Self::from_spki_der(&asn1::sequence(&[&algorithm, &asn1::bit_string(point)]))
    }

    /// Kind and size.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// What the BIT STRING holds: RSAPublicKey or EC point.
    pub fn octets(&self) -> &[u8] {
        &self.spki[self.octets_at..]
    }

    /// RSA modulus and exponent, big-endian without leading zeros.
    pub fn rsa_numbers(&self) -> Option<(&[u8], &[u8])> {
        match &self.numbers {
            Numbers::Rsa { modulus, exponent } => Some((modulus, exponent)),
            Numbers::Point => None,
        }
    }

    /// Key identifier: SHA-1 of the BIT STRING's octets (RFC 5280 §4.2.1.2, method 1).
    pub fn key_id(&self) -> [u8; 20] {
        Sha1::digest(self.octets()).into()
    }

    /// SHA-256 of the SubjectPublicKeyInfo, by which the CA's database knows the key.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.spki).into()
    }

    /// Verifies a signature over `message`. RSA keys are 2048 to 8192 bits; ECDSA
    /// signatures are DER.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureInvalid> {
        self.with_parsed(algorithm, |key| key.verify_sig(message, signature))
    }
}

impl PublicKey {
    /// Verifies a signature over a message of which only the digest was kept, by the
    /// algorithm's own hash ([`SignatureAlgorithm::hasher`]). For lists that are streamed.
    pub fn verify_digest(
        &self,
        algorithm: SignatureAlgorithm,
        digest: MessageDigest,
        signature: &[u8],
    ) -> Result<(), SignatureInvalid> {
        self.with_parsed(algorithm, |key| key.verify_digest_sig(&digest.0, signature))
    }

    fn with_parsed(
        &self,
        algorithm: SignatureAlgorithm,
        verify: impl FnOnce(&aws::ParsedPublicKey) -> Result<(), Unspecified>,
    ) -> Result<(), SignatureInvalid> {
        if !algorithm.fits(self.kind) {
            return Err(SignatureInvalid);
        }
        let parse = || aws::ParsedPublicKey::new(algorithm.verifier(), self.octets());
        if self.parsed.get().is_none() {
            let parsed = parse().map_err(|_| SignatureInvalid)?;
            // Another thread may have been first; either key is the same.
            let _ = self.parsed.set((algorithm, parsed));
        }
        match self.parsed.get() {
            Some((made_for, parsed)) if *made_for == algorithm => verify(parsed),
            _ => verify(&parse().map_err(|_| SignatureInvalid)?),
        }
        .map_err(|_| SignatureInvalid)
    }
}

/// Hashes a message as a signature algorithm does. Takes the message in pieces, and is a
/// writer so that a list can be streamed into it.
pub struct MessageHasher(aws_lc_rs::digest::Context);

/// Digest of a message.
#[derive(Clone)]
pub struct MessageDigest(aws_lc_rs::digest::Digest);

impl SignatureAlgorithm {
    /// A hasher of this algorithm's hash.
    pub fn hasher(self) -> MessageHasher {
        let hash = match self {
            Self::RsaPkcs1Sha256 | Self::EcdsaP256Sha256 => &aws_lc_rs::digest::SHA256,
            Self::RsaPkcs1Sha384 | Self::EcdsaP384Sha384 => &aws_lc_rs::digest::SHA384,
        };
        MessageHasher(aws_lc_rs::digest::Context::new(hash))
    }
}

impl MessageDigest {
    /// Its octets, as a token signs them.
    pub fn octets(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl MessageHasher {
    /// The next piece of the message.
    pub fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// The digest of all that was written.
    pub fn finish(self) -> MessageDigest {
        MessageDigest(self.0.finish())
    }
}

impl std::io::Write for MessageHasher {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.update(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl AsRef<[u8]> for MessageDigest {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

fn positive(content: &[u8]) -> Result<&[u8], DerFault> {
    match content {
        [first, ..] if first & 0x80 != 0 => Err(DerFault::Value("a negative number in a key")),
        [0] => Err(DerFault::Value("a zero in a key")),
        [0, digits @ ..] => Ok(digits),
        digits => Ok(digits),
    }
}

fn bit_length(number: &[u8]) -> u32 {
    number
        .first()
        .map_or(0, |first| number.len() as u32 * 8 - first.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;

    #[test]
    fn one_key_verifies_with_each_of_its_algorithms_and_with_no_other() {
        let pair = aws::RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki: PublicKeyX509Der<'_> = aws::KeyPair::public_key(&pair).as_der().unwrap();
        let key = PublicKey::from_spki_der(spki.as_ref()).unwrap();
        let (modulus, exponent) = key.rsa_numbers().unwrap();
        assert_eq!(
            PublicKey::from_rsa_numbers(modulus, exponent),
            Ok(key.clone())
        );
        let sign = |encoding: &'static dyn aws::RsaEncoding| {
            let mut signature = vec![0; 256];
            pair.sign(encoding, &SystemRandom::new(), b"message", &mut signature)
                .unwrap();
            signature
        };
        let (short, long) = (sign(&aws::RSA_PKCS1_SHA256), sign(&aws::RSA_PKCS1_SHA384));
        use SignatureAlgorithm as A;
        let digest = |algorithm: A, message: &[u8]| {
            let mut hasher = algorithm.hasher();
            std::io::Write::write_all(&mut hasher, message).unwrap();
            hasher.finish()
        };
        for _ in 0..2 {
            assert_eq!(key.verify(A::RsaPkcs1Sha256, b"message", &short), Ok(()));
            assert_eq!(key.verify(A::RsaPkcs1Sha384, b"message", &long), Ok(()));
        }
        for (algorithm, message, signature) in [
            (A::RsaPkcs1Sha256, &b"message"[..], &long),
            (A::RsaPkcs1Sha384, b"message", &short),
            (A::RsaPkcs1Sha256, b"massage", &short),
            (A::EcdsaP256Sha256, b"message", &short),
        ] {
            assert_eq!(
                key.verify(algorithm, message, signature),
                Err(SignatureInvalid)
            );
            assert_eq!(
                key.verify_digest(algorithm, digest(algorithm, message), signature),
                Err(SignatureInvalid)
            );
        }
        let streamed = digest(A::RsaPkcs1Sha256, b"message");
        assert_eq!(
            key.verify_digest(A::RsaPkcs1Sha256, streamed, &short),
            Ok(())
        );
    }

    #[test]
    fn a_key_carries_nothing_beside_itself_and_is_written_in_one_way() {
        let modulus = [vec![0x00], vec![0xC5; 256]].concat();
        let number = |content: &[u8]| asn1::tlv(asn1::INTEGER, &[content]);
        let (modulus, exponent) = (number(&modulus), number(&[1, 0, 1]));
        let algorithm = asn1::sequence(&[&asn1::oid(&oid::RSA_ENCRYPTION), &[5, 0]]);
        let spki = |algorithm: &[u8], numbers: &[&[u8]], tail: &[u8]| {
            let bits = asn1::bit_string(&asn1::sequence(numbers));
            PublicKey::from_spki_der(&asn1::sequence(&[algorithm, &bits, tail]))
        };
        let whole: [&[u8]; 2] = [&modulus, &exponent];
        assert!(spki(&algorithm, &whole, &[]).is_ok());
        assert!(spki(&algorithm, &whole, &[5, 0]).is_err());
        assert!(spki(&algorithm, &[&modulus, &exponent, &[5, 0]], &[]).is_err());
        let stuffed = asn1::sequence(&[&asn1::oid(&oid::RSA_ENCRYPTION), &[5, 0], &[5, 0]]);
        assert!(spki(&stuffed, &whole, &[]).is_err());
        let other = asn1::sequence(&[&asn1::oid(&oid::SHA1), &asn1::oid(&oid::P256)]);
        assert_eq!(spki(&other, &whole, &[]), Err(PublicKeyFault::Kind));
        let negative = number(&[0xC5; 256]);
        assert!(spki(&algorithm, &[&negative, &exponent], &[]).is_err());
    }

    #[test]
    fn a_point_is_whole_uncompressed_and_on_its_curve() {
        let pair = aws::EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = aws::KeyPair::public_key(&pair).as_ref().to_vec();
        let spki = |point: &[u8]| {
            let algorithm =
                asn1::sequence(&[&asn1::oid(&oid::EC_PUBLIC_KEY), &asn1::oid(&oid::P256)]);
            PublicKey::from_spki_der(&asn1::sequence(&[&algorithm, &asn1::bit_string(point)]))
        };
        assert!(spki(&point).is_ok());
        let mut compressed = point[..33].to_vec();
        compressed[0] = 2 + (point[64] & 1);
        let mut off = point.clone();
        off[64] ^= 1;
        for wrong in [&compressed, &off, &point[..64].to_vec()] {
            assert_eq!(spki(wrong), Err(PublicKeyFault::Point));
        }
    }

    #[test]
    fn algorithms_are_known_by_their_exact_identifier() {
        for algorithm in SignatureAlgorithm::ALL {
            let der = algorithm.identifier_der();
            assert_eq!(
                SignatureAlgorithm::from_identifier_der(&der),
                Some(algorithm)
            );
        }
        // sha256WithRSAEncryption without NULL, and sha1WithRSAEncryption
        for der in [
            "300b06092a864886f70d01010b",
            "300d06092a864886f70d0101050500",
        ] {
            let der = hex::decode(der).unwrap();
            assert_eq!(SignatureAlgorithm::from_identifier_der(&der), None);
        }
    }
}
