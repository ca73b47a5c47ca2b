//! How often one terminal, kiosk or operator may ask, in each lane by itself.

use std::num::NonZeroU32;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DashMapStateStore,
};
use service::tls::Peer;

use super::{Gateway, lane::Lane, problem::Problem};

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock>;

/// Buckets per caller.
pub struct Limits {
    clock: DefaultClock,
    party: Keyed<([u8; 32], Lane)>,
    operator: Keyed<(String, Lane)>,
}

impl Limits {
    /// `(per second, burst)` for terminals and kiosks, and for operators.
    #[must_use]
    pub fn new(party: (NonZeroU32, NonZeroU32), operator: (NonZeroU32, NonZeroU32)) -> Self {
        let quota =
            |(rate, burst): (NonZeroU32, NonZeroU32)| Quota::per_second(rate).allow_burst(burst);
        Self {
            clock: DefaultClock::default(),
            party: RateLimiter::keyed(quota(party)),
            operator: RateLimiter::keyed(quota(operator)),
        }
    }

    /// One request of a terminal or kiosk.
    pub fn party(&self, certificate_sha256: &[u8; 32], lane: Lane) -> Result<(), Problem> {
        self.party
            .check_key(&(*certificate_sha256, lane))
            .map_err(|until| {
                Problem::too_many(until.wait_time_from(self.clock.now()).as_secs() + 1)
            })
    }

    /// One request of an operator.
    pub fn operator(&self, operator: &str, lane: Lane) -> Result<(), Problem> {
        self.operator
            .check_key(&(operator.to_owned(), lane))
            .map_err(|until| {
                Problem::too_many(until.wait_time_from(self.clock.now()).as_secs() + 1)
            })
    }

    /// Forgets callers whose buckets are full again.
    pub fn sweep(&self) {
        self.party.retain_recent();
        self.operator.retain_recent();
    }
}

/// Middleware: limits and counts requests before anything is read.
pub async fn guard(
    gateway: web::Data<Gateway>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let route = request
        .match_pattern()
        .unwrap_or_else(|| "unknown".to_owned());
    let method = request.method().to_string();
    let begun = std::time::Instant::now();
    let key = request.conn_data::<Peer>().map(|peer| peer.sha256);
    let lane = Lane::of(request.path());
    let outcome = match key.map_or(Ok(()), |key| gateway.limits.party(&key, lane)) {
        Ok(()) => next
            .call(request)
            .await
            .map(ServiceResponse::map_into_left_body),
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    };
    let status = match &outcome {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let elapsed = begun.elapsed();
    metrics::counter!("ra_requests_total", "route" => route.clone(), "status" => status.as_u16().to_string())
        .increment(1);
    metrics::histogram!("ra_request_seconds", "route" => route.clone()).record(elapsed);
    tracing::info!(
        method,
        route,
        status = status.as_u16(),
        microseconds = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_terminal_that_asks_too_often_does_not_stop_another() {
        let one = NonZeroU32::MIN;
        let limits = Limits::new((one, one), (one, one));
        let window = Lane::Window;
        assert!(limits.party(&[1; 32], window).is_ok());
        let problem = limits.party(&[1; 32], window).unwrap_err();
        assert_eq!(problem.name(), "too-many-requests");
        assert!(problem.0.retry_after >= Some(1));
        assert!(limits.party(&[2; 32], window).is_ok());
        assert!(limits.operator("13101-0001", window).is_ok());
        assert!(limits.operator("13101-0001", window).is_err());
        assert!(limits.operator("13101-0002", window).is_ok());
        // Nor does its own flood of one kind of work stop the other kind.
        assert!(limits.party(&[1; 32], Lane::Notices).is_ok());
        assert!(limits.operator("13101-0001", Lane::Notices).is_ok());
    }
}
