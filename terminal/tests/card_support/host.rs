//! The host's side: SCP03, key wrap, and the steps of a visit.

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::cmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{AES_128 as WRAP_128, AesKek, KeyWrap, KeyWrapPadded};

use super::{KIOSK, Pair, card_keys, visit_id, visit_keys};

pub const JPKI: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
pub const PERSONALISATION: &[u8] = b"\xF0JITSUIN\x01";
pub const OPERATOR: &[u8] = b"\xF0JITSUIN\x02";

/// Why a step did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The card answered with this status word.
    Status(u16),
    /// The card is gone.
    Gone,
    /// What the card answered does not hold.
    Untrue(&'static str),
}

/// Something that takes a command to a card.
pub trait Reader {
    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Fault>;
}

/// One command; data when the status is 9000.
pub fn send(reader: &mut dyn Reader, apdu: &[u8]) -> Result<Vec<u8>, Fault> {
    let (data, status) = exchange(reader, apdu)?;
    if status == 0x9000 {
        Ok(data)
    } else {
        Err(Fault::Status(status))
    }
}

fn exchange(reader: &mut dyn Reader, apdu: &[u8]) -> Result<(Vec<u8>, u16), Fault> {
    let mut answer = reader.transmit(apdu)?;
    let (sw2, sw1) = (answer.pop(), answer.pop());
    let (Some(sw1), Some(sw2)) = (sw1, sw2) else {
        return Err(Fault::Untrue("an answer has a status word"));
    };
    Ok((answer, u16::from_be_bytes([sw1, sw2])))
}

/// A command with data in the short form.
pub fn apdu(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    assert!(!data.is_empty() && data.len() < 256);
    [&header[..], &[data.len() as u8], data].concat()
}

pub fn select(reader: &mut dyn Reader, aid: &[u8]) -> Result<(), Fault> {
    let mut command = apdu([0x00, 0xA4, 0x04, 0x00], aid);
    command.push(0);
    send(reader, &command).map(drop)
}

/// A static key set.
#[derive(Clone)]
pub struct StaticKeys {
    pub kvn: u8,
    pub enc: [u8; 16],
    pub mac: [u8; 16],
    pub dek: [u8; 16],
}

fn mac(key: &[u8; 16], data: &[u8]) -> [u8; 16] {
    let key = cmac::Key::new(cmac::AES_128, key).expect("16 bytes");
    cmac::sign(&key, data)
        .expect("CMAC")
        .as_ref()
        .try_into()
        .expect("16 bytes")
}

fn ecb(key: &[u8; 16], mut block: [u8; 16]) -> [u8; 16] {
    let key = UnboundCipherKey::new(&AES_128, key).expect("16 bytes");
    EncryptingKey::ecb(key)
        .expect("ECB")
        .encrypt(&mut block)
        .expect("one block");
    block
}

fn cbc(key: &[u8; 16], iv: [u8; 16], data: &mut [u8], encrypt: bool) {
    let key = UnboundCipherKey::new(&AES_128, key).expect("16 bytes");
    let iv = FixedLength::from(iv);
    if encrypt {
        let cipher = EncryptingKey::cbc(key).expect("CBC");
        cipher
            .less_safe_encrypt(data, EncryptionContext::Iv128(iv))
            .expect("whole blocks");
    } else {
        let cipher = DecryptingKey::cbc(key).expect("CBC");
        cipher
            .decrypt(data, DecryptionContext::Iv128(iv))
            .expect("whole blocks");
    }
}

/// AES-KW of a key.
pub fn wrap_key(kek: &[u8; 16], key: &[u8; 16]) -> Vec<u8> {
    let mut out = [0; 24];
    AesKek::new(&WRAP_128, kek)
        .expect("16 bytes")
        .wrap(key, &mut out)
        .expect("wraps")
        .to_vec()
}

/// AES-KWP of anything.
pub fn wrap_padded(kek: &[u8; 16], data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; data.len().div_ceil(8) * 8 + 8];
    AesKek::new(&WRAP_128, kek)
        .expect("16 bytes")
        .wrap_with_padding(data, &mut out)
        .expect("wraps")
        .to_vec()
}

fn kdf(key: &[u8; 16], constant: u8, bits: u8, context: &[u8]) -> [u8; 16] {
    let mut input = vec![0; 11];
    input.extend([constant, 0, 0, bits, 1]);
    input.extend(context);
    mac(key, &input)
}

/// An open secure channel.
pub struct Channel<'a> {
    pub reader: &'a mut dyn Reader,
    enc: [u8; 16],
    mac: [u8; 16],
    rmac: [u8; 16],
    pub chaining: [u8; 16],
    pub counter: u128,
}

impl<'a> Channel<'a> {
    /// SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE.
    pub fn open(reader: &'a mut dyn Reader, keys: &StaticKeys) -> Result<Channel<'a>, Fault> {
        select(reader, PERSONALISATION)?;
        Channel::open_selected(reader, keys)
    }

    pub fn open_selected(
        reader: &'a mut dyn Reader,
        keys: &StaticKeys,
    ) -> Result<Channel<'a>, Fault> {
        let host_challenge = [7, 6, 5, 4, 3, 2, 1, 0];
        let mut command = apdu([0x80, 0x50, keys.kvn, 0x00], &host_challenge);
        command.push(0);
        let answer = send(reader, &command)?;
        if answer.len() != 29 || answer[10..13] != [keys.kvn, 0x03, 0x00] {
            return Err(Fault::Untrue("INITIALIZE UPDATE answers 29 bytes of SCP03"));
        }
        let context = [&host_challenge[..], &answer[13..21]].concat();
        let mut channel = Channel {
            reader,
            enc: kdf(&keys.enc, 0x04, 0x80, &context),
            mac: kdf(&keys.mac, 0x06, 0x80, &context),
            rmac: kdf(&keys.mac, 0x07, 0x80, &context),
            chaining: [0; 16],
            counter: 0,
        };
        if kdf(&channel.mac, 0x00, 0x40, &context)[..8] != answer[21..] {
            return Err(Fault::Untrue("the card does not have these keys"));
        }
        let cryptogram = kdf(&channel.mac, 0x01, 0x40, &context)[..8].to_vec();
        let command = channel.with_mac([0x84, 0x82, 0x33, 0x00], &cryptogram);
        send(channel.reader, &command)?;
        Ok(channel)
    }

    fn with_mac(&mut self, header: [u8; 4], body: &[u8]) -> Vec<u8> {
        let mut command = [&header[..], &[body.len() as u8 + 8], body].concat();
        self.chaining = mac(&self.mac, &[&self.chaining[..], &command].concat());
        command.extend(&self.chaining[..8]);
        command
    }

    /// The wrapped form of a command; counter and chaining move on.
    pub fn wrap(&mut self, ins: u8, p1: u8, p2: u8, data: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let mut body = data.to_vec();
        if !body.is_empty() {
            body.push(0x80);
            body.resize(body.len().div_ceil(16) * 16, 0);
            cbc(
                &self.enc,
                ecb(&self.enc, self.counter.to_be_bytes()),
                &mut body,
                true,
            );
        }
        self.with_mac([0x84, ins, p1, p2], &body)
    }

    /// One command through the channel; data when the status is 9000.
    pub fn send(&mut self, ins: u8, p1: u8, p2: u8, data: &[u8]) -> Result<Vec<u8>, Fault> {
        let command = self.wrap(ins, p1, p2, data);
        let (answer, status) = exchange(self.reader, &command)?;
        let protected = status == 0x9000 || matches!(status >> 8, 0x62 | 0x63);
        if !protected {
            assert!(answer.is_empty(), "errors go bare");
            return Err(Fault::Status(status));
        }
        let (body, tag) = answer
            .split_at_checked(answer.len().wrapping_sub(8))
            .ok_or(Fault::Untrue("R-MAC"))?;
        let expected = mac(
            &self.rmac,
            &[&self.chaining[..], body, &status.to_be_bytes()].concat(),
        );
        if expected[..8] != *tag {
            return Err(Fault::Untrue("R-MAC"));
        }
        let mut data = body.to_vec();
        if !data.is_empty() {
            let mut counter = self.counter.to_be_bytes();
            counter[0] = 0x80;
            cbc(&self.enc, ecb(&self.enc, counter), &mut data, false);
            let end = data
                .iter()
                .rposition(|b| *b == 0x80)
                .ok_or(Fault::Untrue("padding"))?;
            data.truncate(end);
        }
        if status == 0x9000 {
            Ok(data)
        } else {
            Err(Fault::Status(status))
        }
    }

    /// Data in numbered blocks of 200 bytes.
    pub fn send_blocks(&mut self, ins: u8, tag: u8, data: &[u8]) -> Result<(), Fault> {
        let blocks: Vec<_> = data.chunks(200).collect();
        for (number, block) in blocks.iter().enumerate() {
            let last = if number + 1 == blocks.len() { 0x80 } else { 0 };
            self.send(ins, tag | last, number as u8, block)?;
        }
        Ok(())
    }
}

/// PUT KEY's data for a visit.
pub fn visit_data(visit: u8) -> Vec<u8> {
    let (card, keys) = (card_keys(), visit_keys(visit));
    let mut data = visit_id(visit).to_vec();
    data.extend(KIOSK);
    let keys = [keys.enc, keys.mac, keys.dek];
    keys.iter()
        .for_each(|key| data.extend(wrap_key(&card.dek, key)));
    keys.iter()
        .for_each(|key| data.extend(&ecb(key, [1; 16])[..3]));
    data
}

/// The window prepares the card for a visit.
pub fn open_visit(reader: &mut dyn Reader, visit: u8) -> Result<(), Fault> {
    Channel::open(reader, &card_keys())?
        .send(0xD8, 0x30, 0x00, &visit_data(visit))
        .map(drop)
}

/// What the kiosk does, from the channel to FINISH; `old` is the password before a renewal.
pub fn kiosk_visit(
    reader: &mut dyn Reader,
    visit: u8,
    pair: &Pair,
    password: &[u8],
    old: Option<&[u8]>,
) -> Result<(), Fault> {
    let keys = visit_keys(visit);
    let mut channel = Channel::open(reader, &keys)?;
    channel.send_blocks(0xDA, 0x01, &wrap_padded(&keys.dek, &pair.pkcs8))?;
    if let Some(old) = old {
        channel.send(0xDA, 0x05, 0x00, &wrap_padded(&keys.dek, old))?;
    }
    channel.send(0xDA, 0x02, 0x00, &wrap_padded(&keys.dek, password))?;
    let digest = channel.send(0x46, 0x00, 0x00, &[])?;
    if digest.len() != 32 {
        return Err(Fault::Untrue("MAKE REQUEST answers a SHA-256"));
    }
    channel.send_blocks(0xDA, 0x04, &kiosk_record(visit))?;
    channel.send(0x47, 0x00, 0x00, &[]).map(drop)
}

pub fn kiosk_record(visit: u8) -> Vec<u8> {
    format!(
        "{{\"version\":1,\"visit\":\"{}\"}}\n{}",
        hex::encode(visit_id(visit)),
        "A".repeat(300)
    )
    .into_bytes()
}

/// The window writes the certificate, and the same one as the CA's.
pub fn write_certificates(reader: &mut dyn Reader, certificate: &[u8]) -> Result<(), Fault> {
    let mut channel = Channel::open(reader, &card_keys())?;
    channel.send_blocks(0xE2, 0x01, certificate)?;
    channel.send_blocks(0xE2, 0x02, certificate)
}

pub struct CardRecord {
    pub card: [u8; 16],
    pub state: u8,
    pub generation: u8,
}

pub fn card_record(reader: &mut dyn Reader) -> Result<CardRecord, Fault> {
    select(reader, PERSONALISATION)?;
    let record = get_data(reader, 0x01)?;
    Ok(CardRecord {
        card: record[..16].try_into().expect("16 bytes"),
        state: record[16],
        generation: record[17],
    })
}

/// GET DATA with an extended Le.
pub fn get_data(reader: &mut dyn Reader, object: u8) -> Result<Vec<u8>, Fault> {
    send(reader, &[0x80, 0xCA, 0x00, object, 0, 0, 0])
}

pub fn select_file(reader: &mut dyn Reader, file: u16) -> Result<(), Fault> {
    send(reader, &apdu([0x00, 0xA4, 0x02, 0x0C], &file.to_be_bytes())).map(drop)
}

/// SELECT the application and its password file, VERIFY.
pub fn verify(reader: &mut dyn Reader, password: &[u8]) -> Result<(), Fault> {
    select(reader, JPKI)?;
    select_file(reader, 0x001B)?;
    send(reader, &apdu([0x00, 0x20, 0x00, 0x80], password)).map(drop)
}

/// COMPUTE on the signature key.
pub fn compute(reader: &mut dyn Reader, p1: u8, data: &[u8]) -> Result<Vec<u8>, Fault> {
    select_file(reader, 0x001A)?;
    let mut command = apdu([0x80, 0x2A, p1, 0x80], data);
    command.push(0);
    send(reader, &command)
}

/// A whole file, by 256 bytes as readers do.
pub fn read_file(reader: &mut dyn Reader, file: u16) -> Result<Vec<u8>, Fault> {
    select_file(reader, file)?;
    let mut content = Vec::new();
    loop {
        let [high, low] = (content.len() as u16).to_be_bytes();
        match send(reader, &[0x00, 0xB0, high, low, 0x00]) {
            Ok(block) => content.extend(block),
            Err(Fault::Status(0x6B00)) => return Ok(content),
            Err(fault) => return Err(fault),
        }
    }
}

/// EXTERNAL AUTHENTICATE with whatever these keys give.
pub fn force_authenticate(bench: &mut super::Bench, keys: &StaticKeys) -> Result<(), Fault> {
    select(&mut bench.card, PERSONALISATION)?;
    let mut command = apdu([0x80, 0x50, keys.kvn, 0], &[1; 8]);
    command.push(0);
    bench.send(&command)?;
    bench
        .send(&apdu([0x84, 0x82, 0x33, 0], &[keys.mac[0]; 16]))
        .map(drop)
}
