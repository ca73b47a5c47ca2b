//! Kill -9 while certificates take the place of others: each resident has one in effect, the old
//! one or the new one, whenever one looks.

use std::{
    thread,
    time::{Duration, Instant},
};

use ca_server::testing::{
    client::Reply,
    room::{Issuing, Room},
    window::Applicant,
};
use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::{
    act::{Act, ReplacementCause, Replaces},
    certificate::Serial,
    revocation::crl::CrlImage,
};
use schema::{
    ca::tables::{certificate, revocation},
    database::connect,
    wire::v1::ca::IssueRequest,
};

use super::kill::{count, token_worker};

/// Kills after the one that surely falls between reserving and completing.
const KILLS: u64 = 4;
const RESIDENTS: usize = 6;

/// A resident, the certificate that is in effect for him as far as he knows, and what he asks.
struct Holder {
    current: Serial,
    request: IssueRequest,
}

/// A request for a certificate in the place of `old`, with a new key.
fn request(room: &Room, number: usize, old: Option<&Serial>) -> IssueRequest {
    let mut applicant = Applicant::soumu(&format!("R{number}"));
    applicant.replaces = old.map(|serial| Replaces {
        serial: serial.clone(),
        cause: ReplacementCause::CardFailure,
    });
    room.window.issue_request(&applicant, Timestamp::now())
}

fn in_parallel<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let calls: Vec<_> = (0..RESIDENTS)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

/// Ask until there is an answer, as a window does.
fn insist(server: &Issuing, request: &IssueRequest) -> Serial {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match server.client.issue(request) {
            Reply::Done(issued) => return issued.serial.parse().unwrap(),
            Reply::Problem {
                retry_after: Some(_),
                ..
            } if Instant::now() < until => thread::sleep(Duration::from_millis(50)),
            other => panic!("{other:?}"),
        }
    }
}

/// What the database says after a kill: the new certificate, if it exists, and nothing in between.
fn look(room: &Room, holder: &Holder) -> Option<Serial> {
    let mut database = connect(&room.database).unwrap();
    let key = Act::from_payload(&holder.request.act.payload.0)
        .unwrap()
        .idempotency_key;
    let new: Option<(Vec<u8>, bool)> = certificate::table
        .filter(certificate::idempotency_key.eq(key.as_bytes().to_vec()))
        .filter(certificate::state.eq("completed"))
        .select((certificate::serial, certificate::in_effect))
        .first(&mut database)
        .optional()
        .unwrap();
    let old = holder.current.as_octets();
    let old_in_effect: bool = certificate::table
        .find(("sign", old))
        .select(certificate::in_effect)
        .first(&mut database)
        .unwrap();
    let ground: Option<String> = revocation::table
        .find(("sign", old))
        .select(revocation::ground)
        .first(&mut database)
        .optional()
        .unwrap();
    match new {
        None => {
            assert!(old_in_effect && ground.is_none(), "nothing has happened");
            None
        }
        Some((serial, in_effect)) => {
            assert!(in_effect && !old_in_effect);
            assert_eq!(ground.as_deref(), Some("article10-damage"));
            Some(Serial::from_octets(&serial).unwrap())
        }
    }
}

/// Everybody asks at once, and the server is killed when `when` returns.
fn ask_and_kill(server: &mut Issuing, holders: &[Holder], when: impl FnOnce()) {
    thread::scope(|scope| {
        let client = &server.client;
        for holder in holders {
            scope.spawn(move || match client.issue(&holder.request) {
                Reply::Done(_) | Reply::Broken(_) => {}
                problem => panic!("{problem:?}"),
            });
        }
        when();
        server.program.kill().unwrap();
    });
}

#[test]
fn after_kills_while_renewing_each_resident_has_one_certificate_in_effect() {
    let room = super::room();
    let mut server = room.start();
    let first = in_parallel(|number| insist(&server, &request(&room, number, None)));
    let prepare = |current: Vec<Serial>| -> Vec<Holder> {
        let requests = in_parallel(|number| request(&room, number, Some(&current[number])));
        current
            .into_iter()
            .zip(requests)
            .map(|(current, request)| Holder { current, request })
            .collect()
    };
    let mut holders = prepare(first);
    let (mut renewed, mut revoked) = (0, 0);

    // The token stands still: the first kill falls between reserving and completing.
    let worker = token_worker(&server).to_string();
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &worker])
        .status();
    assert!(stopped.unwrap().success());
    ask_and_kill(&mut server, &holders, || {
        let until = Instant::now() + Duration::from_secs(4);
        while count(&room, "reserved") == 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    });
    assert!(count(&room, "reserved") > 0);
    assert!(holders.iter().all(|holder| look(&room, holder).is_none()));

    for round in 0..=KILLS {
        let mut server = room.start();
        let current = in_parallel(|number| {
            let before = look(&room, &holders[number]);
            let serial = insist(&server, &holders[number].request);
            assert!(before.is_none_or(|before| before == serial));
            assert_eq!(look(&room, &holders[number]), Some(serial.clone()));
            serial
        });
        revoked += RESIDENTS;
        holders = prepare(current);
        if round == KILLS {
            break;
        }
        let pause = Duration::from_millis(3 + 17 * round);
        ask_and_kill(&mut server, &holders, || thread::sleep(pause));
        renewed += holders
            .iter()
            .filter(|holder| look(&room, holder).is_some())
            .count();
    }
    println!(
        "{renewed} of {} were renewed before the kill",
        KILLS as usize * RESIDENTS
    );

    // Each one that made place is on the list, beside what was abandoned.
    room.officer(&["crl", "publish"]);
    let list = std::fs::read(room.folder.path().join("crl/sign.crl")).unwrap();
    let listed = CrlImage::decode(&list).unwrap().entries().count();
    assert_eq!(listed as i64, revoked as i64 + count(&room, "abandoned"));
    let out = room.folder.path().join("audit.jsonl").display().to_string();
    room.officer(&["audit", "export", "--out", &out]);
    room.officer(&["audit", "verify", "--out", &out]);
}
