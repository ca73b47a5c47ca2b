//! Kill -9 at any point while certificates are being issued, on both databases.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use ca_server::testing::{
    client::Reply,
    room::{Issuing, Room},
    window::Applicant,
    world::Folder,
};
use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{
    certificate::{Serial, image::CertificateImage},
    revocation::crl::CrlImage,
};
use schema::{ca::tables::certificate, database::connect, wire::v1::ca::IssueRequest};

/// Kills in the normal run, a hundred in the long one; `JITSUIN_KILLS` says otherwise.
fn kills(normal: usize) -> usize {
    std::env::var("JITSUIN_KILLS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(if xtask::test::long() { 100 } else { normal })
}

/// Applicants whose cards have their keys already, so that the time before a
/// kill is spent in the server.
fn applicants(round: usize) -> Vec<Applicant> {
    thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn(move || Applicant::soumu(&format!("R{}", round * 100 + number)))
            })
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect()
    })
}

/// Send every request at once and kill the server when `when` returns. Answers
/// the requests that were cut off.
fn issue_and_kill(
    room: &Room,
    server: &mut Issuing,
    applicants: &[Applicant],
    handed_out: &Mutex<HashMap<String, Vec<u8>>>,
    when: impl FnOnce(),
) -> Vec<IssueRequest> {
    thread::scope(|scope| {
        let client = server.client.clone();
        let callers: Vec<_> = applicants
            .iter()
            .map(|applicant| {
                let client = client.clone();
                scope.spawn(move || {
                    let request = room.window.issue_request(applicant, Timestamp::now());
                    match client.issue(&request) {
                        Reply::Done(issued) => {
                            let mut handed_out = handed_out.lock().unwrap();
                            let known = handed_out.insert(issued.serial, issued.certificate.0);
                            assert!(known.is_none(), "a serial was handed out twice");
                            None
                        }
                        Reply::Broken(_) => Some(request),
                        problem => panic!("{problem:?}"),
                    }
                })
            })
            .collect();
        when();
        server.program.kill().unwrap();
        callers
            .into_iter()
            .filter_map(|caller| caller.join().unwrap())
            .collect()
    })
}

/// The gateway asks again after the restart: one certificate per request.
fn ask_again(
    server: &Issuing,
    cut_off: &[IssueRequest],
    handed_out: &Mutex<HashMap<String, Vec<u8>>>,
) {
    for request in cut_off {
        let until = Instant::now() + Duration::from_secs(60);
        let issued = loop {
            match server.client.issue(request) {
                Reply::Done(issued) => break issued,
                Reply::Problem {
                    retry_after: Some(_),
                    ..
                } if Instant::now() < until => {
                    thread::sleep(Duration::from_millis(50));
                }
                other => panic!("{other:?}"),
            }
        };
        let again = server.client.issue(request).done();
        assert_eq!(again, issued, "one request, one certificate");
        handed_out
            .lock()
            .unwrap()
            .insert(issued.serial, issued.certificate.0);
    }
}

pub fn count(room: &Room, state: &str) -> i64 {
    let mut database = connect(&room.database).unwrap();
    certificate::table
        .filter(certificate::issuer.eq("sign"))
        .filter(certificate::state.eq(state))
        .count()
        .get_result(&mut database)
        .unwrap()
}

/// The child process in which the token's module runs.
pub fn token_worker(server: &Issuing) -> i32 {
    let pid = server.program.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let of_threads = std::fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
        .collect::<String>();
    format!("{children} {of_threads}")
        .split_whitespace()
        .filter_map(|child| child.parse().ok())
        .next()
        .expect("the token's worker")
}

#[test]
fn after_kills_at_any_moment_no_certificate_is_lost_and_no_serial_is_used_twice() {
    kill_again_and_again(&super::room(), kills(15));
}

#[test]
fn after_kills_on_postgresql_no_certificate_is_lost_and_no_serial_is_used_twice() {
    let folder = Folder::new();
    let cluster = super::cluster(&folder);
    kill_again_and_again(&super::room_on(&cluster.url("ca")), kills(6));
}

fn kill_again_and_again(room: &Room, kills: usize) {
    let handed_out: Mutex<HashMap<String, Vec<u8>>> = Mutex::default();
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut repeated = 0;
    // The token stands still, so the kill surely falls between reserving and signing.
    let mut server = room.start();
    let first = Applicant::soumu("first");
    let request = room.window.issue_request(&first, Timestamp::now());
    let issued = server.client.issue(&request).done();
    handed_out
        .lock()
        .unwrap()
        .insert(issued.serial, issued.certificate.0);
    let worker = token_worker(&server);
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &worker.to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    let mut cut_off = issue_and_kill(room, &mut server, &applicants(9_999), &handed_out, || {
        let until = Instant::now() + Duration::from_secs(60);
        while count(room, "reserved") == 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let left = count(room, "reserved");
    assert!(left > 0, "the kill left reserved serials");
    for round in 0..kills {
        let mut server = room.start();
        ask_again(&server, &cut_off, &handed_out);
        repeated += cut_off.len();
        let applicants = applicants(round);
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let pause = Duration::from_micros(2_000 + (state >> 33) % 60_000);
        cut_off = issue_and_kill(room, &mut server, &applicants, &handed_out, || {
            thread::sleep(pause);
        });
    }
    let server = room.start();
    ask_again(&server, &cut_off, &handed_out);
    repeated += cut_off.len();
    drop(server);

    // A last start, which resumes and publishes.
    let server = room.start();
    let until = Instant::now() + Duration::from_secs(60);
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
    assert!(abandoned.len() as i64 >= left);
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
        "{kills} kills: {} handed out, {} completed, {} abandoned, {repeated} asked for again",
        handed_out.len(),
        completed.len(),
        abandoned.len()
    );
}
