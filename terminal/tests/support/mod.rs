//! A card in software behind the reader port, in this process, and the gateway's
//! side of its personalisation.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pki_core::card_channel::{
    BLOCK, Command, KEY_VERSION_CARD, KeySet, PERSONALISATION_AID, Scp03Channel, Scp03Host, kdf,
    wrap,
};
use terminal::card::{CardFault, Connection, Presence, Reader};
use terminal::virtual_card::{self, AesKey, Card, Id, SharedMemory};
use zeroize::Zeroizing;

pub const CARD: [u8; 16] = [0xC4; 16];
pub const VISIT: [u8; 16] = [0x71; 16];
pub const KIOSK: &[u8; 9] = b"13101K001";
pub fn kiosk_id() -> pki_core::id::KioskId {
    std::str::from_utf8(KIOSK).unwrap().parse().unwrap()
}
pub const CARD_MASTER: [u8; 32] = [0x11; 32];
pub const KIOSK_MASTER: [u8; 32] = [0x22; 32];

/// A reader with at most one card, shared by all its clones.
#[derive(Clone)]
pub struct TestReader(Arc<Shared>);

type Hear = Box<dyn Fn(usize) + Send>;

struct Shared {
    card: Mutex<Option<Card>>,
    /// Pulls the card before the command with this number (counted down), if not 0.
    pull_in: AtomicUsize,
    /// Called with each command.
    heard: Mutex<Option<Hear>>,
    commands: AtomicUsize,
}

impl TestReader {
    pub fn empty() -> Self {
        Self(Arc::new(Shared {
            card: Mutex::new(None),
            pull_in: AtomicUsize::new(0),
            heard: Mutex::new(None),
            commands: AtomicUsize::new(0),
        }))
    }

    pub fn with(memory: &SharedMemory) -> Self {
        let reader = Self::empty();
        reader.insert(memory);
        reader
    }

    pub fn insert(&self, memory: &SharedMemory) {
        let card = Card::start(Box::new(memory.clone())).expect("the image is a card");
        *self.0.card.lock().unwrap() = Some(card);
    }

    pub fn remove(&self) {
        *self.0.card.lock().unwrap() = None;
    }

    /// Pulls the card before the `n`th command from now.
    pub fn pull_before(&self, n: usize) {
        self.0.pull_in.store(n, Ordering::SeqCst);
    }

    /// Calls `hear` with the number of each command, before it is answered.
    pub fn on_command(&self, hear: impl Fn(usize) + Send + 'static) {
        self.0.commands.store(0, Ordering::SeqCst);
        *self.0.heard.lock().unwrap() = Some(Box::new(hear));
    }

    pub fn commands(&self) -> usize {
        self.0.commands.load(Ordering::SeqCst)
    }
}

impl Reader for TestReader {
    fn name(&self) -> String {
        "test reader".to_owned()
    }

    fn presence(&self) -> Result<Presence, CardFault> {
        let card = self.0.card.lock().unwrap();
        Ok(if card.is_some() {
            Presence::Card
        } else {
            Presence::Empty
        })
    }

    fn connect(&self) -> Result<Box<dyn Connection>, CardFault> {
        match self.0.card.lock().unwrap().as_mut() {
            None => Err(CardFault::NoCard),
            Some(card) => {
                card.reset();
                Ok(Box::new(TestConnection(self.clone())))
            }
        }
    }
}

struct TestConnection(TestReader);

impl Connection for TestConnection {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardFault> {
        let shared = &self.0.0;
        let number = shared.commands.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(hear) = shared.heard.lock().unwrap().as_ref() {
            hear(number);
        }
        let due = shared.pull_in.load(Ordering::SeqCst);
        if due > 0 {
            shared.pull_in.store(due - 1, Ordering::SeqCst);
            if due == 1 {
                self.0.remove();
            }
        }
        match shared.card.lock().unwrap().as_mut() {
            None => Err(CardFault::Removed),
            Some(card) => Ok(Zeroizing::new(card.process(command))),
        }
    }
}

impl Drop for TestConnection {
    fn drop(&mut self) {
        if let Some(card) = self.0.0.card.lock().unwrap().as_mut() {
            card.reset();
        }
    }
}

pub fn card_keys() -> KeySet {
    let cmac = |m: &[u8]| Ok::<_, std::convert::Infallible>(kdf::cmac_aes_256(&CARD_MASTER, m));
    let Ok(keys) = kdf::card_keys(cmac, &CARD);
    keys
}

pub fn visit_keys() -> KeySet {
    let cmac = |m: &[u8]| Ok::<_, std::convert::Infallible>(kdf::cmac_aes_256(&KIOSK_MASTER, m));
    let Ok(keys) = kdf::visit_keys(cmac, KIOSK, &CARD, &VISIT);
    keys
}

/// A blank resident's card.
pub fn blank_card() -> SharedMemory {
    let keys = card_keys();
    let key = |k: &pki_core::card_channel::Key128| AesKey::from(*k.expose());
    let set = virtual_card::KeySet {
        enc: key(&keys.enc),
        mac: key(&keys.mac),
        dek: key(&keys.dek),
    };
    let image = virtual_card::blank_resident(Id(CARD), set);
    SharedMemory::new(&virtual_card::factory_image(&image).unwrap())
}

/// The gateway's channel to the card in a reader.
pub struct CardChannel {
    connection: Box<dyn Connection>,
    channel: Scp03Channel,
}

impl CardChannel {
    pub fn open(reader: &TestReader) -> Self {
        let mut connection = reader.connect().unwrap();
        let select = Command::new(0, 0xA4, 4, 0)
            .with_data(&PERSONALISATION_AID)
            .with_le(256);
        connection.transmit(&select.to_bytes()).unwrap();
        let (host, command) = Scp03Host::begin(KEY_VERSION_CARD, &card_keys(), [9; 8]);
        let answer = connection.transmit(&command).unwrap();
        let (opening, command) = host.answer(&answer).unwrap();
        let answer = connection.transmit(&command).unwrap();
        Self {
            channel: opening.confirm(&answer).unwrap(),
            connection,
        }
    }

    pub fn send(&mut self, command: Command) {
        let wrapped = self.channel.wrap(&command).unwrap();
        let answer = self.connection.transmit(&wrapped).unwrap();
        self.channel.unwrap(&answer).unwrap();
    }

    pub fn store(&mut self, file: u8, data: &[u8]) {
        let blocks: Vec<&[u8]> = data.chunks(BLOCK).collect();
        for (i, block) in blocks.iter().enumerate() {
            let last = if i + 1 == blocks.len() { 0x80 } else { 0 };
            self.send(Command::new(0x80, 0xE2, file | last, i as u8).with_data(block));
        }
    }
}

/// What PUT KEY carries: the visit and its keys (`docs/card-interface.md` §3.1).
pub fn put_key() -> Command {
    let (card, visit) = (card_keys(), visit_keys());
    let mut data = VISIT.to_vec();
    data.extend_from_slice(KIOSK);
    for key in [&visit.enc, &visit.mac, &visit.dek] {
        data.extend(wrap::kw_wrap(&card.dek, key.expose()).unwrap());
    }
    for key in [&visit.enc, &visit.mac, &visit.dek] {
        data.extend(key.check_value());
    }
    Command::new(0x80, 0xD8, 0x30, 0).with_data(&data)
}

/// Opens the visit on the card in a reader, as the gateway does.
pub fn prepare(reader: &TestReader) {
    CardChannel::open(reader).send(put_key());
}

/// A folder of this test's own, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("jitsuin-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn private_file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        terminal::files::write_private(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
