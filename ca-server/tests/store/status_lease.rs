//! What `port::status_lease` promises.

use std::collections::BTreeMap;

use ca_server::{adapter::database::Leases, port::status_lease::*};

use super::backends::{Bench, at, on_both, open, reservation};

fn revoked(bench: &Bench, number: u32) -> Vec<u8> {
    let reservation = reservation(number);
    bench.reserve(&reservation).unwrap();
    bench.complete(&reservation);
    bench.revoke(&reservation, "article9");
    reservation.serial
}

/// Renews from a place; whether the lease was there, and what is told.
fn renew(book: &Leases, node: &str, place: u64) -> (bool, News) {
    let mut told = Vec::new();
    let places = BTreeMap::from([("sign".to_owned(), place)]);
    let there = book
        .renew(node, &places, at(5), &mut |issuer, news| {
            told.push((issuer.to_owned(), news));
        })
        .unwrap();
    let [(issuer, news)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(issuer, "sign");
    (there, news.clone())
}

fn these(place: u64, serials: &[&Vec<u8>]) -> News {
    News {
        place,
        gone: Gone::These(serials.iter().map(|serial| (*serial).clone()).collect()),
    }
}

#[test]
fn a_renewal_tells_what_the_feed_brought_and_the_lease_says_how_far_it_was_read() {
    on_both(|bench| {
        let book = Leases::open(&bench.url).unwrap();
        let standing = || bench.store.lease_standing().unwrap();
        let feeds = |position| BTreeMap::from([("sign".to_owned(), position)]);
        assert_eq!(
            standing(),
            Standing {
                feeds: feeds(0),
                leases: vec![]
            }
        );
        let first = revoked(bench, 1);
        assert_eq!(renew(&book, "n1", 0), (false, these(1, &[&first])));
        assert_eq!(renew(&book, "n1", 1), (true, these(1, &[])));
        let lease = |place, renewal| Lease {
            node: "n1".to_owned(),
            issuer: "sign".to_owned(),
            place,
            renewal,
        };
        assert_eq!(standing().leases, [lease(1, 2)]);
        let (second, third) = (revoked(bench, 2), revoked(bench, 3));
        assert_eq!(standing().leases, [lease(1, 2)]);
        assert_eq!(standing().feeds, feeds(3));
        assert_eq!(renew(&book, "n1", 1), (true, these(3, &[&second, &third])));
        assert_eq!(standing().leases, [lease(3, 3)]);
        // A serial that was abandoned is in the feed too.
        let left = reservation(4);
        bench.reserve(&left).unwrap();
        assert!(bench.abandon(&left));
        assert_eq!(renew(&book, "n1", 3).1, these(4, &[&left.serial]));
        // A feed that is shorter than what was read is another one.
        let back = News {
            place: 4,
            gone: Gone::Any,
        };
        assert_eq!(renew(&book, "n1", 9).1, back);
        // An issuer that nobody registered has an empty feed.
        let places = BTreeMap::from([("none".to_owned(), 0)]);
        let mut told = None;
        book.renew("n1", &places, at(5), &mut |_, news| told = Some(news))
            .unwrap();
        assert_eq!(told, Some(these(0, &[])));
    });
}

#[test]
fn a_dead_lease_is_forgotten_as_it_was_seen_and_one_renewed_since_stays() {
    on_both(|bench| {
        let book = Leases::open(&bench.url).unwrap();
        renew(&book, "n1", 0);
        renew(&book, "n2", 0);
        let nodes = || {
            let leases = bench.store.lease_standing().unwrap().leases;
            let mut nodes: Vec<String> = leases.into_iter().map(|lease| lease.node).collect();
            nodes.sort();
            nodes
        };
        let seen = bench.store.lease_standing().unwrap().leases;
        renew(&book, "n2", 0);
        bench.store.forget_leases(seen).unwrap();
        assert_eq!(nodes(), ["n2"]);
        // Who was forgotten learns of it.
        assert!(!renew(&book, "n1", 0).0);
        assert!(renew(&book, "n1", 0).0);
        book.give_up("n1").unwrap();
        book.give_up("n1").unwrap();
        assert_eq!(nodes(), ["n2"]);
    });
}

#[test]
fn a_renewal_reads_the_newest_feed_while_others_write() {
    on_both(|bench| {
        const EACH: u32 = 30;
        let writers = [open(&bench.url, "w1"), open(&bench.url, "w2")];
        let book = Leases::open(&bench.url).unwrap();
        std::thread::scope(|scope| {
            let working: Vec<_> = writers
                .into_iter()
                .zip([1000, 2000])
                .map(|(store, from)| {
                    scope.spawn(move || {
                        let other = super::backends::Bench::over(store);
                        for number in from..from + EACH {
                            revoked(&other, number);
                        }
                    })
                })
                .collect();
            // Each place is told of once, in order, whatever commits in between.
            let (mut place, mut told) = (0, Vec::new());
            loop {
                let over = working.iter().all(|writer| writer.is_finished());
                let (_, news) = renew(&book, "n1", place);
                let Gone::These(serials) = news.gone else {
                    panic!("{news:?}")
                };
                assert_eq!(news.place - place, serials.len() as u64);
                place = news.place;
                told.extend(serials);
                if over {
                    break;
                }
            }
            assert_eq!(told.len(), 2 * EACH as usize);
            told.sort();
            told.dedup();
            assert_eq!(told.len(), 2 * EACH as usize);
        });
    });
}
