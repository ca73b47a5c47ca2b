//! Certification requests the cards make (PKCS#10, RFC 2986).

use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use rsa::sha2::{Digest, Sha256};

use super::apdu::Status;
use super::der;
use super::image::Id;
use super::rsa_key::{Padding, RsaKey};

/// sha256WithRSAEncryption, 1.2.840.113549.1.1.11.
const SHA256_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2.
const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
/// id-ecPublicKey, 1.2.840.10045.2.1.
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// prime256v1, 1.2.840.10045.3.1.7.
const PRIME256V1: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// 1.3.6.1.4.1.99999.2026.3.1, visit id.
const VISIT_ID: &[u8] = &[
    0x2B, 0x06, 0x01, 0x04, 0x01, 0x86, 0x8D, 0x1F, 0x8F, 0x6A, 0x03, 0x01,
];
/// 1.3.6.1.4.1.99999.2026.3.2, card id.
const CARD_ID: &[u8] = &[
    0x2B, 0x06, 0x01, 0x04, 0x01, 0x86, 0x8D, 0x1F, 0x8F, 0x6A, 0x03, 0x02,
];
/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// The resident's request: proof of possession bound to visit and card (card interface §4).
///
/// # Errors
/// `6F00` when the signature does not verify.
pub fn resident(key: &RsaKey, visit: Id, card: Id) -> Result<Vec<u8>, Status> {
    let attribute = |oid: &[u8], id: Id| {
        let value = der::element(der::SET, &[&der::element(der::OCTET_STRING, &[&id.0])]);
        der::element(
            der::SEQUENCE,
            &[&der::element(der::OBJECT_IDENTIFIER, &[oid]), &value],
        )
    };
    // Equal lengths, and the OIDs differ in the last byte: DER's order of a SET OF.
    let attributes = der::element(
        der::CONTEXT_0,
        &[&attribute(VISIT_ID, visit), &attribute(CARD_ID, card)],
    );
    let subject = der::element(der::SEQUENCE, &[]);
    let info = certification_request_info(&subject, &key.public_key(), &attributes);
    let signature = key.sign(Padding::Message, &info)?;
    let algorithm = der::element(
        der::SEQUENCE,
        &[
            &der::element(der::OBJECT_IDENTIFIER, &[SHA256_WITH_RSA]),
            der::NULL,
        ],
    );
    Ok(der::element(
        der::SEQUENCE,
        &[&info, &algorithm, &der::bit_string(&signature)],
    ))
}

/// The operator's request: subject CN = operator id, no attributes (card interface §5).
///
/// # Errors
/// `6F00` when the signature does not verify.
pub fn operator(key: &SigningKey, operator: &str) -> Result<Vec<u8>, Status> {
    let name = der::element(
        der::SEQUENCE,
        &[
            &der::element(der::OBJECT_IDENTIFIER, &[COMMON_NAME]),
            &der::element(der::UTF8_STRING, &[operator.as_bytes()]),
        ],
    );
    let subject = der::element(der::SEQUENCE, &[&der::element(der::SET, &[&name])]);
    let info = certification_request_info(
        &subject,
        &p256_public_key(key),
        &der::element(der::CONTEXT_0, &[]),
    );
    let signature = p256_sign(key, &Sha256::digest(&info).into())?;
    let algorithm = der::element(
        der::SEQUENCE,
        &[&der::element(der::OBJECT_IDENTIFIER, &[ECDSA_WITH_SHA256])],
    );
    Ok(der::element(
        der::SEQUENCE,
        &[&info, &algorithm, &der::bit_string(&signature)],
    ))
}

fn certification_request_info(subject: &[u8], public_key: &[u8], attributes: &[u8]) -> Vec<u8> {
    der::element(
        der::SEQUENCE,
        &[&der::unsigned(&[0]), subject, public_key, attributes],
    )
}

/// ECDSA over a SHA-256 digest (deterministic nonce, RFC 6979), DER, verified before it leaves.
///
/// # Errors
/// `6F00` when the signature does not verify.
pub fn p256_sign(key: &SigningKey, digest: &[u8; 32]) -> Result<Vec<u8>, Status> {
    let signature: Signature = key
        .sign_prehash(digest)
        .map_err(|_| Status::INTERNAL_FAULT)?;
    VerifyingKey::from(key)
        .verify_prehash(digest, &signature)
        .map_err(|_| Status::INTERNAL_FAULT)?;
    Ok(signature.to_der().as_bytes().to_vec())
}

/// SubjectPublicKeyInfo of a P-256 key (RFC 5480 §2).
pub fn p256_public_key(key: &SigningKey) -> Vec<u8> {
    let algorithm = der::element(
        der::SEQUENCE,
        &[
            &der::element(der::OBJECT_IDENTIFIER, &[EC_PUBLIC_KEY]),
            &der::element(der::OBJECT_IDENTIFIER, &[PRIME256V1]),
        ],
    );
    let point = VerifyingKey::from(key).to_encoded_point(false);
    der::element(
        der::SEQUENCE,
        &[&algorithm, &der::bit_string(point.as_bytes())],
    )
}
