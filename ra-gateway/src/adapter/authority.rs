//! The certificate authority over mutual TLS.

use std::{
    thread,
    time::{Duration, Instant},
};

use pki_core::{id::ApplicationId, mode::Mode, person::municipality::MunicipalityCode};
use schema::wire::v1::{
    authority::AuthorityRecord,
    ca::{
        CertificateRecord, IssueRequest, IssueResponse, OnlineRevokeRequest, RevokeRequest,
        RevokeResponse,
    },
    disclosure::{
        DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
    },
    register_revocation::RegisterRevocationList,
    stop::{StopReleases, StopReport},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use service::client::{Client, ClientFault};
use ureq::Agent;

use crate::{
    config::AuthorityConfig,
    port::{Announced, Authority, AuthorityFault},
};

/// Largest answer that is read, in bytes: a paper with its font, in base64.
const LARGEST_ANSWER: u64 = 4 * 1024 * 1024;
/// Connections that are kept open.
const CONNECTIONS: usize = 16;
/// Pause before the second attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// One client with its connections, shared by all threads.
pub struct HttpAuthority {
    agent: Agent,
    url: String,
    attempts: u32,
    timeout: Duration,
}

impl HttpAuthority {
    /// A client that trusts the infrastructure CA and shows the gateway's certificate.
    pub fn new(config: &AuthorityConfig, infrastructure_ca: &[u8]) -> Result<Self, ClientFault> {
        let agent = Client {
            files: &config.client,
            key_setting: "ca.key",
            authority: infrastructure_ca,
            timeout: config.timeout,
            connections: CONNECTIONS,
            user_agent: "jitsuin-ra-gateway",
        }
        .agent()?;
        Ok(Self {
            agent,
            url: config.url.clone(),
            attempts: config.attempts,
            timeout: config.timeout,
        })
    }

    /// Sends a request until an answer is had; the very same bytes each time.
    fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<T, AuthorityFault> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let begun = Instant::now();
            metrics::counter!("ra_outward_calls_total", "to" => "authority").increment(1);
            let fault = match self.once(path, body) {
                Ok(answer) => return understand(&answer, attempt == 1),
                Err(fault) => fault,
            };
            tracing::warn!(
                error = &fault as &dyn std::error::Error,
                attempt,
                milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                "no answer from the certificate authority"
            );
            if attempt == self.attempts {
                return Err(AuthorityFault::Away {
                    problem: "unreachable".into(),
                    retry_after: self.timeout.min(Duration::from_secs(5)),
                });
            }
            attempt += 1;
            thread::sleep(pause);
            pause *= 2;
        }
    }

    fn once(&self, path: &str, body: Option<&[u8]>) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.url);
        let mut response = match body {
            Some(body) => self
                .agent
                .post(&url)
                .content_type("application/json")
                .send(body)?,
            None => self.agent.get(&url).call()?,
        };
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs);
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after,
            body: response
                .body_mut()
                .with_config()
                .limit(LARGEST_ANSWER)
                .read_to_vec()?,
        })
    }
}

struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

/// As much of a problem document as is needed here; the authority may say more.
#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    detail: String,
}

fn understand<T: DeserializeOwned>(
    answer: &Answer,
    first_answer: bool,
) -> Result<T, AuthorityFault> {
    let strange = |error: serde_json::Error| AuthorityFault::Answer(Box::new(error));
    if matches!(answer.status, 200 | 201) {
        return serde_json::from_slice(&answer.body).map_err(strange);
    }
    let problem = serde_json::from_slice::<Problem>(&answer.body).unwrap_or(Problem {
        kind: format!("status-{}", answer.status),
        detail: String::new(),
    });
    let name: String = problem
        .kind
        .strip_prefix("urn:jitsuin:problem:")
        .unwrap_or(&problem.kind)
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(64)
        .collect();
    // `in-work`: the same wish is being worked on, so nothing was decided against it.
    if answer.status >= 500 || answer.status == 429 || name == "in-work" {
        return Err(AuthorityFault::Away {
            problem: name,
            retry_after: answer.retry_after.unwrap_or(Duration::from_secs(5)),
        });
    }
    Err(AuthorityFault::Refused {
        problem: name,
        detail: problem.detail.chars().take(300).collect(),
        first_answer,
    })
}

fn encoded(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages are strings and numbers")
}

/// What was asked for by its name, or that there is none.
fn found<T>(asked: Result<T, AuthorityFault>) -> Result<Option<T>, AuthorityFault> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(AuthorityFault::Refused { problem, .. })
            if problem == "not-found" || problem == "status-404" =>
        {
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}

/// Whether the handshake failed because one side does not accept the other's certificate.
fn is_stranger(error: &ureq::Error) -> bool {
    use rustls::{AlertDescription as Alert, Error};
    let fault = match error {
        ureq::Error::Rustls(fault) => Some(fault),
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    };
    matches!(
        fault,
        Some(
            Error::InvalidCertificate(_)
                | Error::AlertReceived(
                    Alert::UnknownCA
                        | Alert::BadCertificate
                        | Alert::CertificateUnknown
                        | Alert::DecryptError
                )
        )
    )
}

impl Authority for HttpAuthority {
    fn announced(&self) -> Announced {
        match self.once("/v1/authority", None) {
            Ok(answer) => {
                let record = understand::<AuthorityRecord>(&answer, true);
                match record.as_ref().map(|record| record.mode.as_str()) {
                    Ok("production") => Announced::Mode(Mode::Production),
                    Ok("training") => Announced::Mode(Mode::Training),
                    _ => Announced::Nothing,
                }
            }
            Err(error) if is_stranger(&error) => Announced::Stranger,
            Err(_) => Announced::Nothing,
        }
    }

    fn issue(&self, request: &IssueRequest) -> Result<IssueResponse, AuthorityFault> {
        self.call("/v1/certificates", Some(&encoded(request)))
    }

    fn revoke(&self, request: &RevokeRequest) -> Result<RevokeResponse, AuthorityFault> {
        self.call("/v1/revocations", Some(&encoded(request)))
    }

    fn disclose(&self, request: &DisclosureRequest) -> Result<DisclosureLine, AuthorityFault> {
        self.call("/v1/disclosures", Some(&encoded(request)))
    }

    fn disclosures(
        &self,
        municipality: MunicipalityCode,
    ) -> Result<DisclosureList, AuthorityFault> {
        self.call(
            &format!("/v1/disclosures?municipality={municipality}"),
            None,
        )
    }

    fn disclosure(
        &self,
        municipality: MunicipalityCode,
        id: ApplicationId,
    ) -> Result<Option<DisclosureLine>, AuthorityFault> {
        let path = format!("/v1/disclosures/{id}?municipality={municipality}");
        found(self.call(&path, None))
    }

    fn deliver_disclosure(
        &self,
        id: ApplicationId,
        request: &DeliveryRequest,
    ) -> Result<DeliveryResponse, AuthorityFault> {
        let path = format!("/v1/disclosures/{id}/delivery");
        self.call(&path, Some(&encoded(request)))
    }

    fn revoke_online(
        &self,
        request: &OnlineRevokeRequest,
    ) -> Result<RevokeResponse, AuthorityFault> {
        self.call("/v1/online-revocations", Some(&encoded(request)))
    }

    fn certificate(&self, serial: &str) -> Result<Option<CertificateRecord>, AuthorityFault> {
        found(self.call(&format!("/v1/certificates/{serial}"), None))
    }

    fn tell_stops(&self, report: &StopReport) -> Result<StopReleases, AuthorityFault> {
        self.call("/v1/stops", Some(&encoded(report)))
    }

    fn register_revocations(
        &self,
        municipality: &str,
        since: u64,
    ) -> Result<RegisterRevocationList, AuthorityFault> {
        self.call(
            &format!("/v1/register-revocations?municipality={municipality}&since={since}"),
            None,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            retry_after: Some(Duration::from_secs(7)),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_absent_token_is_passed_on_with_its_time() {
        let body =
            r#"{"type":"urn:jitsuin:problem:token-away","title":"t","status":503,"detail":"d"}"#;
        match understand::<IssueResponse>(&answer(503, body), true) {
            Err(AuthorityFault::Away {
                problem,
                retry_after,
            }) => {
                assert_eq!(problem, "token-away");
                assert_eq!(retry_after, Duration::from_secs(7));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_is_not_taken_for_absence() {
        let body = r#"{"type":"urn:jitsuin:problem:act-invalid","detail":"no"}"#;
        assert!(matches!(
            understand::<IssueResponse>(&answer(422, body), true),
            Err(AuthorityFault::Refused { problem, .. }) if problem == "act-invalid"
        ));
    }

    #[test]
    fn a_wish_that_is_being_worked_on_is_asked_again() {
        let body = r#"{"type":"urn:jitsuin:problem:in-work","detail":"wait"}"#;
        assert!(matches!(
            understand::<IssueResponse>(&answer(409, body), true),
            Err(AuthorityFault::Away { problem, .. }) if problem == "in-work"
        ));
    }

    #[test]
    fn a_success_that_cannot_be_read_is_no_success() {
        assert!(matches!(
            understand::<IssueResponse>(&answer(201, "{}"), true),
            Err(AuthorityFault::Answer(_))
        ));
    }
}
