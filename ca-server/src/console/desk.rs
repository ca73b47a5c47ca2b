//! Who asks and in which language.

use std::{
    collections::HashMap,
    future::{Ready, ready},
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{COOKIE, LOCATION, SET_COOKIE},
    web,
};

use super::{fault::Fault, words::Words};
use crate::app::{App, officer::Officer};

/// Cookie with the language.
const LANGUAGE: &str = "jitsuin-console-language";

/// What a form sent.
pub type Fields = HashMap<String, String>;

/// What every page needs to know of its request.
#[derive(Clone)]
pub struct Desk {
    pub app: web::Data<App>,
    pub officer: Officer,
    pub words: Words,
    /// Address of the page.
    pub here: String,
}

impl FromRequest for Desk {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let officer = request.extensions().get::<Officer>().cloned();
        let app = request.app_data::<web::Data<App>>().cloned();
        let chosen = request
            .headers()
            .get(COOKIE)
            .and_then(|header| header.to_str().ok())
            .into_iter()
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == LANGUAGE);
        let words = chosen.map_or(Words::Japanese, |(_, code)| Words::of(code));
        // The door let nobody else in, so both are there.
        ready(match (officer, app) {
            (Some(officer), Some(app)) => Ok(Self {
                app,
                officer,
                words,
                here: request.path().to_owned(),
            }),
            _ => Err(Fault::nobody()),
        })
    }
}

/// A field without the space around it; empty when it was not sent.
pub fn field(fields: &Fields, name: &str) -> String {
    fields
        .get(name)
        .map_or_else(String::new, |text| text.trim().replace("\r\n", "\n"))
}

/// Keep the language and go back to the page.
pub async fn language(fields: web::Form<Fields>) -> HttpResponse {
    let to = Words::of(&field(&fields, "to")).code();
    let cookie = format!("{LANGUAGE}={to}; Path=/; Secure; HttpOnly; SameSite=Strict");
    let here = field(&fields, "here");
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-.".contains(&b);
    let inside = here.starts_with('/') && !here.contains("//") && here.bytes().all(plain);
    let to = if inside { here.as_str() } else { "/" };
    HttpResponse::SeeOther()
        .insert_header((LOCATION, to))
        .insert_header((SET_COOKIE, cookie))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_to(here: &str) -> String {
        let fields = [("to", "en"), ("here", here)];
        let fields = fields.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let form = web::Form(Fields::from(fields));
        let answer = actix_web::rt::System::new().block_on(language(form));
        let to = answer.headers().get(LOCATION).unwrap();
        to.to_str().unwrap().to_owned()
    }

    #[test]
    fn changing_the_language_leads_back_to_a_page_of_the_console_and_nowhere_else() {
        for page in ["/", "/disclosures", "/parties/kiosk/13101K002"] {
            assert_eq!(leads_to(page), page);
        }
        for elsewhere in [
            "",
            "https://example.com/",
            "//example.com/",
            "/acts//example.com",
            "/\\example.com",
            "/acts?to=https:example.com",
        ] {
            assert_eq!(leads_to(elsewhere), "/", "{elsewhere}");
        }
    }
}
