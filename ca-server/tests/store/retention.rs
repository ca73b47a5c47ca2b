//! What `port::retention` promises.

use ca_server::port::{disclosure::*, officer::*, retention::*, stop::*};
use pki_core::officer::State;

use super::backends::{Bench, at, entry, on_both};

fn three_records(bench: &Bench) {
    let store = &bench.store;
    let case = |number: u8| NewCase {
        id: [number; 16],
        municipality: "13101".to_owned(),
        wish: "disclosure",
        requested_on: "2026-11-22".to_owned(),
        due: None,
        idempotency_key: [number; 16],
        wish_sha256: [number; 32],
        resident: None,
        sealed: b"sealed".to_vec(),
        at: at(1),
    };
    // One was handed over, one is open.
    for number in [1, 2] {
        store.receive_case(case(number), entry("new")).unwrap();
    }
    let delivered = CaseChange {
        id: [1; 16],
        expected: 1,
        step: "delivered",
        due: None,
        sealed: b"sealed".to_vec(),
        answer: Some(b"paper".to_vec()),
        revoke: None,
        at: at(50),
    };
    store.change_case(delivered, entry("new")).unwrap();
    let act = OfficerAct {
        id: [3; 16],
        deed: "suspend".to_owned(),
        subject: "x".to_owned(),
        state: State::Unsigned,
        proposer: "OFF-1".to_owned(),
        first_signature: None,
        second: None,
        second_signature: None,
        sealed: b"deed".to_vec(),
        outcome: None,
        made_at: at(60),
        since: at(60),
    };
    store.put_act(act, entry("new")).unwrap();
    for (id, second) in [("a", 70), ("b", 80)] {
        let stop = GatewayStop {
            id: id.repeat(32),
            gateway: "gw-1".to_owned(),
            serial: "0a".to_owned(),
            application: "a".to_owned(),
            terminal: "131010001".to_owned(),
            operator: "13101-0001".to_owned(),
            tripped_at: at(second),
            told_at: at(second),
            release: None,
        };
        store.note_stop(stop, entry("new")).unwrap();
    }
    let id = "a".repeat(32);
    assert!(
        store
            .release_stop(&id, b"{}".to_vec(), at(90), entry("new"))
            .unwrap()
    );
}

#[test]
fn what_has_ended_is_found_by_its_day_and_deleted_once_as_it_was_read() {
    on_both(|bench| {
        three_records(bench);
        let found = |records, second| {
            let ended = bench.store.ended_before(records, at(second), 10).unwrap();
            ended.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        for (records, id, second) in [
            (Records::Disclosures, "01".repeat(16), 50),
            (Records::OfficerActs, "03".repeat(16), 60),
            (Records::Stops, "a".repeat(32), 90),
        ] {
            assert_eq!(found(records, second), [""; 0], "{records:?}");
            assert_eq!(
                found(records, second + 1),
                std::slice::from_ref(&id),
                "{records:?}"
            );
            let delete = |second| {
                let ended = Ended {
                    id: id.clone(),
                    at: at(second),
                };
                bench
                    .store
                    .delete_ended(records, &ended, entry("retention.delete"))
                    .unwrap()
            };
            assert!(!delete(second + 1), "it stands otherwise than it was read");
            assert!(delete(second));
            assert!(!delete(second));
            assert_eq!(found(records, 1_000), [""; 0]);
        }
        assert!(bench.store.case(&[2; 16]).unwrap().is_some());
        assert!(bench.store.stop(&"b".repeat(32)).unwrap().is_some());
        let rows = bench.outcomes().into_iter();
        let rows = rows.filter(|(event, _)| event == "retention.delete");
        assert_eq!(rows.count(), 3);
    });
}
