//! The kiosk's signed record of one generation (`docs/card-interface.md` §4):
//! what the machine says it did, for the audit and as a condition of issuing.
//! The kiosk makes it here; gateway and CA check it here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::certificate::{PublicKey, SignatureAlgorithm};
use crate::id::{CardId, KioskId, Sha256Digest, VisitId};

/// Longest record with its signature, in bytes.
pub const RECORD_BYTES_MAX: usize = 2048;
/// What stands before the JSON in the signed bytes.
const CONTEXT: &[u8] = b"jitsuin-kiosk-record-v1\0";

/// What the machine says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KioskRecord {
    version: u8,
    pub kiosk: KioskId,
    pub visit: VisitId,
    pub card: CardId,
    /// SHA-256 of the public key's SubjectPublicKeyInfo, DER.
    pub spki_sha256: Sha256Digest,
    /// SHA-256 of the kiosk's program.
    pub software_sha256: Sha256Digest,
    /// `passed`, or the record is refused.
    pub self_test: String,
    pub generated_at: Timestamp,
    /// The pair no longer exists outside the card.
    pub erased: bool,
}

/// What a record is made of.
#[derive(Clone, Debug)]
pub struct Generation {
    pub kiosk: KioskId,
    pub visit: VisitId,
    pub card: CardId,
    pub spki_sha256: Sha256Digest,
    pub software_sha256: Sha256Digest,
    pub generated_at: Timestamp,
}

/// Why a record is not taken.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// Longer than [`RECORD_BYTES_MAX`].
    #[error("the kiosk's record is longer than {RECORD_BYTES_MAX} bytes")]
    TooLarge,
    /// Not JSON, a line feed and a base64 signature.
    #[error("the kiosk's record is not JSON, a line feed and a signature")]
    Form,
    /// The JSON is not a record of version 1.
    #[error("the kiosk's record cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// A version that is not understood.
    #[error("the kiosk's record has version {0}; version 1 is understood")]
    Version(u8),
    /// The kiosk's enrolled key did not sign it.
    #[error("the kiosk's signature does not verify")]
    Signature,
    /// The machine did not pass its self-test or did not erase the pair.
    #[error("the kiosk did not pass its self-test or did not erase the pair")]
    NotClean,
}

impl KioskRecord {
    /// A record of a generation that passed its self-test and was erased.
    #[must_use]
    pub fn new(generation: Generation) -> Self {
        Self {
            version: 1,
            kiosk: generation.kiosk,
            visit: generation.visit,
            card: generation.card,
            spki_sha256: generation.spki_sha256,
            software_sha256: generation.software_sha256,
            self_test: "passed".to_owned(),
            generated_at: (generation.generated_at)
                .round(jiff::Unit::Second)
                .unwrap_or(generation.generated_at),
            erased: true,
        }
    }

    /// The record as the card carries it: JSON, line feed, base64 of what `sign` made
    /// over the bytes it was given (the kiosk's key; ECDSA P-256, SHA-256, DER).
    ///
    /// # Errors
    /// What `sign` failed with.
    pub fn signed<E>(&self, sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>) -> Result<Vec<u8>, E> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let json = serde_json::to_vec(self).expect("a record is plain text and times");
        let signature = sign(&[CONTEXT, &json].concat())?;
        Ok([&json, &b"\n"[..], STANDARD.encode(signature).as_bytes()].concat())
    }
}

/// A record as read, its signature not yet checked.
#[derive(Clone, Debug)]
pub struct SignedRecord {
    record: KioskRecord,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl SignedRecord {
    /// Takes the carried bytes apart.
    ///
    /// # Errors
    /// [`RecordFault`] for everything but the signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordFault> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordFault::TooLarge);
        }
        let end = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(RecordFault::Form)?;
        let (json, rest) = bytes.split_at(end);
        let signature = STANDARD.decode(&rest[1..]).map_err(|_| RecordFault::Form)?;
        let record: KioskRecord = serde_json::from_slice(json).map_err(RecordFault::Unreadable)?;
        if record.version != 1 {
            return Err(RecordFault::Version(record.version));
        }
        Ok(Self {
            record,
            message: [CONTEXT, json].concat(),
            signature,
        })
    }

    /// The kiosk that the record claims to be from, whose key is to be looked up.
    #[must_use]
    pub fn claimed_kiosk(&self) -> KioskId {
        self.record.kiosk
    }

    /// Checks the signature with the enrolled key of that kiosk, and that the
    /// machine passed its self-test and erased the pair.
    ///
    /// # Errors
    /// [`RecordFault::Signature`], [`RecordFault::NotClean`].
    pub fn verify(self, kiosk: &PublicKey) -> Result<KioskRecord, RecordFault> {
        kiosk
            .verify(
                SignatureAlgorithm::EcdsaP256Sha256,
                &self.message,
                &self.signature,
            )
            .map_err(|_| RecordFault::Signature)?;
        if self.record.self_test != "passed" || !self.record.erased {
            return Err(RecordFault::NotClean);
        }
        Ok(self.record)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    struct Kiosk(EcdsaKeyPair);

    impl Kiosk {
        fn new() -> Self {
            Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
        }
        fn key(&self) -> PublicKey {
            PublicKey::from_ec_point(self.0.public_key().as_ref()).unwrap()
        }
        fn carry(&self, record: &KioskRecord) -> Vec<u8> {
            let sign = |message: &[u8]| self.0.sign(&SystemRandom::new(), message);
            record
                .signed(|message| sign(message).map(|signature| signature.as_ref().to_vec()))
                .unwrap()
        }
    }

    fn record() -> KioskRecord {
        KioskRecord::new(Generation {
            kiosk: "13101K001".parse().unwrap(),
            visit: VisitId::from_bytes([1; 16]),
            card: CardId::from_bytes([2; 16]),
            spki_sha256: Sha256Digest::of(b"key"),
            software_sha256: Sha256Digest::of(b"program"),
            generated_at: "2026-11-22T15:00:00Z".parse().unwrap(),
        })
    }

    #[test]
    fn a_record_comes_back_as_the_kiosk_signed_it() {
        let kiosk = Kiosk::new();
        let read = SignedRecord::parse(&kiosk.carry(&record())).unwrap();
        assert_eq!(read.claimed_kiosk(), record().kiosk);
        assert_eq!(read.verify(&kiosk.key()).unwrap(), record());
    }

    /// The bytes that `docs/card-interface.md` §4 promises to other readers.
    #[test]
    fn a_record_is_carried_as_the_card_interface_says() {
        let mut given = Vec::new();
        let carried = record()
            .signed(|message| {
                given = message.to_vec();
                Ok::<_, ()>(vec![1, 2, 3])
            })
            .unwrap();
        let json = format!(
            "{{\"version\":1,\"kiosk\":\"13101K001\",\"visit\":\"{}\",\"card\":\"{}\",\
             \"spki_sha256\":\"{}\",\"software_sha256\":\"{}\",\"self_test\":\"passed\",\
             \"generated_at\":\"2026-11-22T15:00:00Z\",\"erased\":true}}",
            "01".repeat(16),
            "02".repeat(16),
            Sha256Digest::of(b"key"),
            Sha256Digest::of(b"program"),
        );
        assert_eq!(carried, format!("{json}\nAQID").into_bytes());
        assert_eq!(
            given,
            format!("jitsuin-kiosk-record-v1\0{json}").into_bytes()
        );
    }

    #[test]
    fn another_kiosks_signature_is_none() {
        let read = SignedRecord::parse(&Kiosk::new().carry(&record())).unwrap();
        assert!(matches!(
            read.verify(&Kiosk::new().key()),
            Err(RecordFault::Signature)
        ));
    }

    #[test]
    fn a_machine_that_did_not_erase_is_refused() {
        let kiosk = Kiosk::new();
        let mut dirty = record();
        dirty.erased = false;
        let mut unsound = record();
        unsound.self_test = "failed".to_owned();
        for unclean in [dirty, unsound] {
            let read = SignedRecord::parse(&kiosk.carry(&unclean)).unwrap();
            assert!(matches!(
                read.verify(&kiosk.key()),
                Err(RecordFault::NotClean)
            ));
        }
    }

    #[test]
    fn anything_but_json_line_feed_signature_is_refused() {
        let kiosk = Kiosk::new();
        let good = kiosk.carry(&record());
        assert!(matches!(
            SignedRecord::parse(&vec![b'a'; RECORD_BYTES_MAX + 1]),
            Err(RecordFault::TooLarge)
        ));
        let mut newer = record();
        newer.version = 2;
        assert!(matches!(
            SignedRecord::parse(&kiosk.carry(&newer)),
            Err(RecordFault::Version(2))
        ));
        assert!(SignedRecord::parse(b"{}").is_err());
        let text = String::from_utf8(good).unwrap();
        let unknown = text.replacen("{", "{\"more\":1,", 1);
        assert!(matches!(
            SignedRecord::parse(unknown.as_bytes()),
            Err(RecordFault::Unreadable(_))
        ));
    }
}
