//! The certificate for signing in (利用者証明用電子証明書): a second profile with a CA of its own.

use std::fs;

use ca_server::{
    adapter::register_folder::RegisterFolder,
    app::{
        follow_register::follow,
        issue::{IssueError, Issued, ReplacementRefusal, issue},
        look_up, proof,
        publish_crl::{InPlace, path, publish},
        register_revocations,
        revoke::revoke,
    },
    port::{
        clock::Clock,
        store::{ReserveRefusal, Status},
    },
    testing::{window::Applicant, world::World},
};
use jiff::SignedDuration;
use pki_core::{
    act::{ReplacementCause, Replaces},
    certificate::{CertificateImage, Serial, image::Purpose},
    revocation::{
        crl::CrlImage, ground::Ground, ocsp::CertStatus, register_batch::closing_line,
        replacement::ReplacementFault,
    },
};

use super::revoke::{responder_of, status_of};

const PROFILE: &str = "user-authentication";

fn applicant(resident: &str, profile: &'static str) -> Applicant {
    Applicant {
        profile,
        ..Applicant::soumu(resident)
    }
}

fn ask(world: &World, applicant: &Applicant) -> Result<Issued, IssueError> {
    let wish = world.window.issue_request(applicant, world.clock.now());
    issue(&world.app, "gw", &wish)
}

/// Both certificates of one resident: for signatures, for signing in.
fn both(world: &World, resident: &str) -> (Issued, Issued) {
    let [signature, user] =
        ["signature", PROFILE].map(|profile| ask(world, &applicant(resident, profile)).unwrap());
    (signature, user)
}

fn status(world: &World, issuer: &str, serial: &Serial) -> Status {
    let serials = [serial.as_octets().to_vec()];
    world.app.store.status(issuer, &serials).unwrap().remove(0)
}

fn is_good(world: &World, issuer: &str, issued: &Issued) -> bool {
    status(world, issuer, &issued.serial) == Status::Good
}

fn listed(world: &World, issuer: &str, scope: &str) -> Vec<Serial> {
    let bytes = fs::read(path(&world.app.crl.folder, issuer, scope)).unwrap();
    let image = CrlImage::decode(&bytes).unwrap();
    image.entries().map(|entry| entry.unwrap().serial).collect()
}

#[test]
fn where_it_is_off_an_act_that_names_it_is_refused_and_recorded() {
    let world = World::new();
    assert!(matches!(
        ask(&world, &applicant("R1", PROFILE)),
        Err(IssueError::Mismatch("the profile"))
    ));
    assert_eq!(world.audit().pop().unwrap().outcome, "act-mismatch");
}

#[test]
fn it_comes_from_a_ca_of_its_own_and_says_nothing_of_the_person() {
    let world = World::with_user_authentication();
    let wish = applicant("R1", PROFILE);
    let request = world.window.issue_request(&wish, world.clock.now());
    let issued = issue(&world.app, "gw", &request).unwrap();
    let again = issue(&world.app, "gw", &request).unwrap();
    assert!(again.repeated);
    assert_eq!(again.certificate, issued.certificate);
    assert_eq!(again.issuer_certificate, issued.issuer_certificate);
    let image = CertificateImage::decode(&issued.certificate).unwrap();
    let of_users = &world.app.user_authentication.as_ref().unwrap().authority;
    image
        .verify_signature(of_users.issuer.public_key())
        .unwrap();
    assert!(
        image
            .verify_signature(world.app.signing.issuer.public_key())
            .is_err()
    );
    assert_eq!(
        issued.issuer_certificate,
        of_users.issuer.certificate_der().unwrap()
    );
    assert_eq!(image.purposes, [Purpose::ClientAuth]);
    assert!(image.personal.is_none());
    assert_eq!(image.public_key, wish.card.public_key());
    assert_eq!(image.user.unwrap().window.as_str(), "131010001");
    for item in [&wish.items.name, &wish.items.address] {
        let item = item.as_bytes();
        assert!(!issued.certificate.windows(item.len()).any(|w| w == item));
    }
    // Asked again, the same certificate and the same issuer.
    let request = world.window.issue_request(&wish, world.clock.now());
    assert!(
        issue(&world.app, "gw", &request).is_err(),
        "another act, the same key"
    );
    // Signed with its own key, and with no other.
    assert_eq!(world.signer.signed_with("auth").len(), 2);
    assert_eq!(world.signer.signed_with("sign").len(), 1);
}

#[test]
fn one_is_in_effect_for_each_resident_and_profile() {
    let world = World::with_user_authentication();
    let (signature, user) = both(&world, "R1");
    assert!(is_good(&world, "sign", &signature) && is_good(&world, "auth", &user));
    for profile in ["signature", PROFILE] {
        assert!(
            matches!(
                ask(&world, &applicant("R1", profile)),
                Err(IssueError::Conflict(ReserveRefusal::InEffect))
            ),
            "{profile}"
        );
    }
    // A key is one certificate's, whatever the profile.
    let mut wish = applicant("R2", "signature");
    let request = world.window.issue_request(&wish, world.clock.now());
    issue(&world.app, "gw", &request).unwrap();
    wish.profile = PROFILE;
    wish.application = pki_core::id::ApplicationId::from_bytes([9; 16]);
    assert!(matches!(
        ask(&world, &wish),
        Err(IssueError::Conflict(ReserveRefusal::PublicKeyTaken))
    ));
}

#[test]
fn a_revocation_ends_the_one_it_names_and_stands_on_that_issuers_lists_alone() {
    let world = World::with_user_authentication();
    let app = responder_of(&world, "auth");
    let (signature, user) = both(&world, "R1");
    assert_eq!(status_of(&world, &app, &user.serial), CertStatus::Good);
    assert_eq!(
        status_of(&world, &app, &signature.serial),
        CertStatus::Unknown,
        "the other CA's"
    );
    let found = look_up::certificate(&world.app, "gw", &user.serial).unwrap();
    assert_eq!(found.unwrap().certificate, user.certificate);
    assert_eq!(proof::read(&world.app, &user.serial).unwrap().len(), 1);

    let wish = world
        .window
        .revoke_request(&user.serial, Ground::Article9, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
    assert!(is_good(&world, "sign", &signature));
    assert!(matches!(
        status_of(&world, &app, &user.serial),
        CertStatus::Revoked { .. }
    ));
    assert_eq!(proof::read(&world.app, &user.serial).unwrap().len(), 2);
    let (published, failed) = publish(&world.app, &mut InPlace::new());
    assert!(failed.is_empty(), "{failed:?}");
    // Full and two municipalities of each CA of residents, full of the infrastructure CA.
    assert_eq!(published.len(), 7);
    for scope in ["", "13101"] {
        assert_eq!(
            listed(&world, "auth", scope),
            std::slice::from_ref(&user.serial)
        );
        assert_eq!(listed(&world, "sign", scope), []);
    }
    assert_eq!(listed(&world, "auth", "13102"), []);
    // The list's distribution point is the certificate's.
    let list = fs::read(path(&world.app.crl.folder, "auth", "13101")).unwrap();
    let image = CertificateImage::decode(&user.certificate).unwrap();
    let name = image.distribution_points[0].name.as_ref().unwrap().as_der();
    assert!(list.windows(name.len()).any(|part| part == name));
    world.check_invariants();
}

#[test]
fn what_the_register_tells_ends_both_at_once_and_windows_are_told_of_both() {
    let world = World::with_user_authentication();
    let (signature, user) = both(&world, "R1");
    let alone = ask(&world, &applicant("R2", PROFILE)).unwrap();
    let stays = ask(&world, &applicant("R3", PROFILE)).unwrap();
    world.clock.advance(SignedDuration::from_hours(1));
    let folder = world.folder.path().join("register");
    fs::create_dir_all(folder.join("13101")).unwrap();
    let body = "sequence,resident,kind,recorded_at,former\n\
                1,R1,death,2026-11-22T06:30:00Z,\n\
                2,R2,moved-out,2026-11-22T06:30:00Z,\n\
                3,R3,minor-correction,2026-11-22T06:30:00Z,\n";
    let text = [body, &closing_line(body.as_bytes())].concat();
    fs::write(folder.join("13101/000001.csv"), text).unwrap();
    let followed = follow(&world.app, &RegisterFolder(folder))
        .remove(0)
        .1
        .unwrap();
    assert_eq!((followed.events, followed.revoked), (3, 3));
    for (issuer, issued) in [("sign", &signature), ("auth", &user), ("auth", &alone)] {
        assert!(matches!(
            status(&world, issuer, &issued.serial),
            Status::Revoked(revoked) if revoked.ground == "article12"
        ));
    }
    assert!(is_good(&world, "auth", &stays));

    let told = |since| {
        let code = "13101".parse().unwrap();
        let told = register_revocations::list(&world.app, "gw", code, since);
        told.unwrap().unwrap()
    };
    let serials: Vec<(u64, Vec<u8>)> = told(0)
        .into_iter()
        .map(|told| (told.sequence, told.serial))
        .collect();
    let octets = |issued: &Issued| issued.serial.as_octets().to_vec();
    assert_eq!(
        serials,
        [
            (1, octets(&signature)),
            (1, octets(&user)),
            (2, octets(&alone))
        ]
    );
    assert_eq!(told(1).len(), 1);
    // Each has its audit row.
    let rows = world.audit();
    for (issuer, issued) in [("sign", &signature), ("auth", &user), ("auth", &alone)] {
        let subject = format!("certificate:{issuer}/{}", issued.serial);
        let count = rows
            .iter()
            .filter(|row| row.event == "register.event" && row.subject == subject)
            .count();
        assert_eq!(count, 1, "{subject}");
    }
}

#[test]
fn it_is_replaced_by_its_own_kind_alone() {
    let world = World::with_user_authentication();
    let (signature, user) = both(&world, "R1");
    let replace = |profile, serial: &Serial| Applicant {
        replaces: Some(Replaces {
            serial: serial.clone(),
            cause: ReplacementCause::CardFailure,
        }),
        ..applicant("R1", profile)
    };
    for (profile, other) in [("signature", &user), (PROFILE, &signature)] {
        assert!(
            matches!(
                ask(&world, &replace(profile, &other.serial)),
                Err(IssueError::Replacement(ReplacementRefusal::Rule(
                    ReplacementFault::OtherProfile
                )))
            ),
            "{profile}"
        );
    }
    let new = ask(&world, &replace(PROFILE, &user.serial)).unwrap();
    assert!(is_good(&world, "auth", &new) && is_good(&world, "sign", &signature));
    assert!(!is_good(&world, "auth", &user));
}
