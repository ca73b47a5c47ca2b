//! The office (管理): till, approvals, remittance, statistics, shift, and a window outside its hours.

use super::Clerk;
use crate::fault::{Fault, Result};
use crate::stack::OPERATOR_PIN;
use crate::stack::supervisor::SUPERVISOR_PIN;
use crate::window::Card;

impl Clerk<'_> {
    /// Takes the last fee back: asks for the approval. Gives its page's path.
    pub fn ask_to_take_back(&self) -> Result<String> {
        let page = &self.page;
        self.go("/screens/office/till")?;
        self.shot("counter-till")?;
        page.follow(|page| page.click("a[href^=\"/screens/office/fees/\"]"))?;
        self.shot("counter-fee-entry")?;
        page.fill("#reason", "領収額の打ち間違い（500円を二重に収納）")?;
        self.press("F10")?;
        page.wait_for("dl.facts")?;
        page.path()
    }

    /// Counts ten yen less than the book says: asks for the approval. Gives its page's path.
    pub fn ask_to_close_short(&self) -> Result<String> {
        let page = &self.page;
        self.go("/screens/office/till")?;
        let booked = page.text(".total strong")?.replace(',', "");
        let booked: i64 = booked
            .parse()
            .map_err(|_| Fault::new(format!("the till has booked {booked}")))?;
        page.fill("#counted", &(booked - 10).to_string())?;
        page.follow(|page| page.key("F10"))?;
        page.wait_for("#reason")?;
        self.shot("counter-till-difference")?;
        page.fill("#reason", "釣銭の渡し間違い")?;
        self.press("F10")?;
        page.wait_for("dl.facts")?;
        page.path()
    }

    /// A supervisor's card lies in the operator's place: looks, enters the PIN, approves; the clerk's card
    /// comes back and the act is done.
    pub fn approve_and_do(&self, path: &str, clerk: &Card, supervisor: &Card) -> Result<()> {
        let page = &self.page;
        self.go("/screens/office/approvals")?;
        self.shot("counter-approvals")?;
        self.go(path)?;
        self.shot("counter-approval")?;
        clerk.remove()?;
        supervisor.insert("operator")?;
        self.wait_for_card("operator")?;
        page.fill("#pin", SUPERVISOR_PIN)?;
        self.press("F10")?;
        page.wait_for(".note.good")?;
        self.shot("counter-approval-decided")?;
        supervisor.remove()?;
        clerk.insert("operator")?;
        self.wait_for_card("operator")?;
        // The clerk's card was away: who sits here is asked again.
        self.press("F10")?;
        if page.has("#pin")? {
            page.fill("#pin", OPERATOR_PIN)?;
            self.press("Enter")?;
        }
        page.wait_for("form[action$=\"/carry-out\"]")?;
        self.shot("counter-approval-approved")?;
        self.press("F10")?;
        page.wait_for("h1")
    }

    /// Asks for the approval to hold the only paper of an application. Gives its page's path.
    pub fn ask_to_hold_a_paper(&self, application: &str) -> Result<String> {
        let page = &self.page;
        self.go(&format!("/screens/applications/{application}/papers"))?;
        page.follow(|page| page.click("a[href^=\"/screens/office/papers/\"]"))?;
        self.shot("counter-paper-hold")?;
        page.fill("#reason", "令和8年（行ウ）第12号の証拠")?;
        self.press("F10")?;
        page.wait_for("dl.facts")?;
        page.path()
    }

    /// What is held: the list, and from it how a paper would be released.
    pub fn look_at_held_papers(&self) -> Result<()> {
        let page = &self.page;
        self.go("/screens/office/papers")?;
        self.shot("counter-papers-held")?;
        page.follow(|page| page.click("td a[href^=\"/screens/office/papers/\"]"))?;
        page.wait_for("button[value=release]")?;
        self.shot("counter-paper-release")
    }

    /// Another operator opens the locked screen with the card in the reader, and takes the window over.
    pub fn take_over(&self, pin: &str) -> Result<()> {
        let page = &self.page;
        self.wait_for_card("operator")?;
        page.follow(|page| page.run("location.reload()").map(drop))?;
        page.fill("#pin", pin)?;
        self.press("Enter")?;
        page.wait_for("form[action$=\"/take-over\"]")?;
        self.shot("counter-another-operator")?;
        self.press("F10")?;
        self.shot("counter-taken-over")
    }

    /// Makes the last month final. Gives its page's path.
    pub fn remit(&self) -> Result<String> {
        let page = &self.page;
        self.go("/screens/office/remittance")?;
        self.press("F10")?;
        page.wait_for(".note.good")?;
        self.shot("counter-remitted")?;
        page.path()
    }

    /// The pages of the office that only tell.
    pub fn look_round_the_office(&self) -> Result<()> {
        self.go("/screens/office")?;
        self.shot("counter-office")?;
        self.go("/screens/office/remittance")?;
        self.shot("counter-remittance-last")?;
        let this = self.page.run(
            "(now => `${now.getUTCFullYear()}-${String(now.getUTCMonth() + 1).padStart(2, '0')}`)(new Date(Date.now() + 9 * 3600e3))",
        )?;
        let this = this.as_str().unwrap_or_default();
        self.go(&format!("/screens/office/remittance/{this}"))?;
        self.shot("counter-remittance")?;
        self.go("/screens/office/statistics")?;
        self.shot("counter-statistics")?;
        self.go("/screens/office/shift")?;
        self.shot("counter-shift")
    }

    /// Outside of the hours: a new application is not taken in, and who may keep the window open.
    pub fn look_at_a_closed_window(&self, resident: &str) -> Result<()> {
        self.go("/screens/new")?;
        self.page.fill("#resident", resident)?;
        self.press_in_vain("F6")?;
        self.shot("counter-closed-window")?;
        self.go("/screens/office/shift")?;
        self.page.click("details summary")?;
        self.shot("counter-shift-closed")
    }

    /// Locks the screen.
    pub fn lock(&self) -> Result<()> {
        self.page.follow(|page| page.key("F9"))?;
        self.page.wait_for("#pin")?;
        self.shot("counter-locked")
    }
}
