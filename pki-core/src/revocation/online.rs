//! Online revocation by the holder (Art 9 ③, Ordinance Art 18): a statement that the holder
//! signs with the very key that is to end. Everyone on the way may verify it, and none of
//! them can make one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ground::Ground;
use crate::{
    certificate::{CertificateImage, SignatureAlgorithm, serial::Serial},
    id::Sha256Digest,
    person::municipality::PrefectureCode,
};

/// What a statement is for: a signature over anything else is none of these.
pub const PURPOSE: &str = "jitsuin-online-revocation-v1";
/// How long a statement may be used, in seconds from the time in it.
pub const LIFE_S: i64 = 600;
/// How far the clocks of gateway and authority may lie apart, in seconds.
const AHEAD_S: i64 = 60;
/// Longest statement, in bytes.
const LONGEST: usize = 1024;

/// What the holder signs: the exact bytes of one JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    purpose: String,
    pub prefecture: PrefectureCode,
    pub serial: Serial,
    ground: Ground,
    /// Drawn by the gateway, by which it knows its own statements.
    pub challenge: Sha256Digest,
    /// When the gateway made it.
    pub time: Timestamp,
}

/// Why a statement revokes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnlineFault {
    #[error("this is no statement of an online revocation")]
    Unreadable,
    #[error("the statement is made out for another prefecture")]
    Prefecture,
    #[error("online a certificate is revoked under Art 9 alone")]
    Ground,
    #[error("the statement is too old or not yet valid; ask for another")]
    Time,
    #[error("the statement names another certificate")]
    Serial,
    #[error("the certificate has run out already")]
    Expired,
    #[error("the signature is not one of the certificate's key")]
    Signature,
}

impl OnlineFault {
    /// As in audit rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "statement-unreadable",
            Self::Prefecture => "other-prefecture",
            Self::Ground => "ground",
            Self::Time => "statement-time",
            Self::Serial => "other-serial",
            Self::Expired => "expired",
            Self::Signature => "holder-signature",
        }
    }
}

impl Statement {
    /// A statement for the holder to sign.
    #[must_use]
    pub fn new(
        prefecture: PrefectureCode,
        serial: Serial,
        challenge: Sha256Digest,
        time: Timestamp,
    ) -> Self {
        Self {
            purpose: PURPOSE.to_owned(),
            prefecture,
            serial,
            ground: Ground::Article9,
            challenge,
            time,
        }
    }

    /// The bytes that are signed.
    ///
    /// # Panics
    /// Never: a statement holds nothing that JSON cannot.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement is plain text and a time")
    }

    /// Reads a statement and checks what can be checked without the certificate.
    ///
    /// # Errors
    /// [`OnlineFault`].
    pub fn read(
        bytes: &[u8],
        prefecture: PrefectureCode,
        now: Timestamp,
    ) -> Result<Self, OnlineFault> {
        if bytes.len() > LONGEST {
            return Err(OnlineFault::Unreadable);
        }
        let statement: Self = serde_json::from_slice(bytes).map_err(|_| OnlineFault::Unreadable)?;
        if statement.purpose != PURPOSE {
            return Err(OnlineFault::Unreadable);
        }
        if statement.prefecture != prefecture {
            return Err(OnlineFault::Prefecture);
        }
        if statement.ground != Ground::Article9 {
            return Err(OnlineFault::Ground);
        }
        let age = now.duration_since(statement.time);
        let seconds = SignedDuration::from_secs;
        if age < seconds(-AHEAD_S) || age > seconds(LIFE_S) {
            return Err(OnlineFault::Time);
        }
        Ok(statement)
    }

    /// Verifies the holder's signature (RSASSA-PKCS1-v1_5 with SHA-256, as the card makes
    /// it) over the bytes that were read, by the key of the certificate as it is on record.
    ///
    /// # Errors
    /// [`OnlineFault`].
    pub fn verify(
        &self,
        bytes: &[u8],
        signature: &[u8],
        certificate: &CertificateImage,
        now: Timestamp,
    ) -> Result<(), OnlineFault> {
        if certificate.serial != self.serial {
            return Err(OnlineFault::Serial);
        }
        if now > certificate.not_after {
            return Err(OnlineFault::Expired);
        }
        certificate
            .public_key
            .verify(SignatureAlgorithm::RsaPkcs1Sha256, bytes, signature)
            .map_err(|_| OnlineFault::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T05:00:00Z".parse().unwrap()
    }

    fn statement() -> Statement {
        Statement::new(
            "13".parse().unwrap(),
            "0123456789abcdef".parse().unwrap(),
            Sha256Digest::from_bytes([7; 32]),
            now(),
        )
    }

    fn read(text: &str, at: Timestamp) -> Result<Statement, OnlineFault> {
        Statement::read(text.as_bytes(), "13".parse().unwrap(), at)
    }

    #[test]
    fn a_statement_is_one_line_that_people_can_read() {
        let bytes = statement().to_bytes();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(
            r#"{"purpose":"jitsuin-online-revocation-v1","prefecture":"13","serial":"0123456789abcdef","ground":"article9""#
        ), "{text}");
        assert_eq!(read(&text, now()), Ok(statement()));
    }

    #[test]
    fn only_this_purpose_place_ground_and_time_are_taken() {
        let text = String::from_utf8(statement().to_bytes()).unwrap();
        for (from, to, fault) in [
            (PURPOSE, "jitsuin-other-v1", OnlineFault::Unreadable),
            ("\"13\"", "\"14\"", OnlineFault::Prefecture),
            ("article9", "article12", OnlineFault::Ground),
            ("article9", "article10-leak", OnlineFault::Ground),
            ("{", "{\"more\":1,", OnlineFault::Unreadable),
        ] {
            assert_eq!(read(&text.replacen(from, to, 1), now()), Err(fault), "{to}");
        }
        let at = |seconds| now() + SignedDuration::from_secs(seconds);
        assert!(read(&text, at(LIFE_S)).is_ok());
        assert_eq!(read(&text, at(LIFE_S + 1)), Err(OnlineFault::Time));
        assert!(read(&text, at(-AHEAD_S)).is_ok());
        assert_eq!(read(&text, at(-AHEAD_S - 1)), Err(OnlineFault::Time));
        assert_eq!(
            read(&"x".repeat(LONGEST + 1), now()),
            Err(OnlineFault::Unreadable)
        );
    }
}
