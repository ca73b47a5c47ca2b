//! The wire between a card in software and its virtual reader: slowed down at will,
//! and listened to with the visit keys, which this test knows.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use pki_core::card_channel::{Key128, wrap};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PrivateKeyParts;

use crate::support::visit_keys;

/// The secret numbers of an RSA key, big-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct Numbers {
    d: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Numbers(..)")
    }
}

impl Numbers {
    pub fn from_pkcs8(der: &[u8]) -> Self {
        let key = rsa::RsaPrivateKey::from_pkcs8_der(der).unwrap();
        let mut primes: Vec<Vec<u8>> = key.primes().iter().map(|p| p.to_bytes_be()).collect();
        primes.sort();
        let [p, q] = primes.try_into().unwrap();
        Self {
            d: key.d().to_bytes_be(),
            p,
            q,
        }
    }

    /// Parts of each number, 32 bytes long, as they lie in memory: big-endian, and
    /// little-endian as limbs do.
    pub fn needles(&self) -> Vec<(&'static str, Vec<Vec<u8>>)> {
        [("d", &self.d), ("p", &self.p), ("q", &self.q)]
            .into_iter()
            .map(|(name, big)| {
                let little: Vec<u8> = big.iter().rev().copied().collect();
                let parts = [big, &little]
                    .into_iter()
                    .flat_map(|number| number.chunks_exact(32).map(<[u8]>::to_vec))
                    .collect();
                (name, parts)
            })
            .collect()
    }
}

#[derive(Default)]
struct Shared {
    pause_ms: AtomicU64,
    /// What `pause_ms` becomes at the end of the import, when not zero.
    pause_then_ms: AtomicU64,
    imported: AtomicBool,
    heard: Mutex<Heard>,
}

/// Every command with its answer, in order.
#[derive(Default)]
struct Heard(Vec<(Vec<u8>, Vec<u8>)>);

/// A relay between card and reader.
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

impl Wire {
    /// Relays each card that connects to the reader at `reader`.
    pub fn start(reader: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let for_cards = Arc::clone(&shared);
        std::thread::spawn(move || {
            for card in listener.incoming().flatten() {
                let Ok(reader) = TcpStream::connect(("127.0.0.1", reader)) else {
                    continue;
                };
                let shared = Arc::clone(&for_cards);
                std::thread::spawn(move || relay(&card, &reader, &shared));
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, how long the card takes for an answer.
    pub fn slow(&self, pause: Duration) {
        self.shared
            .pause_ms
            .store(pause.as_millis() as u64, Ordering::SeqCst);
    }

    /// Once the whole key has gone over: how long the card takes for an answer. Told beforehand, so that it
    /// holds from the very next command on, however late the test looks.
    pub fn slow_once_imported(&self, pause: Duration) {
        self.shared
            .pause_then_ms
            .store(pause.as_millis() as u64, Ordering::SeqCst);
    }

    /// Whether the last block of a private key has gone to the card.
    pub fn imported(&self) -> bool {
        self.shared.imported.load(Ordering::SeqCst)
    }

    /// The numbers of the key that went over the wire.
    pub fn numbers(&self) -> Numbers {
        let heard = self.shared.heard.lock().unwrap();
        Numbers::from_pkcs8(&decrypt_import(&heard.0))
    }
}

/// Message by message: the reader speaks, the card answers (but to power and reset).
fn relay(mut card: &TcpStream, mut reader: &TcpStream, shared: &Shared) -> Option<()> {
    loop {
        let command = message(&mut reader)?;
        let is_apdu = command.len() > 1;
        if is_apdu {
            std::thread::sleep(Duration::from_millis(
                shared.pause_ms.load(Ordering::SeqCst),
            ));
        }
        let gone = send(&mut card, &command).is_none();
        if gone {
            break;
        }
        if command.len() == 1 && command[0] != 4 {
            continue;
        }
        let Some(answer) = message(&mut card) else {
            break;
        };
        let last_block = is_apdu && command.starts_with(&[0x84, 0xDA, 0x81]);
        let then = shared.pause_then_ms.load(Ordering::SeqCst);
        if last_block && then > 0 {
            shared.pause_ms.store(then, Ordering::SeqCst);
        }
        send(&mut reader, &answer)?;
        if is_apdu {
            shared.heard.lock().unwrap().0.push((command, answer));
            if last_block {
                shared.imported.store(true, Ordering::SeqCst);
            }
        }
    }
    // The card was taken out: so it is for the reader.
    let _ = reader.shutdown(std::net::Shutdown::Both);
    None
}

fn message(stream: &mut &TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn send(stream: &mut &TcpStream, body: &[u8]) -> Option<()> {
    let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes).ok()
}

/// Follows the last channel in what was heard and unwraps the key that was imported.
fn decrypt_import(heard: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let keys = visit_keys();
    let mut session: Option<Aes128> = None;
    let mut counter = 0_u32;
    let mut wrapped = Vec::new();
    for (command, answer) in heard {
        match command[..] {
            [0x80, 0x50, 0x30, ..] => {
                let mut input = [0; 32];
                input[11] = 0x04;
                input[14] = 0x80;
                input[15] = 1;
                input[16..24].copy_from_slice(&command[5..13]);
                input[24..].copy_from_slice(&answer[13..21]);
                let key = Key128::cmac(&keys.enc, &input);
                session = Some(Aes128::new(&GenericArray::from(key)));
                (counter, wrapped) = (0, Vec::new());
            }
            [0x84, 0x82, ..] => {}
            [0x84, ins, p1, ..] => {
                counter += 1;
                if ins == 0xDA && p1 & 0x7F == 0x01 {
                    let length = usize::from(command[4]) - 8;
                    let cipher = session.as_ref().expect("a channel was opened");
                    wrapped.extend(decrypt(cipher, counter, &command[5..5 + length]));
                }
            }
            _ => {}
        }
    }
    wrap::kwp_unwrap(&keys.dek, &wrapped).unwrap().to_vec()
}

/// Command data of SCP03: CBC from the encrypted counter, padding `80 00 …` taken off.
fn decrypt(cipher: &Aes128, counter: u32, data: &[u8]) -> Vec<u8> {
    let mut chain = GenericArray::from([0; 16]);
    chain[12..].copy_from_slice(&counter.to_be_bytes());
    cipher.encrypt_block(&mut chain);
    let mut plain = Vec::new();
    for block in data.chunks_exact(16) {
        let mut out = GenericArray::clone_from_slice(block);
        cipher.decrypt_block(&mut out);
        plain.extend(out.iter().zip(&chain).map(|(a, b)| a ^ b));
        chain = GenericArray::clone_from_slice(block);
    }
    let end = plain.iter().rposition(|&b| b == 0x80).expect("padding");
    plain.truncate(end);
    plain
}
