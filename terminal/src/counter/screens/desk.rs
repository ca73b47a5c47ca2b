//! Where a page is asked from: the language that the clerk chose, and this start's
//! secret for its forms.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::words::{Language, Words};
use crate::local::Problem;
use crate::local::fence::Fence;

/// Cookie with the language.
pub const LANGUAGE: &str = "jitsuin-language";

/// What every page needs to know of its request.
#[derive(Clone)]
pub struct Desk {
    /// Texts in the clerk's language.
    pub words: Words,
    /// For the forms.
    pub secret: String,
    /// Address of the page; where a change of language comes back to.
    pub here: String,
}

impl FromRequest for Desk {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let language = cookie(request, LANGUAGE).unwrap_or_default();
        let secret = request
            .app_data::<Data<Fence>>()
            .map(|fence| fence.secret().to_owned());
        ready(Ok(Self {
            words: Words(Language::of(&language)),
            secret: secret.unwrap_or_default(),
            here: page_of(request),
        }))
    }
}

/// The page that was asked for, or that holds the button that was pressed.
fn page_of(request: &HttpRequest) -> String {
    let path = request.path();
    let page = match path.rsplit_once('/') {
        Some((page, _)) if *request.method() == Method::POST => page,
        _ => path,
    };
    page.to_owned()
}

fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    let header = request.headers().get("cookie")?.to_str().ok()?;
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// An address of a page, else the list: nothing that a form names leads elsewhere.
pub fn inside(address: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'/' || b == b'-';
    if address.starts_with("/screens/") && address.bytes().all(plain) && !address.contains("//") {
        address
    } else {
        "/screens/applications"
    }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn a_form_leads_to_pages_of_this_terminal_only() {
        let page = "/screens/applications/a1a1";
        assert_eq!(inside(page), page);
        for foreign in [
            "https://evil.example",
            "//evil.example",
            "/screens//evil",
            "/screens/\r\nx",
        ] {
            assert_eq!(inside(foreign), "/screens/applications");
        }
    }
}
