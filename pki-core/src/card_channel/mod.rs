//! The host's side of the secure channels to a card (`docs/card-interface.md` §3).
//!
//! No IO: each step hands out the command bytes for the card and takes the bytes
//! that the card answered. The gateway speaks key version `20` through a terminal
//! that relays opaque APDUs; the kiosk speaks key version `30` to a card in its own
//! reader.
//!
//! ```text
//! let (host, initialize_update) = Scp03Host::begin(KEY_VERSION_CARD, &keys, challenge);
//! let (opening, external_authenticate) = host.answer(&response)?;   // the card is genuine
//! let mut channel = opening.confirm(&response)?;                    // the card accepted us
//! let command = channel.wrap(&Command::new(0x80, 0x2C, 0, 0))?;
//! let data = channel.unwrap(&response)?;
//! ```

pub mod apdu;
pub mod kdf;
pub mod key;
pub mod scp03;
pub mod wrap;

pub use apdu::{Command, Response};
pub use key::{Key128, KeySet};
pub use scp03::{ChannelFault, Opening, Scp03Channel, Scp03Host};

/// Key version of the card key set, held by the gateway's token (§3.1).
pub const KEY_VERSION_CARD: u8 = 0x20;
/// Key version of the visit key set, held by the kiosk of the visit (§3.2).
pub const KEY_VERSION_VISIT: u8 = 0x30;
/// AID of the personalisation application (窓口発行AP), §1.
pub const PERSONALISATION_AID: [u8; 9] = [0xF0, 0x4A, 0x49, 0x54, 0x53, 0x55, 0x49, 0x4E, 0x01];
/// AID of the operator card's application, §5.
pub const OPERATOR_AID: [u8; 9] = [0xF0, 0x4A, 0x49, 0x54, 0x53, 0x55, 0x49, 0x4E, 0x02];
/// AID of the JPKI application (公的個人認証AP), §1.
pub const JPKI_AID: [u8; 10] = [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
/// Largest block of a file that goes to the card in one command, in bytes (§3.1, §3.2).
pub const BLOCK: usize = 200;
