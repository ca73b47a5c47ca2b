//! The authority itself under a power cut, on both databases: what it handed out it knows afterwards, no serial
//! was used twice, and what it gave up is on the next list.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use pki_core::certificate::Serial;
use pki_core::revocation::crl::CrlImage;
use schema::ca::tables::certificate;
use softhsm_tests::mtls::Client;
use softhsm_tests::power::{ForgetfulDisk, Unsynced};
use xtask::bench::Room;
use xtask::report::Report;
use xtask::stack::ISSUER;
use xtask::stack::layout::Database;
use xtask::stack::postgres::{Cluster, Settings};
use xtask::test::long;
use xtask::workspace::{Profile, Programs};

use super::scratch;

/// Serials acknowledged before a cut at the least: enough to have filled several group commits.
const ENOUGH: usize = 80;

/// How the disk keeps its promises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disk {
    /// What was synced is there.
    Honest,
    /// It says yes and does nothing; PostgreSQL does not even ask it (`fsync=off`).
    Lying,
}

/// A room with a token, a database and whoever the load generator plays.
fn open_room(name: &str, database: Database) -> (Room, PathBuf) {
    let dir = scratch(name);
    let programs = Programs::build(&Report::kept(), Profile::Dev).unwrap();
    let mut room = Room::open(&programs, &dir.join("room"), database, "rsa-2048").unwrap();
    room.status.end().unwrap();
    (room, dir)
}

/// A room whose database, or the machine of whose database, loses its power.
struct Machine {
    room: Room,
    database: Database,
    disk: ForgetfulDisk,
    dir: PathBuf,
}

impl Machine {
    /// On a disk that forgets from now on; what is there counts as synced.
    fn on(mut room: Room, dir: PathBuf, database: Database, disk: Disk) -> Self {
        room.issue.end().unwrap();
        let home = room.layout().path("postgres");
        let disk_of = |live: PathBuf, shadow: PathBuf| ForgetfulDisk::new(&live, &shadow).unwrap();
        let forgetful = match database {
            Database::Sqlite => {
                let forgetful = disk_of(room.layout().path("ca"), dir.join("shadow"));
                let mut environment = forgetful.environment_here();
                if disk == Disk::Lying {
                    environment.push(("POWERCUT_LIES".into(), "yes".into()));
                }
                room.restart_issue(&environment).unwrap();
                forgetful
            }
            Database::Postgres => {
                // Ended in order, so that its files are whole when the disk becomes forgetful.
                room.end_cluster().unwrap();
                let forgetful = disk_of(home.join("data"), home.join("shadow"));
                let (live, shadow) = Cluster::seen_data(&home, "shadow");
                let fsync = if disk == Disk::Lying { "off" } else { "on" };
                let settings = Settings {
                    extra: vec![format!("fsync={fsync}")],
                    environment: forgetful.environment(&live, &shadow),
                };
                room.restart_cluster(&settings).unwrap();
                room.restart_issue(&[]).unwrap();
                forgetful
            }
        };
        Self {
            room,
            database,
            disk: forgetful,
            dir,
        }
    }

    /// Issues until enough is acknowledged, and pulls the plug. Gives the serials that were handed out.
    fn issue_and_cut(&mut self, round: usize, unsynced: Unsynced) -> Vec<String> {
        let file = self.room.serials();
        let _ = fs::remove_file(&file);
        let mut load = self
            .room
            .issue_load(1 + round * 1000, 400, 8)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let serials = || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            text.split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(|line| line.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let begun = Instant::now();
        while serials().len() < ENOUGH {
            assert!(
                begun.elapsed() < Duration::from_secs(240),
                "the load did not get under way"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.database == Database::Postgres {
            self.room.kill_cluster().unwrap();
        }
        self.room.issue.kill().unwrap();
        // What the generator was told up to now counts; it ends by itself when its connections break.
        load.wait().unwrap();
        let acknowledged = serials();
        self.disk.cut(unsynced).unwrap();
        acknowledged
    }

    /// The power is back, and the disk is an ordinary one.
    fn restart(&mut self) {
        if self.database == Database::Postgres {
            fs::remove_dir_all(self.room.layout().path("postgres/shadow")).unwrap();
            let quick = Settings {
                extra: vec!["fsync=off".into()],
                ..Settings::default()
            };
            self.room.restart_cluster(&quick).unwrap();
        }
        self.room.restart_issue(&[]).unwrap();
    }

    /// Which of the serials the authority does not know.
    fn unknown(&self, serials: &[String]) -> usize {
        let file = |name: &str| self.room.layout().path(name);
        let client = Client::new(
            self.room.ca(),
            &file("ceremony/infra.pem"),
            Some((&file("load/gateway.pem"), &file("load/gateway.key"))),
        )
        .unwrap();
        let mut connection = client.connect().unwrap();
        let unknown = |serial: &&String| {
            let path = format!("/v1/certificates/{serial}");
            let status = connection.ask("GET", &path, &[], b"").unwrap().status;
            assert!([200, 404].contains(&status), "{serial}: {status}");
            status == 404
        };
        serials.iter().filter(unknown).count()
    }

    /// After the start nothing stays reserved, and what was given up is on the next list.
    fn check_what_was_given_up(&self) -> usize {
        let mut connection = schema::database::connect(&self.room.database_url()).unwrap();
        let mut of = |state: &str| -> Vec<Vec<u8>> {
            certificate::table
                .filter(certificate::issuer.eq(ISSUER))
                .filter(certificate::state.eq(state))
                .select(certificate::serial)
                .load(&mut connection)
                .unwrap()
        };
        let until = Instant::now() + Duration::from_secs(60);
        while !of("reserved").is_empty() {
            assert!(Instant::now() < until, "serials stay reserved");
            std::thread::sleep(Duration::from_millis(20));
        }
        let abandoned = of("abandoned");
        self.room
            .authority()
            .unwrap()
            .ca(&["crl", "publish"])
            .unwrap();
        let path = self.room.layout().path(&format!("ca/crl/{ISSUER}.crl"));
        let list = fs::read(path).unwrap();
        let listed: HashSet<Serial> = CrlImage::decode(&list)
            .unwrap()
            .entries()
            .map(|entry| entry.unwrap().serial)
            .collect();
        for serial in &abandoned {
            let serial = Serial::from_octets(serial).unwrap();
            assert!(listed.contains(&serial), "{serial} is not on the list");
        }
        assert_eq!(listed.len(), abandoned.len(), "nothing else is listed");
        abandoned.len()
    }

    fn close(self) {
        self.room.close().unwrap();
        fs::remove_dir_all(self.dir).unwrap();
    }
}

fn keeps_what_it_handed_out(name: &str, database: Database) {
    let (mut room, mut dir) = open_room(name, database);
    let mut all = HashSet::new();
    for round in 0..if long() { 12 } else { 2 } {
        let unsynced = if round % 2 == 0 {
            Unsynced::Gone
        } else {
            Unsynced::Some(0x5EED + round as u64)
        };
        let mut machine = Machine::on(room, dir, database, Disk::Honest);
        let handed_out = machine.issue_and_cut(round, unsynced);
        machine.restart();
        assert_eq!(machine.unknown(&handed_out), 0, "round {round}");
        let abandoned = machine.check_what_was_given_up();
        println!(
            "round {round}: {} handed out, {abandoned} given up so far",
            handed_out.len()
        );
        for serial in handed_out {
            assert!(all.insert(serial), "a serial was handed out twice");
        }
        Machine { room, dir, .. } = machine;
    }
    room.close().unwrap();
    fs::remove_dir_all(dir).unwrap();
}

fn serials_lost_on_a_lying_disk(name: &str, database: Database) -> usize {
    let (room, dir) = open_room(name, database);
    let mut machine = Machine::on(room, dir, database, Disk::Lying);
    let handed_out = machine.issue_and_cut(0, Unsynced::Gone);
    machine.restart();
    let lost = machine.unknown(&handed_out);
    machine.close();
    lost
}

#[test]
fn a_certificate_handed_out_is_known_to_the_authority_after_a_power_cut() {
    keeps_what_it_handed_out("authority", Database::Sqlite);
}

#[test]
fn a_certificate_handed_out_is_known_after_a_power_cut_of_postgresql() {
    keeps_what_it_handed_out("authority-postgres", Database::Postgres);
}

#[test]
fn the_cut_is_real_an_authority_on_a_disk_that_lies_about_syncing_loses_certificates() {
    assert!(serials_lost_on_a_lying_disk("authority-lies", Database::Sqlite) > 0);
}

#[test]
fn the_cut_is_real_an_authority_on_postgresql_with_fsync_off_loses_certificates() {
    assert!(serials_lost_on_a_lying_disk("authority-postgres-off", Database::Postgres) > 0);
}
