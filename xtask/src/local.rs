//! A small HTTP client for the programs' pages and interfaces on loopback.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::fault::{Fault, Result};

/// Largest answer that is read: a CRL of some hundred thousand entries.
const LARGEST: u64 = 64 << 20;

/// One server, with the secret that its pages need.
#[derive(Clone)]
pub struct Local {
    base: String,
    secret: Option<String>,
    agent: Agent,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type, without parameters.
    pub media_type: String,
    /// Body as it came.
    pub body: Vec<u8>,
    asked: String,
}

impl Local {
    /// A client for the server at `base` (`http://127.0.0.1:PORT`).
    pub fn new(base: &str, secret: Option<String>) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(90)))
            .proxy(None)
            .build()
            .new_agent();
        Self {
            base: base.trim_end_matches('/').to_owned(),
            secret,
            agent,
        }
    }

    /// Where it stands.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GET.
    pub fn get(&self, path: &str) -> Result<Answer> {
        let asked = format!("GET {path}");
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(secret) = &self.secret {
            request = request.header("Jitsuin-Local", secret);
        }
        take(asked, request.call())
    }

    /// POST of JSON, with the secret when there is one.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.post_bytes(path, "application/json", body.to_string().as_bytes())
    }

    /// POST of any bytes.
    pub fn post_bytes(&self, path: &str, media_type: &str, body: &[u8]) -> Result<Answer> {
        let asked = format!("POST {path}");
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Content-Type", media_type);
        if let Some(secret) = &self.secret {
            request = request.header("Jitsuin-Local", secret);
        }
        take(asked, request.send(body))
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        let asked = format!("DELETE {path}");
        let mut request = self.agent.delete(format!("{}{path}", self.base));
        if let Some(secret) = &self.secret {
            request = request.header("Jitsuin-Local", secret);
        }
        take(asked, request.call())
    }
}

type Reply = std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>;

fn take(asked: String, reply: Reply) -> Result<Answer> {
    let mut reply = reply.map_err(|error| Fault::new(format!("{asked}: {error}")))?;
    let status = reply.status().as_u16();
    let media_type = reply
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .to_owned();
    let body = reply
        .body_mut()
        .with_config()
        .limit(LARGEST)
        .read_to_vec()
        .map_err(|error| Fault::new(format!("{asked}: the answer broke off: {error}")))?;
    Ok(Answer {
        status,
        media_type,
        body,
        asked,
    })
}

impl Answer {
    /// The body when the status is 2xx, a fault that tells the problem otherwise.
    pub fn ok(self) -> Result<Vec<u8>> {
        if (200..300).contains(&self.status) {
            Ok(self.body)
        } else {
            Err(Fault::new(format!(
                "{} was answered {}",
                self.asked,
                self.told()
            )))
        }
    }

    /// As [`Answer::ok`], read as JSON; an empty body is `null`.
    pub fn json(self) -> Result<Value> {
        let asked = self.asked.clone();
        let body = self.ok()?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body)
            .map_err(|error| Fault::new(format!("{asked}: the answer is no JSON: {error}")))
    }

    /// The problem document (RFC 9457) of a refusal.
    pub fn problem(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Last part of the problem's type: `token-away` of `urn:jitsuin:problem:token-away`.
    pub fn problem_type(&self) -> String {
        let problem = self.problem();
        let name = problem["type"].as_str().unwrap_or_default();
        name.rsplit(':').next().unwrap_or_default().to_owned()
    }

    /// Status and problem as a person reads them.
    pub fn told(&self) -> String {
        let problem = self.problem();
        let mut told = self.status.to_string();
        for part in [&problem["title"], &problem["detail"], &problem["message"]] {
            if let Some(text) = part.as_str() {
                told.push_str(": ");
                told.push_str(text);
            }
        }
        for error in problem["errors"].as_array().into_iter().flatten() {
            let pointer = error["pointer"].as_str().unwrap_or_default();
            let detail = error["detail"].as_str().unwrap_or_default();
            told.push_str(&format!("; {pointer}: {detail}"));
        }
        if problem.is_null() && !self.body.is_empty() {
            let text: String = String::from_utf8_lossy(&self.body)
                .chars()
                .take(200)
                .collect();
            told.push_str(&format!(": {text}"));
        }
        told
    }
}
