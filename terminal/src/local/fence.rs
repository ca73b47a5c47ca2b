//! Who may talk to a local server: pages of its own address, with this start's
//! secret for everything that changes something or shows a person's data ([`OPEN`] is
//! the rest). Keeps out other pages in the same browser (cross-site requests), names
//! that resolve to loopback (DNS rebinding), and programs of other accounts on the PC,
//! which cannot read the ready file.
//!
//! Programs send the secret in the header `Jitsuin-Local`. The server's own pages have
//! it in a cookie instead: whoever starts the browser reads the secret from the ready
//! file and opens `/start/<secret>`, which sets the cookie (HttpOnly, SameSite=Strict,
//! gone with the browser, named after the port because cookies do not tell ports
//! apart) and goes on to `/`. A cookie counts only where the browser says itself that
//! the page is of this very address (Origin or Sec-Fetch-Site): for SameSite alone,
//! other servers on loopback are the same site. Every start has a secret of its own, so
//! that cookies of an earlier one, or planted ones, open nothing.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{RequestHead, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{self, Data};
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError};
use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::{Kind, Problem};

/// Header that carries the local secret.
pub const SECRET_HEADER: &str = "Jitsuin-Local";

/// Where the pages' forms go. Every handler below takes its body as
/// [`Fields`](super::Fields), which ask for the secret.
pub const FORMS: &str = "/screens/";

/// What may be read without the secret: state of the machine, no person's data. (`/`
/// itself asks for the cookie and tells how to come by it.)
const OPEN: &[&str] = &[
    "/",
    "/view",
    "/progress",
    "/attendant",
    "/api/status",
    "/api/progress",
];
/// Folders of the same kind: images and styles; the start address, which brings the
/// secret.
const OPEN_FOLDERS: &[&str] = &["/assets/", "/start/"];

/// This start's secret and the addresses that a page may name.
#[derive(Clone)]
pub struct Fence {
    secret: Arc<str>,
    hosts: Arc<[String]>,
    cookie: Arc<str>,
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
            cookie: cookie_name(port).into(),
        })
    }

    /// The secret, for the ready file and the server's own pages.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether a browser has been given this start's secret.
    pub fn knows(&self, request: &HttpRequest) -> bool {
        (request.headers().get_all(header::COOKIE))
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| name == &*self.cookie && self.is_secret(value.as_bytes()))
    }

    fn is_secret(&self, sent: &[u8]) -> bool {
        verify_slices_are_equal(sent, self.secret.as_bytes()).is_ok()
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
        let sent = request.headers().get(SECRET_HEADER);
        let sent = sent.map_or(&[][..], |sent| sent.as_bytes());
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return if is_open(request.path()) || self.knows(request.request()) {
                Ok(())
            } else {
                self.admit(sent)
            };
        }
        if request.path().starts_with(FORMS) {
            // A form cannot send a header: its secret is among the fields, where
            // `Fields` checks it. Browsers name the origin of every form.
            return if text(header::ORIGIN).is_some() {
                Ok(())
            } else {
                Err(refuse("a form without the Origin header"))
            };
        }
        // A wrong Origin was refused above; Sec-Fetch-Site may be `none` there.
        let own_page = request.headers().contains_key(header::ORIGIN)
            || (request.headers().get("sec-fetch-site"))
                .is_some_and(|site| site.as_bytes() == b"same-origin");
        if own_page && self.knows(request.request()) {
            return Ok(());
        }
        self.admit(sent)
    }

    /// Whether `sent` is this start's secret.
    ///
    /// # Errors
    /// [`Kind::LocalSecret`].
    pub fn admit(&self, sent: &[u8]) -> Result<(), Problem> {
        verify_slices_are_equal(sent, self.secret.as_bytes()).map_err(|_| {
            Problem::new(
                Kind::LocalSecret,
                "the local secret is missing or of another start",
                "画面が古くなっています。画面を読み込み直してください。",
                "This page is of an earlier start. Load it again.",
            )
        })
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

fn is_open(path: &str) -> bool {
    OPEN.contains(&path) || OPEN_FOLDERS.iter().any(|folder| path.starts_with(folder))
}

fn cookie_name(port: u16) -> String {
    format!("jitsuin-local-{port}")
}

/// `GET /start/{secret}`: gives the browser this start's secret.
///
/// # Errors
/// [`Kind::LocalSecret`] for any other secret.
pub async fn start(fence: Data<Fence>, sent: web::Path<String>) -> Result<HttpResponse, Problem> {
    if !fence.is_secret(sent.as_bytes()) {
        return Err(Problem::new(
            Kind::LocalSecret,
            "this is not the start address of this start",
            "画面の開始アドレスが古くなっています。端末を再起動してください。",
            "This start address is of an earlier start. Start the terminal again.",
        ));
    }
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict",
        fence.cookie, fence.secret
    );
    Ok(HttpResponse::SeeOther()
        .insert_header((header::SET_COOKIE, cookie))
        .insert_header((header::LOCATION, "/"))
        .finish())
}

/// Gives a request's head header values of its own. As they are read, they are slices of
/// the connection's buffer, where the body stands too; and actix keeps heads for later
/// requests. A password in the body would stay in memory for as long.
fn part_from_body(head: &mut RequestHead) {
    let mut own = HeaderMap::with_capacity(head.headers().len());
    for (name, value) in head.headers() {
        if let Ok(value) = header::HeaderValue::from_bytes(value.as_bytes()) {
            own.append(name.clone(), value);
        }
    }
    *head.headers_mut() = own;
}

/// The middleware: checks a request, and marks every answer as not to be kept.
///
/// # Errors
/// [`Kind::Origin`] and [`Kind::LocalSecret`].
pub async fn guard(
    fence: Data<Fence>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Err(problem) = fence.check(&request) {
        if !(reads && wants_page(request.head())) {
            return Err(problem.into());
        }
        let mut response = request.into_response(closed(problem.status_code()));
        mark(response.headers_mut());
        return Ok(response.map_into_right_body());
    }
    if !reads {
        part_from_body(request.head_mut());
    }
    let mut response = next.call(request).await?;
    if !reads {
        // The connection's buffer goes with the connection.
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    mark(response.headers_mut());
    Ok(response.map_into_left_body())
}

/// Whether a browser asks for a page to be shown.
fn wants_page(head: &RequestHead) -> bool {
    (head.headers.get(header::ACCEPT))
        .and_then(|accepted| accepted.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"))
}

/// What a browser shows that did not come by the start address: how to get there.
pub fn closed(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(include_str!("../../assets/shared/closed.html"))
}

fn mark(headers: &mut HeaderMap) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        // Not `no-referrer`: with that, browsers send `Origin: null` with own forms.
        ("referrer-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'self'; frame-ancestors 'self'; object-src 'self'; base-uri 'none'; form-action 'self'",
        ),
    ] {
        headers.insert(
            header::HeaderName::from_static(name),
            header::HeaderValue::from_static(value),
        );
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn fence() -> Fence {
        Fence {
            secret: "5ec2e7".into(),
            hosts: vec!["127.0.0.1:8080".to_owned()].into(),
            cookie: cookie_name(8080).into(),
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
    fn what_shows_a_person_is_read_with_the_secret_only() {
        let get = |path: &str| {
            TestRequest::get()
                .uri(path)
                .insert_header(("host", "127.0.0.1:8080"))
        };
        for page in ["/screens/applications", "/api/applications", "/api/x/y.pdf"] {
            assert_eq!(asked(get(page)), Err(Kind::LocalSecret));
            let old = ("cookie", "jitsuin-local-8080=01d5ec");
            assert_eq!(asked(get(page).insert_header(old)), Err(Kind::LocalSecret));
            let ours = (
                "cookie",
                "jitsuin-local-8080=01d5ec; jitsuin-local-8080=5ec2e7",
            );
            assert_eq!(asked(get(page).insert_header(ours)), Ok(()));
            assert_eq!(
                asked(get(page).insert_header((SECRET_HEADER, "5ec2e7"))),
                Ok(())
            );
            let linked = get(page).insert_header(ours);
            let linked = linked.insert_header(("sec-fetch-site", "cross-site"));
            assert_eq!(asked(linked), Err(Kind::Origin));
        }
        for open in ["/", "/api/status", "/assets/base.css", "/start/5ec2e7"] {
            assert_eq!(asked(get(open)), Ok(()));
        }
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
    fn a_form_has_to_name_its_origin() {
        let form = || {
            TestRequest::post()
                .uri("/screens/sign-in")
                .insert_header(("host", "127.0.0.1:8080"))
        };
        assert_eq!(asked(form()), Err(Kind::Origin));
        let ours = form().insert_header(("origin", "http://127.0.0.1:8080"));
        assert_eq!(asked(ours), Ok(()));
        let null = form().insert_header(("origin", "null"));
        assert_eq!(asked(null), Err(Kind::Origin));
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

    fn form(cookie: &'static str) -> TestRequest {
        TestRequest::post()
            .insert_header(("host", "127.0.0.1:8080"))
            .insert_header(("cookie", cookie))
    }

    #[test]
    fn the_own_page_posts_with_the_cookie_of_the_start_address() {
        let own = ("origin", "http://127.0.0.1:8080");
        let right = || form("jitsuin-local-8080=5ec2e7");
        assert_eq!(asked(right().insert_header(own)), Ok(()));
        let fetched = ("sec-fetch-site", "same-origin");
        assert_eq!(asked(right().insert_header(fetched)), Ok(()));
        for other in ["jitsuin-local-8080=5ec2e8", "jitsuin-local-8081=5ec2e7"] {
            let refused = asked(form(other).insert_header(own));
            assert_eq!(refused, Err(Kind::LocalSecret));
        }
    }

    #[test]
    fn a_cookie_alone_does_not_say_that_the_page_is_of_this_server() {
        let right = || form("jitsuin-local-8080=5ec2e7");
        assert_eq!(asked(right()), Err(Kind::LocalSecret));
        // Another server on loopback: the same site, but not the same origin.
        for other in [
            ("origin", "http://127.0.0.1:9090"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(asked(right().insert_header(other)), Err(Kind::Origin));
        }
    }
}
