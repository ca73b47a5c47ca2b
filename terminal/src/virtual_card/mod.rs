//! An IC card in software (`docs/card-interface.md`), for tests and
//! demonstrations: the resident's card with the JPKI and the personalisation
//! application, and the operator's card.
//!
//! [`Card`] is a value: command APDU in, response APDU out, its non-volatile
//! memory behind [`Memory`]. [`vpcd`] puts it into a reader of a real `pcscd`.
//!
//! It shares no cryptographic and no TLV code with the programs that talk to
//! it, and uses other libraries: both sides are checked by published vectors
//! and not by each other. Its keys lie in a file; it protects nobody's
//! identity.

mod apdu;
mod blocks;
mod card;
mod chip;
mod cipher;
pub mod control;
mod der;
pub mod factory;
mod image;
mod jpki;
mod memory;
mod operator;
mod password;
mod personalisation;
pub mod readers;
mod request;
mod rsa_key;
mod scp03;
mod secret;
mod slot;
mod visit;
pub mod vpcd;

pub use card::{ATR, Card, CardStatus, blank_resident, factory_image};
pub use chip::StartFault;
pub use image::{CardState, Id, Image, OperatorImage, ResidentImage};
pub use memory::{FileMemory, Memory, SharedMemory};
pub use operator::{CertificateFault, OperatorFault};
pub use secret::{AesKey, KeySet, Secret};
pub use slot::Slot;
