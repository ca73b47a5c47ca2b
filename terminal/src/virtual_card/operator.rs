//! The operator's card (操作者カード): a P-256 key behind a PIN.

use p256::ecdsa::SigningKey;
use rand_core::OsRng;
use thiserror::Error;

use super::apdu::{Answer, Command, Outcome, Status};
use super::chip::Chip;
use super::der;
use super::image::OperatorImage;
use super::jpki::present;
use super::password::{Password, is_operator_pin};
use super::request;
use super::secret::Secret;

/// AID of the application: `F0` `JITSUIN` `02`.
pub const AID: &[u8] = b"\xF0JITSUIN\x02";

const MAX_CERTIFICATE: usize = 4_096;

/// Why no operator's card can be made of this.
#[derive(Debug, Error)]
pub enum OperatorFault {
    /// 4–16 characters `[0-9A-Z-]`.
    #[error("an operator id has 4 to 16 characters of 0-9, A-Z and -")]
    Operator,
    /// 6–12 digits.
    #[error("an operator's PIN has 6 to 12 digits")]
    Pin,
}

/// Why a certificate does not go onto an operator's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateFault {
    /// Get the certificate for the request this card made.
    #[error("the certificate is not for this card's key")]
    OtherKey,
    /// Not DER, or not a certificate, or more than 4,096 bytes.
    #[error("this is not a certificate, or it is longer than 4,096 bytes")]
    NotACertificate,
}

impl OperatorImage {
    /// A new card with a key of its own.
    ///
    /// # Errors
    /// Operator id or PIN against the rules.
    pub fn new(operator: &str, pin: &[u8]) -> Result<OperatorImage, OperatorFault> {
        let known = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'-';
        if !(4..=16).contains(&operator.len()) || !operator.bytes().all(known) {
            return Err(OperatorFault::Operator);
        }
        if !is_operator_pin(pin) {
            return Err(OperatorFault::Pin);
        }
        let key = SigningKey::random(&mut OsRng);
        Ok(OperatorImage {
            operator: operator.to_owned(),
            key: Secret::new(&key.to_bytes()),
            pin: Password::new(Secret::new(pin)),
            certificate: None,
        })
    }

    fn signing_key(&self) -> Result<SigningKey, Status> {
        SigningKey::from_slice(self.key.expose()).map_err(|_| Status::INTERNAL_FAULT)
    }

    /// The PKCS#10 request for the card's key.
    ///
    /// # Errors
    /// `6F00` when the key in the image does not work.
    pub fn request(&self) -> Result<Vec<u8>, Status> {
        request::operator(&self.signing_key()?, &self.operator)
    }

    /// Checks that a certificate is for the card's key.
    ///
    /// # Errors
    /// Another key's, or not a certificate.
    pub fn check_certificate(&self, certificate: &[u8]) -> Result<(), CertificateFault> {
        let public_key = Some(certificate)
            .filter(|bytes| bytes.len() <= MAX_CERTIFICATE)
            .and_then(der::certificate_public_key)
            .ok_or(CertificateFault::NotACertificate)?;
        let own = self.signing_key().map_err(|_| CertificateFault::OtherKey)?;
        if request::p256_public_key(&own) == public_key {
            Ok(())
        } else {
            Err(CertificateFault::OtherKey)
        }
    }
}

/// What the application remembers until it is selected again.
#[derive(Default)]
pub struct OperatorApplication {
    verified: bool,
}

impl OperatorApplication {
    /// One command of the application.
    ///
    /// # Errors
    /// The status word of the refusal.
    pub fn process(&mut self, command: &Command<'_>, chip: &mut Chip<OperatorImage>) -> Outcome {
        match (command.cla, command.ins, command.p1, command.p2) {
            (0x00, 0x20, 0x00, 0x80) => self.verify(command, chip),
            (0x80, 0xCA, 0x00, 0x10) => command
                .without_data()
                .map(|()| Answer::data(chip.image().operator.as_bytes())),
            (0x80, 0xCA, 0x00, 0x11) => {
                command.without_data()?;
                chip.image()
                    .certificate
                    .clone()
                    .map(Answer::data)
                    .ok_or(Status::NO_SUCH_DATA)
            }
            (0x80, 0x88, 0x00, 0x00) => {
                let digest = command.data.try_into().map_err(|_| Status::WRONG_LENGTH)?;
                self.need_pin()?;
                request::p256_sign(&chip.image().signing_key()?, digest).map(Answer::data)
            }
            (0x80, 0x46, 0x00, 0x10) => {
                command.without_data()?;
                self.need_pin()?;
                chip.image().request().map(Answer::data)
            }
            (0x80, 0xDA, 0x00, 0x11) => {
                self.need_pin()?;
                chip.image()
                    .check_certificate(command.data)
                    .map_err(|_| Status::WRONG_DATA)?;
                chip.commit(|image| image.certificate = Some(command.data.to_vec()))?;
                Ok(Answer::ok())
            }
            (0x04 | 0x0C | 0x84 | 0x8C, ..) => Err(Status::NO_SECURE_MESSAGING),
            (0x80, 0xCA, ..) => Err(Status::NO_SUCH_DATA),
            (0x00, 0x20, ..) | (0x80, 0x88 | 0x46 | 0xDA, ..) => Err(Status::WRONG_PARAMETERS),
            _ => Err(Status::UNKNOWN_INSTRUCTION),
        }
    }

    fn verify(&mut self, command: &Command<'_>, chip: &mut Chip<OperatorImage>) -> Outcome {
        if command.data.is_empty() {
            return Err(Status::tries_left(chip.image().pin.tries_left()));
        }
        if command.data.len() > 12 {
            return Err(Status::WRONG_LENGTH);
        }
        self.verified = false;
        present(chip, |image| &mut image.pin, command.data, Status::BLOCKED)?;
        self.verified = true;
        Ok(Answer::ok())
    }

    fn need_pin(&self) -> Result<(), Status> {
        if self.verified {
            Ok(())
        } else {
            Err(Status::SECURITY_NOT_SATISFIED)
        }
    }
}
