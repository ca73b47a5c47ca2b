//! The window PC (受付窓口端末): what the clerk does, one button each. The terminal
//! relays to the card what it cannot read, signs acts with its own key, has them
//! countersigned by the operator's card, and decides nothing by itself.

pub mod acts;
pub mod advice;
pub mod app;
pub mod card_steps;
pub mod config;
pub mod copy;
pub mod disclosure;
pub mod http;
pub mod idle;
pub mod image;
pub mod issue;
pub mod next;
pub mod notices;
pub mod office;
pub mod papers;
pub mod pending;
mod procedures;
mod same_visit;
pub mod screens;
pub mod sheets;
pub mod sign_in;
pub mod steps;

pub use app::Counter;
pub use config::CounterConfig;
