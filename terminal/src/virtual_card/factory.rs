//! What the factory and the enrolment desk do with a card's file: make it,
//! take the operator's request, put the operator's certificate on.

use std::path::Path;

use serde::Deserialize;

use super::apdu::Status;
use super::card::factory_image;
use super::chip::StartFault;
use super::image::{Id, Image, OperatorImage, ResidentImage};
use super::memory::{FileMemory, Memory};
use super::operator::CertificateFault;
use super::secret::{AesKey, KeySet};

/// The card keys as the gateway exports them for one card (card interface §3).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardKeyFile {
    /// The card they are for.
    pub card: Id,
    enc: AesKey,
    mac: AesKey,
    dek: AesKey,
}

/// Why the factory could not do it.
#[derive(Debug, thiserror::Error)]
pub enum FactoryFault {
    /// The state file cannot be read or written.
    #[error("the card's file cannot be used")]
    Memory(#[from] std::io::Error),
    /// Not a card's file.
    #[error("the card's file cannot be used")]
    Image(#[from] StartFault),
    /// Give the operator's card's file.
    #[error("this is not an operator's card")]
    NotAnOperatorCard,
    /// The key in the file does not work; make a new card.
    #[error("the card's key does not work")]
    Key,
    /// The certificate does not fit.
    #[error("the certificate was not put on the card")]
    Certificate(#[from] CertificateFault),
}

/// Makes a blank resident's card with its card keys.
///
/// # Errors
/// The file exists or cannot be written.
pub fn make_resident(path: &Path, keys: CardKeyFile) -> Result<(), FactoryFault> {
    let keys_of_card = KeySet {
        enc: keys.enc,
        mac: keys.mac,
        dek: keys.dek,
    };
    create(
        path,
        Image::Resident(Box::new(ResidentImage::blank(keys.card, keys_of_card))),
    )
}

/// Makes an operator's card; its key is made here.
///
/// # Errors
/// The file exists or cannot be written.
pub fn make_operator(path: &Path, image: OperatorImage) -> Result<(), FactoryFault> {
    create(path, Image::Operator(Box::new(image)))
}

/// The operator's card's request, DER.
///
/// # Errors
/// Another kind of card, or its file cannot be used.
pub fn operator_request(path: &Path) -> Result<Vec<u8>, FactoryFault> {
    let (_, image) = open_operator(path)?;
    image.request().map_err(|_: Status| FactoryFault::Key)
}

/// Puts the operator's certificate (DER) on the card.
///
/// # Errors
/// Another key's certificate, another kind of card, or its file cannot be used.
pub fn put_operator_certificate(path: &Path, certificate: &[u8]) -> Result<(), FactoryFault> {
    let (mut memory, mut image) = open_operator(path)?;
    image.check_certificate(certificate)?;
    image.certificate = Some(certificate.to_vec());
    let bytes = factory_image(&Image::Operator(Box::new(image))).map_err(StartFault::from)?;
    Ok(memory.write(&bytes)?)
}

fn create(path: &Path, image: Image) -> Result<(), FactoryFault> {
    let bytes = factory_image(&image).map_err(StartFault::from)?;
    FileMemory::create(path, &bytes)?;
    Ok(())
}

fn open_operator(path: &Path) -> Result<(FileMemory, OperatorImage), FactoryFault> {
    let mut memory = FileMemory::open(path)?;
    match serde_json::from_slice(&memory.read()?).map_err(StartFault::from)? {
        Image::Operator(image) => Ok((memory, *image)),
        Image::Resident(_) => Err(FactoryFault::NotAnOperatorCard),
    }
}
