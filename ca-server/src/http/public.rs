//! The route table of `ca-server status`, and its limit per asker.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock};

use super::{
    files, ocsp, openapi, posted,
    problem::{Kind, Problem},
    read_only,
};

/// Requests per address of the asker.
pub struct Askers(Arc<DefaultKeyedRateLimiter<IpAddr>>);

impl Clone for Askers {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Askers {
    /// So many requests per second and address, twice as many at once.
    pub fn new(per_second: u32) -> Self {
        let rate = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(rate).allow_burst(rate.saturating_add(per_second));
        Self(Arc::new(DefaultKeyedRateLimiter::keyed(quota)))
    }

    /// Forget addresses that have not asked for a while.
    pub fn forget_old(&self) {
        self.0.retain_recent();
    }
}

/// Let nobody ask more than the limit.
pub async fn limit(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if let (Some(askers), Some(address)) = (
        request.app_data::<web::Data<Askers>>(),
        request.peer_addr().map(|address| address.ip()),
    ) && let Err(until) = askers.0.check_key(&address)
    {
        let clock = governor::clock::DefaultClock::default();
        let seconds = until.wait_time_from(clock.now()).as_secs() + 1;
        return Err(Problem::new(Kind::TooManyRequests, "Ask less often.")
            .retry_after(seconds)
            .into());
    }
    next.call(request).await
}

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(read_only("/crl/{issuer}.crl", web::to(files::full)))
        .service(read_only(
            "/crl/{issuer}/delta.crl",
            web::to(files::full_delta),
        ))
        .service(read_only(
            "/crl/{issuer}/{partition}/delta.crl",
            web::to(files::partition_delta),
        ))
        .service(read_only(
            "/crl/{issuer}/{partition}.crl",
            web::to(files::partition),
        ))
        .service(read_only("/certs/{issuer}.cer", web::to(files::issuer)))
        .service(posted("/ocsp/{issuer}", web::to(ocsp::post)))
        .service(read_only("/ocsp/{issuer}/{request:.*}", web::to(ocsp::get)))
        .service(read_only("/openapi.json", web::to(openapi::status)));
}
