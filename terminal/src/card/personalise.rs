//! The personalisation application (窓口発行AP): its free data (§2), and the relay of
//! the gateway's opaque commands (§3.1), of which the terminal understands nothing.

use pki_core::application::certificate_kind::CertificateKind;
use pki_core::card_channel::{Command, PERSONALISATION_AID};

use super::{Card, CardFault};

/// What a card is ready for (§2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardState {
    /// No visit, no key.
    Blank,
    /// Visit keys are set: ready for the kiosk.
    Prepared,
    /// Private key, password and request are on the card.
    KeyStored,
    /// The certificate is on the card.
    Certified,
    /// The card is out of use.
    Terminated,
}

impl CardState {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x00 => Self::Blank,
            0x01 => Self::Prepared,
            0x02 => Self::KeyStored,
            0x03 => Self::Certified,
            0x04 => Self::Terminated,
            _ => return None,
        })
    }
}

/// The card record, free data `01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardRecord {
    /// Card id.
    pub card: [u8; 16],
    /// What the card is ready for.
    pub state: CardState,
    /// How many keys the card has had.
    pub key_generation: u8,
}

/// The visit record, free data `02`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitRecord {
    /// Visit id.
    pub visit: [u8; 16],
    /// The kiosk that the visit is for.
    pub kiosk: String,
    /// Which of the card's keys is made in it.
    pub kind: CertificateKind,
}

/// The selected personalisation application of a card.
pub struct Personalisation<'c, 'a>(&'c mut Card<'a>);

impl<'c, 'a> Personalisation<'c, 'a> {
    /// Selects the application.
    ///
    /// # Errors
    /// [`CardFault::Foreign`] for a card without it.
    pub fn select(card: &'c mut Card<'a>) -> Result<Self, CardFault> {
        card.select(&PERSONALISATION_AID, 0x00)?;
        Ok(Self(card))
    }

    /// The card record.
    ///
    /// # Errors
    /// Card errors; [`CardFault::Form`].
    pub fn card_record(&mut self) -> Result<CardRecord, CardFault> {
        let data = self.get(0x01)?.ok_or(CardFault::Form("no card record"))?;
        let bytes: [u8; 18] = data[..]
            .try_into()
            .map_err(|_| CardFault::Form("the card record"))?;
        Ok(CardRecord {
            card: std::array::from_fn(|i| bytes[i]),
            state: CardState::from_byte(bytes[16]).ok_or(CardFault::Form("the card's state"))?,
            key_generation: bytes[17],
        })
    }

    /// The visit record; `None` when no visit is open.
    ///
    /// # Errors
    /// Card errors; [`CardFault::Form`].
    pub fn visit_record(&mut self) -> Result<Option<VisitRecord>, CardFault> {
        let Some(data) = self.get(0x02)? else {
            return Ok(None);
        };
        let bytes: [u8; 25] = data[..]
            .try_into()
            .map_err(|_| CardFault::Form("the visit record"))?;
        let kiosk = std::str::from_utf8(&bytes[16..])
            .map_err(|_| CardFault::Form("the kiosk of the visit"))?;
        let kiosk = kiosk.to_owned();
        // A card with one key says nothing of it.
        let kind = match self.get(0x05)?.as_deref() {
            None => CertificateKind::Signature,
            Some([slot]) => CertificateKind::of_card_slot(*slot)
                .ok_or(CardFault::Form("the key of the visit"))?,
            Some(_) => return Err(CardFault::Form("the key of the visit")),
        };
        Ok(Some(VisitRecord {
            visit: std::array::from_fn(|i| bytes[i]),
            kiosk,
            kind,
        }))
    }

    /// The PKCS#10 request made by the card, DER; `None` when there is none.
    ///
    /// # Errors
    /// Card errors.
    pub fn request(&mut self) -> Result<Option<Vec<u8>>, CardFault> {
        self.get(0x03)
    }

    /// The kiosk's signed record (§4), as stored; `None` when there is none.
    ///
    /// # Errors
    /// Card errors.
    pub fn kiosk_record(&mut self) -> Result<Option<Vec<u8>>, CardFault> {
        self.get(0x04)
    }

    fn get(&mut self, number: u8) -> Result<Option<Vec<u8>>, CardFault> {
        let le = if matches!(number, 0x03 | 0x04) {
            65_536
        } else {
            256
        };
        let get = Command::new(0x80, 0xCA, 0x00, number).with_le(le);
        let response = self.0.send(&get)?;
        match response.sw {
            0x9000 => Ok(Some(response.data.clone())),
            0x6A88 => Ok(None),
            sw => Err(CardFault::from_status(sw)),
        }
    }
}

/// Sends the gateway's commands to the card, in order, up to the first that is not
/// answered with `9000`; its answer is the last one given back. The gateway decides
/// what follows.
///
/// # Errors
/// Card errors of the connection; what the card refuses is the gateway's business.
pub fn relay(card: &mut Card<'_>, commands: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, CardFault> {
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        let answer = card.0.transmit(command)?.to_vec();
        let ok = answer.ends_with(&[0x90, 0x00]);
        answers.push(answer);
        if !ok {
            break;
        }
    }
    Ok(answers)
}
