//! Batches from the register's own server, over mutual TLS 1.3:
//! `GET …/v1/municipalities/<code>/batches?after=<number>` and `…/batches/<number>`. The page for
//! the register's vendor is `docs/register-feed.md`.

use std::{
    io::Read,
    sync::Mutex,
    time::{Duration, Instant},
};

use pki_core::{
    id::Sha256Digest, person::municipality::MunicipalityCode,
    revocation::register_batch::BATCH_BYTES_MAX,
};
use serde::Deserialize;
use service::client::{Client, ClientFault};
use ureq::{
    Agent, Body,
    http::{Response, header},
};

use crate::{
    config::FeedConfig,
    port::register_feed::{FeedAway, RegisterFeed},
};

/// Longest list of numbers that is read, in bytes.
const LIST_BYTES_MAX: u64 = 64 * 1024;
/// Connections that are kept open: municipalities are asked one after the other.
const CONNECTIONS: usize = 3;
/// First pause after a failure; it doubles.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
/// Longest pause, also where the server asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("register.feed")]
pub struct ServerSetup(#[from] ClientFault);

/// Why there was no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerFault {
    /// No connection, no TLS, too late, or broken off.
    #[error("no answer")]
    Transport(#[from] Box<ureq::Error>),
    #[error("the answer broke off")]
    Body(#[from] std::io::Error),
    /// Neither a batch nor that there is none.
    #[error("answered with status {0}")]
    Status(u16),
    #[error("the list of batches cannot be read")]
    List(#[source] serde_json::Error),
    #[error("the list of batches is not in its order")]
    Order,
    /// It failed just now, and is left in peace.
    #[error("is asked again in {0} s")]
    Resting(u64),
}

/// When the server is asked again.
struct Rest {
    until: Option<Instant>,
    next: Duration,
}

/// See the module. One for the process: its connections are kept, and after a failure no
/// municipality asks before the pause is over.
pub struct RegisterServer {
    agent: Agent,
    url: String,
    rest: Mutex<Rest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    batches: Vec<u64>,
}

impl RegisterServer {
    /// A client that trusts the register's authority alone and shows its own certificate.
    pub fn new(config: &FeedConfig) -> Result<Self, ServerSetup> {
        let agent = Client {
            files: &config.client,
            key_setting: "register.feed.key",
            authority: &config.authority,
            timeout: config.timeout,
            connections: CONNECTIONS,
            user_agent: "jitsuin-ca-server",
        }
        .agent()?;
        Ok(Self {
            agent,
            url: config.url.clone(),
            rest: Mutex::new(Rest {
                until: None,
                next: PAUSE_FIRST,
            }),
        })
    }

    /// Ask and read, and leave the server in peace for a while if that failed.
    fn ask<T>(
        &self,
        path: &str,
        known: Option<&[u8; 32]>,
        read: impl FnOnce(Response<Body>) -> Result<T, ServerFault>,
    ) -> Result<T, FeedAway> {
        let away = |fault: ServerFault| FeedAway(Box::new(fault));
        if let Some(left) = self.resting() {
            return Err(away(ServerFault::Resting(left.as_secs() + 1)));
        }
        let mut request = self.agent.get(format!("{}/v1/{path}", self.url));
        if let Some(sha256) = known {
            request = request.header(
                header::IF_NONE_MATCH,
                format!("\"{}\"", hex::encode(sha256)),
            );
        }
        let mut wish = None;
        let answer = request
            .call()
            .map_err(|error| ServerFault::Transport(Box::new(error)))
            .and_then(|response| {
                wish = retry_after(&response);
                read(response)
            });
        self.remember(answer.is_ok(), wish);
        answer.map_err(away)
    }

    fn resting(&self) -> Option<Duration> {
        let rest = self.rest.lock().unwrap_or_else(|held| held.into_inner());
        rest.until?.checked_duration_since(Instant::now())
    }

    fn remember(&self, answered: bool, wish: Option<Duration>) {
        let mut rest = self.rest.lock().unwrap_or_else(|held| held.into_inner());
        if answered {
            *rest = Rest {
                until: None,
                next: PAUSE_FIRST,
            };
            return;
        }
        let pause = wish.unwrap_or_default().max(rest.next).min(PAUSE_MAX);
        rest.until = Some(Instant::now() + pause);
        rest.next = (rest.next * 2).min(PAUSE_MAX);
    }
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

fn list(mut response: Response<Body>, after: u64) -> Result<Vec<u64>, ServerFault> {
    if response.status() != 200 {
        return Err(ServerFault::Status(response.status().as_u16()));
    }
    let bytes = response
        .body_mut()
        .with_config()
        .limit(LIST_BYTES_MAX)
        .read_to_vec()
        .map_err(|error| ServerFault::Transport(Box::new(error)))?;
    let list: List = serde_json::from_slice(&bytes).map_err(ServerFault::List)?;
    let rising = list.batches.is_sorted_by(|one, next| one < next);
    if !rising || list.batches.first().is_some_and(|first| *first <= after) {
        return Err(ServerFault::Order);
    }
    Ok(list.batches)
}

/// The bytes of a batch; `None` when there is none, or it is the one that is `known`.
fn batch(mut response: Response<Body>, known: bool) -> Result<Option<Vec<u8>>, ServerFault> {
    match response.status().as_u16() {
        200 => {}
        404 => return Ok(None),
        304 if known => return Ok(None),
        other => return Err(ServerFault::Status(other)),
    }
    let mut bytes = Vec::new();
    response
        .body_mut()
        .with_config()
        .limit(u64::MAX)
        .reader()
        .take(BATCH_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

impl RegisterFeed for RegisterServer {
    fn numbers(&self, municipality: MunicipalityCode, after: u64) -> Result<Vec<u64>, FeedAway> {
        let path = format!("municipalities/{municipality}/batches?after={after}");
        self.ask(&path, None, |response| list(response, after))
    }

    fn batch(
        &self,
        municipality: MunicipalityCode,
        number: u64,
    ) -> Result<Option<Vec<u8>>, FeedAway> {
        let path = format!("municipalities/{municipality}/batches/{number}");
        self.ask(&path, None, |response| batch(response, false))
    }

    fn differs(
        &self,
        municipality: MunicipalityCode,
        number: u64,
        sha256: &[u8; 32],
    ) -> Result<bool, FeedAway> {
        let path = format!("municipalities/{municipality}/batches/{number}");
        let there = self.ask(&path, Some(sha256), |response| batch(response, true))?;
        Ok(there.is_some_and(|bytes| Sha256Digest::of(&bytes).as_bytes() != sha256))
    }
}
