//! The written inquiry, the proxy, what a renewal replaces, and lapsing.

use super::given::*;
use crate::act::{Act, Deed, ReplacementCause, Replaces};
use crate::application::cause::{ApplicationKind, EndCause};
use crate::application::identity::{
    IdentityDecision, IdentityFault, IdentityVerdict, ShownDocument,
};
use crate::application::inquiry::{Replied, ReplyCode, SecondEyes};
use crate::application::reply::ReplyOutcome;
use crate::application::states::*;
use crate::application::transitions::{Identification, StepFault};
use crate::application::{Application, Due, Step};
use crate::calendar::JapaneseDay;
use crate::certificate::serial::Serial;
use crate::id::Sha256Digest;

fn supervisor() -> SecondEyes {
    SecondEyes {
        operator: "13101-0009".parse().unwrap(),
        at: at(20),
    }
}

fn reply_document(check: &mut crate::application::identity::IdentityCheck) {
    check.document = ShownDocument {
        kind: "inquiry-reply".to_owned(),
        issuer: None,
        expires_on: None,
    };
}

fn decided(by_proxy: bool) -> InquirySent {
    let identity = on_reply(by_proxy, |_| ());
    match inquiry_sent(by_proxy).record_reply(&code(), identity) {
        Ok(ReplyOutcome::Decided(decided)) => decided,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_identifies_only_when_a_second_operator_has_seen_the_decision() {
    for by_proxy in [false, true] {
        let decided = decided(by_proxy);
        assert_eq!(Application::from(decided.clone()).due(), Due::ConfirmReply);
        let seen = decided.decided.as_ref().unwrap().digest();
        let own = SecondEyes {
            operator: case().operator,
            at: at(20),
        };
        assert_eq!(
            decided.clone().confirm(own, seen).unwrap_err(),
            StepFault::SameOperator
        );
        let other = Sha256Digest::of(b"another decision");
        assert_eq!(
            decided.clone().confirm(supervisor(), other).unwrap_err(),
            StepFault::OtherDecision
        );
        let identified = decided.clone().confirm(supervisor(), seen).unwrap();
        assert_eq!(identified.confirmed_by, Some(supervisor()));
        assert_eq!(identified.identity.digest(), seen);
        let stored = Application::from(identified);
        let again = Application::from_stored(&stored.to_stored()).unwrap();
        assert_eq!(again, stored);
        let own = SecondEyes {
            operator: case().operator,
            at: at(20),
        };
        assert_eq!(
            decided.clone().reject(&own, seen).unwrap_err(),
            StepFault::SameOperator,
            "nobody sends the own decision back"
        );
        assert_eq!(
            decided.clone().reject(&supervisor(), other).unwrap_err(),
            StepFault::OtherDecision
        );
        let anew = decided.reject(&supervisor(), seen).unwrap();
        assert_eq!(Application::from(anew).due(), Due::RecordReply);
    }
    let undecided = inquiry_sent(false);
    let nothing = undecided.confirm(supervisor(), Sha256Digest::of(b""));
    assert_eq!(nothing.unwrap_err(), StepFault::NothingDecided);
}

#[test]
fn a_reply_to_another_letter_or_past_its_day_identifies_nobody() {
    let identity = on_reply(false, |_| ());
    let other = ReplyCode::from_random([1; 5]);
    assert_eq!(
        inquiry_sent(false).record_reply(&other, identity.clone()),
        Err(StepFault::OtherReply)
    );
    let last: jiff::Timestamp = "2026-12-01T14:59:59Z".parse().unwrap();
    let late = last + jiff::SignedDuration::from_secs(1);
    let replied = |when| {
        let identity = on_reply(false, |check| {
            check.at = when;
            check.inquiry.as_mut().unwrap().replied_on = JapaneseDay::of(when);
            check.document.expires_on = JapaneseDay::new(2030, 1, 1);
        });
        inquiry_sent(false).record_reply(&code(), identity)
    };
    assert!(matches!(replied(last), Ok(ReplyOutcome::Decided(_))));
    let reply_by = JapaneseDay::new(2026, 12, 1).unwrap();
    assert_eq!(replied(late), Err(StepFault::ReplyLate(reply_by)));
    let twice = decided(false).record_reply(&code(), identity);
    assert_eq!(twice, Err(StepFault::AlreadyDecided));
}

#[test]
fn a_decision_that_names_no_reply_or_another_one_is_not_taken() {
    let by_proxy = on_reply(true, |_| ());
    for (sent, identity) in [
        (inquiry_sent(false), decision_with(|_| ())),
        (inquiry_sent(false), by_proxy),
        (
            inquiry_sent(false),
            on_reply(false, |check| {
                check.inquiry.as_mut().unwrap().sent_on = JapaneseDay::new(2026, 11, 1).unwrap();
            }),
        ),
    ] {
        assert_eq!(
            sent.record_reply(&code(), identity),
            Err(StepFault::NoReply)
        );
    }
}

#[test]
fn a_refusal_on_the_reply_needs_no_second_pair_of_eyes() {
    let refusal = on_reply(false, |check| {
        check.decision = IdentityVerdict::Refused;
        check.face_matches = false;
    });
    match inquiry_sent(false).record_reply(&code(), refusal).unwrap() {
        ReplyOutcome::Refused(refused) => assert_eq!(refused.cause, EndCause::IdentityRefused),
        ReplyOutcome::Decided(_) => panic!("a refusal waits for nobody"),
    }
}

#[test]
fn nobody_is_identified_without_a_photo_unless_asked_in_writing() {
    let check = |inquiry: Option<Replied>| {
        let recorded = on_reply(false, |_| ());
        let decision = recorded.decision();
        let mut check = crate::application::identity::IdentityCheck {
            application: decision.application,
            terminal: decision.terminal,
            operator: decision.operator.clone(),
            at: decision.at,
            register: decision.register.clone(),
            register_seen_at: decision.register_seen_at(),
            document: decision.document.clone(),
            face_matches: true,
            decision: IdentityVerdict::Accepted,
            remark: None,
            inquiry,
        };
        reply_document(&mut check);
        IdentityDecision::new(check).map(drop)
    };
    let replied = on_reply(false, |_| ()).decision().inquiry;
    assert_eq!(check(None), Err(IdentityFault::InquiryMissing));
    assert_eq!(check(replied), Ok(()));
    let turned_away = decision_with(|check| {
        reply_document(check);
        check.decision = IdentityVerdict::Refused;
    });
    assert_eq!(
        turned_away.decision().end(),
        Some(EndCause::IdentityRefused),
        "who comes without a photo and was not asked can be turned away"
    );
    let by_proxy = on_reply(true, |_| ()).decision().inquiry;
    assert_eq!(check(by_proxy), Err(IdentityFault::ProxyWithoutPhoto));
}

#[test]
fn who_comes_for_the_applicant_is_not_identified_at_the_first_visit() {
    let first = received_from(true).identify(decision_with(|_| ()));
    assert_eq!(first.unwrap_err(), StepFault::InquiryDue);
    assert_eq!(
        Application::from(received_from(true)).due(),
        Due::SendInquiry
    );
    let refused = received_from(true).identify(decision_with(|check| {
        check.decision = IdentityVerdict::Refused;
    }));
    assert!(matches!(refused, Ok(Identification::Refused(_))));
}

#[test]
fn nobody_is_asked_at_an_address_that_the_register_does_not_have() {
    let mut register = decision_with(|_| ()).decision().register.clone().unwrap();
    let inquiry = inquiry_sent(false).inquiry;
    register.items.address = false;
    assert_eq!(
        received().send_inquiry(&register, inquiry.clone()),
        Err(StepFault::RegisterDisagrees)
    );
    register.items.address = true;
    register.resident = "R3".parse().unwrap();
    assert_eq!(
        received().send_inquiry(&register, inquiry),
        Err(StepFault::OtherResident)
    );
}

#[test]
fn a_renewal_asks_to_replace_its_certificate_and_nothing_else() {
    let old = Serial::from_random([9; 16]);
    let renewing = |replaces: Option<Serial>| {
        let mut settled = settled();
        let case = &mut settled.read.prepared.identified.received.case;
        case.kind = ApplicationKind::Renewal;
        case.replaces = replaces;
        settled
    };
    let asks = |settled: CharactersSettled, replaces| {
        let mut deed = deed();
        deed.replaces = replaces;
        let act = Act::new(frame(), Deed::Issue(deed));
        settled.ask(&signed(&act), &act, at(12)).map(drop)
    };
    let named = |serial: &Serial, cause| {
        Some(Replaces {
            serial: serial.clone(),
            cause,
        })
    };
    let differs = Err(StepFault::ActDiffers("certificate to be replaced"));
    let right = named(&old, ReplacementCause::Renewal);
    assert_eq!(asks(renewing(Some(old.clone())), right.clone()), Ok(()));
    assert_eq!(asks(renewing(Some(old.clone())), None), differs);
    let other = Serial::from_random([8; 16]);
    let foreign = named(&other, ReplacementCause::Renewal);
    assert_eq!(asks(renewing(Some(old.clone())), foreign), differs);
    let early = named(&old, ReplacementCause::CardFailure);
    assert_eq!(asks(renewing(Some(old)), early), differs);
    assert_eq!(asks(settled(), right), differs);
}

#[test]
fn what_nobody_goes_on_with_lapses_as_long_as_no_certificate_can_exist() {
    // Every step of the samples is taken on 22 November 2026.
    let last: jiff::Timestamp = "2026-12-21T14:59:59Z".parse().unwrap();
    let over = last + jiff::SignedDuration::from_secs(1);
    for (application, step) in all().into_iter().zip(Step::ALL) {
        let lapses = Step::LAPSING.contains(&step);
        let until = application.open_until(30);
        assert_eq!(until.is_some(), lapses, "{step}");
        if step != Step::InquirySent {
            assert_eq!(application.clone().lapse(30, last), None, "{step}");
        }
        let ended = application.lapse(30, over);
        assert_eq!(ended.is_some(), lapses, "{step}");
        if let Some(ended) = ended {
            assert_eq!((ended.cause, ended.at), (EndCause::Lapsed, over));
        }
    }
    let asked = Application::from(asked());
    assert_eq!(asked.open_until(30), None, "the authority may have issued");
    assert_eq!(asked.lapse(30, over), None);
}

#[test]
fn an_inquiry_lapses_after_the_day_of_its_reply_and_not_while_a_decision_waits() {
    let last: jiff::Timestamp = "2026-12-01T14:59:59Z".parse().unwrap();
    let over = last + jiff::SignedDuration::from_secs(1);
    let sent = Application::from(inquiry_sent(false));
    assert_eq!(sent.clone().lapse(90, last), None);
    assert!(sent.lapse(90, over).is_some());
    assert_eq!(Application::from(decided(false)).lapse(90, over), None);
}
