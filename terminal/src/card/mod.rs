//! IC cards at the window and at the kiosk: the reader as a port, PC/SC behind it,
//! and what the programs do with a card (`docs/card-interface.md`).

pub mod fault;
pub mod jpki;
pub mod operator;
pub mod pcsc;
pub mod personalise;
pub mod reader;

pub use fault::CardFault;
pub use reader::{Card, Connection, Presence, Reader};
