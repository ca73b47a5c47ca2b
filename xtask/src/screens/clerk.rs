//! The clerk at the counter's screens: function keys and Enter, as the pages offer them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Album;
use crate::browser::Page;
use crate::fault::{Fault, Result};
use crate::window::Applicant;

/// Who issued the driving licences that the applicants of demo and tests show, and until when.
const LICENCE: (&str, &str) = ("東京都公安委員会", "令和11年4月1日");

/// How long the copy may take to be drawn.
const PAPER: Duration = Duration::from_secs(10);

/// The counter's screen.
pub struct Clerk<'a> {
    /// The page.
    pub page: Page,
    /// Until when the driving licences that are shown are valid.
    pub licence_until: &'static str,
    album: &'a Album<'a>,
}

impl<'a> Clerk<'a> {
    /// Opens the counter's start address: the sign-in stands there.
    pub fn open(page: Page, start: &str, album: &'a Album<'a>) -> Result<Self> {
        page.open(start)?;
        page.wait_for("#pin")?;
        Ok(Self {
            page,
            licence_until: LICENCE.1,
            album,
        })
    }

    pub(super) fn shot(&self, name: &str) -> Result<()> {
        self.album.take(&self.page, name)
    }

    /// Presses a key that leads to another page. What the page tells as wrong is a fault.
    pub fn press(&self, key: &str) -> Result<()> {
        self.page.follow(|page| page.key(key))?;
        if self.page.has(".banner")? {
            return Err(Fault::new(format!(
                "the counter says: {}",
                self.page.text(".banner")?
            )));
        }
        Ok(())
    }

    /// Opens one of the counter's pages by its path.
    pub fn go(&self, path: &str) -> Result<()> {
        let base = self.page.run("location.origin")?;
        let base = base.as_str().unwrap_or_default();
        self.page.open(&format!("{base}{path}"))
    }

    /// Chooses the language of the pages: `ja`, `en`.
    pub fn speak(&self, language: &str) -> Result<()> {
        self.page
            .follow(|page| page.click(&format!("button[name=to][value={language}]")))
    }

    /// Presses a key after which the page tells that something is wrong.
    pub fn press_in_vain(&self, key: &str) -> Result<()> {
        self.page.follow(|page| page.key(key))?;
        self.page.wait_for(".banner[role=alert]")
    }

    /// Waits until the counter's head tells that a reader has a card.
    pub(super) fn wait_for_card(&self, reader: &str) -> Result<()> {
        self.page.wait(
            &format!("a card in the reader of the {reader}"),
            &format!(
                "(chip => chip && chip.dataset.look === 'ok' && chip.innerText.trim() === chip.dataset.card)\
                 (document.querySelector('[data-chip=\"{reader}\"]'))"
            ),
        )
    }

    /// Signs in with the card in the operator's reader.
    pub fn sign_in(&self, pin: &str) -> Result<()> {
        self.wait_for_card("operator")?;
        // The page tells of the card, too, when it is loaded with the card in place.
        self.page
            .follow(|page| page.run("location.reload()").map(drop))?;
        self.shot("counter-sign-in")?;
        self.page.fill("#pin", pin)?;
        self.press("Enter")?;
        self.page.wait_for("a[href=\"/screens/new\"]")?;
        self.shot("counter-list")
    }

    /// Goes to the list of applications, wherever the clerk is.
    pub fn list(&self) -> Result<()> {
        if self.page.path()? == "/screens/applications" {
            return Ok(());
        }
        self.go("/screens/applications")
    }

    /// From the list: searches the register for the applicant. The page shows who fits.
    pub fn search_by_name(&self, applicant: &Applicant) -> Result<()> {
        let page = &self.page;
        self.list()?;
        self.press("F3")?;
        page.fill("#name", applicant.name)?;
        page.fill("#birth", applicant.birth_date)?;
        self.shot("counter-search")?;
        self.press("F6")
    }

    /// Searches and takes the first who fits: what is open to the applicant is shown.
    pub fn look_up(&self, applicant: &Applicant) -> Result<()> {
        self.search_by_name(applicant)?;
        self.page.wait_for("form[action=\"/screens/new/items\"]")?;
        self.shot("counter-found")?;
        self.press("F10")
    }

    /// Finds the applicant in the register, compares with the form, takes the application in.
    /// Gives its id.
    pub fn receive(&self, applicant: &Applicant) -> Result<String> {
        self.look_up(applicant)?;
        self.take_in(applicant)
    }

    /// The items as found are those of the form: takes the application in. Gives its id.
    pub fn take_in(&self, applicant: &Applicant) -> Result<String> {
        let page = &self.page;
        let form = page.text("table")?;
        if !form.contains(applicant.name) || !form.contains(applicant.address) {
            return Err(Fault::new(format!("another person is shown: {form}")));
        }
        self.shot("counter-form")?;
        self.press("F10")?;
        page.wait_for("#document")?;
        let path = page.path()?;
        let id = path.rsplit('/').next().unwrap_or_default();
        Ok(id.to_owned())
    }

    /// The driving licence shown, written into the form.
    pub fn document(&self) -> Result<()> {
        self.page.choose("#document", "drivers-licence")?;
        self.page.fill("#issuer", LICENCE.0)?;
        self.page.fill("#expires", self.licence_until)
    }

    /// Records the identity decision. Gives how many items agreed with the register.
    pub fn identify(&self) -> Result<usize> {
        self.document()?;
        self.page.click("input[name=face]")?;
        let agreeing = self
            .page
            .run("document.querySelectorAll('.agree:not(.not)').length")?;
        self.shot("counter-identity")?;
        self.press("F10")?;
        self.page.wait_for("form[action$=\"/prepare-card\"]")?;
        Ok(agreeing
            .as_u64()
            .and_then(|n| n.try_into().ok())
            .unwrap_or(0))
    }

    /// Prepares the card in the applicant's reader.
    pub fn prepare_card(&self) -> Result<()> {
        self.wait_for_card("resident")?;
        self.shot("counter-card")?;
        self.press("F10")?;
        self.page.wait_for("form[action$=\"/read-public-key\"]")
    }

    /// What is shown while the applicant is at the kiosk.
    pub fn waits_for_key(&self) -> Result<()> {
        self.page.wait_for("ol.tasks")?;
        self.shot("counter-key-waiting")
    }

    /// Reads the public key once the page has noticed by itself that the card is back.
    pub fn read_public_key(&self) -> Result<()> {
        self.page
            .wait_for("form[action$=\"/read-public-key\"] button.first")?;
        self.shot("counter-key")?;
        self.press("F10")?;
        self.page.wait_for("form[action$=\"/characters\"]")
    }

    /// Lets the applicant choose the first candidate for every character. Gives what was chosen.
    pub fn settle_characters(&self) -> Result<Vec<(String, String)>> {
        let page = &self.page;
        let count = page.run("document.querySelectorAll('.character').length")?;
        let mut chosen = Vec::new();
        for number in 1..=count.as_u64().unwrap_or(0) {
            let place = format!(".character:nth-of-type({number})");
            let from = page.text(&format!("{place} > div .glyph"))?;
            page.click(&format!("{place} .candidate input"))?;
            let to = page.text(&format!("{place} .candidate:has(:checked) .glyph"))?;
            chosen.push((from, to));
        }
        self.shot("counter-characters")?;
        self.press("F10")?;
        page.wait_for("form[action$=\"/issue\"]")?;
        Ok(chosen)
    }

    /// Requests the certificate.
    pub fn issue(&self) -> Result<()> {
        self.shot("counter-issue")?;
        self.press("F10")?;
        self.page.wait_for(".certificate")
    }

    /// What stands on the image of the certificate, by its headings.
    pub fn image(&self) -> Result<BTreeMap<String, String>> {
        let read = self.page.run(
            "Object.fromEntries([...document.querySelectorAll('.certificate dt')].map(
               dt => [dt.innerText.trim(), dt.nextElementSibling.innerText.trim()]))",
        )?;
        let read = read.as_object().cloned().unwrap_or_default();
        Ok(read
            .into_iter()
            .map(|(name, text)| (name, text.as_str().unwrap_or_default().to_owned()))
            .collect())
    }

    /// What could be wrong with the certificate, and back to it.
    pub fn look_at_differences(&self) -> Result<()> {
        self.press("F8")?;
        self.shot("counter-differences")?;
        self.press("F3")?;
        self.shot("counter-difference")?;
        self.press("Escape")?;
        self.press("Escape")?;
        self.page.wait_for(".certificate")
    }

    /// All is right.
    pub fn confirm_image(&self) -> Result<()> {
        self.shot("counter-image")?;
        self.press("F10")?;
        self.page.wait_for("form[action$=\"/write-card\"]")
    }

    /// The applicant types the password; the certificate is written and compared.
    pub fn write_card(&self, password: &str) -> Result<()> {
        self.page.fill("#password", password)?;
        self.shot("counter-write")?;
        self.press("Enter")?;
        self.page.wait_for(".amount")
    }

    /// Takes the fee. Gives the amount as shown.
    pub fn take_fee(&self) -> Result<String> {
        let amount = self.page.text(".amount")?;
        self.shot("counter-fee")?;
        self.press("F10")?;
        self.page.wait_for("form[action$=\"/hand-over\"]")?;
        Ok(amount)
    }

    /// Looks at the receipt and comes back. Gives its number.
    pub fn receipt(&self) -> Result<String> {
        self.press("F6")?;
        let number = self.page.text(".sheet td")?;
        self.shot("counter-receipt")?;
        self.press("Escape")?;
        Ok(number)
    }

    /// Hands card and copy over.
    pub fn hand_over(&self) -> Result<()> {
        // The viewer draws the copy when it gets round to it; without one the page says what to do.
        let _ = crate::window::wait("the copy on the screen", PAPER, || {
            Ok(self.page.is_drawn(".paper")?.then_some(()))
        });
        self.shot("counter-hand-over")?;
        self.press("F10")?;
        self.page.wait_for(".note.good")?;
        self.shot("counter-handed-over")
    }

    /// Revokes the certificate of an application that was handed over, as its holder wishes.
    /// Gives when it was recorded.
    pub fn revoke(&self, application: &str) -> Result<String> {
        let page = &self.page;
        self.go(&format!("/screens/applications/{application}"))?;
        self.press("F8")?;
        page.click("input[name=ground][value=article9]")?;
        self.document()?;
        page.click("input[name=face]")?;
        self.shot("counter-revocation")?;
        self.press("F10")?;
        page.wait_for(".note.good")?;
        self.shot("counter-revoked")?;
        let at = page.text(".note.good")?;
        page.follow(|page| page.click("a[href=\"/screens/applications\"]"))?;
        Ok(at)
    }
}
