//! Verifiers, the book of what was provided, and deltas, on both databases.

use ca_server::{
    adapter::database::{Book, Database, Leases},
    port::{
        provision::{Provided, Provision, ProvisionBook},
        status_lease::LeaseBook,
        store::*,
        verifier::{Verifier, Verifiers},
    },
    testing::world::Folder,
};
use pki_core::calendar::JapaneseDay;

use super::backends::{at, bench, entry, on_both, start_cluster};

fn verifier(id: &str, number: u8) -> Verifier {
    Verifier {
        id: id.to_owned(),
        label: "名前".to_owned(),
        arrangement: "第1号".to_owned(),
        certificate: vec![number; 3],
        certificate_sha256: [number; 32],
        active: true,
    }
}

#[test]
fn verifiers_are_enrolled_once_replaced_when_wished_and_suspended() {
    on_both(|bench| {
        let store = &bench.store;
        let enrol = |verifier: &Verifier, replace| {
            store
                .enrol_verifier(verifier.clone(), at(0), replace, entry("enrol"))
                .unwrap()
        };
        let (tax, moj) = (verifier("tax-1", 1), verifier("moj-1", 2));
        assert!(enrol(&tax, false) && enrol(&moj, false));
        assert!(!enrol(&verifier("tax-1", 3), false));
        assert_eq!(store.verifiers().unwrap(), [moj.clone(), tax.clone()]);
        assert_eq!(
            store.verifier_by_certificate(&[1; 32]).unwrap(),
            Some(tax.clone())
        );
        assert_eq!(store.verifier_by_certificate(&[9; 32]).unwrap(), None);
        let set = |id: &str, active| {
            store
                .set_verifier(id, active, at(1), entry("party.suspend"))
                .unwrap()
        };
        assert!(set("tax-1", false) && !set("none", false));
        let suspended = store.verifier_by_certificate(&[1; 32]).unwrap().unwrap();
        assert!(!suspended.active);
        assert!(
            store
                .verifier_by_certificate(&[2; 32])
                .unwrap()
                .unwrap()
                .active
        );
        // A new certificate takes the place of the old one, which opens nothing any more.
        assert!(enrol(&verifier("tax-1", 3), true));
        assert_eq!(store.verifier_by_certificate(&[1; 32]).unwrap(), None);
        let outcomes = bench.outcomes();
        for (event, outcome) in [
            ("enrol", "already-enrolled"),
            ("party.suspend", "done"),
            ("party.suspend", "not-found"),
        ] {
            assert!(
                outcomes.contains(&(event.to_owned(), outcome.to_owned())),
                "{event} {outcome}"
            );
        }
    });
}

fn day(text: &str) -> JapaneseDay {
    text.parse().unwrap()
}

fn total(on: &str, verifier: &str, kind: Provided, count: u64) -> Provision {
    Provision {
        day: day(on),
        verifier: verifier.to_owned(),
        kind,
        count,
    }
}

#[test]
fn the_book_sums_up_all_runs_and_takes_a_total_twice_without_counting_it_twice() {
    on_both(|bench| {
        let book = Book::open(&bench.url).unwrap();
        let first = [
            total("2026-03-31", "tax-1", Provided::Answer, 7),
            total("2026-04-01", "tax-1", Provided::Answer, 2),
        ];
        book.enter("run a", &first).unwrap();
        book.enter("run a", &first).unwrap();
        book.enter(
            "run a",
            &[total("2026-04-01", "tax-1", Provided::Answer, 5)],
        )
        .unwrap();
        book.enter(
            "run b",
            &[
                total("2026-04-01", "tax-1", Provided::Answer, 1),
                total("2026-04-01", "", Provided::Refused, 3),
                total("2026-04-02", "moj-1", Provided::List, 1),
            ],
        )
        .unwrap();
        assert_eq!(
            book.totals(day("2026-04-01"), day("2026-04-02")).unwrap(),
            [
                total("2026-04-01", "", Provided::Refused, 3),
                total("2026-04-01", "tax-1", Provided::Answer, 6),
                total("2026-04-02", "moj-1", Provided::List, 1),
            ]
        );
        // All or none: the second line is no total.
        let bad = [
            total("2026-04-01", "moj-1", Provided::List, 1),
            total("2026-04-01", "moj-1", Provided::Delta, 0),
        ];
        assert!(matches!(
            book.enter("run c", &bad),
            Err(StoreError::Broken(_))
        ));
        assert_eq!(
            book.totals(day("2026-04-01"), day("2026-04-02"))
                .unwrap()
                .len(),
            3
        );
    });
}

#[test]
fn a_status_node_writes_its_totals_and_no_registry() {
    let (_folder, cluster) = start_cluster();
    cluster.ensure_database("ca").unwrap();
    let bench = bench(Folder::new(), cluster.url("ca"), "node");
    let enrolled = verifier("tax-1", 1);
    assert!(
        bench
            .store
            .enrol_verifier(enrolled.clone(), at(0), false, entry("enrol"))
            .unwrap()
    );
    cluster
        .sql(
            "ca",
            "CREATE ROLE outer_zone LOGIN PASSWORD 'outer'; GRANT jitsuin_status TO outer_zone",
        )
        .unwrap();
    let url = cluster
        .url("ca")
        .replace("jitsuin:contract", "outer_zone:outer");
    let store = Database::open_to_read(&url, 2).unwrap();
    assert_eq!(
        store.verifier_by_certificate(&[1; 32]).unwrap(),
        Some(enrolled)
    );
    let book = Book::open(&url).unwrap();
    let one = [total("2026-04-01", "tax-1", Provided::Answer, 1)];
    book.enter("run", &one).unwrap();
    let two = [total("2026-04-01", "tax-1", Provided::Answer, 2)];
    book.enter("run", &two).unwrap();
    assert_eq!(
        book.totals(day("2026-04-01"), day("2026-04-01")).unwrap(),
        two
    );
    // It takes its lease on the feed, and what it reads for that it may not change.
    let leases = Leases::open(&url).unwrap();
    let places = std::collections::BTreeMap::from([("sign".to_owned(), 0)]);
    for there in [false, true] {
        let renewed = leases.renew("run", &places, at(1), &mut |_, _| {});
        assert_eq!(renewed.unwrap(), there);
    }
    leases.give_up("run").unwrap();
    for statement in [
        "UPDATE issuer SET revocations = 0",
        "UPDATE verifier SET status = 'active'",
        "INSERT INTO verifier SELECT * FROM verifier",
        "DELETE FROM provision",
        "UPDATE provision SET verifier = 'moj-1'",
        "DELETE FROM revocation",
    ] {
        use diesel::connection::SimpleConnection;
        let mut connection = schema::database::connect(&url).unwrap();
        let refused = connection.batch_execute(statement).unwrap_err().to_string();
        assert!(
            refused.contains("permission denied"),
            "{statement}: {refused}"
        );
    }
}

#[test]
fn a_delta_is_recorded_with_its_list_and_added_to_the_oldest_list_that_holds() {
    on_both(|bench| {
        let store = &bench.store;
        let publish = |second: i64, delta: Option<u64>| {
            let record = store
                .reserve_crl(NewCrl {
                    issuer: "sign".to_owned(),
                    scope: "13101".to_owned(),
                    node: "node".to_owned(),
                    this_update: at(second),
                    next_update: at(second + 100),
                    ended_before: at(0),
                })
                .unwrap();
            let delta = delta.map(|base| DeltaRecord {
                base,
                sha256: [2; 32],
                entries: 0,
            });
            let done =
                store.publish_crl(&record, [1; 32], 0, delta, at(second), entry("crl.publish"));
            (record.number, done)
        };
        let base = |second: i64| {
            let base = store.delta_base("sign", "13101", at(second)).unwrap();
            base.map(|list| list.number)
        };
        assert_eq!(base(0), None);
        assert!(publish(0, None).1.unwrap());
        assert!(publish(50, Some(1)).1.unwrap());
        assert_eq!(
            (base(99), base(100), base(149), base(150)),
            (Some(1), Some(2), Some(2), None)
        );
        // A delta that is none: neither it nor its list is published.
        let (number, done) = publish(60, Some(9));
        assert!(matches!(done, Err(StoreError::Broken(_))), "{done:?}");
        let latest = store.latest_crl("sign", "13101").unwrap().unwrap();
        assert_eq!((latest.number, number), (2, 3));
    });
}
