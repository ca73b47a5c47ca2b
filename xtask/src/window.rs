//! The municipal window, driven as a clerk and a resident drive it: each method is one button of the
//! counter or the kiosk, or a card moved by hand from one reader to the other.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fault::{Fault, Result};
use crate::local::{Answer, Local};

/// A resident who applies.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// Name as on the form: family and given name.
    pub name: &'static str,
    /// Birth date as on the form.
    pub birth_date: &'static str,
    /// `男` or `女`.
    pub sex: &'static str,
    /// Address as on the form.
    pub address: &'static str,
    /// What is found in the register: the resident's number.
    pub resident: &'static str,
    /// The password that the resident thinks of at the kiosk.
    pub password: &'static str,
}

/// The main applicant of the demo.
pub const SOUMU_TARO: Applicant = Applicant {
    name: "総務　太郎",
    birth_date: "昭和25年4月1日",
    sex: "男",
    address: "東京都千代田区霞が関２丁目１番２号",
    resident: "1310100001",
    password: "SAKURA2026",
};

/// An applicant whose name has a character that the certificate cannot carry as it is.
pub const TAKAHASHI_HANAKO: Applicant = Applicant {
    name: "髙橋　花子",
    birth_date: "平成2年2月3日",
    sex: "女",
    address: "東京都千代田区丸の内１丁目１番１号",
    resident: "1310100002",
    password: "HASHI0203",
};

/// A card that can be put into a reader and taken out, by the control address of its program.
#[derive(Clone)]
pub struct Card {
    control: Local,
}

impl Card {
    /// A card that listens for its mover at `control`.
    pub fn new(control: &str) -> Self {
        Self {
            control: Local::new(control, None),
        }
    }

    /// Puts it into the slot that the program knows as `reader`.
    pub fn insert(&self, reader: &str) -> Result<()> {
        self.control
            .post(&format!("/insert/{reader}"), &json!({}))?
            .json()?;
        Ok(())
    }

    /// Pulls it out.
    pub fn remove(&self) -> Result<()> {
        self.control.post("/remove", &json!({}))?.json()?;
        Ok(())
    }

    /// What the card holds, as its program tells.
    pub fn state(&self) -> Result<Value> {
        self.control.get("/")?.json()
    }
}

/// The window: the counter, the kiosk beside it.
#[derive(Clone)]
pub struct Window {
    /// Pages of the clerk.
    pub counter: Local,
    /// Pages of the resident.
    pub kiosk: Local,
}

/// How long a card reader takes to notice a card, at most.
const NOTICE: Duration = Duration::from_secs(10);

impl Window {
    /// The clerk signs in with the card in the second slot.
    pub fn sign_in(&self, pin: &str) -> Result<Value> {
        self.counter
            .post("/api/sign-in", &json!({ "pin": pin }))?
            .json()
    }

    /// Finds the applicant in the resident register.
    pub fn look_up(&self, applicant: &Applicant) -> Result<Value> {
        let query = json!({ "name": applicant.name, "birth_date": applicant.birth_date });
        let found = self.counter.post("/api/register-lookups", &query)?.json()?;
        match found["entries"].as_array().map(Vec::as_slice) {
            Some([entry]) => Ok(entry.clone()),
            Some(entries) => Err(Fault::new(format!(
                "the register has {} entries for {}",
                entries.len(),
                applicant.name
            ))),
            None => Err(Fault::new("the look-up was answered without `entries`")),
        }
    }

    /// The form as it is posted.
    pub fn form(applicant: &Applicant, resident: Option<&str>, applied_on: &str) -> Value {
        let mut form = json!({
            "kind": "first",
            "items": {
                "name": applicant.name,
                "birth_date": applicant.birth_date,
                "sex": applicant.sex,
                "address": applicant.address,
            },
            "applied_on": applied_on,
        });
        if let Some(resident) = resident {
            form["resident"] = json!(resident);
        }
        form
    }

    /// Takes the application in.
    pub fn receive(&self, form: &Value) -> Result<Value> {
        self.counter.post("/api/applications", form)?.json()
    }

    /// One step of an application.
    pub fn step(&self, id: &str, step: &str, body: &Value) -> Result<Value> {
        self.try_step(id, step, body)?.json()
    }

    /// One step, with the answer as it comes.
    pub fn try_step(&self, id: &str, step: &str, body: &Value) -> Result<Answer> {
        self.counter
            .post(&format!("/api/applications/{id}/{step}"), body)
    }

    /// Records the identity decision: a driving licence, the face is that of the photo.
    pub fn identify(&self, id: &str) -> Result<Value> {
        let decision = json!({
            "document": { "kind": "drivers-licence", "issuer": "東京都公安委員会", "expires_on": "2029-04-01" },
            "face_matches": true,
            "decision": "accepted",
        });
        self.step(id, "identity", &decision)
    }

    /// Waits until a reader of the counter or kiosk sees a card.
    pub fn wait_for_card(&self, pages: &Local, seen: impl Fn(&Value) -> bool) -> Result<Value> {
        wait("a card", NOTICE, || {
            let status = pages.get("/api/status")?.json()?;
            Ok(seen(&status).then_some(status))
        })
    }

    /// Waits until the counter sees the resident's card.
    pub fn wait_at_counter(&self) -> Result<Value> {
        self.wait_for_card(&self.counter, |status| {
            status["readers"]["resident"]["card"].is_object()
        })
    }

    /// Waits until the kiosk sees the resident's card.
    pub fn wait_at_kiosk(&self) -> Result<Value> {
        self.wait_for_card(&self.kiosk, |status| !status["card"].is_null())
    }

    /// The resident at the kiosk: begin, password twice, key pair, finish. Gives the phases that were shown.
    pub fn make_key(&self, password: &str) -> Result<Vec<String>> {
        self.make_another_key(None, password)
    }

    /// The same with a card that has a password already, the present one.
    pub fn make_another_key(&self, present: Option<&str>, password: &str) -> Result<Vec<String>> {
        self.kiosk.post("/api/begin", &json!({}))?.json()?;
        let mut typed = json!({ "password": password, "password_again": password });
        if let Some(present) = present {
            typed["old_password"] = json!(present);
        }
        self.kiosk.post("/api/generate", &typed)?.json()?;
        let phases = self.wait_generated()?;
        self.kiosk.post("/api/finish", &json!({}))?.json()?;
        Ok(phases)
    }

    /// Follows the progress of the kiosk until the pair is on the card.
    pub fn wait_generated(&self) -> Result<Vec<String>> {
        let mut phases: Vec<String> = Vec::new();
        wait("the key pair", Duration::from_secs(120), || {
            let progress = self.kiosk.get("/api/progress")?.json()?;
            let step = progress["step"].as_str().unwrap_or_default();
            let said = progress["message"]["en"].as_str().unwrap_or_default();
            let said = said.split('.').next().unwrap_or_default().to_owned();
            if phases.last() != Some(&said) {
                phases.push(said);
            }
            match step {
                "stored" | "done" => Ok(Some(())),
                "generating" => Ok(None),
                ended => {
                    let why = progress["message"]["en"]
                        .as_str()
                        .unwrap_or("no reason given");
                    Err(Fault::new(format!("the kiosk stopped ({ended}): {why}")))
                }
            }
        })?;
        Ok(phases)
    }

    /// What the certificate cannot carry, with candidates.
    pub fn characters(&self, id: &str) -> Result<Value> {
        self.counter
            .get(&format!("/api/applications/{id}/characters"))?
            .json()
    }

    /// Chooses the first candidate for every finding.
    pub fn settle_characters(&self, id: &str) -> Result<(Vec<(String, String)>, Value)> {
        let found = self.characters(id)?;
        let mut chosen = Vec::new();
        let mut choices = Vec::new();
        for finding in found["findings"].as_array().into_iter().flatten() {
            let from = finding["character"].as_str().unwrap_or_default();
            let to = finding["candidates"][0]["character"]
                .as_str()
                .ok_or_else(|| Fault::new(format!("no substitute is offered for {from}")))?;
            chosen.push((from.to_owned(), to.to_owned()));
            choices.push(json!({ "item": finding["item"], "position": finding["position"], "substitute": to }));
        }
        let application = self.step(id, "characters", &json!({ "choices": choices }))?;
        Ok((chosen, application))
    }

    /// The certificate image, decoded from the DER alone.
    pub fn image(&self, id: &str) -> Result<Value> {
        self.counter
            .get(&format!("/api/applications/{id}/image"))?
            .json()
    }

    /// The certificate as read back from the card.
    pub fn certificate(&self, id: &str) -> Result<Vec<u8>> {
        self.counter
            .get(&format!("/api/applications/{id}/certificate.cer"))?
            .ok()
    }

    /// The printed copy.
    pub fn copy(&self, id: &str) -> Result<Vec<u8>> {
        self.counter
            .get(&format!("/api/applications/{id}/copy.pdf"))?
            .ok()
    }

    /// Lets the card sign a message.
    pub fn sign(&self, id: &str, password: &str, message: &[u8]) -> Result<Vec<u8>> {
        let body = json!({ "password": password, "message": crate::text::base64(message) });
        let answer = self.step(id, "sign", &body)?;
        let text = answer["signature"].as_str().unwrap_or_default();
        crate::text::from_base64(text).ok_or_else(|| Fault::new("the signature is no base64"))
    }

    /// Revokes at the window.
    pub fn revoke(&self, application: &str, ground: &str) -> Result<Value> {
        let body = json!({
            "application": application,
            "ground": ground,
            "document": { "kind": "drivers-licence", "issuer": "東京都公安委員会", "expires_on": "2029-04-01" },
        });
        self.counter.post("/api/revocations", &body)?.json()
    }
}

/// Polls until there is a value or the deadline has passed.
pub fn wait<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(value) = probe()? {
            return Ok(value);
        }
        if begun.elapsed() > deadline {
            return Err(Fault::new(format!(
                "waited {} s for {what} in vain",
                deadline.as_secs()
            )));
        }
        thread::sleep(Duration::from_millis(40));
    }
}
