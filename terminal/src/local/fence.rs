//! Who may talk to a local server: pages of its own address, with this start's
//! secret for everything that changes something. Keeps out other pages in the same
//! browser (cross-site requests) and names that resolve to loopback (DNS rebinding).

use std::sync::Arc;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::{Kind, Problem};

/// Header that carries the local secret.
pub const SECRET_HEADER: &str = "Jitsuin-Local";

/// This start's secret and the addresses that a page may name.
#[derive(Clone)]
pub struct Fence {
    secret: Arc<str>,
    hosts: Arc<[String]>,
}

impl Fence {
    /// A fence for a server on `127.0.0.1:port` with a fresh secret.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(port: u16) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let hosts = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        Ok(Self {
            secret: hex::encode(bytes).into(),
            hosts: hosts.to_vec().into(),
        })
    }

    /// The secret, for the ready file and the server's own pages.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    fn check(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let text = |name: header::HeaderName| {
            request
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap_or("").to_owned())
        };
        let ours = |host: &str| self.hosts.iter().any(|h| h == host);
        if !text(header::HOST).is_some_and(|host| ours(&host)) {
            return Err(refuse("the Host header does not name this server"));
        }
        if let Some(origin) = text(header::ORIGIN)
            && !origin.strip_prefix("http://").is_some_and(ours)
        {
            return Err(refuse("the Origin header names another page"));
        }
        if let Some(site) = request.headers().get("sec-fetch-site")
            && !matches!(site.as_bytes(), b"same-origin" | b"none")
        {
            return Err(refuse("the request comes from another site"));
        }
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(());
        }
        let sent = request.headers().get(SECRET_HEADER);
        let right = |sent: &header::HeaderValue| {
            verify_slices_are_equal(sent.as_bytes(), self.secret.as_bytes()).is_ok()
        };
        if sent.is_some_and(right) {
            Ok(())
        } else {
            Err(Problem::new(
                Kind::LocalSecret,
                "the header Jitsuin-Local is missing or of another start",
                "画面が古くなっています。画面を読み込み直してください。",
                "This page is of an earlier start. Load it again.",
            ))
        }
    }
}

fn refuse(detail: &str) -> Problem {
    Problem::new(
        Kind::Origin,
        detail,
        "この画面からは操作できません。端末の画面を開き直してください。",
        "This page may not do that. Open the terminal's own page.",
    )
}

/// The middleware: checks a request, and marks every answer as not to be kept.
///
/// # Errors
/// [`Kind::Origin`] and [`Kind::LocalSecret`].
pub async fn guard(
    fence: Data<Fence>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    fence.check(&request)?;
    let mut response = next.call(request).await?;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
    ] {
        response.headers_mut().insert(
            header::HeaderName::from_static(name),
            header::HeaderValue::from_static(value),
        );
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn fence() -> Fence {
        Fence {
            secret: "5ec2e7".into(),
            hosts: vec!["127.0.0.1:8080".to_owned()].into(),
        }
    }

    fn asked(request: TestRequest) -> Result<(), Kind> {
        fence()
            .check(&request.to_srv_request())
            .map_err(|p| p.kind())
    }

    fn post() -> TestRequest {
        TestRequest::post()
            .insert_header(("host", "127.0.0.1:8080"))
            .insert_header((SECRET_HEADER, "5ec2e7"))
    }

    #[test]
    fn a_page_of_this_server_with_its_secret_may_post() {
        assert_eq!(asked(post()), Ok(()));
        assert_eq!(
            asked(post().insert_header(("origin", "http://127.0.0.1:8080"))),
            Ok(())
        );
    }

    #[test]
    fn a_name_that_was_rebound_to_loopback_is_refused_even_for_reading() {
        let get = TestRequest::get().insert_header(("host", "evil.example:8080"));
        assert_eq!(asked(get), Err(Kind::Origin));
        assert_eq!(asked(TestRequest::get()), Err(Kind::Origin));
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        assert_eq!(
            asked(post().insert_header(("origin", "https://evil.example"))),
            Err(Kind::Origin)
        );
        assert_eq!(
            asked(post().insert_header(("origin", "null"))),
            Err(Kind::Origin)
        );
        assert_eq!(
            asked(post().insert_header(("sec-fetch-site", "cross-site"))),
            Err(Kind::Origin)
        );
    }

    #[test]
    fn posting_without_the_secret_of_this_start_is_refused() {
        let bare = TestRequest::post().insert_header(("host", "127.0.0.1:8080"));
        assert_eq!(asked(bare), Err(Kind::LocalSecret));
        assert_eq!(
            asked(post().insert_header((SECRET_HEADER, "another"))),
            Err(Kind::LocalSecret)
        );
    }
}
