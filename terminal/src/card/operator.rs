//! The operator's card (§5): who works at the window, proven by a key that signs
//! only while the card lies in the reader and its PIN was given.
//!
//! The connection is held from sign-in to sign-out: the PIN is given once and kept
//! nowhere, the card itself remembers that it was right. Pulling the card ends that.

use pki_core::card_channel::{Command, OPERATOR_AID};
use zeroize::Zeroizing;

use super::{Card, CardFault, Connection, Reader};
use crate::hash::sha256;

/// An operator's card with its PIN presented.
pub struct OperatorCard {
    connection: Box<dyn Connection>,
    operator: String,
}

impl OperatorCard {
    /// Takes the card in the reader and presents the PIN.
    ///
    /// # Errors
    /// [`CardFault::WrongPassword`] with the tries left, [`CardFault::Blocked`],
    /// [`CardFault::Foreign`], card errors.
    pub fn open(reader: &dyn Reader, pin: &Zeroizing<String>) -> Result<Self, CardFault> {
        let mut connection = reader.connect()?;
        let mut card = Card(connection.as_mut());
        card.select(&OPERATOR_AID, 0x00)?;
        card.verify(0x80, pin.as_bytes())?;
        let id = card.expect(&Command::new(0x80, 0xCA, 0x00, 0x10).with_le(256))?;
        let operator = String::from_utf8(id)
            .ok()
            .filter(|id| !id.is_empty() && id.len() <= 16)
            .ok_or(CardFault::Form("the operator id"))?;
        Ok(Self {
            connection,
            operator,
        })
    }

    /// The operator id on the card.
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// Signs `context || message` (ECDSA P-256/SHA-256, DER).
    ///
    /// # Errors
    /// Card errors; after any of them the operator has to sign in again.
    pub fn sign(&mut self, context: &[u8], message: &[u8]) -> Result<Vec<u8>, CardFault> {
        let digest = sha256(&[context, message]);
        Card(self.connection.as_mut()).expect(
            &Command::new(0x80, 0x88, 0x00, 0x00)
                .with_data(&digest)
                .with_le(256),
        )
    }

    /// The card's request for a certificate (PKCS#10, DER), signed by its key (§5).
    ///
    /// # Errors
    /// Card errors.
    pub fn request(&mut self) -> Result<Vec<u8>, CardFault> {
        Card(self.connection.as_mut()).expect(&Command::new(0x80, 0x46, 0x00, 0x10).with_le(65_536))
    }

    /// Whether the card still lies in the reader with its session alive.
    ///
    /// # Errors
    /// Card errors: the operator has to sign in again.
    pub fn check(&mut self) -> Result<(), CardFault> {
        let mut card = Card(self.connection.as_mut());
        card.expect(&Command::new(0x80, 0xCA, 0x00, 0x10).with_le(256))
            .map(drop)
    }
}

/// The operator id on the card in a reader, without a PIN; `None` for another card.
///
/// # Errors
/// Card errors.
pub fn read_operator(reader: &dyn Reader) -> Result<Option<String>, CardFault> {
    let mut connection = reader.connect()?;
    let mut card = Card(connection.as_mut());
    match card.select(&OPERATOR_AID, 0x00) {
        Err(CardFault::Foreign) => return Ok(None),
        other => other?,
    }
    let id = card.expect(&Command::new(0x80, 0xCA, 0x00, 0x10).with_le(256))?;
    Ok(String::from_utf8(id).ok())
}
