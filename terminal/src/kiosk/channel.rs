//! The kiosk's secure channel to the card (§3.2): one connection, one channel, its
//! commands by name. Dropping it resets the card, and an unfinished visit with it.

use pki_core::card_channel::{
    BLOCK, ChannelFault, Command, KEY_VERSION_VISIT, KeySet, Scp03Channel, Scp03Host,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::card::personalise::Personalisation;
use crate::card::{Card, CardFault, Connection, Reader};

/// Why a command of the visit failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VisitChannelFault {
    /// The card or its reader.
    #[error("the card")]
    Card(#[from] CardFault),
    /// The channel: not genuine, or a command was refused.
    #[error("the secure channel")]
    Channel(#[from] ChannelFault),
    /// No random challenge could be drawn.
    #[error("the random source failed")]
    Random,
}

/// An open channel under the visit keys.
pub struct VisitChannel {
    connection: Box<dyn Connection>,
    channel: Scp03Channel,
}

impl VisitChannel {
    /// Takes the card, selects the application and opens the channel: afterwards each
    /// side knows that the other is genuine.
    ///
    /// # Errors
    /// [`VisitChannelFault`].
    pub fn open(reader: &dyn Reader, keys: &KeySet) -> Result<Self, VisitChannelFault> {
        let mut connection = reader.connect()?;
        let mut card = Card(connection.as_mut());
        Personalisation::select(&mut card)?;
        let mut challenge = [0; 8];
        getrandom::fill(&mut challenge).map_err(|_| VisitChannelFault::Random)?;
        let (host, command) = Scp03Host::begin(KEY_VERSION_VISIT, keys, challenge);
        let answer = connection.transmit(&command)?;
        let (opening, command) = host.answer(&answer)?;
        let answer = connection.transmit(&command)?;
        let channel = opening.confirm(&answer)?;
        Ok(Self {
            connection,
            channel,
        })
    }

    /// Sends one command through the channel.
    ///
    /// # Errors
    /// [`ChannelFault::Status`] with what the card refused it with, or worse.
    pub fn send(&mut self, command: &Command) -> Result<Zeroizing<Vec<u8>>, VisitChannelFault> {
        let wrapped = self.channel.wrap(command)?;
        let answer = self.connection.transmit(&wrapped)?;
        Ok(self.channel.unwrap(&answer)?)
    }

    /// PUT DATA of something short: `80 DA <what> 00`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn put(&mut self, what: u8, data: &[u8]) -> Result<(), VisitChannelFault> {
        self.send(&Command::new(0x80, 0xDA, what, 0x00).with_data(data))
            .map(drop)
    }

    /// PUT DATA in blocks, `what` with bit 8 set on the last; `before` each block may
    /// stop it.
    ///
    /// # Errors
    /// As [`send`](Self::send), or what `before` gives.
    pub fn put_blocks<E: From<VisitChannelFault>>(
        &mut self,
        what: u8,
        data: &[u8],
        mut before: impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let blocks: Vec<&[u8]> = data.chunks(BLOCK).collect();
        for (number, block) in blocks.iter().enumerate() {
            before(number, blocks.len())?;
            let last = number + 1 == blocks.len();
            let p1 = if last { what | 0x80 } else { what };
            self.send(&Command::new(0x80, 0xDA, p1, number as u8).with_data(block))?;
        }
        Ok(())
    }

    /// MAKE REQUEST: the card signs its PKCS#10 request and answers its SHA-256.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn make_request(&mut self) -> Result<Zeroizing<Vec<u8>>, VisitChannelFault> {
        self.send(&Command::new(0x80, 0x46, 0x00, 0x00).with_le(256))
    }

    /// The request as the card holds it (free data, read in the clear beside the channel).
    ///
    /// # Errors
    /// Card errors.
    pub fn read_request(&mut self) -> Result<Vec<u8>, VisitChannelFault> {
        let get = Command::new(0x80, 0xCA, 0x00, 0x03).with_le(65_536);
        Ok(Card(self.connection.as_mut()).expect(&get)?)
    }

    /// FINISH: the new key takes its place, the visit keys are erased.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn finish(&mut self) -> Result<(), VisitChannelFault> {
        self.send(&Command::new(0x80, 0x47, 0x00, 0x00)).map(drop)
    }

    /// ABANDON: the visit keys and whatever this visit stored are erased.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn abandon(&mut self) -> Result<(), VisitChannelFault> {
        self.send(&Command::new(0x80, 0x4E, 0x00, 0x00)).map(drop)
    }
}
