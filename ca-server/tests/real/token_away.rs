//! The token taken away and brought back while requests come in.

use std::{
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ca_server::testing::{client::Reply, window::Applicant};
use jiff::Timestamp;
use pki_core::{certificate::Serial, revocation::ground::Ground};

#[test]
fn while_the_token_is_away_requests_get_a_clear_503_and_it_heals_by_itself() {
    let room = super::room();
    let mut server = room.start();
    let pid = server.program.pid();
    let begun = Instant::now();
    let first = server
        .client
        .issue(
            &room
                .window
                .issue_request(&Applicant::soumu("R0"), Timestamp::now()),
        )
        .done();
    // What one issuance takes on this machine with what else runs on it.
    let usual = begun.elapsed();

    let stop = AtomicBool::new(false);
    let away: Mutex<Vec<(u16, String, Option<u64>)>> = Mutex::default();
    let signed: Mutex<Vec<Instant>> = Mutex::default();
    let elsewhere = room.folder.path().join("elsewhere");
    let back = thread::scope(|scope| {
        for worker in 0..2 {
            let (room, client, stop, away, signed) = (&room, &server.client, &stop, &away, &signed);
            scope.spawn(move || {
                for count in 0.. {
                    let applicant = Applicant::soumu(&format!("W{worker}-{count}"));
                    loop {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let request = room.window.issue_request(&applicant, Timestamp::now());
                        match client.issue(&request) {
                            Reply::Done(_) => {
                                signed.lock().unwrap().push(Instant::now());
                                break;
                            }
                            Reply::Problem {
                                status,
                                kind,
                                retry_after,
                                ..
                            } => {
                                away.lock().unwrap().push((status, kind, retry_after));
                                thread::sleep(Duration::from_millis(50));
                            }
                            Reply::Broken(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
        let wait_for = |what: &str, done: &dyn Fn() -> bool| {
            let until = Instant::now() + Duration::from_secs(60);
            while !done() {
                assert!(Instant::now() < until, "{what}");
                thread::sleep(Duration::from_millis(20));
            }
        };
        wait_for("nothing is issued", &|| !signed.lock().unwrap().is_empty());
        fs::rename(room.token_files(), &elsewhere).unwrap();
        wait_for("requests are not refused", &|| {
            !away.lock().unwrap().is_empty()
        });
        wait_for("health says nothing", &|| {
            let (status, page) = server.admin_page("/readyz");
            status == 503 && page.contains("\"token\",\"ok\":false")
        });
        // Revoking needs no token.
        let serial: Serial = first.serial.parse().unwrap();
        let wish = room
            .window
            .revoke_request(&serial, Ground::Article9, Timestamp::now());
        assert_eq!(server.client.revoke(&wish).done().ground, "article9");
        fs::rename(&elsewhere, room.token_files()).unwrap();
        let back = Instant::now();
        let until = back + Duration::from_secs(60);
        while !signed.lock().unwrap().iter().any(|at| *at > back) && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
        back
    });
    let healed = signed
        .into_inner()
        .unwrap()
        .into_iter()
        .find(|at| *at > back)
        .expect("it signs again")
        .duration_since(back);
    println!("first signature {healed:?} after the return");
    // Five seconds, and on a machine that is slow or busy what it is slower by.
    assert!(
        healed < Duration::from_secs(5) + 5 * usual,
        "{healed:?}, usually {usual:?}"
    );
    let away = away.into_inner().unwrap();
    assert!(!away.is_empty());
    for (status, kind, retry_after) in &away {
        assert_eq!((*status, kind.as_str()), (503, "token-away"));
        assert!(retry_after.is_some());
    }
    assert_eq!(server.program.pid(), pid);
    assert!(server.program.poll().unwrap().is_none(), "no restart");
    // It drains and ends with 0.
    assert!(server.program.end().unwrap().success());
}
