//! The resident register is followed: what it tells takes certificates out of effect.

use std::{fs, path::PathBuf, sync::Arc, sync::Mutex};

use ca_server::{
    adapter::register_folder::RegisterFolder,
    app::{
        follow_register::{FollowError, Followed, Trouble, follow, trouble},
        issue::{IssueError, issue},
        proof,
        publish_crl::{InPlace, path, publish},
        register_revocations,
        resume::resume,
        revoke::revoke,
    },
    port::{
        clock::Clock,
        fake::{Break, FakeSigner},
        signer::{SignError, Signer},
        store::{ReserveRefusal, Status},
    },
    testing::{window::Applicant, world::World},
};
use jiff::SignedDuration;
use pki_core::{
    certificate::{MessageDigest, Serial, SignatureAlgorithm},
    person::merger::Mergers,
    revocation::{
        crl::CrlImage,
        ground::Ground,
        register_batch::{BatchFault, closing_line},
    },
};
use zeroize::Zeroizing;

pub struct Register {
    pub folder: PathBuf,
}

impl Register {
    pub fn of(world: &World) -> Self {
        let folder = world.folder.path().join("register");
        fs::create_dir_all(folder.join("13101")).unwrap();
        Self { folder }
    }

    pub fn feed(&self) -> RegisterFolder {
        RegisterFolder(self.folder.clone())
    }

    pub fn path(&self, number: u64) -> PathBuf {
        self.folder.join("13101").join(format!("{number:06}.csv"))
    }

    /// A closed batch of events: number, resident, kind, time.
    pub fn put(&self, number: u64, events: &[(u64, &str, &str, &str)]) {
        fs::write(self.path(number), closed(events)).unwrap();
    }

    pub fn put_text(&self, number: u64, body: &str) {
        let text = [body, &closing_line(body.as_bytes())].concat();
        fs::write(self.path(number), text).unwrap();
    }
}

/// The bytes of a closed batch.
pub fn closed(events: &[(u64, &str, &str, &str)]) -> String {
    let mut body = "sequence,resident,kind,recorded_at,former\n".to_owned();
    for (sequence, resident, kind, at) in events {
        body += &format!("{sequence},{resident},{kind},{at},\n");
    }
    let end = closing_line(body.as_bytes());
    body + &end
}

/// After the identification and before now.
pub const LATER: &str = "2026-11-22T06:30:00Z";

pub fn issued(world: &World, resident: &str) -> Serial {
    let wish = world
        .window
        .issue_request(&Applicant::soumu(resident), world.clock.now());
    issue(&world.app, "gw", &wish).unwrap().serial
}

pub fn hour_later(world: &World) {
    world.clock.advance(SignedDuration::from_hours(1));
}

pub fn ground(world: &World, serial: &Serial) -> String {
    let serials = [serial.as_octets().to_vec()];
    match world.app.store.status("sign", &serials).unwrap().remove(0) {
        Status::Revoked(revoked) => revoked.ground,
        Status::Good => "good".to_owned(),
        Status::Unknown => "unknown".to_owned(),
    }
}

/// Follow, and what came of 13101.
pub fn follow_once(world: &World, register: &Register) -> Result<Followed, FollowError> {
    follow(&world.app, &register.feed()).remove(0).1
}

pub fn trouble_of(followed: Result<Followed, FollowError>) -> Trouble {
    match followed {
        Err(FollowError::Trouble(trouble)) => trouble,
        other => panic!("{other:?}"),
    }
}

pub fn count_events(world: &World, event: &str, outcome: &str) -> usize {
    let rows = world.audit();
    rows.iter()
        .filter(|row| row.event == event && row.outcome == outcome)
        .count()
}

#[test]
fn what_the_register_tells_is_revoked_and_listed_and_told_once() {
    let world = World::new();
    let register = Register::of(&world);
    let (moved, stays) = (issued(&world, "R1"), issued(&world, "R2"));
    hour_later(&world);
    register.put(
        1,
        &[
            (1, "R1", "moved-out", LATER),
            (2, "R2", "minor-correction", LATER),
            (3, "nobody", "death", LATER),
        ],
    );
    let followed = follow_once(&world, &register).unwrap();
    assert_eq!(
        (followed.batches, followed.events, followed.revoked),
        (1, 3, 1)
    );
    assert_eq!(ground(&world, &moved), "article12");
    assert_eq!(ground(&world, &stays), "good");
    publish(&world.app, &mut InPlace::new());
    let list = fs::read(path(&world.app.crl.folder, "sign", "13101")).unwrap();
    let list = CrlImage::decode(&list).unwrap();
    let listed: Vec<_> = list.entries().map(|entry| entry.unwrap()).collect();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].serial, moved);
    // Again: nothing is left to do.
    assert_eq!(follow_once(&world, &register).unwrap(), Followed::default());
    assert_eq!(count_events(&world, "register.event", "revoked"), 1);
    assert_eq!(count_events(&world, "register.event", "nothing"), 2);
    // What kind of event it was is not in the log.
    assert!(!world.audit().iter().any(|row| row.detail.contains("moved")));
    // The windows are told.
    let code = "13101".parse().unwrap();
    let told = register_revocations::list(&world.app, "gw", code, 0)
        .unwrap()
        .unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].serial, moved.as_octets());
    assert_eq!(count_events(&world, "register.told", "done"), 1);
    let strange = register_revocations::list(&world.app, "gw", "13103".parse().unwrap(), 0);
    assert!(strange.unwrap().is_none());
}

#[test]
fn gaps_repeats_and_broken_batches_are_refused_whole_and_told_until_they_are_mended() {
    let world = World::new();
    let register = Register::of(&world);
    let mine = issued(&world, "R1");
    hour_later(&world);
    let moved = |sequence| (sequence, "R1", "moved-out", LATER);
    let nothing = |sequence| (sequence, "nobody", "death", LATER);
    let broken = |batch, fault| Trouble::Broken { batch, fault };

    // Batch 2 came before batch 1.
    register.put(2, &[moved(2)]);
    let gap = Trouble::Gap {
        missing: 1,
        there: 2,
    };
    for _ in 0..3 {
        assert_eq!(trouble_of(follow_once(&world, &register)), gap);
    }
    assert_eq!(count_events(&world, "register.batch", "batch-missing"), 1);
    let said = trouble(&world.app).unwrap();
    assert_eq!(said, "13101: batch 1 is missing; batch 2 is there");
    assert_eq!(ground(&world, &mine), "good");

    // Batch 1 is still being written.
    let body = "sequence,resident,kind,recorded_at,former\n";
    fs::write(register.path(1), body).unwrap();
    let unclosed = broken(1, BatchFault::Trailer);
    assert_eq!(trouble_of(follow_once(&world, &register)), unclosed);
    // It counts wrongly: what is right in it is not applied either.
    register.put(1, &[nothing(1), moved(1)]);
    let twice = BatchFault::Sequence {
        line: 3,
        expected: 2,
    };
    assert_eq!(trouble_of(follow_once(&world, &register)), broken(1, twice));
    assert_eq!(
        world.app.store.register_position("13101").unwrap().sequence,
        0
    );

    // Mended: both are applied, and the trouble is over.
    register.put(1, &[nothing(1)]);
    let followed = follow_once(&world, &register).unwrap();
    assert_eq!(
        (followed.batches, followed.events, followed.revoked),
        (2, 2, 1)
    );
    assert_eq!(ground(&world, &mine), "article12");
    assert_eq!(trouble(&world.app), None);
    assert_eq!(count_events(&world, "register.batch", "mended"), 1);

    // The events of batch 2 under the next number.
    register.put(3, &[moved(2)]);
    let repeat = BatchFault::Sequence {
        line: 2,
        expected: 3,
    };
    assert_eq!(
        trouble_of(follow_once(&world, &register)),
        broken(3, repeat)
    );
    fs::remove_file(register.path(3)).unwrap();
    follow_once(&world, &register).unwrap();
    // Batch 2 with other bytes, after it was applied.
    register.put(2, &[nothing(2)]);
    assert_eq!(
        trouble_of(follow_once(&world, &register)),
        Trouble::Changed(2)
    );
    fs::remove_file(register.path(2)).unwrap();
    assert_eq!(follow_once(&world, &register).unwrap(), Followed::default());
    // A merger that nobody configured.
    let merger = format!("{body}3,R7,merger,{LATER},13102/R1\n");
    register.put_text(3, &merger);
    let unknown = Trouble::UnknownMerger {
        batch: 3,
        sequence: 3,
    };
    assert_eq!(trouble_of(follow_once(&world, &register)), unknown);
    // Other municipalities go on meanwhile.
    assert!(follow(&world.app, &register.feed())[1].1.is_ok());
}

#[test]
fn a_batch_that_was_cut_off_goes_on_where_it_was() {
    for how in [Break::NotDone, Break::DoneUnsaid] {
        let world = World::new();
        let register = Register::of(&world);
        let mine = [issued(&world, "R1"), issued(&world, "R120")];
        hour_later(&world);
        let residents: Vec<String> = (1..=120).map(|number| format!("R{number}")).collect();
        let events: Vec<_> = (1..)
            .zip(&residents)
            .map(|(sequence, resident)| (sequence, resident.as_str(), "moved-out", LATER))
            .collect();
        register.put(1, &events);
        world.store.break_next("apply_register_events", how);
        assert!(matches!(
            follow_once(&world, &register),
            Err(FollowError::Store(_))
        ));
        let position = world.app.store.register_position("13101").unwrap();
        let begun = how == Break::DoneUnsaid;
        assert_eq!(position.sequence, if begun { 50 } else { 0 });
        if begun {
            // What was begun has to be what is finished.
            let kept = fs::read(register.path(1)).unwrap();
            register.put(1, &events[..119]);
            assert_eq!(
                trouble_of(follow_once(&world, &register)),
                Trouble::Changed(1)
            );
            fs::remove_file(register.path(1)).unwrap();
            assert_eq!(trouble_of(follow_once(&world, &register)), Trouble::Gone(1));
            fs::write(register.path(1), kept).unwrap();
        }
        follow_once(&world, &register).unwrap();
        let position = world.app.store.register_position("13101").unwrap();
        assert_eq!((position.sequence, position.complete), (120, true));
        for serial in &mine {
            assert_eq!(ground(&world, serial), "article12");
        }
        assert_eq!(count_events(&world, "register.event", "revoked"), 2);
        assert_eq!(count_events(&world, "register.event", "nothing"), 118);
    }
}

#[test]
fn the_register_is_followed_while_the_token_is_away() {
    let world = World::new();
    let register = Register::of(&world);
    let mine = issued(&world, "R1");
    hour_later(&world);
    register.put(1, &[(1, "R1", "death", LATER)]);
    world.signer.set_away(true);
    follow_once(&world, &register).unwrap();
    assert_eq!(ground(&world, &mine), "article12");
}

#[test]
fn a_process_started_without_the_token_waits_with_the_register_and_not_with_revocations() {
    let world = World::new();
    let register = Register::of(&world);
    let (told, given_up) = (issued(&world, "R1"), issued(&world, "R2"));
    hour_later(&world);
    register.put(1, &[(1, "R1", "death", LATER)]);
    world.signer.set_away(true);
    let started = world.beside();
    let waits = follow(&started, &register.feed()).remove(0).1;
    assert!(matches!(waits, Err(FollowError::Vault(_))), "{waits:?}");
    let wish = world
        .window
        .revoke_request(&given_up, Ground::Article9, world.clock.now());
    revoke(&started, "gw", &wish).unwrap();
    assert_eq!(ground(&world, &given_up), "article9");
    assert_eq!(ground(&world, &told), "good");
    world.signer.set_away(false);
    follow(&started, &register.feed()).remove(0).1.unwrap();
    assert_eq!(ground(&world, &told), "article12");
    // The revoking act could not be sealed, and is kept all the same.
    let kept = world
        .app
        .store
        .proofs("sign", given_up.as_octets())
        .unwrap();
    let sealed: Vec<bool> = kept.iter().map(|kept| kept.proof.sealed).collect();
    assert_eq!(sealed, [true, false]);
    let acts = proof::read(&started, &given_up).unwrap();
    let proof::Signed::Window { signed, .. } = &acts[1].by else {
        panic!("a window signed it");
    };
    assert_eq!(signed.payload, wish.act.payload.0);
}

/// A token during whose signature something happens.
struct Meanwhile {
    signer: Arc<FakeSigner>,
    happens: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Signer for Meanwhile {
    fn sign(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        if let Some(happens) = self.happens.lock().unwrap().take() {
            happens();
        }
        self.signer.sign(key, algorithm, message)
    }
    fn sign_digest(
        &self,
        key: &str,
        algorithm: SignatureAlgorithm,
        digest: &MessageDigest,
    ) -> Result<Vec<u8>, SignError> {
        self.signer.sign_digest(key, algorithm, digest)
    }
    fn public_key(&self, key: &str) -> Result<Vec<u8>, SignError> {
        self.signer.public_key(key)
    }
    fn wrap(&self, key: &str, data_key: &[u8; 32]) -> Result<Vec<u8>, SignError> {
        self.signer.wrap(key, data_key)
    }
    fn unwrap(&self, key: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, SignError> {
        self.signer.unwrap(key, wrapped)
    }
    fn trouble(&self) -> Option<String> {
        self.signer.trouble()
    }
}

#[test]
fn nobody_who_died_while_the_token_signed_has_a_certificate_in_effect() {
    // Two authorities on one database: one issues, the other follows the register.
    let mut world = World::new();
    let register = Register::of(&world);
    let follower = Arc::new(world.beside());
    hour_later(&world);
    register.put(1, &[(1, "R1", "death", "2026-11-22T06:59:00Z")]);
    let feed = register.feed();
    let (told, clock) = (Arc::clone(&follower), world.clock.clone());
    world.app.signer = Arc::new(Meanwhile {
        signer: world.signer.clone(),
        happens: Mutex::new(Some(Box::new(move || {
            assert_eq!(told.clock.now(), clock.now());
            follow(&told, &feed).remove(0).1.unwrap();
        }))),
    });
    let mut applicant = Applicant::soumu("R1");
    applicant.identified_at = Some("2026-11-22T06:58:00Z".parse().unwrap());
    let wish = world.window.issue_request(&applicant, world.clock.now());
    assert!(matches!(
        issue(&world.app, "gw", &wish),
        Err(IssueError::Conflict(ReserveRefusal::RegisterChanged))
    ));
    assert_eq!(count_events(&world, "register.event", "nothing"), 1);
    // Asked again, nothing is even reserved; the serial that was signed is on the list.
    assert!(matches!(
        issue(&world.app, "gw", &wish),
        Err(IssueError::Conflict(ReserveRefusal::RegisterChanged))
    ));
    assert_eq!(
        count_events(&world, "issue.complete", "register-changed"),
        1
    );
    assert_eq!(count_events(&world, "issue.reserve", "register-changed"), 1);
    assert_eq!(count_events(&world, "issue.complete", "done"), 0);
    resume(&world.app).unwrap();
    publish(&world.app, &mut InPlace::new());
    world.check_invariants();
}

#[test]
fn who_was_identified_after_the_change_gets_and_keeps_a_certificate() {
    let world = World::new();
    let register = Register::of(&world);
    let old = issued(&world, "R1");
    hour_later(&world);
    register.put(1, &[(1, "R1", "address-notation", LATER)]);
    follow_once(&world, &register).unwrap();
    assert_eq!(ground(&world, &old), "article12");
    // The same day, with the address as it is written now.
    let new = issued(&world, "R1");
    // A notice of the same change that comes late does not meet it.
    register.put(2, &[(2, "R1", "item-changed", LATER)]);
    follow_once(&world, &register).unwrap();
    assert_eq!(ground(&world, &new), "good");
}

#[test]
fn a_merger_takes_nothing_out_of_effect_and_the_list_of_the_old_municipality_lives_on() {
    let mut world = World::new();
    let register = Register::of(&world);
    let old = issued(&world, "R1");
    let mut in_place = InPlace::new();
    publish(&world.app, &mut in_place);
    hour_later(&world);
    world.app.mergers =
        Mergers::new([("13101".parse().unwrap(), "13102".parse().unwrap())]).unwrap();
    fs::create_dir_all(register.folder.join("13102")).unwrap();
    let body =
        format!("sequence,resident,kind,recorded_at,former\n1,N77,merger,{LATER},13101/R1\n");
    let text = [body.as_str(), &closing_line(body.as_bytes())].concat();
    fs::write(register.folder.join("13102/1.csv"), text).unwrap();
    for (_, followed) in follow(&world.app, &register.feed()) {
        followed.unwrap();
    }
    assert_eq!(ground(&world, &old), "good");
    assert_eq!(count_events(&world, "register.event", "relinked"), 1);
    // Three years later its list is still made, until it has said that the certificate ended.
    let number = |world: &World| {
        let list = fs::read(path(&world.app.crl.folder, "sign", "13101")).unwrap();
        CrlImage::decode(&list).unwrap().number
    };
    let mut last = number(&world);
    for (days, made) in [
        (1, true),
        (1_094, true),
        (1, true),
        (2, false),
        (400, false),
    ] {
        world.clock.advance(SignedDuration::from_hours(days * 24));
        let (_, failed) = publish(&world.app, &mut in_place);
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(number(&world) > last, made, "after {days} days more");
        last = number(&world);
    }
}
