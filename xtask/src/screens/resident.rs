//! The resident at the kiosk's touch screens.

use super::Album;
use crate::browser::Page;
use crate::fault::{Fault, Result};

/// The kiosk's screen.
pub struct Resident<'a> {
    /// The page.
    pub page: Page,
    album: &'a Album<'a>,
}

impl<'a> Resident<'a> {
    /// Opens the kiosk's start address: it asks for a card.
    pub fn open(page: Page, start: &str, album: &'a Album<'a>) -> Result<Self> {
        page.open(start)?;
        page.wait_for("img[src=\"/assets/place-card.svg\"]")?;
        Ok(Self { page, album })
    }

    fn shot(&self, name: &str) -> Result<()> {
        self.album.take(&self.page, name)
    }

    /// Touches what leads to another page.
    pub fn touch(&self, selector: &str) -> Result<()> {
        self.page.follow(|page| page.click(selector))
    }

    /// Chooses a language: `ja`, `easy`, `en`.
    pub fn speak(&self, language: &str) -> Result<()> {
        self.touch(&format!("button[name=language][value={language}]"))
    }

    /// What is shown before the card lies in the reader.
    pub fn waits_for_card(&self) -> Result<()> {
        self.page.wait_for("img[src=\"/assets/place-card.svg\"]")?;
        self.shot("kiosk-place-card")
    }

    /// With the card in the reader: reads the rules and types the password twice. The kiosk then
    /// makes the key pair. Gives the phases that were shown.
    pub fn make_key(&self, password: &str) -> Result<Vec<String>> {
        self.make_another_key(None, password)
    }

    /// The same with a card that has a password already: the present one is asked for first.
    pub fn make_another_key(&self, present: Option<&str>, password: &str) -> Result<Vec<String>> {
        let page = &self.page;
        page.wait_for("form[action=\"/do/begin\"]")?;
        self.shot("kiosk-begin")?;
        self.touch("form[action=\"/do/begin\"] button")?;
        page.wait_for("form[action=\"/do/choose\"]")?;
        self.shot("kiosk-menu")?;
        self.touch("button[value=generate]")?;
        page.wait_for("form[action=\"/do/rules\"]")?;
        self.shot("kiosk-rules")?;
        self.touch("form[action=\"/do/rules\"] button")?;
        if let Some(present) = present {
            self.type_password(present)?;
            self.shot("kiosk-password-present")?;
            self.touch("[data-submit]")?;
        }
        page.wait_for("form[data-entry]")?;
        self.shot("kiosk-password")?;
        self.type_password(password)?;
        self.touch("[data-submit]")?;
        page.wait_for("form[data-entry]")?;
        self.shot("kiosk-password-again")?;
        self.type_password(password)?;
        self.touch("[data-submit]")?;
        self.follow_generation()
    }

    /// With a card that has a key: changes its password, after a wrong present one and two that differ.
    pub fn change_password(&self, present: &str, new: &str) -> Result<()> {
        let page = &self.page;
        page.wait_for("form[action=\"/do/begin\"]")?;
        self.touch("form[action=\"/do/begin\"] button")?;
        page.wait_for("form[action=\"/do/choose\"]")?;
        self.shot("kiosk-menu-holder")?;
        self.touch("button[value=change]")?;
        self.shot("kiosk-rules-change")?;
        self.touch("form[action=\"/do/rules\"] button")?;
        self.shot("kiosk-present")?;
        for typed in ["WRONG1", present, new, "WRONG1"] {
            self.type_password(typed)?;
            self.touch("[data-submit]")?;
            if typed == "WRONG1" {
                page.wait_for("[role=alert]")?;
                self.shot("kiosk-password-told")?;
            }
        }
        for _ in 0..2 {
            self.type_password(new)?;
            self.touch("[data-submit]")?;
        }
        page.wait_for("img[src=\"/assets/take-card.svg\"]")?;
        self.shot("kiosk-changed")
    }

    /// Touches the keys of the screen's keyboard.
    pub fn type_password(&self, password: &str) -> Result<()> {
        self.page.wait_for("form[data-entry]")?;
        for letter in password.chars() {
            self.page.click(&format!("[data-key=\"{letter}\"]"))?;
        }
        let typed = self.page.text("[data-count]")?;
        if typed == password.chars().count().to_string() {
            Ok(())
        } else {
            Err(Fault::new(format!(
                "{typed} characters were taken of the password"
            )))
        }
    }

    fn follow_generation(&self) -> Result<Vec<String>> {
        let mut phases: Vec<String> = Vec::new();
        let mut pictured = false;
        let stored = "img[src=\"/assets/take-card.svg\"]";
        crate::window::wait("the key pair", std::time::Duration::from_secs(180), || {
            // A page that is giving way has no text to be read.
            if let Ok(phase) = self.page.text("[aria-current=step]")
                && phases.last() != Some(&phase)
            {
                phases.push(phase);
            }
            if !pictured && self.page.has("progress").unwrap_or(false) {
                pictured = true;
                self.shot("kiosk-generating")?;
            }
            let over = self.page.has(stored).unwrap_or(false);
            Ok(over.then_some(()))
        })?;
        self.page.wait_for(stored)?;
        if self.page.has("[role=alert]")? {
            return Err(Fault::new(format!(
                "the kiosk stopped: {}",
                self.page.text("main")?
            )));
        }
        self.shot("kiosk-stored")?;
        Ok(phases)
    }
}
