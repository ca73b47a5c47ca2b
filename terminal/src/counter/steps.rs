//! The steps that go through the gateway alone, and how a lost answer is recovered:
//! ask again, and look whether it has been done.

use std::time::{Duration, Instant};

use pki_core::id::ApplicationId;
use schema::wire::v1::ra::{
    Application, ApplicationKind, ApplicationList, CancelRequest, CertificateKind,
    CharacterChoices, CharacterFindings, Evidence, FeeRequest, FourItemsMessage, HandOverRequest,
    IdentityRequest, ProxyMessage, ReceiveRequest, RegisterLookupRequest, RegisterLookupResponse,
    Step,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::acts::random_id;
use super::app::Counter;
use super::next::shown;
use crate::gateway::GatewayFault;
use crate::hash::sha256;
use crate::local::Problem;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// `POST /api/applications`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApplication {
    /// Drawn by the page, so that a second click is the same application; else by the terminal.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// What is applied for.
    pub kind: ApplicationKind,
    /// For signatures where it is left out.
    #[serde(default)]
    pub certificate_kind: CertificateKind,
    /// The resident's number, from the register look-up.
    #[serde(default)]
    pub resident: Option<String>,
    /// As on the form.
    pub items: FourItemsMessage,
    /// Date on the form.
    pub applied_on: String,
    /// What an application by cause rests on.
    #[serde(default)]
    pub evidence: Option<Evidence>,
    /// Who applies for the applicant.
    #[serde(default)]
    pub proxy: Option<ProxyMessage>,
}

impl Counter {
    /// Finds residents in the register.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn look_up(&self, asked: &RegisterLookupRequest) -> Result<Value, Problem> {
        let token = self.token()?;
        let found: RegisterLookupResponse = self.again(|| {
            self.gateway()
                .post("/v1/register-lookups", Some(&token), asked)
        })?;
        Ok(json!(found))
    }

    /// Takes an application in.
    ///
    /// # Errors
    /// What the gateway says, item by item.
    pub fn receive(&self, new: NewApplication) -> Result<Value, Problem> {
        let token = self.token()?;
        let idempotency_key = match new.idempotency_key {
            Some(key) => key,
            None => hex::encode(random_id()?),
        };
        let request = ReceiveRequest {
            idempotency_key,
            kind: new.kind,
            certificate_kind: new.certificate_kind,
            resident: new.resident,
            items: new.items,
            applied_on: new.applied_on,
            evidence: new.evidence,
            proxy: new.proxy,
        };
        let application: Application = self.again(|| {
            self.gateway()
                .post("/v1/applications", Some(&token), &request)
        })?;
        Ok(shown(&application))
    }

    /// The applications of this municipality, newest first: the open ones, or all.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn lines(&self, open_only: bool) -> Result<ApplicationList, Problem> {
        let token = self.token()?;
        let path = format!("/v1/applications?open={open_only}");
        self.again(|| self.gateway().get(&path, Some(&token)))
    }

    /// The applications that are open at this municipality.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn list(&self) -> Result<Value, Problem> {
        let list = self.lines(true)?;
        let lines: Vec<Value> = list
            .applications
            .iter()
            .map(|line| {
                let mut value = json!(line);
                value["next"] = json!(super::next::next(line.step));
                value
            })
            .collect();
        Ok(json!({"applications": lines}))
    }

    /// One application as the gateway has it.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn application(&self, id: &ApplicationId) -> Result<Application, Problem> {
        let token = self.token()?;
        self.again(|| self.fetch(id, &token))
    }

    /// Records the identity decision.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn identity(
        &self,
        id: &ApplicationId,
        decision: &IdentityRequest,
    ) -> Result<Value, Problem> {
        let done = |step| step != Step::Received;
        self.step(id, "identity", decision, done).map(|a| shown(&a))
    }

    /// What the certificate cannot carry, with candidates.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn characters(&self, id: &ApplicationId) -> Result<Value, Problem> {
        let token = self.token()?;
        let path = format!("/v1/applications/{id}/characters");
        let found: CharacterFindings = self.again(|| self.gateway().get(&path, Some(&token)))?;
        Ok(json!(found))
    }

    /// Settles them.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn settle(&self, id: &ApplicationId, choices: &CharacterChoices) -> Result<Value, Problem> {
        let done = |step| step >= Step::CharactersSettled;
        self.step(id, "characters", choices, done)
            .map(|a| shown(&a))
    }

    /// Records the fee. The key follows from application, amount and the fee that was taken
    /// back last: however often the button is pressed, it is one receipt, and a fee that is
    /// due again is another wish than the first.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn fee(&self, id: &ApplicationId, amount_yen: u32) -> Result<Value, Problem> {
        let taken_back = self.application(id)?.fee_taken_back.unwrap_or_default();
        let digest = sha256(&[
            b"jitsuin-fee\0",
            id.as_bytes(),
            &amount_yen.to_be_bytes(),
            taken_back.as_bytes(),
        ]);
        let request = FeeRequest {
            amount_yen,
            idempotency_key: hex::encode(&digest[..16]),
        };
        let done = |step| step >= Step::Paid;
        self.step(id, "fee", &request, done).map(|a| shown(&a))
    }

    /// Hands over.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn hand_over(&self, id: &ApplicationId) -> Result<Value, Problem> {
        let done = |step| step >= Step::HandedOver;
        self.step(id, "hand-over", &HandOverRequest {}, done)
            .map(|a| shown(&a))
    }

    /// Withdraws an application at the applicant's wish, before issue.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn cancel(&self, id: &ApplicationId) -> Result<Value, Problem> {
        let done = |step| step == Step::Cancelled;
        self.step(id, "cancel", &CancelRequest {}, done)
            .map(|a| shown(&a))
    }

    /// One step of an application. When the answer is lost, asks again, and where the
    /// step turns out to be done, that is the answer.
    ///
    /// # Errors
    /// What the gateway says.
    pub(super) fn step(
        &self,
        id: &ApplicationId,
        path: &str,
        body: &impl Serialize,
        done: impl Fn(Step) -> bool,
    ) -> Result<Application, Problem> {
        let token = self.token()?;
        self.step_as(id, path, body, done, &token)
            .map_err(|fault| self.heed(fault))
    }

    /// As [`step`](Self::step), for a session that the caller holds.
    ///
    /// # Errors
    /// What the gateway says.
    pub(super) fn step_as(
        &self,
        id: &ApplicationId,
        path: &str,
        body: &impl Serialize,
        done: impl Fn(Step) -> bool,
        token: &str,
    ) -> Result<Application, GatewayFault> {
        let address = format!("/v1/applications/{id}/{path}");
        let mut lost = false;
        self.again_as(|| {
            let answer = self.gateway().post(&address, Some(token), body);
            match answer {
                Err(fault) if fault.is_passing() => {
                    lost = true;
                    Err(fault)
                }
                // An earlier call, whose answer was lost, has done it.
                Err(GatewayFault::Refused(..)) if lost => match self.fetch(id, token) {
                    Ok(application) if done(application.step) => Ok(application),
                    _ => answer,
                },
                other => other,
            }
        })
    }

    pub(super) fn fetch(
        &self,
        id: &ApplicationId,
        token: &str,
    ) -> Result<Application, GatewayFault> {
        self.gateway()
            .get(&format!("/v1/applications/{id}"), Some(token))
    }

    /// Repeats a call that is safe to repeat until it is answered or the time for one
    /// press of a button is over.
    ///
    /// # Errors
    /// The last fault.
    pub(super) fn again<T>(
        &self,
        call: impl FnMut() -> Result<T, GatewayFault>,
    ) -> Result<T, Problem> {
        self.again_as(call).map_err(|fault| self.heed(fault))
    }

    pub(super) fn again_as<T>(
        &self,
        mut call: impl FnMut() -> Result<T, GatewayFault>,
    ) -> Result<T, GatewayFault> {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match call() {
                Err(fault)
                    if fault.is_passing() && started.elapsed() + pause < self.config.recover =>
                {
                    tracing::info!(%fault, "asking again");
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                other => return other,
            }
        }
    }
}
