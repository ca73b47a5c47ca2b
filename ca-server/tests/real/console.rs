//! The officers' console: the real programs, a browser-like client over mutual TLS, and the
//! window at the other end.

use std::{fs, process::Command};

use ca_server::testing::{
    client::{Client, Reply},
    disclosure::{delivery, disclosure, request},
    room::Room,
    window::{Applicant, PartyKey},
};
use jiff::Timestamp;
use pki_core::{
    calendar::JapaneseDay,
    certificate::{CertificateImage, pem},
    release::{OfficerSignature, Officers, SignedRelease},
};
use schema::wire::v1::{
    disclosure::{DeliveryResponse, DisclosureLine},
    stop::{Stop, StopRelease, StopReleases, StopReport},
};

/// An officer with a key file and a connection of their own.
pub struct Officer {
    pub browser: Client,
    key_file: std::path::PathBuf,
}

impl Officer {
    pub fn enrolled(room: &Room, base: &str, kind: &str, id: &str) -> Self {
        let key = PartyKey::new();
        let certificate = room.enrol(kind, id, None, &key.request(id));
        let key_file = room.folder.path().join(format!("{id}.key"));
        ca_server::testing::room::private(
            &key_file,
            &pem::encode(pem::PRIVATE_KEY, &key.to_pkcs8()),
        );
        Self {
            browser: room.client_as(base, &certificate, &key),
            key_file,
        }
    }

    pub fn page(&self, path: &str) -> String {
        let (status, bytes) = self.browser.page(path);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(status, 200, "{path}: {text}");
        text
    }

    /// Sends a form and gives where it leads.
    pub fn press(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let (status, to, text) = self.browser.form(path, fields, None);
        assert_eq!(status, 303, "{path}: {text}");
        to
    }

    /// Signs what a signing page shows, by the officers' command, and sends it.
    pub fn sign(&self, signing: &str) -> String {
        let shown = self.page(signing);
        assert!(shown.contains("officer-sign"));
        let statement = self.key_file.with_extension("json");
        fs::write(&statement, self.page(&format!("{signing}/statement.json"))).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_ca-server"))
            .arg("officer-sign")
            .arg("--key")
            .arg(&self.key_file)
            .arg("--statement")
            .arg(&statement)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let signature = String::from_utf8(output.stdout).unwrap();
        self.press(signing, &[("signature", signature.trim())])
    }
}

/// What stands between two pieces of a page.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let rest = page.split_once(before).expect(before).1;
    rest.split_once(after).expect(after).0
}

#[test]
fn a_request_goes_from_the_window_to_the_console_and_the_paper_back() {
    let room = super::room();
    let server = room.start();
    let (_console, base) = room.start_console();
    let officer = Officer::enrolled(&room, &base, "officer", "OFF-1");

    let now = Timestamp::now();
    let applicant = Applicant::soumu("R1");
    let issued = server
        .client
        .issue(&room.window.issue_request(&applicant, now))
        .done();
    let today = JapaneseDay::of(now).to_string();
    let (id, message) = disclosure(&room.window, &request(Some("R1"), &today), now);
    let line: DisclosureLine = server.client.post("/v1/disclosures", &message).done();
    assert_eq!((line.step.as_str(), line.days_left), ("open", Some(30)));

    // The officer finds it by its date, opens it, decides, signs.
    assert!(officer.page("/").contains("認証局担当者"));
    let list = officer.page("/disclosures");
    assert!(list.contains(&format!("/disclosures/{id}")) && !list.contains("総務"));
    let case = officer.page(&format!("/disclosures/{id}"));
    assert!(case.contains("総務　太郎") && case.contains(&issued.serial));
    let decide = between(&case, &format!("href=\"/disclosures/{id}/disclose?"), "\"");
    let version = decide.strip_prefix("version=").unwrap();
    let page = officer.page(&format!("/disclosures/{id}/disclose?version={version}"));
    assert!(page.contains("法第29条"));
    let early = officer
        .browser
        .page(&format!("/disclosures/{id}/answer.pdf"));
    assert_eq!(early.0, 409, "there is no answer before it is decided");
    let signing = officer.press(
        &format!("/disclosures/{id}/disclose"),
        &[("version", version)],
    );
    let act = officer.sign(&signing);
    assert!(officer.page(&act).contains("実施済み"));
    let (status, paper) = officer
        .browser
        .page(&format!("/disclosures/{id}/answer.pdf"));
    assert!(status == 200 && paper.starts_with(b"%PDF"));

    // The window hands the same paper over.
    let message = delivery(&room.window, id, Timestamp::now());
    let path = format!("/v1/disclosures/{id}/delivery");
    let delivered: DeliveryResponse = server.client.post(&path, &message).done();
    assert_eq!(delivered.disclosure.step, "delivered");
    assert_eq!(delivered.answer.0, paper);

    // Each view of the record is in the log, and the log can be searched.
    let log = officer.page("/audit?event=disclosure.view");
    assert!(log.matches("officer:OFF-1").count() >= 2);
    let rows = officer.page("/audit/rows.jsonl?event=disclosure");
    assert!(rows.lines().count() >= 4 && !rows.contains("総務"));
}

#[test]
fn two_officers_enrol_a_kiosk_and_an_auditor_only_looks() {
    let room = super::room();
    let (_console, base) = room.start_console();
    let first = Officer::enrolled(&room, &base, "officer", "OFF-1");
    let second = Officer::enrolled(&room, &base, "officer", "OFF-2");
    let auditor = Officer::enrolled(&room, &base, "auditor", "AUD-1");

    let kiosk = PartyKey::new();
    let request = pem::encode(pem::REQUEST, &kiosk.request("13101K002"));
    let mut fields = vec![
        ("kind", "kiosk"),
        ("id", "13101K002"),
        ("municipality", "13102"),
        ("label", "二台目"),
        ("request", request.as_str()),
    ];
    // Another municipality than the id's: refused with what to do, nothing made.
    let (status, _, text) = first.browser.form("/parties/enrol", &fields, None);
    assert_eq!(status, 409);
    assert!(text.contains("登録できません") && text.contains("二台目"));
    fields[2].1 = "13101";
    let signing = first.press("/parties/enrol", &fields);
    let act = first.sign(&signing);
    assert!(first.page(&act).contains("別の担当者の承認を待っています"));
    // Not the same person, not an auditor, and not a page of another site.
    let approve = format!("{act}/approve");
    let statement = first.page(&format!("{approve}/statement.json"));
    assert!(statement.contains("\"part\":\"approve\""));
    let (status, _, text) = first.browser.form(&approve, &[("signature", "AAAA")], None);
    assert!(status == 409 && text.contains("別の担当者"), "{text}");
    let (status, _, _) = auditor
        .browser
        .form("/parties/kiosk/13101K001/suspend", &[], None);
    assert_eq!(status, 403);
    assert!(!auditor.page("/parties").contains("/parties/enrol"));
    let (status, _, _) = second.browser.form(&approve, &[], Some("cross-site"));
    assert_eq!(status, 403);
    second.sign(&approve);
    let (status, certificate) = second
        .browser
        .page("/parties/kiosk/13101K002/certificate.pem");
    assert_eq!(status, 200);
    assert!(certificate.starts_with(b"-----BEGIN CERTIFICATE"));
    let record = second.page("/parties/kiosk/13101K002/record.json");
    assert!(record.contains("13101K002"));

    // Every page is there in both languages, and none for a stranger.
    for path in [
        "/",
        "/disclosures",
        "/disclosures?step=answered",
        "/acts",
        "/parties",
        "/parties?kind=kiosk",
        "/parties/enrol",
        "/lists",
        "/register",
        "/stops",
        "/audit",
        "/audit?from=2026-01-01&refused=yes",
    ] {
        assert!(auditor.page(path).contains("lang=\"ja\""), "{path}");
    }
    // What stands on them is kept by no browser, runs no script and is framed by nobody.
    let header = |name| auditor.browser.header("/parties", name);
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script-src"));
    assert_eq!(auditor.browser.page("/audit?from=soon").0, 400);
    assert_eq!(auditor.browser.page("/nowhere").0, 404);
    let terminal = room.client_as(&base, &room.terminal_certificate(), &room.window.terminal);
    assert_eq!(terminal.page("/").0, 403);
    // One officer cuts another off: refused at the next request of a live connection.
    let signing = second.press("/parties/officer/OFF-1/suspend", &[]);
    second.sign(&signing);
    assert_eq!(first.browser.page("/").0, 403);
}

#[test]
fn lists_are_published_by_hand_and_their_state_is_shown() {
    let room = super::room();
    let (_console, base) = room.start_console();
    let officer = Officer::enrolled(&room, &base, "officer", "OFF-1");
    // Nobody has published yet.
    assert!(officer.page("/lists").contains("期限切れ"));
    let signing = officer.press("/lists/publish", &[]);
    officer.sign(&signing);
    let lists = officer.page("/lists");
    assert!(!lists.contains("期限切れ") && lists.contains("最新"));
    assert!(room.folder.path().join("crl/sign.crl").is_file());
}

#[test]
fn a_gateways_stop_is_released_at_the_console_and_the_release_fetched() {
    let room = super::room();
    let server = room.start();
    let (_console, base) = room.start_console();
    let first = Officer::enrolled(&room, &base, "officer", "OFF-1");
    let second = Officer::enrolled(&room, &base, "officer", "OFF-2");
    let auditor = Officer::enrolled(&room, &base, "auditor", "AUD-1");
    assert!(!first.page("/").contains("発行が停止しています"));
    let id = "0123456789abcdef0123456789abcdef";
    let report = StopReport {
        stops: vec![Stop {
            id: id.to_owned(),
            serial: "0a0b".to_owned(),
            application: "ff".repeat(16),
            terminal: room.window.terminal_id.clone(),
            operator: room.window.operator_id.clone(),
            tripped_at: Timestamp::now().to_string(),
        }],
    };
    let tell = || -> StopReleases { server.client.post("/v1/stops", &report).done() };
    assert_eq!(tell().releases, []);
    let unreadable: Reply<StopReleases> = server
        .client
        .post("/v1/stops", &serde_json::json!({ "stops": [{ "id": 1 }] }));
    assert_eq!(unreadable.problem(), Some("malformed-message"));

    // Everybody at the console sees it at once; an auditor has no button.
    assert!(first.page("/").contains("発行が停止しています"));
    assert!(first.page("/stops").contains(&format!("/stops/{id}")));
    let button = format!("/stops/{id}/release\"");
    assert!(first.page(&format!("/stops/{id}")).contains(&button));
    assert!(!auditor.page(&format!("/stops/{id}")).contains(&button));
    let release = format!("/stops/{id}/release");
    let (status, _, text) = first.browser.form(&release, &[("reason", " ")], None);
    assert!(
        status == 400 && text.contains("理由を500文字以内"),
        "{text}"
    );
    assert_eq!(first.browser.page(&format!("{release}.json")).0, 404);

    let signing = first.press(&release, &[("reason", "設定を改めた")]);
    let act = first.sign(&signing);
    assert_eq!(tell().releases, [], "one officer releases nothing");
    second.sign(&format!("{act}/approve"));
    let given = tell().releases;
    assert_eq!(given.len(), 1);
    let file: StopRelease = serde_json::from_str(&first.page(&format!("{release}.json"))).unwrap();
    assert_eq!(file, given[0]);
    assert!(!first.page("/").contains("発行が停止しています"));

    // As a gateway judges it.
    let infrastructure = CertificateImage::decode(room.infrastructure()).unwrap();
    let officers = Officers {
        issuer: infrastructure.subject,
        key: infrastructure.public_key,
        unit: "Officers".to_owned(),
        prefecture: "13".to_owned(),
    };
    let part = |one: &schema::wire::v1::stop::OfficerSignature| OfficerSignature {
        officer: one.officer.parse().unwrap(),
        certificate: one.certificate.0.clone(),
        signature: one.signature.0.clone(),
    };
    let signed = SignedRelease {
        act: file.act.parse().unwrap(),
        deed: file.deed.0.clone(),
        proposer: part(&file.proposer),
        second: part(&file.second),
    };
    let released = signed
        .verify(&officers, id, "0a0b", Timestamp::now())
        .unwrap();
    assert_eq!(released.reason, "設定を改めた");
}

#[test]
fn a_stranger_is_not_even_answered() {
    let room = super::room();
    let (_console, base) = room.start_console();
    let window = ca_server::testing::world::World::new();
    let other =
        ca_server::testing::disclosure::OfficerKey::enrolled(&window.app, "officer", "OFF-1");
    let stranger = room.client_as(&base, &other.certificate, &other.key);
    let reply: Reply<serde_json::Value> = stranger.post("/language", &serde_json::json!({}));
    assert!(matches!(reply, Reply::Broken(_)));
}
