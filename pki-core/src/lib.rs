//! Decisions of the certificate authority: values in, values out.
//!
//! This crate does no IO. It reads no clock and draws no random bytes: both are
//! handed in. It knows X.509, the law's dates and the window's steps; it knows
//! nothing of databases, HTTP, PKCS#11 sessions or card readers.

pub mod act;
pub mod application;
pub mod approval;
pub mod audit;
pub mod calendar;
pub mod card_channel;
pub mod certificate;
pub mod disclosure;
pub mod id;
pub mod kept_paper;
pub mod kiosk_record;
pub mod mode;
pub mod notice;
pub mod office_day;
pub mod officer;
pub mod operator;
pub mod person;
pub mod places;
pub mod release;
pub mod revocation;
