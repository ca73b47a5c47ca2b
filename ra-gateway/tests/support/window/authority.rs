//! An authority in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use pki_core::{
    act::{Act, Deed},
    certificate::{CertificateImage, Subject, Subscriber, User},
    disclosure::RequestContent,
    id::ApplicationId,
    mode::Mode,
    person::{
        certificate_items::{CertificateItems, CertificateItemsText},
        municipality::MunicipalityCode,
    },
    revocation::{ground::Ground, online::Statement},
};
use ra_gateway::port::{Announced, Authority, AuthorityFault, Clock};
use schema::wire::{
    bytes::Base64,
    v1::{
        ca::{
            CertificateRecord, IssueRequest, IssueResponse, OnlineRevokeRequest, RevokeRequest,
            RevokeResponse,
        },
        disclosure::{
            DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
        },
        register_revocation::{RegisterRevocation, RegisterRevocationList},
        stop::{Stop, StopRelease, StopReleases, StopReport},
    },
};

use super::super::{
    HandClock,
    certificate_support::{Governor, chiyoda, sample},
};
use super::EC;

/// What the authority does next instead of its work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It says that its token is away.
    TokenAway,
    /// It does its work and the answer is lost.
    AnswerLost,
    /// It decides against it.
    Refuses,
    /// It certifies other items than those asked for.
    OtherItems,
    /// It certifies for signatures whatever is asked for.
    OtherKind,
    /// It answers with a certificate over another key.
    OtherKey,
    /// It names another serial number than the certificate's.
    OtherSerial,
    /// It sends another CA's certificate along.
    OtherIssuer,
    /// Its certificate was changed on the way.
    Forged,
}

/// An authority that issues by the product's own profiles, once per idempotency key.
pub struct FakeAuthority {
    pub governor: Governor,
    /// The CA of certificates for signing in.
    pub users: Governor,
    pub(super) clock: Arc<HandClock>,
    pub(super) issued: Mutex<HashMap<String, IssueResponse>>,
    pub(super) revoked: Mutex<HashMap<String, RevokeResponse>>,
    pub(super) trouble: Mutex<Option<Trouble>>,
    pub(super) announced: Mutex<Option<Announced>>,
    pub(super) events: Mutex<Vec<RegisterRevocation>>,
    pub(super) disclosures: Mutex<Vec<DisclosureLine>>,
    /// Stops as they were told last.
    pub stops: Mutex<Vec<Stop>>,
    /// What it answers to the next tellings.
    pub releases: Mutex<Vec<StopRelease>>,
}

impl FakeAuthority {
    pub fn next(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some(trouble);
    }

    /// What it tells of itself from now on.
    pub fn announces(&self, announced: Announced) {
        *self.announced.lock().unwrap() = Some(announced);
    }

    pub fn issued(&self) -> usize {
        self.issued.lock().unwrap().len()
    }

    /// A register event has revoked a certificate (Art 12).
    pub fn register_event(&self, event: RegisterRevocation) {
        let record = RevokeResponse {
            serial: event.serial.clone(),
            revoked_at: event.revoked_at.clone(),
            ground: Ground::Article12.as_str().into(),
            reason_code: Some(Ground::Article12.reason_code()),
        };
        self.revoked
            .lock()
            .unwrap()
            .insert(event.serial.clone(), record);
        self.events.lock().unwrap().push(event);
    }

    fn away(problem: &str) -> AuthorityFault {
        AuthorityFault::Away {
            problem: problem.into(),
            retry_after: Duration::from_secs(7),
        }
    }
}

impl Authority for FakeAuthority {
    fn announced(&self) -> Announced {
        self.announced
            .lock()
            .unwrap()
            .unwrap_or(Announced::Mode(Mode::Production))
    }

    fn issue(&self, request: &IssueRequest) -> Result<IssueResponse, AuthorityFault> {
        let trouble = self.trouble.lock().unwrap().take();
        match trouble {
            Some(Trouble::TokenAway) => return Err(Self::away("token-away")),
            Some(Trouble::Refuses) => {
                return Err(AuthorityFault::Refused {
                    problem: "key-unfit".into(),
                    detail: "the key is not fit".into(),
                    first_answer: true,
                });
            }
            _ => {}
        }
        let act = Act::from_payload(&request.act.payload.0).unwrap();
        let Deed::Issue(deed) = &act.deed else {
            panic!("asked to issue by another deed")
        };
        let mut issued = self.issued.lock().unwrap();
        let number = u8::try_from(issued.len()).unwrap() + 1;
        let mut response = issued
            .entry(act.idempotency_key.to_string())
            .or_insert_with(|| {
                let text = &request.items;
                let mut items = CertificateItemsText {
                    name: text.name.clone(),
                    name_substitution: text.name_substitution.clone(),
                    birth_date: text.birth_date.clone(),
                    sex: text.sex.clone(),
                    address: text.address.clone(),
                    address_substitution: text.address_substitution.clone(),
                };
                if trouble == Some(Trouble::OtherItems) {
                    items.name = "総務　次郎".into();
                }
                let key =
                    pki_core::certificate::request::parse_card_request(&request.request.0).unwrap();
                let users = deed.profile == "user-authentication";
                if users && trouble != Some(Trouble::OtherKind) {
                    let certificate = self.users.certify(
                        &sample("user-authentication.toml", EC),
                        self.clock.now(),
                        number,
                        &key.public_key,
                        Subject::User(User {
                            place: &chiyoda(),
                            terminal: act.terminal,
                        }),
                    );
                    return IssueResponse {
                        serial: certificate.serial().to_string(),
                        certificate: Base64(certificate.into_der()),
                        issuer_certificate: Base64(self.users.certificate.clone()),
                    };
                }
                let certificate = self.governor.certify(
                    &sample("signature.toml", EC),
                    self.clock.now(),
                    number,
                    &key.public_key,
                    Subject::Subscriber(Subscriber {
                        items: &CertificateItems::parse(&items).unwrap(),
                        place: &chiyoda(),
                        terminal: act.terminal,
                        requested_at: deed.request_made_at,
                        sequence: 1,
                    }),
                );
                IssueResponse {
                    serial: certificate.serial().to_string(),
                    certificate: Base64(certificate.into_der()),
                    issuer_certificate: Base64(self.governor.certificate.clone()),
                }
            })
            .clone();
        // What is stored stays right: asked again, it answers with that.
        match trouble {
            Some(Trouble::AnswerLost) => return Err(Self::away("unreachable")),
            Some(Trouble::OtherKey) => {
                let other = self.governor.certify_taro(self.clock.now(), 0x77);
                response.serial = other.serial().to_string();
                response.certificate = Base64(other.into_der());
            }
            Some(Trouble::OtherSerial) => response.serial = "0b".repeat(16),
            Some(Trouble::OtherIssuer) => {
                response.issuer_certificate = Base64(self.users.certificate.clone());
            }
            Some(Trouble::Forged) => {
                // The last octet of the signature.
                if let Some(last) = response.certificate.0.last_mut() {
                    *last ^= 1;
                }
            }
            _ => {}
        }
        Ok(response)
    }

    fn revoke(&self, request: &RevokeRequest) -> Result<RevokeResponse, AuthorityFault> {
        if self.trouble.lock().unwrap().take().is_some() {
            return Err(Self::away("unreachable"));
        }
        let act = Act::from_payload(&request.act.payload.0).unwrap();
        let Deed::Revoke(deed) = &act.deed else {
            panic!("asked to revoke by another deed")
        };
        let mut revoked = self.revoked.lock().unwrap();
        Ok(revoked
            .entry(deed.serial.to_string())
            .or_insert_with(|| RevokeResponse {
                serial: deed.serial.to_string(),
                revoked_at: self.clock.now().to_string(),
                ground: deed.ground.as_str().into(),
                reason_code: Some(deed.ground.reason_code()),
            })
            .clone())
    }

    fn revoke_online(
        &self,
        request: &OnlineRevokeRequest,
    ) -> Result<RevokeResponse, AuthorityFault> {
        let now = self.clock.now();
        let bytes = &request.statement.0;
        let statement = Statement::read(bytes, "13".parse().unwrap(), now).unwrap();
        let serial = statement.serial.to_string();
        let held = self
            .issued
            .lock()
            .unwrap()
            .values()
            .find(|issued| issued.serial == serial)
            .map(|issued| CertificateImage::decode(&issued.certificate.0).unwrap())
            .is_some_and(|image| {
                statement
                    .verify(bytes, &request.signature.0, &image, now)
                    .is_ok()
            });
        if !held {
            return Err(AuthorityFault::Refused {
                problem: "act-refused".into(),
                detail: "the statement is not accepted".into(),
                first_answer: true,
            });
        }
        let mut revoked = self.revoked.lock().unwrap();
        let record = revoked
            .entry(serial.clone())
            .or_insert_with(|| RevokeResponse {
                serial,
                revoked_at: now.to_string(),
                ground: "article9".into(),
                reason_code: Some(5),
            });
        Ok(record.clone())
    }

    fn disclose(&self, request: &DisclosureRequest) -> Result<DisclosureLine, AuthorityFault> {
        let content = RequestContent::from_bytes(&request.request.0).unwrap();
        let act = Act::from_payload(&request.act.payload.0).unwrap();
        let line = DisclosureLine {
            id: act.application.to_string(),
            wish: "disclosure".into(),
            step: "open".into(),
            municipality: act.municipality.to_string(),
            requested_on: content.requested_on.to_string(),
            due: None,
            days_left: None,
            extended: false,
            addressee: "東京都知事".into(),
            received_at: self.clock.now().to_string(),
        };
        self.disclosures.lock().unwrap().push(line.clone());
        Ok(line)
    }

    fn disclosures(
        &self,
        municipality: MunicipalityCode,
    ) -> Result<DisclosureList, AuthorityFault> {
        let kept = self.disclosures.lock().unwrap();
        let here = |line: &&DisclosureLine| line.municipality == municipality.to_string();
        Ok(DisclosureList {
            disclosures: kept.iter().filter(here).cloned().collect(),
        })
    }

    fn disclosure(
        &self,
        municipality: MunicipalityCode,
        id: ApplicationId,
    ) -> Result<Option<DisclosureLine>, AuthorityFault> {
        let list = self.disclosures(municipality)?.disclosures;
        Ok(list.into_iter().find(|line| line.id == id.to_string()))
    }

    fn deliver_disclosure(
        &self,
        id: ApplicationId,
        _: &DeliveryRequest,
    ) -> Result<DeliveryResponse, AuthorityFault> {
        let kept = self.disclosures.lock().unwrap();
        let line = kept.iter().find(|line| line.id == id.to_string());
        Ok(DeliveryResponse {
            disclosure: line.unwrap().clone(),
            answer: Base64(b"%PDF-".to_vec()),
        })
    }

    fn tell_stops(&self, report: &StopReport) -> Result<StopReleases, AuthorityFault> {
        *self.stops.lock().unwrap() = report.stops.clone();
        Ok(StopReleases {
            releases: self.releases.lock().unwrap().clone(),
        })
    }

    fn register_revocations(
        &self,
        municipality: &str,
        since: u64,
    ) -> Result<RegisterRevocationList, AuthorityFault> {
        let events = self.events.lock().unwrap();
        let told = |one: &&RegisterRevocation| one.sequence > since;
        Ok(RegisterRevocationList {
            municipality: municipality.into(),
            revocations: events.iter().filter(told).cloned().collect(),
            told: events.last().map_or(since, |last| last.sequence.max(since)),
        })
    }

    fn certificate(&self, serial: &str) -> Result<Option<CertificateRecord>, AuthorityFault> {
        let revocation = self.revoked.lock().unwrap().get(serial).cloned();
        Ok(self
            .issued
            .lock()
            .unwrap()
            .values()
            .find(|issued| issued.serial == serial)
            .map(|issued| CertificateRecord {
                serial: serial.into(),
                certificate: issued.certificate.clone(),
                status: if revocation.is_some() {
                    "revoked"
                } else {
                    "live"
                }
                .into(),
                revocation,
            }))
    }
}
