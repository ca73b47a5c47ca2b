//! The personalisation application (窓口発行AP): free data, the two secure
//! channels, and the gateway's commands. The kiosk's commands are in `visit`.

use rand_core::{OsRng, RngCore};

use super::apdu::{Answer, Command, Outcome, Status};
use super::blocks::Blocks;
use super::chip::Chip;
use super::cipher;
use super::der;
use super::image::{Guarded, Id, KEY_SET_TRIES, ResidentImage, Visit, VisitRecord};
use super::scp03::{Channel, LEVEL, Opening};
use super::secret::{KeySet, Secret};
use super::slot::{Keys, Slot};
use super::visit::{KeyChange, Pending};

/// AID of the application: `F0` `JITSUIN` `01`.
pub const AID: &[u8] = b"\xF0JITSUIN\x01";
/// The gateway's key set.
pub const CARD_KEYS: u8 = 0x20;
/// The kiosk's key set.
pub const VISIT_KEYS: u8 = 0x30;

const KCV: usize = 3;
const WRAPPED_KEY: usize = 24;
const CERTIFICATE: u8 = 0x01;
const CA_CERTIFICATE: u8 = 0x02;
const AUTHENTICATION_CERTIFICATE: u8 = 0x03;
const AUTHENTICATION_CA_CERTIFICATE: u8 = 0x04;

/// Where the secure channel stands.
#[derive(Default)]
enum Session {
    #[default]
    None,
    Opening(Box<Opening>),
    Open(Box<Channel>),
}

/// What the application remembers until the power goes.
#[derive(Default)]
pub struct Personalisation {
    session: Session,
    blocks: Blocks,
    pending: Pending,
}

impl Personalisation {
    /// The application is selected or left: the channel ends, the visit's work stays.
    pub fn end_session(&mut self) {
        self.session = Session::None;
        self.blocks = Blocks::default();
    }

    /// One command of the application.
    ///
    /// # Errors
    /// The status word of the refusal.
    pub fn process(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
        keys: &mut Keys,
    ) -> Outcome {
        match (command.cla, command.ins) {
            // Free data is free in a channel, too, and does not touch it.
            (0x80, 0xCA) => self.get_data(command, chip.image()),
            (0x80, 0x50) => self.initialize_update(command, chip),
            (0x84, 0x82) => self.external_authenticate(command, chip),
            (0x84, _) => self.in_channel(command, chip, keys),
            (0x80, 0xD8 | 0xE2 | 0xE4 | 0x2C | 0xDA | 0x46 | 0x47 | 0x4E | 0x24 | 0x82) => {
                self.end_session();
                Err(Status::SECURITY_NOT_SATISFIED)
            }
            (0x80, _) => Err(Status::UNKNOWN_INSTRUCTION),
            _ => Err(Status::UNKNOWN_CLASS),
        }
    }

    fn get_data(&self, command: &Command<'_>, image: &ResidentImage) -> Outcome {
        command.without_data()?;
        if command.p1 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        let visit = image.open_visit();
        let held = image.held.as_ref();
        let record = visit
            .map(|visit| visit.record)
            .or(held.map(|held| held.record));
        let data = match command.p2 {
            0x01 => Some([&image.card.0[..], &[image.state() as u8, image.generation]].concat()),
            0x02 => record.map(|record| [&record.visit.0[..], &record.kiosk].concat()),
            0x03 if visit.is_some() => self.pending.request.clone(),
            0x04 if visit.is_some() => self.pending.kiosk_record.clone(),
            0x05 => record.map(|record| vec![record.slot as u8]),
            0x03 => held.map(|held| held.request.clone()),
            0x04 => held.and_then(|held| held.kiosk_record.clone()),
            _ => None,
        };
        data.map(Answer::data).ok_or(Status::NO_SUCH_DATA)
    }

    fn initialize_update(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
    ) -> Outcome {
        self.end_session();
        if command.p2 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        let host_challenge = command.data.try_into().map_err(|_| Status::WRONG_LENGTH)?;
        // A last try whose counting outlived the power: the visit keys end now.
        if chip.image().visit.is_some() && chip.image().open_visit().is_none() {
            chip.commit(|image| image.visit = None)?;
        }
        let image = chip.image();
        let guarded = key_set(image, command.p1).ok_or(Status::NO_SUCH_DATA)?;
        if guarded.ended() {
            return Err(Status::BLOCKED);
        }
        let mut card_challenge = [0; 8];
        OsRng.fill_bytes(&mut card_challenge);
        let opening = Opening::new(
            command.p1,
            &guarded.keys.enc,
            &guarded.keys.mac,
            host_challenge,
            card_challenge,
        );
        let mut answer = image.card.0[..10].to_vec();
        answer.extend([command.p1, 0x03, 0x00]);
        answer.extend(card_challenge);
        answer.extend(opening.card_cryptogram());
        self.session = Session::Opening(Box::new(opening));
        Ok(Answer::data(answer))
    }

    /// Counts the try, compares, and gives the tries back when it was right.
    fn external_authenticate(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
    ) -> Outcome {
        let session = std::mem::take(&mut self.session);
        self.end_session();
        let Session::Opening(opening) = session else {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        };
        command.with_parameters(LEVEL, 0x00)?;
        if command.data.len() != 16 || command.extended {
            return Err(Status::WRONG_LENGTH);
        }
        let kvn = opening.kvn();
        chip.commit(|image| {
            if let Some(guarded) = key_set_mut(image, kvn) {
                guarded.tries_left = guarded.tries_left.saturating_sub(1);
            }
        })?;
        let Some(channel) = opening.authenticate(command) else {
            if kvn == VISIT_KEYS && chip.image().open_visit().is_none() {
                chip.commit(|image| image.visit = None)?;
                self.pending = Pending::default();
            }
            return Err(Status::AUTHENTICATION_FAILED);
        };
        chip.commit(|image| {
            if let Some(guarded) = key_set_mut(image, kvn) {
                guarded.tries_left = KEY_SET_TRIES;
            }
        })?;
        self.session = Session::Open(Box::new(channel));
        Ok(Answer::ok())
    }

    fn in_channel(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
        keys: &mut Keys,
    ) -> Outcome {
        let Session::Open(mut channel) = std::mem::take(&mut self.session) else {
            return Err(Status::SECURITY_NOT_SATISFIED);
        };
        let plain = match channel.unwrap(command) {
            Ok(plain) => plain,
            Err(status) => {
                self.end_session();
                return Err(status);
            }
        };
        let inner = Command {
            cla: 0x80,
            data: &plain,
            ..*command
        };
        let outcome = match channel.kvn() {
            CARD_KEYS => self.gateway_command(&inner, chip, keys),
            _ => self.pending.process(&inner, chip).map(|(answer, change)| {
                if let KeyChange::Replaced(slot, new) = change {
                    keys.set(slot, Some(*new));
                }
                answer
            }),
        };
        let answer = channel.wrap(outcome.unwrap_or_else(Answer::from));
        // FINISH, ABANDON and DELETE erase the keys a kiosk's channel stands on.
        if channel.kvn() == CARD_KEYS || chip.image().open_visit().is_some() {
            self.session = Session::Open(channel);
        }
        Ok(answer)
    }

    fn gateway_command(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
        keys: &mut Keys,
    ) -> Outcome {
        match (command.ins, command.p1, command.p2) {
            (0xD8, 0x30, p2) => self.open_visit(Slot::from_p2(p2)?, command.data, chip, keys),
            (0xE2, _, _) => self.store_data(command, chip, keys),
            (0xE4, 0x00, p2) => self.delete(Slot::from_p2(p2)?, command, chip, keys),
            (0x2C, 0x00, p2) => reset_retry(Slot::from_p2(p2)?, command, chip),
            (0x2C, 0x01, p2) => initialise_password(Slot::from_p2(p2)?, command, chip),
            (0xD8 | 0xE4 | 0x2C, _, _) => Err(Status::WRONG_PARAMETERS),
            // The kiosk's commands are not for the gateway.
            (0xDA | 0x46 | 0x47 | 0x4E | 0x24, _, _) => Err(Status::CONDITIONS_NOT_SATISFIED),
            _ => Err(Status::UNKNOWN_INSTRUCTION),
        }
    }

    fn open_visit(
        &mut self,
        slot: Slot,
        data: &[u8],
        chip: &mut Chip<ResidentImage>,
        keys: &mut Keys,
    ) -> Outcome {
        let visit = parse_visit(slot, data, &chip.image().card_keys.keys)?;
        chip.commit(|image| {
            image.visit = Some(visit);
            image.held = None;
            // A key whose request is gone gets no certificate any more, in either slot.
            for slot in Slot::ALL {
                if image.slot(slot).certificate().is_none() {
                    image.slot_mut(slot).erase();
                }
            }
        })?;
        for slot in Slot::ALL {
            if chip.image().slot(slot).key.is_none() {
                keys.set(slot, None);
            }
        }
        self.pending = Pending::default();
        Ok(Answer::ok())
    }

    fn store_data(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
        keys: &Keys,
    ) -> Outcome {
        let (slot, is_authority) = match command.p1 & 0x7F {
            CERTIFICATE => (Slot::Signature, false),
            CA_CERTIFICATE => (Slot::Signature, true),
            AUTHENTICATION_CERTIFICATE => (Slot::Authentication, false),
            AUTHENTICATION_CA_CERTIFICATE => (Slot::Authentication, true),
            _ => return Err(Status::WRONG_PARAMETERS),
        };
        let Some(certificate) = self.blocks.take(command.p1, command.p2, command.data)? else {
            return Ok(Answer::ok());
        };
        let public_key = der::certificate_public_key(&certificate).ok_or(Status::WRONG_DATA)?;
        if is_authority {
            chip.commit(|image| {
                image.slot_mut(slot).ca_certificate = Some(certificate.to_vec());
            })?;
            return Ok(Answer::ok());
        }
        let key = keys.get(slot);
        if key.is_none_or(|key| key.public_key() != public_key) {
            return Err(Status::WRONG_DATA);
        }
        chip.commit(|image| {
            if let Some(stored) = &mut image.slot_mut(slot).key {
                stored.certificate = Some(certificate.to_vec());
            }
        })?;
        Ok(Answer::ok())
    }

    fn delete(
        &mut self,
        slot: Slot,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
        keys: &mut Keys,
    ) -> Outcome {
        command.without_data()?;
        chip.commit(|image| {
            image.slot_mut(slot).erase();
            image.held = None;
            image.visit = None;
        })?;
        keys.set(slot, None);
        self.pending = Pending::default();
        Ok(Answer::ok())
    }
}

fn reset_retry(slot: Slot, command: &Command<'_>, chip: &mut Chip<ResidentImage>) -> Outcome {
    command.without_data()?;
    if !chip.image().slot(slot).password.is_set() {
        return Err(Status::CONDITIONS_NOT_SATISFIED);
    }
    chip.commit(|image| image.slot_mut(slot).password.reset_tries())?;
    Ok(Answer::ok())
}

fn initialise_password(
    slot: Slot,
    command: &Command<'_>,
    chip: &mut Chip<ResidentImage>,
) -> Outcome {
    if chip.image().slot(slot).key.is_none() {
        return Err(Status::CONDITIONS_NOT_SATISFIED);
    }
    let password = cipher::unwrap_padded(&chip.image().card_keys.keys.dek, command.data)
        .ok_or(Status::WRONG_DATA)?;
    if !slot.allows(&password) {
        return Err(Status::WRONG_DATA);
    }
    let password = slot.password(Secret::new(&password));
    chip.commit(|image| image.slot_mut(slot).password = password)?;
    Ok(Answer::ok())
}

/// PUT KEY's data: visit id, kiosk id, three wrapped keys, three check values.
fn parse_visit(slot: Slot, data: &[u8], card_keys: &KeySet) -> Result<Visit, Status> {
    if data.len() != 16 + 9 + 3 * WRAPPED_KEY + 3 * KCV {
        return Err(Status::WRONG_LENGTH);
    }
    let (visit, rest) = data.split_first_chunk::<16>().ok_or(Status::WRONG_LENGTH)?;
    let (kiosk, rest) = rest.split_first_chunk::<9>().ok_or(Status::WRONG_LENGTH)?;
    if !kiosk
        .iter()
        .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    {
        return Err(Status::WRONG_DATA);
    }
    let (wrapped, check_values) = rest.split_at(3 * WRAPPED_KEY);
    let mut keys = wrapped
        .chunks(WRAPPED_KEY)
        .zip(check_values.chunks(KCV))
        .map(|(wrapped, expected)| {
            cipher::unwrap_key(&card_keys.dek, wrapped)
                .filter(|key| cipher::check_value(key) == expected)
                .ok_or(Status::WRONG_DATA)
        });
    let mut next = || keys.next().unwrap_or(Err(Status::WRONG_LENGTH));
    let keys = KeySet {
        enc: next()?,
        mac: next()?,
        dek: next()?,
    };
    Ok(Visit {
        record: VisitRecord {
            visit: Id(*visit),
            kiosk: *kiosk,
            slot,
        },
        keys: Guarded::new(keys),
    })
}

fn key_set(image: &ResidentImage, kvn: u8) -> Option<&Guarded> {
    match kvn {
        CARD_KEYS => Some(&image.card_keys),
        VISIT_KEYS => image.open_visit().map(|visit| &visit.keys),
        _ => None,
    }
}

fn key_set_mut(image: &mut ResidentImage, kvn: u8) -> Option<&mut Guarded> {
    match kvn {
        CARD_KEYS => Some(&mut image.card_keys),
        VISIT_KEYS => image.visit.as_mut().map(|visit| &mut visit.keys),
        _ => None,
    }
}
