//! The clerk's procedures beside the walk: proxies and written inquiry, password services, kept papers,
//! disclosure, finding a certificate.

use super::Clerk;
use crate::fault::{Fault, Result};
use crate::text;
use crate::window::Applicant;

impl Clerk<'_> {
    /// Looks for somebody by the number in the register.
    pub fn search(&self, resident: &str) -> Result<()> {
        self.go("/screens/new")?;
        self.page.fill("#resident", resident)?;
        self.press("F6")?;
        self.page.wait_for("[role=status]")
    }

    /// Looks for somebody and takes a picture of what is told.
    pub fn search_shown(&self, resident: &str, name: &str) -> Result<()> {
        self.search(resident)?;
        self.shot(name)
    }

    /// Who has a certificate in effect: what is open; of that the first. Nothing is taken in.
    pub fn look_at_choices(&self, resident: &str) -> Result<()> {
        self.search(resident)?;
        self.press("F10")?;
        self.page.wait_for(".wishes button")?;
        self.shot("counter-choose")?;
        self.page
            .follow(|page| page.click(".wishes li:first-child button"))?;
        self.page
            .wait_for("form[action=\"/screens/new/receive\"]")?;
        self.shot("counter-reissue")
    }

    /// Takes in what a proxy applies for, up to the letter to the applicant. Gives the application's id.
    pub fn receive_from_proxy(&self, applicant: &Applicant, proxy: &str) -> Result<String> {
        let page = &self.page;
        self.search(applicant.resident)?;
        self.press("F10")?;
        page.click("details:has(#p-name) summary")?;
        page.fill("#p-name", proxy)?;
        page.fill("#p-power", "今日")?;
        self.press_in_vain("F10")?;
        self.shot("counter-proxy-missing")?;
        let today = page.run("document.querySelector('#applied').value")?;
        let today = today.as_str().unwrap_or_default().to_owned();
        for field in ["#p-power", "#p-seal"] {
            page.fill(field, &today)?;
        }
        self.shot("counter-proxy")?;
        self.press("F10")?;
        page.wait_for("form[action$=\"/inquiry\"], a[href$=\"/inquiry\"]")?;
        if page.has("a[href$=\"/inquiry\"]")? {
            self.press("F6")?;
        }
        page.wait_for("form[action$=\"/inquiry\"]")?;
        let path = page.path()?;
        let id = path.split('/').nth(3).unwrap_or_default().to_owned();
        self.shot("counter-inquiry")?;
        self.press("F10")?;
        page.wait_for("#code")?;
        Ok(id)
    }

    /// Records the reply to the letter, after a number that is not on it. A supervisor confirms it then.
    pub fn reply(&self, code: &str) -> Result<()> {
        let page = &self.page;
        page.wait_for("#code")?;
        page.fill("#code", "0000-0000")?;
        self.document()?;
        page.click("input[name=face]")?;
        self.press_in_vain("F10")?;
        self.shot("counter-reply-wrong")?;
        page.fill("#code", code)?;
        self.document()?;
        page.click("input[name=face]")?;
        self.shot("counter-reply")?;
        self.press("F10")?;
        page.wait_for(".facts")
    }

    /// Keeps a scanned paper with an application: a picture of the screen stands for the scan.
    pub fn keep_paper(&self, application: &str) -> Result<()> {
        let page = &self.page;
        self.go(&format!("/screens/applications/{application}/papers"))?;
        page.wait_for("#file")?;
        self.shot("counter-papers-empty")?;
        let scan = text::base64(&page.picture()?);
        page.run(&format!(
            "(() => {{
               const bytes = Uint8Array.from(atob('{scan}'), one => one.charCodeAt(0));
               const files = new DataTransfer();
               files.items.add(new File([bytes], 'scan.png', {{ type: 'image/png' }}));
               document.querySelector('#file').files = files.files; return true; }})()"
        ))?;
        self.press("F10")?;
        page.wait_for("a[href^=\"/screens/papers/\"]")?;
        self.shot("counter-papers")
    }

    /// A password service (`change`, `unlock`, `initialise`) for the card in the applicant's reader.
    pub fn password_service(&self, service: &str, typed: &[(&str, &str)]) -> Result<()> {
        let page = &self.page;
        self.go("/screens/passwords")?;
        self.shot("counter-passwords")?;
        page.follow(|page| page.click(&format!("button[name=service][value={service}]")))?;
        page.wait_for("#document")?;
        self.document()?;
        page.click("input[name=face]")?;
        self.shot(&format!("counter-{service}-identity"))?;
        self.press("F10")?;
        page.wait_for("form[action$=\"/carry-out\"]")?;
        self.shot(&format!("counter-{service}"))?;
        for (field, said) in typed {
            page.fill(field, said)?;
        }
        self.press("F10")?;
        page.wait_for(".note.good")?;
        self.shot(&format!("counter-{service}-done"))
    }

    /// Takes a request for disclosure in.
    pub fn disclose(&self, resident: &str) -> Result<()> {
        let page = &self.page;
        self.go("/screens/disclosures")?;
        self.shot("counter-disclosures-empty")?;
        self.press("F3")?;
        page.fill("#resident", resident)?;
        self.press("F6")?;
        page.wait(
            "the register's entry",
            "document.querySelector('#name').value !== ''",
        )?;
        self.shot("counter-disclose")?;
        self.document()?;
        page.click("input[name=face]")?;
        self.press("F10")?;
        page.wait_for(".note.good")?;
        self.shot("counter-disclosed")?;
        self.press("Escape")?;
        self.shot("counter-disclosures")
    }

    /// Hands the answer to the only request over that has one; then its correction could be asked for. Gives the
    /// path of the paper.
    pub fn deliver_answer(&self) -> Result<String> {
        let page = &self.page;
        self.go("/screens/disclosures")?;
        page.follow(|page| page.click("a[href$=\"/delivery\"]"))?;
        self.shot("counter-deliver")?;
        self.document()?;
        page.click("input[name=face]")?;
        self.press("F10")?;
        page.wait_for(".paper")?;
        let paper = page.run("document.querySelector('a[href$=\".pdf\"]').getAttribute('href')")?;
        self.shot("counter-delivered")?;
        self.press("F10")?;
        page.follow(|page| page.click("a[href$=\"/correction\"]"))?;
        self.shot("counter-correction")?;
        Ok(paper.as_str().unwrap_or_default().to_owned())
    }

    /// Looks for a certificate in each way; ends on the page of the certificate of the card in the reader.
    pub fn find_certificate(&self, resident: &str) -> Result<()> {
        let page = &self.page;
        self.go("/screens/revocation")?;
        self.shot("counter-find")?;
        page.fill("#printed", "ABCD-EFGH")?;
        self.press_in_vain("F10")?;
        self.shot("counter-find-wrong")?;
        self.press("F6")?;
        page.fill("#resident", resident)?;
        self.press("F10")?;
        page.wait_for("[role=status]")?;
        self.shot("counter-find-person")?;
        self.go("/screens/revocation")?;
        self.press("F5")?;
        page.wait_for("input[name=ground]")
    }

    /// Revokes what [`Self::find_certificate`] found, its card in the reader, and erases the key.
    pub fn revoke_and_erase(&self) -> Result<()> {
        let page = &self.page;
        page.click("input[name=ground][value=article10-damage]")?;
        self.document()?;
        page.click("input[name=face]")?;
        self.press("F10")?;
        page.wait_for("form[action=\"/screens/revocation/erase\"]")?;
        self.shot("counter-revoked-card")?;
        self.press("F10")?;
        page.wait_for(".note.good")?;
        self.shot("counter-erased")
    }

    /// Withdraws an application.
    pub fn withdraw(&self, application: &str) -> Result<()> {
        self.go(&format!("/screens/applications/{application}/withdrawal"))?;
        self.shot("counter-withdrawal")?;
        self.press("F10")?;
        if self.page.has("form[action$=\"/withdraw\"]")? {
            return Err(Fault::new("the application was not withdrawn"));
        }
        self.shot("counter-withdrawn")
    }
}
