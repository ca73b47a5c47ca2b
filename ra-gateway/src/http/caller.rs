//! From a request to a permitted caller, and only then to its body.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::CONTENT_TYPE},
    rt::time::timeout,
    web,
};
use pki_core::kept_paper;
use serde::{Serialize, de::DeserializeOwned};
use service::tls::Peer;

use super::{Gateway, lane::Lane, problem::Problem};
use crate::app::{
    App,
    caller::{BackOffice, Clerk, Kiosk, Operator, Supervisor, Terminal},
    refusal::{Failure, Reason},
};
use crate::port::AuditEntry;

/// Header that carries the operator's session.
pub const SESSION_HEADER: &str = "Operator-Session";
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A request on its way to a use-case.
pub struct Call {
    gateway: web::Data<Gateway>,
    lane: Lane,
    request: HttpRequest,
    payload: Option<web::Payload>,
}

impl actix_web::FromRequest for Call {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let gateway = request
            .app_data::<web::Data<Gateway>>()
            .expect("every route is configured beside the gateway")
            .clone();
        std::future::ready(Ok(Self {
            gateway,
            lane: Lane::of(request.path()),
            request: request.clone(),
            payload: web::Payload::from_request(request, payload)
                .into_inner()
                .ok(),
        }))
    }
}

type Answer = Result<HttpResponse, Problem>;

impl Call {
    /// An operator's act with a body.
    pub async fn for_clerk<B, R>(
        self,
        status: StatusCode,
        work: impl FnOnce(&App, &Clerk, B) -> Result<R, Failure> + Send + 'static,
    ) -> Answer
    where
        B: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        let clerk = self.clerk().await?;
        let entry = clerk.entry("request");
        let (gateway, lane) = (self.gateway.clone(), self.lane);
        let body: B = self.body(entry).await?;
        let answer = block(gateway, lane, move |app| work(app, &clerk, body)).await?;
        json(status, &answer)
    }

    /// An operator's act in the office, with a body.
    pub async fn for_back_office<B, R>(
        self,
        status: StatusCode,
        work: impl FnOnce(&App, &BackOffice, B) -> Result<R, Failure> + Send + 'static,
    ) -> Answer
    where
        B: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        let clerk = self.signed_in(App::back_office).await?;
        self.gateway
            .limits
            .operator(clerk.operator.as_str(), self.lane)?;
        let entry = clerk.entry("request");
        let (gateway, lane) = (self.gateway.clone(), self.lane);
        let body: B = self.body(entry).await?;
        let answer = block(gateway, lane, move |app| work(app, &clerk, body)).await?;
        json(status, &answer)
    }

    /// A supervisor's act with a body.
    pub async fn for_supervisor<B, R>(
        self,
        status: StatusCode,
        work: impl FnOnce(&App, &Supervisor, B) -> Result<R, Failure> + Send + 'static,
    ) -> Answer
    where
        B: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        let supervisor = self.signed_in(App::supervisor).await?;
        self.gateway
            .limits
            .operator(supervisor.operator.as_str(), self.lane)?;
        let entry = supervisor.entry("request");
        let (gateway, lane) = (self.gateway.clone(), self.lane);
        let body: B = self.body(entry).await?;
        let answer = block(gateway, lane, move |app| work(app, &supervisor, body)).await?;
        json(status, &answer)
    }

    /// An operator's question: every role may read.
    pub async fn for_operator_asking<R>(
        self,
        work: impl FnOnce(&App, &Operator) -> Result<R, Failure> + Send + 'static,
    ) -> Answer
    where
        R: Serialize + Send + 'static,
    {
        let operator = self.operator().await?;
        let answer = block(self.gateway.clone(), self.lane, move |app| {
            work(app, &operator)
        })
        .await?;
        json(StatusCode::OK, &answer)
    }

    /// An operator's question whose query says more.
    pub async fn for_operator_choosing<Q, R>(
        self,
        work: impl FnOnce(&App, &Operator, Q) -> Result<R, Failure> + Send + 'static,
    ) -> Answer
    where
        Q: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        let operator = self.operator().await?;
        let Ok(query) = web::Query::<Q>::from_query(self.request.query_string()) else {
            let entry = operator.entry("request");
            return Err(refused(self.gateway, self.lane, entry, query_invalid()).await);
        };
        let answer = block(self.gateway.clone(), self.lane, move |app| {
            work(app, &operator, query.into_inner())
        })
        .await?;
        json(StatusCode::OK, &answer)
    }

    /// The operator's session ends.
    pub async fn sign_out(self) -> Answer {
        let operator = self.operator().await?;
        let token = self.token().unwrap_or_default();
        block(self.gateway.clone(), self.lane, move |app| {
            app.sign_out(&operator, &token)
        })
        .await?;
        Ok(HttpResponse::NoContent().finish())
    }

    /// A terminal's act with a body, nobody being signed in.
    pub async fn for_terminal<B, R>(
        self,
        status: StatusCode,
        work: impl FnOnce(&App, &Terminal, B) -> Result<R, Failure> + Send + 'static,
    ) -> Answer
    where
        B: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        let certificate = self.certificate()?;
        let terminal = block(self.gateway.clone(), self.lane, move |app| {
            app.terminal(&certificate)
        })
        .await?;
        let entry = terminal.entry("request");
        let (gateway, lane) = (self.gateway.clone(), self.lane);
        let body: B = self.body(entry).await?;
        let answer = block(gateway, lane, move |app| work(app, &terminal, body)).await?;
        json(status, &answer)
    }

    /// A kiosk's act with a body.
    pub async fn for_kiosk<B, R>(
        self,
        status: StatusCode,
        work: impl FnOnce(&App, &Kiosk, B) -> Result<R, Failure> + Send + 'static,
    ) -> Answer
    where
        B: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        let certificate = self.certificate()?;
        let kiosk = block(self.gateway.clone(), self.lane, move |app| {
            app.kiosk(&certificate)
        })
        .await?;
        let entry = kiosk.entry("request");
        let (gateway, lane) = (self.gateway.clone(), self.lane);
        let body: B = self.body(entry).await?;
        let answer = block(gateway, lane, move |app| work(app, &kiosk, body)).await?;
        json(status, &answer)
    }

    async fn operator(&self) -> Result<Operator, Problem> {
        let operator = self.signed_in(App::operator).await?;
        self.gateway
            .limits
            .operator(operator.operator.as_str(), self.lane)?;
        Ok(operator)
    }

    async fn clerk(&self) -> Result<Clerk, Problem> {
        let clerk = self.signed_in(App::clerk).await?;
        self.gateway
            .limits
            .operator(clerk.operator.as_str(), self.lane)?;
        Ok(clerk)
    }

    async fn signed_in<C: Send + 'static>(
        &self,
        who: fn(&App, Terminal, Option<&str>) -> Result<C, Failure>,
    ) -> Result<C, Problem> {
        let certificate = self.certificate()?;
        let token = self.token();
        block(self.gateway.clone(), self.lane, move |app| {
            let terminal = app.terminal(&certificate)?;
            who(app, terminal, token.as_deref())
        })
        .await
    }

    fn certificate(&self) -> Result<Vec<u8>, Problem> {
        self.request
            .conn_data::<Peer>()
            .map(|peer| peer.certificate.to_vec())
            .ok_or_else(|| {
                Problem::refused(Reason::PartyUnknown, "connect with a client certificate")
            })
    }

    fn token(&self) -> Option<String> {
        let value = self.request.headers().get(SESSION_HEADER)?;
        let token = value.to_str().ok()?;
        (token.len() <= 128).then(|| token.to_owned())
    }

    /// Reads the body of a permitted caller, within its limits of size and time.
    async fn body<B: DeserializeOwned>(mut self, entry: AuditEntry) -> Result<B, Problem> {
        let read = self.read_body().await;
        match read {
            Ok(body) => Ok(body),
            Err(problem) => Err(refused(self.gateway, self.lane, entry, problem).await),
        }
    }
}

/// What is wrong with a query, without what is in it.
pub(super) fn query_invalid() -> Problem {
    Problem::refused(
        Reason::QueryInvalid,
        "the part after `?` is not what this address takes; see /openapi.json",
    )
}

/// Writes down that a caller's message could not be read; gives the problem to answer,
/// or that it could not be written down.
async fn refused(
    gateway: web::Data<Gateway>,
    lane: Lane,
    entry: AuditEntry,
    problem: Problem,
) -> Problem {
    let reason = problem.name().to_owned();
    let written = block(gateway, lane, move |app| {
        let now = app.clock.now();
        let entry = AuditEntry {
            refused: Some(reason),
            ..entry
        };
        Ok(app.store.audit(&entry, now)?)
    });
    written.await.err().unwrap_or(problem)
}

impl Call {
    async fn read_body<B: DeserializeOwned>(&mut self) -> Result<B, Problem> {
        let json_by_word = self
            .request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"));
        if !json_by_word {
            return Err(Problem::media_type());
        }
        let limit = match self.lane {
            // A scan in base64, and what is said of it.
            Lane::Papers => kept_paper::content::LARGEST / 3 * 4 + 4096,
            _ => self.gateway.body_bytes,
        };
        let payload = self
            .payload
            .take()
            .ok_or_else(|| Problem::refused(Reason::BodyInvalid, "the body did not arrive"))?;
        let bytes = match timeout(BODY_TIME, payload.to_bytes_limited(limit)).await {
            Ok(Ok(Ok(bytes))) => bytes,
            Ok(Err(_)) => {
                return Err(Problem::refused(
                    Reason::BodyTooLarge,
                    format!("a body has at most {limit} bytes"),
                ));
            }
            Ok(Ok(Err(_))) | Err(_) => {
                return Err(Problem::refused(
                    Reason::BodyInvalid,
                    "the body did not arrive whole",
                ));
            }
        };
        serde_json::from_slice(&bytes).map_err(|fault| unreadable(&fault))
    }
}

/// What is wrong with a body, without what is in it: serde's own words may quote values.
fn unreadable(fault: &serde_json::Error) -> Problem {
    let words = fault.to_string();
    let harmless = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .any(|begin| words.starts_with(begin));
    let what = if harmless {
        words.split('`').take(2).collect::<Vec<_>>().join("`") + "`"
    } else {
        "not the JSON that this address takes".to_owned()
    };
    Problem::refused(
        Reason::BodyInvalid,
        format!("{what} (line {}, column {})", fault.line(), fault.column()),
    )
}

/// Runs a use-case in its lane, where blocking is allowed.
async fn block<R: Send + 'static>(
    gateway: web::Data<Gateway>,
    lane: Lane,
    work: impl FnOnce(&App) -> Result<R, Failure> + Send + 'static,
) -> Result<R, Problem> {
    let place = gateway.lanes.enter(lane).await?;
    // The place goes with the work: a caller who hangs up does not free it early.
    match web::block(move || work(&place.app)).await {
        Ok(outcome) => outcome.map_err(Problem::from),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a use-case was cut off"
            );
            Err(Problem::internal())
        }
    }
}

fn json(status: StatusCode, answer: &impl Serialize) -> Answer {
    Ok(HttpResponse::build(status)
        .insert_header(("Cache-Control", "no-store"))
        .json(answer))
}

#[cfg(test)]
mod tests {
    use schema::wire::v1::ra::{FourItemsMessage, OperatorChallengeRequest};

    use super::*;

    #[test]
    fn an_unreadable_body_is_described_without_its_values() {
        let fault =
            serde_json::from_str::<FourItemsMessage>(r#"{"name":{"x":"総務"}}"#).unwrap_err();
        assert!(!unreadable(&fault).0.detail.contains('総'));
        let fault =
            serde_json::from_str::<OperatorChallengeRequest>(r#"{"secret":1}"#).unwrap_err();
        assert!(
            unreadable(&fault)
                .0
                .detail
                .starts_with("unknown field `secret`")
        );
    }
}
