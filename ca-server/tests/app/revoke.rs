//! Revocation, lists and OCSP.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ca_server::{
    app::{
        answer_anew::Anew,
        answer_ocsp::{Answerer, SigningQuota, StatusApp, answer},
        authorise::Refusal,
        enrol::{self, Enrolment},
        issue::issue,
        publish_crl::{InPlace, path, publish},
        revoke::{RevokeError, revoke},
    },
    config::ResponderConfig,
    port::{clock::Clock, fake::Break},
    testing::{
        window::{Applicant, Window},
        world::World,
    },
};
use jiff::SignedDuration;
use pki_core::{
    certificate::{Issuer, PublicKey, Serial, SignatureAlgorithm, request},
    revocation::{
        crl::CrlImage,
        ground::Ground,
        ocsp::{CertId, CertStatus, IssuerIds, response::ResponseImage},
    },
};

pub fn issued(world: &World, resident: &str) -> Serial {
    let wish = world
        .window
        .issue_request(&Applicant::soumu(resident), world.clock.now());
    issue(&world.app, "gw", &wish).unwrap().serial
}

fn listed(world: &World, scope: &str) -> (u64, Vec<Serial>) {
    let bytes = std::fs::read(path(&world.app.crl.folder, "sign", scope)).unwrap();
    let image = CrlImage::decode(&bytes).unwrap();
    let serials = image.entries().map(|entry| entry.unwrap().serial).collect();
    (image.number, serials)
}

#[test]
fn a_revocation_is_recorded_without_a_token_and_answered_the_same_twice() {
    let world = World::new();
    let serial = issued(&world, "R1");
    world.signer.set_away(true);
    let wish = world
        .window
        .revoke_request(&serial, Ground::Article9, world.clock.now());
    let first = revoke(&world.app, "gw", &wish).unwrap();
    world.clock.advance(SignedDuration::from_secs(10));
    let again = world
        .window
        .revoke_request(&serial, Ground::Article10Leak, world.clock.now());
    assert_eq!(revoke(&world.app, "gw", &again).unwrap(), first);
    assert_eq!(first.ground, "article9");
    assert_eq!(world.audit().pop().unwrap().outcome, "already-revoked");
}

#[test]
fn a_window_revokes_only_what_belongs_to_its_municipality() {
    let world = World::new();
    let serial = issued(&world, "R1");
    let other = Window::of("13102");
    for enrolment in other.enrolments() {
        enrol::enrol(&world.app, &enrolment).unwrap();
    }
    let wish = other.revoke_request(&serial, Ground::Article9, world.clock.now());
    assert!(matches!(
        revoke(&world.app, "gw", &wish),
        Err(RevokeError::OutOfScope)
    ));
    let unknown = Serial::from_random([3; 16]);
    let wish = world
        .window
        .revoke_request(&unknown, Ground::Article9, world.clock.now());
    assert!(matches!(
        revoke(&world.app, "gw", &wish),
        Err(RevokeError::NotFound)
    ));
}

#[test]
fn a_window_may_not_state_the_governors_grounds() {
    let world = World::new();
    let serial = issued(&world, "R1");
    for ground in [
        Ground::Article9Renewal,
        Ground::Article12,
        Ground::Article14,
    ] {
        let wish = world
            .window
            .revoke_request(&serial, ground, world.clock.now());
        assert!(matches!(
            revoke(&world.app, "gw", &wish),
            Err(RevokeError::Ground)
        ));
    }
}

#[test]
fn an_act_to_issue_does_not_revoke() {
    let world = World::new();
    let wish = world
        .window
        .issue_request(&Applicant::soumu("R1"), world.clock.now());
    let wish = schema::wire::v1::ca::RevokeRequest { act: wish.act };
    assert!(matches!(
        revoke(&world.app, "gw", &wish),
        Err(RevokeError::Refused(Refusal::OtherDeed))
    ));
}

#[test]
fn after_a_revocation_the_resident_may_apply_again_with_a_new_key() {
    let world = World::new();
    let serial = issued(&world, "R1");
    let wish = world
        .window
        .revoke_request(&serial, Ground::Article9, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
    assert_ne!(issued(&world, "R1"), serial);
}

#[test]
fn a_key_whose_image_was_wrong_is_certified_again_for_the_same_application() {
    let world = World::new();
    let applicant = Applicant::soumu("R1");
    let wish = world.window.issue_request(&applicant, world.clock.now());
    let serial = issue(&world.app, "gw", &wish).unwrap().serial;
    let wish = world
        .window
        .revoke_request(&serial, Ground::Article13, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
    let wish = world.window.issue_request(&applicant, world.clock.now());
    assert_ne!(issue(&world.app, "gw", &wish).unwrap().serial, serial);
}

#[test]
fn lists_name_what_was_revoked_in_their_scope_and_their_numbers_rise() {
    let world = World::new();
    let mut in_place = InPlace::new();
    let (published, failed) = publish(&world.app, &mut in_place);
    assert!(failed.is_empty(), "{failed:?}");
    // Full and two municipalities of the signing CA, full of the infrastructure CA.
    assert_eq!(published.len(), 4);
    let serial = issued(&world, "R1");
    let wish = world
        .window
        .revoke_request(&serial, Ground::Article10Leak, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
    world.clock.advance(SignedDuration::from_secs(2));
    let (published, failed) = publish(&world.app, &mut in_place);
    assert!(failed.is_empty(), "{failed:?}");
    // Only what changed: full and 13101.
    assert_eq!(published.len(), 2);
    assert_eq!(listed(&world, ""), (2, vec![serial.clone()]));
    assert_eq!(listed(&world, "13101"), (2, vec![serial.clone()]));
    assert_eq!(listed(&world, "13102"), (1, vec![]));
    assert!(
        publish(&world.app, &mut in_place).0.is_empty(),
        "nothing is due"
    );
    // A period later all are made anew; three years later the entry has left
    // after one more list.
    world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(publish(&world.app, &mut in_place).0.len(), 4);
    world
        .clock
        .advance(SignedDuration::from_hours(24 * 366 * 3));
    assert_eq!(publish(&world.app, &mut in_place).0.len(), 4);
    assert_eq!(listed(&world, ""), (4, vec![serial]));
    world.clock.advance(SignedDuration::from_hours(24));
    publish(&world.app, &mut in_place);
    assert_eq!(listed(&world, ""), (5, vec![]));
}

#[test]
fn a_published_list_that_cannot_be_read_is_set_aside_and_replaced() {
    let world = World::new();
    let mut in_place = InPlace::new();
    publish(&world.app, &mut in_place);
    let path = world.folder.path().join("crl/sign.crl");
    std::fs::write(&path, b"torn").unwrap();
    world.clock.advance(SignedDuration::from_hours(24));
    let (_, failed) = publish(&world.app, &mut in_place);
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(listed(&world, ""), (2, vec![]));
    assert_eq!(
        std::fs::read(path.with_extension("crl.unreadable")).unwrap(),
        b"torn"
    );
}

#[test]
fn every_write_of_publishing_broken_twice() {
    for step in ["reserve_crl", "delta_base", "publish_crl", "token"] {
        for how in [Break::NotDone, Break::DoneUnsaid] {
            let world = World::new();
            let mut in_place = InPlace::new();
            assert!(publish(&world.app, &mut in_place).1.is_empty());
            let serial = issued(&world, "R1");
            let wish = world
                .window
                .revoke_request(&serial, Ground::Article9, world.clock.now());
            revoke(&world.app, "gw", &wish).unwrap();
            let (before, _) = listed(&world, "");
            match step {
                "token" => world.signer.break_next(how),
                step => world.store.break_next(step, how),
            }
            world.clock.advance(SignedDuration::from_secs(1));
            assert_eq!(
                publish(&world.app, &mut in_place).1.len(),
                1,
                "{step} {how:?}"
            );
            world.clock.advance(SignedDuration::from_secs(1));
            let failed = publish(&world.app, &mut in_place).1;
            assert!(failed.is_empty(), "{step} {how:?}: {failed:?}");
            let (number, serials) = listed(&world, "");
            assert!(number > before && serials == [serial], "{step} {how:?}");
            assert_eq!(listed(&world, "13101").1.len(), 1, "{step} {how:?}");
            world.check_invariants();
        }
    }
}

pub fn responder(world: &World) -> StatusApp {
    responder_of(world, "sign")
}

/// A status node that answers for that CA of residents' certificates.
pub fn responder_of(world: &World, issuer: &str) -> StatusApp {
    world.signer.make_p256("ocsp");
    responder_by(world, issuer, SignatureAlgorithm::EcdsaP256Sha256)
}

/// One whose key of that algorithm is in the token.
pub fn responder_by(world: &World, issuer: &str, algorithm: SignatureAlgorithm) -> StatusApp {
    let key = PublicKey::from_spki_der(
        &ca_server::port::signer::Signer::public_key(&*world.signer, "ocsp").unwrap(),
    )
    .unwrap();
    let wish = request::create("ocsp-1", &key, algorithm, |info| {
        ca_server::port::signer::Signer::sign(&*world.signer, "ocsp", algorithm, info)
    })
    .unwrap();
    let party = enrol::enrol_for(
        &world.app,
        &Enrolment {
            kind: "ocsp-responder".to_owned(),
            id: "ocsp-1".to_owned(),
            municipality: None,
            label: "responder".to_owned(),
            request: wish,
            dns_names: Vec::new(),
            addresses: Vec::new(),
            replace: false,
        },
        enrol::OFFICER,
        Some(issuer),
    )
    .unwrap();
    let config = ResponderConfig {
        name: issuer.to_owned(),
        certificate: issuer_named(world, issuer)
            .certificate_der()
            .unwrap()
            .to_vec(),
        ocsp: Some(("ocsp".to_owned(), party.certificate)),
    };
    StatusApp {
        store: world.store.clone(),
        signer: world.signer.clone(),
        clock: world.clock.clone(),
        issuers: vec![Answerer::new(&config, 1 << 20).unwrap()],
        validity: Duration::from_secs(60),
        reuse: Duration::from_secs(30),
        lease: None,
        anew: Anew::default(),
        crl_folder: world.app.crl.folder.clone(),
        quota: SigningQuota::new(1_000_000),
        records: None,
    }
}

fn issuer_named<'a>(world: &'a World, name: &str) -> &'a Issuer {
    let mut authorities = world.app.authorities().into_iter();
    let found = authorities.find(|authority| authority.name == name);
    &found.unwrap().issuer
}

pub fn question(world: &World, serial: &Serial) -> Vec<u8> {
    question_to(&world.app.signing.issuer, serial)
}

fn question_to(issuer: &Issuer, serial: &Serial) -> Vec<u8> {
    question_of(&[(issuer, serial)])
}

/// One question after several certificates, in that order.
fn question_of(certificates: &[(&Issuer, &Serial)]) -> Vec<u8> {
    // OCSPRequest { TBSRequest { [requestList] SEQUENCE { Request { CertID } } } }
    let wrap = |content: &[u8]| {
        let mut out = vec![0x30];
        match content.len() {
            length @ 0..=0x7F => out.push(length as u8),
            length @ 0x80..=0xFF => out.extend([0x81, length as u8]),
            length => out.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        out.extend_from_slice(content);
        out
    };
    let requests: Vec<u8> = certificates
        .iter()
        .flat_map(|(issuer, serial)| wrap(CertId::new(&IssuerIds::of(issuer), serial).as_der()))
        .collect();
    wrap(&wrap(&wrap(&requests)))
}

/// What the responder says of a certificate, as its issuer's.
pub fn status_of(world: &World, app: &StatusApp, serial: &Serial) -> CertStatus {
    let issuer = issuer_named(world, &app.issuers[0].name);
    let answered = answer(app, &app.issuers[0], &question_to(issuer, serial), None);
    let image = ResponseImage::verify(&answered.der, issuer).unwrap();
    image.answers[0].status
}

#[test]
fn ocsp_says_what_the_record_says_at_that_moment() {
    let world = World::new();
    let app = Arc::new(responder(&world));
    let serial = issued(&world, "R1");
    assert_eq!(status_of(&world, &app, &serial), CertStatus::Good);
    assert_eq!(
        status_of(&world, &app, &Serial::from_random([7; 16])),
        CertStatus::Unknown
    );
    let wish = world
        .window
        .revoke_request(&serial, Ground::Article10Leak, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
    assert!(matches!(
        status_of(&world, &app, &serial),
        CertStatus::Revoked {
            reason: Some(_),
            ..
        }
    ));
}

#[test]
fn each_certificate_of_one_question_gets_its_own_answer_in_whatever_order_they_are_asked() {
    let world = World::new();
    let app = responder(&world);
    let ours = &world.app.signing.issuer;
    let (good, revoked) = (issued(&world, "R1"), issued(&world, "R2"));
    let wish = world
        .window
        .revoke_request(&revoked, Ground::Article9, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
    // Below, between and above what is stored, so that every order is asked in.
    let unknown = Serial::from_random([0x7F; 16]);
    let mut asked = [&good, &revoked, &unknown, &good];
    for _ in 0..asked.len() {
        asked.rotate_left(1);
        for asked in [asked, [asked[3], asked[2], asked[1], asked[0]]] {
            let question = question_of(&asked.map(|serial| (ours, serial)));
            let answered = answer(&app, &app.issuers[0], &question, None);
            let image = ResponseImage::verify(&answered.der, ours).unwrap();
            assert_eq!(image.answers.len(), asked.len());
            for (serial, answer) in asked.iter().zip(&image.answers) {
                match answer.status {
                    CertStatus::Good => assert_eq!(*serial, &good),
                    CertStatus::Revoked { .. } => assert_eq!(*serial, &revoked),
                    CertStatus::Unknown => assert_eq!(*serial, &unknown),
                }
            }
        }
    }
}

#[test]
fn a_question_after_another_cas_certificates_alone_is_refused_and_costs_no_signature() {
    let world = World::with_user_authentication();
    let app = responder(&world);
    let ours = &world.app.signing.issuer;
    let theirs = issuer_named(&world, "auth");
    let serial = issued(&world, "R1");
    const UNAUTHORIZED: [u8; 5] = [0x30, 3, 0x0A, 1, 6];
    let signed = world.signer.signed_with("ocsp").len();
    let refused = answer(&app, &app.issuers[0], &question_to(theirs, &serial), None);
    assert!(!refused.successful);
    assert_eq!(refused.der[..], UNAUTHORIZED);
    assert_eq!(world.signer.signed_with("ocsp").len(), signed);
    // Beside one of ours it is answered: the same serial under the other CA is not known here.
    let question = question_of(&[(theirs, &serial), (ours, &serial)]);
    let answered = answer(&app, &app.issuers[0], &question, None);
    let image = ResponseImage::verify(&answered.der, ours).unwrap();
    let said: Vec<CertStatus> = image.answers.iter().map(|answer| answer.status).collect();
    assert_eq!(said, [CertStatus::Unknown, CertStatus::Good]);
}

#[test]
fn beyond_its_quota_the_responder_says_try_later_and_signs_nothing() {
    let world = World::new();
    let mut app = responder(&world);
    app.quota = SigningQuota::new(1);
    let serial = issued(&world, "R1");
    let question = question(&world, &serial);
    let ask = || answer(&app, &app.issuers[0], &question, None);
    const TRY_LATER: [u8; 5] = [0x30, 3, 0x0A, 1, 3];
    assert!(ask().successful);
    let refused = (0..50)
        .map(|_| ask())
        .find(|answer| !answer.successful)
        .expect("a limit");
    assert_eq!(refused.der[..], TRY_LATER);
    assert_eq!(refused.keep, None);
    // Within a second the next is signed again.
    let until = Instant::now() + Duration::from_secs(10);
    while !ask().successful {
        assert!(Instant::now() < until, "the quota does not come back");
        std::thread::sleep(Duration::from_millis(20));
    }
    let signed = world.signer.signed_with("ocsp").len();
    let refused = (0..50).take_while(|_| ask().successful).count();
    assert_eq!(world.signer.signed_with("ocsp").len(), signed + refused);
}

#[test]
fn ocsp_says_nothing_good_of_a_serial_that_is_reserved_or_abandoned() {
    let world = World::new();
    let app = Arc::new(responder(&world));
    world.signer.break_next(Break::DoneUnsaid);
    world.store.break_next("abandon", Break::NotDone);
    let wish = world
        .window
        .issue_request(&Applicant::soumu("R1"), world.clock.now());
    assert!(issue(&world.app, "gw", &wish).is_err());
    let (_, octets) = world.app.store.reserved_by("node").unwrap().pop().unwrap();
    let serial = Serial::from_octets(&octets).unwrap();
    assert_eq!(status_of(&world, &app, &serial), CertStatus::Unknown);
    ca_server::app::resume::resume(&world.app).unwrap();
    assert!(matches!(
        status_of(&world, &app, &serial),
        CertStatus::Revoked { reason: None, .. }
    ));
}
