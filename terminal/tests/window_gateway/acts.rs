//! Acts that the window and its operator sign: issuing and revoking.

use jiff::{SignedDuration, Timestamp};
use pki_core::act::{Deed, SignedAct};
use pki_core::certificate::public_key::PublicKey;
use pki_core::certificate::{CertificateImage, Subject, Subscriber};
use schema::wire::bytes::Base64;
use schema::wire::v1::act::SignedActMessage;
use serde_json::{Value, json};
use terminal::gateway::GatewayFault;
use terminal::hash::sha256;

use crate::certificate_support::{chiyoda, sample, tokyo_items};
use schema::wire::v1::ra::*;

use super::State;

impl State {
    pub(super) fn verified(&self, message: &SignedActMessage) -> (String, Deed) {
        let signed = SignedAct {
            payload: message.payload.0.clone(),
            terminal_signature: message.terminal_signature.0.clone(),
            operator_signature: message.operator_signature.0.clone(),
        };
        let skew = SignedDuration::from_mins(2);
        let act = signed
            .verify(&self.terminal, &self.operator, Timestamp::now(), skew)
            .expect("both signatures hold");
        (act.idempotency_key.to_string(), act.deed)
    }

    pub(super) fn issue(&mut self, message: &SignedActMessage) -> Result<(), GatewayFault> {
        let (key, deed) = self.verified(message);
        let Deed::Issue(issue) = deed else {
            panic!("an issuing act")
        };
        assert_eq!(
            Some(issue.spki_sha256.to_string()),
            self.application.spki_sha256
        );
        if self.issued.contains_key(&key) {
            return Ok(());
        }
        self.due(Step::CharactersSettled)?;
        let key_der = self.issued.remove("spki").unwrap();
        let certificate = self.governor.certify(
            &sample("signature.toml", self.governor.algorithm),
            Timestamp::now(),
            0x5A,
            &PublicKey::from_spki_der(&key_der).unwrap(),
            Subject::Subscriber(Subscriber {
                items: &tokyo_items(),
                place: &chiyoda(),
                terminal: "131010001".parse().unwrap(),
                requested_at: issue.request_made_at,
                sequence: 1,
            }),
        );
        let der = certificate.into_der();
        let image = CertificateImage::decode(&der).unwrap();
        self.application.certificate = Some(IssuedCertificateMessage {
            serial: image.serial.to_string(),
            certificate_sha256: hex::encode(sha256(&[&der])),
            certificate: Base64(der.clone()),
            issuer_certificate: Base64(self.governor.certificate.clone()),
        });
        self.issued.insert(key, der);
        self.application.step = Step::Issued;
        Ok(())
    }

    pub(super) fn revoke(&mut self, request: WindowRevokeRequest) -> Result<Value, GatewayFault> {
        let (_, deed) = self.verified(&request.act);
        let Deed::Revoke(revoke) = deed else {
            panic!("a revoking act")
        };
        let digest = hex::encode(sha256(&[&request.identity.digest_input()]));
        assert_eq!(revoke.identity_sha256.to_string(), digest);
        self.revoked.push(revoke.serial.to_string());
        Ok(
            json!({"serial": revoke.serial.to_string(), "revoked_at": "2026-11-22T02:00:00Z",
                  "ground": "article9", "reason_code": 5}),
        )
    }
}
