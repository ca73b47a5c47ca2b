//! What can go wrong between a program and a card, told apart by what a person can
//! do about it.

use thiserror::Error;

/// A card operation that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CardFault {
    /// The smart-card service (pcscd) is away; it is asked again after a pause.
    #[error("the smart-card service does not answer")]
    ServiceAway,
    /// No connected reader has the configured name.
    #[error("no card reader is called {0:?}")]
    ReaderMissing(String),
    /// There is no card in the reader.
    #[error("there is no card in the reader")]
    NoCard,
    /// The card was taken out while it was being worked with.
    #[error("the card was taken out")]
    Removed,
    /// The card was reset by another program, or lost its session otherwise.
    #[error("the card was reset by another program")]
    Interrupted,
    /// Another program holds the card.
    #[error("another program is using the card")]
    Busy,
    /// The card does not answer, or not in a way that can be read: worn, upside down, broken.
    #[error("the card does not answer properly")]
    Mute,
    /// The card has no such application: another kind of card.
    #[error("this is not a card of this service")]
    Foreign,
    /// The password or PIN is wrong; so many tries are left.
    #[error("the password is wrong; {0} tries are left")]
    WrongPassword(u8),
    /// The password or PIN is blocked after too many wrong tries.
    #[error("the password is blocked")]
    Blocked,
    /// The card refused a command.
    #[error("the card refused a command ({0:04X})")]
    Refused(u16),
    /// What the card answered does not have the documented form.
    #[error("the card answered something unexpected: {0}")]
    Form(&'static str),
}

impl CardFault {
    /// The fault that an unexpected status word stands for.
    pub fn from_status(sw: u16) -> Self {
        match sw {
            0x63C0 | 0x6983 | 0x6984 => Self::Blocked,
            0x63C1..=0x63CF => Self::WrongPassword((sw & 0x0F) as u8),
            _ => Self::Refused(sw),
        }
    }

    /// Whether the card is no longer in the reader.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::NoCard | Self::Removed)
    }
}
