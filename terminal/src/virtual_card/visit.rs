//! What a visit to the kiosk has made so far. It lives in the card's working
//! memory alone, so that losing the power before FINISH leaves nothing of it.

use rsa::sha2::{Digest, Sha256};

use super::apdu::{Answer, Command, Outcome, Status};
use super::blocks::Blocks;
use super::chip::Chip;
use super::cipher;
use super::image::{HeldRequest, ResidentImage, StoredKey, Visit};
use super::jpki::present;
use super::request;
use super::rsa_key::RsaKey;
use super::secret::Secret;
use super::slot::Slot;

/// Key, password, request and record of the open visit.
#[derive(Default)]
pub struct Pending {
    blocks: Blocks,
    key: Option<(Secret, RsaKey)>,
    old_password_right: bool,
    password: Option<Secret>,
    /// The request, once made with this key.
    pub request: Option<Vec<u8>>,
    /// The kiosk's signed record.
    pub kiosk_record: Option<Vec<u8>>,
}

/// What the key in use is after a command.
pub enum KeyChange {
    /// As before.
    None,
    /// FINISH put this one in place.
    Replaced(Slot, Box<RsaKey>),
}

impl Pending {
    /// One command of the kiosk's channel (KVN 30), plain form.
    ///
    /// # Errors
    /// The status word of the refusal.
    pub fn process(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
    ) -> Result<(Answer, KeyChange), Status> {
        let visit = chip
            .image()
            .open_visit()
            .ok_or(Status::CONDITIONS_NOT_SATISFIED)?
            .clone();
        let answer = match (command.ins, command.p1) {
            (0xDA, 0x01 | 0x81) => self.import_key(command, &visit),
            (0xDA, 0x02) => self.set_password(command, &visit, chip.image()),
            (0xDA, 0x04 | 0x84) => self.store_record(command),
            (0xDA, 0x05) => self.present_old_password(command, &visit, chip),
            (0xDA, _) => Err(Status::WRONG_PARAMETERS),
            (0x46, _) => self.make_request(command, &visit, chip.image()),
            (0x47, _) => return self.finish(command, &visit, chip),
            (0x4E, _) => self.abandon(command, chip),
            (0x24, _) => change_password(command, &visit, chip),
            // The gateway's commands are not for the kiosk.
            (0xD8 | 0xE2 | 0xE4 | 0x2C, _) => Err(Status::CONDITIONS_NOT_SATISFIED),
            _ => Err(Status::UNKNOWN_INSTRUCTION),
        }?;
        Ok((answer, KeyChange::None))
    }

    fn import_key(&mut self, command: &Command<'_>, visit: &Visit) -> Outcome {
        let Some(wrapped) = self.blocks.take(command.p1, command.p2, command.data)? else {
            return Ok(Answer::ok());
        };
        // A second import takes the place of the first, and of what was made with it.
        self.key = None;
        self.request = None;
        let pkcs8 =
            cipher::unwrap_padded(&visit.keys.keys.dek, &wrapped).ok_or(Status::WRONG_DATA)?;
        let key = RsaKey::import(&pkcs8).ok_or(Status::WRONG_DATA)?;
        self.key = Some((Secret::new(&pkcs8), key));
        Ok(Answer::ok())
    }

    fn set_password(
        &mut self,
        command: &Command<'_>,
        visit: &Visit,
        image: &ResidentImage,
    ) -> Outcome {
        command.with_parameters(0x02, 0x00)?;
        let slot = visit.record.slot;
        if image.slot(slot).password.is_set() && !self.old_password_right {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let password =
            cipher::unwrap_padded(&visit.keys.keys.dek, command.data).ok_or(Status::WRONG_DATA)?;
        if !slot.allows(&password) {
            return Err(Status::WRONG_DATA);
        }
        self.password = Some(Secret::new(&password));
        Ok(Answer::ok())
    }

    fn present_old_password(
        &mut self,
        command: &Command<'_>,
        visit: &Visit,
        chip: &mut Chip<ResidentImage>,
    ) -> Outcome {
        command.with_parameters(0x05, 0x00)?;
        let slot = visit.record.slot;
        if !chip.image().slot(slot).password.is_set() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let password =
            cipher::unwrap_padded(&visit.keys.keys.dek, command.data).ok_or(Status::WRONG_DATA)?;
        self.old_password_right = false;
        present(
            chip,
            |image| &mut image.slot_mut(slot).password,
            &password,
            Status::BLOCKED,
        )?;
        self.old_password_right = true;
        Ok(Answer::ok())
    }

    fn store_record(&mut self, command: &Command<'_>) -> Outcome {
        if let Some(record) = self.blocks.take(command.p1, command.p2, command.data)? {
            if record.is_empty() {
                return Err(Status::WRONG_LENGTH);
            }
            self.kiosk_record = Some(record.to_vec());
        }
        Ok(Answer::ok())
    }

    fn make_request(
        &mut self,
        command: &Command<'_>,
        visit: &Visit,
        image: &ResidentImage,
    ) -> Outcome {
        command.with_parameters(0x00, 0x00)?;
        command.without_data()?;
        let (_, key) = self.key.as_ref().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        let request = request::resident(key, visit.record.visit, image.card)?;
        let digest = Sha256::digest(&request);
        self.request = Some(request);
        Ok(Answer::data(digest.as_slice()))
    }

    /// Puts key, password, request and record in place and erases the visit keys, in one step.
    fn finish(
        &mut self,
        command: &Command<'_>,
        visit: &Visit,
        chip: &mut Chip<ResidentImage>,
    ) -> Result<(Answer, KeyChange), Status> {
        command.with_parameters(0x00, 0x00)?;
        command.without_data()?;
        let ((pkcs8, _), password, request) = match (&self.key, &self.password, &self.request) {
            (Some(key), Some(password), Some(request)) => (key, password.clone(), request.clone()),
            _ => return Err(Status::CONDITIONS_NOT_SATISFIED),
        };
        let slot = visit.record.slot;
        let stored = StoredKey {
            pkcs8: pkcs8.clone(),
            certificate: None,
        };
        let held = HeldRequest {
            record: visit.record,
            request,
            kiosk_record: self.kiosk_record.clone(),
        };
        chip.commit(|image| {
            let place = image.slot_mut(slot);
            place.key = Some(stored);
            place.password = slot.password(password);
            image.held = Some(held);
            image.visit = None;
            image.generation = image.generation.wrapping_add(1);
        })?;
        let key = std::mem::take(self).key.map(|(_, key)| Box::new(key));
        Ok((
            Answer::ok(),
            key.map_or(KeyChange::None, |key| KeyChange::Replaced(slot, key)),
        ))
    }

    fn abandon(&mut self, command: &Command<'_>, chip: &mut Chip<ResidentImage>) -> Outcome {
        command.with_parameters(0x00, 0x00)?;
        command.without_data()?;
        chip.commit(|image| image.visit = None)?;
        *self = Pending::default();
        Ok(Answer::ok())
    }
}

fn change_password(
    command: &Command<'_>,
    visit: &Visit,
    chip: &mut Chip<ResidentImage>,
) -> Outcome {
    command.with_parameters(0x01, 0x00)?;
    let slot = visit.record.slot;
    if !chip.image().slot(slot).password.is_set() {
        return Err(Status::CONDITIONS_NOT_SATISFIED);
    }
    let both =
        cipher::unwrap_padded(&visit.keys.keys.dek, command.data).ok_or(Status::WRONG_DATA)?;
    let (length, rest) = both.split_first().ok_or(Status::WRONG_DATA)?;
    let (old, new) = rest
        .split_at_checked(usize::from(*length))
        .ok_or(Status::WRONG_DATA)?;
    if !slot.allows(new) {
        return Err(Status::WRONG_DATA);
    }
    present(
        chip,
        |image| &mut image.slot_mut(slot).password,
        old,
        Status::BLOCKED,
    )?;
    let password = slot.password(Secret::new(new));
    chip.commit(|image| image.slot_mut(slot).password = password)?;
    Ok(Answer::ok())
}
