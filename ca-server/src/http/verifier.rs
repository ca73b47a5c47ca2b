//! Registered access: only verifiers (署名検証者) are let in, and what each is given
//! is counted.

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web,
};

use service::tls::Peer;

use super::problem::{Kind, Problem};
use crate::{
    app::{
        answer_ocsp::StatusApp,
        provide::{self, Admission},
    },
    port::provision::Provided,
};

/// Note on an answer what it gives.
pub fn provided(mut response: HttpResponse, kind: Provided) -> HttpResponse {
    response.extensions_mut().insert(kind);
    response
}

/// Where access is registered, let nobody but registered, active verifiers through, and count
/// what they are given. Where access is open, this does nothing.
pub async fn registered_only(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(app) = request.app_data::<web::Data<StatusApp>>().cloned() else {
        return Err(refused().into());
    };
    if app.records.is_none() {
        return next.call(request).await;
    }
    let Some(peer) = request.conn_data::<Peer>().cloned() else {
        return Err(refused().into());
    };
    let asked = app.clone();
    let admitted = super::block(move || provide::admit(&asked, &peer.sha256))
        .await?
        .map_err(|error| super::store_problem(&error))?;
    let verifier = match admitted {
        Admission::Welcome(verifier) => verifier,
        Admission::Refused(why) => {
            tracing::debug!(why, "a caller is refused");
            return Err(refused().into());
        }
    };
    let nothing_sent = request.method() == Method::HEAD;
    let answer = next.call(request).await?;
    let given = answer.response().extensions().get::<Provided>().copied();
    if let (Some(kind), Some(records), false) = (given, &app.records, nothing_sent) {
        records.tally.count(app.clock.now(), &verifier, kind);
    }
    Ok(answer)
}

fn refused() -> Problem {
    Problem::new(
        Kind::NotAuthorised,
        "Revocation information is given to registered verifiers; ask the prefecture to be \
         registered, or to lift the suspension.",
    )
}
