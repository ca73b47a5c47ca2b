//! One window through the years: the stack, a browser, the clock, OpenSSL as the judge.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::json;
use softhsm_tests::scene::{Scene, text_of};
use xtask::browser::Browser;
use xtask::fault::Result;
use xtask::judge::Judge;
use xtask::process;
use xtask::screens::{Album, Clerk, Screens};
use xtask::stack::clock::Clock;
use xtask::stack::layout::Database;
use xtask::stack::{ISSUER, OPERATOR_PIN, Settings};
use xtask::window::{Applicant, Card, Window};

/// Seconds since 1970 of a moment on the Japanese clock, `2026-11-24 10:00:00`.
pub fn japan(moment: &str) -> i64 {
    let moment: DateTime = moment.parse().unwrap();
    Offset::constant(9)
        .to_timestamp(moment)
        .unwrap()
        .as_second()
}

/// How long new lists may take to be out.
const NEW_LISTS: Duration = Duration::from_secs(60);

/// The window, the people before it and the time.
pub struct World {
    pub scene: Scene,
    pub browser: Browser,
    files: PathBuf,
}

impl World {
    /// Begins at that moment of the Japanese clock.
    pub fn begin(name: &str, moment: &str, mut settings: Settings) -> Self {
        settings.clock = Some(japan(moment));
        Self::today(name, settings)
    }

    /// Begins today, by the true time.
    pub fn today(name: &str, settings: Settings) -> Self {
        let scene = Scene::before_opening(name, Database::Sqlite, settings).unwrap();
        let browser = Browser::start(&scene.file("browser")).unwrap();
        let files = scene.stack().scratch("days").unwrap();
        let world = Self {
            scene,
            browser,
            files,
        };
        world.fetch("ca.cer", &format!("/certs/{ISSUER}.cer"));
        world
    }

    /// Another day, perhaps years later: machines and clerk have had new certificates, everything is started
    /// in the morning.
    pub fn later(&mut self, moment: &str) {
        self.later_with(moment, |_| {});
    }

    /// The same with other settings.
    pub fn later_with(&mut self, moment: &str, change: impl FnOnce(&mut Settings)) {
        self.scene
            .start_again(|settings| {
                settings.clock = Some(japan(moment));
                settings.renew_parties = true;
                change(settings);
            })
            .unwrap();
    }

    pub fn clock(&self) -> &Clock {
        self.scene.stack().clock().unwrap()
    }

    /// Time passes with everything running.
    pub fn pass_to(&self, moment: &str) {
        self.clock().set(japan(moment)).unwrap();
    }

    /// Both screens, the clerk signed in with the card.
    pub fn open<'a>(&self, album: &'a Album<'a>) -> Screens<'a> {
        let stack = self.scene.stack();
        stack.operator_card().insert("operator").unwrap();
        let screens = Screens::open(&self.browser, stack, album).unwrap();
        screens.clerk.sign_in(OPERATOR_PIN).unwrap();
        screens
    }

    /// Residents who were issued certificates without anything that these tests look at; kept by these names.
    pub fn issue_to_all(&self, applied_on: &str, all: &[(&str, &Applicant)]) {
        let window = &self.scene.window;
        let stack = self.scene.stack();
        stack.operator_card().insert("operator").unwrap();
        window
            .wait_for_card(&window.counter, |status| {
                status["readers"]["operator"]["card"].is_object()
            })
            .unwrap();
        window.sign_in(OPERATOR_PIN).unwrap();
        for (number, (name, applicant)) in all.iter().enumerate() {
            let id = issued(window, applicant, &stack.resident_card(number), applied_on).unwrap();
            self.keep(name, &id);
        }
        window
            .counter
            .post("/api/sign-out", &json!({}))
            .unwrap()
            .ok()
            .unwrap();
    }

    fn fetch(&self, name: &str, path: &str) {
        let body = self.scene.stack().public().get(path).unwrap().ok().unwrap();
        fs::write(self.files.join(name), body).unwrap();
    }

    /// OpenSSL, living by the clock of the day.
    pub fn judge(&self) -> Judge {
        let judge = Judge::new(&self.files, &self.files).unwrap();
        match self.scene.stack().clock() {
            Some(clock) => judge.by(clock),
            None => judge,
        }
    }

    /// Keeps the certificate of an application as `name.cer`.
    pub fn keep(&self, name: &str, application: &str) {
        self.keep_der(name, &self.scene.window.certificate(application).unwrap());
    }

    /// Keeps a certificate as `name.cer`.
    pub fn keep_der(&self, name: &str, der: &[u8]) {
        fs::write(self.file(&format!("{name}.cer")), der).unwrap();
    }

    /// OpenSSL finds nothing wrong with a kept certificate but that its time is over.
    pub fn has_expired(&self, name: &str) {
        self.fetch("full.crl", &format!("/crl/{ISSUER}.crl"));
        let judge = self.judge();
        judge.expired(&format!("{name}.cer"), "full.crl").unwrap();
    }

    /// The audit logs of authority and gateway are whole, from the first day to the last.
    pub fn audit_is_whole(&self) {
        let stack = self.scene.stack();
        let rows = stack
            .export_audit(&self.file("audit.jsonl"), &self.file("audit-head.txt"))
            .unwrap();
        assert!(rows > 20, "{rows} rows");
        let reception = stack.reception().unwrap();
        let out = self.file("audit-gateway.jsonl");
        let out = out.to_string_lossy();
        reception.ra(&["audit", "export", "--out", &out]).unwrap();
        reception.ra(&["audit", "verify", "--out", &out]).unwrap();
    }

    /// Last moment of a kept certificate, as OpenSSL prints it.
    pub fn end_of(&self, name: &str) -> String {
        self.judge().end(&format!("{name}.cer")).unwrap()
    }

    /// What the responder says of a kept certificate now.
    pub fn ocsp_says(&self, name: &str, expected: &str) {
        let url = format!("{}/ocsp/{ISSUER}", self.scene.stack().public().base());
        self.judge()
            .ask_ocsp(
                &url,
                &format!("{name}.cer"),
                &format!("{name}.ocsp"),
                expected,
            )
            .unwrap();
    }

    /// Whether the responder says that a kept certificate is revoked.
    pub fn is_revoked(&self, name: &str) -> bool {
        let url = format!("{}/ocsp/{ISSUER}", self.scene.stack().public().base());
        let (certificate, answer) = (format!("{name}.cer"), format!("{name}.ocsp"));
        let asked = self
            .judge()
            .ask_ocsp(&url, &certificate, &answer, "revoked");
        asked.is_ok()
    }

    /// Waits until the full list and that of the municipality say of each kept certificate whether it is
    /// revoked.
    pub fn lists_say(&self, municipality: &str, expected: &[(&str, bool)]) {
        let judge = self.judge();
        let say = |(name, revoked): &(&str, bool)| {
            let certificate = format!("{name}.cer");
            [("full.crl", false), ("partition.crl", true)]
                .into_iter()
                .try_for_each(|(list, partition)| {
                    if *revoked {
                        judge.revoked_by_crl(&certificate, list, partition)
                    } else {
                        judge.good_by_crl(&certificate, list, partition)
                    }
                })
        };
        let begun = Instant::now();
        loop {
            self.fetch("full.crl", &format!("/crl/{ISSUER}.crl"));
            self.fetch(
                "partition.crl",
                &format!("/crl/{ISSUER}/{municipality}.crl"),
            );
            match expected.iter().try_for_each(say) {
                Ok(()) => return,
                Err(fault) => assert!(begun.elapsed() < NEW_LISTS, "{fault}"),
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until the full list names a serial number, however that is written.
    pub fn list_names(&self, serial: &str) {
        let digits = serial.chars().filter(char::is_ascii_hexdigit);
        let serial: String = digits.collect::<String>().to_uppercase();
        assert!(serial.len() >= 32, "{serial} is no serial number");
        let begun = Instant::now();
        while !self.full_list().contains(&serial) {
            assert!(begun.elapsed() < NEW_LISTS, "no list names {serial}");
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// What OpenSSL reads in the full list.
    pub fn full_list(&self) -> String {
        self.fetch("full.crl", &format!("/crl/{ISSUER}.crl"));
        let mut openssl = Command::new("openssl");
        openssl.args(["crl", "-inform", "DER", "-noout", "-text", "-in"]);
        let said = process::run(openssl.arg(self.files.join("full.crl"))).unwrap();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Serial number of a kept certificate as lists have it.
    pub fn serial(&self, name: &str) -> String {
        let serial = self.judge().serial(&format!("{name}.cer")).unwrap();
        serial.to_uppercase()
    }

    /// A file of the test's own.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }
}

/// What the counter's page says in the middle.
pub fn shown_by(clerk: &Clerk<'_>) -> String {
    clerk.page.text("main").unwrap()
}

/// Does what the counter refuses. Gives what it says.
#[track_caller]
pub fn refused<'a, T>(clerk: &Clerk<'a>, act: impl FnOnce(&Clerk<'a>) -> Result<T>) -> String {
    assert!(act(clerk).is_err(), "it was done");
    clerk.page.text(".banner").unwrap()
}

/// The walk up to the point at which the certificate is due, through the interface of counter and kiosk instead of
/// their pages, the form dated `applied_on`. Gives the application's id.
pub fn settled(
    window: &Window,
    applicant: &Applicant,
    card: &Card,
    applied_on: &str,
) -> Result<String> {
    let empty = json!({});
    let form = Window::form(applicant, Some(applicant.resident), applied_on);
    let id = text_of(&window.receive(&form)?["id"]);
    window.identify(&id)?;
    card.insert("counter")?;
    window.wait_at_counter()?;
    window.step(&id, "prepare-card", &empty)?;
    card.remove()?;
    card.insert("kiosk")?;
    window.wait_at_kiosk()?;
    window.make_key(applicant.password)?;
    card.remove()?;
    card.insert("counter")?;
    window.wait_at_counter()?;
    window.step(&id, "read-public-key", &empty)?;
    window.settle_characters(&id)?;
    Ok(id)
}

/// The whole walk in the same way.
pub fn issued(
    window: &Window,
    applicant: &Applicant,
    card: &Card,
    applied_on: &str,
) -> Result<String> {
    let empty = json!({});
    let id = settled(window, applicant, card, applied_on)?;
    let issued = window.step(&id, "issue", &empty)?;
    window.step(&id, "confirm-image", &json!({ "verdict": "right" }))?;
    let typed = json!({ "password": applicant.password });
    window.step(&id, "write-card", &typed)?;
    let fee = json!({ "amount_yen": issued["fee_yen"] });
    window.step(&id, "fee", &fee)?;
    window.step(&id, "hand-over", &empty)?;
    card.remove()?;
    Ok(id)
}

/// Where pictures go when somebody wants to look (`JITSUIN_PICTURES`).
pub fn album(part: &str) -> Album<'static> {
    match std::env::var_os("JITSUIN_PICTURES") {
        Some(folder) => Album::into_folder(&PathBuf::from(folder).join(part)).unwrap(),
        None => Album::none(),
    }
}

/// From the card's preparation to the hand-over, the application being identified. Gives the fee that was
/// taken.
pub fn from_card_to_hand_over(
    screens: &Screens<'_>,
    applicant: &Applicant,
    card: &Card,
    present: Option<&str>,
) -> Result<String> {
    key_and_characters(screens, applicant, card, present)?;
    screens.clerk.issue()?;
    screens.clerk.confirm_image()?;
    screens.clerk.write_card(applicant.password)?;
    let fee = screens.clerk.take_fee()?;
    screens.clerk.hand_over()?;
    card.remove()?;
    Ok(fee)
}

/// From the card's preparation to the point at which the certificate is due.
pub fn key_and_characters(
    screens: &Screens<'_>,
    applicant: &Applicant,
    card: &Card,
    present: Option<&str>,
) -> Result<()> {
    let (clerk, resident) = (&screens.clerk, &screens.resident);
    card.insert("counter")?;
    clerk.prepare_card()?;
    card.remove()?;
    resident.waits_for_card()?;
    card.insert("kiosk")?;
    resident.make_another_key(present, applicant.password)?;
    card.remove()?;
    card.insert("counter")?;
    clerk.read_public_key()?;
    clerk.settle_characters()?;
    Ok(())
}
