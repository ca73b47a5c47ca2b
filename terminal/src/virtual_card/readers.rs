//! The readers a card can be put into, and the one it is in.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::card::CardStatus;
use super::vpcd::{Insertion, SharedCard};

/// How long an insertion waits for the reader to take the card.
const TAKE_UP: Duration = Duration::from_secs(3);

/// A reader slot: `NAME=ADDRESS:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// What the control calls it: letters, digits, `-`, `_`.
    pub name: String,
    /// Where its `vpcd` slot listens; loopback only.
    pub address: SocketAddr,
}

impl FromStr for Reader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, address) = text.split_once('=').ok_or("expected NAME=127.0.0.1:PORT")?;
        let known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(known) {
            return Err("a reader's name has letters, digits, - and _".into());
        }
        let address: SocketAddr = address
            .parse()
            .map_err(|_| format!("{address:?} is not an address and port"))?;
        if !address.ip().is_loopback() {
            return Err(
                "a reader's address must be on loopback: the connection is not protected".into(),
            );
        }
        Ok(Reader {
            name: name.to_owned(),
            address,
        })
    }
}

/// There is no reader of that name.
#[derive(Debug, thiserror::Error)]
pub enum InsertFault {
    /// Choose one of the names given at the start.
    #[error("there is no such reader")]
    NoSuchReader,
    /// No thread for it.
    #[error("the card could not be put into the reader")]
    Start(#[from] std::io::Error),
}

/// One card and its readers.
pub struct Readers {
    card: SharedCard,
    readers: Vec<Reader>,
    inserted: Mutex<Option<(String, Insertion)>>,
}

/// What the control says; no secrets.
#[derive(Serialize)]
pub struct Position {
    card: CardStatus,
    inserted: Option<String>,
    connected: bool,
    readers: Vec<String>,
}

impl Readers {
    /// A card outside of all its readers.
    pub fn new(card: SharedCard, readers: Vec<Reader>) -> Readers {
        Readers {
            card,
            readers,
            inserted: Mutex::new(None),
        }
    }

    /// Puts the card into a reader, out of any other, and waits up to 3 s for the reader to take it.
    ///
    /// # Errors
    /// No such reader; the card stays where it is.
    pub fn insert(&self, name: &str) -> Result<(), InsertFault> {
        let reader = self
            .readers
            .iter()
            .find(|reader| reader.name == name)
            .ok_or(InsertFault::NoSuchReader)?;
        let mut inserted = self.inserted();
        // Out of the old one first: there is one card.
        *inserted = None;
        let insertion = Insertion::start(self.card.clone(), reader.address)?;
        insertion.wait_connected(TAKE_UP);
        *inserted = Some((name.to_owned(), insertion));
        Ok(())
    }

    /// Takes the card out of whatever reader it is in.
    pub fn remove(&self) {
        *self.inserted() = None;
    }

    /// Where the card is and how it stands.
    pub fn position(&self) -> Position {
        let inserted = self.inserted();
        Position {
            card: self
                .card
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .status(),
            inserted: inserted.as_ref().map(|(name, _)| name.clone()),
            connected: inserted
                .as_ref()
                .is_some_and(|(_, insertion)| insertion.is_connected()),
            readers: self
                .readers
                .iter()
                .map(|reader| reader.name.clone())
                .collect(),
        }
    }

    fn inserted(&self) -> MutexGuard<'_, Option<(String, Insertion)>> {
        self.inserted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_named_and_on_loopback() {
        assert_eq!(
            "counter=127.0.0.1:21930".parse::<Reader>().map(|r| r.name),
            Ok("counter".into())
        );
        for bad in [
            "counter",
            "=127.0.0.1:1",
            "a b=127.0.0.1:1",
            "counter=192.0.2.1:1",
            "counter=127.0.0.1",
        ] {
            assert!(bad.parse::<Reader>().is_err(), "{bad}");
        }
    }
}
