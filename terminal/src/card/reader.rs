//! The reader as a port, and the card as it is held for a short while.

use pki_core::card_channel::{Command, Response};
use zeroize::{Zeroize, Zeroizing};

use super::CardFault;

/// Whether a card lies in a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// No card.
    Empty,
    /// A card, which may be any card.
    Card,
}

/// A card reader. Implementations are called from several threads.
pub trait Reader: Send + Sync {
    /// The reader's configured name, for messages.
    fn name(&self) -> String;

    /// Whether a card lies in the reader now. Does not disturb a card at work.
    ///
    /// # Errors
    /// [`CardFault::ServiceAway`] or [`CardFault::ReaderMissing`]; the next call may succeed.
    fn presence(&self) -> Result<Presence, CardFault>;

    /// Takes the card for this program alone, freshly selected by nobody. Waits a
    /// short while when another program holds it.
    ///
    /// # Errors
    /// [`CardFault::NoCard`], [`CardFault::Busy`], [`CardFault::Mute`] and those of
    /// [`presence`](Self::presence).
    fn connect(&self) -> Result<Box<dyn Connection>, CardFault>;
}

/// A card held by this program alone. Dropping it resets the card, so that nothing
/// verified or opened by us is left to the next program.
pub trait Connection: Send {
    /// Sends one command APDU and gives the whole answer.
    ///
    /// # Errors
    /// [`CardFault::Removed`] when the card was taken out, [`CardFault::Interrupted`]
    /// when it lost its session, [`CardFault::ServiceAway`], [`CardFault::Mute`].
    /// After an error the connection is of no more use.
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardFault>;
}

/// A connection with the few things that every application on a card has in common.
pub struct Card<'a>(pub &'a mut dyn Connection);

impl Card<'_> {
    /// Sends a command, erasing its bytes afterwards.
    ///
    /// # Errors
    /// Those of [`Connection::transmit`].
    pub fn send(&mut self, command: &Command) -> Result<Response, CardFault> {
        let bytes = Zeroizing::new(command.to_bytes());
        let answer = self.0.transmit(&bytes)?;
        Response::parse(&answer).ok_or(CardFault::Form("an answer without a status word"))
    }

    /// Sends a command and expects `9000`.
    ///
    /// # Errors
    /// Those of [`Connection::transmit`], and what the status word stands for.
    pub fn expect(&mut self, command: &Command) -> Result<Vec<u8>, CardFault> {
        let mut response = self.send(command)?;
        if !response.is_ok() {
            return Err(CardFault::from_status(response.sw));
        }
        Ok(std::mem::take(&mut response.data))
    }

    /// SELECT by AID. P2 is `0C` for the JPKI application (no file information) and
    /// `00` elsewhere.
    ///
    /// # Errors
    /// [`CardFault::Foreign`] when the card has no such application.
    pub fn select(&mut self, aid: &[u8], p2: u8) -> Result<(), CardFault> {
        let mut select = Command::new(0x00, 0xA4, 0x04, p2).with_data(aid);
        if p2 == 0 {
            select = select.with_le(256);
        }
        let response = self.send(&select)?;
        match response.sw {
            0x9000 => Ok(()),
            0x6A82 | 0x6A81 | 0x6D00 | 0x6E00 | 0x6999 => Err(CardFault::Foreign),
            sw => Err(CardFault::Refused(sw)),
        }
    }

    /// VERIFY with a secret; the command's bytes are erased.
    ///
    /// # Errors
    /// [`CardFault::WrongPassword`] with the tries left, [`CardFault::Blocked`].
    pub fn verify(&mut self, p2: u8, secret: &[u8]) -> Result<(), CardFault> {
        let verify = Command::new(0x00, 0x20, 0x00, p2).with_data(secret);
        self.expect(&verify).map(|mut data| data.zeroize())
    }

    /// Tries left (empty VERIFY); 0 = blocked.
    ///
    /// # Errors
    /// [`CardFault::Form`] when the card does not answer with `63Cx`.
    pub fn tries(&mut self, p2: u8) -> Result<u8, CardFault> {
        match self.send(&Command::new(0x00, 0x20, 0x00, p2))?.sw {
            sw @ 0x63C0..=0x63CF => Ok((sw & 0x0F) as u8),
            0x6983 | 0x6984 => Ok(0),
            _ => Err(CardFault::Form("the retry counter")),
        }
    }
}

/// Holds the card of a reader for as long as `work` runs.
///
/// # Errors
/// Those of [`Reader::connect`] and of `work`.
pub fn with_card<T, E: From<CardFault>>(
    reader: &dyn Reader,
    work: impl FnOnce(&mut Card<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut connection = reader.connect()?;
    work(&mut Card(connection.as_mut()))
}
