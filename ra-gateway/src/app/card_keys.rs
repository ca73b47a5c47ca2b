//! Keys of cards and visits, derived from masters in the gateway's token.

use pki_core::{
    application::certificate_kind::CertificateKind,
    card_channel::{
        Command, KeySet, kdf,
        wrap::{kw_wrap, kwp_wrap},
    },
    id::{CardId, KioskId, VisitId},
};

use super::refusal::Failure;
use crate::port::{MasterFault, Masters};

/// Label of the master of all card keys.
pub const CARD_MASTER: &str = "card-master";

/// Label of a kiosk's master.
#[must_use]
pub fn kiosk_master(kiosk: &KioskId) -> String {
    format!("kiosk-master-{kiosk}")
}

/// A card's key set.
pub fn of_card(masters: &dyn Masters, card: &CardId) -> Result<KeySet, MasterFault> {
    kdf::card_keys(
        |message| masters.cmac(CARD_MASTER, message),
        card.as_bytes(),
    )
}

/// PUT KEY that opens a visit for one of the card's keys (docs/card-interface.md §3.1): the visit keys wrapped under
/// the card's K-DEK, with their check values.
pub fn put_key(
    masters: &dyn Masters,
    card_keys: &KeySet,
    (card, kind): (&CardId, CertificateKind),
    visit: &VisitId,
    kiosk: &KioskId,
) -> Result<Command, Failure> {
    let label = kiosk_master(kiosk);
    let kiosk_bytes: &[u8; 9] = kiosk
        .as_str()
        .as_bytes()
        .try_into()
        .expect("a kiosk id has nine ASCII characters");
    let keys = kdf::visit_keys(
        |message| masters.cmac(&label, message),
        kiosk_bytes,
        card.as_bytes(),
        visit.as_bytes(),
    )?;
    let mut data = Vec::with_capacity(25 + 72 + 9);
    data.extend_from_slice(visit.as_bytes());
    data.extend_from_slice(kiosk_bytes);
    for key in [&keys.enc, &keys.mac, &keys.dek] {
        let wrapped = kw_wrap(&card_keys.dek, key.expose())
            .expect("AES-KW wraps every 16 bytes, and so long is a key");
        data.extend_from_slice(&wrapped);
    }
    for key in [&keys.enc, &keys.mac, &keys.dek] {
        data.extend_from_slice(&key.check_value());
    }
    Ok(Command::new(0x80, 0xD8, 0x30, kind.card_slot()).with_data(&data))
}

/// RESET RETRY (§3.1): the password's tries are given back.
pub fn reset_retry(kind: CertificateKind) -> Command {
    Command::new(0x80, 0x2C, 0x00, kind.card_slot())
}

/// INITIALISE PASSWORD (§3.1): the password wrapped under the card's K-DEK.
pub fn initialise_password(card_keys: &KeySet, kind: CertificateKind, password: &str) -> Command {
    let wrapped = kwp_wrap(&card_keys.dek, password.as_bytes())
        .expect("AES-KWP takes every password that the card's rule allows");
    Command::new(0x80, 0x2C, 0x01, kind.card_slot()).with_data(&wrapped)
}

/// DELETE (§3.1): one key, its password, request and certificate are erased.
pub fn delete(kind: CertificateKind) -> Command {
    Command::new(0x80, 0xE4, 0x00, kind.card_slot())
}

/// STORE DATA blocks of a file (`1` and `2` certificate and CA certificate for signatures, `3`
/// and `4` for signing in).
pub fn store_data(file: u8, content: &[u8]) -> Vec<Command> {
    use pki_core::card_channel::BLOCK;

    let last = content.chunks(BLOCK).count().saturating_sub(1);
    content
        .chunks(BLOCK)
        .enumerate()
        .map(|(number, block)| {
            let p1 = if number == last { file | 0x80 } else { file };
            let number = u8::try_from(number)
                .expect("a certificate has at most 16 KiB, which are 82 blocks");
            Command::new(0x80, 0xE2, p1, number).with_data(block)
        })
        .collect()
}
