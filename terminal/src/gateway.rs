//! The link to the prefecture's reception server (受付サーバ): TLS 1.3 with this
//! machine's certificate, JSON both ways, deadlines on everything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pki_core::certificate::{CertificateImage, pem};
use pki_core::mode::Mode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use zeroize::Zeroizing;

use service::config::{self, ConfigError};

/// Largest answer of the gateway, in bytes.
const LARGEST_ANSWER: u64 = 12 * 1024 * 1024;

/// `[gateway]` of a configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    /// Base address: `https://host:port`.
    pub url: String,
    /// Certificate of the infrastructure CA that the gateway's certificate comes from (PEM or DER).
    pub trust: PathBuf,
    /// This machine's certificate (PEM or DER).
    pub certificate: PathBuf,
    /// This machine's private key (PKCS#8 PEM, mode 0600).
    pub key: PathBuf,
    /// Longest wait for one answer, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    20
}

impl GatewaySettings {
    /// The same settings with paths taken from `base`.
    pub fn resolved(mut self, base: &Path) -> Self {
        for path in [&mut self.trust, &mut self.certificate, &mut self.key] {
            *path = base.join(&*path);
        }
        self
    }
}

impl GatewaySettings {
    /// Checks what can be checked without a connection.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        HttpsGateway::new(self).map(drop)
    }

    /// The infrastructure CA, from which this machine and the gateway have their certificates, is of
    /// the mode that the configuration says.
    ///
    /// # Errors
    /// `mode`, when it says otherwise.
    pub fn check_mode(&self, mode: Mode) -> Result<(), ConfigError> {
        let wrong = |key, reason| ConfigError::Value { key, reason };
        let ca = certificate("gateway.trust", &self.trust)?;
        let ca = CertificateImage::decode(ca.der())
            .map_err(|error| wrong("gateway.trust", error.to_string()))?;
        mode.takes(Mode::of_certificate(&ca))
            .map_err(|other| wrong("mode", format!("gateway.trust: {other}")))
    }
}

/// Why a call brought no answer to work with.
#[derive(Clone, Debug, Error)]
pub enum GatewayFault {
    /// No connection, or no answer in time. For a call that changes something the
    /// outcome is unknown: repeat it with the same idempotency key.
    #[error("the gateway does not answer: {0}")]
    Away(String),
    /// The gateway, or the CA behind it, asks to come again later (503 and the like).
    #[error("the gateway asks to come again later")]
    Later(u16, Value),
    /// The gateway refused, with a problem document.
    #[error("the gateway refused ({0})")]
    Refused(u16, Value),
    /// An answer that does not have the agreed form.
    #[error("the gateway's answer does not have the agreed form: {0}")]
    Form(String),
}

impl GatewayFault {
    /// Whether the same call may yet succeed, and may even have been done.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Later(..))
    }

    /// The gateway's problem type without its prefix (`step-not-due`), if it sent one.
    pub fn problem_type(&self) -> Option<&str> {
        let (Self::Later(_, document) | Self::Refused(_, document)) = self else {
            return None;
        };
        document
            .get("type")?
            .as_str()?
            .strip_prefix("urn:jitsuin:problem:")
    }
}

/// HTTP methods that the gateway knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Do.
    Post,
    /// End.
    Delete,
}

/// The gateway as the programs use it. One call, one answer; nothing is repeated here.
pub trait Gateway: Send + Sync {
    /// Calls `path` (from `/v1` on) with a body and the operator's session.
    ///
    /// # Errors
    /// [`GatewayFault`]; after [`GatewayFault::Away`] the call may have been done.
    fn call(
        &self,
        method: Method,
        path: &str,
        session: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, GatewayFault>;
}

impl dyn Gateway + '_ {
    /// GET with a typed answer.
    ///
    /// # Errors
    /// [`GatewayFault`].
    pub fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        session: Option<&str>,
    ) -> Result<A, GatewayFault> {
        typed(self.call(Method::Get, path, session, None)?)
    }

    /// POST with typed body and answer.
    ///
    /// # Errors
    /// [`GatewayFault`].
    pub fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        session: Option<&str>,
        body: &impl Serialize,
    ) -> Result<A, GatewayFault> {
        let body = serde_json::to_value(body).map_err(|e| GatewayFault::Form(e.to_string()))?;
        typed(self.call(Method::Post, path, session, Some(body))?)
    }
}

fn typed<A: DeserializeOwned>(answer: Value) -> Result<A, GatewayFault> {
    serde_json::from_value(answer).map_err(|e| GatewayFault::Form(e.to_string()))
}

/// The gateway over HTTPS.
pub struct HttpsGateway {
    agent: ureq::Agent,
    url: String,
}

impl HttpsGateway {
    /// Prepares the link; no connection is made yet.
    ///
    /// # Errors
    /// When a certificate or the key cannot be read or used.
    pub fn new(settings: &GatewaySettings) -> Result<Self, ConfigError> {
        if !settings.url.starts_with("https://") {
            return Err(ConfigError::Value {
                key: "gateway.url",
                reason: "has to begin with https://".to_owned(),
            });
        }
        config::owner_only("gateway.key", &settings.key)?;
        let ca = certificate("gateway.trust", &settings.trust)?;
        let own = certificate("gateway.certificate", &settings.certificate)?;
        let key_text = Zeroizing::new(config::file(&settings.key)?);
        let key = PrivateKey::from_pem(&key_text).map_err(|error| ConfigError::Value {
            key: "gateway.key",
            reason: format!("{}: {error}", settings.key.display()),
        })?;
        // Only the cipher suites of TLS 1.3: an older version cannot be agreed on.
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider
            .cipher_suites
            .retain(|suite| suite.version().version == rustls::ProtocolVersion::TLSv1_3);
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[ca]))
            .client_cert(Some(ClientCert::new_with_certs(&[own], key)))
            .unversioned_rustls_crypto_provider(Arc::new(provider))
            .build();
        let timeout = Duration::from_secs(settings.timeout_seconds.clamp(1, 120));
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("jitsuin-terminal/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(timeout.min(Duration::from_secs(5))))
            .timeout_global(Some(timeout))
            .max_idle_age(Duration::from_secs(20))
            .build()
            .new_agent();
        Ok(Self {
            agent,
            url: settings.url.trim_end_matches('/').to_owned(),
        })
    }
}

fn certificate(key: &'static str, path: &Path) -> Result<Certificate<'static>, ConfigError> {
    let file = config::file(path)?;
    let der = pem::decode_or_der(pem::CERTIFICATE, &file).map_err(|error| ConfigError::Value {
        key,
        reason: format!("{}: {error}", path.display()),
    })?;
    Ok(Certificate::from_der(&der).to_owned())
}

impl Gateway for HttpsGateway {
    fn call(
        &self,
        method: Method,
        path: &str,
        session: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, GatewayFault> {
        let url = format!("{}{path}", self.url);
        let answered = match method {
            Method::Post => {
                let mut request = self.agent.post(&url).header("Accept", "application/json");
                if let Some(session) = session {
                    request = request.header("Operator-Session", session);
                }
                request.send_json(body.unwrap_or_else(|| Value::Object(Default::default())))
            }
            Method::Get | Method::Delete => {
                let mut request = if method == Method::Get {
                    self.agent.get(&url)
                } else {
                    self.agent.delete(&url)
                }
                .header("Accept", "application/json");
                if let Some(session) = session {
                    request = request.header("Operator-Session", session);
                }
                request.call()
            }
        };
        let mut response = answered.map_err(|error| GatewayFault::Away(error.to_string()))?;
        let status = response.status().as_u16();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .read_to_vec()
            .map_err(|error| GatewayFault::Away(error.to_string()))?;
        let document = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).map_err(|e| GatewayFault::Form(e.to_string()))?
        };
        match status {
            200..=299 => Ok(document),
            408 | 425 | 429 | 500..=599 => Err(GatewayFault::Later(status, document)),
            _ => Err(GatewayFault::Refused(status, document)),
        }
    }
}
