//! The certificate for signing in (利用者証明用電子証明書) beside the one for signatures, on one card,
//! on real parts: issued in a second walk, read and used by OpenSC, judged by OpenSSL.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use softhsm_tests::judges::OpenSc;
use softhsm_tests::scene::{Scene, text_of};
use xtask::judge::Judge;
use xtask::stack::layout::Database;
use xtask::stack::pcscd::COUNTER_READER;
use xtask::stack::{self, Settings};
use xtask::window::{Card, SOUMU_TARO, Window};

const PIN: &str = "8274";

/// The second walk with the card that has the first certificate. Gives the application's id.
fn walk(scene: &Scene, card: &Card) -> String {
    let window = &scene.window;
    let mut form = Window::form(
        &SOUMU_TARO,
        Some(SOUMU_TARO.resident),
        &stack::today_in_japan(),
    );
    form["certificate_kind"] = json!("user-authentication");
    let id = text_of(&window.receive(&form).unwrap()["id"]);
    window.identify(&id).unwrap();
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
    for (step, body) in [
        ("read-public-key", json!({})),
        ("characters", json!({ "choices": [] })),
        ("issue", json!({})),
        ("confirm-image", json!({ "verdict": "right" })),
        ("write-card", json!({ "password": PIN })),
    ] {
        window.step(&id, step, &body).unwrap();
    }
    id
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
                "JPKI (User Authentication PIN)",
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

    // Its own responder answers for it. Revoked, the other one on the card stays.
    let public = text_of(&scene.stack().endpoints()["public"]);
    let ocsp = format!("{public}/ocsp/auth");
    judge
        .ask_ocsp(&ocsp, "user.cer", "good.der", "good")
        .unwrap();
    window.revoke(&second, "article9").unwrap();
    judge
        .ask_ocsp(&ocsp, "user.cer", "revoked.der", "revoked")
        .unwrap();
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
    scene.close().unwrap();
}
