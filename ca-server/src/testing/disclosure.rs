//! Requests for disclosure as a window makes them, and officers with keys of their own.

use jiff::Timestamp;
use pki_core::{
    act::{Act, ActFrame, Deed, DeliverDeed, DiscloseDeed},
    disclosure::{Delivery, Identification, Person, RequestContent, Wish},
    id::{ApplicationId, IdempotencyKey, Sha256Digest},
    officer::{Part, message},
};
use schema::wire::v1::disclosure::{DeliveryRequest, DisclosureRequest};
use sha2::{Digest, Sha256};

use super::window::{PartyKey, Window, random16};
use crate::app::{
    App,
    enrol::{self, Enrolment},
    officer::{self, Officer},
};

/// A licence that is good for long.
pub fn identification() -> Identification {
    Identification {
        document: "drivers-licence".to_owned(),
        issuer: Some("東京都公安委員会".to_owned()),
        expires_on: Some("2035-04-01".parse().expect("a day")),
        face_matches: true,
    }
}

/// 総務太郎 asks for what is recorded about him.
pub fn request(resident: Option<&str>, on: &str) -> RequestContent {
    RequestContent {
        version: 1,
        wish: Wish::Disclosure,
        person: Person {
            name: "総務　太郎".to_owned(),
            birth_date: "319500401".to_owned(),
            address: "東京都千代田区霞が関２丁目１番２号".to_owned(),
            resident: resident.map(|number| number.parse().expect("a resident's number")),
            serial: None,
        },
        proxy: None,
        requested_on: on.parse().expect("a day"),
        delivery: Delivery::Window,
        identification: identification(),
    }
}

fn act(window: &Window, id: ApplicationId, now: Timestamp, deed: Deed) -> Act {
    let frame = ActFrame {
        terminal: window.terminal_id.parse().expect("a terminal's id"),
        operator: window.operator_id.parse().expect("an operator's id"),
        application: id,
        idempotency_key: IdempotencyKey::from_bytes(random16()),
        time: now,
    };
    Act::new(frame, deed)
}

/// The window's message for a request; its id is drawn.
pub fn disclosure(
    window: &Window,
    content: &RequestContent,
    now: Timestamp,
) -> (ApplicationId, DisclosureRequest) {
    let id = ApplicationId::from_bytes(random16());
    let bytes = content.to_bytes();
    let deed = DiscloseDeed {
        request_sha256: Sha256Digest::of(&bytes),
        identity_sha256: content.identification.digest(),
    };
    let message = DisclosureRequest {
        act: window.sign(&act(window, id, now, Deed::Disclose(deed))),
        request: bytes.into(),
    };
    (id, message)
}

/// The window's message for handing an answer over.
pub fn delivery(window: &Window, id: ApplicationId, now: Timestamp) -> DeliveryRequest {
    let bytes = identification().to_bytes();
    let deed = DeliverDeed {
        identity_sha256: Sha256Digest::of(&bytes),
    };
    DeliveryRequest {
        act: window.sign(&act(window, id, now, Deed::Deliver(deed))),
        identification: bytes.into(),
    }
}

/// An officer or auditor with a key.
pub struct OfficerKey {
    pub id: String,
    pub key: PartyKey,
    /// DER.
    pub certificate: Vec<u8>,
}

impl OfficerKey {
    /// Enrolled at the command line's use-case.
    pub fn enrolled(app: &App, kind: &str, id: &str) -> Self {
        let key = PartyKey::new();
        let party = enrol::enrol(
            app,
            &Enrolment {
                kind: kind.to_owned(),
                id: id.to_owned(),
                municipality: None,
                label: format!("{kind} {id}"),
                request: key.request(id),
                dns_names: Vec::new(),
                addresses: Vec::new(),
                replace: false,
            },
        )
        .expect("the enrolment");
        Self {
            id: id.to_owned(),
            key,
            certificate: party.certificate,
        }
    }

    /// Let in by the certificate.
    pub fn admitted(&self, app: &App) -> Option<Officer> {
        let sha256: [u8; 32] = Sha256::digest(&self.certificate).into();
        officer::admit(app, &sha256).expect("the store")
    }

    /// The signature over an act's statement.
    pub fn signature(&self, app: &App, act: ApplicationId, part: Part) -> Vec<u8> {
        let officer = self.admitted(app).expect("an officer");
        let known = officer::act(app, act).expect("the act");
        let statement = officer::statement(app, &officer, &known, part);
        self.key.sign(&message(&statement.to_payload()))
    }
}
