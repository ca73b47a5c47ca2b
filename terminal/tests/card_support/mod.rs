//! A small host for the card in software, written from AWS-LC's primitives
//! and the words of `docs/card-interface.md`; it shares nothing with the card.

#![allow(dead_code, reason = "each test program uses its part of the host")]

pub mod host;
pub mod judge;
pub mod opensc;

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use terminal::virtual_card::{
    AesKey, Card, Id, Image, KeySet, Memory, SharedMemory, blank_resident, factory_image,
};
use zeroize::Zeroizing;

use host::{Fault, Reader, StaticKeys};

pub const CARD: [u8; 16] = *b"card-0123456789a";
pub const KIOSK: &[u8; 9] = b"13101K001";
pub const PASSWORD: &[u8] = b"JITSUIN7";

/// The card's own keys (KVN 20), as the factory set them.
pub fn card_keys() -> StaticKeys {
    StaticKeys {
        kvn: 0x20,
        enc: [0x41; 16],
        mac: [0x42; 16],
        dek: [0x43; 16],
    }
}

/// Keys of a visit (KVN 30); different for each visit number.
pub fn visit_keys(visit: u8) -> StaticKeys {
    StaticKeys {
        kvn: 0x30,
        enc: [0x80 | visit << 2; 16],
        mac: [0x81 | visit << 2; 16],
        dek: [0x82 | visit << 2; 16],
    }
}

pub fn visit_id(visit: u8) -> [u8; 16] {
    [visit; 16]
}

/// A key pair of the resident, made outside the card.
pub struct Pair {
    pub pkcs8: Vec<u8>,
    pub public_key: Vec<u8>,
}

pub fn make_pair(size: KeySize) -> Pair {
    let pair = KeyPair::generate(size).expect("AWS-LC makes keys");
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
    pair_of(pkcs8.as_ref())
}

pub fn pair_of(pkcs8: &[u8]) -> Pair {
    let pair = KeyPair::from_pkcs8(pkcs8).expect("PKCS#8");
    let public_key: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("SPKI");
    Pair {
        pkcs8: pkcs8.to_vec(),
        public_key: public_key.as_ref().to_vec(),
    }
}

/// Two pairs that all tests of a program share; making them takes a while.
pub fn first_pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| make_pair(KeySize::Rsa2048))
}

pub fn second_pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| make_pair(KeySize::Rsa2048))
}

/// The image of a blank resident's card.
pub fn blank_image() -> Image {
    let keys = card_keys();
    let keys = KeySet {
        enc: AesKey::from(keys.enc),
        mac: AesKey::from(keys.mac),
        dek: AesKey::from(keys.dek),
    };
    blank_resident(Id(CARD), keys)
}

/// A card on memory that outlives it.
pub struct Bench {
    pub memory: SharedMemory,
    pub card: Card,
}

impl Bench {
    pub fn blank() -> Bench {
        Bench::of(&blank_image())
    }

    pub fn of(image: &Image) -> Bench {
        Bench::on(SharedMemory::new(&factory_image(image).expect("encodes")))
    }

    pub fn on(memory: SharedMemory) -> Bench {
        let card = Card::start(Box::new(memory.clone())).expect("starts");
        Bench { memory, card }
    }

    /// A card with `pair`, its certificate and [`PASSWORD`], as a whole visit leaves it.
    pub fn certified(pair: &Pair) -> (Bench, Vec<u8>) {
        let mut bench = Bench::blank();
        let certificate = judge::self_signed(&pair.pkcs8);
        host::open_visit(&mut bench.card, 1).expect("prepared");
        host::kiosk_visit(&mut bench.card, 1, pair, PASSWORD, None).expect("key stored");
        host::write_certificates(&mut bench.card, &certificate).expect("certified");
        (bench, certificate)
    }

    /// The power goes and comes back.
    pub fn power_cycle(&mut self) {
        self.card = Card::start(Box::new(self.memory.clone())).expect("starts again");
    }

    /// One command in the clear: data, or the status word.
    pub fn send(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Fault> {
        host::send(&mut self.card, apdu)
    }

    pub fn state(&mut self) -> u8 {
        host::card_record(&mut self.card).expect("free data").state
    }
}

impl Reader for Card {
    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Fault> {
        Ok(self.process(apdu))
    }
}

/// How a write goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing was written.
    NotDone,
    /// It was written, and nobody was told.
    DoneUnseen,
}

/// Memory whose n-th write goes wrong once.
#[derive(Clone)]
pub struct FaultyMemory {
    pub inner: SharedMemory,
    pub left: Arc<Mutex<Option<usize>>>,
    pub wrong: Wrong,
}

impl Memory for FaultyMemory {
    fn read(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
        self.inner.read()
    }

    fn write(&mut self, image: &[u8]) -> io::Result<()> {
        let mut left = self.left.lock().expect("one thread");
        match *left {
            Some(0) => {
                *left = None;
                if self.wrong == Wrong::DoneUnseen {
                    self.inner.write(image)?;
                }
                Err(io::Error::other("the memory gave way"))
            }
            Some(n) => {
                *left = Some(n - 1);
                self.inner.write(image)
            }
            None => self.inner.write(image),
        }
    }
}
