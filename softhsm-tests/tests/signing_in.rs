//! The certificate for signing in (利用者証明用電子証明書) beside the one for signatures, on one card,
//! on real parts: issued in a second walk, read and used by OpenSC, judged by OpenSSL.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use softhsm_tests::judges::OpenSc;
use softhsm_tests::login::{Site, Visitor};
use softhsm_tests::scene::{Scene, text_of};
use xtask::judge::Judge;
use xtask::stack::layout::Database;
use xtask::stack::pcscd::COUNTER_READER;
use xtask::stack::{self, Settings};
use xtask::window::{Card, SOUMU_TARO, Window, wait};

const PIN: &str = "8274";
/// What the holder changes it to at the kiosk, and what is set at the window.
const NEXT_PIN: &str = "9357";
const LAST_PIN: &str = "1592";

const KIND: &str = "user-authentication";

/// The second key's token, as OpenSC names it.
const TOKEN: &str = "JPKI (User Authentication PIN)";

/// The second walk with the card that has the first certificate. Gives the application's id.
fn walk(scene: &Scene, card: &Card) -> String {
    let window = &scene.window;
    let mut form = Window::form(
        &SOUMU_TARO,
        Some(SOUMU_TARO.resident),
        &stack::today_in_japan(),
    );
    form["certificate_kind"] = json!(KIND);
    let id = text_of(&window.receive(&form).unwrap()["id"]);
    // Identified a moment ago for the first one: seen and confirmed with one key.
    let place = format!("/api/applications/{id}/identity-of-visit");
    let seen = window.counter.get(&place).unwrap().json().unwrap();
    assert_eq!(
        seen["found"]["document"]["kind"], "drivers-licence",
        "{seen}"
    );
    let page = window
        .counter
        .get(&format!("/screens/applications/{id}"))
        .unwrap()
        .ok()
        .unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("同じ本人です"), "{page}");
    let same = json!({ "identity_sha256": seen["found"]["identity_sha256"] });
    let identified = window.counter.post(&place, &same).unwrap().json().unwrap();
    assert_eq!(identified["step"], "identified", "{identified}");
    window.step(&id, "prepare-card", &json!({})).unwrap();
    scene.carry(card, "kiosk").unwrap();
    // The kiosk tells the rules of this key, and holds to them.
    window
        .kiosk
        .post("/api/begin", &json!({}))
        .unwrap()
        .json()
        .unwrap();
    let status = window.kiosk.get("/api/status").unwrap().json().unwrap();
    assert_eq!(status["password_rules"]["pattern"], "^[0-9]{4}$");
    let password = SOUMU_TARO.password;
    let typed = json!({ "password": password, "password_again": password });
    let answer = window.kiosk.post("/api/generate", &typed).unwrap();
    assert!(answer.status >= 400, "a password for signatures is no PIN");
    window.make_key(PIN).unwrap();
    scene.carry(card, "counter").unwrap();
    let read = window.step(&id, "read-public-key", &json!({})).unwrap();
    assert_eq!(
        read["step"], "characters-settled",
        "nobody is asked for substitutes"
    );
    for (step, body) in [
        ("issue", json!({})),
        ("confirm-image", json!({ "verdict": "right" })),
        ("write-card", json!({ "password": PIN })),
    ] {
        window.step(&id, step, &body).unwrap();
    }
    id
}

/// Takes a notice about the card in the reader in and carries it out.
fn serve(window: &Window, notice: &Value, typed: &Value) {
    let opened = window.counter.post("/api/notices", notice).unwrap();
    let id = text_of(&opened.json().unwrap()["id"]);
    let done = window
        .counter
        .post(&format!("/api/notices/{id}/carry-out"), typed)
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(done["step"], "done", "{done}");
}

fn password_services(scene: &Scene, card: &Card) {
    let window = &scene.window;
    scene.carry(card, "kiosk").unwrap();
    let kiosk = |path: &str, body: &Value| window.kiosk.post(path, body).unwrap();
    kiosk("/api/begin", &json!({})).json().unwrap();
    let change = |old: &str| json!({ "old": old, "new": NEXT_PIN, "certificate_kind": KIND });
    assert!(kiosk("/api/change-password", &change("0000")).status >= 400);
    kiosk("/api/change-password", &change(PIN)).json().unwrap();
    scene.carry(card, "counter").unwrap();
    let notice = json!({
        "service": "initialise",
        "certificate_kind": KIND,
        "document": { "kind": "drivers-licence", "issuer": "東京都公安委員会", "expires_on": "2029-04-01" },
        "face_matches": true,
    });
    let typed = json!({ "new_password": LAST_PIN, "new_password_again": LAST_PIN });
    serve(window, &notice, &typed);
}

fn public_key(certificate: &Path, into: &Path) {
    let said = Command::new("openssl")
        .args(["x509", "-inform", "DER", "-pubkey", "-noout", "-in"])
        .arg(certificate)
        .output()
        .unwrap();
    assert!(said.status.success());
    fs::write(into, said.stdout).unwrap();
}

#[test]
fn one_card_carries_both_certificates_and_opensc_signs_in_with_the_second() {
    let settings = Settings {
        user_authentication: true,
        ..Settings::default()
    };
    let scene = Scene::open("signing-in", Database::Sqlite, settings).unwrap();
    let card = scene.stack().resident_card(0);
    let first = scene.written(&SOUMU_TARO, &card).unwrap();
    let second = walk(&scene, &card);
    let window = &scene.window;

    // What stands on the card and what the image shows is nothing of the person.
    let dir = scene.stack().scratch("signing-in").unwrap();
    let user = window.certificate(&second).unwrap();
    fs::write(dir.join("user.cer"), &user).unwrap();
    fs::write(
        dir.join("signature.cer"),
        window.certificate(&first).unwrap(),
    )
    .unwrap();
    fs::copy(scene.file("ceremony/ca/auth.cer"), dir.join("ca.cer")).unwrap();
    let image = window.image(&second).unwrap();
    assert!(image["items"].is_null(), "{image}");
    assert!(text_of(&image["user"]["name"]).ends_with("131010001"));
    let name = SOUMU_TARO.name.as_bytes();
    assert!(!user.windows(name.len()).any(|part| part == name));
    assert!(window.copy(&second).unwrap().starts_with(b"%PDF-"));

    // OpenSC lists both, reads the second without a PIN and signs a challenge with it.
    let service = scene.stack().card_service();
    let opensc = OpenSc::at(service.socket(), &format!("{COUNTER_READER} 00 00"));
    let listed = opensc.pkcs15(&["--dump"]).unwrap();
    for part in [
        "PIN [User Authentication PIN]",
        "X.509 Certificate [User Authentication Certificate]",
        "PIN [Digital Signature PIN]",
        "X.509 Certificate [Digital Signature Certificate]",
    ] {
        assert!(listed.contains(part), "{part} is missing:\n{listed}");
    }
    let pem = dir.join("read.pem");
    opensc
        .pkcs15(&["--read-certificate", "1", "-o", pem.to_str().unwrap()])
        .unwrap();
    let der = Command::new("openssl")
        .args(["x509", "-outform", "DER", "-in"])
        .arg(&pem)
        .output()
        .unwrap();
    assert_eq!(der.stdout, user, "OpenSC reads another certificate");

    fs::write(dir.join("challenge"), b"a challenge of the service").unwrap();
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    let sign = |pin: &str| {
        opensc
            .pkcs11(&[
                "--token-label",
                TOKEN,
                "--login",
                "--pin",
                pin,
                "--sign",
                "--id",
                "01",
                "--mechanism",
                "SHA256-RSA-PKCS",
                "--input-file",
                &path("challenge"),
                "--output-file",
                &path("response"),
            ])
            .unwrap()
    };
    let (signed, said) = sign("0000");
    assert!(!signed && said.contains("CKR_PIN_INCORRECT"), "{said}");
    let (signed, said) = sign(PIN);
    assert!(signed, "{said}");
    public_key(&dir.join("user.cer"), &dir.join("user.pub"));
    let judge = Judge::new(&dir, &dir.join("judge")).unwrap();
    judge
        .signature("user.cer", "challenge", "response")
        .unwrap();

    // OpenSSL takes it for a client of TLS that its own CA stands for, and no signer of mail.
    let verify = |ca: &str, purpose: &str| {
        let pem = dir.join(format!("{ca}.pem"));
        let made = Command::new("openssl")
            .args(["x509", "-inform", "DER", "-in"])
            .arg(scene.file(&format!("ceremony/ca/{ca}.cer")))
            .arg("-out")
            .arg(&pem)
            .status()
            .unwrap();
        assert!(made.success());
        Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", purpose, "-CAfile"])
            .arg(&pem)
            .arg(dir.join("read.pem"))
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(verify("auth", "sslclient"));
    assert!(!verify("auth", "smimesign"), "it is for signing in alone");
    assert!(!verify("sign", "sslclient"), "another CA's");

    // A service lets its holder in, asking the card; nobody without a certificate.
    let public = text_of(&scene.stack().endpoints()["public"]);
    let socket = service.socket();
    let holder = |pin| Visitor {
        socket: &socket,
        token: TOKEN,
        id: 1,
        pin,
    };
    let list = |name: &str| {
        let list = dir.join(name);
        let served = scene.stack().public().get("/crl/auth.crl").unwrap();
        fs::write(&list, served.ok().unwrap()).unwrap();
        list
    };
    let site = Site::open(
        &dir.join("site"),
        &dir.join("auth.pem"),
        &list("before.crl"),
    )
    .unwrap();
    let (let_in, said) = site.visited(Some(&holder(PIN))).unwrap();
    assert!(let_in, "{said}");
    let (let_in, said) = site.visited(None).unwrap();
    assert!(!let_in, "{said}");
    // The holder changes the PIN at the kiosk, then forgets it and gets another at the window.
    password_services(&scene, &card);
    let (signed, said) = sign(PIN);
    assert!(!signed && said.contains("CKR_PIN_INCORRECT"), "{said}");
    let (let_in, said) = site.visited(Some(&holder(LAST_PIN))).unwrap();
    assert!(let_in, "{said}");
    site.close().unwrap();

    // Its own responder answers for it. Revoked, the other one on the card stays.
    let ocsp = format!("{public}/ocsp/auth");
    judge
        .ask_ocsp(&ocsp, "user.cer", "good.der", "good")
        .unwrap();
    window.revoke(&second, "article9").unwrap();
    judge
        .ask_ocsp(&ocsp, "user.cer", "revoked.der", "revoked")
        .unwrap();
    // With the list that names it the service lets its holder in no more.
    let serial = judge.serial("user.cer").unwrap();
    let newest = wait(
        "a list with the revocation",
        Duration::from_secs(60),
        || {
            let newest = list("after.crl");
            let text = Command::new("openssl")
                .args(["crl", "-inform", "DER", "-noout", "-text", "-in"])
                .arg(&newest)
                .output()?;
            let text = String::from_utf8_lossy(&text.stdout).to_lowercase();
            Ok(text.contains(&serial).then_some(newest))
        },
    )
    .unwrap();
    let site = Site::open(&dir.join("site"), &dir.join("auth.pem"), &newest).unwrap();
    let (let_in, said) = site.visited(Some(&holder(LAST_PIN))).unwrap();
    assert!(!let_in && said.contains("revoked"), "{said}");
    site.close().unwrap();
    let found = window
        .counter
        .post(
            "/api/certificate-searches",
            &json!({ "resident": SOUMU_TARO.resident }),
        )
        .unwrap()
        .json()
        .unwrap();
    let standings: Vec<(String, String)> = found["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text_of(&one["serial"]), text_of(&one["standing"])))
        .collect();
    assert_eq!(standings.len(), 2, "{found}");
    let of = |certificate: &str| {
        let serial = judge.serial(certificate).unwrap();
        let found = standings
            .iter()
            .find(|(known, _)| known.trim_start_matches('0') == serial.trim_start_matches('0'));
        found.unwrap().1.clone()
    };
    assert_eq!(of("user.cer"), "revoked");
    assert_eq!(of("signature.cer"), "held");

    // Its key is erased from the card; the other one signs as before.
    serve(
        window,
        &json!({ "service": "erase", "certificate_kind": KIND }),
        &json!({}),
    );
    let (signed, said) = sign(LAST_PIN);
    assert!(!signed, "{said}");
    window
        .sign(&first, SOUMU_TARO.password, b"a declaration")
        .unwrap();
    scene.close().unwrap();
}
