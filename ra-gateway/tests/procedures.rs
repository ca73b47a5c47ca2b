//! Which application is open and what is told early; the written inquiry, the proxy and the
//! second pair of eyes; what lapses.

mod support;

use pki_core::{
    act::{Deed, ReplacementCause, Replaces},
    approval::Verdict,
    calendar::JapaneseDay,
    revocation::ground::Ground,
};
use ra_gateway::{app::caller::Clerk, port::Clock};
use schema::wire::v1::{ra, register_revocation::RegisterRevocation};
use support::{
    Folder,
    window::{World, licence, refusal},
};
use terminal::virtual_card::Card;
use xtask::stack::postgres::{Cluster, Settings};

const TARO: &str = "13101-000001";
const DAY_S: i64 = 24 * 3600;

fn taro(world: &World) -> ra::ReceiveRequest {
    ra::ReceiveRequest {
        resident: Some(TARO.into()),
        applied_on: today(world),
        ..world.taro()
    }
}

fn today(world: &World) -> String {
    JapaneseDay::of(world.clock.now()).to_string()
}

fn of_kind(world: &World, kind: ra::ApplicationKind) -> ra::ReceiveRequest {
    ra::ReceiveRequest {
        kind,
        ..taro(world)
    }
}

fn openings(world: &World, clerk: &Clerk, resident: &str) -> ra::OpeningsResponse {
    let asked = ra::OpeningsRequest {
        certificate_kind: ra::CertificateKind::Signature,
        resident: resident.into(),
    };
    world.app.openings(clerk, &asked).unwrap()
}

fn kinds(told: &ra::OpeningsResponse) -> Vec<ra::ApplicationKind> {
    told.open.iter().map(|one| one.kind).collect()
}

/// Taro's certificate, issued on 22 November 2026, written and handed over.
fn handed_over(world: &World, clerk: &Clerk, card: &mut Card) -> ra::Application {
    let (issued, made) = world.issued(clerk, card);
    let seen = issued
        .certificate
        .as_ref()
        .unwrap()
        .certificate_sha256
        .clone();
    let right = ra::ImageRequest {
        verdict: ra::ImageVerdict::Right,
        certificate_sha256: seen.clone(),
        act: None,
    };
    world.app.confirm_image(clerk, &issued.id, &right).unwrap();
    world
        .relay(clerk, &issued.id, card, ra::ChannelPurpose::Write)
        .unwrap();
    world
        .app
        .confirm_written(clerk, &issued.id, &made.trial(&seen))
        .unwrap();
    let fee = ra::FeeRequest {
        amount_yen: 500,
        idempotency_key: world.wish(),
    };
    world.app.take_fee(clerk, &issued.id, &fee).unwrap();
    world
        .app
        .hand_over(clerk, &issued.id, &ra::HandOverRequest {})
        .unwrap()
}

#[test]
fn a_second_application_is_told_at_receipt_what_to_do_instead() {
    let world = World::on(None);
    let clerk = world.clerk();
    assert_eq!(
        kinds(&openings(&world, &clerk, TARO)),
        [ra::ApplicationKind::First]
    );
    let first = handed_over(&world, &clerk, &mut world.card());
    let told = openings(&world, &clerk, TARO);
    let last = told.last.as_ref().unwrap();
    assert!(last.in_effect);
    assert_eq!(last.until, "2029-11-21");
    assert_eq!(last.renewal_from.as_deref(), Some("2029-08-22"));
    assert_eq!(kinds(&told), [ra::ApplicationKind::ReissueCardFailure]);
    assert_eq!(told.open[0].fee_yen, 0);

    let before = world
        .app
        .applications(&clerk, false)
        .unwrap()
        .applications
        .len();
    let receive = |form: &ra::ReceiveRequest| world.app.receive(&clerk, form);
    assert_eq!(refusal(receive(&taro(&world))), "certificate-in-effect");
    let renewal = of_kind(&world, ra::ApplicationKind::Renewal);
    assert_eq!(refusal(receive(&renewal)), "certificate-in-effect");
    let mut failed = of_kind(&world, ra::ApplicationKind::ReissueCardFailure);
    assert_eq!(refusal(receive(&failed)), "kind-not-open");
    let after = world
        .app
        .applications(&clerk, false)
        .unwrap()
        .applications
        .len();
    assert_eq!(after, before, "a refused form leaves nothing behind");

    failed.evidence = Some(ra::Evidence::CardTried);
    let taken = receive(&failed).unwrap();
    let serial = first.certificate.unwrap().serial;
    assert_eq!(taken.replaces.as_deref(), Some(serial.as_str()));
    assert_eq!(taken.evidence, Some(ra::Evidence::CardTried));
    assert_eq!(taken.fee_yen, 0);
    // A repeat is the same application, whatever is open by then.
    assert_eq!(receive(&failed).unwrap().id, taken.id);
    let told = openings(&world, &clerk, TARO);
    assert_eq!(told.unfinished.len(), 1, "{:?}", told.unfinished);
    assert_eq!(told.unfinished[0].id, taken.id);
}

#[test]
fn a_renewal_opens_three_months_before_the_end_and_replaces_the_old_certificate() {
    let mut world = World::on(None);
    let clerk = world.clerk();
    let first = handed_over(&world, &clerk, &mut world.card());
    let serial = first.certificate.unwrap().serial;
    // 22 November 2026 to the eve of 22 August 2029, and one day more.
    world.clock.advance(1002 * DAY_S);
    let renewal = of_kind(&world, ra::ApplicationKind::Renewal);
    assert_eq!(today(&world), "2029-08-20");
    assert_eq!(
        refusal(world.app.receive(&clerk, &renewal)),
        "certificate-in-effect"
    );
    world.clock.advance(2 * DAY_S);
    world.recertify();
    let clerk = world.clerk();
    assert_eq!(today(&world), "2029-08-22");
    assert_eq!(
        kinds(&openings(&world, &clerk, TARO))[0],
        ra::ApplicationKind::Renewal
    );
    let form = of_kind(&world, ra::ApplicationKind::Renewal);
    let (settled, _) = world.settled_by(
        &clerk,
        &form,
        &mut world.card(),
        &licence_until("2030-05-01"),
    );
    assert_eq!(settled.replaces.as_deref(), Some(serial.as_str()));
    assert_eq!(settled.fee_yen, 500);

    // The act has to say it: the authority does nothing that the window did not sign.
    let silent = world.issue_act(&settled, &world.wish());
    let refused = world.app.request_issue(&clerk, &settled.id, &silent);
    assert_eq!(refusal(refused), "act-invalid");
    let mut deed = world.issue_deed(&settled);
    deed.replaces = Some(Replaces {
        serial: serial.parse().unwrap(),
        cause: ReplacementCause::Renewal,
    });
    let act = ra::IssueActRequest {
        act: world.signed(&settled.id, &world.wish(), Deed::Issue(deed)),
    };
    let issued = world.app.request_issue(&clerk, &settled.id, &act).unwrap();
    assert_eq!(issued.step, ra::Step::Issued);
}

fn licence_until(day: &str) -> ra::IdentityRequest {
    let mut shown = licence();
    shown.document.expires_on = Some(day.into());
    shown
}

/// jpki.md §6 no. 9: people were never told.
#[test]
fn who_lost_a_certificate_to_a_register_event_is_told_at_the_window() {
    let world = World::on(None);
    let clerk = world.clerk();
    let first = handed_over(&world, &clerk, &mut world.card());
    let serial = first.certificate.unwrap().serial;
    world.authority.register_event(RegisterRevocation {
        sequence: 7,
        serial,
        kind: "address-notation".into(),
        recorded_at: "2026-11-23T01:00:00Z".into(),
        revoked_at: "2026-11-23T02:00:00Z".into(),
        next_application: Some("reissue-address-notation".into()),
    });
    let told = openings(&world, &clerk, TARO);
    let last = told.last.as_ref().unwrap();
    let ended = last.ended.as_ref().unwrap();
    assert!(!last.in_effect);
    assert_eq!(ended.ground, "article12");
    assert_eq!(ended.event.as_deref(), Some("address-notation"));
    assert_eq!(kinds(&told), [ra::ApplicationKind::ReissueAddressNotation]);
    assert_eq!(told.open[0].fee_yen, 0, "a changed notation is free");
    let form = of_kind(&world, ra::ApplicationKind::ReissueAddressNotation);
    let taken = world.app.receive(&clerk, &form).unwrap();
    assert_eq!((taken.fee_yen, taken.replaces), (0, None));
}

#[test]
fn how_the_last_certificate_ended_sets_kind_and_fee() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (issued, _) = world.issued(&clerk, &mut world.card());
    let identity = issued.identity_sha256.as_deref().unwrap().parse().unwrap();
    let wish = ra::ImageRequest {
        verdict: ra::ImageVerdict::SubstituteWish,
        certificate_sha256: issued
            .certificate
            .as_ref()
            .unwrap()
            .certificate_sha256
            .clone(),
        act: Some(world.revoke_act(&issued, Ground::Article9, identity)),
    };
    world.app.confirm_image(&clerk, &issued.id, &wish).unwrap();
    let told = openings(&world, &clerk, TARO);
    assert_eq!(kinds(&told), [ra::ApplicationKind::ReissueSubstitute]);
    assert_eq!(told.open[0].fee_yen, 1_000);
    let first = taro(&world);
    assert_eq!(refusal(world.app.receive(&clerk, &first)), "kind-not-open");
}

#[test]
fn a_resident_of_a_merged_municipality_is_known_at_the_window_of_the_successor() {
    let world = World::on(None);
    let clerk = world.clerk();
    let first = handed_over(&world, &clerk, &mut world.card());
    // 千代田区 becomes part of 中央区, where 総務太郎 has a new number and his address stays.
    let register = "resident,municipality,name,birth_date,sex,address,status,formerly\n\
        13102-000077,13102,総務　太郎,319500401,1,東京都千代田区霞が関２丁目１番２号,resident,13101/13101-000001\n";
    std::fs::write(world.folder.path("register.csv"), register).unwrap();
    let clerk = world.clerk_elsewhere();
    let told = openings(&world, &clerk, "13102-000077");
    let last = told.last.as_ref().unwrap();
    assert!(last.in_effect, "a merger ends no certificate");
    assert_eq!(last.municipality, "13101");
    assert_eq!(
        kinds(&told),
        [
            ra::ApplicationKind::ReissueMerger,
            ra::ApplicationKind::ReissueCardFailure
        ]
    );
    assert_eq!(told.open[0].fee_yen, 0);
    let form = ra::ReceiveRequest {
        kind: ra::ApplicationKind::ReissueMerger,
        resident: Some("13102-000077".into()),
        ..world.taro()
    };
    let taken = world.app.receive(&clerk, &form).unwrap();
    assert_eq!(taken.replaces, Some(first.certificate.unwrap().serial));
    let anew = ra::ReceiveRequest {
        idempotency_key: world.wish(),
        kind: ra::ApplicationKind::First,
        ..form
    };
    assert_eq!(
        refusal(world.app.receive(&clerk, &anew)),
        "certificate-in-effect"
    );
}

#[test]
fn who_moved_or_died_is_found_as_such_and_nothing_is_open() {
    let world = World::on(None);
    let clerk = world.clerk();
    let asked = ra::RegisterLookupRequest {
        name: Some("山田　一郎".into()),
        birth_date: Some("昭和40年7月15日".into()),
        ..ra::RegisterLookupRequest::default()
    };
    let found = world.app.look_up(&clerk, &asked).unwrap();
    assert!(found.entries.is_empty());
    assert_eq!(found.gone.len(), 1);
    assert_eq!(found.gone[0].residence, ra::Residence::Moved);
    let told = openings(&world, &clerk, &found.gone[0].resident);
    assert_eq!(told.residence, ra::Residence::Moved);
    assert!(told.open.is_empty(), "{:?}", told.open);
    let unknown = ra::OpeningsRequest {
        certificate_kind: ra::CertificateKind::Signature,
        resident: "13102-000001".into(),
    };
    assert_eq!(refusal(world.app.openings(&clerk, &unknown)), "not-found");
}

fn reply(code: &str, document: &str) -> ra::ReplyRequest {
    ra::ReplyRequest {
        code: code.into(),
        document: ra::IdentityDocument {
            kind: document.into(),
            issuer: None,
            expires_on: None,
        },
        face_matches: true,
        decision: ra::IdentityVerdict::Accepted,
        remark: None,
    }
}

/// The supervisor, as the second person of [`World::second_eyes`].
const CHIEF: &str = "13101-0009";

fn confirmation(
    application: &ra::Application,
    confirmed: bool,
    approval: &str,
) -> ra::IdentityConfirmation {
    ra::IdentityConfirmation {
        identity_sha256: application.identity_sha256.clone().unwrap(),
        confirmed,
        approval: approval.into(),
    }
}

fn without_photo(world: &World) {
    let clerk = world.clerk();
    let received = world.app.receive(&clerk, &taro(world)).unwrap();
    let id = &received.id;
    // At the first visit nobody is identified by a reply that was never asked for.
    let mut no_photo = licence();
    no_photo.document = reply("", "inquiry-reply").document;
    assert_eq!(
        refusal(world.app.identify(&clerk, id, &no_photo)),
        "items-invalid"
    );
    let early = reply("0123-4567", "inquiry-reply");
    assert_eq!(
        refusal(world.app.record_reply(&clerk, id, &early)),
        "step-not-due"
    );
    let sent = world
        .app
        .send_inquiry(&clerk, id, &ra::InquiryRequest {})
        .unwrap();
    assert_eq!(sent.step, ra::Step::InquirySent);
    assert_eq!(sent.inquiry.as_ref().unwrap().reply_by, "2026-12-21");
    let letter = world
        .app
        .inquiry_letter(&clerk, id, &ra::InquiryLetterRequest {})
        .unwrap();
    assert_eq!(letter.name, "総務　太郎");
    assert!(!serde_json::to_string(&sent).unwrap().contains(&letter.code));

    world.clock.advance(5 * DAY_S);
    let wrong = reply("ZZZZ-ZZZZ", "inquiry-reply");
    assert_eq!(
        refusal(world.app.record_reply(&clerk, id, &wrong)),
        "reply-refused"
    );
    let typed = letter.code.to_lowercase().replace('-', " ");
    let right = reply(&typed, "inquiry-reply");
    let decided = world.app.record_reply(&clerk, id, &right).unwrap();
    assert_eq!(decided.step, ra::Step::InquirySent);
    assert!(decided.inquiry.as_ref().unwrap().decided);

    // Nothing is confirmed without a supervisor's card over exactly this decision.
    let (supervisor, card) = world.supervisor_with_card();
    let confirm = |approval: &str, decision: &str| {
        let asked = ra::IdentityConfirmation {
            identity_sha256: decision.into(),
            ..confirmation(&decided, true, approval)
        };
        world.app.confirm_reply(&clerk, id, &asked)
    };
    let seen = decided.identity_sha256.clone().unwrap();
    assert_eq!(refusal(confirm(&"0".repeat(32), &seen)), "not-found");
    let rejected = world
        .second_eyes(&clerk, &decided, (CHIEF, &card), Verdict::Reject)
        .unwrap();
    assert_eq!(refusal(confirm(&rejected, &seen)), "approval-needed");
    let approval = world
        .second_eyes(&clerk, &decided, (CHIEF, &card), Verdict::Approve)
        .unwrap();
    assert_eq!(
        refusal(confirm(&approval, &"00".repeat(32))),
        "approval-needed",
        "another decision was approved"
    );
    let yes = confirmation(&decided, true, &approval);
    assert_eq!(
        refusal(world.app.confirm_reply(&supervisor, id, &yes)),
        "same-person",
        "who approved does not carry it out"
    );
    let identified = world.app.confirm_reply(&clerk, id, &yes).unwrap();
    assert_eq!(identified.step, ra::Step::Identified);
    let identity = identified.identity.as_ref().unwrap();
    assert_ne!(identity.confirmed_by.as_ref(), Some(&identity.decided_by));
    assert!(identity.confirmed_by.is_some());
    assert_eq!(identity.confirmed_by.as_deref(), Some(CHIEF));
    assert_eq!(
        world.app.approval(&clerk, &approval).unwrap().standing,
        "spent"
    );
    let again = world.app.confirm_reply(&clerk, id, &yes).unwrap();
    assert_eq!(
        again.version, identified.version,
        "a repeat changes nothing"
    );
}

#[test]
fn without_a_photo_the_reply_and_a_supervisor_identify_on_sqlite() {
    without_photo(&World::on(None));
}

#[test]
fn without_a_photo_the_reply_and_a_supervisor_identify_on_postgresql() {
    let folder = Folder::new();
    let mut cluster = Cluster::start(
        &folder.path("postgres"),
        folder.path("postgres.log"),
        "secret",
        &Settings::default(),
    )
    .unwrap();
    cluster.ensure_database("ra").unwrap();
    let world = World::on(Some(&cluster.url("ra")));
    without_photo(&world);
    drop(world);
    cluster.end().unwrap();
}

#[test]
fn a_supervisor_who_decided_does_not_confirm_and_may_give_another_decision_back() {
    let world = World::on(None);
    let (supervisor, card) = world.supervisor_with_card();
    let sent = |clerk: &Clerk| {
        let id = world.app.receive(clerk, &taro(&world)).unwrap().id;
        world
            .app
            .send_inquiry(clerk, &id, &ra::InquiryRequest {})
            .unwrap();
        let asked = ra::InquiryLetterRequest {};
        let code = world.app.inquiry_letter(clerk, &id, &asked).unwrap().code;
        let right = reply(&code, "inquiry-reply");
        world.app.record_reply(clerk, &id, &right).unwrap()
    };
    // Another clerk asks for it, and still it is the decider's own card that approves.
    let clerk = world.clerk();
    let own = sent(&supervisor);
    let approval = world
        .second_eyes(&clerk, &own, (CHIEF, &card), Verdict::Approve)
        .unwrap();
    let refused = world
        .app
        .confirm_reply(&clerk, &own.id, &confirmation(&own, true, &approval));
    assert_eq!(refusal(refused), "confirmation-refused");
    // Nor does a clerk's card approve at all.
    let theirs = sent(&clerk);
    let by_clerk = (support::window::OPERATOR, &world.operator);
    let asked = world.second_eyes(&supervisor, &theirs, by_clerk, Verdict::Approve);
    assert_eq!(refusal(asked), "role-forbids");
    // What was not rejected is not given back; what was rejected is.
    let back = |approval: &str| {
        let asked = confirmation(&theirs, false, approval);
        world.app.confirm_reply(&clerk, &theirs.id, &asked)
    };
    let approved = world
        .second_eyes(&clerk, &theirs, (CHIEF, &card), Verdict::Approve)
        .unwrap();
    assert_eq!(refusal(back(&approved)), "approval-invalid");
    let rejected = world
        .second_eyes(&clerk, &theirs, (CHIEF, &card), Verdict::Reject)
        .unwrap();
    let back = back(&rejected).unwrap();
    assert!(!back.inquiry.unwrap().decided);
}

#[test]
fn a_proxy_is_identified_with_the_applicants_reply_and_a_photo_of_his_own() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut form = taro(&world);
    form.proxy = Some(ra::ProxyMessage {
        name: "総務　花子".into(),
        power_of_attorney_on: "2026-11-23".into(),
        seal_certificate_on: "2026-11-01".into(),
    });
    assert_eq!(
        refusal(world.app.receive(&clerk, &form)),
        "items-invalid",
        "a power of attorney of tomorrow"
    );
    form.proxy.as_mut().unwrap().power_of_attorney_on = "2026-11-20".into();
    let id = world.app.receive(&clerk, &form).unwrap().id;
    assert_eq!(
        refusal(world.app.identify(&clerk, &id, &licence())),
        "step-not-due"
    );
    world
        .app
        .send_inquiry(&clerk, &id, &ra::InquiryRequest {})
        .unwrap();
    let letter = world
        .app
        .inquiry_letter(&clerk, &id, &ra::InquiryLetterRequest {})
        .unwrap();
    assert_eq!(letter.proxy.as_deref(), Some("総務　花子"));
    let without = reply(&letter.code, "inquiry-reply");
    assert_eq!(
        refusal(world.app.record_reply(&clerk, &id, &without)),
        "items-invalid"
    );
    let with = ra::ReplyRequest {
        document: licence().document,
        ..reply(&letter.code, "")
    };
    let decided = world.app.record_reply(&clerk, &id, &with).unwrap();
    let (_, card) = world.supervisor_with_card();
    let approval = world
        .second_eyes(&clerk, &decided, (CHIEF, &card), Verdict::Approve)
        .unwrap();
    let yes = confirmation(&decided, true, &approval);
    let identified = world.app.confirm_reply(&clerk, &id, &yes).unwrap();
    assert_eq!(identified.proxy.unwrap().name, "総務　花子");
    assert_eq!(identified.step, ra::Step::Identified);
}

#[test]
fn nobody_is_asked_in_writing_on_a_form_that_disagrees_with_the_register() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut form = taro(&world);
    form.items.address = "東京都千代田区霞が関2丁目1番3号".into();
    let id = world.app.receive(&clerk, &form).unwrap().id;
    let sent = world.app.send_inquiry(&clerk, &id, &ra::InquiryRequest {});
    assert_eq!(refusal(sent), "register-disagrees");
    assert_eq!(
        world.app.application(&clerk, &id).unwrap().step,
        ra::Step::Received
    );
}

#[test]
fn a_late_reply_is_refused_and_what_nobody_goes_on_with_ends_with_a_record() {
    let world = World::on(None);
    let clerk = world.clerk();
    let asked = world.app.receive(&clerk, &taro(&world)).unwrap().id;
    world
        .app
        .send_inquiry(&clerk, &asked, &ra::InquiryRequest {})
        .unwrap();
    let code = world
        .app
        .inquiry_letter(&clerk, &asked, &ra::InquiryLetterRequest {})
        .unwrap()
        .code;
    let identified = world.identified(&clerk, &world.hanako()).id;
    let (read, _) = world.key_read(&clerk, &world.hanako(), &mut world.card());
    let step = |id: &str| world.app.application(&clerk, id).unwrap().step;

    world.clock.advance(29 * DAY_S);
    assert_eq!(world.app.lapse().unwrap(), 0, "its last day is not over");
    world.clock.advance(DAY_S);
    let late = reply(&code, "inquiry-reply");
    assert_eq!(
        refusal(world.app.record_reply(&clerk, &asked, &late)),
        "reply-refused"
    );
    assert_eq!(world.app.lapse().unwrap(), 1);
    assert_eq!(step(&asked), ra::Step::Cancelled);
    let ended = world.app.application(&clerk, &asked).unwrap();
    assert_eq!(ended.end.unwrap().cause, "lapsed");
    assert_eq!(step(&identified), ra::Step::Identified);
    world.clock.advance(60 * DAY_S);
    assert_eq!(world.app.lapse().unwrap(), 2);
    assert_eq!(step(&identified), ra::Step::Cancelled);
    assert_eq!(step(&read.id), ra::Step::Cancelled);
    assert_eq!(world.app.lapse().unwrap(), 0);
}

#[test]
fn a_certificate_that_waits_for_its_card_does_not_lapse() {
    let world = World::on(None);
    let clerk = world.clerk();
    let (issued, _) = world.issued(&clerk, &mut world.card());
    world.clock.advance(400 * DAY_S);
    assert_eq!(world.app.lapse().unwrap(), 0);
    let found = world.app.application(&clerk, &issued.id).unwrap();
    assert_eq!(found.step, ra::Step::Issued);
}
