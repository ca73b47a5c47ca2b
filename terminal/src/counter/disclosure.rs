//! Disclosure and correction at the window (Arts 29 to 31): the request is made of what stands
//! on the paper, signed by terminal and operator's card, and the answer is fetched for who
//! was identified again. The paper stays in memory until the next one, or the lock.

use pki_core::act::{Deed, DeliverDeed, DiscloseDeed};
use pki_core::calendar::JapaneseDay;
use pki_core::disclosure::{Identification, RequestContent, RequestFault};
use pki_core::id::{ApplicationId, Sha256Digest};
use schema::wire::v1::disclosure::{
    DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
};

use super::acts::now;
use super::app::{Counter, lock};
use super::issue::wish;
use crate::local::{Kind, Problem};

/// The answer that was fetched last.
pub struct Paper {
    id: ApplicationId,
    pdf: Vec<u8>,
}

impl Counter {
    /// Takes a request in. Pressed again with the same id it is the same request.
    ///
    /// # Errors
    /// What is wrong with the request, what the gateway or who decides says.
    pub fn disclose(
        &self,
        id: ApplicationId,
        content: &RequestContent,
    ) -> Result<DisclosureLine, Problem> {
        let bytes = content.to_bytes();
        RequestContent::from_bytes(&bytes).map_err(|fault| told(&fault))?;
        let today = JapaneseDay::of(now());
        content
            .identification
            .check(today)
            .map_err(|fault| told(&fault))?;
        let request_sha256 = Sha256Digest::of(&bytes);
        let deed = Deed::Disclose(DiscloseDeed {
            request_sha256,
            identity_sha256: content.identification.digest(),
        });
        self.with_session(|session| {
            let token = session.token().to_owned();
            let key = wish("disclose", &format!("{id}/{request_sha256}"));
            let body = DisclosureRequest {
                act: self.sign_act(session, id, key, now(), deed)?,
                request: bytes.into(),
            };
            Ok(self.again_as(|| self.gateway().post("/v1/disclosures", Some(&token), &body))?)
        })
    }

    /// The requests of this municipality.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn disclosures(&self) -> Result<DisclosureList, Problem> {
        let token = self.token()?;
        self.again(|| self.gateway().get("/v1/disclosures", Some(&token)))
    }

    /// One of them.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn disclosure(&self, id: &ApplicationId) -> Result<DisclosureLine, Problem> {
        let token = self.token()?;
        let path = format!("/v1/disclosures/{id}");
        self.again(|| self.gateway().get(&path, Some(&token)))
    }

    /// Fetches the answer for who was identified; the request is closed by it.
    ///
    /// # Errors
    /// What is wrong with the identification, what the gateway or who decides says.
    pub fn deliver_disclosure(
        &self,
        id: ApplicationId,
        shown: &Identification,
    ) -> Result<DisclosureLine, Problem> {
        shown
            .check(JapaneseDay::of(now()))
            .map_err(|fault| told(&fault))?;
        let bytes = shown.to_bytes();
        let deed = Deed::Deliver(DeliverDeed {
            identity_sha256: Sha256Digest::of(&bytes),
        });
        let delivered: DeliveryResponse = self.with_session(|session| {
            let token = session.token().to_owned();
            let key = wish("deliver", &id.to_string());
            let body = DeliveryRequest {
                act: self.sign_act(session, id, key, now(), deed)?,
                identification: bytes.into(),
            };
            let path = format!("/v1/disclosures/{id}/delivery");
            Ok(self.again_as(|| self.gateway().post(&path, Some(&token), &body))?)
        })?;
        *lock(&self.paper) = Some(Paper {
            id,
            pdf: delivered.answer.0,
        });
        Ok(delivered.disclosure)
    }

    /// The answer that was just fetched, to be printed.
    ///
    /// # Errors
    /// When it is not there any more.
    pub fn disclosure_paper(&self, id: &ApplicationId) -> Result<Vec<u8>, Problem> {
        self.token()?;
        lock(&self.paper)
            .as_ref()
            .filter(|paper| paper.id == *id)
            .map(|paper| paper.pdf.clone())
            .ok_or_else(|| {
                Problem::new(
                    Kind::NotFound,
                    "the answer is not in memory",
                    "文書は残っていません。もう一度本人を確認して交付してください。",
                    "The paper is gone. Identify the person again and fetch it.",
                )
            })
    }
}

fn told(fault: &RequestFault) -> Problem {
    let (ja, en) = match fault {
        RequestFault::ProxyPapers => (
            "代理人の場合は、委任状、印鑑登録証明書、照会書の回答がすべて必要です。",
            "A proxy needs power of attorney, seal certificate and the reply to the inquiry.",
        ),
        RequestFault::Identity => (
            "顔写真と本人を見比べ、確認欄に印を付けてください。",
            "Compare the face with the photo and tick the box.",
        ),
        RequestFault::Document => (
            "提示された書類と、その有効期限を選び直してください。",
            "Choose the document that was shown, with its last day.",
        ),
        RequestFault::Expired => (
            "書類の有効期限が過ぎています。別の書類を求めてください。",
            "The document has run out. Ask for another.",
        ),
        RequestFault::Text(..)
        | RequestFault::TooLarge
        | RequestFault::Unreadable
        | RequestFault::Version(_) => (
            "氏名、生年月日、住所、理由などの記入を確かめてください。",
            "Check name, birth date, address and reasons.",
        ),
    };
    Problem::at("/request", fault.to_string(), ja, en)
}
