//! A party of a test's own: a terminal and a supervisor whose keys are files, so that a program
//! can play them without a card.

use std::path::PathBuf;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use pki_core::certificate::pem;
use schema::wire::bytes::Base64;
use schema::wire::v1::ra::{
    OperatorChallengeResponse, OperatorSessionRequest, OperatorSessionResponse,
    operator_challenge_message,
};
use serde_json::{Value, json};
use xtask::fault::{Fault, OnPath, Result};
use xtask::stack::MUNICIPALITY;
use xtask::stack::authority::Party;

use crate::mtls::Client;
use crate::scene::Scene;

const TERMINAL: &str = "131010009";
const OPERATOR: &str = "13101-0009";

/// The enrolled party.
pub struct Tester {
    client: Client,
    key: EcdsaKeyPair,
    /// The terminal's certificate, PEM.
    pub certificate: PathBuf,
    /// The terminal's key, PEM.
    pub certificate_key: PathBuf,
}

impl Tester {
    /// Enrols terminal and supervisor with the authority and the gateway of the scene.
    pub fn enrol(scene: &Scene) -> Result<Self> {
        let (authority, reception) = (scene.stack().authority()?, scene.stack().reception()?);
        for (program, kind, id, role) in [
            ("counter-terminal", "terminal", TERMINAL, None),
            ("ra-gateway", "operator", OPERATOR, Some("supervisor")),
        ] {
            let place = format!("tester/{kind}");
            let (_, request) = authority.key_and_request(program, id, &place)?;
            let party = Party {
                kind,
                id,
                municipality: Some(MUNICIPALITY),
                label: "試験",
            };
            let (_, record) = authority.enrol(&party, &request)?;
            let record = record.to_string_lossy();
            let mut words = vec!["register", "--record", &record];
            if let Some(role) = role {
                words.extend(["--role", role]);
            }
            reception.ra(&words)?;
        }
        let key = scene.file("tester/operator.key");
        let text = std::fs::read_to_string(&key).on(&key)?;
        let der =
            pem::decode(pem::PRIVATE_KEY, &text).map_err(|error| Fault::new(error.to_string()))?;
        Ok(Self {
            client: scene.client(scene.stack().where_to().gateway(), Some("tester/terminal"))?,
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
                .map_err(|_| Fault::new("no P-256 key"))?,
            certificate: scene.file("tester/terminal.pem"),
            certificate_key: scene.file("tester/terminal.key"),
        })
    }

    /// A new session of the supervisor at the terminal.
    pub fn sign_in(&self) -> Result<String> {
        let body = json!({ "operator": OPERATOR });
        let challenge: OperatorChallengeResponse =
            serde_json::from_value(self.post("/v1/operator-challenges", None, &body)?)?;
        let message = operator_challenge_message(TERMINAL, &challenge.challenge.0);
        let signature = self
            .key
            .sign(&SystemRandom::new(), &message)
            .map_err(|_| Fault::new("no signature could be made"))?;
        let body = OperatorSessionRequest {
            challenge_id: challenge.challenge_id,
            operator: OPERATOR.to_owned(),
            signature: Base64(signature.as_ref().to_vec()),
        };
        let body = serde_json::to_value(&body)?;
        let opened: OperatorSessionResponse =
            serde_json::from_value(self.post("/v1/operator-sessions", None, &body)?)?;
        Ok(opened.session.0)
    }

    /// One request that succeeds.
    pub fn post(&self, path: &str, session: Option<&str>, body: &Value) -> Result<Value> {
        let headers: Vec<(&str, &str)> = session
            .map(|session| ("Operator-Session", session))
            .into_iter()
            .collect();
        let body = body.to_string();
        let reply = self.client.ask("POST", path, &headers, body.as_bytes())?;
        if (200..300).contains(&reply.status) {
            return Ok(reply.json());
        }
        let said = String::from_utf8_lossy(&reply.body).into_owned();
        Err(Fault::new(format!("POST {path} was answered {}", reply.status)).with_lines(&said, 3))
    }
}
