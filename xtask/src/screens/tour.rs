//! Through every procedure of the window: two applicants from the form to the hand-over, and what is done
//! beside it. For pictures and examinations; what comes of each procedure is tested elsewhere.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::Screens;
use crate::fault::{Fault, OnPath, Result};
use crate::process;
use crate::stack::supervisor::SUPERVISOR_PIN;
use crate::stack::{OPERATOR_PIN, Stack};
use crate::window::{Applicant, Card, SOUMU_TARO, TAKAHASHI_HANAKO};

/// Who lives far up in a house of a long name.
pub const WATANABE: Applicant = Applicant {
    name: "渡邉　寿限無之介長左衛門",
    birth_date: "昭和23年2月29日",
    sex: "男",
    address: "東京都千代田区神田神保町１丁目１０５番地神保町千代田レジデンス弐番館１２０３号室",
    resident: "1310100006",
    password: "JUGEMU48",
};
/// Who moved away, and who died, by their numbers in the register.
const GONE: [(&str, &str); 2] = [
    ("1310100004", "counter-gone"),
    ("1310100005", "counter-deceased"),
];

/// The tour.
pub struct Tour<'a> {
    /// What is walked on.
    pub stack: &'a Stack,
    /// Both screens, nobody signed in.
    pub screens: &'a Screens<'a>,
    /// Whether everything after the first applicant is done by a clerk who reads English.
    pub then_in_english: bool,
    /// Papers that were printed on the way: name and PDF.
    pub papers: RefCell<Vec<(String, Vec<u8>)>>,
}

/// The reply's code, as it is printed on the letter: each letter in a cell of its own.
pub fn code_on(letter: &Path) -> Result<String> {
    let text = process::run(
        Command::new("pdftotext")
            .arg("-layout")
            .arg(letter)
            .arg("-"),
    )?;
    let text: String = String::from_utf8_lossy(&text).split_whitespace().collect();
    let is_code = |part: &&[u8]| {
        part[4] == b'-'
            && part[..4]
                .iter()
                .chain(&part[5..])
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    text.as_bytes()
        .windows(9)
        .find(is_code)
        .map(|code| String::from_utf8_lossy(code).into_owned())
        .ok_or_else(|| Fault::new("the letter has no code").with_lines(&text, 5))
}

impl<'a> Tour<'a> {
    /// Before the first step.
    pub fn new(stack: &'a Stack, screens: &'a Screens<'a>) -> Self {
        Self {
            stack,
            screens,
            then_in_english: false,
            papers: RefCell::default(),
        }
    }

    /// Everything, in the order of a day.
    pub fn everything(&self) -> Result<()> {
        self.day()?;
        self.evening()
    }

    /// From the sign-in to the closed till. The clerk is at work then.
    pub fn day(&self) -> Result<()> {
        let (stack, clerk) = (self.stack, &self.screens.clerk);
        let supervisor = stack.employ_supervisor()?;
        stack.operator_card().remove()?;
        stack.operator_card().insert("operator")?;
        clerk.sign_in(OPERATOR_PIN)?;
        let cards = [stack.resident_card(0), stack.resident_card(1)];
        let first = self.issue(&SOUMU_TARO, &cards[0])?;
        if self.then_in_english {
            clerk.speak("en")?;
        }
        let second = self.issue(&TAKAHASHI_HANAKO, &cards[1])?;
        for (resident, name) in GONE {
            clerk.search_shown(resident, name)?;
        }
        clerk.search_shown("1310199999", "counter-found-nobody")?;
        clerk.look_at_choices(SOUMU_TARO.resident)?;
        self.by_proxy(&supervisor.card)?;
        self.with_the_card_of(&SOUMU_TARO, &cards[0], &first)?;
        clerk.keep_paper(&second)?;
        let asked = clerk.ask_to_hold_a_paper(&second)?;
        clerk.approve_and_do(&asked, &stack.operator_card(), &supervisor.card)?;
        clerk.look_at_held_papers()?;
        clerk.disclose(TAKAHASHI_HANAKO.resident)?;
        self.at_the_till(&supervisor.card)?;
        clerk.look_round_the_office()?;
        self.by_the_supervisor(&supervisor.card)?;
        if self.then_in_english {
            clerk.speak("ja")?;
        }
        Ok(())
    }

    /// Outside of the hours, to the locked screen.
    pub fn evening(&self) -> Result<()> {
        self.outside_of_hours()?;
        self.screens.clerk.lock()
    }

    fn paper(&self, name: &str, path: &str) -> Result<Vec<u8>> {
        let pdf = self.stack.window().counter.get(path)?.ok()?;
        self.papers
            .borrow_mut()
            .push((name.to_owned(), pdf.clone()));
        Ok(pdf)
    }

    /// One applicant from the form to the hand-over. Gives the application's id.
    pub fn issue(&self, applicant: &Applicant, card: &Card) -> Result<String> {
        let (clerk, resident) = (&self.screens.clerk, &self.screens.resident);
        let id = clerk.receive(applicant)?;
        clerk.identify()?;
        card.insert("counter")?;
        clerk.prepare_card()?;
        card.remove()?;
        clerk.waits_for_key()?;
        resident.waits_for_card()?;
        card.insert("kiosk")?;
        resident.make_key(applicant.password)?;
        card.remove()?;
        card.insert("counter")?;
        clerk.read_public_key()?;
        clerk.settle_characters()?;
        clerk.issue()?;
        clerk.look_at_differences()?;
        clerk.confirm_image()?;
        clerk.write_card(applicant.password)?;
        clerk.take_fee()?;
        clerk.receipt()?;
        clerk.hand_over()?;
        card.remove()?;
        self.paper("copy", &format!("/api/applications/{id}/copy.pdf"))?;
        self.paper("receipt", &format!("/api/applications/{id}/receipt.pdf"))?;
        Ok(id)
    }

    /// A proxy's application: the letter, the reply, the supervisor's approval; then it is withdrawn.
    fn by_proxy(&self, supervisor: &Card) -> Result<()> {
        let clerk = &self.screens.clerk;
        let id = clerk.receive_from_proxy(&WATANABE, "渡邉　さくら")?;
        let letter = self.paper("inquiry", &format!("/api/applications/{id}/inquiry.pdf"))?;
        let file = self.stack.scratch("letter")?.join("inquiry.pdf");
        fs::write(&file, letter).on(&file)?;
        clerk.reply(&code_on(&file)?)?;
        clerk.shot("counter-confirm")?;
        clerk.press("F10")?;
        clerk.page.wait_for("dl.facts")?;
        let asked = clerk.page.path()?;
        clerk.approve_and_do(&asked, &self.stack.operator_card(), supervisor)?;
        clerk.page.wait_for("form[action$=\"/prepare-card\"]")?;
        clerk.shot("counter-card-long-name")?;
        clerk.press_in_vain("F10")?;
        clerk.shot("counter-no-card")?;
        clerk.search(WATANABE.resident)?;
        clerk.press("F10")?;
        clerk.shot("counter-unfinished")?;
        clerk.withdraw(&id)
    }

    /// Password services at counter and kiosk, then the certificate is found, revoked, and its key erased.
    fn with_the_card_of(&self, holder: &Applicant, card: &Card, id: &str) -> Result<()> {
        let (clerk, resident) = (&self.screens.clerk, &self.screens.resident);
        let new = "KASUMI2026";
        card.insert("counter")?;
        clerk.go("/screens/applications")?;
        clerk.wait_for_card("resident")?;
        clerk.password_service("unlock", &[])?;
        let typed = [("#old", holder.password), ("#new", new), ("#again", new)];
        clerk.password_service("change", &typed)?;
        clerk.password_service("initialise", &[("#new", new), ("#again", new)])?;
        card.remove()?;
        card.insert("kiosk")?;
        resident.change_password(new, holder.password)?;
        card.remove()?;
        card.insert("counter")?;
        clerk.wait_for_card("resident")?;
        clerk.find_certificate(holder.resident)?;
        clerk.shot("counter-revocation")?;
        clerk.revoke_and_erase()?;
        card.remove()?;
        clerk.go(&format!("/screens/applications/{id}"))?;
        clerk.shot("counter-ended")
    }

    /// A fee is taken back, the day is closed with ten yen too few.
    fn at_the_till(&self, supervisor: &Card) -> Result<()> {
        let clerk = &self.screens.clerk;
        let operator = self.stack.operator_card();
        let asked = clerk.ask_to_take_back()?;
        clerk.approve_and_do(&asked, &operator, supervisor)?;
        let asked = clerk.ask_to_close_short()?;
        clerk.approve_and_do(&asked, &operator, supervisor)?;
        clerk.shot("counter-till-closed")?;
        let sheet = format!("{}/sheet", clerk.page.path()?);
        self.paper("till", &sheet).map(drop)
    }

    /// The supervisor takes the window over, makes the last month final, and gives the window back.
    fn by_the_supervisor(&self, supervisor: &Card) -> Result<()> {
        let (clerk, operator) = (&self.screens.clerk, self.stack.operator_card());
        clerk.lock()?;
        operator.remove()?;
        supervisor.insert("operator")?;
        clerk.take_over(SUPERVISOR_PIN)?;
        let month = clerk.remit()?;
        self.paper("remittance", &format!("{month}/sheet"))?;
        clerk.lock()?;
        supervisor.remove()?;
        operator.insert("operator")?;
        clerk.take_over(OPERATOR_PIN)
    }

    /// The prefecture's file of places says that the window opened for one minute of the day, which is over
    /// or still to come.
    fn outside_of_hours(&self) -> Result<()> {
        let clerk = &self.screens.clerk;
        let hour = clerk
            .page
            .run("new Date(Date.now() + 9 * 3600e3).getUTCHours()")?;
        let open = if hour.as_u64() == Some(3) { "05" } else { "03" };
        let file = self.stack.scratch("places")?.join("places.toml");
        let places = format!(
            "version = \"tour\"\n\n[[place]]\nname = \"千代田区役所 2階 総合窓口\"\nmunicipality = \"13101\"\n\
             terminals = [\"131010001\"]\noperators = [\"13101-0001\", \"13101-0009\"]\nprofiles = [\"signature\"]\n\n\
             [[place.opening]]\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\n\
             from = \"{open}:00\"\nuntil = \"{open}:01\"\n"
        );
        fs::write(&file, places).on(&file)?;
        let file = file.to_string_lossy();
        let by = "鈴木 一郎";
        self.stack
            .reception()?
            .ra(&["places", "--file", &file, "--by", by])?;
        clerk.look_at_a_closed_window(WATANABE.resident)
    }
}
