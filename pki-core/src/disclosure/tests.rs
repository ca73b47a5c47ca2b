use jiff::Timestamp;

use super::*;
use crate::calendar::JapaneseDay;
use crate::disclosure::request::REQUEST_BYTES_MAX;
use crate::id::{ApplicationId, Sha256Digest};

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> JapaneseDay {
    text.parse().unwrap()
}

fn content(requested_on: &str) -> RequestContent {
    RequestContent {
        version: 1,
        wish: Wish::Disclosure,
        person: Person {
            name: "総務　太郎".to_owned(),
            birth_date: "319500401".to_owned(),
            address: "東京都千代田区霞が関２丁目１番２号".to_owned(),
            resident: Some("R-1".parse().unwrap()),
            serial: None,
        },
        proxy: None,
        requested_on: day(requested_on),
        delivery: Delivery::Window,
        identification: Identification {
            document: "drivers-licence".to_owned(),
            issuer: None,
            expires_on: None,
            face_matches: true,
        },
    }
}

fn receipt(at: &str) -> Receipt {
    Receipt {
        id: ApplicationId::from_bytes([1; 16]),
        municipality: "13101".parse().unwrap(),
        terminal: "131010001".parse().unwrap(),
        operator: "13101-0001".parse().unwrap(),
        at: instant(at),
        identity_sha256: Sha256Digest::of(b"identity"),
    }
}

fn governor() -> Addressee {
    Addressee::Governor("東京都知事".to_owned())
}

fn open(requested_on: &str) -> Case {
    // 09:00 in Japan.
    let at = format!("{requested_on}T00:00:00Z");
    Case::receive(receipt(&at), content(requested_on), governor(), None).unwrap()
}

fn left(case: &Case, now: &str) -> i32 {
    match case.term(instant(now)) {
        Term::Days { left, .. } => left,
        Term::WithoutDelay { .. } => panic!("a disclosure has a term"),
    }
}

fn extension(until: &str) -> Extension {
    Extension {
        reason: "記録の調査に時間を要するため".to_owned(),
        until: day(until),
    }
}

fn disclosed() -> Case {
    let case = open("2026-11-02");
    let now = instant("2026-11-03T00:00:00Z");
    let case = case.decide(Decision::Disclose, "officer:O1", now).unwrap();
    case.deliver("terminal", now).unwrap()
}

fn correction() -> RequestContent {
    RequestContent {
        wish: Wish::Correction(Correction {
            disclosure: ApplicationId::from_bytes([1; 16]),
            disclosed_on: day("2026-11-03"),
            purport: "住所を訂正されたい".to_owned(),
            reason: "番地が誤っている".to_owned(),
        }),
        ..content("2026-11-05")
    }
}

#[test]
fn thirty_days_count_the_day_of_the_request_over_months_years_and_leap_days() {
    for (requested, due) in [
        ("2026-11-22", "2026-12-21"),
        ("2026-11-01", "2026-11-30"),
        ("2026-12-15", "2027-01-13"),
        ("2027-01-31", "2027-03-01"),
        ("2027-02-01", "2027-03-02"),
        ("2028-01-31", "2028-02-29"),
        ("2028-02-29", "2028-03-29"),
    ] {
        assert_eq!(open(requested).due(), Some(day(due)), "{requested}");
    }
}

#[test]
fn the_last_day_ends_at_midnight_in_japan() {
    let case = open("2026-11-22");
    assert_eq!(left(&case, "2026-11-22T00:00:00Z"), 30);
    assert_eq!(left(&case, "2026-11-22T14:59:59Z"), 30);
    assert_eq!(left(&case, "2026-11-22T15:00:00Z"), 29);
    assert_eq!(left(&case, "2026-12-21T14:59:59Z"), 1);
    assert_eq!(left(&case, "2026-12-21T15:00:00Z"), 0);
    assert_eq!(left(&case, "2026-12-22T15:00:00Z"), -1);
}

#[test]
fn a_last_day_on_a_holiday_is_not_put_off_and_the_open_day_before_is_known() {
    // 1 January 2027 is the thirtieth day; offices close on 28 December.
    let case = open("2026-12-03");
    assert_eq!(case.due(), Some(day("2027-01-01")));
    assert_eq!(
        crate::office_day::last_open(case.due().unwrap()),
        day("2026-12-28")
    );
}

#[test]
fn the_day_of_the_request_is_a_day_of_japan_neither_in_the_future_nor_long_ago() {
    let late = |at: &str, on: &str| Case::receive(receipt(at), content(on), governor(), None);
    // 00:00 of the 23rd in Japan.
    assert!(late("2026-11-22T15:00:00Z", "2026-11-23").is_ok());
    assert_eq!(
        late("2026-11-22T14:59:59Z", "2026-11-23").err(),
        Some(Refusal::Future)
    );
    assert!(late("2026-11-22T14:59:59Z", "2026-11-08").is_ok());
    assert_eq!(
        late("2026-11-22T15:00:00Z", "2026-11-08").err(),
        Some(Refusal::TooOld)
    );
}

#[test]
fn an_extension_is_told_once_within_the_thirty_days_to_a_later_date() {
    let case = open("2026-11-22");
    let last = instant("2026-12-21T14:59:59Z");
    let put_off =
        |case: &Case, until: &str, now| case.clone().extend(extension(until), "officer:O1", now);
    assert_eq!(
        put_off(&case, "2026-12-21", last).err(),
        Some(Refusal::ExtensionDate)
    );
    assert_eq!(
        put_off(&case, "2027-06-20", last).err(),
        Some(Refusal::ExtensionDate)
    );
    assert_eq!(
        put_off(&case, "2027-01-20", instant("2026-12-21T15:00:00Z")).err(),
        Some(Refusal::ExtensionLate)
    );
    let extended = put_off(&case, "2027-01-20", last).unwrap();
    assert_eq!(extended.due(), Some(day("2027-01-20")));
    assert_eq!(left(&extended, "2027-01-20T14:59:59Z"), 1);
    assert_eq!(
        put_off(&extended, "2027-02-20", last).err(),
        Some(Refusal::ExtendedAlready)
    );
    assert!(matches!(
        extended.history.last().unwrap().what,
        Happening::Extended(_)
    ));
    let mut silent = extension("2027-01-20");
    silent.reason = " ".to_owned();
    assert_eq!(
        case.extend(silent, "officer:O1", last).err(),
        Some(Refusal::Text)
    );
}

#[test]
fn a_request_is_decided_once_and_late_is_better_than_never() {
    let case = open("2026-11-22");
    let late = instant("2027-03-01T00:00:00Z");
    assert_eq!(
        case.clone().deliver("terminal", late).err(),
        Some(Refusal::NotAnswered)
    );
    for reason in [" ".to_owned(), "理".repeat(1001)] {
        assert_eq!(
            case.clone()
                .decide(Decision::Refuse { reason }, "officer:O1", late)
                .err(),
            Some(Refusal::Text),
            "a refusal says why"
        );
    }
    let answered = case.decide(Decision::NoRecord, "officer:O1", late).unwrap();
    assert_eq!(answered.step, Step::Answered);
    assert_eq!(answered.decision, Some(Decision::NoRecord));
    assert_eq!(
        answered.history.last().unwrap().what,
        Happening::Decided(Decision::NoRecord)
    );
    assert_eq!(
        answered
            .clone()
            .decide(Decision::Disclose, "officer:O1", late)
            .err(),
        Some(Refusal::Answered)
    );
    assert_eq!(
        answered
            .clone()
            .extend(extension("2027-04-01"), "officer:O1", late)
            .err(),
        Some(Refusal::Answered)
    );
    let delivered = answered.deliver("terminal", late).unwrap();
    let again = delivered.deliver("terminal", late).unwrap();
    assert_eq!(again.step, Step::Delivered);
    assert_eq!(again.history.last().unwrap().what, Happening::PrintedAgain);
}

#[test]
fn a_decision_answers_the_kind_of_request_that_was_made() {
    let now = instant("2026-11-23T00:00:00Z");
    let correct = Decision::Correct {
        what: "訂正した".to_owned(),
        revoke: None,
    };
    assert_eq!(
        open("2026-11-22").decide(correct.clone(), "o", now).err(),
        Some(Refusal::OtherWish)
    );
    let case = Case::receive(
        receipt("2026-11-05T00:00:00Z"),
        correction(),
        governor(),
        Some(&disclosed()),
    )
    .unwrap();
    assert_eq!(
        case.clone().decide(Decision::NoRecord, "o", now).err(),
        Some(Refusal::OtherWish)
    );
    assert_eq!(
        case.clone().extend(extension("2026-12-24"), "o", now).err(),
        Some(Refusal::NoTerm)
    );
    assert_eq!(
        case.term(instant("2026-11-07T00:00:00Z")),
        Term::WithoutDelay { waiting: 2 }
    );
    assert!(correct.needs_second());
    assert!(case.decide(correct, "o", now).is_ok());
    assert!(!Decision::Disclose.needs_second());
}

#[test]
fn a_correction_is_for_who_had_the_disclosure() {
    let ask = |disclosure: Option<&Case>| {
        Case::receive(
            receipt("2026-11-05T00:00:00Z"),
            correction(),
            governor(),
            disclosure,
        )
        .err()
    };
    assert_eq!(ask(None), Some(Refusal::NoDisclosure));
    assert_eq!(ask(Some(&open("2026-11-02"))), Some(Refusal::NoDisclosure));
    let mut other = disclosed();
    other.request.person.name = "総務　花子".to_owned();
    assert_eq!(ask(Some(&other)), Some(Refusal::NoDisclosure));
    let mut elsewhere = disclosed();
    elsewhere.receipt.municipality = "13102".parse().unwrap();
    assert_eq!(ask(Some(&elsewhere)), Some(Refusal::NoDisclosure));
    assert_eq!(ask(Some(&disclosed())), None);
    let mut spaced = disclosed();
    spaced.request.person.name = "総務 太郎".to_owned();
    assert_eq!(ask(Some(&spaced)), None);
}

#[test]
fn a_request_goes_to_who_decides_and_is_handed_over_when_that_changes() {
    let body = Addressee::DesignatedBody("財団法人自治体衛星通信機構".to_owned());
    let case = open("2026-11-22");
    let now = instant("2026-11-25T00:00:00Z");
    assert_eq!(
        case.history[1].what,
        Happening::Forwarded { to: governor() }
    );
    assert_eq!(
        case.clone().hand_over(governor(), "o", now).err(),
        Some(Refusal::NothingToHandOver)
    );
    let due = case.due();
    let moved = case.hand_over(body.clone(), "o", now).unwrap();
    assert_eq!(moved.addressee, body);
    assert_eq!(moved.due(), due, "the clock runs on");
    assert_eq!(
        moved.history.last().unwrap().what,
        Happening::HandedOver {
            from: governor(),
            to: body
        }
    );
    let answered = moved.decide(Decision::Disclose, "o", now).unwrap();
    assert_eq!(
        answered.hand_over(governor(), "o", now).err(),
        Some(Refusal::Answered)
    );
}

#[test]
fn a_request_comes_back_from_its_bytes_and_faults_are_told_without_values() {
    let good = content("2026-11-22");
    assert!(RequestContent::from_bytes(&good.to_bytes()) == Ok(good.clone()));
    let with = |change: &dyn Fn(&mut RequestContent)| {
        let mut bad = good.clone();
        change(&mut bad);
        RequestContent::from_bytes(&bad.to_bytes()).unwrap_err()
    };
    assert_eq!(with(&|r| r.version = 2), RequestFault::Version(2));
    assert_eq!(
        with(&|r| r.person.name = "　".to_owned()),
        RequestFault::Text("name", 100)
    );
    assert_eq!(
        with(&|r| r.person.address = "千".repeat(201)),
        RequestFault::Text("address", 200)
    );
    assert_eq!(
        with(&|r| r.person.name = "総務\u{7}太郎".to_owned()),
        RequestFault::Text("name", 100)
    );
    assert_eq!(
        with(&|r| r.identification.face_matches = false),
        RequestFault::Identity
    );
    assert_eq!(
        with(&|r| r.person.birth_date = String::new()),
        RequestFault::Text("birth_date", 40)
    );
    assert_eq!(
        with(&|r| r.identification.document = "x".repeat(41)),
        RequestFault::Text("document", 40)
    );
    assert_eq!(
        with(&|r| r.identification.issuer = Some("委".repeat(61))),
        RequestFault::Text("issuer", 60)
    );
    let longest = RequestContent {
        person: Person {
            address: "千".repeat(200),
            ..good.person.clone()
        },
        ..good.clone()
    };
    assert!(RequestContent::from_bytes(&longest.to_bytes()).is_ok());
    let mut asks = correction();
    for (purport, reason, fault) in [
        (String::new(), "誤り".to_owned(), "purport"),
        ("住所".to_owned(), "誤".repeat(1001), "reason"),
    ] {
        asks.wish = Wish::Correction(Correction {
            disclosure: ApplicationId::from_bytes([1; 16]),
            disclosed_on: day("2026-11-03"),
            purport,
            reason,
        });
        let told = RequestContent::from_bytes(&asks.to_bytes());
        assert_eq!(told.err(), Some(RequestFault::Text(fault, 1000)));
    }
    let mut padded = good.to_bytes();
    padded.resize(REQUEST_BYTES_MAX + 1, b' ');
    assert_eq!(
        RequestContent::from_bytes(&padded).err(),
        Some(RequestFault::TooLarge)
    );
    let mut padded = good.identification.to_bytes();
    padded.resize(REQUEST_BYTES_MAX + 1, b' ');
    assert_eq!(
        Identification::from_bytes(&padded).err(),
        Some(RequestFault::TooLarge)
    );
    let proxy = Proxy {
        name: "総務　花子".to_owned(),
        address: "東京都".to_owned(),
        power_of_attorney: true,
        seal_certificate: true,
        inquiry_reply: true,
    };
    let mut asked = good.clone();
    asked.proxy = Some(proxy.clone());
    let whole = proxy.clone();
    assert_eq!(asked.asker(), "総務　花子");
    assert!(RequestContent::from_bytes(&asked.to_bytes()).is_ok());
    for lacking in [
        Proxy {
            power_of_attorney: false,
            ..proxy.clone()
        },
        Proxy {
            seal_certificate: false,
            ..proxy.clone()
        },
        Proxy {
            inquiry_reply: false,
            ..proxy
        },
    ] {
        assert_eq!(
            with(&|r| r.proxy = Some(lacking.clone())),
            RequestFault::ProxyPapers
        );
    }
    for (name, address, what, most) in [
        ("", "東京都", "proxy name", 100),
        ("総務　花子", " ", "proxy address", 200),
    ] {
        let unnamed = Proxy {
            name: name.to_owned(),
            address: address.to_owned(),
            ..whole.clone()
        };
        assert_eq!(
            with(&|r| r.proxy = Some(unnamed.clone())),
            RequestFault::Text(what, most)
        );
    }
    let mut unknown: serde_json::Value = serde_json::from_slice(&good.to_bytes()).unwrap();
    unknown["more"] = serde_json::json!("総務");
    let fault = RequestContent::from_bytes(unknown.to_string().as_bytes()).unwrap_err();
    assert_eq!(fault, RequestFault::Unreadable);
    assert!(!fault.to_string().contains("総務"));
}

#[test]
fn a_case_comes_back_from_its_bytes() {
    let case = disclosed();
    assert!(Case::from_bytes(&case.to_bytes()).unwrap() == case);
}

#[test]
fn an_identification_needs_a_listed_document_that_has_not_run_out() {
    let today = day("2026-11-22");
    let shown = |document: &str, expires_on: Option<&str>, face_matches| {
        Identification {
            document: document.to_owned(),
            issuer: None,
            expires_on: expires_on.map(day),
            face_matches,
        }
        .check(today)
    };
    let licence = "drivers-licence";
    assert_eq!(shown(licence, Some("2026-11-22"), true), Ok(()));
    assert_eq!(
        shown(licence, Some("2026-11-21"), true),
        Err(RequestFault::Expired)
    );
    assert_eq!(shown(licence, None, true), Err(RequestFault::Document));
    assert_eq!(
        shown("library-card", Some("2030-01-01"), true),
        Err(RequestFault::Document)
    );
    assert_eq!(
        shown(licence, Some("2030-01-01"), false),
        Err(RequestFault::Identity)
    );
    assert_eq!(
        shown("inquiry-reply", None, true),
        Err(RequestFault::Identity),
        "no photo, no face to compare"
    );
}

#[test]
fn two_papers_are_about_one_person_by_name_and_birth_date() {
    let person = content("2026-11-22").person;
    let mut apart = person.clone();
    apart.name = apart.name.replace(['　', ' '], "");
    assert!(apart.is(&person), "spaces make nobody another");
    let mut younger = person.clone();
    younger.birth_date.push('1');
    assert!(!younger.is(&person));
    let mut another = person.clone();
    another.name.push('子');
    assert!(!another.is(&person));
}
