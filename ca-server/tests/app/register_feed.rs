//! The register's batches by folder and by server: the same promises, tested on both; and a
//! server with which something is wrong.

use std::{fs, path::PathBuf};

use ca_server::{
    adapter::{register_folder::RegisterFolder, register_server::RegisterServer},
    app::follow_register::{FollowError, Followed, follow},
    port::register_feed::{FeedAway, RegisterFeed},
    testing::{
        register_server::{Mood, RegisterSide},
        world::{Folder, World},
    },
};
use pki_core::{
    id::Sha256Digest, person::municipality::MunicipalityCode,
    revocation::register_batch::BATCH_BYTES_MAX,
};

use super::register::{LATER, closed, count_events, ground, hour_later, issued};

fn here() -> MunicipalityCode {
    "13101".parse().unwrap()
}

/// Where the register leaves batches of 13101.
trait Leaves {
    fn leave(&self, number: u64, bytes: &[u8]);
    fn take_away(&self, number: u64);
}

struct InFolder(PathBuf);

impl Leaves for InFolder {
    fn leave(&self, number: u64, bytes: &[u8]) {
        fs::create_dir_all(self.0.join("13101")).unwrap();
        fs::write(self.0.join(format!("13101/{number:06}.csv")), bytes).unwrap();
    }
    fn take_away(&self, number: u64) {
        fs::remove_file(self.0.join(format!("13101/{number:06}.csv"))).unwrap();
    }
}

impl Leaves for RegisterSide {
    fn leave(&self, number: u64, bytes: &[u8]) {
        self.put(number, bytes);
    }
    fn take_away(&self, number: u64) {
        self.remove(number);
    }
}

/// What the port promises.
fn promises(feed: &dyn RegisterFeed, register: &dyn Leaves) {
    let sha256 = |bytes: &[u8]| *Sha256Digest::of(bytes).as_bytes();
    assert!(feed.numbers(here(), 0).unwrap().is_empty());
    assert_eq!(feed.batch(here(), 1).unwrap(), None);
    assert!(
        !feed.differs(here(), 1, &[0; 32]).unwrap(),
        "gone is not changed"
    );
    for number in [2, 3, 11] {
        register.leave(number, format!("batch {number}").as_bytes());
    }
    assert_eq!(feed.numbers(here(), 0).unwrap(), [2, 3, 11]);
    assert_eq!(feed.numbers(here(), 2).unwrap(), [3, 11]);
    assert!(feed.numbers(here(), 11).unwrap().is_empty());
    assert_eq!(
        feed.batch(here(), 3).unwrap().as_deref(),
        Some(&b"batch 3"[..])
    );
    assert!(!feed.differs(here(), 3, &sha256(b"batch 3")).unwrap());
    assert!(feed.differs(here(), 3, &sha256(b"batch 2")).unwrap());
    register.leave(3, b"changed");
    assert!(feed.differs(here(), 3, &sha256(b"batch 3")).unwrap());
    register.take_away(3);
    assert_eq!(feed.batch(here(), 3).unwrap(), None);
    let elsewhere = "13102".parse().unwrap();
    assert!(feed.numbers(elsewhere, 0).unwrap().is_empty());
    assert_eq!(feed.batch(elsewhere, 2).unwrap(), None);
    // Longer than a batch may be: cut one byte after that, so that it is seen.
    register.leave(12, &vec![b'x'; BATCH_BYTES_MAX + 9]);
    let cut = feed.batch(here(), 12).unwrap().unwrap();
    assert_eq!(cut.len(), BATCH_BYTES_MAX + 1);
}

#[test]
fn a_folder_and_a_server_keep_the_same_promises() {
    let folder = Folder::new();
    let path = folder.path().join("register");
    fs::create_dir(&path).unwrap();
    promises(&RegisterFolder(path.clone()), &InFolder(path));
    let side = RegisterSide::start();
    promises(&RegisterServer::new(&side.config()).unwrap(), &side);
}

fn fault(away: FeedAway) -> String {
    ca_server::causes(&away)
}

#[test]
fn what_the_server_tells_is_applied_and_its_absence_changes_nothing() {
    let world = World::new();
    let mine = issued(&world, "R1");
    hour_later(&world);
    let side = RegisterSide::start();
    side.put(1, closed(&[(1, "R1", "death", LATER)]));
    side.mood(Mood::Status(503, None));
    let feed = RegisterServer::new(&side.config()).unwrap();
    let away = follow(&world.app, &feed).remove(0).1;
    assert!(matches!(away, Err(FollowError::Feed(_))), "{away:?}");
    assert_eq!(ground(&world, &mine), "good");
    assert_eq!(count_events(&world, "register.batch", "mended"), 0);
    let position = world.app.store.register_position("13101").unwrap();
    assert_eq!(
        (position.batch, position.trouble),
        (0, None),
        "nothing was learnt"
    );

    // A program that was started anew does not remember to leave it in peace.
    side.mood(Mood::Well);
    let feed = RegisterServer::new(&side.config()).unwrap();
    let followed = follow(&world.app, &feed).remove(0).1.unwrap();
    assert_eq!((followed.batches, followed.revoked), (1, 1));
    assert_eq!(ground(&world, &mine), "article12");
    // From then on the last batch is compared and not sent again.
    side.asked();
    for (_, followed) in follow(&world.app, &feed) {
        assert_eq!(followed.unwrap(), Followed::default());
    }
    let asked = side.asked();
    let last = ("/feed/v1/municipalities/13101/batches/1".to_owned(), true);
    assert!(asked.contains(&last), "{asked:?}");
    side.put(1, closed(&[(1, "R2", "death", LATER)]));
    let changed = follow(&world.app, &feed).remove(0).1;
    assert_eq!(
        changed.unwrap_err().to_string(),
        "batch 1 was changed after it was read"
    );
}

#[test]
fn answers_that_are_no_answers_are_not_taken_for_an_empty_register() {
    let side = RegisterSide::start();
    side.put(1, closed(&[]));
    let asking = |mood: Mood| {
        side.mood(mood);
        // A new client each time: none of them rests.
        RegisterServer::new(&side.config()).unwrap()
    };
    let not_modified = asking(Mood::Status(304, None));
    assert!(fault(not_modified.batch(here(), 1).unwrap_err()).contains("status 304"));
    for (mood, said) in [
        (Mood::Status(301, None), "status 301"),
        (Mood::Status(403, None), "status 403"),
        (Mood::Status(404, None), "status 404"),
        (Mood::Status(500, None), "status 500"),
        (Mood::Body(b"<html>".to_vec()), "cannot be read"),
        (
            Mood::Body(br#"{"batches":[2,1]}"#.to_vec()),
            "not in its order",
        ),
        (
            Mood::Body(br#"{"batches":[1],"more":1}"#.to_vec()),
            "cannot be read",
        ),
        (Mood::Body(vec![b' '; 70_000]), "no answer"),
    ] {
        let said_really = fault(asking(mood).numbers(here(), 0).unwrap_err());
        assert!(said_really.contains(said), "{said}: {said_really}");
    }
    let told = asking(Mood::Body(br#"{"batches":[1]}"#.to_vec()));
    assert!(
        told.numbers(here(), 1).is_err(),
        "a number that was not asked for"
    );
    for status in [301, 403, 500] {
        let batch = asking(Mood::Status(status, None)).batch(here(), 1);
        assert!(batch.is_err(), "{status}");
    }
    side.mood(Mood::Well);
    let strange = RegisterSide::start();
    let mut config = side.config();
    config.authority = strange.config().authority;
    let other_authority = RegisterServer::new(&config).unwrap();
    assert!(
        other_authority.numbers(here(), 0).is_err(),
        "the server is not ours"
    );
    let mut config = side.config();
    config.client = strange.config().client;
    let stranger = RegisterServer::new(&config).unwrap();
    side.asked();
    assert!(
        stranger.numbers(here(), 0).is_err(),
        "the client is not theirs"
    );
    assert!(side.asked().is_empty());
    // A server that says nothing is given up after the set time.
    let mut config = side.config();
    config.timeout = std::time::Duration::from_secs(2);
    side.mood(Mood::Silent);
    let patient = RegisterServer::new(&config).unwrap();
    assert!(fault(patient.numbers(here(), 0).unwrap_err()).contains("no answer"));
}

#[test]
fn a_server_that_failed_is_left_in_peace_by_every_municipality() {
    let side = RegisterSide::start();
    let feed = RegisterServer::new(&side.config()).unwrap();
    side.mood(Mood::Status(503, Some(600)));
    feed.numbers(here(), 0).unwrap_err();
    assert_eq!(side.asked().len(), 1);
    side.mood(Mood::Well);
    for code in ["13101", "13102", "13103"] {
        let away = feed.numbers(code.parse().unwrap(), 0).unwrap_err();
        let said = fault(away);
        assert!(said.contains("asked again in"), "{said}");
    }
    assert!(side.asked().is_empty());
    // It is told how long: ten minutes, as the server wished, and never more than fifteen.
    let wish = |seconds| {
        side.mood(Mood::Status(503, Some(seconds)));
        let feed = RegisterServer::new(&side.config()).unwrap();
        feed.numbers(here(), 0).unwrap_err();
        let said = fault(feed.numbers(here(), 0).unwrap_err());
        let said = said.rsplit_once(" s").unwrap().0.to_owned();
        said.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    assert!((500..=600).contains(&wish(600)));
    assert!((800..=900).contains(&wish(1_000_000)));
    // A moment later it answers, and nothing is left of the rest.
    let feed = RegisterServer::new(&side.config()).unwrap();
    side.mood(Mood::Status(500, None));
    feed.numbers(here(), 0).unwrap_err();
    side.mood(Mood::Well);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while feed.numbers(here(), 0).is_err() {
        assert!(
            std::time::Instant::now() < end,
            "it is asked again after two seconds"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(feed.numbers(here(), 0).is_ok());
}
