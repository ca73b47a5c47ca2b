//! Forms of the kiosk's pages: a few short fields, erased after use, never repeated.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use crate::local::{Kind, Problem};

/// Largest form: a password and some room.
const LARGEST: usize = 1024;

/// The fields of a form (`application/x-www-form-urlencoded`).
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Form<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(|_| bad())?;
            let fields = (bytes.len() <= LARGEST)
                .then(|| std::str::from_utf8(&bytes).ok())
                .flatten()
                .and_then(|text| web::Query::<T>::from_query(text).ok());
            if let Ok(mut bytes) = bytes.try_into_mut() {
                bytes.as_mut().zeroize();
            }
            // Why it could not be read is not told: it may hold a password.
            Ok(Self(fields.ok_or_else(bad)?.into_inner()))
        })
    }
}

fn bad() -> Problem {
    Problem::new(
        Kind::BadRequest,
        "the form is not as it has to be",
        "入力に誤りがあります。画面を読み込み直してください。",
        "The input is not as it has to be. Load the page again.",
    )
}
