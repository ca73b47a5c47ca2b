//! `POST /v1/certificates`, `GET /v1/certificates/{serial}`.

use actix_web::{HttpResponse, web};
use pki_core::{
    certificate::{Serial, request::RequestFault},
    person::certificate_items::CertificateItemsFault,
    revocation::replacement::ReplacementFault,
};
use schema::wire::v1::ca::{CertificateRecord, IssueRequest, IssueResponse, RevokeResponse};

use super::{
    acknowledged,
    answers::{Issuing, Reading},
    block,
    body::{Body, Limit},
    caller::Gateway,
    problem::{Kind, Problem},
    revocations, store_problem,
};
use crate::{
    app::{
        App,
        authorise::Refusal,
        issue::{self, IssueError, ReplacementRefusal},
        look_up::{self, LookUpError},
    },
    port::{signer::SignError, store::ReserveRefusal, vault::VaultError},
};

/// Issue a certificate for a signed act. The same idempotency key always gives
/// the same certificate.
#[utoipa::path(
    post, path = "/v1/certificates", tag = "certificates",
    request_body = IssueRequest,
    responses(
        (status = 201, description = "Issued", body = IssueResponse),
        (status = 200, description = "Issued before, for the same idempotency key", body = IssueResponse),
        Issuing,
    ),
)]
pub async fn issue(
    app: web::Data<App>,
    gateway: web::ReqData<Gateway>,
    limit: web::Data<Limit>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let gateway = gateway.into_inner();
    let wish: IssueRequest = body
        .message(&app, &gateway, "issue.request", **limit)
        .await?;
    let asked = app.clone();
    let issued = block(move || issue::issue(&asked, &gateway.0, &wish))
        .await?
        .map_err(|error| issue_problem(&error))?;
    if issued.ended_another {
        acknowledged(&app).await;
    }
    let mut response = if issued.repeated {
        HttpResponse::Ok()
    } else {
        HttpResponse::Created()
    };
    Ok(response
        .insert_header(("Location", format!("/v1/certificates/{}", issued.serial)))
        .json(IssueResponse {
            serial: issued.serial.to_string(),
            certificate: issued.certificate.into(),
            issuer_certificate: issued.issuer_certificate.into(),
        }))
}

/// What the record says of one certificate.
#[utoipa::path(
    get, path = "/v1/certificates/{serial}", tag = "certificates",
    params(("serial" = String, Path, description = "Lower-case hex of the DER content octets")),
    responses(
        (status = 200, description = "The certificate and its status", body = CertificateRecord),
        Reading,
    ),
)]
pub async fn read(
    app: web::Data<App>,
    gateway: web::ReqData<Gateway>,
    serial: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let none = || {
        Problem::new(
            Kind::NotFound,
            "No certificate with this serial was issued.",
        )
    };
    let serial: Serial = serial.parse().map_err(|_| none())?;
    let gateway = gateway.into_inner().0;
    let found = block(move || look_up::certificate(&app, &gateway, &serial))
        .await?
        .map_err(|error| match error {
            LookUpError::Store(error) => store_problem(&error),
            LookUpError::Vault(error) => vault_problem(&error),
        })?
        .ok_or_else(none)?;
    Ok(HttpResponse::Ok().json(CertificateRecord {
        serial: found.serial.to_string(),
        status: found.status.to_owned(),
        revocation: found.revocation.as_ref().map(|revoked| RevokeResponse {
            serial: found.serial.to_string(),
            ..revocations::message(revoked)
        }),
        certificate: found.certificate.into(),
    }))
}

/// A refusal as a problem.
pub(super) fn refusal_problem(refusal: &Refusal) -> Problem {
    if let Refusal::TooMany(seconds) = refusal {
        return Problem::new(Kind::TooManyRequests, refusal.to_string()).retry_after(*seconds);
    }
    let detail = match refusal {
        // The fault says which; what serde found might name values, so it stays out.
        Refusal::Act(fault) => format!("{refusal}: {fault}."),
        _ => format!("{refusal}."),
    };
    Problem::new(Kind::ActRefused, detail)
}

/// The token's trouble as a problem.
pub(super) fn sign_problem(error: &SignError) -> Problem {
    let seconds = match error {
        SignError::Away { retry_after, .. } => retry_after.as_secs().max(1),
        SignError::Unknown { .. } => 1,
        SignError::Refused { .. } => 30,
    };
    tracing::warn!(%error, "the token did not sign");
    Problem::new(
        Kind::TokenAway,
        "Nothing was issued. Send the same request again after the given time.",
    )
    .retry_after(seconds)
}

/// The vault's trouble as a problem.
pub(super) fn vault_problem(error: &VaultError) -> Problem {
    match error {
        VaultError::Token(error) => sign_problem(error),
        VaultError::Store(error) => store_problem(error),
        VaultError::Forged | VaultError::Entropy(_) => Problem::internal(error),
    }
}

fn issue_problem(error: &IssueError) -> Problem {
    let said = || format!("{}.", crate::causes(error));
    match error {
        IssueError::Refused(refusal) => refusal_problem(refusal),
        IssueError::Items(fault) => Problem::new(
            Kind::ItemsRefused,
            "Correct the items at the window and have the act signed again.",
        )
        .at(items_pointer(fault), fault.to_string()),
        IssueError::Resident => Problem::new(Kind::MalformedMessage, said())
            .at("/resident", "1 to 32 characters of 0-9 A-Z a-z -"),
        IssueError::Request(RequestFault::Unfit(fault)) => {
            Problem::new(Kind::KeyRefused, "Go back to the kiosk for a new key.")
                .at("/request", fault.to_string())
        }
        IssueError::Request(fault) => {
            Problem::new(Kind::ProofRefused, "Go back to the kiosk for a new key.")
                .at("/request", fault.to_string())
        }
        IssueError::Record(fault) => {
            Problem::new(Kind::ProofRefused, "Go back to the kiosk for a new key.")
                .at("/kiosk_record", fault.to_string())
        }
        IssueError::Mismatch(_) => Problem::new(Kind::ProofRefused, said()),
        IssueError::Plan(_) => Problem::new(Kind::LintRefused, said()),
        IssueError::Replacement(refusal) => {
            Problem::new(Kind::ReplacementRefused, replacement(*refusal))
                .at("/act", refusal.to_string())
        }
        IssueError::Conflict(ReserveRefusal::RegisterChanged) => Problem::new(
            Kind::RegisterChanged,
            conflict(ReserveRefusal::RegisterChanged),
        ),
        IssueError::Conflict(refusal) => {
            Problem::new(Kind::Conflict, conflict(*refusal)).at("/act", refusal.name())
        }
        IssueError::InWork | IssueError::Abandoned => Problem::new(
            Kind::InWork,
            "Send the same request again after the given time.",
        )
        .retry_after(1),
        IssueError::Sign(error) => sign_problem(error),
        IssueError::Vault(error) => vault_problem(error),
        IssueError::Store(error) => store_problem(error),
        IssueError::Assemble(_) | IssueError::Entropy(_) => Problem::internal(error),
    }
}

fn items_pointer(fault: &CertificateItemsFault) -> String {
    use CertificateItemsFault as F;
    match fault {
        F::Item(fault) => format!("/items/{}", fault.item.field()),
        F::BirthDate(_) => "/items/birth_date".to_owned(),
        F::Form { item } | F::Character { item, .. } => format!("/items/{}", item.field()),
        F::Flags { item } => format!("/items/{}_substitution", item.field()),
    }
}

fn conflict(refusal: ReserveRefusal) -> &'static str {
    match refusal {
        ReserveRefusal::KeyReused => {
            "This idempotency key belongs to another act. Use a new one for each wish."
        }
        ReserveRefusal::PublicKeyTaken => {
            "This public key has been certified. Go back to the kiosk for a new key."
        }
        ReserveRefusal::InEffect => {
            "A certificate is in effect for this resident (Art 6). Revoke it first."
        }
        ReserveRefusal::NothingToReplace => {
            "The certificate to be replaced is not in effect for this resident. Look up how it \
             stands; apply without a replacement when none is in effect."
        }
        ReserveRefusal::RegisterChanged => {
            "The register recorded an event about this resident after the identity check. Look the \
             resident up again and begin a new application."
        }
        ReserveRefusal::InWork => "Another request for this resident is being worked on.",
        ReserveRefusal::SerialTaken => "The serial is taken. Send the same request again.",
    }
}

fn replacement(refusal: ReplacementRefusal) -> String {
    match refusal {
        ReplacementRefusal::NotFound
        | ReplacementRefusal::Rule(
            ReplacementFault::OtherMunicipality | ReplacementFault::OtherProfile,
        ) => "No certificate with this serial can be replaced here. Check the serial.".to_owned(),
        ReplacementRefusal::Rule(ReplacementFault::TooEarly { opens }) => format!(
            "Renewal is taken from {opens} on. Before that the holder may revoke it (Art 9)."
        ),
        ReplacementRefusal::Rule(ReplacementFault::Ended) => {
            "The certificate has run out. Apply without a replacement.".to_owned()
        }
        ReplacementRefusal::Rule(ReplacementFault::NotMerged) => {
            "The certificate's municipality was not merged into this one. Take another cause."
                .to_owned()
        }
    }
}
