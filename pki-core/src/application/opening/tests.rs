use super::*;
use crate::application::cause::EndCause;
use crate::revocation::register_event::RegisterEventKind;

const ISSUED: &str = "2026-11-22T05:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn chiyoda() -> MunicipalityCode {
    "13101".parse().unwrap()
}

fn serial(number: u8) -> Serial {
    Serial::from_random([number; 16])
}

/// Issued on 22 November 2026, so in effect to the end of 21 November 2029.
fn held() -> Held {
    Held {
        serial: serial(1),
        municipality: chiyoda(),
        issued_at: at(ISSUED),
        not_after: at("2029-11-21T14:59:59Z"),
        ended: None,
        items: Comparison {
            name: true,
            birth_date: true,
            sex: true,
            address: true,
        },
    }
}

fn ended(ground: Ground) -> Held {
    Held {
        ended: Some(Ended {
            ground,
            at: at("2027-03-01T01:00:00Z"),
            next: None,
        }),
        ..held()
    }
}

fn openings(held: Vec<Held>, now: &str) -> Openings {
    Openings::of(held, chiyoda(), at(now))
}

fn kinds(openings: &Openings) -> Vec<ApplicationKind> {
    openings.open.iter().map(|opening| opening.kind).collect()
}

#[test]
fn who_never_had_a_certificate_applies_for_the_first() {
    let openings = openings(Vec::new(), ISSUED);
    assert_eq!(kinds(&openings), [ApplicationKind::First]);
    assert_eq!(openings.proposed().unwrap().replaces, None);
    assert_eq!(
        openings.admit(ApplicationKind::Renewal, None),
        Err(NotOpen::Otherwise {
            due: ApplicationKind::First
        })
    );
}

#[test]
fn while_one_is_in_effect_a_first_application_is_told_what_to_do_instead() {
    let openings = openings(vec![held()], "2027-01-10T01:00:00Z");
    let told = openings.admit(ApplicationKind::First, None).unwrap_err();
    assert_eq!(
        told,
        NotOpen::InEffect {
            until: JapaneseDay::new(2029, 11, 21).unwrap(),
            renewal_from: JapaneseDay::new(2029, 8, 22).unwrap(),
        }
    );
    assert!(told.to_string().contains("2029-08-22"), "{told}");
    assert_eq!(
        openings.admit(ApplicationKind::Renewal, None),
        Err(told),
        "not yet"
    );
    assert_eq!(openings.proposed(), None);
}

#[test]
fn renewal_opens_with_the_first_second_of_its_day_in_japan_and_ends_with_the_certificate() {
    let eve = openings(vec![held()], "2029-08-21T14:59:59Z");
    assert!(eve.admit(ApplicationKind::Renewal, None).is_err());
    for now in ["2029-08-21T15:00:00Z", "2029-11-21T14:59:59Z"] {
        let openings = openings(vec![held()], now);
        let renewal = openings.admit(ApplicationKind::Renewal, None).unwrap();
        assert_eq!(renewal.replaces, Some(serial(1)));
        assert_eq!(openings.proposed(), Some(renewal));
        assert_eq!(
            openings.admit(ApplicationKind::First, None),
            Err(NotOpen::Replace {
                until: JapaneseDay::new(2029, 11, 21).unwrap(),
                due: ApplicationKind::Renewal,
            })
        );
    }
    let after = openings(vec![held()], "2029-11-21T15:00:00Z");
    assert_eq!(kinds(&after), [ApplicationKind::First]);
}

#[test]
fn a_card_that_failed_is_replaced_free_at_any_time_and_only_on_evidence() {
    let openings = openings(vec![held()], "2027-01-10T01:00:00Z");
    let kind = ApplicationKind::ReissueCardFailure;
    assert!(kind.is_free());
    assert_eq!(openings.admit(kind, None), Err(NotOpen::EvidenceMissing));
    for evidence in [Evidence::CardTried, Evidence::DamageNotice] {
        let opening = openings.admit(kind, Some(evidence)).unwrap();
        assert_eq!(opening.replaces, Some(serial(1)));
    }
    let first = Openings::of(Vec::new(), chiyoda(), at(ISSUED));
    let told = first.admit(ApplicationKind::First, Some(Evidence::CardTried));
    assert_eq!(told, Err(NotOpen::EvidenceNotDue));
}

#[test]
fn after_a_merger_the_old_one_stays_good_and_a_new_one_is_free_on_wish() {
    let successor: MunicipalityCode = "13102".parse().unwrap();
    let openings = Openings::of(vec![held()], successor, at("2027-01-10T01:00:00Z"));
    assert!(openings.in_effect, "a merger ends nothing");
    let proposed = openings.proposed().unwrap();
    assert_eq!(proposed.kind, ApplicationKind::ReissueMerger);
    assert_eq!(proposed.replaces, Some(serial(1)));
    assert!(proposed.kind.is_free());
    let told = openings.admit(ApplicationKind::First, None);
    let due = ApplicationKind::ReissueMerger;
    assert!(matches!(told, Err(NotOpen::Replace { due: said, .. }) if said == due));
}

#[test]
fn how_the_last_one_ended_says_what_the_next_application_is() {
    let next = |held: Held| {
        let openings = openings(vec![held], "2027-03-02T01:00:00Z");
        assert_eq!(openings.open.len(), 1);
        assert_eq!(openings.open[0].replaces, None);
        openings.open[0].kind
    };
    for (ground, kind) in [
        (Ground::Article9, ApplicationKind::ReissueHolder),
        (Ground::Article10Leak, ApplicationKind::ReissueHolder),
        (Ground::Article10Loss, ApplicationKind::ReissueHolder),
        (Ground::Article10Damage, ApplicationKind::ReissueCardFailure),
        (Ground::Article12, ApplicationKind::ReissueRegisterChange),
        (Ground::Article13, ApplicationKind::ReissueOfficeError),
        (Ground::Article14, ApplicationKind::ReissueOfficeError),
    ] {
        assert_eq!(next(ended(ground)), kind, "{ground}");
    }
    for (ground, next_application) in [
        (
            Ground::Article12,
            RegisterEventKind::AddressNotation.next_application(),
        ),
        (
            Ground::Article9,
            EndCause::SubstituteWish.next_application(),
        ),
        (Ground::Article13, EndCause::PersonWrong.next_application()),
    ] {
        let mut held = ended(ground);
        held.ended.as_mut().unwrap().next = next_application;
        assert_eq!(Some(next(held)), next_application, "{ground}");
    }
}

#[test]
fn a_free_reissue_is_given_once_and_not_past_the_end_of_what_it_stands_for() {
    let reissued = Held {
        serial: serial(2),
        issued_at: at("2027-03-02T01:00:00Z"),
        not_after: at("2030-03-01T14:59:59Z"),
        ended: Some(Ended {
            ground: Ground::Article9,
            at: at("2027-06-01T01:00:00Z"),
            next: None,
        }),
        ..held()
    };
    let misread = ended(Ground::Article13);
    let both = openings(vec![misread.clone(), reissued], "2027-07-01T01:00:00Z");
    assert_eq!(kinds(&both), [ApplicationKind::ReissueHolder]);
    let last = openings(vec![misread.clone()], "2029-11-21T14:59:59Z");
    assert_eq!(kinds(&last), [ApplicationKind::ReissueOfficeError]);
    let late = openings(vec![misread], "2029-11-21T15:00:00Z");
    assert_eq!(kinds(&late), [ApplicationKind::First]);
}

#[test]
fn a_certificate_in_effect_counts_before_one_that_was_issued_and_ended_later() {
    let later = Held {
        serial: serial(2),
        issued_at: at("2027-01-01T01:00:00Z"),
        ..ended(Ground::Article13)
    };
    let openings = openings(vec![held(), later], "2027-07-01T01:00:00Z");
    assert!(openings.in_effect);
    assert_eq!(openings.last.unwrap().serial, serial(1));
}

#[test]
fn what_the_register_says_otherwise_now_is_replaced_before_its_notice_comes() {
    let mut changed = held();
    changed.items.address = false;
    let openings = openings(vec![changed.clone()], "2027-01-10T01:00:00Z");
    let proposed = openings.proposed().unwrap();
    assert_eq!(proposed.kind, ApplicationKind::ReissueRegisterChange);
    let notation = ApplicationKind::ReissueAddressNotation;
    assert_eq!(
        openings.admit(notation, None),
        Err(NotOpen::EvidenceMissing)
    );
    assert_eq!(
        openings.admit(notation, Some(Evidence::CardTried)),
        Err(NotOpen::EvidenceNotDue)
    );
    assert!(
        openings
            .admit(notation, Some(Evidence::NotationNotice))
            .is_ok()
    );
    changed.items.name = false;
    let renamed = Openings::of(vec![changed], chiyoda(), at("2027-01-10T01:00:00Z"));
    assert!(
        renamed
            .admit(notation, Some(Evidence::NotationNotice))
            .is_err(),
        "who changed the name too did more than keep an address"
    );
}
