//! Issue, confirmation of the image, and revocation: the steps that need an act.

use jiff::{SignedDuration, Timestamp};
use pki_core::act::{Deed, Ground};
use pki_core::certificate::image::CertificateImage;
use pki_core::id::{ApplicationId, IdempotencyKey};
use schema::wire::v1::ra::{
    Application, IdentityDocument, ImageRequest, ImageVerdict, IssueActRequest,
    IssuedCertificateMessage, RevocationIdentity, Step, WindowRevokeRequest, WindowRevokeResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{issue_deed, now, random_id, revoke_deed};
use super::app::Counter;
use super::card_steps::not_issued_yet;
use super::image;
use super::next::shown;
use super::pending::Pending;
use super::sign_in::Session;
use crate::gateway::GatewayFault;
use crate::hash::sha256;
use crate::local::Problem;

/// An act older than this is signed anew under the same key: those who check it allow
/// little difference between clocks.
const ACT_FRESH: SignedDuration = SignedDuration::from_secs(60);

/// `POST /api/revocations`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The application whose certificate it is.
    #[serde(default)]
    pub application: Option<ApplicationId>,
    /// Or its serial number, from the printed copy.
    #[serde(default)]
    pub serial: Option<String>,
    /// Statutory ground.
    pub ground: Ground,
    /// What the applicant showed.
    pub document: IdentityDocument,
    /// The face is that of the photo.
    #[serde(default = "yes")]
    pub face_matches: bool,
}

fn yes() -> bool {
    true
}

impl Counter {
    /// Requests the certificate. The act is kept before it is sent, and sent until it
    /// is answered; after a restart the same button goes on with the same wish.
    ///
    /// # Errors
    /// Not due, what the gateway or the CA says.
    pub fn issue(&self, id: &ApplicationId) -> Result<Value, Problem> {
        self.with_session(|session| {
            let token = session.token().to_owned();
            let application = self.again_as(|| self.fetch(id, &token))?;
            if application.step > Step::CharactersSettled && application.certificate.is_some() {
                self.pending.forget(id);
                return Ok(shown(&application));
            }
            let pending = self.act_for(session, id, &application)?;
            self.send(&pending, &token).map(|a| shown(&a))
        })
    }

    /// The act for an application: the one under way while it is fresh, else a new one,
    /// under the same key as long as it is the same wish.
    fn act_for(
        &self,
        session: &mut Session,
        id: &ApplicationId,
        application: &Application,
    ) -> Result<Pending, Problem> {
        let signed_at = now();
        let content = content(application);
        let before = self.pending.of(id).filter(|p| p.content == content);
        if let Some(pending) = &before
            && age(pending.signed_at, signed_at) < ACT_FRESH
        {
            return Ok(pending.clone());
        }
        let idempotency_key = wish("issue", &content);
        let request_made_at = before.map_or(signed_at, |before| before.request_made_at);
        let deed = Deed::Issue(issue_deed(application, request_made_at)?);
        let pending = Pending {
            application: *id,
            idempotency_key,
            request_made_at,
            signed_at,
            content,
            act: self.sign_act(session, *id, idempotency_key, signed_at, deed)?,
        };
        self.pending
            .keep(&pending)
            .map_err(|error| Problem::internal(&error))?;
        Ok(pending)
    }

    fn send(&self, pending: &Pending, token: &str) -> Result<Application, Problem> {
        let body = IssueActRequest {
            act: pending.act.clone(),
        };
        let done = |step| step >= Step::Issued;
        let answer = self.step_as(&pending.application, "issue", &body, done, token);
        // Kept after a fault: an unknown outcome is asked for again, and after a refusal
        // the same wish is made again under the same key.
        if answer.is_ok() {
            self.pending.forget(&pending.application);
        }
        Ok(answer?)
    }

    /// After sign-in: goes on with what a restart or a lost link interrupted. Gives
    /// the applications that are issued now.
    pub(super) fn recover_pending(&self) -> Vec<String> {
        let pending = self.pending.all();
        pending
            .iter()
            .filter(|pending| {
                let recovered = self.issue(&pending.application);
                if let Err(problem) = &recovered {
                    tracing::info!(application = %pending.application, %problem, "not recovered yet");
                }
                recovered.is_ok()
            })
            .map(|pending| pending.application.to_string())
            .collect()
    }

    /// The image of the certificate, from its DER alone.
    ///
    /// # Errors
    /// Before it is issued; a certificate that cannot be read.
    pub fn image(&self, id: &ApplicationId) -> Result<Value, Problem> {
        let issued = self.issued(id)?.1;
        let image = CertificateImage::decode(&issued.certificate.0)
            .map_err(|error| Problem::internal(&error))?;
        Ok(image::shown(&image))
    }

    /// What clerk and applicant say of the image.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn confirm_image(
        &self,
        id: &ApplicationId,
        verdict: ImageVerdict,
    ) -> Result<Value, Problem> {
        let (application, issued) = self.issued(id)?;
        let ground = match verdict {
            ImageVerdict::Right => None,
            ImageVerdict::PersonWrong | ImageVerdict::IssuerWrong => Some(Ground::Article13),
            ImageVerdict::SubstituteWish => Some(Ground::Article9),
        };
        self.with_session(|session| {
            let token = session.token().to_owned();
            let signed = match ground {
                None => Ok(None),
                Some(ground) => {
                    let identity = application.identity_sha256.clone().unwrap_or_default();
                    let deed = Deed::Revoke(revoke_deed(&issued.serial, ground, &identity)?);
                    let key = wish("revoke", &issued.serial);
                    self.sign_act(session, *id, key, now(), deed).map(Some)
                }
            };
            let (act, unsigned) = match signed {
                Ok(act) => (act, None),
                // The stop of the service does not wait for the operator's card; the revocation
                // does, and the same verdict sent again with it carries it out.
                Err(problem) if verdict == ImageVerdict::IssuerWrong => (None, Some(problem)),
                Err(problem) => return Err(problem),
            };
            let body = ImageRequest {
                verdict,
                certificate_sha256: hex::encode(sha256(&[&issued.certificate.0])),
                act,
            };
            let done = |step| step != Step::Issued;
            let told = self.step_as(id, "image", &body, done, &token)?;
            unsigned.map_or_else(|| Ok(shown(&told)), Err)
        })
    }

    /// Revokes at the window (Arts 9, 10).
    ///
    /// # Errors
    /// Neither application nor serial, what the gateway or the CA says.
    pub fn revoke(&self, asked: Revocation) -> Result<Value, Problem> {
        let (application, serial) = match (asked.application, asked.serial) {
            (Some(id), serial) => {
                let issued = self.issued(&id)?.1;
                (id, serial.unwrap_or(issued.serial))
            }
            // A revocation of its own: an application id that stands for this visit.
            (None, Some(serial)) => (ApplicationId::from_bytes(random_id()?), serial),
            (None, None) => {
                return Err(Problem::at(
                    "/serial",
                    "either application or serial is needed",
                    "申請または発行番号を指定してください。",
                    "Give the application or the serial number.",
                ));
            }
        };
        let identity = RevocationIdentity {
            document: asked.document,
            face_matches: asked.face_matches,
        };
        let digest = hex::encode(sha256(&[&identity.digest_input()]));
        let deed = Deed::Revoke(revoke_deed(&serial, asked.ground, &digest)?);
        self.with_session(|session| {
            let token = session.token().to_owned();
            let key = wish("revoke", &serial);
            let act = self.sign_act(session, application, key, now(), deed)?;
            let body = WindowRevokeRequest { act, identity };
            let revoked: WindowRevokeResponse =
                self.again_as(|| self.gateway().post("/v1/revocations", Some(&token), &body))?;
            Ok(json!(revoked))
        })
    }

    pub(super) fn issued(
        &self,
        id: &ApplicationId,
    ) -> Result<(Application, IssuedCertificateMessage), Problem> {
        let application = self.application(id)?;
        let issued = application.certificate.clone().ok_or_else(not_issued_yet)?;
        if hex::encode(sha256(&[&issued.certificate.0])) != issued.certificate_sha256 {
            let fault =
                GatewayFault::Form("the certificate is not what its digest says".to_owned());
            return Err(fault.into());
        }
        Ok((application, issued))
    }
}

fn age(from: Timestamp, to: Timestamp) -> SignedDuration {
    to.duration_since(from).abs()
}

/// The idempotency key of a wish follows from what is wished: whoever presses the
/// button again, on this terminal or, should it break, on another, asks for the same.
pub(super) fn wish(what: &str, content: &str) -> IdempotencyKey {
    let digest = sha256(&[
        b"jitsuin-wish\0",
        what.as_bytes(),
        b"\0",
        content.as_bytes(),
    ]);
    IdempotencyKey::from_bytes(std::array::from_fn(|i| digest[i]))
}

/// What makes two wishes the same: the same key, items and identity decision.
fn content(application: &Application) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let all = [
        application.id.clone(),
        text(&application.visit),
        text(&application.card),
        application.profile.clone(),
        text(&application.items_sha256),
        text(&application.spki_sha256),
        text(&application.identity_sha256),
    ]
    .join("\n");
    hex::encode(sha256(&[all.as_bytes()]))
}
