//! What a resident who has the card comes to the window for, on real parts: password services, revocation with
//! the erasure of the key.

use serde_json::{Value, json};
use softhsm_tests::scene::{Scene, text_of};
use xtask::local::Answer;
use xtask::stack::Settings;
use xtask::stack::layout::Database;
use xtask::window::{Card, SOUMU_TARO, TAKAHASHI_HANAKO};

const NEW: &str = "KASUMI2026";

/// The problem's name without its prefix.
#[track_caller]
fn refused(answer: &Answer) -> String {
    assert!(answer.status >= 400, "{}", answer.told());
    text_of(&answer.problem()["type"]).replace("urn:jitsuin:problem:", "")
}

#[test]
fn a_day_beside_the_walk() {
    let scene = Scene::open("beside-sqlite", Database::Sqlite, Settings::default()).unwrap();
    let card = scene.stack().resident_card(0);
    let taro = scene.written(&SOUMU_TARO, &card).unwrap();
    passwords_are_served_at_the_window(&scene, &taro, &card);
    a_certificate_is_found_and_its_key_erased_after_the_revocation(&scene, &taro, &card);
    scene.close().unwrap();
}

fn document() -> Value {
    json!({ "kind": "drivers-licence", "issuer": "東京都公安委員会", "expires_on": "2029-04-01" })
}

fn open_notice(scene: &Scene, service: &str) -> Answer {
    let body = json!({ "service": service, "document": document(), "face_matches": true });
    scene.window.counter.post("/api/notices", &body).unwrap()
}

fn carry_out(scene: &Scene, id: &str, typed: &Value) -> Answer {
    let path = format!("/api/notices/{id}/carry-out");
    scene.window.counter.post(&path, typed).unwrap()
}

fn signs(scene: &Scene, application: &str, password: &str) -> Result<(), String> {
    let body = json!({ "password": password, "message": "SGFrdWF0dQ==" });
    let answer = scene.window.try_step(application, "sign", &body).unwrap();
    if answer.status < 400 {
        Ok(())
    } else {
        Err(refused(&answer))
    }
}

fn passwords_are_served_at_the_window(scene: &Scene, taro: &str, card: &Card) {
    let old = SOUMU_TARO.password;
    // Blocked by five wrong tries; unlocked, the password is as before.
    for _ in 0..5 {
        signs(scene, taro, "WRONG999").unwrap_err();
    }
    assert_eq!(signs(scene, taro, old), Err("password-blocked".into()));
    let unlock = text_of(&open_notice(scene, "unlock").json().unwrap()["id"]);
    let done = carry_out(scene, &unlock, &json!({})).json().unwrap();
    assert_eq!(done["step"], "done");
    assert_eq!(signs(scene, taro, old), Ok(()));

    // Changed: the old one has to be right, and the new one within the rules.
    let change = text_of(&open_notice(scene, "change").json().unwrap()["id"]);
    let typed = |old: &str, new: &str, again: &str| json!({ "old_password": old, "new_password": new, "new_password_again": again });
    for (wrong, problem) in [
        (typed("WRONG999", NEW, NEW), "password-wrong"),
        (typed(old, "short", "short"), "password-rules"),
        (typed(old, NEW, "KASUMI2025"), "password-rules"),
    ] {
        let answer = carry_out(scene, &change, &wrong);
        assert_eq!(refused(&answer), problem);
        assert!(!answer.told().contains("KASUMI"), "a password is told");
    }
    assert_eq!(signs(scene, taro, old), Ok(()));
    // The card pulled before the press leaves the notice open; put back, the same button does it.
    card.remove().unwrap();
    // Which of the two is told depends on whether the reader has noticed already.
    let told = refused(&carry_out(scene, &change, &typed(old, NEW, NEW)));
    assert!(
        ["card-missing", "card-removed"].contains(&told.as_str()),
        "{told}"
    );
    card.insert("counter").unwrap();
    scene.window.wait_at_counter().unwrap();
    let done = carry_out(scene, &change, &typed(old, NEW, NEW))
        .json()
        .unwrap();
    assert_eq!(done["step"], "done");
    assert_eq!(signs(scene, taro, NEW), Ok(()));
    assert_eq!(signs(scene, taro, old), Err("password-wrong".into()));

    // Forgotten: a new one without the old, although another's card lies there first.
    let initialise = text_of(&open_notice(scene, "initialise").json().unwrap()["id"]);
    let typed = json!({ "new_password": old, "new_password_again": old });
    card.remove().unwrap();
    let other = scene.stack().resident_card(1);
    other.insert("counter").unwrap();
    scene.window.wait_at_counter().unwrap();
    assert_eq!(
        refused(&carry_out(scene, &initialise, &typed)),
        "card-other"
    );
    assert_eq!(refused(&open_notice(scene, "unlock")), "not-found");
    other.remove().unwrap();
    card.insert("counter").unwrap();
    scene.window.wait_at_counter().unwrap();
    let done = carry_out(scene, &initialise, &typed).json().unwrap();
    assert_eq!(done["step"], "done");
    assert_eq!(signs(scene, taro, old), Ok(()));
    assert_eq!(signs(scene, taro, NEW), Err("password-wrong".into()));

    let open = scene.window.counter.get("/api/notices").unwrap();
    assert_eq!(open.json().unwrap()["notices"], json!([]));
}

fn a_certificate_is_found_and_its_key_erased_after_the_revocation(
    scene: &Scene,
    taro: &str,
    card: &Card,
) {
    let image = scene.window.image(taro).unwrap();
    let (serial, code) = (text_of(&image["serial"]), text_of(&image["check_code"]));
    let find = |asked: Value| -> Value {
        let answer = scene
            .window
            .counter
            .post("/api/certificate-searches", &asked);
        answer.unwrap().json().unwrap()["certificates"].clone()
    };
    let status = scene.window.counter.get("/api/status").unwrap();
    let card_id = status.json().unwrap()["readers"]["resident"]["card"]["id"].clone();
    for asked in [
        json!({ "check_code": code }),
        json!({ "serial": serial }),
        json!({ "card": card_id }),
        json!({ "resident": SOUMU_TARO.resident }),
    ] {
        let found = find(asked);
        assert_eq!(found[0]["serial"], json!(serial));
        assert_eq!(found[0]["standing"], "held");
    }
    assert_eq!(
        find(json!({ "resident": TAKAHASHI_HANAKO.resident })),
        json!([])
    );

    // In effect it is not erased; revoked, it is.
    assert_eq!(
        refused(
            &scene
                .window
                .counter
                .post("/api/notices", &json!({ "service": "erase" }))
                .unwrap()
        ),
        "certificate-in-effect"
    );
    let revoked = json!({
        "serial": serial,
        "ground": "article9",
        "document": document(),
        "face_matches": true,
    });
    let revoked = scene.window.counter.post("/api/revocations", &revoked);
    revoked.unwrap().json().unwrap();
    assert_eq!(refused(&open_notice(scene, "unlock")), "card-refused");
    let erase = json!({ "service": "erase" });
    let erase = scene.window.counter.post("/api/notices", &erase).unwrap();
    let erase = text_of(&erase.json().unwrap()["id"]);
    let done = carry_out(scene, &erase, &json!({})).json().unwrap();
    assert_eq!(done["step"], "done");
    card.remove().unwrap();
    card.insert("counter").unwrap();
    let status = scene.window.wait_at_counter().unwrap();
    assert_eq!(status["readers"]["resident"]["card"]["state"], "blank");
    let found = find(json!({ "check_code": code }));
    assert_eq!(found[0]["standing"], "revoked");
    assert!(found[0]["erased_at"].is_string());
}
