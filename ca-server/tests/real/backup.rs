//! Copies of the database as `docs/operating/backup.md` has them taken and brought back.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ca_server::testing::{
    room::{Issuing, Room},
    window::Applicant,
    world::Folder,
};
use diesel::prelude::*;
use jiff::Timestamp;
use pki_core::revocation::crl::CrlImage;
use schema::{ca::tables::certificate, database::connect};
use xtask::process::run;

fn ready(server: &Issuing) {
    let until = Instant::now() + Duration::from_secs(60);
    while server.admin_page("/readyz").0 != 200 {
        assert!(Instant::now() < until, "{}", server.admin_page("/readyz").1);
        thread::sleep(Duration::from_millis(50));
    }
}

fn list_number(room: &Room) -> u64 {
    let list = fs::read(room.folder.path().join("crl/sign.crl")).unwrap();
    CrlImage::decode(&list).unwrap().number
}

/// Issue all the while; take a copy; go on; bring the copy back and start from it.
fn copy_and_return(room: &Room, take: impl FnOnce(), bring_back: impl FnOnce()) {
    let server = room.start();
    ready(&server);
    let issued: Mutex<Vec<String>> = Mutex::default();
    let enough = AtomicBool::new(false);
    let before: HashSet<String> = thread::scope(|scope| {
        for worker in 0..3 {
            let (client, issued, enough) = (&server.client, &issued, &enough);
            scope.spawn(move || {
                for number in 0.. {
                    let applicant = Applicant::soumu(&format!("B{worker}-{number}"));
                    let request = room.window.issue_request(&applicant, Timestamp::now());
                    let serial = client.issue(&request).done().serial;
                    issued.lock().unwrap().push(serial);
                    if enough.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        let wait_for = |count: usize| {
            let until = Instant::now() + Duration::from_secs(300);
            while issued.lock().unwrap().len() < count {
                assert!(Instant::now() < until, "nothing is issued");
                thread::sleep(Duration::from_millis(10));
            }
        };
        wait_for(6);
        let before = issued.lock().unwrap().iter().cloned().collect();
        take();
        let so_far = issued.lock().unwrap().len();
        wait_for(so_far + 3);
        enough.store(true, Ordering::Relaxed);
        before
    });
    drop(server);
    // Lists go on being published after the copy was taken.
    room.officer(&["crl", "publish"]);
    let published = list_number(room);
    bring_back();

    let server = room.start();
    ready(&server);
    let mut database = connect(&room.database).unwrap();
    let (mut completed, mut reserved) = (HashSet::new(), 0);
    for (serial, state) in certificate::table
        .filter(certificate::issuer.eq("sign"))
        .select((certificate::serial, certificate::state))
        .load::<(Vec<u8>, String)>(&mut database)
        .unwrap()
    {
        match state.as_str() {
            "completed" => drop(completed.insert(hex::encode(serial))),
            "reserved" => reserved += 1,
            _ => {}
        }
    }
    let lost: Vec<_> = before.difference(&completed).collect();
    assert!(lost.is_empty(), "{lost:?} were issued before the copy");
    assert!(
        completed.len() < issued.lock().unwrap().len(),
        "the copy is older than what came after it"
    );
    assert_eq!(reserved, 0, "nothing stays reserved");
    // The list in place is newer than the copy knows, and the next one follows it.
    let until = Instant::now() + Duration::from_secs(60);
    while list_number(room) <= published {
        assert!(Instant::now() < until, "no list follows number {published}");
        thread::sleep(Duration::from_millis(50));
    }
    let applicant = Applicant::soumu("after");
    let request = room.window.issue_request(&applicant, Timestamp::now());
    server.client.issue(&request).done();
    let out = room.folder.path().join("audit.jsonl").display().to_string();
    room.officer(&["audit", "export", "--out", &out]);
    room.officer(&["audit", "verify", "--out", &out]);
}

#[test]
fn a_copy_taken_while_certificates_are_issued_is_whole_and_the_lists_go_on_from_it() {
    let room = super::room();
    let dir = room.folder.path();
    let (live, copy) = (dir.join("ca.sqlite"), dir.join("copy.sqlite"));
    copy_and_return(
        &room,
        || {
            use diesel::connection::SimpleConnection;
            // As `sqlite3 ca.sqlite "VACUUM INTO '…'"` does.
            let mut database = connect(&room.database).unwrap();
            database
                .batch_execute(&format!("VACUUM INTO '{}'", copy.display()))
                .unwrap();
        },
        || {
            for beside in ["ca.sqlite-wal", "ca.sqlite-shm"] {
                let _ = fs::remove_file(dir.join(beside));
            }
            fs::rename(&copy, &live).unwrap();
            fs::set_permissions(&live, fs::Permissions::from_mode(0o600)).unwrap();
        },
    );
}

#[test]
fn a_dump_of_postgresql_taken_while_certificates_are_issued_is_whole() {
    let folder = Folder::new();
    let cluster = super::cluster(&folder);
    let url = cluster.url("ca");
    let room = super::room_on(&url);
    let dump = room.folder.path().join("ca.dump");
    copy_and_return(
        &room,
        || {
            let mut command = Command::new("pg_dump");
            command
                .args(["--format=custom", "--file"])
                .arg(&dump)
                .arg(&url);
            run(&mut command).unwrap_or_else(|fault| panic!("{fault}"));
        },
        || {
            for statement in ["DROP DATABASE ca", "CREATE DATABASE ca"] {
                cluster
                    .sql("postgres", statement)
                    .unwrap_or_else(|fault| panic!("{fault}"));
            }
            let mut command = Command::new("pg_restore");
            command.args(["--dbname", &url]).arg(&dump);
            run(&mut command).unwrap_or_else(|fault| panic!("{fault}"));
        },
    );
}
