//! The public listener: online revocation by the holder. An address of its own, a worker
//! and a few places of its own, little room for bodies, few requests for each asker.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{ContentType, HeaderName, HeaderValue},
    middleware::Next,
    rt::time::timeout,
    web,
};
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota,
    clock::{Clock, QuantaInstant},
};
use pki_core::mode::Mode;
use schema::wire::v1::{
    ca::{OnlineRevokeRequest, RevokeResponse},
    ra::{OnlineChallengeRequest, OnlineChallengeResponse},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Semaphore;

use super::{answers::ActRefusals, problem::Problem};
use crate::app::{
    App,
    refusal::{Failure, Reason},
};

/// Use-cases at once.
pub const PLACES: usize = 4;
/// Largest body, in bytes.
const BODY: usize = 8 * 1024;
/// Signed statements in a minute, of all askers together.
const STATEMENTS: NonZeroU32 = NonZeroU32::new(120).unwrap();
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(5);
/// How long a request waits for a place.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where the mark of a gateway for training stands.
const MODE: &str = "<!-- mode -->";

/// A page in one language, marked where it is for training.
fn marked(page: &str, mark: &str, mode: Mode) -> String {
    let mark = match mode {
        Mode::Production => String::new(),
        Mode::Training => format!("<p class=\"training\" role=\"note\">{mark}</p>"),
    };
    page.replacen(MODE, &mark, 1)
}

/// What the public listener works with.
pub struct Public {
    app: Arc<App>,
    places: Arc<Semaphore>,
    askers: DefaultKeyedRateLimiter<IpAddr>,
    /// Signed statements of everybody together: each may leave a row at the authority.
    statements: DefaultDirectRateLimiter,
    japanese: String,
    english: String,
}

impl Public {
    /// So many requests of one address in a minute.
    #[must_use]
    pub fn new(app: Arc<App>, per_minute: NonZeroU32) -> Self {
        let mode = app.settings.mode;
        Self {
            japanese: marked(
                include_str!("../../assets/online.html"),
                "訓練・試験用　本物の証明書ではありません",
                mode,
            ),
            english: marked(
                include_str!("../../assets/online_en.html"),
                "FOR TRAINING  Not a real certificate",
                mode,
            ),
            app,
            places: Arc::new(Semaphore::new(PLACES)),
            statements: DefaultDirectRateLimiter::direct(Quota::per_minute(STATEMENTS)),
            askers: DefaultKeyedRateLimiter::keyed(Quota::per_minute(per_minute)),
        }
    }

    /// Forgets addresses that have not asked for a while.
    pub fn sweep(&self) {
        self.askers.retain_recent();
    }
}

/// One household has a whole /64 of IPv6 addresses.
fn asker(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        },
    }
}

/// Middleware: each asker's limit, and what every answer carries.
pub async fn guard(
    public: web::Data<Public>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let address = request.peer_addr().map(|address| asker(address.ip()));
    let checked = address.map_or(Ok(()), |address| public.askers.check_key(&address));
    let mut response = match checked {
        Ok(()) => next.call(request).await?.map_into_left_body(),
        Err(until) => request
            .error_response(too_many(&until))
            .map_into_right_body(),
    };
    let status = response.status().as_u16().to_string();
    metrics::counter!("ra_online_requests_total", "status" => status).increment(1);
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        response.headers_mut().insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    Ok(response)
}

/// What this listener is for, and how it is asked.
pub async fn page(public: web::Data<Public>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .body(public.japanese.clone())
}

/// The same in English.
pub async fn english(public: web::Data<Public>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .body(public.english.clone())
}

fn too_many(until: &NotUntil<QuantaInstant>) -> Problem {
    let now = governor::clock::DefaultClock::default().now();
    Problem::too_many(until.wait_time_from(now).as_secs() + 1)
}

/// A statement for the holder to sign.
#[utoipa::path(post, path = "/v1/online-revocation-challenges", request_body = OnlineChallengeRequest,
    responses((status = 201, body = OnlineChallengeResponse), ActRefusals))]
pub async fn challenge(
    public: web::Data<Public>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let asked: OnlineChallengeRequest = read(&request, payload).await?;
    let answer = work(public, move |app| app.challenge_online(&asked)).await?;
    Ok(HttpResponse::Created().json(answer))
}

/// The signed statement: the certificate is revoked (Art 9 ③).
#[utoipa::path(post, path = "/v1/online-revocations", request_body = OnlineRevokeRequest,
    responses((status = 200, body = RevokeResponse), ActRefusals))]
pub async fn revoke(
    public: web::Data<Public>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let asked: OnlineRevokeRequest = read(&request, payload).await?;
    let all = public.statements.check();
    all.map_err(|until| too_many(&until))?;
    let answer = work(public, move |app| app.revoke_online(&asked)).await?;
    Ok(HttpResponse::Ok().json(answer))
}

async fn read<B: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<B, Problem> {
    if request.content_type() != "application/json" {
        return Err(Problem::media_type());
    }
    match timeout(BODY_TIME, payload.to_bytes_limited(BODY)).await {
        Ok(Ok(Ok(bytes))) => serde_json::from_slice(&bytes).map_err(|_| {
            Problem::refused(
                Reason::BodyInvalid,
                "not the JSON that this address takes; see the page of this listener",
            )
        }),
        Ok(Err(_)) => Err(Problem::refused(
            Reason::BodyTooLarge,
            format!("a body has at most {BODY} bytes"),
        )),
        Ok(Ok(Err(_))) | Err(_) => Err(Problem::refused(
            Reason::BodyInvalid,
            "the body did not arrive whole",
        )),
    }
}

async fn work<R: Serialize + Send + 'static>(
    public: web::Data<Public>,
    work: impl FnOnce(&App) -> Result<R, Failure> + Send + 'static,
) -> Result<R, Problem> {
    let place = match timeout(PATIENCE, Arc::clone(&public.places).acquire_owned()).await {
        Ok(Ok(place)) => place,
        // The semaphore is never closed: only patience ends.
        Ok(Err(_)) | Err(_) => return Err(Problem::lane_full(PATIENCE.as_secs())),
    };
    let done = web::block(move || {
        let outcome = work(&public.app);
        drop(place);
        outcome
    });
    match done.await {
        Ok(outcome) => outcome.map_err(Problem::from),
        Err(_) => Err(Problem::internal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_asker() {
        let of = |text: &str| asker(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn the_pages_of_a_gateway_for_training_are_marked_and_no_others() {
        for page in [
            include_str!("../../assets/online.html"),
            include_str!("../../assets/online_en.html"),
        ] {
            assert!(
                marked(page, "MARK", Mode::Training)
                    .contains("<header>\n<p class=\"training\" role=\"note\">MARK</p>")
            );
            assert!(!marked(page, "MARK", Mode::Production).contains("MARK"));
        }
    }
}
