//! Disclosure and correction, from the window's request to the paper (Arts 29 to 31).

use std::{io::Write, process::Command};

use ca_server::{
    app::{
        authorise::Refusal,
        decide::{self, DecideError},
        disclose::{self, DiscloseError},
        enrol,
        issue::issue,
        officer::{self, OfficerError},
        publish_crl::{InPlace, publish},
    },
    port::{clock::Clock, fake::Break, store::Status},
    testing::{
        disclosure::{OfficerKey, delivery, disclosure, identification, request},
        window::{Applicant, Window},
        world::World,
    },
};
use jiff::SignedDuration;
use pki_core::{
    act::{Act, Deed},
    certificate::Serial,
    disclosure::{Correction, Decision, Refusal as CaseRefusal, RequestFault, Wish},
    id::{ApplicationId, Sha256Digest},
    officer::{OfficerDeed, Part, SignFault, State},
};

fn issued(world: &World, resident: &str) -> Serial {
    let wish = world
        .window
        .issue_request(&Applicant::soumu(resident), world.clock.now());
    issue(&world.app, "gw", &wish).unwrap().serial
}

fn received(world: &World, resident: Option<&str>) -> ApplicationId {
    let content = request(resident, "2026-11-22");
    let (id, message) = disclosure(&world.window, &content, world.clock.now());
    let line = disclose::receive(&world.app, "gw", &message).unwrap();
    assert_eq!(line.step, "open");
    assert_eq!(line.due.as_deref(), Some("2026-12-21"));
    assert_eq!(line.days_left, Some(30));
    id
}

fn decide(world: &World, id: ApplicationId, decision: Decision) -> OfficerDeed {
    let version = world
        .app
        .store
        .case(id.as_bytes())
        .unwrap()
        .unwrap()
        .version;
    OfficerDeed::Decide {
        case: id,
        version,
        decision,
    }
}

/// Proposed and signed by one officer.
fn carried_out(
    world: &World,
    by: &OfficerKey,
    deed: OfficerDeed,
) -> Result<(ApplicationId, State), OfficerError> {
    let officer = by.admitted(&world.app).unwrap();
    let act = officer::propose(&world.app, &officer, deed)?;
    let signature = by.signature(&world.app, act, Part::Propose);
    let state = officer::sign(&world.app, &officer, act, Part::Propose, &signature)?;
    Ok((act, state))
}

fn text(pdf: &[u8]) -> String {
    let folder = ca_server::testing::world::Folder::new();
    let path = folder.path().join("paper.pdf");
    std::fs::File::create(&path)
        .unwrap()
        .write_all(pdf)
        .unwrap();
    let output = Command::new("pdftotext")
        .arg(&path)
        .arg("-")
        .output()
        .expect("pdftotext");
    // Characters stand in cells of their own, so spaces and lines say nothing.
    String::from_utf8_lossy(&output.stdout)
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect()
}

fn outcomes(world: &World, event: &str) -> Vec<String> {
    let rows = world.audit().into_iter();
    rows.filter(|row| row.event == event)
        .map(|row| row.outcome)
        .collect()
}

#[test]
fn what_is_recorded_is_disclosed_on_paper_and_handed_over() {
    let world = World::new();
    let officer = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let serial = issued(&world, "R1");
    let wish = world.window.revoke_request(
        &serial,
        pki_core::revocation::ground::Ground::Article9,
        world.clock.now(),
    );
    ca_server::app::revoke::revoke(&world.app, "gw", &wish).unwrap();
    let (_, failed) = publish(&world.app, &mut InPlace::new());
    assert!(failed.is_empty());

    let id = received(&world, Some("R1"));
    world.clock.advance(SignedDuration::from_hours(24));
    let deed = decide(&world, id, Decision::Disclose);
    let (_, state) = carried_out(&world, &officer, deed).unwrap();
    assert_eq!(state, State::Done);

    let message = delivery(&world.window, id, world.clock.now());
    let delivered = disclose::deliver(&world.app, "gw", id, &message).unwrap();
    assert_eq!(delivered.disclosure.step, "delivered");
    let paper = text(&delivered.answer.0);
    for said in [
        "認証業務情報開示通知書",
        "総務太郎",
        "東京都知事",
        "令和８年１１月２３日",
        "本人の申請（法第９条）",
        "都道府県全体",
        "市区町村別",
        "１回",
    ] {
        assert!(paper.contains(said), "{said} is not on the paper: {paper}");
    }
    let digits = paper::full_width(&serial.to_string().to_uppercase());
    assert!(paper.contains(&digits), "the serial is not on the paper");

    // A second time it is printed again, and that is told.
    let message = delivery(&world.window, id, world.clock.now());
    let again = disclose::deliver(&world.app, "gw", id, &message).unwrap();
    assert_eq!(again.answer, delivered.answer);
    let row = world
        .audit()
        .into_iter()
        .find(|row| row.event == "disclosure.deliver")
        .unwrap();
    assert_eq!(
        row.actor,
        "gateway:gw terminal:131010001 operator:13101-0001"
    );
    for row in world.audit() {
        assert!(!row.detail.contains("総務") && !row.subject.contains("総務"));
    }
}

fn put_off(world: &World, id: ApplicationId, until: &str) -> OfficerDeed {
    let stored = world.app.store.case(id.as_bytes()).unwrap().unwrap();
    OfficerDeed::Extend {
        case: id,
        version: stored.version,
        reason: "記録の照合に日数を要するため".to_owned(),
        until: until.parse().unwrap(),
    }
}

#[test]
fn an_answer_is_put_off_once_and_a_letter_tells_why_and_until_when() {
    let mut world = World::new();
    let officer = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let id = received(&world, Some("R1"));
    let letter = |world: &World| decide::extension(&world.app, "officer:OFF-1", id);
    assert!(
        matches!(letter(&world), Err(DecideError::NotFound)),
        "nothing was put off"
    );
    let early = carried_out(&world, &officer, put_off(&world, id, "2026-12-21"));
    assert!(
        matches!(
            early,
            Err(OfficerError::Decide(DecideError::Case(
                CaseRefusal::ExtensionDate
            )))
        ),
        "the law's own last day puts nothing off"
    );
    // The letter has the date of the day on which it was put off, whenever it is printed.
    world.clock.advance(SignedDuration::from_hours(24));
    let deed = put_off(&world, id, "2027-01-10");
    assert_eq!(carried_out(&world, &officer, deed).unwrap().1, State::Done);
    world.clock.advance(SignedDuration::from_hours(72));
    let line = disclose::list(&world.app, "13101").unwrap().disclosures;
    assert_eq!(line[0].due.as_deref(), Some("2027-01-10"));
    assert!(line[0].extended);
    let paper = text(&letter(&world).unwrap());
    for said in [
        "認証業務情報開示期限延長通知書",
        "令和８年１１月２３日",
        "令和８年１２月２１日",
        "令和９年１月１０日",
        "記録の照合に日数を要するため",
    ] {
        assert!(paper.contains(said), "{said} is not on the paper: {paper}");
    }
    assert!(!paper.contains("見本・訓練"));
    let again = carried_out(&world, &officer, put_off(&world, id, "2027-01-20"));
    assert!(matches!(
        again,
        Err(OfficerError::Decide(DecideError::Case(
            CaseRefusal::ExtendedAlready
        )))
    ));
    // The same letter of an authority for training cannot be taken for a real one.
    world.app.mode = pki_core::mode::Mode::Training;
    let paper = text(&letter(&world).unwrap());
    assert!(paper.contains("【見本・訓練】認証業務情報開示期限延長通知書"));
}

#[test]
fn what_is_owed_first_stands_first_among_the_open_requests() {
    let world = World::new();
    let officer = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let had = received(&world, Some("R3"));
    carried_out(&world, &officer, decide(&world, had, Decision::NoRecord)).unwrap();
    let message = delivery(&world.window, had, world.clock.now());
    disclose::deliver(&world.app, "gw", had, &message).unwrap();
    let put_off_case = received(&world, Some("R1"));
    let deed = put_off(&world, put_off_case, "2027-01-10");
    carried_out(&world, &officer, deed).unwrap();
    world.clock.advance(SignedDuration::from_hours(24));
    let content = request(Some("R2"), "2026-11-23");
    let (thirty_days, message) = disclosure(&world.window, &content, world.clock.now());
    disclose::receive(&world.app, "gw", &message).unwrap();
    world.clock.advance(SignedDuration::from_hours(24));
    // A correction has no term: it is due without delay.
    let mut content = request(Some("R3"), "2026-11-24");
    content.wish = Wish::Correction(Correction {
        disclosure: had,
        disclosed_on: "2026-11-22".parse().unwrap(),
        purport: "氏名".to_owned(),
        reason: "誤記".to_owned(),
    });
    let (correction, message) = disclosure(&world.window, &content, world.clock.now());
    disclose::receive(&world.app, "gw", &message).unwrap();
    let open: Vec<ApplicationId> = decide::list(&world.app, "open")
        .unwrap()
        .iter()
        .map(|case| case.receipt.id)
        .collect();
    assert_eq!(open, [correction, thirty_days, put_off_case]);
}

#[test]
fn nothing_recorded_is_an_answer_and_the_only_one() {
    let world = World::new();
    let officer = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    issued(&world, "R1");
    let id = received(&world, Some("R2"));
    let refused = carried_out(&world, &officer, decide(&world, id, Decision::Disclose));
    assert!(matches!(
        refused,
        Err(OfficerError::Decide(DecideError::NotRecorded))
    ));
    carried_out(&world, &officer, decide(&world, id, Decision::NoRecord)).unwrap();
    let message = delivery(&world.window, id, world.clock.now());
    let paper = text(
        &disclose::deliver(&world.app, "gw", id, &message)
            .unwrap()
            .answer
            .0,
    );
    assert!(paper.contains("認証業務情報不存在通知書") && paper.contains("存在しません"));
    // And where something is recorded, "nothing" is no answer.
    let id = received(&world, Some("R1"));
    let refused = carried_out(&world, &officer, decide(&world, id, Decision::NoRecord));
    assert!(matches!(
        refused,
        Err(OfficerError::Decide(DecideError::Recorded))
    ));
}

#[test]
fn a_serial_number_opens_ones_own_record_and_no_other_persons() {
    let world = World::new();
    let serial = issued(&world, "R1");
    let disclosed = |name: &str, born: &str| {
        let mut content = request(None, "2026-11-22");
        content.person.name = name.to_owned();
        content.person.birth_date = born.to_owned();
        content.person.serial = Some(serial.clone());
        let (id, message) = disclosure(&world.window, &content, world.clock.now());
        disclose::receive(&world.app, "gw", &message).unwrap();
        let seen = ca_server::app::decide::view(&world.app, "officer:OFF-1", id).unwrap();
        assert_eq!(seen.records.len(), 1);
        seen.records[0].is_disclosed()
    };
    assert!(
        disclosed("総務 太郎", "319500401"),
        "the space is not what counts"
    );
    assert!(disclosed("総務太郎", "昭和25年4月1日"));
    assert!(!disclosed("総務　花子", "319500401"));
    assert!(
        !disclosed("総務　太郎", "319500402"),
        "a namesake of another day"
    );
    assert!(
        !disclosed("総務　太郎", "春"),
        "a date that cannot be read is nobody's"
    );
    assert_eq!(outcomes(&world, "disclosure.view"), ["done"; 5]);
}

#[test]
fn a_gateway_alone_can_neither_make_nor_read_nor_change_a_request() {
    let world = World::new();
    let now = world.clock.now();
    let content = request(Some("R1"), "2026-11-22");
    let (id, good) = disclosure(&world.window, &content, now);
    // Another request under the same act.
    let mut other = good.clone();
    other.request = request(Some("R2"), "2026-11-22").to_bytes().into();
    assert!(matches!(
        disclose::receive(&world.app, "gw", &other),
        Err(DiscloseError::Mismatch(_))
    ));
    // A signature that is not the operator's.
    let mut forged = good.clone();
    forged.act.operator_signature = good.act.terminal_signature.clone();
    assert!(matches!(
        disclose::receive(&world.app, "gw", &forged),
        Err(DiscloseError::Refused(Refusal::Act(_)))
    ));
    // An act for something else.
    let mut delivered = good.clone();
    delivered.act = delivery(&world.window, id, now).act;
    assert!(matches!(
        disclose::receive(&world.app, "gw", &delivered),
        Err(DiscloseError::Refused(Refusal::OtherDeed))
    ));
    assert_eq!(
        outcomes(&world, "disclosure.receive"),
        ["act-mismatch", "act-signature", "act-other-deed"]
    );
    disclose::receive(&world.app, "gw", &good).unwrap();
    // Another municipality's window neither sees it nor gets the answer.
    let elsewhere = Window::of("13102");
    for enrolment in elsewhere.enrolments() {
        enrol::enrol(&world.app, &enrolment).unwrap();
    }
    assert!(matches!(
        disclose::read(&world.app, "13102", id.as_bytes()),
        Err(DiscloseError::NotFound)
    ));
    assert!(
        disclose::list(&world.app, "13102")
            .unwrap()
            .disclosures
            .is_empty()
    );
    assert_eq!(
        disclose::list(&world.app, "13101")
            .unwrap()
            .disclosures
            .len(),
        1
    );
    let fetched = disclose::deliver(&world.app, "gw", id, &delivery(&elsewhere, id, now));
    assert!(matches!(fetched, Err(DiscloseError::NotFound)));
    // Before it is decided there is nothing to hand over.
    let early = disclose::deliver(&world.app, "gw", id, &delivery(&world.window, id, now));
    assert!(matches!(
        early,
        Err(DiscloseError::Case(CaseRefusal::NotAnswered))
    ));
}

/// The same act, signed again after a change.
fn changed(
    world: &World,
    message: &schema::wire::v1::act::SignedActMessage,
    change: impl FnOnce(&mut Deed),
) -> schema::wire::v1::act::SignedActMessage {
    let mut act = Act::from_payload(&message.payload.0).unwrap();
    change(&mut act.deed);
    world.window.sign(&act)
}

#[test]
fn an_act_is_about_this_request_and_rests_on_this_identification() {
    let world = World::new();
    let officer = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let now = world.clock.now();
    let (_, right) = disclosure(&world.window, &request(Some("R1"), "2026-11-22"), now);
    let mut wrong = right.clone();
    wrong.act = changed(&world, &right.act, |deed| {
        let Deed::Disclose(deed) = deed else {
            unreachable!("an act of disclosure")
        };
        deed.identity_sha256 = Sha256Digest::of(b"somebody else's papers");
    });
    assert!(matches!(
        disclose::receive(&world.app, "gw", &wrong),
        Err(DiscloseError::Mismatch("the digest of the identity"))
    ));

    let mut run_out = request(Some("R1"), "2026-11-22");
    run_out.identification.expires_on = Some("2026-11-21".parse().unwrap());
    let (_, message) = disclosure(&world.window, &run_out, now);
    assert!(matches!(
        disclose::receive(&world.app, "gw", &message),
        Err(DiscloseError::Request(RequestFault::Expired))
    ));

    let [mine, anothers] = ["R1", "R2"].map(|resident| {
        let id = received(&world, Some(resident));
        carried_out(&world, &officer, decide(&world, id, Decision::NoRecord)).unwrap();
        id
    });
    let deliver = |id, message: &_| disclose::deliver(&world.app, "gw", id, message);
    let right = delivery(&world.window, mine, now);
    assert!(
        matches!(
            deliver(anothers, &right),
            Err(DiscloseError::Mismatch("the id of the request"))
        ),
        "who signed for one answer is given no other"
    );
    let mut wrong = right.clone();
    wrong.act = changed(&world, &right.act, |deed| {
        let Deed::Deliver(deed) = deed else {
            unreachable!("an act of delivery")
        };
        deed.identity_sha256 = Sha256Digest::of(b"somebody else's papers");
    });
    assert!(matches!(
        deliver(mine, &wrong),
        Err(DiscloseError::Mismatch("the digest of the identity"))
    ));
    let mut faceless = right.clone();
    let mut shown = identification();
    shown.face_matches = false;
    faceless.identification = shown.to_bytes().into();
    faceless.act = changed(&world, &right.act, |deed| {
        let Deed::Deliver(deed) = deed else {
            unreachable!("an act of delivery")
        };
        deed.identity_sha256 = shown.digest();
    });
    assert!(
        matches!(
            deliver(mine, &faceless),
            Err(DiscloseError::Request(RequestFault::Identity))
        ),
        "an answer is for the person whom it is about"
    );
    assert_eq!(deliver(mine, &right).unwrap().disclosure.step, "delivered");
}

#[test]
fn a_request_whose_answer_was_lost_is_sent_again_and_kept_once() {
    let world = World::new();
    let content = request(Some("R1"), "2026-11-22");
    let (_, message) = disclosure(&world.window, &content, world.clock.now());
    world.store.break_next("receive_case", Break::DoneUnsaid);
    assert!(matches!(
        disclose::receive(&world.app, "gw", &message),
        Err(DiscloseError::Store(_))
    ));
    let line = disclose::receive(&world.app, "gw", &message).unwrap();
    let list = disclose::list(&world.app, "13101").unwrap().disclosures;
    assert_eq!(list, [line]);
}

#[test]
fn a_correction_revokes_under_article_13_by_two_officers_and_tells_both_ways() {
    let world = World::new();
    let first = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let second = OfficerKey::enrolled(&world.app, "officer", "OFF-2");
    let serial = issued(&world, "R1");
    let disclosed = received(&world, Some("R1"));
    let wish = |now| {
        let mut content = request(Some("R1"), "2026-11-22");
        content.wish = Wish::Correction(Correction {
            disclosure: disclosed,
            disclosed_on: "2026-11-22".parse().unwrap(),
            purport: "住所を訂正されたい".to_owned(),
            reason: "番地が誤っている".to_owned(),
        });
        disclosure(&world.window, &content, now)
    };
    // Before the disclosure was had there is nothing to correct.
    let (_, early) = wish(world.clock.now());
    assert!(matches!(
        disclose::receive(&world.app, "gw", &early),
        Err(DiscloseError::Case(CaseRefusal::NoDisclosure))
    ));
    carried_out(
        &world,
        &first,
        decide(&world, disclosed, Decision::Disclose),
    )
    .unwrap();
    let now = world.clock.now();
    disclose::deliver(
        &world.app,
        "gw",
        disclosed,
        &delivery(&world.window, disclosed, now),
    )
    .unwrap();
    let (id, message) = wish(now);
    let line = disclose::receive(&world.app, "gw", &message).unwrap();
    assert_eq!((line.wish.as_str(), line.due), ("correction", None));

    // A certificate of somebody else is not to be had this way.
    let foreign = Decision::Correct {
        what: "訂正した".to_owned(),
        revoke: Some(Serial::from_random([7; 16])),
    };
    assert!(matches!(
        carried_out(&world, &first, decide(&world, id, foreign)),
        Err(OfficerError::Decide(DecideError::ForeignCertificate))
    ));
    let deed = decide(
        &world,
        id,
        Decision::Correct {
            what: "記録誤りを確認した".to_owned(),
            revoke: Some(serial.clone()),
        },
    );
    let (act, state) = carried_out(&world, &first, deed).unwrap();
    assert_eq!(state, State::Awaiting);
    let status = || {
        let serials = [serial.as_octets().to_vec()];
        world.app.store.status("sign", &serials).unwrap().remove(0)
    };
    assert_eq!(status(), Status::Good, "one officer alone revokes nothing");

    // Not by the same person, not with another's signature, not by an auditor.
    let officer = first.admitted(&world.app).unwrap();
    let own = first.signature(&world.app, act, Part::Approve);
    let same = officer::sign(&world.app, &officer, act, Part::Approve, &own);
    assert!(matches!(
        same,
        Err(OfficerError::Sign(SignFault::SamePerson))
    ));
    let officer = second.admitted(&world.app).unwrap();
    let foreign = officer::sign(&world.app, &officer, act, Part::Approve, &own);
    assert!(matches!(
        foreign,
        Err(OfficerError::Sign(SignFault::Signature))
    ));
    let auditor = OfficerKey::enrolled(&world.app, "auditor", "AUD-1");
    let reader = auditor.admitted(&world.app).unwrap();
    let signature = auditor.signature(&world.app, act, Part::Approve);
    assert!(matches!(
        officer::sign(&world.app, &reader, act, Part::Approve, &signature),
        Err(OfficerError::Auditor)
    ));
    assert_eq!(status(), Status::Good);

    // The database loses its answer: the act was carried out, once.
    let signature = second.signature(&world.app, act, Part::Approve);
    world.store.break_next("sign_act", Break::DoneUnsaid);
    assert!(matches!(
        officer::sign(&world.app, &officer, act, Part::Approve, &signature),
        Err(OfficerError::Store(_))
    ));
    assert!(matches!(
        officer::sign(&world.app, &officer, act, Part::Approve, &signature),
        Err(OfficerError::Sign(SignFault::NotDue))
    ));
    let Status::Revoked(revoked) = status() else {
        panic!("not revoked");
    };
    assert_eq!(revoked.ground, "article13");
    let now = world.clock.now();
    let paper = disclose::deliver(&world.app, "gw", id, &delivery(&world.window, id, now)).unwrap();
    let paper = text(&paper.answer.0);
    assert!(paper.contains("認証業務情報訂正等通知書") && paper.contains("法第１３条"));
}

#[test]
fn an_act_is_void_when_the_request_was_changed_meanwhile() {
    let world = World::new();
    let first = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let second = OfficerKey::enrolled(&world.app, "officer", "OFF-2");
    let id = received(&world, Some("R1"));
    let refuse = decide(
        &world,
        id,
        Decision::Refuse {
            reason: "本人であることを確認できないため".to_owned(),
        },
    );
    let (act, _) = carried_out(&world, &first, refuse).unwrap();
    carried_out(&world, &second, decide(&world, id, Decision::NoRecord)).unwrap();
    let officer = second.admitted(&world.app).unwrap();
    let signature = second.signature(&world.app, act, Part::Approve);
    assert!(matches!(
        officer::sign(&world.app, &officer, act, Part::Approve, &signature),
        Err(OfficerError::Decide(DecideError::Stale))
    ));
}

#[test]
fn officers_enrol_and_let_back_by_two_and_cut_off_by_one() {
    let world = World::new();
    let first = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let second = OfficerKey::enrolled(&world.app, "officer", "OFF-2");
    let kiosk = ca_server::testing::window::PartyKey::new();
    let deed = OfficerDeed::Enrol {
        kind: "kiosk".to_owned(),
        id: "13101K002".to_owned(),
        municipality: Some("13101".to_owned()),
        label: "二台目".to_owned(),
        request: pki_core::certificate::pem::encode(
            pki_core::certificate::pem::REQUEST,
            &kiosk.request("13101K002"),
        ),
        replace: false,
    };
    let party = |kind: &str, id: &str| world.app.store.party(kind, id).unwrap();
    let (act, state) = carried_out(&world, &first, deed).unwrap();
    assert_eq!(state, State::Awaiting);
    assert!(party("kiosk", "13101K002").is_none());
    let officer = second.admitted(&world.app).unwrap();
    let signature = second.signature(&world.app, act, Part::Approve);
    officer::sign(&world.app, &officer, act, Part::Approve, &signature).unwrap();
    assert!(party("kiosk", "13101K002").unwrap().active);
    let row = world
        .audit()
        .into_iter()
        .find(|row| row.event == "enrol" && row.subject == "party:kiosk/13101K002")
        .unwrap();
    assert_eq!(row.actor, "officer:OFF-1 officer:OFF-2");

    let of = |id: &str| ("kiosk".to_owned(), id.to_owned());
    let (kind, id) = of("13101K002");
    let (_, state) = carried_out(&world, &first, OfficerDeed::Suspend { kind, id }).unwrap();
    assert_eq!(state, State::Done);
    assert!(!party("kiosk", "13101K002").unwrap().active);
    let (kind, id) = of("13101K002");
    let (act, state) = carried_out(&world, &first, OfficerDeed::Resume { kind, id }).unwrap();
    assert_eq!(state, State::Awaiting);
    let signature = second.signature(&world.app, act, Part::Reject);
    let state = officer::sign(&world.app, &officer, act, Part::Reject, &signature).unwrap();
    assert_eq!(state, State::Rejected);
    assert!(!party("kiosk", "13101K002").unwrap().active);

    // An officer who is cut off is not let in any more, and neither is a terminal.
    let (kind, id) = ("officer".to_owned(), "OFF-1".to_owned());
    carried_out(&world, &second, OfficerDeed::Suspend { kind, id }).unwrap();
    assert!(first.admitted(&world.app).is_none());
    let terminal = party("terminal", "131010001").unwrap().certificate_sha256;
    assert!(officer::admit(&world.app, &terminal).unwrap().is_none());
    assert_eq!(outcomes(&world, "call"), ["suspended", "not-an-officer"]);
}

#[test]
fn an_act_waits_a_quarter_of_an_hour_for_its_signature() {
    let world = World::new();
    let officer = OfficerKey::enrolled(&world.app, "officer", "OFF-1");
    let who = officer.admitted(&world.app).unwrap();
    let deed = || OfficerDeed::Suspend {
        kind: "terminal".to_owned(),
        id: "131010001".to_owned(),
    };
    let act = officer::propose(&world.app, &who, deed()).unwrap();
    let signature = officer.signature(&world.app, act, Part::Propose);
    world.clock.advance(SignedDuration::from_secs(15 * 60 + 1));
    assert!(matches!(
        officer::sign(&world.app, &who, act, Part::Propose, &signature),
        Err(OfficerError::Sign(SignFault::Late))
    ));
    // A signature is for one act: the next one has another id.
    let next = officer::propose(&world.app, &who, deed()).unwrap();
    assert!(matches!(
        officer::sign(&world.app, &who, next, Part::Propose, &signature),
        Err(OfficerError::Sign(SignFault::Signature))
    ));
}
