//! A day at the window: the walk of the demo, and at each step what a clerk, a resident, a broken program or
//! an attacker does wrong. Bad input gets a precise answer and changes nothing.

use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use softhsm_tests::scene::{Scene, text_of};
use xtask::local::Answer;
use xtask::process;
use xtask::stack::authority::Party;
use xtask::stack::layout::Database;
use xtask::stack::{self, Settings};
use xtask::window::{Applicant, SOUMU_TARO, TAKAHASHI_HANAKO, Window};

/// A third resident in the register.
const YAMADA: Applicant = Applicant {
    name: "山田　一郎",
    birth_date: "昭和45年8月5日",
    sex: "男",
    address: "東京都千代田区九段南１丁目２番１号",
    resident: "1310100003",
    password: "YAMADA1970",
};

/// The answer is a refusal with a problem document that says what is wrong.
#[track_caller]
fn refused(answer: &Answer, statuses: &[u16]) -> String {
    assert!(statuses.contains(&answer.status), "{}", answer.told());
    assert_eq!(
        answer.media_type,
        "application/problem+json",
        "{}",
        answer.told()
    );
    let problem = answer.problem();
    assert!(
        text_of(&problem["type"]).starts_with("urn:jitsuin:problem:"),
        "{problem}"
    );
    assert!(!text_of(&problem["title"]).is_empty(), "{problem}");
    problem.to_string()
}

#[test]
fn a_day_at_the_window_on_sqlite() {
    day(Database::Sqlite, "day-sqlite");
}

#[test]
fn a_day_at_the_window_on_postgresql() {
    day(Database::Postgres, "day-postgres");
}

fn day(database: Database, name: &str) {
    let scene = Scene::open(name, database, Settings::default()).unwrap();
    forms_that_do_not_hold_are_refused(&scene);
    let taro = first_applicant_with_every_mishap(&scene);
    characters_need_their_substitutes(&scene);
    revocation_takes_effect_at_once(&scene, &taro);
    scene.close().unwrap();
}

fn forms_that_do_not_hold_are_refused(scene: &Scene) {
    let window = &scene.window;
    let today = stack::today_in_japan();
    let good = Window::form(&SOUMU_TARO, Some(SOUMU_TARO.resident), &today);
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut form = good.clone();
        change(&mut form);
        window.counter.post("/api/applications", &form).unwrap()
    };
    let before = open_applications(window);

    for item in ["name", "birth_date", "sex", "address"] {
        let told = refused(
            &broken(&|form| _ = form["items"].as_object_mut().unwrap().remove(item)),
            &[400, 422],
        );
        assert!(
            told.contains(item),
            "the missing {item} is not named: {told}"
        );
        let told = refused(
            &broken(&|form| form["items"][item] = json!("")),
            &[400, 422],
        );
        assert!(told.contains(item), "the empty {item} is not named: {told}");
    }
    for day in [
        "昭和25年2月30日",
        "昭和65年1月1日",
        "平成32年4月1日",
        "昨日",
        "令和20年1月1日",
    ] {
        let told = refused(
            &broken(&|form| form["items"]["birth_date"] = json!(day)),
            &[400, 422],
        );
        assert!(told.contains("birth_date"), "{told}");
    }
    let told = refused(&broken(&|form| form["colour"] = json!("red")), &[400, 422]);
    assert!(
        told.contains("colour"),
        "the unknown field is not named: {told}"
    );
    refused(
        &broken(&|form| form["items"]["name"] = json!("名".repeat(100_000))),
        &[413, 400, 422],
    );
    let huge = json!({ "kind": "first", "items": { "name": "名".repeat(2_000_000) } });
    refused(
        &window.counter.post("/api/applications", &huge).unwrap(),
        &[413],
    );
    let no_json = window
        .counter
        .post_bytes(
            "/api/applications",
            "application/json",
            b"{ this is no JSON",
        )
        .unwrap();
    refused(&no_json, &[400]);

    assert_eq!(
        open_applications(window),
        before,
        "a refused form left an application behind"
    );
}

fn open_applications(window: &Window) -> usize {
    let list = window
        .counter
        .get("/api/applications")
        .unwrap()
        .json()
        .unwrap();
    list["applications"].as_array().map_or(0, Vec::len)
}

fn first_applicant_with_every_mishap(scene: &Scene) -> String {
    let window = &scene.window;
    let empty = json!({});
    let card = scene.stack().resident_card(0);
    let taro = &SOUMU_TARO;
    let id = scene.identified(taro).unwrap();
    let stands = |step: &str| assert_eq!(scene.step_of(&id).unwrap(), step);
    stands("identified");

    // No step before its time.
    for early in ["read-public-key", "issue", "hand-over"] {
        refused(
            &window.try_step(&id, early, &empty).unwrap(),
            &[404, 409, 422, 503],
        );
    }
    stands("identified");

    // No card in the reader.
    refused(
        &window.try_step(&id, "prepare-card", &empty).unwrap(),
        &[409, 422, 503],
    );
    stands("identified");
    card.insert("counter").unwrap();
    window.wait_at_counter().unwrap();
    window.step(&id, "prepare-card", &empty).unwrap();

    // The kiosk tells the rules and refuses what breaks them; the card pulled half-way leaves nothing.
    scene.carry(&card, "kiosk").unwrap();
    window
        .kiosk
        .post("/api/begin", &empty)
        .unwrap()
        .json()
        .unwrap();
    for (password, again) in [
        ("SHORT", "SHORT"),
        ("lower-case1", "lower-case1"),
        ("SAKURA2026", "SAKURA2025"),
    ] {
        let answer = window
            .kiosk
            .post(
                "/api/generate",
                &json!({ "password": password, "password_again": again }),
            )
            .unwrap();
        let told = refused(&answer, &[400, 409, 422]);
        assert!(!told.contains(password), "a password stands in an answer");
    }
    window
        .kiosk
        .post(
            "/api/generate",
            &json!({ "password": taro.password, "password_again": taro.password }),
        )
        .unwrap()
        .json()
        .unwrap();
    thread::sleep(Duration::from_millis(30));
    card.remove().unwrap();
    let _ = window.wait_generated();
    let _ = window.kiosk.post("/api/cancel", &empty).unwrap();
    scene.carry(&card, "counter").unwrap();
    if window
        .try_step(&id, "read-public-key", &empty)
        .unwrap()
        .status
        >= 400
    {
        // Pulled before the end: nothing of the visit's key is on the card; keys are set anew.
        window.step(&id, "prepare-card", &empty).unwrap();
        scene.carry(&card, "kiosk").unwrap();
        window.make_key(taro.password).unwrap();
        scene.carry(&card, "counter").unwrap();
        window.step(&id, "read-public-key", &empty).unwrap();
    }
    stands("key-read");

    window.settle_characters(&id).unwrap();
    stands("characters-settled");
    window.step(&id, "issue", &empty).unwrap();
    stands("issued");
    let serial = serial_of(window, &id);
    // Pressed twice: the same certificate.
    let again = window.try_step(&id, "issue", &empty).unwrap();
    if again.status < 400 {
        again.json().unwrap();
    }
    assert_eq!(
        serial_of(window, &id),
        serial,
        "one request, two certificates"
    );

    let image = window.image(&id).unwrap().to_string();
    for item in [taro.name, taro.address] {
        assert!(image.contains(item), "{item} is not on the image: {image}");
    }
    window
        .step(&id, "confirm-image", &json!({ "verdict": "right" }))
        .unwrap();

    // A wrong password at the trial signature costs one try, and the certificate is still to be written.
    refused(
        &window
            .try_step(&id, "write-card", &json!({ "password": "WRONG999" }))
            .unwrap(),
        &[400, 403, 409, 422],
    );
    stands("confirmed");
    card.remove().unwrap();
    refused(
        &window
            .try_step(&id, "write-card", &json!({ "password": taro.password }))
            .unwrap(),
        &[409, 422, 503],
    );
    stands("confirmed");
    card.insert("counter").unwrap();
    window.wait_at_counter().unwrap();
    window
        .step(&id, "write-card", &json!({ "password": taro.password }))
        .unwrap();
    stands("written");

    refused(
        &window
            .try_step(&id, "fee", &json!({ "amount_yen": 499 }))
            .unwrap(),
        &[400, 409, 422],
    );
    window
        .step(&id, "fee", &json!({ "amount_yen": 500 }))
        .unwrap();
    let copy = window.copy(&id).unwrap();
    assert!(copy.starts_with(b"%PDF-"), "the printed copy is no PDF");
    window.step(&id, "hand-over", &empty).unwrap();
    stands("handed-over");
    card.remove().unwrap();

    // One live certificate: a second application of the same resident is told at receipt, with
    // the day from which it can be renewed, and leaves nothing behind.
    let before = open_applications(window);
    let again = Window::form(taro, Some(taro.resident), &stack::today_in_japan());
    let told = refused(
        &window.counter.post("/api/applications", &again).unwrap(),
        &[409],
    );
    assert!(told.contains("certificate-in-effect"), "{told}");
    assert!(told.contains("renewed from"), "{told}");
    assert_eq!(open_applications(window), before);
    id
}

fn serial_of(window: &Window, id: &str) -> String {
    let application = window
        .counter
        .get(&format!("/api/applications/{id}"))
        .unwrap()
        .json()
        .unwrap();
    text_of(&application["certificate"]["serial"])
}

fn characters_need_their_substitutes(scene: &Scene) {
    let window = &scene.window;
    let card = scene.stack().resident_card(1);
    let hanako = &TAKAHASHI_HANAKO;
    let id = scene.identified(hanako).unwrap();
    scene.key_made(&id, &card, hanako.password).unwrap();
    window.step(&id, "read-public-key", &json!({})).unwrap();
    let findings = window.characters(&id).unwrap();
    let finding = &findings["findings"][0];
    assert_eq!(
        (text_of(&finding["item"]), text_of(&finding["character"])),
        ("name".into(), "髙".into())
    );

    let choose = |substitute: &str| {
        let choices = json!({ "choices": [{ "item": "name", "position": finding["position"], "substitute": substitute }] });
        window.try_step(&id, "characters", &choices).unwrap()
    };
    // No choice, a choice that the certificate cannot carry either, and one for a character that needs none.
    refused(
        &window
            .try_step(&id, "characters", &json!({ "choices": [] }))
            .unwrap(),
        &[400, 409, 422],
    );
    refused(&choose("𠮷"), &[400, 409, 422]);
    let beside = json!({ "choices": [{ "item": "name", "position": 1, "substitute": "高" }] });
    refused(
        &window.try_step(&id, "characters", &beside).unwrap(),
        &[400, 409, 422],
    );
    refused(
        &window.try_step(&id, "issue", &json!({})).unwrap(),
        &[409, 422],
    );

    let settled = choose("高").json().unwrap();
    assert_eq!(text_of(&settled["certificate_items"]["name"]), "高橋　花子");
    window.step(&id, "issue", &json!({})).unwrap();
    let image = window.image(&id).unwrap().to_string();
    assert!(image.contains("高橋　花子"), "{image}");
    card.remove().unwrap();
}

fn revocation_takes_effect_at_once(scene: &Scene, id: &str) {
    let window = &scene.window;
    let nobody = json!({ "application": id, "ground": "article99", "document": { "kind": "drivers-licence" } });
    refused(
        &window.counter.post("/api/revocations", &nobody).unwrap(),
        &[400, 422],
    );
    window.revoke(id, "article9").unwrap();
    assert_eq!(scene.step_of(id).unwrap(), "revoked");
    // Twice is once: the first record stays.
    let again = window.revoke(id, "article9");
    assert!(again.is_ok() || again.unwrap_err().to_string().contains("409"));
}

#[test]
fn terminals_act_within_their_certificates_and_not_beyond() {
    let scene = Scene::open("hop", Database::Sqlite, Settings::default()).unwrap();
    let gateway = scene.stack().where_to().gateway();
    let ca = scene.stack().where_to().ca();

    // Without a certificate, and with one of a CA of one's own, there is no answer at all.
    for url in [gateway, ca] {
        let none = scene.client(url, None).unwrap();
        assert!(
            none.ask("GET", "/v1/applications", &[], b"").is_err(),
            "{url} answers without a certificate"
        );
        let forged = forge_identity(&scene);
        let forged = softhsm_tests::mtls::Client::new(
            url,
            &scene.file("ceremony/infra.pem"),
            Some((&forged.0, &forged.1)),
        )
        .unwrap();
        assert!(
            forged.ask("GET", "/v1/applications", &[], b"").is_err(),
            "{url} answers to a forged certificate"
        );
    }
    // An expired certificate, though the authority's own.
    // A terminal's certificate does not open the CA, a gateway's does not open the gateway.
    let terminal_at_ca = scene.client(ca, Some("counter/terminal")).unwrap();
    assert!(turned_away(terminal_at_ca.ask(
        "POST",
        "/v1/certificates",
        &[],
        b"{}"
    )));
    let gateway_at_itself = scene.client(gateway, Some("gateway/client")).unwrap();
    assert!(turned_away(gateway_at_itself.ask(
        "POST",
        "/v1/operator-challenges",
        &[],
        br#"{"operator":"13101-0001"}"#
    )));

    a_terminal_of_another_municipality_sees_nothing(&scene);
    bodies_have_their_limits(&scene);
    a_suspended_terminal_is_cut_off_at_the_next_request(&scene);
    scene.close().unwrap();
}

fn turned_away(answer: xtask::fault::Result<softhsm_tests::mtls::Reply>) -> bool {
    answer.is_err() || answer.is_ok_and(|reply| reply.status == 401 || reply.status == 403)
}

/// A self-signed certificate that claims to be the terminal's.
fn forge_identity(scene: &Scene) -> (std::path::PathBuf, std::path::PathBuf) {
    let (certificate, key) = (scene.file("forged.pem"), scene.file("forged.key"));
    process::run(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
            ])
            .args(["-subj", "/C=JP/CN=131010001"])
            .arg("-out")
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key),
    )
    .unwrap();
    (certificate, key)
}

fn a_terminal_of_another_municipality_sees_nothing(scene: &Scene) {
    let id = scene.identified(&YAMADA).unwrap();
    let authority = scene.stack().authority().unwrap();
    let party = Party {
        kind: "terminal",
        id: "131020001",
        municipality: Some("13102"),
        label: "中央区 窓口1",
    };
    let (_, request) = authority
        .key_and_request("counter-terminal", party.id, "other/terminal")
        .unwrap();
    let (_, record) = authority.enrol(&party, &request).unwrap();
    scene
        .stack()
        .reception()
        .unwrap()
        .register(&record)
        .unwrap();
    let other = scene
        .client(scene.stack().where_to().gateway(), Some("other/terminal"))
        .unwrap();
    for (method, path) in [
        ("GET", format!("/v1/applications/{id}")),
        ("POST", format!("/v1/applications/{id}/issue")),
    ] {
        let reply = other.ask(method, &path, &[], b"{}").unwrap();
        assert!(
            (400..500).contains(&reply.status),
            "{method} {path}: {}",
            reply.status
        );
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(
            !body.contains("山田"),
            "another municipality's resident is told of: {body}"
        );
    }
    assert_eq!(scene.step_of(&id).unwrap(), "identified");
}

fn bodies_have_their_limits(scene: &Scene) {
    let terminal = scene
        .client(scene.stack().where_to().gateway(), Some("counter/terminal"))
        .unwrap();
    let huge = vec![b' '; 8 << 20];
    let reply = terminal.ask("POST", "/v1/operator-challenges", &[], &huge);
    assert!(reply.is_err() || reply.is_ok_and(|reply| reply.status == 413));
    let unknown = terminal
        .ask(
            "POST",
            "/v1/operator-challenges",
            &[],
            br#"{"operator":"13101-0001","colour":"red"}"#,
        )
        .unwrap();
    assert!([400, 422].contains(&unknown.status), "{}", unknown.status);
    assert!(String::from_utf8_lossy(&unknown.body).contains("colour"));
}

fn a_suspended_terminal_is_cut_off_at_the_next_request(scene: &Scene) {
    let terminal = scene
        .client(scene.stack().where_to().gateway(), Some("counter/terminal"))
        .unwrap();
    let ask = |connection: &mut softhsm_tests::mtls::Connection| {
        connection.ask(
            "POST",
            "/v1/operator-challenges",
            &[],
            br#"{"operator":"13101-0001"}"#,
        )
    };
    let mut live = terminal.connect().unwrap();
    assert_eq!(
        ask(&mut live).unwrap().status,
        201,
        "the connection works before"
    );
    scene
        .stack()
        .reception()
        .unwrap()
        .ra(&["suspend", "--kind", "terminal", "--id", stack::TERMINAL])
        .unwrap();
    assert!(
        turned_away(ask(&mut live)),
        "a suspended terminal goes on over its open connection"
    );
    assert!(turned_away(
        terminal.connect().and_then(|mut fresh| ask(&mut fresh))
    ));
    scene
        .stack()
        .reception()
        .unwrap()
        .ra(&["resume", "--kind", "terminal", "--id", stack::TERMINAL])
        .unwrap();
    assert_eq!(
        terminal
            .connect()
            .and_then(|mut fresh| ask(&mut fresh))
            .unwrap()
            .status,
        201
    );
}
