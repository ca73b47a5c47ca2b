//! The resident's card, the relay to it, and the kiosk that it visits.

use std::convert::Infallible;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use pki_core::{
    card_channel::{
        BLOCK, Command, KEY_VERSION_VISIT, Key128, KeySet, PERSONALISATION_AID, Response,
        Scp03Channel, Scp03Host,
        kdf::{self, cmac_aes_256},
        wrap,
    },
    certificate::SignatureAlgorithm,
    id::Sha256Digest,
    kiosk_record::{Generation, KioskRecord},
};
use ra_gateway::{
    app::{caller::Clerk, refusal::Failure},
    port::Clock,
};
use schema::wire::{bytes::Base64, v1::ra};
use terminal::virtual_card::{
    AesKey, Card, Id, KeySet as CardKeySet, SharedMemory, blank_resident, factory_image,
};

use super::{CARD, EC, KIOSK, World};
use crate::support::certificate_support::SoftKey;

impl World {
    /// A blank card with the keys that the factory was given.
    pub fn card(&self) -> Card {
        self.card_of(CARD)
    }

    /// As [`World::card`], with another number.
    pub fn card_of(&self, id: [u8; 16]) -> Card {
        let master = self.masters.key("card-master");
        let keys = kdf::card_keys(
            |message| Ok::<_, std::convert::Infallible>(cmac_aes_256(&master, message)),
            &id,
        )
        .unwrap();
        let own = |key: &Key128| AesKey::from(*key.expose());
        let image = blank_resident(
            Id(id),
            CardKeySet {
                enc: own(&keys.enc),
                mac: own(&keys.mac),
                dek: own(&keys.dek),
            },
        );
        Card::start(Box::new(SharedMemory::new(&factory_image(&image).unwrap()))).unwrap()
    }

    /// Relays a channel as a terminal does, until it is done.
    pub fn relay(
        &self,
        clerk: &Clerk,
        id: &str,
        card: &mut Card,
        purpose: ra::ChannelPurpose,
    ) -> Result<(), Failure> {
        self.relay_of(CARD, clerk, id, card, purpose)
    }

    /// As [`World::relay`], for a card with this number.
    pub fn relay_of(
        &self,
        number: [u8; 16],
        clerk: &Clerk,
        id: &str,
        card: &mut Card,
        purpose: ra::ChannelPurpose,
    ) -> Result<(), Failure> {
        let opened = self.app.open_card_channel(
            clerk,
            id,
            &ra::CardChannelRequest {
                card: hex::encode(number),
                purpose,
            },
        )?;
        let mut commands = opened.commands;
        loop {
            let responses = answers(card, &commands);
            let next =
                self.app
                    .relay_card(clerk, &opened.channel, &ra::CardRelayRequest { responses })?;
            if next.done {
                assert!(next.commands.is_empty());
                return Ok(());
            }
            commands = next.commands;
        }
    }

    /// The kiosk makes a key in this visit; gives the pair, the request and the record.
    pub fn kiosk_visit(&self, card: &mut Card, application: &ra::Application) -> Generated {
        let pair = SoftKey::new(SignatureAlgorithm::RsaPkcs1Sha256);
        self.kiosk_visit_with(card, application, pair)
    }

    /// The same with a key that is there already, as a broken kiosk would.
    pub fn kiosk_visit_with(
        &self,
        card: &mut Card,
        application: &ra::Application,
        pair: SoftKey,
    ) -> Generated {
        let visit = bytes16(application.visit.as_deref().unwrap());
        let master = self.masters.key(&format!("kiosk-master-{KIOSK}"));
        let keys = kdf::visit_keys(
            |message| Ok::<_, std::convert::Infallible>(cmac_aes_256(&master, message)),
            KIOSK.as_bytes().try_into().unwrap(),
            &bytes16(application.card.as_deref().unwrap()),
            &visit,
        )
        .unwrap();
        let SoftKey::Rsa(rsa) = &pair else {
            unreachable!()
        };
        let pkcs8: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        let mut channel = channel(card, KEY_VERSION_VISIT, &keys);
        let wrapped = |data: &[u8]| wrap::kwp_wrap(&keys.dek, data).unwrap();
        let key = wrapped(pkcs8.as_ref());
        let count = key.chunks(BLOCK).count();
        for (number, block) in key.chunks(BLOCK).enumerate() {
            let p1 = if number + 1 == count { 0x81 } else { 0x01 };
            let number = u8::try_from(number).unwrap();
            send(
                card,
                &mut channel,
                &Command::new(0x80, 0xDA, p1, number).with_data(block),
            );
        }
        let password: &[u8] = match application.certificate_kind {
            ra::CertificateKind::Signature => b"TARO1950",
            ra::CertificateKind::UserAuthentication => b"8274",
        };
        let password = Command::new(0x80, 0xDA, 0x02, 0x00).with_data(&wrapped(password));
        send(card, &mut channel, &password);
        send(
            card,
            &mut channel,
            &Command::new(0x80, 0x46, 0, 0).with_le(256),
        );
        send(card, &mut channel, &Command::new(0x80, 0x47, 0, 0));
        let answer = card.process(&Command::new(0x80, 0xCA, 0, 3).with_le(65_536).to_bytes());
        let answer = Response::parse(&answer).unwrap();
        assert!(answer.is_ok());
        let record = self.record(&self.kiosk.0, KIOSK, application, &pair);
        Generated {
            request: answer.data.clone(),
            record,
            pair,
        }
    }

    /// A kiosk's signed record.
    pub fn record(
        &self,
        key: &SoftKey,
        kiosk: &str,
        application: &ra::Application,
        pair: &SoftKey,
    ) -> Vec<u8> {
        let id = |text: &Option<String>| text.clone().unwrap();
        let record = KioskRecord::new(Generation {
            kiosk: kiosk.parse().unwrap(),
            visit: id(&application.visit).parse().unwrap(),
            card: id(&application.card).parse().unwrap(),
            spki_sha256: Sha256Digest::from_bytes(pair.public().sha256()),
            software_sha256: Sha256Digest::of(b"kiosk"),
            generated_at: self.clock.now(),
        });
        record
            .signed(|message| Ok::<_, Infallible>(key.sign(EC, message)))
            .unwrap()
    }
}

/// What the kiosk made.
pub struct Generated {
    pub pair: SoftKey,
    pub request: Vec<u8>,
    pub record: Vec<u8>,
}

impl Generated {
    pub fn message(&self) -> ra::PublicKeyRequest {
        ra::PublicKeyRequest {
            request: Base64(self.request.clone()),
            kiosk_record: Base64(self.record.clone()),
        }
    }

    /// A trial signature by the card's key.
    pub fn trial(&self, certificate_sha256: &str) -> ra::WrittenRequest {
        let message = b"a message of more than sixteen bytes".to_vec();
        ra::WrittenRequest {
            certificate_sha256: certificate_sha256.into(),
            trial_signature: Base64(self.pair.sign(SignatureAlgorithm::RsaPkcs1Sha256, &message)),
            trial_message: Base64(message),
        }
    }
}

/// The card's answers to commands in order, up to the first that is not `9000`.
pub fn answers(card: &mut Card, commands: &[Base64]) -> Vec<Base64> {
    let mut responses = Vec::new();
    for command in commands {
        let answer = card.process(&command.0);
        let ok = answer.ends_with(&[0x90, 0x00]);
        responses.push(Base64(answer));
        if !ok {
            break;
        }
    }
    responses
}

fn bytes16(text: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}

fn channel(card: &mut Card, version: u8, keys: &KeySet) -> Scp03Channel {
    let select = Command::new(0x00, 0xA4, 0x04, 0x00)
        .with_data(&PERSONALISATION_AID)
        .with_le(256);
    assert!(card.process(&select.to_bytes()).ends_with(&[0x90, 0x00]));
    let (host, command) = Scp03Host::begin(version, keys, [3; 8]);
    let (opening, command) = host.answer(&card.process(&command)).unwrap();
    opening.confirm(&card.process(&command)).unwrap()
}

fn send(card: &mut Card, channel: &mut Scp03Channel, command: &Command) {
    let wrapped = channel.wrap(command).unwrap();
    channel.unwrap(&card.process(&wrapped)).unwrap();
}
