//! An application at the window, from the form to the card in the applicant's hand:
//! which steps there are, which is due, and what each checks.
//!
//! ```text
//! Received → Identified → CardPrepared → KeyRead → CharactersSettled → Issued → Confirmed → Written → Paid → HandedOver
//!    ↓            ↑___________|____________|__________|  (new visit)      ↓          ↓          ↓        ↓        ↓
//! Refused     Cancelled: from each step before an issue was asked for    Revoked: from each step after issue
//! ```
//!
//! Without a photo document, and by proxy, the way to Identified leads over InquirySent: the
//! applicant's written reply is brought on a second visit, and two pairs of eyes decide on it.

pub mod cause;
pub mod certificate_kind;
pub mod characters;
pub mod extract;
pub mod fee;
pub mod identity;
pub mod image;
pub mod inquiry;
pub mod lapse;
pub mod opening;
pub mod reply;
pub mod same_visit;
pub mod states;
pub mod statistics;
pub mod stored;
pub mod transitions;

pub use stored::{Application, Due, Step};

#[cfg(test)]
mod tests;
