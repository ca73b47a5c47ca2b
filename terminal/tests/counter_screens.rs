//! The clerk's screens over plain HTTP, as a browser without its script asks for them:
//! forms, where they lead, and what they say.

#[path = "counter_screens/browser.rs"]
mod browser;
#[path = "../../pki-core/tests/certificate_support/mod.rs"]
mod certificate_support;
mod support;
mod window_gateway;

use browser::{Browser, browser};
use schema::wire::v1::ra::{CharacterFinding, Step, SubstituteCandidate};
use serde_json::Value;
use window_gateway::ID;
use window_gateway::place::{PASSWORD, PIN};

const DOCUMENT: [(&str, &str); 3] = [
    ("document", "drivers-licence"),
    ("issuer", "東京都公安委員会"),
    ("expires_on", "令和19年2月28日"),
];

#[test]
fn the_screens_lead_from_the_register_to_the_hand_over_and_to_the_revocation() {
    let mut browser = browser("screens-walk");
    browser.window.gateway.not_identified();

    // The register, the form, the application.
    browser.go("/screens/new");
    browser.press("/screens/new/search", &[("name", "総務　次郎")]);
    browser.says("該当する住民がありません");
    browser.press("/screens/new/search", &[("name", "総務　太郎")]);
    browser.says("昭和25年4月1日");
    browser.press("/screens/new/items", &[("resident", "1310100001")]);
    let wish = browser.hidden()["wish"].clone();
    let kind = browser.hidden()["kind"].clone();
    let form = [
        ("resident", "1310100001"),
        ("wish", wish.as_str()),
        ("kind", kind.as_str()),
    ];
    let wrong = [&form[..], &[("applied_on", "令和8年2月30日")]].concat();
    browser.press("/screens/new/receive", &wrong);
    assert_eq!(browser.status, 400);
    browser.says("日付は「令和8年11月22日」");
    let right = [&form[..], &[("applied_on", "令和8年11月22日")]].concat();
    browser.press("/screens/new/receive", &right);
    assert_eq!(browser.here, format!("/screens/applications/{ID}"));

    // Identity: nobody is accepted without the face compared.
    browser.says("○ 一致");
    let accepted = [&DOCUMENT[..], &[("decision", "accepted")]].concat();
    browser.step("identity", &accepted);
    assert_eq!(browser.status, 400);
    browser.says("顔写真と本人を見比べ");
    browser.step("identity", &[&accepted[..], &[("face", "yes")]].concat());

    // Card, kiosk, key.
    browser.says("カードを準備する");
    browser.step("prepare-card", &[]);
    browser.says("カードが戻るのを待っています");
    browser.step("read-public-key", &[]);
    assert_eq!(browser.status, 409);
    browser.says("カードに鍵がありません");
    browser.window.at_the_kiosk();
    browser.window.resident.remove();
    browser.open();
    browser.says("カードが戻るのを待っています");
    browser.window.resident.insert(&browser.window.card);
    browser.open();
    browser.says("鍵の入ったカードが置かれています");
    browser.step("read-public-key", &[]);

    // Certificate and card.
    browser.says("すべての文字を");
    browser.step("characters", &[]);
    browser.step("issue", &[]);
    for shown in ["電子証明書", "総務　太郎", "確認コード", "相違ありません"]
    {
        browser.says(shown);
    }
    browser.step("image", &[("verdict", "right")]);
    browser.step("write-card", &[("password", "WRONG99")]);
    browser.says("まちがえるとロック");
    assert!(
        !browser.page.contains("WRONG99"),
        "a password is never shown again"
    );
    browser.step("write-card", &[("password", PASSWORD)]);
    browser.says("読み戻した内容は一致し");
    browser.says("500<small>");
    browser.step("fee", &[("amount", "500")]);
    browser.says("copy.pdf");
    // Taken back at the till: the step list is at the fee again, and it is taken anew.
    browser
        .window
        .gateway
        .take_back_the_fee("13101-2026-000001");
    browser.step("hand-over", &[]);
    assert_eq!(browser.status, 409);
    browser.open();
    browser.says("改めて収納してください");
    browser.says("13101-2026-000001");
    assert!(!browser.page.contains("copy.pdf"));
    browser.step("fee", &[("amount", "500")]);
    browser.says("copy.pdf");
    browser.step("hand-over", &[]);
    browser.says("交付が完了しました");
    assert_eq!(browser.window.gateway.step(), Step::HandedOver);

    // And its revocation, by the number of the printed copy.
    let image = browser.window.counter.image(&ID.parse().unwrap()).unwrap();
    let serial = image["serial"].as_str().unwrap().to_owned();
    browser.go("/screens/revocation");
    browser.press("/screens/revocation/find", &[("serial", "not a number")]);
    assert_eq!(browser.status, 400);
    browser.press("/screens/revocation/find", &[("serial", &serial)]);
    browser.says("紛失");
    let found = [
        ("serial", serial.as_str()),
        ("ground", "article9"),
        ("face", "yes"),
    ];
    browser.press(
        "/screens/revocation/revoke",
        &[&found[..], &DOCUMENT].concat(),
    );
    browser.says("失効させました");
    assert_eq!(browser.window.gateway.revoked(), [serial]);
}

#[test]
fn a_character_that_does_not_fit_is_shown_with_its_candidates_and_the_choice_goes_on() {
    let mut browser = browser("screens-characters");
    browser.window.gateway.find(CharacterFinding {
        item: "name".into(),
        position: 0,
        character: "髙".into(),
        code_point: "U+9AD9".into(),
        candidates: vec![SubstituteCandidate {
            character: "高".into(),
            code_point: "U+9AD8".into(),
            source: "JIS X 0213".into(),
        }],
        kana_allowed: true,
    });
    browser.open();
    browser.step("prepare-card", &[]);
    browser.window.at_the_kiosk();
    browser.open();
    browser.step("read-public-key", &[]);
    for shown in ["髙", "U+9AD9", "高", "U+9AD8", "かなで記載する"] {
        browser.says(shown);
    }
    browser.step("characters", &[]);
    assert_eq!(browser.status, 400, "nothing was chosen");
    browser.step(
        "characters",
        &[("choice-name-0", "kana"), ("kana-name-0", "タカ")],
    );
    let chosen = browser.window.gateway.chosen();
    assert_eq!(chosen[0].substitute, "タカ");
    assert_eq!(browser.window.gateway.step(), Step::CharactersSettled);
}

#[test]
fn each_exit_of_the_image_is_explained_before_it_is_taken() {
    let mut browser = browser("screens-exits");
    browser.open();
    browser.step("prepare-card", &[]);
    browser.window.at_the_kiosk();
    browser.open();
    browser.step("read-public-key", &[]);
    browser.step("characters", &[]);
    browser.step("issue", &[]);
    browser.go(&format!("/screens/applications/{ID}/differences"));
    for explained in ["法第13条", "法第9条", "都道府県全体の発行を止めます"] {
        browser.says(explained);
    }
    for verdict in ["person-wrong", "substitute-wish", "issuer-wrong"] {
        browser.go(&format!("/screens/applications/{ID}/differences/{verdict}"));
        browser.says("この操作は取り消せません");
        browser.says(&format!("value=\"{verdict}\""));
    }
    browser.go(&format!("/screens/applications/{ID}/differences/right"));
    assert_eq!(browser.status, 404);
}

#[test]
fn a_lock_keeps_the_place_and_the_pin_opens_it_there() {
    let mut browser = browser("screens-lock");
    browser.open();
    let here = browser.here.clone();
    browser.press("/screens/lock", &[("here", &here)]);
    browser.says("ロックされています");
    assert!(!browser.page.contains("総務"), "nothing of the applicant");
    let next = browser.hidden()["next"].clone();
    browser.press("/screens/sign-in", &[("pin", "999999"), ("next", &next)]);
    assert_eq!(browser.status, 409);
    browser.press("/screens/sign-in", &[("pin", PIN), ("next", &next)]);
    assert_eq!(browser.here, here);

    // Without a session every page leads to the sign-in, and back.
    browser.window.counter.sign_out();
    for page in [
        "/screens/applications",
        "/screens/new",
        "/screens/revocation",
        &here,
    ] {
        browser.go(page);
        assert_eq!(browser.here, format!("/screens/sign-in?next={page}"));
    }
    browser.press(
        "/screens/sign-in",
        &[("pin", PIN), ("next", "//evil.example/")],
    );
    assert_eq!(browser.here, "/screens/applications");
}

#[test]
fn the_language_changes_and_stays_on_the_page() {
    let mut browser = browser("screens-language");
    browser.open();
    browser.says("value=\"en\"");
    browser.language = "en";
    let here = browser.here.clone();
    browser.press("/screens/language", &[("to", "en"), ("here", &here)]);
    assert_eq!(browser.here, here);
    browser.says("Prepare the card");
}

#[test]
fn an_application_is_withdrawn_after_a_question() {
    let mut browser = browser("screens-withdraw");
    browser.go(&format!("/screens/applications/{ID}/withdrawal"));
    browser.says("取り下げますか");
    browser.step("withdraw", &[]);
    browser.says("取下げ");
    assert_eq!(browser.window.gateway.step(), Step::Cancelled);
}

#[test]
fn no_form_is_taken_without_this_starts_secret_or_from_another_page() {
    let mut browser = browser("screens-fence");
    browser.open();
    let secret = browser.hidden()["local"].clone();
    let origin = browser.base.clone();
    let refused = |browser: &Browser| {
        let problem: Value = serde_json::from_str(&browser.page).unwrap();
        (browser.status, problem["type"].as_str().unwrap().to_owned())
    };
    for path in [
        "/screens/sign-in",
        "/screens/lock",
        "/screens/new/search",
        "/screens/new/items",
        "/screens/new/receive",
        "/screens/revocation/find",
        "/screens/revocation/revoke",
        &format!("/screens/applications/{ID}/prepare-card"),
        &format!("/screens/applications/{ID}/issue"),
    ] {
        browser.send(path, &[("local", "0000")], &origin);
        let type_ = "urn:jitsuin:problem:local-secret".to_owned();
        assert_eq!(refused(&browser), (403, type_), "{path}");
        browser.send(path, &[("local", &secret)], "https://evil.example");
        let type_ = "urn:jitsuin:problem:origin".to_owned();
        assert_eq!(refused(&browser), (403, type_), "{path}");
    }
    assert_eq!(browser.window.gateway.step(), Step::Identified);
    assert!(
        browser.window.counter.token().is_ok(),
        "the clerk is still at work"
    );
}

#[test]
fn a_gateway_that_is_away_is_told_on_a_page_with_what_to_do() {
    let mut browser = browser("screens-away");
    browser.window.gateway.set_down(true);
    browser.open();
    assert_eq!(browser.status, 504);
    browser.says("受付サーバと連絡がとれません");
    browser.window.gateway.set_down(false);
    browser.go(&format!("/screens/applications/{}", "f".repeat(31)));
    assert_eq!(browser.status, 404);
    browser.says("一覧から選び直してください");
}

#[test]
fn a_request_for_disclosure_is_taken_in_and_its_answer_handed_over() {
    let mut browser = browser("screens-disclosure");
    browser.go("/screens/applications");
    browser.says("/screens/disclosures");
    browser.go("/screens/disclosures");
    browser.says("請求はありません");
    browser.go("/screens/disclosures/new");
    let id = browser.hidden()["id"].clone();
    let take = "/screens/disclosures/take";
    // The person as the register has him.
    let resident = [("id", id.as_str()), ("resident", "1310100001")];
    browser.press(take, &[&resident[..], &[("do", "fill")]].concat());
    browser.says("総務　太郎");
    browser.says("昭和25年4月1日");
    let mut form = vec![
        ("id", id.as_str()),
        ("do", "take"),
        ("name", "総務　太郎"),
        ("birth_date", "昭和25年4月1日"),
        ("address", "東京都千代田区霞が関２丁目１番２号"),
        ("resident", "1310100001"),
        ("requested_on", "令和8年11月22日"),
        ("delivery", "window"),
        ("proxy_name", "総務　花子"),
        ("proxy_address", "東京都千代田区霞が関２丁目１番２号"),
        ("power_of_attorney", "yes"),
        ("seal_certificate", "yes"),
    ];
    form.extend(DOCUMENT);
    // A proxy without the reply to the inquiry; then a face that was not compared.
    browser.press(take, &form);
    browser.says("照会書の回答がすべて必要です");
    browser.says("value=\"総務　花子\"");
    form.push(("inquiry_reply", "yes"));
    browser.press(take, &form);
    browser.says("確認欄に印を付けてください");
    assert!(browser.window.gateway.disclosures().is_empty());
    form.push(("face", "yes"));
    browser.press(take, &form);
    browser.says("請求を受け付けました");
    browser.says("令和8年12月21日");
    let asked = browser.window.gateway.disclosures().remove(0);
    assert_eq!(asked.person.birth_date, "319500401");
    assert_eq!(asked.proxy.unwrap().name, "総務　花子");

    // Nothing to hand over before there is an answer; then it is fetched and printed.
    browser.go("/screens/disclosures");
    browser.says("回答待ち");
    assert!(!browser.page.contains("/delivery"));
    browser.window.gateway.answer_disclosures();
    browser.go("/screens/disclosures");
    browser.says(&format!("/screens/disclosures/{id}/delivery"));
    browser.go(&format!("/screens/disclosures/{id}/delivery"));
    let deliver = format!("/screens/disclosures/{id}/deliver");
    browser.press(&deliver, &DOCUMENT);
    browser.says("確認欄に印を付けてください");
    let shown = [&DOCUMENT[..], &[("face", "yes")]].concat();
    browser.press(&deliver, &shown);
    browser.says("交付してください");
    let paper = format!("/screens/disclosures/{id}/answer.pdf");
    browser.go(&paper);
    assert!(browser.page.starts_with("%PDF"));
    browser.go("/screens/disclosures");
    browser.says(&format!("/screens/disclosures/{id}/correction"));
    browser.go(&format!("/screens/disclosures/{id}/correction"));
    browser.says("請求の趣旨");

    // The paper does not outlive the clerk's session.
    browser.go("/screens/disclosures");
    browser.press("/screens/lock", &[("here", "/screens/disclosures")]);
    browser.go(&paper);
    assert!(!browser.page.starts_with("%PDF"), "the paper is gone");
}
