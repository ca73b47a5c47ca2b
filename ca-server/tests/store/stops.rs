//! What `port::stop` promises.

use ca_server::port::stop::*;

use super::backends::{Bench, at, entry, on_both};

fn stop(number: u32, gateway: &str) -> GatewayStop {
    GatewayStop {
        id: format!("{number:032x}"),
        gateway: gateway.to_owned(),
        serial: "0a".to_owned(),
        application: "a".to_owned(),
        terminal: "131010001".to_owned(),
        operator: "13101-0001".to_owned(),
        tripped_at: at(i64::from(number)),
        told_at: at(100),
        release: None,
    }
}

fn note(bench: &Bench, stop: GatewayStop) -> NoteStop {
    bench.store.note_stop(stop, entry("stop.tell")).unwrap()
}

fn rows(bench: &Bench, event: &str) -> Vec<String> {
    let rows = bench.outcomes().into_iter();
    let mut outcomes: Vec<String> = rows
        .filter(|(of, _)| of == event)
        .map(|(_, outcome)| outcome)
        .collect();
    outcomes.sort();
    outcomes
}

#[test]
fn a_stop_is_kept_once_and_open_until_it_is_released() {
    on_both(|bench| {
        assert_eq!(note(bench, stop(2, "gw-1")), NoteStop::Noted);
        assert_eq!(note(bench, stop(1, "gw-2")), NoteStop::Noted);
        let retold = GatewayStop {
            serial: "0b".to_owned(),
            ..stop(1, "gw-1")
        };
        assert_eq!(note(bench, retold), NoteStop::Known);
        assert_eq!(rows(bench, "stop.tell"), ["done", "done"]);
        let listed = |open, limit| {
            let stops = bench.store.stops(open, limit).unwrap();
            stops.into_iter().map(|stop| stop.id).collect::<Vec<_>>()
        };
        let id = |number: u32| format!("{number:032x}");
        assert_eq!(listed(true, 10), [id(1), id(2)]);
        assert_eq!(listed(true, 1), [id(1)]);
        assert_eq!(bench.store.stop(&id(1)).unwrap(), Some(stop(1, "gw-2")));
        assert_eq!(bench.store.stop(&id(3)).unwrap(), None);

        let release = |number: u32, text: &[u8]| {
            let audit = entry("stop.release");
            let second = at(200 + i64::from(number));
            bench
                .store
                .release_stop(&id(number), text.to_vec(), second, audit)
                .unwrap()
        };
        assert!(!release(3, b"none"));
        assert!(release(1, b"first"));
        assert!(!release(1, b"again"), "the first release stays");
        let released = bench.store.stop(&id(1)).unwrap().unwrap();
        assert_eq!(released.release, Some((b"first".to_vec(), at(201))));
        assert!(release(2, b"second"));
        assert_eq!(listed(true, 10), [""; 0]);
        assert_eq!(listed(false, 10), [id(2), id(1)]);
        assert_eq!(
            rows(bench, "stop.release"),
            ["done", "done", "nothing-to-do", "nothing-to-do"]
        );
    });
}

#[test]
fn a_gateway_has_so_many_open_stops_and_no_more() {
    on_both(|bench| {
        let most = u32::try_from(OPEN_STOPS).unwrap();
        for number in 0..most {
            assert_eq!(note(bench, stop(number, "gw-1")), NoteStop::Noted);
        }
        assert_eq!(note(bench, stop(most, "gw-1")), NoteStop::TooMany);
        assert_eq!(note(bench, stop(most, "gw-2")), NoteStop::Noted);
    });
}
