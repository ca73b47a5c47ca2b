//! Kill -9 at any point while certificates are being issued.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ca_server::testing::{client::Reply, window::Applicant};
use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{
    certificate::{Serial, image::CertificateImage},
    revocation::crl::CrlImage,
};
use schema::{ca::tables::certificate, database::connect};

/// Kills in the normal run; `JITSUIN_KILLS` says otherwise.
fn kills() -> usize {
    std::env::var("JITSUIN_KILLS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(15)
}

#[test]
fn after_kills_at_any_moment_no_certificate_is_lost_and_no_serial_is_used_twice() {
    let room = super::room();
    let handed_out: Mutex<HashMap<String, Vec<u8>>> = Mutex::default();
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let (mut number, mut repeated) = (0, 0);
    for round in 0..kills() {
        let mut server = room.start();
        let stop = AtomicBool::new(false);
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let pause = Duration::from_millis(150 + (state >> 33) % 500);
        let cut_off = thread::scope(|scope| {
            let workers: Vec<_> = (0..2)
                .map(|worker| {
                    let (room, client, handed_out, stop) =
                        (&room, &server.client, &handed_out, &stop);
                    let first = number + worker * 1_000;
                    scope.spawn(move || {
                        let mut cut_off = Vec::new();
                        for count in 0.. {
                            if stop.load(Ordering::Relaxed) {
                                break;
                            }
                            let applicant = Applicant::soumu(&format!("R{}", first + count));
                            let request = room.window.issue_request(&applicant, Timestamp::now());
                            match client.issue(&request) {
                                Reply::Done(issued) => {
                                    let known = handed_out
                                        .lock()
                                        .unwrap()
                                        .insert(issued.serial, issued.certificate.0);
                                    assert!(known.is_none(), "a serial was handed out twice");
                                }
                                Reply::Broken(_) => cut_off.push(request),
                                problem => panic!("round {round}: {problem:?}"),
                            }
                        }
                        cut_off
                    })
                })
                .collect();
            thread::sleep(pause);
            server.program.kill().unwrap();
            stop.store(true, Ordering::Relaxed);
            workers
                .into_iter()
                .flat_map(|worker| worker.join().unwrap())
                .take(4)
                .collect::<Vec<_>>()
        });
        number += 10_000;
        // The gateway asks again after the restart: one certificate per request.
        let mut server = room.start();
        for request in cut_off {
            let until = Instant::now() + Duration::from_secs(20);
            let issued = loop {
                match server.client.issue(&request) {
                    Reply::Done(issued) => break issued,
                    Reply::Problem {
                        retry_after: Some(_),
                        ..
                    } if Instant::now() < until => {
                        thread::sleep(Duration::from_millis(100));
                    }
                    other => panic!("round {round}: {other:?}"),
                }
            };
            let again = server.client.issue(&request).done();
            assert_eq!(again, issued, "one request, one certificate");
            handed_out
                .lock()
                .unwrap()
                .insert(issued.serial, issued.certificate.0);
            repeated += 1;
        }
        server.program.kill().unwrap();
    }

    // A last start, which resumes and publishes.
    let server = room.start();
    let until = Instant::now() + Duration::from_secs(20);
    while server.admin_page("/readyz").0 != 200 {
        assert!(Instant::now() < until, "{}", server.admin_page("/readyz").1);
        thread::sleep(Duration::from_millis(50));
    }
    drop(server);
    room.officer(&["crl", "publish"]);

    let handed_out = handed_out.into_inner().unwrap();
    let mut database = connect(&room.database).unwrap();
    let rows: Vec<(Vec<u8>, String, Option<Vec<u8>>)> = certificate::table
        .filter(certificate::issuer.eq("sign"))
        .select((certificate::serial, certificate::state, certificate::tbs))
        .load(&mut database)
        .unwrap();
    let of = |wanted: &str| -> HashSet<Vec<u8>> {
        rows.iter()
            .filter(|(_, state, _)| state == wanted)
            .map(|(serial, ..)| serial.clone())
            .collect()
    };
    let (completed, abandoned) = (of("completed"), of("abandoned"));
    assert!(of("reserved").is_empty(), "nothing stays reserved");
    assert!(!handed_out.is_empty());
    let mut keys = HashSet::new();
    for (serial, der) in &handed_out {
        let image = CertificateImage::decode(der).unwrap();
        assert_eq!(image.serial.to_string(), *serial);
        assert!(
            completed.contains(image.serial.as_octets()),
            "{serial} is not stored"
        );
        assert!(
            keys.insert(image.public_key.sha256()),
            "one key, two certificates"
        );
    }
    let list = std::fs::read(room.folder.path().join("crl/sign.crl")).unwrap();
    let listed: HashSet<Serial> = CrlImage::decode(&list)
        .unwrap()
        .entries()
        .map(|entry| entry.unwrap().serial)
        .collect();
    for serial in &abandoned {
        let serial = Serial::from_octets(serial).unwrap();
        assert!(
            listed.contains(&serial),
            "{serial} is abandoned and not listed"
        );
    }
    assert_eq!(listed.len(), abandoned.len(), "nothing else is listed");
    // The audit log survived as well.
    let out = room.folder.path().join("audit.jsonl").display().to_string();
    room.officer(&["audit", "export", "--out", &out]);
    room.officer(&["audit", "verify", "--out", &out]);
    println!(
        "{} kills: {} handed out, {} completed, {} abandoned, {repeated} asked for again",
        kills(),
        handed_out.len(),
        completed.len(),
        abandoned.len()
    );
}
