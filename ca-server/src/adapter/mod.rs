//! The ports' real implementations.

pub mod aead;
pub mod database;
pub mod hsm;
pub mod register_folder;
pub mod register_server;
pub mod system;
