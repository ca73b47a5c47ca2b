//! The body of a permitted caller, within its limits of size and time. One that
//! cannot be read is refused, and the refusal is in the audit log before it is answered.

use std::time::Duration;

use actix_web::{
    FromRequest, HttpRequest, dev, http::header::CONTENT_TYPE, rt::time::timeout, web,
};
use serde::de::DeserializeOwned;

use super::{
    block,
    caller::Gateway,
    problem::{self, Kind, Problem},
    store_problem,
};
use crate::app::{App, callers};

/// How long a body may take to arrive.
const TIME: Duration = Duration::from_secs(10);

/// Most bytes of a message.
#[derive(Clone, Copy)]
pub struct Limit(pub usize);

/// A body on its way.
pub struct Body {
    media_type: String,
    payload: web::Payload,
}

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let media_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        std::future::ready(
            web::Payload::from_request(request, payload)
                .into_inner()
                .map(|payload| Self {
                    media_type,
                    payload,
                }),
        )
    }
}

impl Body {
    /// The bytes, when they are of this media type, few enough and here in time.
    pub async fn bytes(self, media_type: &str, Limit(limit): Limit) -> Result<web::Bytes, Problem> {
        if self.media_type != media_type {
            return Err(Problem::new(
                Kind::UnsupportedMediaType,
                format!("Send {media_type}."),
            ));
        }
        match timeout(TIME, self.payload.to_bytes_limited(limit)).await {
            Ok(Ok(Ok(bytes))) => Ok(bytes),
            Ok(Err(_)) => Err(Problem::new(
                Kind::TooLarge,
                format!("Send at most {limit} bytes."),
            )),
            Ok(Ok(Err(_))) | Err(_) => Err(Problem::new(
                Kind::MalformedMessage,
                "The message did not arrive whole.",
            )),
        }
    }

    /// The message of a gateway. A refusal is audited under the event.
    pub async fn message<T: DeserializeOwned>(
        self,
        app: &web::Data<App>,
        gateway: &Gateway,
        event: &'static str,
        limit: Limit,
    ) -> Result<T, Problem> {
        let read = match self.bytes("application/json", limit).await {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| problem::of_json(&error)),
            Err(problem) => Err(problem),
        };
        let problem = match read {
            Ok(message) => return Ok(message),
            Err(problem) => problem,
        };
        let (app, gateway, why) = (app.clone(), gateway.0.clone(), problem.kind().name());
        block(move || callers::refuse_message(&app, &gateway, event, why))
            .await?
            .map_err(|error| store_problem(&error))?;
        Err(problem)
    }
}
