//! The prefecture's reception server (受付サーバ): terminals and kiosks over mutual TLS,
//! operators with their cards, applications and their steps, the channel to the card,
//! and the one client of the certificate authority.
//!
//! `http` → `app` → `port` ← `adapter`. `app` holds the use-cases in walking order and
//! is synchronous; `http` calls it on a thread where blocking is allowed. What a step
//! may do is decided in `pki_core::application`.

pub mod adapter;
pub mod app;
pub mod command;
pub mod config;
pub mod http;
pub mod port;
pub mod startup;
