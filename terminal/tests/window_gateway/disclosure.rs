//! Requests for disclosure at the gateway in memory: what was signed is what was sent.

use pki_core::act::Deed;
use pki_core::disclosure::{Identification, RequestContent};
use pki_core::id::Sha256Digest;
use schema::wire::v1::disclosure::{
    DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
};
use serde_json::{Value, json};
use terminal::gateway::{GatewayFault, Method};

use super::{State, TestGateway, read, refused};

impl TestGateway {
    /// The requests that were taken in, as they stand on their papers.
    pub fn disclosures(&self) -> Vec<RequestContent> {
        let state = self.0.lock().unwrap();
        state.asked.iter().map(|(_, asked)| asked.clone()).collect()
    }

    /// Somebody decides.
    pub fn answer_disclosures(&self) {
        for (line, _) in &mut self.0.lock().unwrap().asked {
            line.step = "answered".into();
        }
    }
}

impl State {
    pub(super) fn disclosure(
        &mut self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Value, GatewayFault> {
        let id = path
            .split('/')
            .nth(3)
            .map(|id| id.split('?').next().unwrap_or_default().to_owned());
        match (method, id) {
            (Method::Post, None) => {
                let request: DisclosureRequest = read(body);
                let (_, deed) = self.verified(&request.act);
                let Deed::Disclose(deed) = deed else {
                    panic!("asked to disclose by another deed");
                };
                let content = RequestContent::from_bytes(&request.request.0).unwrap();
                assert_eq!(deed.request_sha256, Sha256Digest::of(&request.request.0));
                assert_eq!(deed.identity_sha256, content.identification.digest());
                let act = pki_core::act::Act::from_payload(&request.act.payload.0).unwrap();
                let line = DisclosureLine {
                    id: act.application.to_string(),
                    wish: "disclosure".into(),
                    step: "open".into(),
                    municipality: "13101".into(),
                    requested_on: content.requested_on.to_string(),
                    due: Some(content.requested_on.last_day_of_days(30).to_string()),
                    days_left: Some(30),
                    extended: false,
                    addressee: "東京都知事".into(),
                    received_at: "2026-11-22T01:00:00Z".into(),
                };
                self.asked.push((line.clone(), content));
                Ok(json!(line))
            }
            (Method::Get, None) => Ok(json!(DisclosureList {
                disclosures: self.asked.iter().map(|(line, _)| line.clone()).collect(),
            })),
            (method, Some(id)) => {
                let known = self.asked.iter().position(|(line, _)| line.id == id);
                let at = known.ok_or(refused(404, "not-found"))?;
                if matches!(method, Method::Post) {
                    let request: DeliveryRequest = read(body);
                    let (_, deed) = self.verified(&request.act);
                    let Deed::Deliver(deed) = deed else {
                        panic!("asked to deliver by another deed");
                    };
                    Identification::from_bytes(&request.identification.0).unwrap();
                    let digest = Sha256Digest::of(&request.identification.0);
                    assert_eq!(deed.identity_sha256, digest);
                    self.asked[at].0.step = "delivered".into();
                    return Ok(json!(DeliveryResponse {
                        disclosure: self.asked[at].0.clone(),
                        answer: b"%PDF-1.7 the answer".to_vec().into(),
                    }));
                }
                Ok(json!(self.asked[at].0))
            }
            (Method::Delete, None) => Err(refused(405, "method-not-allowed")),
        }
    }
}
