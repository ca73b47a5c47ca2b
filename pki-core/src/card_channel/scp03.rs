//! GlobalPlatform SCP03 (Amendment D v1.1.2), host side: AES-128, S8 mode, security
//! level `33` (C-DECRYPTION, C-MAC, R-MAC, R-ENCRYPTION).
//!
//! Three types, each made from the one before, so that a command can only go out on
//! a channel on which both sides have shown their keys. A wrong cryptogram or MAC
//! ends the channel for good: the next one starts with new challenges.

use std::collections::VecDeque;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::apdu::{Command, Response, encode_lc};
use super::key::{Key128, KeySet};

/// Security level: C-MAC, C-DECRYPTION, R-MAC, R-ENCRYPTION (Amendment D table 7-6).
pub const SECURITY_LEVEL: u8 = 0x33;
/// Longest plain data of one wrapped command: with padding and C-MAC it fits the
/// extended form.
const LONGEST: usize = 65_000;
/// Session counters run up to 2^24 in practice; far below, a new channel is opened.
const MOST_COMMANDS: u32 = 1 << 20;

/// Why a channel did not open, or ended, or a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChannelFault {
    /// The card refused a command; the channel goes on. `6982`, `6A80` …
    #[error("the card answered {0:04X}")]
    Status(u16),
    /// INITIALIZE UPDATE was refused: no such key version, or the key set is blocked (`6983`).
    #[error("the card opens no channel with this key version ({0:04X})")]
    NoKeySet(u16),
    /// The answer does not have the form of `docs/card-interface.md` §3.
    #[error("the card's answer does not have the form of SCP03")]
    Form,
    /// The card does not know the keys: a foreign card, or keys of another master.
    #[error("the card's cryptogram is wrong: not a card of this key set")]
    Cryptogram,
    /// The card refused our cryptogram (EXTERNAL AUTHENTICATE); the status word tells.
    #[error("the card refused the host's cryptogram ({0:04X})")]
    Refused(u16),
    /// An answer's MAC is wrong; the channel has ended.
    #[error("an answer's authentication code is wrong; the channel has ended")]
    Mac,
    /// The channel ended earlier, or an answer came to no command.
    #[error("the channel has ended")]
    Ended,
    /// The command's data is longer than one command carries.
    #[error("the command's data is too long")]
    TooLong,
}

/// Derivation constants of Amendment D table 4-1.
#[derive(Clone, Copy)]
enum Constant {
    CardCryptogram = 0x00,
    HostCryptogram = 0x01,
    SEnc = 0x04,
    SMac = 0x06,
    SRmac = 0x07,
}

/// Data derivation of Amendment D §4.1.5: eleven zero bytes, the constant, a zero
/// byte, the length in bits, the counter, the context.
fn derive(key: &Key128, constant: Constant, bits: u16, context: &[u8; 16]) -> [u8; 16] {
    let mut input = [0; 32];
    input[11] = constant as u8;
    input[13..15].copy_from_slice(&bits.to_be_bytes());
    input[15] = 1;
    input[16..].copy_from_slice(context);
    key.cmac(&input)
}

fn cryptogram(mac: &Key128, constant: Constant, context: &[u8; 16]) -> [u8; 8] {
    let block = derive(mac, constant, 64, context);
    std::array::from_fn(|i| block[i])
}

/// The host after INITIALIZE UPDATE went out.
pub struct Scp03Host {
    keys: KeySet,
    key_version: u8,
    host_challenge: [u8; 8],
}

impl Scp03Host {
    /// Starts a channel: the INITIALIZE UPDATE for the card. `host_challenge` is
    /// random and used once.
    pub fn begin(key_version: u8, keys: &KeySet, host_challenge: [u8; 8]) -> (Self, Vec<u8>) {
        let apdu = Command::new(0x80, 0x50, key_version, 0)
            .with_data(&host_challenge)
            .with_le(256)
            .to_bytes();
        let host = Self {
            keys: keys.clone(),
            key_version,
            host_challenge,
        };
        (host, apdu)
    }

    /// Takes the card's answer, checks that the card knows the keys, and gives the
    /// EXTERNAL AUTHENTICATE.
    ///
    /// # Errors
    /// [`ChannelFault::NoKeySet`], [`ChannelFault::Form`], [`ChannelFault::Cryptogram`].
    pub fn answer(self, response: &[u8]) -> Result<(Opening, Vec<u8>), ChannelFault> {
        let response = Response::parse(response).ok_or(ChannelFault::Form)?;
        if !response.is_ok() {
            return Err(ChannelFault::NoKeySet(response.sw));
        }
        // diversification (10), key version, 03, i = 00, card challenge (8), cryptogram (8)
        let data: &[u8; 29] = response
            .data
            .as_slice()
            .try_into()
            .map_err(|_| ChannelFault::Form)?;
        if data[10] != self.key_version || data[11] != 0x03 || data[12] != 0x00 {
            return Err(ChannelFault::Form);
        }
        let mut context = [0; 16];
        context[..8].copy_from_slice(&self.host_challenge);
        context[8..].copy_from_slice(&data[13..21]);

        let session = |key, constant| Key128::from(derive(key, constant, 128, &context));
        let s_enc = session(&self.keys.enc, Constant::SEnc);
        let s_mac = session(&self.keys.mac, Constant::SMac);
        let s_rmac = session(&self.keys.mac, Constant::SRmac);

        let expected = cryptogram(&s_mac, Constant::CardCryptogram, &context);
        if !bool::from(expected.ct_eq(&data[21..29])) {
            return Err(ChannelFault::Cryptogram);
        }
        let mut channel = Scp03Channel {
            s_enc,
            s_mac,
            s_rmac,
            chaining: [0; 16],
            counter: 0,
            due: VecDeque::new(),
            ended: false,
        };
        let host = cryptogram(&channel.s_mac, Constant::HostCryptogram, &context);
        let mut apdu = Command::new(0x84, 0x82, SECURITY_LEVEL, 0).with_data(&host);
        channel.append_mac(&mut apdu);
        Ok((Opening(channel), apdu.to_bytes()))
    }
}

/// The host after EXTERNAL AUTHENTICATE went out.
pub struct Opening(Scp03Channel);

impl Opening {
    /// Takes the answer to EXTERNAL AUTHENTICATE.
    ///
    /// # Errors
    /// [`ChannelFault::Refused`] with the status word, [`ChannelFault::Form`].
    pub fn confirm(self, response: &[u8]) -> Result<Scp03Channel, ChannelFault> {
        let response = Response::parse(response).ok_or(ChannelFault::Form)?;
        match response.sw {
            0x9000 if response.data.is_empty() => Ok(self.0),
            0x9000 => Err(ChannelFault::Form),
            sw => Err(ChannelFault::Refused(sw)),
        }
    }
}

/// An open channel. Several commands may be wrapped before the first answer is in
/// (one round trip through a relay); answers are taken in the same order.
pub struct Scp03Channel {
    s_enc: Key128,
    s_mac: Key128,
    s_rmac: Key128,
    /// MAC chaining value: the whole last C-MAC.
    chaining: [u8; 16],
    /// Encryption counter: the number of the last command on this channel.
    counter: u32,
    /// What the answers still to come are checked with: the chaining value and the
    /// counter of their commands.
    due: VecDeque<([u8; 16], u32)>,
    ended: bool,
}

impl std::fmt::Debug for Scp03Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scp03Channel")
            .field("commands", &self.counter)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Drop for Scp03Channel {
    fn drop(&mut self) {
        self.chaining.zeroize();
    }
}

impl Scp03Channel {
    /// Encrypts and authenticates a command (Amendment D §6.2.4, §6.2.6).
    ///
    /// # Errors
    /// [`ChannelFault::Ended`], [`ChannelFault::TooLong`].
    pub fn wrap(&mut self, command: &Command) -> Result<Vec<u8>, ChannelFault> {
        if self.ended || self.counter >= MOST_COMMANDS {
            return Err(ChannelFault::Ended);
        }
        if command.data.len() > LONGEST {
            return Err(ChannelFault::TooLong);
        }
        self.counter += 1;
        let mut wrapped = Command::new(command.cla | 0x04, command.ins, command.p1, command.p2);
        wrapped.le = command.le;
        if !command.data.is_empty() {
            let mut data = Zeroizing::new(pad(&command.data));
            self.s_enc.encrypt_cbc(self.initial(0x00), &mut data);
            wrapped.data = data.to_vec();
        }
        self.append_mac(&mut wrapped);
        self.due.push_back((self.chaining, self.counter));
        Ok(wrapped.to_bytes())
    }

    /// Checks and decrypts the answer to the oldest command still open.
    ///
    /// # Errors
    /// [`ChannelFault::Status`] when the card refused the command (errors carry no
    /// MAC, Amendment D §6.2.5); [`ChannelFault::Mac`] or [`ChannelFault::Form`] end
    /// the channel.
    pub fn unwrap(&mut self, response: &[u8]) -> Result<Zeroizing<Vec<u8>>, ChannelFault> {
        if self.ended {
            return Err(ChannelFault::Ended);
        }
        let (chaining, counter) = self.due.pop_front().ok_or(ChannelFault::Ended)?;
        let opened = self.open(response, chaining, counter);
        if matches!(opened, Err(ChannelFault::Mac | ChannelFault::Form)) {
            self.ended = true;
        }
        opened
    }

    /// Ends the channel from the host's side: nothing more is wrapped or taken.
    pub fn end(&mut self) {
        self.ended = true;
    }

    fn open(
        &self,
        response: &[u8],
        chaining: [u8; 16],
        counter: u32,
    ) -> Result<Zeroizing<Vec<u8>>, ChannelFault> {
        let (body, sw) = response.split_last_chunk::<2>().ok_or(ChannelFault::Form)?;
        let status = u16::from_be_bytes(*sw);
        let warned_with_mac = matches!(sw[0], 0x62 | 0x63) && !body.is_empty();
        if status != 0x9000 && !warned_with_mac {
            return Err(ChannelFault::Status(status));
        }
        let (data, mac) = body.split_last_chunk::<8>().ok_or(ChannelFault::Form)?;
        let mut input = Vec::with_capacity(16 + data.len() + 2);
        input.extend_from_slice(&chaining);
        input.extend_from_slice(data);
        input.extend_from_slice(sw);
        let expected = self.s_rmac.cmac(&input);
        if !bool::from(expected[..8].ct_eq(mac)) {
            return Err(ChannelFault::Mac);
        }
        if status != 0x9000 {
            return Err(ChannelFault::Status(status));
        }
        if data.is_empty() {
            return Ok(Zeroizing::new(Vec::new()));
        }
        if !data.len().is_multiple_of(16) {
            return Err(ChannelFault::Form);
        }
        let mut plain = Zeroizing::new(data.to_vec());
        self.s_enc
            .decrypt_cbc(self.initial_of(counter, 0x80), &mut plain);
        let end = plain
            .iter()
            .rposition(|&b| b != 0)
            .filter(|&i| plain[i] == 0x80)
            .ok_or(ChannelFault::Form)?;
        plain.truncate(end);
        Ok(plain)
    }

    /// C-MAC over the chaining value, the header, the length with the MAC counted in,
    /// and the data; its first eight bytes are appended (§6.2.4).
    fn append_mac(&mut self, command: &mut Command) {
        let length = command.data.len() + 8;
        let extended = length > 255 || command.le.is_some_and(|le| le > 256);
        let mut input = Vec::with_capacity(16 + 7 + command.data.len());
        input.extend_from_slice(&self.chaining);
        input.extend_from_slice(&command.header());
        input.extend_from_slice(&encode_lc(length, extended));
        input.extend_from_slice(&command.data);
        self.chaining = self.s_mac.cmac(&input);
        command.data.extend_from_slice(&self.chaining[..8]);
    }

    fn initial(&self, direction: u8) -> [u8; 16] {
        self.initial_of(self.counter, direction)
    }

    /// Initial chaining vector: the counter encrypted under S-ENC; answers have `80`
    /// in the first byte (§6.2.6, §6.2.7).
    fn initial_of(&self, counter: u32, direction: u8) -> [u8; 16] {
        let mut block = [0; 16];
        block[0] = direction;
        block[12..].copy_from_slice(&counter.to_be_bytes());
        self.s_enc.encrypt_block(&mut block);
        block
    }
}

/// ISO/IEC 9797-1 padding method 2, always added: `80` and zeros to whole blocks.
fn pad(data: &[u8]) -> Vec<u8> {
    let length = (data.len() / 16 + 1) * 16;
    let mut padded = Vec::with_capacity(length);
    padded.extend_from_slice(data);
    padded.push(0x80);
    padded.resize(length, 0);
    padded
}

#[cfg(test)]
mod tests;
