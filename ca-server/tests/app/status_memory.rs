//! Answers from memory, under a lease.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use ca_server::{
    adapter::database::Leases,
    app::{
        answer_ocsp::{StatusApp, answer, from_memory, sign_anew},
        revoke::revoke,
        status_lease::{NodeLease, renew},
        status_memory::{Memory, Signed, Way},
    },
    port::{
        clock::Clock,
        fake::Break,
        status_lease::{Gone, LeaseBook, News},
        store::{Status, StoreError},
    },
    testing::world::World,
};
use jiff::{SignedDuration, Timestamp};
use pki_core::{
    certificate::{Serial, SignatureAlgorithm},
    revocation::{
        ground::Ground,
        lease::LEASE,
        ocsp::{CertId, CertStatus, IssuerIds, ResponseImage},
    },
};

use super::revoke::{issued, question, responder_by, responder_of, status_of};

/// A status node that has its lease.
struct Node {
    app: StatusApp,
}

impl Node {
    fn new(world: &World, run: u8) -> Self {
        let mut app = responder_of(world, "sign");
        let lease = NodeLease::new(book(world), world.clock.clone(), [run; 16]);
        app.lease = Some(lease);
        let node = Self { app };
        node.renew();
        world.clock.advance(SignedDuration::from_millis(250));
        node.renew();
        node
    }

    fn renew(&self) {
        renew(&self.app, self.app.lease.as_ref().unwrap()).unwrap();
    }

    fn remembered(&self, question: &[u8]) -> Option<Bytes> {
        let answer = from_memory(&self.app, &self.app.issuers[0], Way::Posted, question)?;
        Some(answer.der)
    }

    fn ask(&self, question: &[u8]) -> Bytes {
        self.remembered(question).unwrap_or_else(|| {
            let asked = Some((Way::Posted, question));
            answer(&self.app, &self.app.issuers[0], question, asked).der
        })
    }
}

fn book(world: &World) -> Arc<dyn LeaseBook> {
    let url = format!("sqlite:{}", world.folder.path().join("ca.sqlite").display());
    Arc::new(Leases::open(&url).unwrap())
}

fn said(world: &World, der: &[u8]) -> CertStatus {
    let image = ResponseImage::verify(der, &world.app.signing.issuer).unwrap();
    image.answers[0].status
}

fn revoke_it(world: &World, serial: &Serial) {
    let wish = world
        .window
        .revoke_request(serial, Ground::Article9, world.clock.now());
    revoke(&world.app, "gw", &wish).unwrap();
}

#[test]
fn an_answer_is_signed_once_and_given_again_without_database_and_token() {
    let world = World::new();
    let node = Node::new(&world, 1);
    let question = question(&world, &issued(&world, "R1"));
    assert_eq!(node.remembered(&question), None);
    let first = node.ask(&question);
    assert_eq!(said(&world, &first), CertStatus::Good);
    let signed = world.signer.signed_with("ocsp").len();
    world.store.break_next("status", Break::NotDone);
    assert_eq!(node.remembered(&question), Some(first.clone()));
    // In other octets it is the same question.
    let posted = answer(&node.app, &node.app.issuers[0], &question, None).der;
    assert_eq!(posted, first);
    assert_eq!(world.signer.signed_with("ocsp").len(), signed);
    assert!(!world.store.all_broken(), "nothing was read");
}

#[test]
fn what_is_revoked_is_dropped_by_the_next_renewal_and_never_good_again() {
    let world = World::new();
    let node = Node::new(&world, 1);
    let (one, other) = (issued(&world, "R1"), issued(&world, "R2"));
    let (of_one, of_other) = (question(&world, &one), question(&world, &other));
    node.ask(&of_one);
    node.ask(&of_other);
    revoke_it(&world, &one);
    world.clock.advance(SignedDuration::from_millis(250));
    node.renew();
    assert_eq!(node.remembered(&of_one), None);
    assert!(node.remembered(&of_other).is_some(), "the other one stays");
    let revoked = |der: &[u8]| matches!(said(&world, der), CertStatus::Revoked { .. });
    assert!(revoked(&node.ask(&of_one)));
    // That is remembered as well.
    assert!(revoked(&node.remembered(&of_one).unwrap()));
}

#[test]
fn without_its_lease_a_node_asks_the_database() {
    let world = World::new();
    let node = Node::new(&world, 1);
    let serial = issued(&world, "R1");
    let question = question(&world, &serial);
    node.ask(&question);
    // It hangs, and somebody revokes.
    revoke_it(&world, &serial);
    world.clock.advance(SignedDuration::from_millis(1749));
    assert!(node.remembered(&question).is_some(), "nobody was told yet");
    world.clock.advance(SignedDuration::from_millis(1));
    assert_eq!(node.remembered(&question), None);
    let status = || status_of(&world, &node.app, &serial);
    assert!(matches!(status(), CertStatus::Revoked { .. }));
    // The first renewal after the gap gives no right, the second does.
    let other = super::revoke::question(&world, &issued(&world, "R2"));
    node.renew();
    node.ask(&other);
    assert_eq!(node.remembered(&other), None);
    world.clock.advance(SignedDuration::from_millis(250));
    node.renew();
    node.ask(&other);
    assert!(node.remembered(&other).is_some());
}

/// A book that can be closed.
struct Closable {
    book: Arc<dyn LeaseBook>,
    closed: AtomicBool,
}

impl LeaseBook for Closable {
    fn renew(
        &self,
        node: &str,
        places: &BTreeMap<String, u64>,
        at: Timestamp,
        tell: &mut dyn FnMut(&str, News),
    ) -> Result<bool, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Busy);
        }
        self.book.renew(node, places, at, tell)
    }
    fn give_up(&self, node: &str) -> Result<(), StoreError> {
        self.book.give_up(node)
    }
}

#[test]
fn a_renewal_that_fails_leaves_the_lease_to_run_out() {
    let world = World::new();
    let mut node = Node::new(&world, 1);
    let closable = Arc::new(Closable {
        book: book(&world),
        closed: AtomicBool::new(false),
    });
    let lease = NodeLease::new(closable.clone(), world.clock.clone(), [1; 16]);
    node.app.lease = Some(lease);
    let lease = node.app.lease.as_ref().unwrap();
    for _ in 0..2 {
        renew(&node.app, lease).unwrap();
    }
    closable.closed.store(true, Ordering::Relaxed);
    world.clock.advance(SignedDuration::from_millis(250));
    assert!(renew(&node.app, lease).is_err());
    assert!(lease.holds(world.clock.now()));
    world.clock.advance(SignedDuration::from_millis(1500));
    assert!(!lease.holds(world.clock.now()));
}

#[test]
fn an_answer_is_signed_anew_before_it_runs_out_and_not_given_after() {
    let world = World::new();
    let node = Node::new(&world, 1);
    let serial = issued(&world, "R1");
    let question = question(&world, &serial);
    let first = node.ask(&question);
    let pass = |seconds: i64| {
        for _ in 0..seconds {
            world.clock.advance(SignedDuration::from_secs(1));
            node.renew();
        }
    };
    // Given from memory for 30 s, and from four fifths of that on it is due.
    pass(25);
    assert_eq!(node.remembered(&question), Some(first.clone()));
    let memory = world.signer.signed_with("ocsp").len();
    let ids = IssuerIds::of(&world.app.signing.issuer);
    let slot = node.app.issuers[0]
        .memory()
        .find(serial.as_octets())
        .and_then(|remembered| {
            remembered.slot(
                &CertId::new(&ids, &serial),
                SignatureAlgorithm::EcdsaP256Sha256,
            )
        })
        .unwrap();
    sign_anew(&node.app, &node.app.issuers[0], &slot);
    assert_eq!(world.signer.signed_with("ocsp").len(), memory + 1);
    let second = node.remembered(&question).unwrap();
    assert_ne!(second, first);
    pass(29);
    assert_eq!(node.remembered(&question), Some(second));
    pass(1);
    assert_eq!(node.remembered(&question), None);
    // Nothing is signed anew of what was revoked.
    node.ask(&question);
    revoke_it(&world, &serial);
    node.renew();
    let signed = world.signer.signed_with("ocsp").len();
    sign_anew(&node.app, &node.app.issuers[0], &slot);
    assert_eq!(world.signer.signed_with("ocsp").len(), signed);
}

#[test]
fn a_preferred_algorithm_is_taken_where_the_key_has_it() {
    let world = World::new();
    world.signer.make_rsa("ocsp");
    let app = responder_by(&world, "sign", SignatureAlgorithm::RsaPkcs1Sha256);
    let serial = issued(&world, "R1");
    let id = CertId::new(&IssuerIds::of(&world.app.signing.issuer), &serial);
    let tlv = |tag: u8, parts: &[&[u8]]| {
        let content = parts.concat();
        let mut out = vec![tag];
        if content.len() > 0x7F {
            out.push(0x81);
        }
        out.push(content.len() as u8);
        [out, content].concat()
    };
    // id-pkix-ocsp-pref-sig-algs, RFC 6960 §4.4.7.
    let name = [0x06, 9, 0x2B, 6, 1, 5, 5, 7, 0x30, 1, 8];
    let ask = |preferred: &[SignatureAlgorithm]| {
        let each: Vec<Vec<u8>> = preferred
            .iter()
            .map(|algorithm| tlv(0x30, &[&algorithm.identifier_der()]))
            .collect();
        let each: Vec<&[u8]> = each.iter().map(Vec::as_slice).collect();
        let value = tlv(0x04, &[&tlv(0x30, &each)]);
        let extensions = tlv(0xA2, &[&tlv(0x30, &[&tlv(0x30, &[&name, &value])])]);
        let list = tlv(0x30, &[&tlv(0x30, &[id.as_der()])]);
        let question = tlv(0x30, &[&tlv(0x30, &[&list, &extensions])]);
        let der = answer(&app, &app.issuers[0], &question, None).der;
        assert_eq!(said(&world, &der), CertStatus::Good);
        let by = |algorithm: SignatureAlgorithm| {
            let identifier = algorithm.identifier_der();
            der.windows(identifier.len())
                .filter(|part| *part == identifier)
                .count()
        };
        by(SignatureAlgorithm::RsaPkcs1Sha384)
    };
    use SignatureAlgorithm::{EcdsaP384Sha384, RsaPkcs1Sha256, RsaPkcs1Sha384};
    assert_eq!(ask(&[RsaPkcs1Sha384]), 1);
    assert_eq!(ask(&[EcdsaP384Sha384, RsaPkcs1Sha384]), 1);
    assert_eq!(ask(&[RsaPkcs1Sha256, RsaPkcs1Sha384]), 0);
    assert_eq!(ask(&[EcdsaP384Sha384]), 0);
}

#[test]
fn a_key_that_was_replaced_under_its_label_answers_nothing() {
    let world = World::new();
    let app = responder_of(&world, "sign");
    let question = question(&world, &issued(&world, "R1"));
    assert!(answer(&app, &app.issuers[0], &question, None).successful);
    world.signer.make_p256("ocsp");
    let refused = answer(&app, &app.issuers[0], &question, None);
    const INTERNAL_ERROR: [u8; 5] = [0x30, 3, 0x0A, 1, 2];
    assert_eq!(refused.der[..], INTERNAL_ERROR);
}

#[test]
fn an_acknowledgement_waits_for_every_node_or_until_no_lease_can_hold() {
    let world = World::new();
    let book = book(&world);
    let serial = issued(&world, "R1");
    let place = || world.app.store.lease_standing().unwrap().feeds["sign"];
    let renew = |node: &str, place: u64| {
        let places = BTreeMap::from([("sign".to_owned(), place)]);
        book.renew(node, &places, world.clock.now(), &mut |_, _| {})
            .unwrap();
    };
    // Nobody has a lease: it comes at once.
    world.app.acknowledger.revoked().wait();
    renew("up", place());
    renew("behind", place());
    revoke_it(&world, &serial);
    let told = world.app.acknowledger.revoked();
    let begun = std::time::Instant::now();
    renew("up", place());
    told.wait();
    assert!(begun.elapsed() >= LEASE - Duration::from_millis(100));
    // When the other one has read it too, nobody waits.
    let told = world.app.acknowledger.revoked();
    renew("behind", place());
    told.wait();
}

fn signed(der: &str) -> Signed {
    let at = Timestamp::UNIX_EPOCH;
    Signed {
        der: Bytes::copy_from_slice(der.as_bytes()),
        this_update: at,
        next_update: at,
        due_at: at,
        ends_at: at,
        label: "good",
        tag: Bytes::new(),
    }
}

fn news(place: u64, gone: Gone) -> News {
    News { place, gone }
}

#[test]
fn a_slow_reader_cannot_bring_back_what_was_dropped() {
    let memory = Memory::new(1 << 20);
    let place = memory.place();
    // It read the database; before it remembers, the feed tells of a revocation.
    memory.learn(&news(1, Gone::These(vec![vec![7; 16]])));
    assert!(memory.remember(place, &[7; 16], &Status::Good).is_none());
    assert!(memory.find(&[7; 16]).is_none());
    let place = memory.place();
    assert!(memory.remember(place, &[8; 16], &Status::Good).is_some());
    assert!(memory.remember(place, &[9; 16], &Status::Unknown).is_none());
    assert!(memory.find(&[8; 16]).is_some() && memory.find(&[9; 16]).is_none());
    // A feed that went back: nothing that was known holds.
    memory.learn(&news(0, Gone::Any));
    assert!(memory.find(&[8; 16]).is_none());
}

#[test]
fn an_evicted_serial_takes_its_answers_with_it_and_memory_stays_small() {
    let world = World::new();
    let ids = IssuerIds::of(&world.app.signing.issuer);
    let memory = Memory::new(256 << 10);
    let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
    let number = |number: u16| {
        let mut bytes = [1; 16];
        bytes[..2].copy_from_slice(&(number | 0x4000).to_be_bytes());
        Serial::from_random(bytes)
    };
    for at in 0..2_000 {
        let serial = number(at);
        let remembered = memory
            .remember(0, serial.as_octets(), &Status::Good)
            .unwrap();
        let slot = remembered
            .keep(&CertId::new(&ids, &serial), algorithm, signed("answer"))
            .unwrap();
        memory.also(Way::Posted, serial.as_octets(), slot);
    }
    let (mut found, mut answered) = (0, 0);
    for at in 0..2_000 {
        let serial = number(at);
        let known = memory.find(serial.as_octets()).is_some();
        let answer = memory.answered(Way::Posted, serial.as_octets()).is_some();
        assert!(known || !answer, "an answer that nobody can drop");
        found += u32::from(known);
        answered += u32::from(answer);
    }
    assert!((1..=40).contains(&found), "{found}");
    assert!((1..=found).contains(&answered), "{answered} of {found}");
}
