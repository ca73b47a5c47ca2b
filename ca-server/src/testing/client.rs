//! An issuing client as the gateway is one: mutual TLS, TLS 1.3.

use std::{sync::Arc, time::Duration};

use pki_core::certificate::pem;
use schema::wire::v1::ca::{IssueRequest, IssueResponse, RevokeRequest, RevokeResponse};
use serde::{Serialize, de::DeserializeOwned};
use ureq::{
    Agent,
    tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig},
};

/// A connection pool to `ca-server issue`.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
}

/// What the server answered.
#[derive(Debug)]
pub enum Reply<T> {
    /// Done (200 or 201).
    Done(T),
    /// A problem document: status, type's last part, Retry-After.
    Problem {
        status: u16,
        kind: String,
        detail: String,
        retry_after: Option<u64>,
    },
    /// The connection broke: it may have been done.
    Broken(String),
}

impl<T> Reply<T> {
    /// What was done, or a panic that tells what came instead.
    pub fn done(self) -> T
    where
        T: std::fmt::Debug,
    {
        match self {
            Self::Done(done) => done,
            other => panic!("not done: {other:?}"),
        }
    }

    /// The problem's type, if it is one.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Problem { kind, .. } => Some(kind),
            _ => None,
        }
    }
}

impl Client {
    /// A client with this certificate and key (DER), trusting the infrastructure CA (DER).
    pub fn new(base: &str, authority: &[u8], certificate: &[u8], pkcs8: &[u8]) -> Self {
        let chain = [Certificate::from_der(certificate).to_owned()];
        let key = PrivateKey::from_pem(pem::encode(pem::PRIVATE_KEY, pkcs8).as_bytes())
            .expect("PKCS#8 of the test");
        let roots = vec![Certificate::from_der(authority).to_owned()];
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .client_cert(Some(ClientCert::new_with_certs(&chain, key)))
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .new_agent();
        Self {
            agent,
            base: base.replace("127.0.0.1", "localhost"),
        }
    }

    /// Send anything anywhere.
    pub fn post<A: Serialize, B: DeserializeOwned>(&self, path: &str, body: &A) -> Reply<B> {
        let sent = self
            .agent
            .post(format!("{}{path}", self.base))
            .send_json(body);
        Self::reply(sent)
    }

    /// Read something.
    pub fn get<B: DeserializeOwned>(&self, path: &str) -> Reply<B> {
        Self::reply(self.agent.get(format!("{}{path}", self.base)).call())
    }

    fn reply<B: DeserializeOwned>(
        sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Reply<B> {
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return Reply::Broken(error.to_string()),
        };
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let read = response.body_mut().read_to_vec();
        let Ok(bytes) = read else {
            return Reply::Broken("the answer broke off".to_owned());
        };
        if status == 200 || status == 201 {
            return match serde_json::from_slice(&bytes) {
                Ok(done) => Reply::Done(done),
                Err(error) => Reply::Broken(error.to_string()),
            };
        }
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        Reply::Problem {
            status,
            kind: text("type").replace("urn:jitsuin:problem:", ""),
            detail: text("detail"),
            retry_after,
        }
    }

    /// A page: status and body. A connection that breaks is status 0.
    pub fn page(&self, path: &str) -> (u16, Vec<u8>) {
        let asked = self.agent.get(format!("{}{path}", self.base)).call();
        let Ok(mut response) = asked else {
            return (0, Vec::new());
        };
        let body = response.body_mut().read_to_vec().unwrap_or_default();
        (response.status().as_u16(), body)
    }

    /// A header of the answer; empty without one.
    pub fn header(&self, path: &str, name: &str) -> String {
        let asked = self.agent.get(format!("{}{path}", self.base)).call();
        let headers = asked.map(|response| response.headers().clone());
        let value = headers.ok().and_then(|headers| headers.get(name).cloned());
        value.map_or_else(String::new, |value| {
            value.to_str().unwrap_or_default().to_owned()
        })
    }

    /// Send a form as a page of this site, or of another one, does: status, where it leads,
    /// and the page.
    pub fn form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        from: Option<&str>,
    ) -> (u16, String, String) {
        let sent = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Sec-Fetch-Site", from.unwrap_or("same-origin"))
            .send_form(fields.iter().copied());
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return (0, String::new(), error.to_string()),
        };
        let to = response
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = response.body_mut().read_to_string().unwrap_or_default();
        (response.status().as_u16(), to, body)
    }

    /// Ask for a certificate.
    pub fn issue(&self, request: &IssueRequest) -> Reply<IssueResponse> {
        self.post("/v1/certificates", request)
    }

    /// Ask for a revocation.
    pub fn revoke(&self, request: &RevokeRequest) -> Reply<RevokeResponse> {
        self.post("/v1/revocations", request)
    }
}
