//! What `port::disclosure` and `port::officer` promise.

use ca_server::port::{disclosure::*, officer::*, store::*};
use pki_core::officer::State;

use super::backends::{Bench, at, entry, on_both, reservation};

fn new(number: u8) -> NewCase {
    NewCase {
        id: [number; 16],
        municipality: "13101".to_owned(),
        wish: "disclosure",
        requested_on: "2026-11-22".to_owned(),
        due: Some(format!("2026-12-{:02}", 31 - number)),
        idempotency_key: [number; 16],
        wish_sha256: [number; 32],
        resident: Some([9; 32]),
        sealed: b"sealed".to_vec(),
        at: at(i64::from(number)),
    }
}

fn receive(bench: &Bench, new: NewCase) -> ReceiveCase {
    bench
        .store
        .receive_case(new, entry("disclosure.receive"))
        .unwrap()
}

fn change(number: u8, expected: u32) -> CaseChange {
    CaseChange {
        id: [number; 16],
        expected,
        step: "answered",
        due: None,
        sealed: b"sealed again".to_vec(),
        answer: Some(b"paper".to_vec()),
        revoke: None,
        at: at(50),
    }
}

fn act(number: u8) -> OfficerAct {
    OfficerAct {
        id: [number; 16],
        deed: "decide".to_owned(),
        subject: "disclosure:x".to_owned(),
        state: State::Unsigned,
        proposer: "OFF-1".to_owned(),
        first_signature: None,
        second: None,
        second_signature: None,
        sealed: b"deed".to_vec(),
        outcome: None,
        made_at: at(0),
        since: at(0),
    }
}

fn signing(number: u8, from: State, to: State, officer: &str) -> Signing {
    Signing {
        id: [number; 16],
        from,
        to,
        officer: officer.to_owned(),
        signature: vec![3; 70],
        at: at(60),
        change: None,
    }
}

#[test]
fn a_request_is_kept_once_under_its_idempotency_key() {
    on_both(|bench| {
        assert!(matches!(receive(bench, new(1)), ReceiveCase::Received));
        let ReceiveCase::Repeat(stored) = receive(bench, new(1)) else {
            panic!("not a repeat");
        };
        assert_eq!((stored.id, stored.version), ([1; 16], 1));
        let other = NewCase {
            wish_sha256: [8; 32],
            ..new(1)
        };
        assert!(matches!(receive(bench, other), ReceiveCase::Taken));
        let same_id = NewCase {
            idempotency_key: [8; 16],
            ..new(1)
        };
        assert!(matches!(receive(bench, same_id), ReceiveCase::Taken));
        // Lanes stand one after the other in the log.
        let mut outcomes: Vec<String> = bench
            .outcomes()
            .into_iter()
            .filter(|(event, _)| event == "disclosure.receive")
            .map(|(_, outcome)| outcome)
            .collect();
        outcomes.sort();
        assert_eq!(
            outcomes,
            ["disclosure-exists", "done", "idempotency-key-reused"]
        );
    });
}

#[test]
fn a_request_moves_on_from_the_version_that_was_read() {
    on_both(|bench| {
        receive(bench, new(1));
        let go = |change| bench.store.change_case(change, entry("move")).unwrap();
        assert_eq!(go(change(1, 2)), ChangeCase::Stale);
        assert_eq!(go(change(2, 1)), ChangeCase::Stale);
        assert_eq!(go(change(1, 1)), ChangeCase::Changed);
        assert_eq!(go(change(1, 1)), ChangeCase::Stale);
        let later = CaseChange {
            step: "delivered",
            answer: None,
            ..change(1, 2)
        };
        assert_eq!(go(later), ChangeCase::Changed);
        let stored = bench.store.case(&[1; 16]).unwrap().unwrap();
        assert_eq!((stored.version, stored.step.as_str()), (3, "delivered"));
        assert_eq!(stored.answer.as_deref(), Some(&b"paper"[..]));
        assert_eq!(bench.store.case(&[2; 16]).unwrap(), None);
    });
}

#[test]
fn requests_are_listed_by_place_step_and_date_without_their_answers() {
    on_both(|bench| {
        for number in 1..=3 {
            receive(bench, new(number));
        }
        let elsewhere = NewCase {
            municipality: "13102".to_owned(),
            ..new(4)
        };
        receive(bench, elsewhere);
        bench
            .store
            .change_case(change(2, 1), entry("move"))
            .unwrap();
        let ids = |filter: CaseFilter| -> Vec<u8> {
            let cases = bench.store.cases(&filter).unwrap();
            assert!(cases.iter().all(|case| case.answer.is_none()));
            cases.iter().map(|case| case.id[0]).collect()
        };
        let all = CaseFilter {
            limit: 10,
            ..CaseFilter::default()
        };
        assert_eq!(ids(all.clone()), [4, 3, 2, 1]);
        let here = CaseFilter {
            municipality: Some("13101".to_owned()),
            ..all.clone()
        };
        assert_eq!(ids(here), [3, 2, 1]);
        let open = CaseFilter {
            step: Some("open".to_owned()),
            by_due: true,
            ..all.clone()
        };
        assert_eq!(ids(open), [4, 3, 1]);
        assert_eq!(ids(CaseFilter { limit: 2, ..all }), [4, 3]);
    });
}

#[test]
fn an_act_is_signed_once_in_each_part_and_never_by_one_person_twice() {
    on_both(|bench| {
        let put = |number| bench.store.put_act(act(number), entry("officer.propose"));
        put(1).unwrap();
        let sign = |signing| bench.store.sign_act(signing, entry("officer.sign"));
        let first = signing(1, State::Unsigned, State::Awaiting, "OFF-1");
        assert_eq!(sign(first.clone()).unwrap(), Signed::Signed);
        assert_eq!(sign(first).unwrap(), Signed::NotDue);
        let same = signing(1, State::Awaiting, State::Done, "OFF-1");
        assert!(matches!(sign(same), Err(StoreError::Broken(_))));
        let second = signing(1, State::Awaiting, State::Done, "OFF-2");
        assert_eq!(sign(second.clone()).unwrap(), Signed::Signed);
        assert_eq!(sign(second).unwrap(), Signed::NotDue);
        bench
            .store
            .end_act(&[1; 16], "done", entry("officer.carry-out"))
            .unwrap();
        let stored = bench.store.act(&[1; 16]).unwrap().unwrap();
        assert_eq!(stored.state, State::Done);
        assert_eq!(stored.second.as_deref(), Some("OFF-2"));
        assert_eq!(stored.outcome.as_deref(), Some("done"));
        put(2).unwrap();
        let ids = |state| -> Vec<u8> {
            let acts = bench.store.acts(state, 10).unwrap();
            acts.iter().map(|act| act.id[0]).collect()
        };
        assert_eq!(ids(None), [1]);
        assert_eq!(ids(Some(State::Unsigned)), [2]);
        assert!(ids(Some(State::Awaiting)).is_empty());
    });
}

#[test]
fn signature_request_and_revocation_are_one_transaction() {
    on_both(|bench| {
        let certificate = reservation(1);
        bench.reserve(&certificate).unwrap();
        bench.complete(&certificate);
        receive(bench, new(1));
        for number in 1..=3 {
            bench
                .store
                .put_act(act(number), entry("officer.propose"))
                .unwrap();
        }
        let revoking = |number, expected, serial: &[u8]| {
            let revocation = Revocation {
                issuer: "sign".to_owned(),
                serial: serial.to_vec(),
                ground: "article13".to_owned(),
                reason: Some(4),
                at: at(60),
                municipalities: None,
                proof: None,
            };
            let signing = Signing {
                change: Some(ActChange::Case(CaseChange {
                    revoke: Some(revocation),
                    ..change(1, expected)
                })),
                ..signing(number, State::Unsigned, State::Done, "OFF-1")
            };
            bench
                .store
                .sign_act(signing, entry("officer.sign"))
                .unwrap()
        };
        let good = || {
            let serials = [certificate.serial.clone()];
            bench.store.status("sign", &serials).unwrap() == [Status::Good]
        };
        assert_eq!(
            revoking(1, 7, &certificate.serial),
            Signed::Case(ChangeCase::Stale)
        );
        assert!(good(), "a change that is not made revokes nothing");
        assert_eq!(
            revoking(2, 1, &[1; 17]),
            Signed::Case(ChangeCase::NotRevoked)
        );
        let case = bench.store.case(&[1; 16]).unwrap().unwrap();
        assert_eq!(case.version, 1, "nothing is answered that was not done");
        assert_eq!(revoking(3, 1, &certificate.serial), Signed::Signed);
        assert!(!good());
        let case = bench.store.case(&[1; 16]).unwrap().unwrap();
        assert_eq!((case.version, case.step.as_str()), (2, "answered"));
        let voided = bench.store.act(&[1; 16]).unwrap().unwrap();
        assert_eq!(voided.outcome.as_deref(), Some("changed-meanwhile"));
    });
}

#[test]
fn a_persons_certificates_and_the_lists_that_name_them_are_found() {
    on_both(|bench| {
        let certificate = reservation(1);
        bench.reserve(&certificate).unwrap();
        bench.complete(&certificate);
        let resident = certificate.holder.as_ref().unwrap().resident;
        let found = bench.store.certificates_of("sign", &resident).unwrap();
        assert_eq!(found.len(), 1);
        assert!(
            bench
                .store
                .certificates_of("sign", &[1; 32])
                .unwrap()
                .is_empty()
        );
        let list = |scope: &str, second| {
            let new = NewCrl {
                issuer: "sign".to_owned(),
                scope: scope.to_owned(),
                node: "node".to_owned(),
                this_update: at(second),
                next_update: at(second + 100),
                ended_before: at(0),
            };
            let record = bench.store.reserve_crl(new).unwrap();
            assert!(
                bench
                    .store
                    .publish_crl(&record, [1; 32], 1, None, at(second), entry("crl"))
                    .unwrap()
            );
            record.number
        };
        list("", 1);
        bench.revoke(&certificate, "article9");
        assert!(
            bench
                .store
                .lists_naming("sign", &certificate.serial)
                .unwrap()
                .is_empty(),
            "the list before the revocation does not name it"
        );
        let first = list("", 10);
        list("13101", 11);
        list("13102", 12);
        // The certificate ends at 1,000: one list after it has it still, the next has not.
        let last = list("", 1_001);
        list("", 1_100);
        let spans = bench
            .store
            .lists_naming("sign", &certificate.serial)
            .unwrap();
        assert_eq!(spans.len(), 2);
        assert_eq!(
            (spans[0].first, spans[0].last, spans[0].count),
            (first, last, 2)
        );
        assert_eq!((spans[1].scope.as_str(), spans[1].count), ("13101", 1));
    });
}

#[test]
fn officers_are_parties_and_the_log_is_searched_by_what_it_says() {
    on_both(|bench| {
        let party = |kind: &str, id: &str| Party {
            kind: kind.to_owned(),
            id: id.to_owned(),
            municipality: None,
            label: "x".to_owned(),
            certificate: vec![1],
            certificate_sha256: [id.as_bytes()[0]; 32],
            public_key: vec![2],
            active: true,
        };
        for (kind, id) in [("officer", "OFF-1"), ("auditor", "AUD-1")] {
            assert!(
                bench
                    .store
                    .enrol(party(kind, id), at(1), false, entry("enrol"))
                    .unwrap()
            );
        }
        let kinds: Vec<String> = bench
            .store
            .parties()
            .unwrap()
            .into_iter()
            .map(|party| party.kind)
            .collect();
        assert_eq!(kinds, ["auditor", "officer"]);
        let said = |subject: &str, outcome: &str, second| AuditEntry {
            at: at(second),
            subject: subject.to_owned(),
            outcome: outcome.to_owned(),
            ..entry("search.me")
        };
        for row in [
            said("disclosure:a_b", "done", 10),
            said("disclosure:axb", "refused", 20),
            said("disclosure:100%", "done", 30),
        ] {
            bench.store.record(row).unwrap();
        }
        let found = |filter: AuditFilter| -> Vec<String> {
            let filter = AuditFilter {
                event: Some("search".to_owned()),
                limit: 10,
                ..filter
            };
            let rows = bench.store.search_audit(&filter).unwrap();
            rows.into_iter().map(|row| row.subject).collect()
        };
        let subject = |text: &str| AuditFilter {
            subject: Some(text.to_owned()),
            ..AuditFilter::default()
        };
        assert_eq!(
            found(AuditFilter::default()),
            ["disclosure:100%", "disclosure:axb", "disclosure:a_b"]
        );
        assert_eq!(found(subject("a_b")), ["disclosure:a_b"]);
        assert_eq!(found(subject("100%")), ["disclosure:100%"]);
        assert_eq!(
            found(AuditFilter {
                refused: true,
                ..AuditFilter::default()
            }),
            ["disclosure:axb"]
        );
        assert_eq!(
            found(AuditFilter {
                from: Some(at(15)),
                until: Some(at(25)),
                ..AuditFilter::default()
            }),
            ["disclosure:axb"]
        );
    });
}
