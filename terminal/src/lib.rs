//! The programs at the municipal window: the window PC (`counter-terminal`), the
//! key-pair machine (`keygen-kiosk`) and an IC card in software (`virtual-card`).

pub mod card;
pub mod counter;
pub mod files;
pub mod gateway;
pub mod hash;
pub mod kiosk;
pub mod local;
pub mod officer;
pub mod party;
pub mod virtual_card;
