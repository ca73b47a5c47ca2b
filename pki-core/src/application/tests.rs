pub(super) mod given;
mod money;
mod procedures;

use super::cause::EndCause;
use super::identity::{IdentityCheck, IdentityVerdict};
use super::image::ImageVerdict;
use super::states::*;
use super::stored::{Refusal, StoredFault, WrongStep};
use super::transitions::{Identification, ImageOutcome, StepFault};
use super::*;
use crate::act::{Act, ActFrame, Deed, IssueDeed, RevokeDeed};
use crate::calendar::JapaneseDay;
use crate::certificate::key_fitness::KeyUnfit;
use crate::certificate::request::RequestFault;
use crate::certificate::serial::Serial;
use crate::id::{ApplicationId, CardId, IdempotencyKey, Sha256Digest, VisitId};
use crate::person::four_items::{FourItems, FourItemsInput, Item};
use crate::person::substitution::{SettleFault, SubstitutionList};
use crate::revocation::ground::Ground;

use given::*;

#[test]
fn an_application_walks_from_the_form_to_the_card_and_is_stored_at_every_step() {
    let due = [
        Due::Identify,
        Due::RecordReply,
        Due::PrepareCard,
        Due::ReadKey,
        Due::SettleCharacters,
        Due::RequestIssue,
        Due::JudgeImage,
        Due::WriteCard,
        Due::TakeFee,
        Due::HandOver,
        Due::Nothing,
        Due::Nothing,
        Due::Nothing,
        Due::Nothing,
    ];
    for ((application, step), due) in all().into_iter().zip(Step::ALL).zip(due) {
        assert_eq!(application.step(), step);
        assert_eq!(application.due(), due, "{step}");
        assert_eq!(application.step().is_open(), due != Due::Nothing, "{step}");
        assert_eq!(application.case(), &case());
        let stored = application.to_stored();
        assert_eq!(
            Application::from_stored(&stored).unwrap(),
            application,
            "{step}"
        );
        assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{step}\""));
    }
}

#[test]
fn what_was_settled_earlier_is_read_through_the_later_step() {
    let over = paid().hand_over(at(17));
    assert_eq!(over.certificate_items.name(), "高橋　花子");
    assert_eq!(over.certificate_items.name_substitution(), "10000");
    assert_eq!(over.visit.card, CardId::from_bytes(CARD));
    assert_eq!(over.resident, "R2".parse().unwrap());
    let application = Application::from(over);
    assert_eq!(application.issued().unwrap().certificate, certificate());
    assert_eq!(application.identity(), Some(&decision_with(|_| ())));
    assert_eq!(application.payment().unwrap().amount_yen, 500);
    assert_eq!(application.end(), None);
    assert_eq!(Application::from(received()).identity(), None);
    assert!(Application::from(card_prepared()).key_read().is_none());
}

#[test]
fn a_step_is_taken_only_where_it_is_due() {
    for (application, found) in all().into_iter().zip(Step::ALL) {
        let takes: [fn(Application) -> Result<(), WrongStep>; 14] = [
            |a| a.into_received().map(drop),
            |a| a.into_inquiry_sent().map(drop),
            |a| a.into_identified().map(drop),
            |a| a.into_card_prepared().map(drop),
            |a| a.into_key_read().map(drop),
            |a| a.into_characters_settled().map(drop),
            |a| a.into_issued().map(drop),
            |a| a.into_confirmed().map(drop),
            |a| a.into_written().map(drop),
            |a| a.into_paid().map(drop),
            |a| a.into_handed_over().map(drop),
            |a| a.into_refused().map(drop),
            |a| a.into_cancelled().map(drop),
            |a| a.into_revoked().map(drop),
        ];
        for (take, wanted) in takes.into_iter().zip(Step::ALL) {
            let expected = if found == wanted {
                Ok(())
            } else {
                Err(WrongStep { found, wanted })
            };
            assert_eq!(take(application.clone()), expected);
        }
        let wrong_step = |refusal: Option<Refusal>| matches!(refusal, Some(Refusal::WrongStep(_)));
        let cancels = application.clone().cancel(at(30));
        assert_eq!(
            wrong_step(cancels.err()),
            found > Step::CharactersSettled,
            "{found} cancels"
        );
        let again = application.clone().back_to_window();
        let has_visit = (Step::CardPrepared..=Step::CharactersSettled).contains(&found);
        assert_eq!(wrong_step(again.err()), !has_visit, "{found} goes back");
        let revokes = application.revoke(revocation(Ground::Article9));
        let has_certificate = (Step::Issued..=Step::HandedOver).contains(&found);
        assert_eq!(
            wrong_step(revokes.err()),
            !has_certificate,
            "{found} is revoked"
        );
    }
}

#[test]
fn a_form_or_a_birth_of_tomorrow_is_not_taken_in() {
    let fault = |change: fn(&mut Case)| {
        let mut case = case();
        change(&mut case);
        Received::new(case).unwrap_err()
    };
    let tomorrow = JapaneseDay::new(2026, 11, 23).unwrap();
    let mut dated = case();
    dated.applied_on = tomorrow;
    assert_eq!(
        Received::new(dated.clone()).unwrap_err(),
        StepFault::AppliedInFuture
    );
    dated.received_at = "2026-11-22T15:00:00Z".parse().unwrap();
    assert!(Received::new(dated).is_ok(), "it is the 23rd in Japan");
    let born = fault(|case| {
        let input = FourItemsInput {
            name: "総務　太郎",
            birth_date: "R8.11.23",
            sex: "男",
            address: "東京都",
        };
        case.items = FourItems::parse(input).unwrap();
    });
    assert_eq!(born, StepFault::BornInFuture);
}

#[test]
fn the_identity_check_refuses_for_its_reason_and_takes_no_other_decision() {
    let identify = |change: fn(&mut IdentityCheck)| received().identify(decision_with(change));
    for (change, cause) in [
        (
            (|c| c.register = None) as fn(&mut IdentityCheck),
            EndCause::NotRegistered,
        ),
        (
            |c| c.register.as_mut().unwrap().items.address = false,
            EndCause::ItemsDisagree,
        ),
        (
            |c| c.decision = IdentityVerdict::Refused,
            EndCause::IdentityRefused,
        ),
    ] {
        let Identification::Refused(refused) = identify(change).unwrap() else {
            panic!("{cause} was not refused");
        };
        assert_eq!(Application::from(refused).end().unwrap().cause, cause);
    }
    let other = identify(|c| c.application = ApplicationId::from_bytes([9; 16]));
    assert_eq!(other.unwrap_err(), StepFault::OtherApplication);
    let other = identify(|c| c.register.as_mut().unwrap().resident = "R3".parse().unwrap());
    assert_eq!(other.unwrap_err(), StepFault::OtherResident);
}

#[test]
fn a_card_goes_only_to_a_kiosk_of_its_municipality() {
    let elsewhere = identified().prepare_card(visit_at("13102K001"));
    assert_eq!(elsewhere.unwrap_err(), StepFault::KioskElsewhere);
}

#[test]
fn a_key_is_read_only_with_the_proof_of_this_card_in_this_visit() {
    let read = |request: Vec<u8>| {
        card_prepared()
            .read_key(request, vec![], at(10))
            .unwrap_err()
    };
    assert_eq!(read(request_with([9; 16], CARD)), StepFault::OtherVisit);
    assert_eq!(read(request_with(VISIT, [9; 16])), StepFault::OtherCard);
    assert_eq!(read(vec![0; 8193]), StepFault::TooLarge);
    assert!(matches!(
        read(b"no request".to_vec()),
        StepFault::Request(_)
    ));
    let mut forged = request();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(read(forged), StepFault::Request(RequestFault::Proof));
    let small = StepFault::from(RequestFault::Unfit(KeyUnfit::Size { bits: 1024 }));
    assert_eq!(
        small.to_string(),
        "the card's public key cannot be certified: an RSA modulus of 1024 bits"
    );
}

#[test]
fn choices_that_settle_nothing_leave_the_key_read() {
    let fault = key_read()
        .settle(&[], &SubstitutionList::standard(), at(11))
        .unwrap_err();
    assert_eq!(
        fault,
        [SettleFault::Missing {
            item: Item::Name,
            position: 0
        }]
    );
}

#[test]
fn only_an_act_for_this_very_application_is_asked_for() {
    let differs = |change: fn(&mut ActFrame, &mut IssueDeed)| {
        let (mut frame, mut deed) = (frame(), deed());
        change(&mut frame, &mut deed);
        ask(frame, deed).unwrap_err()
    };
    assert_eq!(
        differs(|f, _| f.application = ApplicationId::from_bytes([9; 16])),
        StepFault::ActDiffers("application")
    );
    assert_eq!(
        differs(|f, _| f.terminal = "131020001".parse().unwrap()),
        StepFault::ActDiffers("municipality")
    );
    assert_eq!(
        differs(|_, d| d.visit = VisitId::from_bytes([9; 16])),
        StepFault::ActDiffers("visit")
    );
    assert_eq!(
        differs(|_, d| d.card = CardId::from_bytes([9; 16])),
        StepFault::ActDiffers("card")
    );
    assert_eq!(
        differs(|_, d| d.resident_sha256 = Sha256Digest::of(b"other")),
        StepFault::ActDiffers("resident")
    );
    assert_eq!(
        differs(|_, d| d.items_sha256 = Sha256Digest::of(b"other")),
        StepFault::ActDiffers("items")
    );
    assert_eq!(
        differs(|_, d| d.spki_sha256 = Sha256Digest::of(b"other")),
        StepFault::ActDiffers("public key")
    );
    assert_eq!(
        differs(|_, d| d.identity_sha256 = Sha256Digest::of(b"other")),
        StepFault::ActDiffers("identity decision")
    );
    let revoke = RevokeDeed {
        serial: certificate().serial,
        ground: Ground::Article9,
        identity_sha256: Sha256Digest::of(b"identity"),
    };
    let act = Act::new(frame(), Deed::Revoke(revoke));
    assert_eq!(
        settled().ask(&signed(&act), &act, at(12)).unwrap_err(),
        StepFault::NotAnIssue
    );
}

#[test]
fn an_issue_that_was_asked_for_is_asked_again_and_never_walked_away_from() {
    let pending = asked();
    assert_eq!(Application::from(pending.clone()).due(), Due::RepeatIssue);
    let stored = Application::from(pending.clone()).to_stored();
    assert_eq!(
        Application::from_stored(&stored).unwrap(),
        pending.clone().into()
    );
    assert_eq!(
        pending.clone().unsettle().unwrap_err(),
        StepFault::IssuePending
    );
    assert_eq!(
        pending.clone().back_to_window().unwrap_err(),
        StepFault::IssuePending
    );
    assert_eq!(
        pending.clone().cancel(at(13)).unwrap_err(),
        StepFault::IssuePending
    );
    let again = |key: u8| {
        let frame = ActFrame {
            idempotency_key: IdempotencyKey::from_bytes([key; 16]),
            time: at(14),
            ..frame()
        };
        let act = Act::new(frame, Deed::Issue(deed()));
        pending.clone().ask(&signed(&act), &act, at(14))
    };
    assert_ne!(
        again(3).unwrap().intent,
        pending.intent,
        "a newer act under the same key"
    );
    assert_eq!(again(4).unwrap_err(), StepFault::IssuePending);
    assert!(pending.clone().declined().cancel(at(15)).is_ok());
    assert_eq!(
        settled().issued(certificate()).unwrap_err(),
        StepFault::NoIssuePending
    );
}

#[test]
fn before_an_issue_the_applicant_may_choose_again_visit_again_or_withdraw() {
    assert_eq!(settled().unsettle().unwrap(), key_read());
    assert_eq!(settled().back_to_window().unwrap(), identified());
    assert_eq!(key_read().back_to_window(), identified());
    assert_eq!(card_prepared().back_to_window(), identified());
    for application in all().into_iter().take(5) {
        let end = Application::from(application.cancel(at(30)).unwrap())
            .end()
            .unwrap();
        assert_eq!((end.cause, end.at), (EndCause::Withdrawn, at(30)));
    }
}

#[test]
fn a_verdict_is_on_the_image_of_this_very_certificate_and_stands() {
    let other = issued().judge(ImageVerdict::Right, Sha256Digest::of(b"other"), at(14));
    assert_eq!(other.unwrap_err(), StepFault::OtherCertificate);
    let wrong = rejected(ImageVerdict::PersonWrong);
    let right = wrong
        .clone()
        .judge(ImageVerdict::Right, certificate().sha256(), at(15));
    assert_eq!(right.unwrap_err(), StepFault::AlreadyJudged);
    let same = wrong
        .clone()
        .judge(ImageVerdict::PersonWrong, certificate().sha256(), at(15));
    assert_eq!(same.unwrap(), ImageOutcome::Rejected(wrong));
}

#[test]
fn each_verdict_against_the_image_leads_to_its_revocation() {
    for (verdict, ground, cause) in [
        (
            ImageVerdict::PersonWrong,
            Ground::Article13,
            EndCause::PersonWrong,
        ),
        (
            ImageVerdict::IssuerWrong,
            Ground::Article13,
            EndCause::IssuerWrong,
        ),
        (
            ImageVerdict::SubstituteWish,
            Ground::Article9,
            EndCause::SubstituteWish,
        ),
    ] {
        let wrong = rejected(verdict);
        assert_eq!(Application::from(wrong.clone()).due(), Due::Revoke(ground));
        let revoked = wrong.clone().revoke(revocation(ground)).unwrap();
        assert_eq!(revoked.cause, cause);
        let by_register = wrong.revoke(revocation(Ground::Article12)).unwrap();
        assert_eq!(by_register.cause, EndCause::CertificateRevoked);
    }
}

#[test]
fn a_revocation_is_taken_in_for_this_certificate_and_keeps_what_was_done() {
    let other = Revocation {
        serial: Serial::from_random([6; 16]),
        ..revocation(Ground::Article9)
    };
    assert_eq!(
        written().revoke(other).unwrap_err(),
        StepFault::OtherCertificate
    );
    let revoked = paid()
        .hand_over(at(17))
        .revoke(revocation(Ground::Article9))
        .unwrap();
    assert_eq!(revoked.payment, Some(payment(500)));
    assert_eq!(revoked.handed_over_at, Some(at(17)));
    assert_eq!(revoked.cause, EndCause::CertificateRevoked);
    let early = confirmed()
        .revoke(revocation(Ground::Article10Damage))
        .unwrap();
    assert_eq!(
        (early.payment.is_none(), early.handed_over_at),
        (true, None)
    );
    let end = Application::from(early).end().unwrap();
    assert_eq!(end.at, at(20));
}

#[test]
fn a_card_is_written_when_it_reads_back_right_and_signs_right() {
    let write = |read_back, message: &[u8], signature: &[u8]| {
        confirmed()
            .written(read_back, message, signature, at(15))
            .unwrap_err()
    };
    let right = certificate().sha256();
    let signature = rsa_signature(TRIAL);
    assert_eq!(
        write(Sha256Digest::of(b"torn"), TRIAL, &signature),
        StepFault::OtherCertificate
    );
    assert_eq!(
        write(right, b"another message, as long", &signature),
        StepFault::TrialSignature
    );
    assert_eq!(
        write(right, TRIAL, &signature[..255]),
        StepFault::TrialSignature
    );
    for length in [0, 15, 4097] {
        let message = vec![7; length];
        assert_eq!(
            write(right, &message, &rsa_signature(&message)),
            StepFault::TrialLength
        );
    }
}

#[test]
fn the_fee_taken_is_the_fee_due_also_when_that_is_nothing() {
    let wrong = written().pay(payment(400), 500).unwrap_err();
    assert_eq!(wrong, StepFault::WrongAmount { due_yen: 500 });
    assert!(written().pay(payment(0), 0).is_ok());
    assert_eq!(
        written().pay(payment(500), 0).unwrap_err(),
        StepFault::WrongAmount { due_yen: 0 }
    );
}

#[test]
fn the_stored_form_of_an_application_is_fixed() {
    let stored = String::from_utf8(Application::from(received()).to_stored()).unwrap();
    assert_eq!(
        stored,
        concat!(
            r#"{"version":1,"step":"received","state":{"case":{"id":"01010101010101010101010101010101","#,
            r#""kind":"first","terminal":"131010001","operator":"13101-0001","#,
            r#""idempotency_key":"02020202020202020202020202020202","resident":"R2","#,
            r#""items":{"name":"髙橋　花子","birth_date":"419900203","sex":"2","#,
            r#""address":"東京都千代田区丸の内１丁目１番１号"},"#,
            r#""applied_on":"2026-11-22","received_at":"2026-11-22T05:00:00Z"}}}"#
        )
    );
}

#[test]
fn stored_bytes_are_checked_as_when_they_first_came_in() {
    let stored = String::from_utf8(Application::from(settled()).to_stored()).unwrap();
    let read = |from: &str, to: &str| {
        let changed = stored.replacen(from, to, 1);
        assert_ne!(changed, stored, "{from}");
        Application::from_stored(changed.as_bytes()).unwrap_err()
    };
    assert!(matches!(
        read("\"version\":1,\"step\"", "\"version\":2,\"step\""),
        StoredFault::Version(2)
    ));
    for (from, to) in [
        ("characters-settled", "signed"),
        ("\"settled_at\"", "\"note\":1,\"settled_at\""),
        (
            "\"birth_date\":\"419900203\"",
            "\"birth_date\":\"419900230\"",
        ),
        (
            "\"name_substitution\":\"10000\"",
            "\"name_substitution\":\"1000\"",
        ),
        ("高橋　花子", "髙橋　花子"),
        ("131010001", "13101000"),
        ("\"resident\":\"R2\"", "\"resident\":\"R 2\""),
    ] {
        assert!(
            matches!(read(from, to), StoredFault::Unreadable(_)),
            "{from}"
        );
    }
    assert!(Application::from_stored(b"{}").is_err());
}

#[test]
fn debug_shows_nothing_of_the_person_at_any_step() {
    for application in all() {
        let shown = format!("{application:?}");
        for secret in ["橋", "花子", "丸の内", "419900203", "R2", "certificate\""] {
            assert!(
                !shown.contains(secret),
                "{} shows {secret}",
                application.step()
            );
        }
    }
}
