//! A gateway in memory for tests of the window: it checks what the real one checks of
//! the terminal's work, speaks to the card through the relay, and loses answers on wish.

#![allow(dead_code)]

mod acts;
mod channel;
mod disclosure;
pub mod place;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use pki_core::card_channel::{Opening, Scp03Channel, Scp03Host};
use pki_core::certificate::CertificateImage;
use pki_core::certificate::public_key::{PublicKey, SignatureAlgorithm};
use pki_core::certificate::request::parse_card_request;
use schema::wire::bytes::Base64;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use terminal::gateway::{Gateway, GatewayFault, Method};

use crate::certificate_support::{Governor, open, tokyo_items};
use crate::support::{CARD, VISIT};
use schema::wire::v1::ra::*;

pub const ID: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const IDENTITY: &str = "1111111111111111111111111111111111111111111111111111111111111111";

#[derive(Clone)]
pub struct TestGateway(Arc<Mutex<State>>);

/// An application that can be taken in, on evidence where some is named.
pub fn opening(kind: ApplicationKind, fee_yen: u32, evidence: Option<Evidence>) -> OpeningMessage {
    OpeningMessage {
        kind,
        fee_yen,
        replaces: None,
        evidence: evidence.into_iter().collect(),
    }
}

struct State {
    application: Application,
    governor: Governor,
    terminal: PublicKey,
    operator: PublicKey,
    challenge: [u8; 32],
    channel: Option<(ChannelPurpose, Stage)>,
    /// Calls whose next answer is lost, by the last part of the path.
    lose: HashSet<String>,
    down: bool,
    /// Certificates by idempotency key.
    issued: HashMap<String, Vec<u8>>,
    revoked: Vec<String>,
    /// Requests for disclosure.
    asked: Vec<(
        schema::wire::v1::disclosure::DisclosureLine,
        pki_core::disclosure::RequestContent,
    )>,
    findings: Vec<CharacterFinding>,
    /// What the applicant chose for them.
    chosen: Vec<CharacterChoice>,
    openings: OpeningsResponse,
    gone: Vec<GoneResident>,
    received: Option<ReceiveRequest>,
    replied: Option<ReplyRequest>,
    approval: Option<ApprovalMessage>,
    suspended: bool,
    ended: usize,
    /// Idempotency keys of the fees that were taken.
    fees: Vec<String>,
}

enum Stage {
    Begun(Scp03Host),
    Opening(Opening),
    Working(Scp03Channel, usize),
}

impl TestGateway {
    pub fn new(terminal: PublicKey, operator: PublicKey) -> Self {
        let items = FourItemsMessage {
            name: "総務　太郎".into(),
            birth_date: "319500401".into(),
            sex: "1".into(),
            address: "東京都千代田区霞が関２丁目１番２号".into(),
        };
        let application = json!({
            "id": ID, "kind": "first", "step": "identified", "version": 1, "municipality": "13101",
            "applied_on": "2026-11-22", "received_at": "2026-11-22T01:00:00Z", "resident": "1310100001",
            "items": items, "identity_sha256": IDENTITY,
            "identity": {"decision": "accepted", "document": "drivers-licence",
                         "decided_by": "13101-0001", "decided_at": "2026-11-22T01:30:00Z", "register_seen_at": "2026-11-22T01:30:00Z"},
            "profile": "signature", "fee_yen": 500,
        });
        Self(Arc::new(Mutex::new(State {
            application: serde_json::from_value(application).unwrap(),
            governor: Governor::new(SignatureAlgorithm::EcdsaP256Sha256, open()),
            terminal,
            operator,
            challenge: [5; 32],
            channel: None,
            lose: HashSet::new(),
            down: false,
            issued: HashMap::new(),
            revoked: Vec::new(),
            asked: Vec::new(),
            findings: Vec::new(),
            chosen: Vec::new(),
            openings: OpeningsResponse {
                issued_here: Vec::new(),
                residence: Residence::Resident,
                last: None,
                open: vec![opening(ApplicationKind::First, 500, None)],
                unfinished: Vec::new(),
            },
            gone: Vec::new(),
            received: None,
            replied: None,
            approval: None,
            suspended: false,
            ended: 0,
            fees: Vec::new(),
        })))
    }

    /// Puts the application back to before the identity check.
    pub fn not_identified(&self) {
        self.0.lock().unwrap().application.step = Step::Received;
    }

    /// The fee is taken back by a counter-entry.
    pub fn take_back_the_fee(&self, number: &str) {
        let mut state = self.0.lock().unwrap();
        state.due(Step::Paid).unwrap();
        state.application.step = Step::Written;
        state.application.fee_taken_back = Some(number.into());
    }

    /// Has a character that the certificate cannot carry.
    pub fn find(&self, finding: CharacterFinding) {
        self.0.lock().unwrap().findings.push(finding);
    }

    pub fn chosen(&self) -> Vec<CharacterChoice> {
        self.0.lock().unwrap().chosen.clone()
    }

    /// Does the next call of that name, and loses the answer.
    pub fn lose(&self, call: &str) {
        self.0.lock().unwrap().lose.insert(call.to_owned());
    }

    /// What is open to the resident.
    pub fn tell(&self, openings: OpeningsResponse) {
        self.0.lock().unwrap().openings = openings;
    }

    /// Who is found in the register beside the residents.
    pub fn gone(&self, gone: GoneResident) {
        self.0.lock().unwrap().gone.push(gone);
    }

    /// The form as it came in.
    pub fn received(&self) -> Option<ReceiveRequest> {
        self.0.lock().unwrap().received.clone()
    }

    /// The reply as it came in.
    pub fn replied(&self) -> Option<ReplyRequest> {
        self.0.lock().unwrap().replied.clone()
    }

    /// A supervisor's card signs about what was put up, at another terminal.
    pub fn second_word(&self, standing: &str) {
        let mut state = self.0.lock().unwrap();
        let approval = state.approval.as_mut().expect("something was put up");
        approval.standing = standing.into();
        approval.decided_by = Some("13101-0009".into());
    }

    /// Another operator's card counts from now on.
    pub fn set_operator(&self, key: PublicKey) {
        self.0.lock().unwrap().operator = key;
    }

    /// Who is at work may not go on.
    pub fn suspend(&self) {
        self.0.lock().unwrap().suspended = true;
    }

    /// Sessions that the terminal has ended.
    pub fn ended(&self) -> usize {
        self.0.lock().unwrap().ended
    }

    pub fn set_down(&self, down: bool) {
        self.0.lock().unwrap().down = down;
    }

    pub fn step(&self) -> Step {
        self.0.lock().unwrap().application.step
    }

    pub fn certificates(&self) -> usize {
        self.0.lock().unwrap().issued.len()
    }

    pub fn revoked(&self) -> Vec<String> {
        self.0.lock().unwrap().revoked.clone()
    }
}

impl Gateway for TestGateway {
    fn call(
        &self,
        method: Method,
        path: &str,
        session: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, GatewayFault> {
        let mut state = self.0.lock().unwrap();
        if state.down {
            return Err(GatewayFault::Away("down".into()));
        }
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let public = ["operator-challenges", "operator-sessions", "openapi.json"];
        if session != Some("token") && !public.contains(&name.as_str()) {
            return Err(refused(401, "session-required"));
        }
        if state.suspended && session.is_some() {
            return Err(refused(403, "party-suspended"));
        }
        let answer = state.answer(method, path, &name, body.unwrap_or_default());
        if state.lose.remove(&name) {
            return Err(GatewayFault::Away("the answer was lost".into()));
        }
        answer
    }
}

fn refused(status: u16, kind: &str) -> GatewayFault {
    let kind = format!("urn:jitsuin:problem:{kind}");
    GatewayFault::Refused(
        status,
        json!({"type": kind, "status": status, "detail": kind}),
    )
}

fn read<T: DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).expect("the terminal sends what the wire says")
}

impl State {
    fn answer(
        &mut self,
        method: Method,
        path: &str,
        name: &str,
        body: Value,
    ) -> Result<Value, GatewayFault> {
        if path.starts_with("/v1/disclosures") {
            return self.disclosure(method, path, body);
        }
        match (method, name) {
            (Method::Post, "operator-challenges") => Ok(json!(OperatorChallengeResponse {
                challenge_id: "22".repeat(16),
                challenge: Base64(self.challenge.to_vec()),
            })),
            (Method::Post, "operator-sessions") => {
                let request: OperatorSessionRequest = read(body);
                let message = operator_challenge_message("131010001", &self.challenge);
                let signature = &request.signature.0;
                self.operator
                    .verify(SignatureAlgorithm::EcdsaP256Sha256, &message, signature)
                    .map_err(|_| refused(401, "sign-in-refused"))?;
                Ok(json!(OperatorSessionResponse {
                    session: SessionToken("token".into()),
                    operator: request.operator,
                    label: "窓口　花子".into(),
                    role: "clerk".into(),
                    expires_at: (Timestamp::now() + SignedDuration::from_hours(8)).to_string(),
                }))
            }
            (Method::Delete, _) => {
                self.ended += 1;
                Ok(Value::Null)
            }
            (Method::Get, "approvals") => Ok(json!(ApprovalList {
                approvals: self.approval.iter().cloned().collect(),
            })),
            (Method::Get, _) if path.contains("/approvals/") => {
                let approval = self.approval.clone();
                Ok(json!(approval.ok_or(refused(404, "not-found"))?))
            }
            (Method::Post, "approvals") => {
                let wish: ApprovalRequest = read(body);
                let act = wish.act.parse().unwrap();
                let application = wish.application.as_deref().map(|id| id.parse().unwrap());
                let subject = pki_core::approval::Subject::new(
                    act,
                    application,
                    &wish.reference,
                    &wish.reason,
                );
                let approval = ApprovalMessage {
                    id: "77".repeat(16),
                    subject_sha256: subject.unwrap().digest().to_string(),
                    act: wish.act,
                    application: wish.application,
                    reference: wish.reference,
                    reason: wish.reason,
                    requested_by: "13101-0001".into(),
                    requested_at: "2026-11-22T02:00:00Z".into(),
                    expires_at: "2026-11-22T02:30:00Z".into(),
                    standing: "waiting".into(),
                    decided_by: None,
                };
                self.approval = Some(approval.clone());
                Ok(json!(approval))
            }
            (Method::Get, "characters") => Ok(json!(CharacterFindings {
                list_version: "1".into(),
                findings: self.findings.clone(),
            })),
            (Method::Get, list) if list.starts_with("applications?") => {
                let application = &self.application;
                Ok(json!({"applications": [ApplicationLine {
                    certificate_kind: CertificateKind::Signature,
                    id: application.id.clone(),
                    kind: application.kind,
                    step: application.step,
                    received_at: application.received_at.clone(),
                    name: application.items.name.clone(),
                    serial: None,
                }]}))
            }
            (Method::Get, _) if path.contains("/certificates/") => {
                let issued = self.application.certificate.clone();
                let issued = issued
                    .filter(|issued| issued.serial == name)
                    .ok_or(refused(404, "not-found"))?;
                Ok(
                    json!({"serial": issued.serial, "certificate": issued.certificate,
                          "status": "live", "revocation": null}),
                )
            }
            (Method::Post, "register-lookups") => {
                let asked: RegisterLookupRequest = read(body);
                let items = &self.application.items;
                let known = asked.resident == self.application.resident
                    || asked.name.as_ref() == Some(&items.name);
                let entry = RegisterEntryMessage {
                    resident: "1310100001".into(),
                    name: items.name.clone(),
                    birth_date: items.birth_date.clone(),
                    sex: items.sex.clone(),
                    address: items.address.clone(),
                };
                let entries = if known { vec![entry] } else { Vec::new() };
                Ok(json!(RegisterLookupResponse {
                    entries,
                    gone: self.gone.clone(),
                }))
            }
            (Method::Post, "certificate-searches") => {
                let application = &self.application;
                let found = application
                    .certificate
                    .iter()
                    .map(|issued| FoundCertificate {
                        serial: issued.serial.clone(),
                        certificate_kind: application.certificate_kind,
                        application: application.id.clone(),
                        card: application.card.clone().unwrap_or_default(),
                        items: application.items.clone(),
                        certificate: issued.certificate.clone(),
                        standing: if self.revoked.contains(&issued.serial) {
                            "revoked"
                        } else {
                            "held"
                        }
                        .into(),
                        revoked_at: None,
                        erased_at: None,
                    });
                Ok(json!(FoundCertificates {
                    certificates: found.collect(),
                }))
            }
            (Method::Post, "application-openings") => Ok(json!(self.openings)),
            (Method::Post, "inquiry-letter") => Ok(json!(InquiryLetter {
                code: "4XQ7-0M2K".into(),
                name: self.application.items.name.clone(),
                address: self.application.items.address.clone(),
                proxy: self
                    .application
                    .proxy
                    .as_ref()
                    .map(|proxy| proxy.name.clone()),
                sent_on: "2026-11-22".into(),
                reply_by: "2026-12-21".into(),
            })),
            (Method::Get, _) => Ok(json!(self.application)),
            (Method::Post, "card-channels") => self.open(read(body)),
            (Method::Post, "revocations") => self.revoke(read(body)),
            (Method::Post, _) if path.contains("/card-channels/") => self.relay(read(body)),
            (Method::Post, step) => {
                self.walk(step, body)?;
                Ok(json!(self.application))
            }
        }
    }

    fn due(&self, step: Step) -> Result<(), GatewayFault> {
        if self.application.step == step {
            Ok(())
        } else {
            Err(refused(409, "step-not-due"))
        }
    }

    fn walk(&mut self, step: &str, body: Value) -> Result<(), GatewayFault> {
        match step {
            "applications" => {
                let sent: ReceiveRequest = read(body);
                self.received = Some(sent.clone());
                self.application.kind = sent.kind;
                self.application.proxy = sent.proxy;
                self.application.items = sent.items;
                self.application.applied_on = sent.applied_on;
            }
            "identity" => {
                self.due(Step::Received)?;
                let sent: IdentityRequest = read(body);
                self.application.step = match sent.decision {
                    IdentityVerdict::Accepted => Step::Identified,
                    IdentityVerdict::Refused => Step::Refused,
                };
            }
            "inquiry" => {
                self.due(Step::Received)?;
                self.application.step = Step::InquirySent;
                self.application.inquiry = Some(InquiryView {
                    sent_on: "2026-11-22".into(),
                    reply_by: "2026-12-21".into(),
                    decided: false,
                });
            }
            "reply" => {
                self.due(Step::InquirySent)?;
                let sent: ReplyRequest = read(body);
                self.application.identity = Some(IdentityView {
                    decision: sent.decision,
                    document: sent.document.kind.clone(),
                    decided_by: "13101-0001".into(),
                    decided_at: "2026-11-22T02:00:00Z".into(),
                    register_seen_at: "2026-11-22T02:00:00Z".into(),
                    confirmed_by: None,
                    of_visit: None,
                });
                self.replied = Some(sent);
                self.application.inquiry.as_mut().unwrap().decided = true;
            }
            "identity-confirmation" => {
                self.due(Step::InquirySent)?;
                let sent: IdentityConfirmation = read(body);
                assert_eq!(Some(sent.identity_sha256), self.application.identity_sha256);
                let approval = self.approval.as_ref().unwrap();
                assert_eq!(sent.approval, approval.id);
                let wanted = if sent.confirmed {
                    "approved"
                } else {
                    "rejected"
                };
                assert_eq!(approval.standing, wanted);
                if sent.confirmed {
                    self.application.step = Step::Identified;
                    self.application.inquiry = None;
                } else {
                    self.application.inquiry.as_mut().unwrap().decided = false;
                }
            }
            "cancel" => self.application.step = Step::Cancelled,
            "public-key" => {
                self.due(Step::CardPrepared)?;
                let sent: PublicKeyRequest = read(body);
                let request = parse_card_request(&sent.request.0).unwrap();
                assert_eq!((request.visit, request.card), (VISIT, CARD));
                self.application.spki_sha256 = Some(hex::encode(request.public_key.sha256()));
                let spki = request.public_key.spki_der().to_vec();
                self.issued.insert("spki".into(), spki);
                self.application.step = Step::KeyRead;
            }
            "characters" => {
                self.due(Step::KeyRead)?;
                self.chosen = read::<CharacterChoices>(body).choices;
                self.application.items_sha256 = Some(hex::encode(tokyo_items().digest()));
                self.application.step = Step::CharactersSettled;
            }
            "issue" => self.issue(&read::<IssueActRequest>(body).act)?,
            "image" => {
                self.due(Step::Issued)?;
                let sent: ImageRequest = read(body);
                let issued = self.application.certificate.as_ref().unwrap();
                assert_eq!(sent.certificate_sha256, issued.certificate_sha256);
                self.application.step = Step::Confirmed;
            }
            "written" => {
                self.due(Step::Confirmed)?;
                let sent: WrittenRequest = read(body);
                let issued = self.application.certificate.as_ref().unwrap();
                assert_eq!(sent.certificate_sha256, issued.certificate_sha256);
                let image = CertificateImage::decode(&issued.certificate.0).unwrap();
                let algorithm = SignatureAlgorithm::RsaPkcs1Sha256;
                image
                    .public_key
                    .verify(algorithm, &sent.trial_message.0, &sent.trial_signature.0)
                    .map_err(|_| refused(422, "trial-signature-invalid"))?;
                self.application.step = Step::Written;
            }
            "fee" => {
                let sent: FeeRequest = read(body);
                if sent.amount_yen != 500 {
                    return Err(refused(422, "fee-differs"));
                }
                if self.application.step == Step::Paid
                    && self.fees.last() == Some(&sent.idempotency_key)
                {
                    return Ok(());
                }
                self.due(Step::Written)?;
                if self.fees.contains(&sent.idempotency_key) {
                    return Err(refused(409, "idempotency-key-reused"));
                }
                self.fees.push(sent.idempotency_key);
                self.application.step = Step::Paid;
            }
            "hand-over" => {
                self.due(Step::Paid)?;
                self.application.step = Step::HandedOver;
            }
            other => panic!("the terminal called {other}"),
        }
        Ok(())
    }
}
