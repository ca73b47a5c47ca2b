//! Object identifiers that the profiles use.

use const_oid::ObjectIdentifier;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

// Keys and signatures (RFC 3279, RFC 4055, RFC 5480, RFC 5758).
pub const RSA_ENCRYPTION: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
pub const SHA256_WITH_RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
pub const SHA384_WITH_RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
pub const EC_PUBLIC_KEY: ObjectIdentifier = oid("1.2.840.10045.2.1");
pub const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
pub const P384: ObjectIdentifier = oid("1.3.132.0.34");
pub const ECDSA_WITH_SHA256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
pub const ECDSA_WITH_SHA384: ObjectIdentifier = oid("1.2.840.10045.4.3.3");
pub const SHA1: ObjectIdentifier = oid("1.3.14.3.2.26");
pub const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");

// Attributes of names (RFC 5280 appendix A.1).
pub const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
pub const COUNTRY: ObjectIdentifier = oid("2.5.4.6");
pub const LOCALITY: ObjectIdentifier = oid("2.5.4.7");
pub const ORGANIZATION: ObjectIdentifier = oid("2.5.4.10");
pub const ORGANIZATIONAL_UNIT: ObjectIdentifier = oid("2.5.4.11");

// Extensions (RFC 5280 §4.2, §5.2, §5.3).
pub const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.14");
pub const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
pub const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
pub const ISSUER_ALT_NAME: ObjectIdentifier = oid("2.5.29.18");
pub const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
pub const CRL_NUMBER: ObjectIdentifier = oid("2.5.29.20");
pub const REASON_CODE: ObjectIdentifier = oid("2.5.29.21");
pub const INVALIDITY_DATE: ObjectIdentifier = oid("2.5.29.24");
pub const DELTA_CRL_INDICATOR: ObjectIdentifier = oid("2.5.29.27");
pub const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = oid("2.5.29.28");
pub const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = oid("2.5.29.31");
pub const CERTIFICATE_POLICIES: ObjectIdentifier = oid("2.5.29.32");
pub const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.35");
pub const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
pub const FRESHEST_CRL: ObjectIdentifier = oid("2.5.29.46");
pub const AUTHORITY_INFO_ACCESS: ObjectIdentifier = oid("1.3.6.1.5.5.7.1.1");

pub const CPS_QUALIFIER: ObjectIdentifier = oid("1.3.6.1.5.5.7.2.1");
pub const SERVER_AUTH: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.1");
pub const CLIENT_AUTH: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.2");
pub const OCSP_SIGNING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.9");
pub const OCSP: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1");
pub const CA_ISSUERS: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.2");

// OCSP (RFC 6960 §4.2.1, §4.4).
pub const OCSP_BASIC: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.1");
pub const OCSP_NONCE: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.2");
pub const OCSP_NO_CHECK: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.5");
pub const OCSP_PREFERRED_ALGORITHMS: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.8");

/// JPKI's personal data in subjectAltName, as real cards carry them
/// (氏名, 氏名の代替文字使用位置, 性別, 生年月日, 住所, 住所の代替文字使用位置).
pub const JPKI_NAME: ObjectIdentifier = oid("1.2.392.200149.8.5.5.1");
pub const JPKI_NAME_SUBSTITUTION: ObjectIdentifier = oid("1.2.392.200149.8.5.5.2");
pub const JPKI_SEX: ObjectIdentifier = oid("1.2.392.200149.8.5.5.3");
pub const JPKI_BIRTH_DATE: ObjectIdentifier = oid("1.2.392.200149.8.5.5.4");
pub const JPKI_ADDRESS: ObjectIdentifier = oid("1.2.392.200149.8.5.5.5");
pub const JPKI_ADDRESS_SUBSTITUTION: ObjectIdentifier = oid("1.2.392.200149.8.5.5.6");

/// Production policies of the national service; certificates of ours never carry one.
pub const JPKI_POLICIES: ObjectIdentifier = oid("1.2.392.200149.8.5.1");

// PKCS#10 attributes of the resident's card (docs/card-interface.md §4).
pub const REQUEST_VISIT: ObjectIdentifier = oid("1.3.6.1.4.1.99999.2026.3.1");
pub const REQUEST_CARD: ObjectIdentifier = oid("1.3.6.1.4.1.99999.2026.3.2");
