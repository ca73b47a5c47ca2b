//! Who calls: a gateway, by the certificate of its connection, looked up afresh
//! at each request, so that a suspension cuts live connections too.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use service::tls::Peer;

use super::problem::{Kind, Problem};
use crate::app::{App, callers};

/// A registered, active gateway; handlers that need one take it as an argument.
#[derive(Clone, Debug)]
pub struct Gateway(pub String);

/// Let nobody but registered, active gateways through. Runs before a body is read.
pub async fn gateways_only(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let peer = request.conn_data::<Peer>().map(|peer| peer.sha256);
    let app = request.app_data::<web::Data<App>>().cloned();
    let (Some(sha256), Some(app)) = (peer, app) else {
        return Err(refused().into());
    };
    let admitted = super::block(move || callers::admit(&app, &sha256))
        .await?
        .map_err(|error| super::store_problem(&error))?;
    match admitted {
        Some(gateway) => {
            request.extensions_mut().insert(Gateway(gateway));
            next.call(request).await
        }
        None => Err(refused().into()),
    }
}

fn refused() -> Problem {
    Problem::new(
        Kind::NotAuthorised,
        "Have the gateway enrolled, or its suspension lifted, by a CA officer.",
    )
}
