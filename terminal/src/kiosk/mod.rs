//! The key-pair machine (鍵ペア生成装置): makes a resident's RSA-2048 key pair, hands
//! it to the card encrypted, and erases it. No private key and no password leaves
//! this process other than wrapped for the card, and none stays in it.

pub mod app;
pub mod channel;
pub mod config;
pub mod entry;
pub mod http;
pub mod hygiene;
pub mod keypair;
pub mod link;
pub mod master;
pub mod password;
pub mod resident;
pub mod screens;
pub mod self_test;
pub mod steps;
pub mod visit;

pub use app::Kiosk;
pub use config::KioskConfig;
