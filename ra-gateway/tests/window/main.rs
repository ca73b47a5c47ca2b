//! The walk from the form to the card in the applicant's hand, its exits, and what is
//! refused on the way.

#[path = "../support/mod.rs"]
mod support;

mod acts;
mod at_rest;
mod authority;
mod extract;
mod image;
mod kiosk;
mod same_visit;
mod session;
mod stops;
mod user_authentication;

use pki_core::{id::Sha256Digest, revocation::ground::Ground};
use ra_gateway::{
    app::refusal::Failure,
    port::{AuditEntry, PartyKind},
};
use schema::wire::{bytes::Base64, v1::ra};
use support::{
    Folder,
    window::{CARD, KIOSK, World, answers, licence, refusal},
};
use xtask::stack::postgres::{Cluster, Settings};

fn whole_walk(world: &World) {
    let clerk = world.clerk();
    let mut card = world.card();
    let form = world.taro();
    let found = world
        .app
        .look_up(
            &clerk,
            &ra::RegisterLookupRequest {
                name: Some("総務 太郎".into()),
                birth_date: Some("昭和25年4月1日".into()),
                ..ra::RegisterLookupRequest::default()
            },
        )
        .unwrap();
    assert_eq!(found.entries.len(), 1);
    assert_eq!(found.entries[0].birth_date, "319500401");
    let (application, made) = world.settled(&clerk, &form, &mut card);
    let again = world.app.receive(&clerk, &form).unwrap();
    assert_eq!(again.id, application.id, "a repeat is the same application");
    assert!(application.comparison.iter().all(|item| item.agrees));
    let act = world.issue_act(&application, &world.wish());
    let issued = world
        .app
        .request_issue(&clerk, &application.id, &act)
        .unwrap();
    let certificate = issued.certificate.clone().unwrap();
    let right = ra::ImageRequest {
        verdict: ra::ImageVerdict::Right,
        certificate_sha256: certificate.certificate_sha256.clone(),
        act: None,
    };
    let id = &issued.id;
    world.app.confirm_image(&clerk, id, &right).unwrap();
    world
        .relay(&clerk, id, &mut card, ra::ChannelPurpose::Write)
        .unwrap();
    let written = world
        .app
        .confirm_written(&clerk, id, &made.trial(&certificate.certificate_sha256))
        .unwrap();
    assert_eq!((written.step, written.fee_yen), (ra::Step::Written, 500));
    let fee = ra::FeeRequest {
        amount_yen: 500,
        idempotency_key: world.wish(),
    };
    let paid = world.app.take_fee(&clerk, id, &fee).unwrap();
    assert_eq!(paid.receipt.as_ref().unwrap().number, "13101-2026-000001");
    let repeated = world.app.take_fee(&clerk, id, &fee).unwrap();
    assert_eq!(
        repeated.receipt, paid.receipt,
        "a repeat takes no second fee"
    );
    let done = world
        .app
        .hand_over(&clerk, id, &ra::HandOverRequest {})
        .unwrap();
    assert_eq!(done.step, ra::Step::HandedOver);
    assert!(
        world
            .app
            .applications(&clerk, true)
            .unwrap()
            .applications
            .is_empty(),
        "nothing is left to do"
    );
    // The holder's own wish (Art 9), later.
    let identity = ra::RevocationIdentity {
        document: licence().document,
        face_matches: true,
    };
    let revoke = ra::WindowRevokeRequest {
        act: world.revoke_act(
            &done,
            Ground::Article9,
            Sha256Digest::of(&identity.digest_input()),
        ),
        identity,
    };
    let revoked = world.app.revoke(&clerk, &revoke).unwrap();
    assert_eq!(revoked.serial, certificate.serial);
    assert_eq!(world.app.revoke(&clerk, &revoke).unwrap(), revoked);
    // The same by the serial alone: the act then names an application of its own.
    let mut alone = done.clone();
    alone.id = "ee".repeat(16);
    let digest = Sha256Digest::of(&revoke.identity.digest_input());
    let by_serial = ra::WindowRevokeRequest {
        act: world.revoke_act(&alone, Ground::Article10Loss, digest),
        ..revoke.clone()
    };
    assert_eq!(
        world.app.revoke(&clerk, &by_serial).unwrap(),
        revoked,
        "the first record stands"
    );
    let mut foreign = revoke.clone();
    foreign.identity.document.kind = "passport".into();
    assert_eq!(refusal(world.app.revoke(&clerk, &foreign)), "act-invalid");
    let record = world.app.certificate(&clerk, &certificate.serial).unwrap();
    assert_eq!(record.status, "revoked");
    let end = world.app.application(&clerk, id).unwrap();
    assert_eq!(end.step, ra::Step::Revoked);
    assert_eq!(end.receipt, paid.receipt, "the fee stays in the record");
}

#[test]
fn a_resident_walks_from_form_to_card_on_sqlite() {
    whole_walk(&World::on(None));
}

#[test]
fn a_resident_walks_from_form_to_card_on_postgres() {
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
    whole_walk(&world);
    drop(world);
    cluster.end().unwrap();
}

#[test]
fn a_form_with_faults_is_given_back_with_each_of_them() {
    let world = World::on(None);
    let clerk = world.clerk();
    let form = world.form("", "昭和25年2月30日", "男", "東京都");
    match world.app.receive(&clerk, &form) {
        Err(Failure::Refused(refused)) => {
            let places: Vec<&str> = refused.errors.iter().map(|e| e.pointer.as_str()).collect();
            assert_eq!(places, ["/items/name", "/items/birth_date"]);
        }
        other => panic!("{other:?}"),
    }
    let mut future = world.taro();
    future.applied_on = "2026-11-23".into();
    assert_eq!(refusal(world.app.receive(&clerk, &future)), "items-invalid");
    assert!(
        world
            .app
            .applications(&clerk, false)
            .unwrap()
            .applications
            .is_empty()
    );
}

#[test]
fn a_wish_that_is_repeated_with_other_items_is_refused() {
    let world = World::on(None);
    let clerk = world.clerk();
    let form = world.taro();
    world.app.receive(&clerk, &form).unwrap();
    let mut other = world.hanako();
    other.idempotency_key = form.idempotency_key;
    assert_eq!(
        refusal(world.app.receive(&clerk, &other)),
        "idempotency-key-reused"
    );
}

#[test]
fn a_disagreement_with_the_register_ends_the_application() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut form = world.taro();
    form.items.address = "東京都千代田区霞が関2丁目1番3号".into();
    let end = world.identified(&clerk, &form);
    assert_eq!(end.step, ra::Step::Refused);
    assert_eq!(end.end.unwrap().cause, "items-disagree");
    let differing: Vec<_> = end.comparison.iter().filter(|item| !item.agrees).collect();
    assert_eq!(differing.len(), 1);
    assert_eq!(differing[0].item, "address");
    // Moved away: in the file, not a resident.
    let moved = world.form(
        "山田　一郎",
        "319650715",
        "1",
        "東京都千代田区大手町1丁目3番5号",
    );
    let end = world.identified(&clerk, &moved);
    assert_eq!(end.end.unwrap().cause, "not-registered");
}

#[test]
fn a_step_that_is_not_due_changes_nothing() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let application = world.app.receive(&clerk, &world.taro()).unwrap();
    let id = &application.id;
    assert_eq!(
        refusal(world.relay(&clerk, id, &mut card, ra::ChannelPurpose::Prepare)),
        "step-not-due"
    );
    assert_eq!(
        refusal(world.app.hand_over(&clerk, id, &ra::HandOverRequest {})),
        "step-not-due"
    );
    assert_eq!(
        refusal(world.app.take_fee(
            &clerk,
            id,
            &ra::FeeRequest {
                amount_yen: 500,
                idempotency_key: world.wish()
            }
        )),
        "step-not-due"
    );
    assert_eq!(world.app.application(&clerk, id).unwrap(), application);
}

fn suspend(world: &World, kind: PartyKind, id: &str, suspended: bool) {
    let entry = AuditEntry {
        act: "suspend-party",
        ..AuditEntry::default()
    };
    let now = ra_gateway::port::Clock::now(&*world.clock);
    assert!(
        world
            .app
            .store
            .set_suspended(kind, id, suspended, now, &entry)
            .unwrap()
    );
}

#[test]
fn an_interrupted_preparation_is_started_again_with_a_new_visit() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let id = world.identified(&clerk, &world.taro()).id;
    let open = ra::CardChannelRequest {
        card: hex::encode(CARD),
        purpose: ra::ChannelPurpose::Prepare,
    };
    let first = world.app.open_card_channel(&clerk, &id, &open).unwrap();
    let round = ra::CardRelayRequest {
        responses: answers(&mut card, &first.commands),
    };
    world
        .app
        .relay_card(&clerk, &first.channel, &round)
        .unwrap();
    world
        .relay(&clerk, &id, &mut card, ra::ChannelPurpose::Prepare)
        .unwrap();
    assert_eq!(
        refusal(world.app.relay_card(&clerk, &first.channel, &round)),
        "channel-unknown",
        "the first channel was given up"
    );
    let prepared = world.app.application(&clerk, &id).unwrap();
    world
        .relay(&clerk, &id, &mut card, ra::ChannelPurpose::Prepare)
        .unwrap();
    let again = world.app.application(&clerk, &id).unwrap();
    assert_eq!(again.step, ra::Step::CardPrepared);
    assert_ne!(again.visit, prepared.visit);
}

#[test]
fn a_card_of_another_prefecture_and_another_card_are_told_apart() {
    let world = World::on(None);
    let clerk = world.clerk();
    let id = world.identified(&clerk, &world.taro()).id;
    let mut foreign = world.card();
    world.masters.set("card-master", [0x99; 32]);
    let detail = |outcome: Result<(), Failure>| match outcome {
        Err(Failure::Refused(refused)) => refused.detail,
        other => panic!("{other:?}"),
    };
    let said = detail(world.relay(&clerk, &id, &mut foreign, ra::ChannelPurpose::Prepare));
    assert!(said.contains("not made for this prefecture"), "{said}");
    let opened = world
        .app
        .open_card_channel(
            &clerk,
            &id,
            &ra::CardChannelRequest {
                card: "00".repeat(16),
                purpose: ra::ChannelPurpose::Prepare,
            },
        )
        .unwrap();
    let round = ra::CardRelayRequest {
        responses: answers(&mut foreign, &opened.commands),
    };
    match world.app.relay_card(&clerk, &opened.channel, &round) {
        Err(Failure::Refused(refused)) => assert!(refused.detail.contains("another card")),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        world.app.application(&clerk, &id).unwrap().step,
        ra::Step::Identified
    );
}

#[test]
fn a_key_of_another_visit_or_with_a_foreign_record_goes_back_to_the_kiosk() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (first, old) = world.key_read(&clerk, &world.taro(), &mut card);
    // A new visit of the same card; the old request and record are shown again.
    world
        .relay(&clerk, &first.id, &mut card, ra::ChannelPurpose::Prepare)
        .unwrap();
    let prepared = world.app.application(&clerk, &first.id).unwrap();
    assert_eq!(prepared.spki_sha256, None, "the old key was given up");
    assert_eq!(
        refusal(world.app.read_public_key(&clerk, &first.id, &old.message())),
        "kiosk-record-invalid"
    );
    let made = world.kiosk_visit(&mut card, &prepared);
    let mut reused = made.message();
    reused.request = Base64(old.request.clone());
    assert_eq!(
        refusal(world.app.read_public_key(&clerk, &first.id, &reused)),
        "visit-foreign"
    );
    let mut forged = made.message();
    forged.kiosk_record = Base64(world.record(&world.terminal.0, KIOSK, &prepared, &made.pair));
    assert_eq!(
        refusal(world.app.read_public_key(&clerk, &first.id, &forged)),
        "kiosk-record-invalid"
    );
    let mut other_key = made.message();
    other_key.kiosk_record = Base64(world.record(&world.kiosk.0, KIOSK, &prepared, &old.pair));
    assert_eq!(
        refusal(world.app.read_public_key(&clerk, &first.id, &other_key)),
        "kiosk-record-invalid"
    );
    let mut broken = made.message();
    let last = broken.request.0.len() - 1;
    broken.request.0[last] ^= 1;
    assert_eq!(
        refusal(world.app.read_public_key(&clerk, &first.id, &broken)),
        "proof-invalid"
    );
    suspend(&world, PartyKind::Kiosk, KIOSK, true);
    assert_eq!(
        refusal(
            world
                .app
                .read_public_key(&clerk, &first.id, &made.message())
        ),
        "kiosk-record-invalid"
    );
    suspend(&world, PartyKind::Kiosk, KIOSK, false);
    let read = world
        .app
        .read_public_key(&clerk, &first.id, &made.message())
        .unwrap();
    assert_eq!(read.step, ra::Step::KeyRead);
}

#[test]
fn a_character_outside_the_repertoire_needs_the_applicants_choice() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (application, _) = world.key_read(&clerk, &world.hanako(), &mut card);
    let id = &application.id;
    let found = world.app.characters(&clerk, id).unwrap();
    assert_eq!(found.findings.len(), 1);
    let finding = &found.findings[0];
    assert_eq!((finding.item.as_str(), finding.position), ("name", 0));
    assert_eq!(finding.code_point, "U+9AD9");
    assert!(finding.candidates.iter().any(|c| c.character == "高"));
    let choose = |choices| {
        world
            .app
            .settle_characters(&clerk, id, &ra::CharacterChoices { choices })
    };
    let choice = |substitute: &str| ra::CharacterChoice {
        item: "name".into(),
        position: 0,
        substitute: substitute.into(),
    };
    assert_eq!(refusal(choose(vec![])), "substitute-invalid");
    assert_eq!(refusal(choose(vec![choice("低")])), "substitute-invalid");
    let settled = choose(vec![choice("高")]).unwrap();
    let items = settled.certificate_items.unwrap();
    assert_eq!(items.name, "高橋　花子");
    assert_eq!(items.name_substitution, "10000");
    assert!(settled.items_sha256.is_some());
}

#[test]
fn a_card_and_a_resident_with_a_certificate_in_effect_do_not_go_to_the_kiosk() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (first, _) = world.issued(&clerk, &mut card);
    let prepare = |application: &ra::Application, card: &mut _| {
        world.relay(&clerk, &application.id, card, ra::ChannelPurpose::Prepare)
    };
    // The same resident with another card; another resident with the same card.
    let again = world.app.receive(&clerk, &world.taro()).unwrap();
    assert_eq!(
        refusal(world.app.identify(&clerk, &again.id, &licence())),
        "certificate-in-effect"
    );
    let hanako = world.identified(&clerk, &world.hanako());
    assert_eq!(refusal(prepare(&hanako, &mut card)), "card-refused");
    // Revoked, it is in nobody's way.
    let identity = first.identity_sha256.as_deref().unwrap().parse().unwrap();
    let request = ra::ImageRequest {
        verdict: ra::ImageVerdict::PersonWrong,
        certificate_sha256: first
            .certificate
            .as_ref()
            .unwrap()
            .certificate_sha256
            .clone(),
        act: Some(world.revoke_act(&first, Ground::Article13, identity)),
    };
    world
        .app
        .confirm_image(&clerk, &first.id, &request)
        .unwrap();
    prepare(&hanako, &mut card).unwrap();
}

#[test]
fn somebody_elses_certificate_on_another_card_is_in_nobodys_way() {
    let world = World::on(None);
    let clerk = world.clerk();
    world.issued(&clerk, &mut world.card());
    let hanako = world.identified(&clerk, &world.hanako());
    let number = [0xC2; 16];
    let mut own = world.card_of(number);
    world
        .relay_of(
            number,
            &clerk,
            &hanako.id,
            &mut own,
            ra::ChannelPurpose::Prepare,
        )
        .unwrap();
}
