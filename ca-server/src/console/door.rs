//! Nobody but active officers and auditors, looked up at each request; and no form that
//! another site's page sends.

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web,
};

use service::tls::Peer;

use super::fault::Fault;
use crate::app::{App, officer};

/// What a page may load and where its forms may go.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// Let officers and auditors through. Runs before a body is read.
pub async fn officers_only(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let peer = request.conn_data::<Peer>().map(|peer| peer.sha256);
    let app = request.app_data::<web::Data<App>>().cloned();
    let (Some(sha256), Some(app)) = (peer, app) else {
        return Err(Fault::nobody().into());
    };
    let admitted = web::block(move || officer::admit(&app, &sha256))
        .await
        .map_err(|error| Fault::internal(&error))?
        .map_err(Fault::from)?;
    let Some(officer) = admitted else {
        return Err(Fault::nobody().into());
    };
    // Browsers say where a form comes from; a certificate alone would go with any of them.
    let from = request
        .headers()
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    if *request.method() == Method::POST && !matches!(from, None | Some("same-origin" | "none")) {
        return Err(Fault::foreign().into());
    }
    request.extensions_mut().insert(officer);
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    let put = header::HeaderValue::from_static;
    let page = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if page {
        headers.insert(header::CONTENT_SECURITY_POLICY, put(POLICY));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, put("nosniff"));
    headers.insert(header::REFERRER_POLICY, put("no-referrer"));
    headers.insert(header::CACHE_CONTROL, put("no-store"));
    Ok(response)
}

/// There is no such page.
pub async fn nothing(_: HttpRequest) -> Result<HttpResponse, Fault> {
    Err(Fault::nothing())
}
