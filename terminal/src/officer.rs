//! An officer of the authority signs what the console shows with a card: the same application
//! as on a clerk's card, with an officer's id and certificate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pki_core::certificate::pem;
use pki_core::officer::{Statement, message};
use zeroize::Zeroizing;

use crate::card::operator::OperatorCard;
use crate::card::{CardFault, Reader};

/// Longest statement that is signed, in bytes.
pub const LONGEST: u64 = 16 * 1024;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum OfficerFault {
    #[error("this is no statement of the console")]
    Statement(#[source] Option<serde_json::Error>),
    #[error("the PIN has 6 to 12 digits")]
    Pin,
    #[error(
        "the card is {card}'s and the statement {officer}'s: sign in at the console with your own certificate"
    )]
    OtherOfficer { card: String, officer: String },
    #[error("the card")]
    Card(#[from] CardFault),
}

fn opened(reader: &dyn Reader, pin: &Zeroizing<String>) -> Result<OperatorCard, OfficerFault> {
    // What is no PIN is not tried: the card counts tries.
    if !(6..=12).contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
        return Err(OfficerFault::Pin);
    }
    Ok(OperatorCard::open(reader, pin)?)
}

/// What a file from the console says.
///
/// # Errors
/// [`OfficerFault::Statement`] when it is anything else, byte for byte.
pub fn read(bytes: &[u8]) -> Result<Statement, OfficerFault> {
    // A statement that went through an editor may end with a line's end.
    let bytes = bytes.trim_ascii_end();
    let said: Statement =
        serde_json::from_slice(bytes).map_err(|error| OfficerFault::Statement(Some(error)))?;
    if said.version != 1 || said.to_payload() != bytes {
        return Err(OfficerFault::Statement(None));
    }
    Ok(said)
}

/// The signature for the console's form (base64), by the card of the officer whom the
/// statement names.
///
/// # Errors
/// [`OfficerFault`]: nothing was signed. A wrong PIN says how many tries are left.
pub fn sign(
    reader: &dyn Reader,
    pin: &Zeroizing<String>,
    statement: &Statement,
) -> Result<String, OfficerFault> {
    let mut card = opened(reader, pin)?;
    if card.operator() != statement.officer.as_str() {
        return Err(OfficerFault::OtherOfficer {
            card: card.operator().to_owned(),
            officer: statement.officer.to_string(),
        });
    }
    let signature = card.sign(&message(&statement.to_payload()), &[])?;
    Ok(STANDARD.encode(signature))
}

/// The card's request for a certificate (PKCS#10, PEM), and the id on it.
///
/// # Errors
/// [`OfficerFault`]
pub fn request(
    reader: &dyn Reader,
    pin: &Zeroizing<String>,
) -> Result<(String, String), OfficerFault> {
    let mut card = opened(reader, pin)?;
    let request = card.request()?;
    Ok((
        card.operator().to_owned(),
        pem::encode(pem::REQUEST, &request),
    ))
}
