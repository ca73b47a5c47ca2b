//! What is due next, by the step at which an application stands.

use schema::wire::v1::ra::{Application, Step};
use serde::Serialize;
use serde_json::{Value, json};

use crate::local::problem::Say;

/// The one thing to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// Last part of the address to post to; `none` at an end.
    pub action: &'static str,
    /// Label of the button.
    pub say: Say,
}

/// The one thing that is due at a step.
pub fn next(step: Step) -> Next {
    let (action, ja, en) = match step {
        Step::Received => ("identity", "本人確認", "Check the identity"),
        Step::InquirySent => (
            "reply",
            "回答書の受付と承認",
            "Take the reply, have it confirmed",
        ),
        Step::Identified => ("prepare-card", "カード準備", "Prepare the card"),
        Step::CardPrepared => (
            "read-public-key",
            "公開鍵読取（鍵ペア生成のあと）",
            "Read the public key, after the kiosk",
        ),
        Step::KeyRead => ("characters", "代替文字の決定", "Settle the characters"),
        Step::CharactersSettled => ("issue", "発行要求", "Request the certificate"),
        Step::Issued => ("confirm-image", "証明書イメージの確認", "Confirm the image"),
        Step::Confirmed => ("write-card", "カード書込み", "Write the card"),
        Step::Written => ("fee", "手数料の収納", "Take the fee"),
        Step::Paid => (
            "hand-over",
            "写しの印刷と交付",
            "Print the copy and hand over",
        ),
        Step::HandedOver => ("none", "交付済み", "Handed over"),
        Step::Refused => ("none", "不受理", "Refused"),
        Step::Cancelled => ("none", "取下げ", "Withdrawn"),
        Step::Revoked => ("none", "失効済み", "Revoked"),
    };
    Next {
        action,
        say: Say::new(ja, en),
    }
}

/// An application for the screen: its own fields, and what is next.
pub fn shown(application: &Application) -> Value {
    let mut value = serde_json::to_value(application).unwrap_or_default();
    value["next"] = json!(next(application.step));
    value
}
