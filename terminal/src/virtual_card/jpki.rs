//! The JPKI application (公的個人認証AP): certificates, password and signature,
//! as readers such as OpenSC's `jpki` driver expect them. No secure messaging.

use super::apdu::{Answer, Command, Outcome, Status};
use super::chip::Chip;
use super::image::ResidentImage;
use super::password::Password;
use super::rsa_key::Padding;
use super::secret::Secret;
use super::slot::{Keys, Slot};

/// AID of the application.
pub const AID: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];

/// P2 of VERIFY, CHANGE and COMPUTE: the selected file.
const SELECTED: u8 = 0x80;

/// The elementary files of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    SignCertificate = 0x0001,
    SignCaCertificate = 0x0002,
    TokenInformation = 0x0006,
    CertificatesPresent = 0x0008,
    AuthenticationCertificate = 0x000A,
    AuthenticationCaCertificate = 0x000B,
    AuthenticationKey = 0x0017,
    AuthenticationPin = 0x0018,
    SignKey = 0x001A,
    SignPin = 0x001B,
}

impl File {
    const ALL: [File; 10] = [
        File::SignCertificate,
        File::SignCaCertificate,
        File::TokenInformation,
        File::CertificatesPresent,
        File::AuthenticationCertificate,
        File::AuthenticationCaCertificate,
        File::AuthenticationKey,
        File::AuthenticationPin,
        File::SignKey,
        File::SignPin,
    ];

    fn from_id(id: u16) -> Option<File> {
        File::ALL.into_iter().find(|file| *file as u16 == id)
    }

    /// Whether it holds a certificate.
    fn is_certificate(self) -> bool {
        matches!(
            self,
            File::SignCertificate
                | File::SignCaCertificate
                | File::AuthenticationCertificate
                | File::AuthenticationCaCertificate
        )
    }

    /// The slot whose password it is.
    fn password_of(self) -> Result<Slot, Status> {
        match self {
            File::SignPin => Ok(Slot::Signature),
            File::AuthenticationPin => Ok(Slot::Authentication),
            _ => Err(Status::WRONG_FILE_KIND),
        }
    }

    /// What P2 means: the selected file, or a short EF identifier with bit 8 set.
    fn from_p2(p2: u8, selected: Option<File>) -> Result<File, Status> {
        match p2 {
            SELECTED => selected.ok_or(Status::NO_FILE_SELECTED),
            _ if p2 & 0xE0 == 0x80 => {
                File::from_id(u16::from(p2 & 0x1F)).ok_or(Status::WRONG_PARAMETERS)
            }
            _ => Err(Status::WRONG_PARAMETERS),
        }
    }
}

/// What the application remembers until it is selected again.
#[derive(Default)]
pub struct Jpki {
    selected: Option<File>,
    /// Whose password was presented, by slot.
    verified: [bool; 2],
}

impl Jpki {
    /// One command of the application.
    ///
    /// # Errors
    /// The status word of the refusal.
    pub fn process(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
        keys: &Keys,
    ) -> Outcome {
        match (command.cla, command.ins) {
            (0x04 | 0x0C | 0x84 | 0x8C, _) => Err(Status::NO_SECURE_MESSAGING),
            (0x00, 0xA4) => self.select(command, chip.image()),
            (0x00, 0xB0) => self.read_binary(command, chip.image()),
            (0x00, 0x20) => self.verify(command, chip),
            (0x00, 0x24) => self.change_password(command, chip),
            (0x80, 0x2A) => self.compute(command, keys),
            (0x80, 0xA4 | 0xB0 | 0x20 | 0x24) | (0x00, 0x2A) => Err(Status::UNKNOWN_CLASS),
            _ => Err(Status::UNKNOWN_INSTRUCTION),
        }
    }

    fn select(&mut self, command: &Command<'_>, image: &ResidentImage) -> Outcome {
        command.with_parameters(0x02, 0x0C)?;
        let id = <[u8; 2]>::try_from(command.data).map_err(|_| Status::WRONG_LENGTH)?;
        let file = File::from_id(u16::from_be_bytes(id)).ok_or(Status::NOT_FOUND)?;
        if file.is_certificate() && certificate(file, image).is_none() {
            return Err(Status::NOT_FOUND);
        }
        self.selected = Some(file);
        Ok(Answer::ok())
    }

    fn read_binary(&self, command: &Command<'_>, image: &ResidentImage) -> Outcome {
        command.without_data()?;
        if command.p1 & 0x80 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        let token_information;
        let content = match self.selected.ok_or(Status::NO_FILE_SELECTED)? {
            File::SignCertificate if !self.is_verified(Slot::Signature) => {
                return Err(Status::SECURITY_NOT_SATISFIED);
            }
            file if file.is_certificate() => certificate(file, image).ok_or(Status::NOT_FOUND)?,
            File::TokenInformation => {
                token_information = token_information_of(image);
                &token_information
            }
            File::CertificatesPresent if image.signature.certificate().is_some() => {
                &[0x8F, 0x8F, 0x00]
            }
            File::CertificatesPresent => &[0x00, 0x8F, 0x00],
            _ => {
                return Err(Status::WRONG_FILE_KIND);
            }
        };
        let offset = usize::from(u16::from_be_bytes([command.p1, command.p2]));
        let rest = content
            .get(offset..)
            .filter(|rest| !rest.is_empty())
            .ok_or(Status::WRONG_OFFSET)?;
        let length = command.le.unwrap_or(256).min(rest.len());
        Ok(Answer::data(&rest[..length]))
    }

    fn verify(&mut self, command: &Command<'_>, chip: &mut Chip<ResidentImage>) -> Outcome {
        if command.p1 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        let slot = File::from_p2(command.p2, self.selected)?.password_of()?;
        if command.data.is_empty() {
            // Also after a right VERIFY, for a blocked password and for one that was never set:
            // readers bind by this answer.
            let password = &chip.image().slot(slot).password;
            return Err(Status::tries_left(password.tries_left()));
        }
        if command.data.len() > 16 {
            return Err(Status::WRONG_LENGTH);
        }
        self.verified[slot as usize] = false;
        present(
            chip,
            |image| &mut image.slot_mut(slot).password,
            command.data,
            Status::REFERENCE_UNUSABLE,
        )?;
        self.verified[slot as usize] = true;
        Ok(Answer::ok())
    }

    fn is_verified(&self, slot: Slot) -> bool {
        self.verified[slot as usize]
    }

    fn change_password(
        &mut self,
        command: &Command<'_>,
        chip: &mut Chip<ResidentImage>,
    ) -> Outcome {
        if command.p1 != 0x01 {
            return Err(Status::WRONG_PARAMETERS);
        }
        let slot = File::from_p2(command.p2, self.selected)?.password_of()?;
        if !self.is_verified(slot) {
            return Err(Status::SECURITY_NOT_SATISFIED);
        }
        if !slot.allows(command.data) {
            return Err(Status::WRONG_DATA);
        }
        let password = slot.password(Secret::new(command.data));
        chip.commit(|image| image.slot_mut(slot).password = password)?;
        Ok(Answer::ok())
    }

    fn compute(&self, command: &Command<'_>, keys: &Keys) -> Outcome {
        let padding = Padding::from_p1(command.p1).ok_or(Status::WRONG_PARAMETERS)?;
        let slot = match File::from_p2(command.p2, self.selected)? {
            File::SignKey => Slot::Signature,
            File::AuthenticationKey => Slot::Authentication,
            _ => return Err(Status::WRONG_FILE_KIND),
        };
        if !self.is_verified(slot) {
            return Err(Status::SECURITY_NOT_SATISFIED);
        }
        if command.data.is_empty() {
            return Err(Status::WRONG_LENGTH);
        }
        let key = keys.get(slot).ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        Ok(Answer::data(key.sign(padding, command.data)?))
    }
}

/// What a certificate's file holds.
fn certificate(file: File, image: &ResidentImage) -> Option<&[u8]> {
    let (signature, user) = (&image.signature, &image.authentication);
    let signature_ca = signature.ca_certificate.as_deref();
    match file {
        File::SignCertificate => signature.certificate(),
        File::SignCaCertificate => signature_ca,
        // A card without an authentication certificate has the CA's there: readers want some
        // certificate in these files.
        File::AuthenticationCertificate => user.certificate().or(signature_ca),
        File::AuthenticationCaCertificate => user.ca_certificate.as_deref().or(signature_ca),
        _ => None,
    }
}

/// Presents a password: the try is durable before the comparison, so that
/// cutting the power on a wrong one wins nothing.
///
/// # Errors
/// `blocked` when no try was left, `63Cx` when it is wrong.
pub fn present<I: super::chip::CardImage>(
    chip: &mut Chip<I>,
    password: impl Fn(&mut I) -> &mut Password,
    presented: &[u8],
    blocked: Status,
) -> Result<(), Status> {
    let mut before = chip.image().clone();
    if password(&mut before).is_blocked() {
        return Err(blocked);
    }
    chip.commit(|image| password(image).count_try())?;
    if !password(&mut before).is(presented) {
        return Err(Status::tries_left(password(&mut before).tries_left() - 1));
    }
    chip.commit(|image| password(image).reset_tries())
}

/// EF `0006`: CK_TOKEN_INFO with 32-bit big-endian numbers, 160 bytes.
fn token_information_of(image: &ResidentImage) -> Vec<u8> {
    const CKF_RNG_LOGIN_REQUIRED_PIN_INITIALIZED_TOKEN_INITIALIZED: u32 = 0x0000_040D;
    const UNAVAILABLE: u32 = u32::MAX;
    let text = |text: &str, length: usize| {
        let mut field = text.as_bytes().to_vec();
        field.resize(length, b' ');
        field
    };
    let mut bytes = text("JPKIAPICCTOKEN2", 32);
    bytes.extend(text("Jitsuin", 32));
    bytes.extend(text("virtual card", 16));
    bytes.extend(text(&hex::encode(&image.card.0[..8]), 16));
    let sessions = [1, 0, 1, 0];
    let password_lengths = [16, 6];
    let memory = [UNAVAILABLE; 4];
    for number in [CKF_RNG_LOGIN_REQUIRED_PIN_INITIALIZED_TOKEN_INITIALIZED]
        .into_iter()
        .chain(sessions)
        .chain(password_lengths)
        .chain(memory)
    {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend([1, 0, 1, 0]);
    bytes.extend([b' '; 16]);
    bytes
}
