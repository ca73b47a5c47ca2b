//! Bodies of forms (`application/x-www-form-urlencoded`), read within a limit and erased: a field may hold a PIN
//! or a password.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use super::{Kind, Problem};

/// Largest form of one person's few fields, in bytes: a password and some room.
const FEW: usize = 1024;

/// The few fields of a form that is what it has to be.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Form<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let fields = fields(request, payload, FEW);
        Box::pin(async move { Ok(Self(fields.await?)) })
    }
}

/// The fields of a form of at most so many bytes. Why one could not be read is not told.
pub(super) fn fields<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: &mut Payload,
    largest: usize,
) -> impl Future<Output = Result<T, Problem>> + 'static {
    let is_form = request.content_type() == "application/x-www-form-urlencoded";
    let bytes = web::Bytes::from_request(request, payload);
    async move {
        let bytes = bytes.await.map_err(|_| bad())?;
        let fields = (is_form && bytes.len() <= largest)
            .then(|| std::str::from_utf8(&bytes).ok())
            .flatten()
            .and_then(|text| web::Query::<T>::from_query(text).ok());
        if let Ok(mut bytes) = bytes.try_into_mut() {
            bytes.as_mut().zeroize();
        }
        Ok(fields.ok_or_else(bad)?.into_inner())
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
