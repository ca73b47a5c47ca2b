//! Acts: built from what the gateway says the application is, signed with this
//! terminal's key, countersigned by the operator's card.

use jiff::Timestamp;
use pki_core::act::{
    Act, ActFrame, Deed, Ground, IssueDeed, ReplacementCause, Replaces, RevokeDeed, Signatory,
};
use pki_core::certificate::serial::Serial;
use pki_core::id::{ApplicationId, IdempotencyKey, ResidentNumber};
use schema::wire::bytes::Base64;
use schema::wire::v1::act::SignedActMessage;
use schema::wire::v1::ra::Application;

use super::app::Counter;
use super::sign_in::Session;
use crate::local::{Kind, Problem};

/// Sixteen random bytes for an identifier.
///
/// # Errors
/// When the system gives none.
pub fn random_id() -> Result<[u8; 16], Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Problem::internal(&error))?;
    Ok(bytes)
}

/// Now, to the second: what acts carry.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// A field of the application that has to be there at this step.
fn due<T: std::str::FromStr>(field: &Option<String>, name: &str) -> Result<T, Problem> {
    field
        .as_deref()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            Problem::new(
                Kind::NotDue,
                format!("the application has no {name} yet"),
                "この操作は今の段階ではできません。表示された次の操作を行ってください。",
                "This is not due now. Do the step that is shown as next.",
            )
        })
}

/// What an issuing act vouches for.
///
/// # Errors
/// When the application is not that far.
pub fn issue_deed(
    application: &Application,
    request_made_at: Timestamp,
) -> Result<IssueDeed, Problem> {
    Ok(IssueDeed {
        visit: due(&application.visit, "visit")?,
        card: due(&application.card, "card")?,
        profile: application.profile.clone(),
        resident_sha256: due::<ResidentNumber>(&application.resident, "resident")?.digest(
            due(&Some(application.id.clone()), "identifier")?,
            due(&Some(application.municipality.clone()), "municipality")?,
        ),
        items_sha256: due(&application.items_sha256, "settled items")?,
        spki_sha256: due(&application.spki_sha256, "public key")?,
        identity_sha256: due(&application.identity_sha256, "identity decision")?,
        identified_at: due(
            &application
                .identity
                .as_ref()
                .map(|identity| identity.register_seen_at.clone()),
            "identity decision",
        )?,
        request_made_at,
        replaces: replaces(application)?,
    })
}

/// The certificate whose place the new one takes, and why by the kind of the application.
fn replaces(application: &Application) -> Result<Option<Replaces>, Problem> {
    let Some(serial) = &application.replaces else {
        return Ok(None);
    };
    let kind = serde_json::to_value(application.kind)
        .and_then(serde_json::from_value)
        .map_err(|error| Problem::internal(&error))?;
    Ok(Some(Replaces {
        serial: due(&Some(serial.clone()), "certificate to replace")?,
        cause: due(
            &ReplacementCause::of_application(kind).map(|cause| cause.to_string()),
            "cause for replacing a certificate",
        )?,
    }))
}

/// What a revoking act vouches for.
///
/// # Errors
/// When serial or digest are not in their form.
pub fn revoke_deed(
    serial: &str,
    ground: Ground,
    identity_sha256: &str,
) -> Result<RevokeDeed, Problem> {
    let serial: Serial = serial.parse().map_err(|_| {
        Problem::at(
            "/serial",
            "not a serial number: 2 to 40 hexadecimal digits",
            "発行番号の形が違います。証明書の写しを見て入力してください。",
            "This is no serial number. Take it from the printed copy.",
        )
    })?;
    Ok(RevokeDeed {
        serial,
        ground,
        identity_sha256: due(&Some(identity_sha256.to_owned()), "identity decision")?,
    })
}

impl Counter {
    /// Builds an act and has it signed by both.
    ///
    /// # Errors
    /// When the terminal's key fails, or the operator's card: then the operator has to
    /// sign in again.
    pub fn sign_act(
        &self,
        session: &mut Session,
        application: ApplicationId,
        idempotency_key: IdempotencyKey,
        time: Timestamp,
        deed: Deed,
    ) -> Result<SignedActMessage, Problem> {
        let frame = ActFrame {
            terminal: self.config.terminal,
            operator: session.operator.clone(),
            application,
            idempotency_key,
            time,
        };
        let payload = Act::new(frame, deed).made_in(self.config.mode).to_payload();
        let terminal_signature = self
            .key
            .sign(&Signatory::Terminal.message(&payload))
            .map_err(|error| Problem::internal(&error))?;
        let operator_signature = session
            .card
            .sign(&Signatory::Operator.message(&payload), &[])?;
        Ok(SignedActMessage {
            payload: Base64(payload),
            terminal_signature: Base64(terminal_signature),
            operator_signature: Base64(operator_signature),
        })
    }
}
