//! A stack for one test, gone when the test is over.

use std::path::{Path, PathBuf};

use serde_json::Value;
use xtask::fault::Result;
use xtask::report::Report;
use xtask::stack::layout::Database;
use xtask::stack::{self, Options, Settings, Stack};
use xtask::text;
use xtask::window::{Applicant, Card, Window};
use xtask::workspace::{Profile, Programs, target_dir};

use crate::mtls::Client;

/// A running stack with a clerk signed in.
pub struct Scene {
    stack: Option<Stack>,
    state: PathBuf,
    programs: Programs,
    options: Options,
    /// The window.
    pub window: Window,
}

impl Scene {
    /// Starts a stack and signs the clerk in.
    pub fn open(name: &str, database: Database, settings: Settings) -> Result<Self> {
        let scene = Self::before_opening(name, database, settings)?;
        scene.stack().operator_card().insert("operator")?;
        let window = &scene.window;
        window.wait_for_card(&window.counter, |status| {
            status["readers"]["operator"]["card"].is_object()
        })?;
        window.sign_in(stack::OPERATOR_PIN)?;
        Ok(scene)
    }

    /// Starts a stack; the clerk's card lies beside the reader.
    pub fn before_opening(name: &str, database: Database, settings: Settings) -> Result<Self> {
        let report = Report::kept();
        let programs = Programs::build(&report, Profile::Dev)?;
        let state = target_dir()
            .join("scenes")
            .join(format!("{name}-{}", text::random_hex(4)?));
        let mut options = Options::new(&state, Some(database));
        options.settings = settings;
        let stack = Stack::start(&programs, &options, &report)?;
        let window = stack.window();
        Ok(Self {
            stack: Some(stack),
            state,
            programs,
            options,
            window,
        })
    }

    /// Everything is ended and started again from what it keeps, with other settings.
    pub fn start_again(&mut self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        if let Some(stack) = self.stack.take() {
            stack.end()?;
        }
        change(&mut self.options.settings);
        let stack = Stack::start(&self.programs, &self.options, &Report::kept())?;
        self.window = stack.window();
        self.stack = Some(stack);
        Ok(())
    }

    /// The stack.
    pub fn stack(&self) -> &Stack {
        self.stack
            .as_ref()
            .expect("a scene whose stack did not start again is not used")
    }

    /// Ends the stack in order and removes its state.
    pub fn close(mut self) -> Result<()> {
        if let Some(stack) = self.stack.take() {
            stack.end()?;
        }
        let _ = std::fs::remove_dir_all(&self.state);
        Ok(())
    }

    /// A file of the state directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// A client of the gateway or the CA that shows the certificate of `place` (`counter/terminal`), or none.
    pub fn client(&self, url: &str, place: Option<&str>) -> Result<Client> {
        let identity = place.map(|place| {
            (
                self.file(&format!("{place}.pem")),
                self.file(&format!("{place}.key")),
            )
        });
        let identity: Option<(&Path, &Path)> = identity
            .as_ref()
            .map(|(certificate, key)| (certificate.as_path(), key.as_path()));
        Client::new(url, &self.file("ceremony/infra.pem"), identity)
    }

    /// Takes an application in and identifies the applicant. Gives its id.
    pub fn identified(&self, applicant: &Applicant) -> Result<String> {
        let form = Window::form(
            applicant,
            Some(applicant.resident),
            &stack::today_in_japan(),
        );
        let id = text_of(&self.window.receive(&form)?["id"]);
        self.window.identify(&id)?;
        Ok(id)
    }

    /// Sets the card's keys and lets the resident make the pair; the card is back at the counter.
    pub fn key_made(&self, id: &str, card: &Card, password: &str) -> Result<()> {
        card.insert("counter")?;
        self.window.wait_at_counter()?;
        self.window
            .step(id, "prepare-card", &serde_json::json!({}))?;
        self.carry(card, "kiosk")?;
        self.window.make_key(password)?;
        self.carry(card, "counter")
    }

    /// Moves the card to the other reader and waits until it is noticed.
    pub fn carry(&self, card: &Card, reader: &str) -> Result<()> {
        card.remove()?;
        card.insert(reader)?;
        if reader == "kiosk" {
            self.window.wait_at_kiosk()
        } else {
            self.window.wait_at_counter()
        }
        .map(drop)
    }

    /// The step at which an application stands.
    pub fn step_of(&self, id: &str) -> Result<String> {
        let application = self
            .window
            .counter
            .get(&format!("/api/applications/{id}"))?
            .json()?;
        Ok(text_of(&application["step"]))
    }

    /// The whole walk up to the written card. Gives the application's id.
    pub fn written(&self, applicant: &Applicant, card: &Card) -> Result<String> {
        let empty = serde_json::json!({});
        let id = self.identified(applicant)?;
        self.key_made(&id, card, applicant.password)?;
        self.window.step(&id, "read-public-key", &empty)?;
        self.window.settle_characters(&id)?;
        self.window.step(&id, "issue", &empty)?;
        self.window.step(
            &id,
            "confirm-image",
            &serde_json::json!({ "verdict": "right" }),
        )?;
        self.window.step(
            &id,
            "write-card",
            &serde_json::json!({ "password": applicant.password }),
        )?;
        Ok(id)
    }
}

/// A JSON string's text.
pub fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
