//! A window with its clerk signed in, cards in software, and the kiosk beside it.
#![allow(dead_code)]

use std::sync::Arc;

use pki_core::certificate::pem;
use pki_core::certificate::request::parse_party_request;
use pki_core::id::ApplicationId;
use pki_core::id::Sha256Digest;
use terminal::counter::app::Parts;
use terminal::counter::{Counter, CounterConfig};
use terminal::kiosk::master::SealedMaster;
use terminal::kiosk::steps::{Ending, Phase};
use terminal::kiosk::visit::{self, Progress, Tools};
use terminal::party::{PartyKey, enrolment_request};
use terminal::virtual_card::{OperatorImage, SharedMemory};
use zeroize::Zeroizing;

use super::{ID, TestGateway};
use crate::support::{Folder, KIOSK_MASTER, TestReader, blank_card, kiosk_id};

pub const PIN: &str = "246810";
pub const PASSWORD: &str = "SAKURA2026";

pub struct Window {
    pub folder: Folder,
    pub gateway: TestGateway,
    pub resident: TestReader,
    pub operator: TestReader,
    pub operator_card: SharedMemory,
    pub card: SharedMemory,
    pub counter: Arc<Counter>,
}

pub fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

pub fn id() -> ApplicationId {
    ID.parse().unwrap()
}

/// A window with a signed-in clerk and an identified applicant's blank card.
pub fn window(name: &str) -> Window {
    let folder = Folder::new(name);
    let at = |file: &str| folder.0.join(file);
    enrolment_request("131010001", &at("terminal.key"), &at("terminal.csr")).unwrap();
    let request = std::fs::read_to_string(at("terminal.csr")).unwrap();
    let terminal = parse_party_request(&pem::decode(pem::REQUEST, &request).unwrap()).unwrap();
    let image = OperatorImage::new("13101-0001", PIN.as_bytes()).unwrap();
    let operator = parse_party_request(&image.request().unwrap()).unwrap();
    let image = terminal::virtual_card::Image::Operator(Box::new(image));
    let operator_card = SharedMemory::new(&terminal::virtual_card::factory_image(&image).unwrap());
    let gateway = TestGateway::new(terminal.public_key, operator.public_key);
    let card = blank_card();
    let resident = TestReader::with(&card);
    let operator = TestReader::with(&operator_card);
    let counter = counter(&folder, &gateway, &resident, &operator);
    counter.sign_in(&secret(PIN)).unwrap();
    Window {
        folder,
        gateway,
        resident,
        operator,
        operator_card,
        card,
        counter,
    }
}

pub fn counter(
    folder: &Folder,
    gateway: &TestGateway,
    resident: &TestReader,
    operator: &TestReader,
) -> Arc<Counter> {
    let certificate = folder.0.join("any.pem");
    let request = std::fs::read_to_string(folder.0.join("terminal.csr")).unwrap();
    let der = pem::decode(pem::REQUEST, &request).unwrap();
    std::fs::write(&certificate, pem::encode(pem::CERTIFICATE, &der)).unwrap();
    let file = folder.0.join("counter.toml");
    let text = "terminal = \"131010001\"\nlisten = \"127.0.0.1:0\"\nrecover_seconds = 1\n\
                [gateway]\nurl = \"https://127.0.0.1:1\"\ntrust = \"TRUST\"\n\
                certificate = \"any.pem\"\nkey = \"terminal.key\"\n\
                [readers]\nresident = \"A\"\noperator = \"B\"\n";
    // Of a CA: whether it is for training stands in its policies.
    let text = text.replace(
        "TRUST",
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../pki-core/tests/fixtures/jpki-sign-ca-cert.der"
        ),
    );
    std::fs::write(&file, text).unwrap();
    Counter::new(Parts {
        config: CounterConfig::read(&file).unwrap(),
        gateway: Box::new(gateway.clone()),
        resident_reader: Box::new(resident.clone()),
        operator_reader: Box::new(operator.clone()),
        key: PartyKey::read(&folder.0.join("terminal.key")).unwrap(),
    })
    .unwrap()
}

struct Straight;
impl Progress for Straight {
    fn reached(&self, _: Phase, _: usize, _: usize) -> Result<(), Ending> {
        Ok(())
    }
}

impl Window {
    /// The resident goes to the kiosk and comes back.
    pub fn at_the_kiosk(&self) {
        let tools = Tools {
            reader: &self.resident,
            kiosk: kiosk_id(),
            master: &SealedMaster::new(&self.folder.private_file("master", &KIOSK_MASTER)),
            key: &PartyKey::read(&self.folder.0.join("terminal.key")).unwrap(),
            software_sha256: Sha256Digest::from_bytes([0; 32]),
        };
        let visit = visit::open(&tools).unwrap();
        let now = jiff::Timestamp::now();
        visit::generate(&tools, &visit, PASSWORD.into(), None, &Straight, now).unwrap();
    }
}
