//! A resident at the kiosk, with a card in software behind the reader port.

#[path = "../../pki-core/tests/certificate_support/mod.rs"]
mod certificate_support;
mod support;

use std::sync::Mutex;

use certificate_support::{Governor, chiyoda, open, sample, tokyo_items};
use pki_core::application::certificate_kind::CertificateKind;
use pki_core::certificate::public_key::SignatureAlgorithm;
use pki_core::certificate::request::parse_card_request;
use pki_core::certificate::{Subject, Subscriber};
use pki_core::id::Sha256Digest;
use support::{CARD, CardChannel, Folder, TestReader, VISIT, blank_card, kiosk_id, prepare};
use terminal::card::CardFault;
use terminal::card::jpki::Jpki;
use terminal::card::personalise::{CardState, Personalisation};
use terminal::card::reader::with_card;
use terminal::kiosk::master::SealedMaster;
use terminal::kiosk::password::Password;
use terminal::kiosk::steps::{Ending, Phase, Visit};
use terminal::kiosk::visit::{self, Progress, Tools, VisitFault};
use terminal::party::{PartyKey, enrolment_request};
use terminal::virtual_card::SharedMemory;

struct Bench {
    folder: Folder,
    key: PartyKey,
    master: SealedMaster,
    memory: SharedMemory,
    reader: TestReader,
}

/// A prepared card at a kiosk.
fn bench(name: &str) -> Bench {
    let folder = Folder::new(name);
    let key = folder.0.join("key.pem");
    enrolment_request("13101K001", &key, &folder.0.join("key.csr")).unwrap();
    let memory = blank_card();
    let reader = TestReader::with(&memory);
    prepare(&reader);
    Bench {
        key: PartyKey::read(&key).unwrap(),
        master: SealedMaster::new(&folder.private_file("master", &support::KIOSK_MASTER)),
        folder,
        memory,
        reader,
    }
}

impl Bench {
    fn tools(&self) -> Tools<'_> {
        Tools {
            reader: &self.reader,
            kiosk: kiosk_id(),
            master: &self.master,
            key: &self.key,
            software_sha256: Sha256Digest::from_bytes([0; 32]),
        }
    }

    fn generate(&self, password: &str, progress: &dyn Progress) -> Result<Vec<u8>, VisitFault> {
        let visit = visit::open(&self.tools())?;
        let now = "2026-11-22T15:00:00Z".parse().unwrap();
        visit::generate(&self.tools(), &visit, password.into(), None, progress, now)
    }

    /// The gateway writes a certificate for the key on the card.
    fn certify(&self) {
        let request = with_card(&self.reader, |card| {
            Personalisation::select(card)?.request()
        })
        .unwrap()
        .unwrap();
        let now = "2026-11-22T15:00:00Z".parse().unwrap();
        let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, open());
        let certificate = governor.certify(
            &sample("signature.toml", governor.algorithm),
            now,
            0x5A,
            &parse_card_request(&request).unwrap().public_key,
            Subject::Subscriber(Subscriber {
                items: &tokyo_items(),
                place: &chiyoda(),
                terminal: "131010001".parse().unwrap(),
                requested_at: now,
                sequence: 1,
            }),
        );
        CardChannel::open(&self.reader).store(1, &certificate.into_der());
    }

    fn state(&self) -> CardState {
        with_card(&self.reader, |card| {
            Ok::<_, CardFault>(Personalisation::select(card)?.card_record()?.state)
        })
        .unwrap()
    }
}

/// Goes on until a phase, then stops for a reason.
struct Until(Option<(Phase, Ending)>, Mutex<Vec<Phase>>);

impl Until {
    fn end() -> Self {
        Self(None, Mutex::default())
    }
    fn stop(at: Phase, ending: Ending) -> Self {
        Self(Some((at, ending)), Mutex::default())
    }
}

impl Progress for Until {
    fn reached(&self, phase: Phase, _: usize, _: usize) -> Result<(), Ending> {
        self.1.lock().unwrap().push(phase);
        match self.0 {
            Some((at, ending)) if at == phase => Err(ending),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_visit_ends_with_a_key_a_password_a_request_and_a_signed_record_on_the_card() {
    let bench = bench("visit-done");
    let visit = visit::open(&bench.tools()).unwrap();
    assert_eq!(
        visit,
        Visit {
            card: CARD,
            visit: VISIT,
            kind: CertificateKind::Signature,
        }
    );
    let progress = Until::end();
    let record = bench.generate("ABC123", &progress).unwrap();
    assert_eq!(progress.1.lock().unwrap().last(), Some(&Phase::Finishing));
    assert_eq!(bench.state(), CardState::KeyStored);

    let (request, carried) = with_card(&bench.reader, |card| {
        let mut application = Personalisation::select(card)?;
        Ok::<_, CardFault>((application.request()?, application.kiosk_record()?))
    })
    .unwrap();
    assert_eq!(carried.unwrap(), record);
    let request = parse_card_request(&request.unwrap()).unwrap();
    assert_eq!(request.visit, VISIT);

    // The card signs with the key that the request names.
    let message = b"a message of the resident";
    let signature = with_card(&bench.reader, |card| {
        let mut jpki = Jpki::select(card)?;
        assert_eq!(jpki.verify(b"WRONG1"), Err(CardFault::WrongPassword(4)));
        jpki.verify(b"ABC123")?;
        jpki.sign(&terminal::hash::sha256(&[message]))
    })
    .unwrap();
    request
        .public_key
        .verify(SignatureAlgorithm::RsaPkcs1Sha256, message, &signature)
        .unwrap();

    // The record is signed with the kiosk's enrolled key.
    let text = String::from_utf8(record).unwrap();
    let (json, _) = text.split_once('\n').unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["kiosk"], "13101K001");
    assert_eq!(json["erased"], true);
    assert_eq!(
        json["spki_sha256"],
        hex::encode(request.public_key.sha256())
    );
}

#[test]
fn a_card_pulled_before_any_command_leaves_nothing_and_the_visit_can_begin_again() {
    let first = bench("visit-count");
    first.reader.on_command(|_| {});
    first.generate("ABC123", &Until::end()).unwrap();
    let commands = first.reader.commands();
    assert!(commands > 15, "{commands} commands");

    let bench = bench("visit-pulled");
    for n in 1..=commands {
        bench.reader.pull_before(n);
        let fault = bench.generate("ABC123", &Until::end()).unwrap_err();
        let problem = terminal::local::Problem::from(fault);
        assert_eq!(
            problem.document()["type"],
            "urn:jitsuin:problem:card-removed",
            "command {n}"
        );
        bench.reader.insert(&bench.memory);
        assert_eq!(bench.state(), CardState::Prepared, "command {n}");
    }
    bench.generate("ABC123", &Until::end()).unwrap();
    assert_eq!(bench.state(), CardState::KeyStored);
}

#[test]
fn cancelled_or_timed_out_the_visit_is_given_up_on_the_card_too() {
    for (name, phase, ending) in [
        ("cancel-early", Phase::SettingPassword, Ending::Cancelled),
        ("cancel-late", Phase::StoringKey, Ending::Cancelled),
        ("time-out", Phase::Recording, Ending::TimedOut),
        ("switch-off", Phase::Finishing, Ending::SwitchedOff),
    ] {
        let bench = bench(name);
        let stopped = bench.generate("ABC123", &Until::stop(phase, ending));
        assert!(matches!(stopped, Err(VisitFault::Stopped(e)) if e == ending));
        assert_eq!(bench.state(), CardState::Blank, "{name}");
        assert!(matches!(
            bench.generate("ABC123", &Until::end()),
            Err(VisitFault::NotPrepared(CardState::Blank))
        ));
    }
}

#[test]
fn a_card_for_another_kiosk_and_a_kiosk_with_another_master_are_told_apart() {
    let bench = bench("visit-other");
    let other = Tools {
        kiosk: "13101K002".parse().unwrap(),
        ..bench.tools()
    };
    assert!(matches!(visit::open(&other), Err(VisitFault::OtherKiosk(k)) if k == "13101K001"));
    let wrong = SealedMaster::new(&bench.folder.private_file("wrong", &[0x33; 32]));
    let stolen = Tools {
        master: &wrong,
        ..bench.tools()
    };
    assert!(matches!(visit::open(&stolen), Err(VisitFault::NotGenuine)));
    visit::open(&bench.tools()).unwrap();
}

#[test]
fn a_new_key_on_a_card_with_a_certificate_needs_the_present_password() {
    let bench = bench("visit-renewal");
    bench.generate("ABC123", &Until::end()).unwrap();
    bench.certify();
    assert_eq!(bench.state(), CardState::Certified);

    // Renewal: another visit.
    prepare(&bench.reader);
    let again = |old: Option<&str>| {
        let visit = visit::open(&bench.tools()).unwrap();
        let now = "2029-10-22T01:00:00Z".parse().unwrap();
        let old = old.map(Password::from);
        visit::generate(
            &bench.tools(),
            &visit,
            "NEW456".into(),
            old,
            &Until::end(),
            now,
        )
    };
    assert!(matches!(again(None), Err(VisitFault::OldPasswordNeeded)));
    let wrong = terminal::local::Problem::from(again(Some("WRONG1")).unwrap_err());
    assert_eq!(wrong.document()["tries_left"], 4);
    // Until the visit is finished the old key and its password stay.
    with_card(&bench.reader, |card| Jpki::select(card)?.verify(b"ABC123")).unwrap();
    again(Some("ABC123")).unwrap();
    assert_eq!(bench.state(), CardState::KeyStored);
    with_card(&bench.reader, |card| Jpki::select(card)?.verify(b"NEW456")).unwrap();
}

#[test]
fn the_password_is_changed_with_the_old_one_only() {
    let bench = bench("visit-change");
    bench.generate("ABC123", &Until::end()).unwrap();
    let change = |old: &str, new: &str| {
        let (old, new) = (Password::from(old), Password::from(new));
        visit::change_password(&bench.tools(), CertificateKind::Signature, &old, &new)
    };
    let wrong = terminal::local::Problem::from(change("WRONG1", "XYZ789").unwrap_err());
    assert_eq!(wrong.document()["tries_left"], 4);
    change("ABC123", "XYZ789").unwrap();
    with_card(&bench.reader, |card| Jpki::select(card)?.verify(b"XYZ789")).unwrap();
}
