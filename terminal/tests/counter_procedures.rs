//! The screens before and beside the walk: which application is open, the proxy, the
//! written inquiry, the reply and the second pair of eyes.

#[path = "counter_screens/browser.rs"]
mod browser;
#[path = "../../pki-core/tests/certificate_support/mod.rs"]
mod certificate_support;
mod support;
mod window_gateway;

use browser::{Browser, browser};
use schema::wire::v1::ra::{
    ApplicationKind, Evidence, GoneResident, HeldEnd, HeldMessage, OpeningsResponse, Residence,
    Step, UnfinishedApplication,
};
use window_gateway::{ID, opening};

const LAST: &str = "0a0b0c";

fn openings() -> OpeningsResponse {
    OpeningsResponse {
        issued_here: Vec::new(),
        residence: Residence::Resident,
        last: None,
        open: Vec::new(),
        unfinished: Vec::new(),
    }
}

fn in_effect(municipality: &str) -> HeldMessage {
    HeldMessage {
        serial: LAST.into(),
        municipality: municipality.into(),
        until: "2029-11-21".into(),
        in_effect: true,
        renewal_from: Some("2029-08-22".into()),
        ended: None,
    }
}

fn searched(name: &str) -> Browser {
    let mut browser = browser(name);
    browser.window.gateway.not_identified();
    browser.go("/screens/new");
    browser.press("/screens/new/search", &[("name", "総務　太郎")]);
    browser
}

const TARO: [(&str, &str); 1] = [("resident", "1310100001")];

#[test]
fn while_a_certificate_is_in_effect_the_page_says_until_when_and_what_is_open() {
    let mut browser = searched("procedures-effect");
    let kind = ApplicationKind::ReissueCardFailure;
    browser.window.gateway.tell(OpeningsResponse {
        last: Some(in_effect("13101")),
        open: vec![opening(kind, 0, Some(Evidence::CardTried))],
        ..openings()
    });
    browser.press("/screens/new/items", &TARO);
    browser.says("有効な電子証明書があります");
    browser.says("令和11年11月21日");
    browser.says("令和11年8月22日");
    assert!(
        !browser.page.contains("/screens/new/receive"),
        "nothing is proposed"
    );
    // The clerk chooses what was seen, not a kind from a list.
    let chosen = [
        TARO[0],
        ("kind", "reissue-card-failure"),
        ("evidence", "card-tried"),
    ];
    browser.press("/screens/new/items", &chosen);
    browser.says("再発行（カードの故障）");
    let hidden = browser.hidden();
    let form = [
        TARO[0],
        ("wish", hidden["wish"].as_str()),
        ("kind", hidden["kind"].as_str()),
        ("evidence", hidden["evidence"].as_str()),
        ("applied_on", "令和8年11月22日"),
    ];
    browser.press("/screens/new/receive", &form);
    let received = browser.window.gateway.received().unwrap();
    assert_eq!(received.kind, kind);
    assert_eq!(received.evidence, Some(Evidence::CardTried));
}

#[test]
fn after_a_register_event_the_page_tells_it_and_proposes_the_free_reissue() {
    let mut browser = searched("procedures-event");
    browser.window.gateway.tell(OpeningsResponse {
        last: Some(HeldMessage {
            in_effect: false,
            renewal_from: None,
            ended: Some(HeldEnd {
                ground: "article12".into(),
                at: "2026-11-22T01:00:00Z".into(),
                event: Some("address-notation".into()),
            }),
            ..in_effect("13101")
        }),
        open: vec![opening(ApplicationKind::ReissueAddressNotation, 0, None)],
        ..openings()
    });
    browser.press("/screens/new/items", &TARO);
    browser.says("住所表記の変更により自動的に失効しました");
    browser.says("再発行（住所表記の変更）");
    assert_eq!(browser.hidden()["kind"], "reissue-address-notation");
}

#[test]
fn an_unfinished_application_is_shown_before_another_is_begun() {
    let mut browser = searched("procedures-unfinished");
    browser.window.gateway.tell(OpeningsResponse {
        open: vec![opening(ApplicationKind::First, 500, None)],
        unfinished: vec![UnfinishedApplication {
            id: ID.into(),
            kind: ApplicationKind::First,
            step: Step::Identified,
            received_at: "2026-11-22T01:00:00Z".into(),
        }],
        ..openings()
    });
    browser.press("/screens/new/items", &TARO);
    browser.says("途中の申請があります");
    browser.says(&format!("/screens/applications/{ID}"));
    assert!(!browser.page.contains("/screens/new/receive"));
}

#[test]
fn who_died_is_named_with_what_follows_and_cannot_be_chosen() {
    let mut browser = searched("procedures-gone");
    browser.window.gateway.tell(OpeningsResponse {
        residence: Residence::Deceased,
        last: Some(in_effect("13101")),
        ..openings()
    });
    browser.window.gateway.gone(GoneResident {
        resident: "1310100009".into(),
        name: "山田　一郎".into(),
        residence: Residence::Deceased,
    });
    browser.go("/screens/new");
    browser.press("/screens/new/search", &[("name", "山田　一郎")]);
    browser.says("死亡の通知により失効します");
    browser.says("失効の通知はまだ届いていません");
    assert!(!browser.page.contains("/screens/new/items"));
}

#[test]
fn a_proxy_leads_to_the_letter_the_reply_and_another_operator() {
    let mut browser = searched("procedures-proxy");
    browser.press("/screens/new/items", &TARO);
    let wish = browser.hidden()["wish"].clone();
    let form = [
        TARO[0],
        ("wish", wish.as_str()),
        ("kind", "first"),
        ("evidence", ""),
        ("applied_on", "令和8年11月22日"),
        ("proxy_name", "総務　花子"),
        ("power_of_attorney_on", "令和8年11月20日"),
    ];
    let half = [&form[..], &[("seal_certificate_on", "")]].concat();
    browser.press("/screens/new/receive", &half);
    assert_eq!(browser.status, 400, "half a proxy is none");
    browser.says("総務　花子");
    let whole = [&form[..], &[("seal_certificate_on", "令和8年11月1日")]].concat();
    browser.press("/screens/new/receive", &whole);
    let received = browser.window.gateway.received().unwrap();
    assert_eq!(received.proxy.unwrap().power_of_attorney_on, "2026-11-20");
    browser.says("申請者本人に照会書を送り");

    browser.step("inquiry", &[]);
    browser.says("回答書の期限");
    assert!(
        !browser.page.contains("照会書に対する回答書"),
        "a proxy shows a photo"
    );
    let reply = [
        ("code", "4xq7 0m2k"),
        ("document", "drivers-licence"),
        ("issuer", ""),
        ("expires_on", "令和11年4月1日"),
        ("decision", "accepted"),
    ];
    browser.step("reply", &reply);
    assert_eq!(browser.status, 400, "the face was not compared");
    assert_eq!(browser.hidden().get("code"), None);
    browser.says("4xq7 0m2k");
    browser.step("reply", &[&reply[..], &[("face", "yes")]].concat());
    assert_eq!(browser.window.gateway.replied().unwrap().code, "4xq7 0m2k");

    // A supervisor's card has to sign about it: it is put up, and refused at first.
    browser.says("決定した人とは別の責任者");
    browser.step("second-eyes", &[]);
    browser.says("責任者の暗証番号");
    browser.says("文書照会の回答による本人確認の確認");
    browser.open();
    browser.says("承認の画面へ");
    let approval = format!("/screens/office/approvals/{}", "77".repeat(16));
    browser.window.gateway.second_word("rejected");
    browser.go(&approval);
    browser.says("回答の確認からやり直します");
    browser.press(&format!("{approval}/carry-out"), &[]);
    browser.says("回答書の期限");
    // Decided anew, put up anew, approved, carried out.
    browser.step("reply", &[&reply[..], &[("face", "yes")]].concat());
    browser.go(&approval);
    browser.open();
    browser.window.gateway.second_word("approved");
    browser.go(&approval);
    browser.says("承認されました");
    browser.press(&format!("{approval}/carry-out"), &[]);
    assert_eq!(browser.window.gateway.step(), Step::Identified);
}

#[test]
fn the_letter_is_a_page_for_the_post_with_the_code_and_the_day() {
    let mut browser = searched("procedures-letter");
    browser.window.gateway.not_identified();
    browser.open();
    browser.go(&format!("/screens/applications/{ID}/inquiry"));
    browser.says("写真付きの書類がないとき");
    browser.step("inquiry", &[]);
    browser.says("照会書に対する回答書");
    let pdf = browser
        .window
        .counter
        .inquiry_letter(&ID.parse().unwrap())
        .unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    let folder = &browser.window.folder.0;
    let file = folder.join("inquiry.pdf");
    std::fs::write(&file, pdf).unwrap();
    let text = std::process::Command::new("pdftotext")
        .args(["-layout"])
        .arg(&file)
        .arg("-")
        .output()
        .unwrap();
    // Each character stands in a cell of its own.
    let text = String::from_utf8(text.stdout).unwrap();
    let text: String = text.split_whitespace().collect();
    for said in ["4XQ7-0M2K", "総務", "令和8年12月21日"] {
        assert!(text.contains(said), "{said} is not on the letter:\n{text}");
    }
}
