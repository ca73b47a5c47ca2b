//! An officer of the authority at the console: the pages in the browser behind the officer's own certificate,
//! and the key that signs what they show.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use xtask::browser::{Browser, COUNTER, Page};
use xtask::fault::Result;
use xtask::process;
use xtask::workspace::target_dir;

use crate::mtls::Client;
use crate::pane::Pane;
use crate::scene::Scene;

/// The officer.
pub struct Officer {
    /// What the officer looks at.
    pub page: Page,
    pane: Pane,
    client: Client,
    key: PathBuf,
    statement: PathBuf,
}

impl Officer {
    /// Opens the console at `url` with the certificate and key of `place` (`officers/OFF-1`).
    pub fn at_the_console(
        scene: &Scene,
        browser: &Browser,
        url: &str,
        place: &str,
    ) -> Result<Self> {
        let client = scene.client(url, Some(place))?;
        let officer = Self {
            page: browser.page(COUNTER)?,
            pane: Pane::open(client.clone())?,
            client,
            key: scene.file(&format!("{place}.key")),
            statement: scene.file(&format!("{place}.statement.json")),
        };
        officer.go("/")?;
        Ok(officer)
    }

    /// Where the console is for the browser.
    pub fn base(&self) -> &str {
        self.pane.base()
    }

    /// A client of the console with the same certificate.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens one of the console's pages by its path.
    pub fn go(&self, path: &str) -> Result<()> {
        self.page.open(&format!("{}{path}", self.base()))
    }

    /// Presses what leads to another page.
    pub fn press(&self, selector: &str) -> Result<()> {
        self.page.follow(|page| page.click(selector))
    }

    /// Takes the statement of the page for signing, signs it with `ca-server officer-sign`, and sends the
    /// signature.
    pub fn sign(&self) -> Result<()> {
        let path = format!("{}/statement.json", self.page.path()?);
        let statement = self.client.ask("GET", &path, &[], b"")?;
        fs::write(&self.statement, statement.body)?;
        let signature = process::run(
            Command::new(target_dir().join("debug/ca-server"))
                .args(["officer-sign", "--key"])
                .arg(&self.key)
                .arg("--statement")
                .arg(&self.statement),
        )?;
        let signature = String::from_utf8_lossy(&signature);
        let signature = signature.lines().last().unwrap_or_default();
        self.page.fill("#signature", signature.trim())?;
        self.press("main form button.first")
    }
}
