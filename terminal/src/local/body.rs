//! Bodies of local requests: JSON of a known shape, within a limit, erased when the
//! handler is done with the bytes.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use super::{Kind, Problem};

/// Largest body of a local request, in bytes.
pub const LARGEST: usize = 64 * 1024;

/// A JSON body. Faults are answered without repeating what was sent: it may hold a
/// password.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request
            .headers()
            .get("content-type")
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.split(';').next().unwrap_or("").trim() == "application/json");
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(Problem::bad_request(
                    "the content type has to be application/json",
                ));
            }
            let bytes = bytes.await.map_err(|error| {
                if error.as_response_error().status_code().as_u16() == 413 {
                    Problem::new(
                        Kind::TooLarge,
                        "the body is larger than 64 KiB",
                        "送られたデータが大きすぎます。",
                        "What was sent is too large.",
                    )
                } else {
                    Problem::bad_request("the body could not be read")
                }
            })?;
            let parsed = serde_json::from_slice(&bytes);
            if let Ok(mut bytes) = bytes.try_into_mut() {
                bytes.as_mut().zeroize();
            }
            parsed
                .map(Self)
                .map_err(|error| Problem::bad_request(&describe(&error)))
        })
    }
}

/// serde's message names the field; of a wrong value it would repeat the value, so
/// only the kind and the place are told then.
fn describe(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let told = ["unknown field", "missing field", "duplicate field"]
        .iter()
        .any(|start| message.starts_with(start));
    if told {
        message
    } else {
        format!(
            "a value of the wrong type or no JSON at line {} column {}",
            error.line(),
            error.column()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Pin {
        pin: String,
        tries: u8,
    }

    #[test]
    fn a_fault_names_the_field_but_not_what_was_in_it() {
        let fault = |text| describe(&serde_json::from_str::<Pin>(text).unwrap_err());
        assert!(fault(r#"{"pim":"SECRET12"}"#).contains("unknown field `pim`"));
        assert!(fault(r#"{"pin":"a"}"#).contains("missing field `tries`"));
        let wrong = fault(r#"{"pin":"a","tries":"SECRET12"}"#);
        assert!(!wrong.contains("SECRET12"), "{wrong}");
    }
}
