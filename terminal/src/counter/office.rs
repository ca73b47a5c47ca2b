//! The office behind the window (管理): approvals, till, remittance, statistics, shift.
//! Everything is the gateway's; here it is asked for, and the approver's card signs.

use pki_core::approval::{CONTEXT, Statement, Verdict};
use pki_core::id::OperatorId;
use schema::wire::bytes::Base64;
use schema::wire::v1::ra::{
    ApprovalDecision, ApprovalList, ApprovalMessage, ApprovalRequest, FeeCorrectionRequest,
    FeeView, OpeningRequest, PlaceView, RemittanceRequest, RemittanceView, ShiftMessage,
    ShiftRequest, StatisticsView, TillCloseRequest, TillDay, TillEntry,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::app::Counter;
use crate::hash::sha256;
use crate::local::{Kind, Problem};

/// What the approver saw and now decides on.
pub struct Decided<'a> {
    /// The approval as shown on the page.
    pub approval: &'a str,
    /// Its act.
    pub act: &'a str,
    /// Its subject's digest.
    pub subject_sha256: &'a str,
    /// Who asked.
    pub requested_by: &'a str,
    /// Approve or reject.
    pub verdict: Verdict,
}

impl Counter {
    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        let token = self.token()?;
        self.again(|| self.gateway().get(path, Some(&token)))
    }

    fn tell<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Problem> {
        let token = self.token()?;
        self.gateway()
            .post(path, Some(&token), body)
            .map_err(|fault| self.heed(fault))
    }

    /// What waits for a second person, or was decided just now.
    ///
    /// # Errors
    /// What the gateway says; so with all of these.
    pub fn approvals(&self) -> Result<ApprovalList, Problem> {
        self.ask("/v1/approvals")
    }

    /// One request for approval.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn approval(&self, id: &str) -> Result<ApprovalMessage, Problem> {
        self.ask(&format!("/v1/approvals/{}", segment(id)?))
    }

    /// Puts something up for approval.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn request_approval(&self, wish: &ApprovalRequest) -> Result<ApprovalMessage, Problem> {
        self.tell("/v1/approvals", wish)
    }

    /// The second person decides, with the card in the operator's reader and its PIN. Nobody
    /// has to be signed in; who was and whose card it is stays at work.
    ///
    /// # Errors
    /// A wrong PIN with the tries left, card errors, what the gateway says.
    pub fn decide_approval(
        &self,
        decided: &Decided<'_>,
        pin: &Zeroizing<String>,
    ) -> Result<ApprovalMessage, Problem> {
        let bad = || {
            Problem::new(
                Kind::BadRequest,
                "the page's fields are not those of an approval",
                "承認の画面を開き直してください。",
                "Open the approval again.",
            )
        };
        let id = segment(decided.approval)?;
        let approval = id.parse().map_err(|_| bad())?;
        let act = decided.act.parse().map_err(|_| bad())?;
        let subject_sha256 = decided.subject_sha256.parse().map_err(|_| bad())?;
        let requested_by: OperatorId = decided.requested_by.parse().map_err(|_| bad())?;
        let decision = self.with_card_at_hand(pin, |card| {
            let approver = card
                .operator()
                .parse()
                .map_err(|_| Problem::from(crate::card::CardFault::Form("the operator id")))?;
            let statement = Statement {
                version: 1,
                approval,
                act,
                subject_sha256,
                requested_by: requested_by.clone(),
                terminal: self.config.terminal,
                approver,
                verdict: decided.verdict,
            }
            .to_payload();
            Ok(ApprovalDecision {
                signature: Base64(card.sign(CONTEXT, &statement)?),
                statement: Base64(statement),
            })
        })?;
        let path = format!("/v1/approvals/{id}/decision");
        self.gateway()
            .post(&path, None, &decision)
            .map_err(Problem::from)
    }

    /// A day of the book; without one, the day that is to be closed next.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn till(&self, day: Option<&str>) -> Result<TillDay, Problem> {
        match day {
            None => self.ask("/v1/till"),
            Some(day) => self.ask(&format!("/v1/till/{}", segment(day)?)),
        }
    }

    /// Closes a day.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn close_till(&self, close: &TillCloseRequest) -> Result<TillDay, Problem> {
        self.tell("/v1/till-closes", close)
    }

    /// An entry of the book.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn fee_entry(&self, number: &str) -> Result<FeeView, Problem> {
        self.ask(&format!("/v1/fees/{}", segment(number)?))
    }

    /// Takes an entry back. The key follows from entry and approval: however often the button
    /// is pressed, it is one counter-entry.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn correct_fee(
        &self,
        number: &str,
        reason: &str,
        approval: &str,
    ) -> Result<TillEntry, Problem> {
        let digest = sha256(&[
            b"jitsuin-fee-correction\0",
            number.as_bytes(),
            b"\0",
            approval.as_bytes(),
        ]);
        let request = FeeCorrectionRequest {
            number: number.to_owned(),
            reason: reason.to_owned(),
            approval: Some(approval.to_owned()),
            idempotency_key: hex::encode(&digest[..16]),
        };
        let token = self.token()?;
        self.again(|| {
            self.gateway()
                .post("/v1/fee-corrections", Some(&token), &request)
        })
    }

    /// A month of the book.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn remittance(&self, month: &str) -> Result<RemittanceView, Problem> {
        self.ask(&format!("/v1/remittances/{}", segment(month)?))
    }

    /// Makes a month final.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn remit(&self, month: &str) -> Result<RemittanceView, Problem> {
        let month = month.to_owned();
        self.tell("/v1/remittances", &RemittanceRequest { month })
    }

    /// Twelve months of counts.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn statistics(&self, month: &str) -> Result<StatisticsView, Problem> {
        self.ask(&format!("/v1/statistics/{}", segment(month)?))
    }

    /// The place, its hours and its shift.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn place(&self) -> Result<PlaceView, Problem> {
        self.ask("/v1/place")
    }

    /// The operator at work takes the terminal's open applications over.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn take_over(&self) -> Result<ShiftMessage, Problem> {
        self.tell("/v1/shifts", &ShiftRequest {})
    }

    /// Keeps the place open longer.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn extend_opening(&self, wish: &OpeningRequest) -> Result<PlaceView, Problem> {
        self.tell("/v1/openings", wish)
    }
}

/// A part of an address that is plain: nothing else reaches the gateway's URLs.
pub(super) fn segment(text: &str) -> Result<&str, Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text);
    }
    Err(Problem::new(
        Kind::NotFound,
        "there is no such thing",
        "該当するものがありません。一覧から選び直してください。",
        "There is no such thing. Choose it from the list.",
    ))
}
