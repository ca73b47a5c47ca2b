//! The card's side of a secure channel: GlobalPlatform SCP03 (Card
//! Specification, Amendment D v1.1.2), AES-128, S8 mode, level `33`.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::apdu::{Answer, Command, Status};
use super::cipher::{self, Block};
use super::secret::AesKey;

/// The one security level offered: C-DECRYPTION, C-MAC, R-ENC, R-MAC.
pub const LEVEL: u8 = 0x33;
/// Data of a command before wrapping, at most; so the wrapped form is always short.
pub const MAX_DATA: usize = 200;

const MAC_LENGTH: usize = 8;

/// Constants of the key derivation (Amendment D §4.1.5, table 4-1).
#[derive(Clone, Copy)]
enum Derivation {
    CardCryptogram = 0x00,
    HostCryptogram = 0x01,
    Enc = 0x04,
    Mac = 0x06,
    Rmac = 0x07,
}

/// SP 800-108 in counter mode with AES-CMAC, one block (Amendment D §4.1.5).
fn derive(key: &AesKey, constant: Derivation, bits: u16, context: &[u8; 16]) -> Block {
    let mut label = [0; 12];
    label[11] = constant as u8;
    cipher::cmac(key, &[&label, &[0], &bits.to_be_bytes(), &[1], context])
}

/// A channel that was asked for (INITIALIZE UPDATE) and waits for the host to
/// show that it has the keys.
pub struct Opening {
    kvn: u8,
    enc: AesKey,
    mac: AesKey,
    rmac: AesKey,
    context: [u8; 16],
}

impl Opening {
    /// Derives the session keys from a key set's ENC and MAC keys and both challenges.
    pub fn new(
        kvn: u8,
        enc: &AesKey,
        mac: &AesKey,
        host_challenge: [u8; 8],
        card_challenge: [u8; 8],
    ) -> Opening {
        let mut context = [0; 16];
        context[..8].copy_from_slice(&host_challenge);
        context[8..].copy_from_slice(&card_challenge);
        Opening {
            kvn,
            enc: derive(enc, Derivation::Enc, 128, &context).into(),
            mac: derive(mac, Derivation::Mac, 128, &context).into(),
            rmac: derive(mac, Derivation::Rmac, 128, &context).into(),
            context,
        }
    }

    /// The key set's version number.
    pub fn kvn(&self) -> u8 {
        self.kvn
    }

    /// What shows the host that the card has the keys.
    pub fn card_cryptogram(&self) -> [u8; 8] {
        first_8(derive(
            &self.mac,
            Derivation::CardCryptogram,
            64,
            &self.context,
        ))
    }

    /// Checks EXTERNAL AUTHENTICATE (host cryptogram and C-MAC); none when
    /// either is wrong. The caller counts the try before calling.
    pub fn authenticate(self, command: &Command<'_>) -> Option<Channel> {
        let (cryptogram, mac) = command.data.split_at_checked(MAC_LENGTH)?;
        let expected = derive(&self.mac, Derivation::HostCryptogram, 64, &self.context);
        let chaining = command_mac(&self.mac, &[0; 16], command, cryptogram);
        let holds = cryptogram.ct_eq(&expected[..MAC_LENGTH]) & mac.ct_eq(&chaining[..MAC_LENGTH]);
        bool::from(holds).then(|| Channel {
            kvn: self.kvn,
            enc: self.enc,
            mac: self.mac,
            rmac: self.rmac,
            chaining,
            counter: 0,
        })
    }
}

/// An open channel: unwraps commands, wraps answers.
pub struct Channel {
    kvn: u8,
    enc: AesKey,
    mac: AesKey,
    rmac: AesKey,
    chaining: Block,
    counter: u128,
}

impl Channel {
    /// The version number of the key set that opened the channel.
    pub fn kvn(&self) -> u8 {
        self.kvn
    }

    /// Checks the C-MAC and decrypts the data field.
    ///
    /// # Errors
    /// `6982` or `6700`: the caller must end the channel.
    pub fn unwrap(&mut self, command: &Command<'_>) -> Result<Zeroizing<Vec<u8>>, Status> {
        if command.extended {
            return Err(Status::WRONG_LENGTH);
        }
        let length = command
            .data
            .len()
            .checked_sub(MAC_LENGTH)
            .ok_or(Status::SECURITY_NOT_SATISFIED)?;
        let (body, mac) = command.data.split_at(length);
        let chaining = command_mac(&self.mac, &self.chaining, command, body);
        if !bool::from(mac.ct_eq(&chaining[..MAC_LENGTH])) {
            return Err(Status::SECURITY_NOT_SATISFIED);
        }
        self.chaining = chaining;
        self.counter += 1;
        if body.is_empty() {
            return Ok(Zeroizing::default());
        }
        if !body.len().is_multiple_of(16) {
            return Err(Status::SECURITY_NOT_SATISFIED);
        }
        let mut plain = Zeroizing::new(body.to_vec());
        cipher::cbc_decrypt(&self.enc, &self.icv(0x00), &mut plain);
        let end = plain
            .iter()
            .rposition(|b| *b != 0)
            .filter(|i| plain[*i] == 0x80 && i + 16 >= plain.len());
        plain.truncate(end.ok_or(Status::SECURITY_NOT_SATISFIED)?);
        if plain.len() > MAX_DATA {
            return Err(Status::WRONG_LENGTH);
        }
        Ok(plain)
    }

    /// Encrypts an answer's data and adds the R-MAC; errors go bare.
    pub fn wrap(&self, answer: Answer) -> Answer {
        if !answer.status.is_protected() {
            return answer.status.into();
        }
        let mut data = answer.data;
        if !data.is_empty() {
            data.push(0x80);
            data.resize(data.len().div_ceil(16) * 16, 0);
            cipher::cbc_encrypt(&self.enc, &self.icv(0x80), &mut data);
        }
        let mac = cipher::cmac(
            &self.rmac,
            &[&self.chaining, &data, &answer.status.0.to_be_bytes()],
        );
        data.extend_from_slice(&mac[..MAC_LENGTH]);
        Answer {
            data,
            status: answer.status,
        }
    }

    /// The encrypted counter: `00…` for commands, `80…` for answers (Amendment D §6.2.6, §6.2.7).
    fn icv(&self, direction: u8) -> Block {
        let mut block = self.counter.to_be_bytes();
        block[0] |= direction;
        cipher::encrypt_block(&self.enc, block)
    }
}

/// CMAC over chaining value, header with CLA `84` and Lc as sent, and the body (Amendment D §6.2.4).
fn command_mac(key: &AesKey, chaining: &Block, command: &Command<'_>, body: &[u8]) -> Block {
    let lc = command.data.len() as u8;
    cipher::cmac(
        key,
        &[
            chaining,
            &[0x84, command.ins, command.p1, command.p2, lc],
            body,
        ],
    )
}

fn first_8(block: Block) -> [u8; 8] {
    std::array::from_fn(|i| block[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).expect("hex")
    }

    fn key(text: &str) -> AesKey {
        AesKey::from_slice(&bytes(text)).expect("16 bytes")
    }

    fn eight(text: &str) -> [u8; 8] {
        bytes(text).try_into().expect("8 bytes")
    }

    /// A session recorded from a real card: level 33, AES-128, keys 00…0F and
    /// 10…1F (the values are published in pySim's tests, osmocom/pysim,
    /// tests/unittests/test_globalplatform.py, SCP03_Test_AES128_33).
    fn recorded() -> Opening {
        Opening::new(
            0x30,
            &key("000102030405060708090a0b0c0d0e0f"),
            &key("101112131415161718191a1b1c1d1e1f"),
            eight("fdf38259a1e0de44"),
            eight("3b1aca81e821f219"),
        )
    }

    fn opened(opening: Opening, external_authenticate: &str) -> Option<Channel> {
        let apdu = bytes(external_authenticate);
        opening.authenticate(&Command::parse(&apdu).expect("well-formed"))
    }

    fn unwrapped(channel: &mut Channel, apdu: &str) -> Result<String, Status> {
        let apdu = bytes(apdu);
        channel
            .unwrap(&Command::parse(&apdu).expect("well-formed"))
            .map(|plain| hex::encode(&*plain))
    }

    #[test]
    fn a_session_recorded_from_a_real_card_is_followed_byte_by_byte() {
        let opening = recorded();
        assert_eq!(hex::encode(opening.card_cryptogram()), "081cdc01c26b372d");
        let mut channel = opened(opening, "84823300108c36f96bcc00724a4e13ad591d7da3f0")
            .expect("right cryptogram");
        assert_eq!(
            unwrapped(
                &mut channel,
                "84e2910018267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f00"
            ),
            Ok("bf3e035c015a".into())
        );
        let answer = channel.wrap(Answer::data(bytes(
            "bf3e125a1089882119900000000000000000000005",
        )));
        assert_eq!(
            hex::encode(answer.to_bytes()),
            "f3ba2b1013aa6224f5e1c138d71805c569e5439b47576260b75fc021b25097cb2e68f8a0144975b99000"
        );
        for (wrapped, plain) in [
            ("84f2200208ac6a59024bed84cc", ""),
            ("84ca006608409912ad8fb7aed000", ""),
            (
                "84f22002185f3dafc3ac14c381536a488bf44e06d056df9d74dbd21e5a",
                "4f0212345c054f9f70c5",
            ),
            (
                "84f280021865165105be3373347d0424d4400af2ac393f569ec779389e00",
                "4f00",
            ),
        ] {
            assert_eq!(unwrapped(&mut channel, wrapped), Ok(plain.into()));
        }
    }

    #[test]
    fn a_session_of_another_implementation_is_followed_too() {
        // Known answers of scll-core's tests (made by an independent Python reference).
        let all = key("404142434445464748494a4b4c4d4e4f");
        let opening = Opening::new(
            0x20,
            &all,
            &all,
            eight("0001020304050607"),
            eight("08090a0b0c0d0e0f"),
        );
        assert_eq!(hex::encode(opening.card_cryptogram()), "114f6bc5052c5228");
        let mut channel = opened(opening, "8482330010fafa93c2ede62463cb51e38ec18eb00b")
            .expect("right cryptogram");
        assert_eq!(
            unwrapped(
                &mut channel,
                "84e6000018199dd7ff46730b64ac254c903ec573505c4291bb0b788746"
            ),
            Ok("0102030405".into())
        );
        assert_eq!(
            hex::encode(channel.wrap(Answer::data(bytes("00a40400"))).to_bytes()),
            "4c7f4e27e4f90aa7b13c60860f69fcd0989a968b68138d8e9000"
        );
    }

    #[test]
    fn every_changed_bit_of_external_authenticate_is_refused() {
        let right = bytes("84823300108c36f96bcc00724a4e13ad591d7da3f0");
        for bit in 0..right.len() * 8 {
            let mut wrong = right.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            // CLA is fixed by the dispatcher and not part of what is sent here; Lc would not parse.
            if bit / 8 == 0 || bit / 8 == 4 {
                continue;
            }
            assert!(
                opened(recorded(), &hex::encode(wrong)).is_none(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn replayed_changed_reordered_and_extended_commands_are_refused() {
        let first = "84e2910018267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f00";
        let second = "84f2200208ac6a59024bed84cc";
        let open = || {
            opened(recorded(), "84823300108c36f96bcc00724a4e13ad591d7da3f0")
                .expect("right cryptogram")
        };

        let mut channel = open();
        assert!(unwrapped(&mut channel, first).is_ok());
        assert_eq!(
            unwrapped(&mut channel, first),
            Err(Status::SECURITY_NOT_SATISFIED)
        );
        assert_eq!(
            unwrapped(&mut open(), second),
            Err(Status::SECURITY_NOT_SATISFIED)
        );
        for bit in 0..8 * 24 {
            let mut wrong = bytes(first);
            wrong[5 + bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                unwrapped(&mut open(), &hex::encode(wrong)),
                Err(Status::SECURITY_NOT_SATISFIED),
                "bit {bit}"
            );
        }
        assert_eq!(
            unwrapped(&mut open(), "84f220020000080102030405060708"),
            Err(Status::WRONG_LENGTH)
        );
        assert_eq!(
            unwrapped(&mut open(), "84f2200203010203"),
            Err(Status::SECURITY_NOT_SATISFIED)
        );
    }

    #[test]
    fn errors_go_bare_and_warnings_are_protected() {
        let mut channel = opened(recorded(), "84823300108c36f96bcc00724a4e13ad591d7da3f0")
            .expect("right cryptogram");
        assert!(
            unwrapped(
                &mut channel,
                "84e2910018267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f00"
            )
            .is_ok()
        );
        assert_eq!(
            channel.wrap(Status::WRONG_DATA.into()).to_bytes(),
            [0x6A, 0x80]
        );
        assert_eq!(
            channel.wrap(Status::tries_left(4).into()).data.len(),
            MAC_LENGTH
        );
        assert_eq!(channel.wrap(Answer::ok()).data.len(), MAC_LENGTH);
    }
}
