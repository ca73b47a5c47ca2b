//! Who calls: a gateway, by the certificate of its connection, looked up afresh
//! at each request, so that a suspension cuts live connections too.

use std::any::Any;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    middleware::Next,
    rt::net::TcpStream,
    web,
};
use sha2::{Digest, Sha256};

use super::problem::{Kind, Problem};
use crate::app::{App, callers};

/// SHA-256 of the certificate that a connection was opened with.
#[derive(Clone, Copy)]
pub struct Peer([u8; 32]);

/// A registered, active gateway; handlers that need one take it as an argument.
#[derive(Clone, Debug)]
pub struct Gateway(pub String);

/// Keep the peer's certificate with its connection.
pub fn remember(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else {
        return;
    };
    let (_, session) = stream.get_ref();
    if let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) {
        data.insert(Peer(Sha256::digest(certificate).into()));
    }
}

/// Let nobody but registered, active gateways through. Runs before a body is read.
pub async fn gateways_only(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let peer = request.conn_data::<Peer>().copied();
    let app = request.app_data::<web::Data<App>>().cloned();
    let (Some(Peer(sha256)), Some(app)) = (peer, app) else {
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
