use super::*;
use crate::{
    application::identity::{
        IdentityCheck, IdentityDecision, IdentityVerdict, RegisterMatch, ShownDocument,
    },
    calendar::JapaneseDay,
    person::four_items::Comparison,
};

fn now() -> Timestamp {
    "2026-11-22T05:00:00Z".parse().unwrap()
}

fn identity(verdict: IdentityVerdict, address: bool) -> RecordedDecision {
    IdentityDecision::new(IdentityCheck {
        application: ApplicationId::from_bytes([1; 16]),
        terminal: "131010001".parse().unwrap(),
        operator: "13101-0001".parse().unwrap(),
        at: now(),
        register: Some(RegisterMatch {
            resident: "R1".parse().unwrap(),
            items: Comparison {
                name: true,
                birth_date: true,
                sex: true,
                address,
            },
        }),
        register_seen_at: now(),
        document: ShownDocument {
            kind: "drivers-licence".to_owned(),
            issuer: None,
            expires_on: JapaneseDay::new(2028, 5, 1),
        },
        face_matches: true,
        decision: verdict,
        remark: None,
        inquiry: None,
    })
    .unwrap()
    .record()
}

fn opening(service: Service, standing: Standing) -> Opening {
    Opening {
        id: NoticeId::from_bytes([2; 16]),
        idempotency_key: IdempotencyKey::from_bytes([3; 16]),
        service,
        card: CardId::from_bytes([4; 16]),
        application: ApplicationId::from_bytes([1; 16]),
        serial: "0123456789abcdef".parse().unwrap(),
        standing,
        terminal: "131010001".parse().unwrap(),
        operator: "13101-0001".parse().unwrap(),
        identity: (service != Service::Erase).then(|| identity(IdentityVerdict::Accepted, true)),
        now: now(),
    }
}

fn open(service: Service) -> Notice {
    let standing = if service == Service::Erase {
        Standing::Revoked
    } else {
        Standing::Held
    };
    Notice::open(opening(service, standing)).unwrap()
}

const PASSWORD_SERVICES: [Service; 3] = [Service::Change, Service::Unlock, Service::Initialise];

#[test]
fn a_password_is_served_only_to_the_identified_holder_of_a_certificate_in_effect() {
    for service in PASSWORD_SERVICES {
        let fault = |change: &dyn Fn(&mut Opening)| {
            let mut opening = opening(service, Standing::Held);
            change(&mut opening);
            Notice::open(opening).unwrap_err()
        };
        assert_eq!(
            fault(&|o| o.standing = Standing::Nothing),
            NoticeFault::Nothing
        );
        assert_eq!(
            fault(&|o| o.standing = Standing::Revoked),
            NoticeFault::Revoked
        );
        assert_eq!(fault(&|o| o.identity = None), NoticeFault::IdentityMissing);
        assert_eq!(
            fault(&|o| o.identity = Some(identity(IdentityVerdict::Refused, true))),
            NoticeFault::NotIdentified(EndCause::IdentityRefused)
        );
        assert_eq!(
            fault(&|o| o.identity = Some(identity(IdentityVerdict::Accepted, false))),
            NoticeFault::NotIdentified(EndCause::ItemsDisagree)
        );
    }
}

#[test]
fn nothing_in_effect_is_erased() {
    let erase = |standing| Notice::open(opening(Service::Erase, standing)).map(|n| n.step());
    assert_eq!(erase(Standing::Held), Err(NoticeFault::InEffect));
    assert_eq!(erase(Standing::Nothing), Err(NoticeFault::Nothing));
    assert_eq!(erase(Standing::Revoked), Ok(NoticeStep::Open));
}

#[test]
fn unlocking_and_erasing_are_done_when_the_card_says_so() {
    for service in [Service::Unlock, Service::Erase] {
        let done = open(service).done_on_card(now()).unwrap();
        assert_eq!(done.step(), NoticeStep::Done);
        assert_eq!(done.ended_at, Some(now()));
        assert_eq!(
            open(service).password_set(now()).unwrap_err(),
            NoticeFault::Step(NoticeStep::Open)
        );
    }
}

#[test]
fn a_forgotten_password_is_replaced_in_two_steps_that_can_begin_again() {
    let notice = open(Service::Initialise);
    assert_eq!(
        notice.clone().password_set(now()).unwrap_err(),
        NoticeFault::Step(NoticeStep::Open),
        "the terminal cannot claim it before the card has opened the way"
    );
    let interim = notice.done_on_card(now()).unwrap();
    assert_eq!(interim.step(), NoticeStep::Interim);
    let again = interim.clone().done_on_card(now()).unwrap();
    assert_eq!(again.step(), NoticeStep::Interim);
    assert_eq!(
        interim.password_set(now()).unwrap().step(),
        NoticeStep::Done
    );
}

#[test]
fn a_change_is_the_cards_own_business() {
    let notice = open(Service::Change);
    assert_eq!(notice.may_open_channel(), Err(NoticeFault::NoChannel));
    assert_eq!(
        notice.clone().done_on_card(now()).unwrap_err(),
        NoticeFault::NoChannel
    );
    assert_eq!(notice.password_set(now()).unwrap().step(), NoticeStep::Done);
}

#[test]
fn what_has_ended_is_not_taken_up_again() {
    let ended = [
        open(Service::Unlock).done_on_card(now()).unwrap(),
        open(Service::Initialise).give_up(now()).unwrap(),
        open(Service::Change).password_set(now()).unwrap(),
    ];
    for notice in ended {
        let step = notice.step();
        assert!(!step.is_open());
        let fault = NoticeFault::Step(step);
        assert_eq!(notice.clone().give_up(now()).unwrap_err(), fault);
        assert_eq!(notice.clone().password_set(now()).unwrap_err(), fault);
        assert_eq!(notice.ended_at, Some(now()), "when it ended stays known");
        let by_card = notice.clone().done_on_card(now()).unwrap_err();
        if notice.service.by_channel() {
            assert_eq!(by_card, fault);
            assert_eq!(notice.may_open_channel(), Err(fault));
        }
    }
}

#[test]
fn a_notice_comes_back_from_its_row_as_it_was() {
    let notice = open(Service::Initialise).done_on_card(now()).unwrap();
    let json = notice.to_stored();
    assert!(Notice::from_stored(&json).unwrap() == notice);
    let other = String::from_utf8(json)
        .unwrap()
        .replacen("\"version\":1", "\"version\":2", 1);
    assert!(Notice::from_stored(other.as_bytes()).is_err());
}

#[test]
fn an_interim_password_keeps_the_cards_rule_and_all_its_bits() {
    let mut seen = std::collections::HashSet::new();
    for byte in 0..32 {
        let password = interim_password(CertificateKind::Signature, &[byte; 16]);
        assert_eq!(password.len(), 16);
        assert!(
            password
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        );
        assert!(seen.insert(password.to_string()));
    }
}

#[test]
fn an_interim_pin_has_four_digits() {
    let kind = CertificateKind::UserAuthentication;
    for (random, pin) in [([0; 16], "0000"), ([0xFF; 16], "1455")] {
        let interim = interim_password(kind, &random);
        assert_eq!(interim.as_str(), pin);
        assert!(kind.allows_password(interim.as_bytes()));
    }
}

#[test]
fn services_are_named_once() {
    for service in Service::ALL {
        assert_eq!(Service::parse(service.as_str()), Some(service));
    }
    assert_eq!(Service::parse("unlocked"), None);
}
