//! Messages between terminals and kiosks and the gateway.
//!
//! Every body refuses unknown fields. Times are RFC 3339 in UTC; identifiers and
//! digests are lower-case hex; documents and signatures are base64.

mod application;
mod approval;
mod card_channel;
mod characters;
mod identity;
mod inquiry;
mod issue;
mod kept_paper;
mod kiosk;
mod notice;
mod online;
mod opening;
mod operator;
mod place;
mod public_key;
mod register;
mod revocation;
mod same_visit;
mod till;

pub use application::*;
pub use approval::*;
pub use card_channel::*;
pub use characters::*;
pub use identity::*;
pub use inquiry::*;
pub use issue::*;
pub use kept_paper::*;
pub use kiosk::*;
pub use notice::*;
pub use online::*;
pub use opening::*;
pub use operator::*;
pub use place::*;
pub use public_key::*;
pub use register::*;
pub use revocation::*;
pub use same_visit::*;
pub use till::*;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_refused() {
        let body = r#"{"operator":"13101-0001","extra":1}"#;
        assert!(serde_json::from_str::<OperatorChallengeRequest>(body).is_err());
        assert!(serde_json::from_str::<HandOverRequest>(r#"{"x":1}"#).is_err());
    }
}
