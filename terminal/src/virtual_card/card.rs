//! A card as a value: command APDU in, response APDU out.

use super::apdu::{Answer, Command, Outcome, Status};
use super::chip::{Chip, StartFault, encode};
use super::image::{CardState, Id, Image, OperatorImage, ResidentImage};
use super::jpki::{self, Jpki};
use super::memory::Memory;
use super::operator::{self, OperatorApplication};
use super::personalisation::{self, Personalisation};
use super::rsa_key::RsaKey;
use super::slot::{Keys, Slot};

/// The card's answer to reset.
pub const ATR: &[u8] = &[0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14];

/// A card, powered. Commands are strictly one after the other.
pub struct Card {
    kind: Kind,
    /// What an answer left over for GET RESPONSE.
    rest: Vec<u8>,
}

enum Kind {
    Resident(Box<Resident>),
    Operator(Box<Operator>),
}

struct Resident {
    chip: Chip<ResidentImage>,
    keys: Keys,
    application: Application,
    jpki: Jpki,
    personalisation: Personalisation,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Application {
    #[default]
    None,
    Jpki,
    Personalisation,
}

struct Operator {
    chip: Chip<OperatorImage>,
    application: Option<OperatorApplication>,
}

/// What may be said of a card to whoever holds it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum CardStatus {
    /// A resident's card.
    Resident {
        /// Card id, hex.
        id: String,
        /// Its state.
        state: CardState,
        /// How many keys were stored.
        generation: u8,
        /// Tries left of the signature password; 0 also when none is set.
        tries_left: u8,
    },
    /// An operator's card.
    Operator {
        /// Operator id.
        operator: String,
        /// Whether it has its certificate.
        certified: bool,
        /// Tries left of the PIN.
        tries_left: u8,
    },
}

impl Card {
    /// Starts a card on the image in a memory.
    ///
    /// # Errors
    /// The memory cannot be read, or holds no card.
    pub fn start(mut memory: Box<dyn Memory>) -> Result<Card, StartFault> {
        let image: Image = serde_json::from_slice(&memory.read()?)?;
        let kind = match image {
            Image::Resident(image) => {
                let chip = Chip::new(*image, memory);
                Kind::Resident(Box::new(Resident {
                    keys: load_keys(chip.image()),
                    chip,
                    application: Application::None,
                    jpki: Jpki::default(),
                    personalisation: Personalisation::default(),
                }))
            }
            Image::Operator(image) => Kind::Operator(Box::new(Operator {
                chip: Chip::new(*image, memory),
                application: None,
            })),
        };
        Ok(Card {
            kind,
            rest: Vec::new(),
        })
    }

    /// Power on, power off or reset: everything volatile is gone.
    pub fn reset(&mut self) {
        self.rest = Vec::new();
        match &mut self.kind {
            Kind::Resident(resident) => {
                let Resident {
                    chip,
                    keys,
                    application,
                    jpki,
                    personalisation,
                } = &mut **resident;
                chip.restart();
                *keys = load_keys(chip.image());
                *application = Application::None;
                *jpki = Jpki::default();
                *personalisation = Personalisation::default();
            }
            Kind::Operator(operator) => {
                operator.chip.restart();
                operator.application = None;
            }
        }
    }

    /// Answers one command APDU with a response APDU (data, SW1, SW2), never
    /// longer than 65,535 bytes.
    pub fn process(&mut self, apdu: &[u8]) -> Vec<u8> {
        let answer = match Command::parse(apdu) {
            Ok(command) => {
                let answer = self.dispatch(&command).unwrap_or_else(Answer::from);
                // After a failed write nobody knows what the card holds; it says so until it is reset.
                let answer = if self.failed() {
                    Status::MEMORY_FAULT.into()
                } else {
                    answer
                };
                self.fit(answer, &command)
            }
            Err(status) => status.into(),
        };
        answer.to_bytes()
    }

    /// What the card is and how it stands; no secrets.
    pub fn status(&self) -> CardStatus {
        match &self.kind {
            Kind::Resident(resident) => {
                let image = resident.chip.image();
                CardStatus::Resident {
                    id: image.card.to_string(),
                    state: image.state(),
                    generation: image.generation,
                    tries_left: image.signature.password.tries_left(),
                }
            }
            Kind::Operator(operator) => {
                let image = operator.chip.image();
                CardStatus::Operator {
                    operator: image.operator.clone(),
                    certified: image.certificate.is_some(),
                    tries_left: image.pin.tries_left(),
                }
            }
        }
    }

    fn failed(&self) -> bool {
        match &self.kind {
            Kind::Resident(resident) => resident.chip.failed(),
            Kind::Operator(operator) => operator.chip.failed(),
        }
    }

    fn dispatch(&mut self, command: &Command<'_>) -> Outcome {
        if self.failed() {
            return Err(Status::MEMORY_FAULT);
        }
        let rest = std::mem::take(&mut self.rest);
        check_class(command.cla)?;
        if (command.cla, command.ins) == (0x00, 0xC0) {
            command.with_parameters(0, 0)?;
            command.without_data()?;
            return if rest.is_empty() {
                Err(Status::CONDITIONS_NOT_SATISFIED)
            } else {
                Ok(Answer::data(rest))
            };
        }
        if (command.cla, command.ins, command.p1) == (0x00, 0xA4, 0x04) {
            return self.select(command);
        }
        match &mut self.kind {
            Kind::Resident(resident) => {
                let Resident {
                    chip,
                    keys,
                    application,
                    jpki,
                    personalisation,
                } = &mut **resident;
                match application {
                    Application::None => Err(Status::UNKNOWN_INSTRUCTION),
                    Application::Jpki => jpki.process(command, chip, keys),
                    Application::Personalisation => personalisation.process(command, chip, keys),
                }
            }
            Kind::Operator(operator) => match &mut operator.application {
                None => Err(Status::UNKNOWN_INSTRUCTION),
                Some(application) => application.process(command, &mut operator.chip),
            },
        }
    }

    /// SELECT by AID, whole names only. Whether it finds anything or not, what
    /// was verified is forgotten and the channel ends.
    fn select(&mut self, command: &Command<'_>) -> Outcome {
        if !matches!(command.p2, 0x00 | 0x0C) {
            return Err(Status::WRONG_PARAMETERS);
        }
        let found = match &mut self.kind {
            Kind::Resident(resident) => {
                resident.jpki = Jpki::default();
                resident.personalisation.end_session();
                resident.application = match command.data {
                    jpki::AID => Application::Jpki,
                    personalisation::AID => Application::Personalisation,
                    _ => Application::None,
                };
                resident.application != Application::None
            }
            Kind::Operator(operator) => {
                operator.application =
                    (command.data == operator::AID).then(OperatorApplication::default);
                operator.application.is_some()
            }
        };
        if found {
            Ok(Answer::ok())
        } else {
            Err(Status::NOT_FOUND)
        }
    }

    /// Cuts an answer to what was asked for; the rest waits for GET RESPONSE.
    fn fit(&mut self, mut answer: Answer, command: &Command<'_>) -> Answer {
        // A command in a secure channel may leave Le out and still gets its R-MAC.
        let limit = command.le.unwrap_or(256);
        if answer.status == Status::OK && answer.data.len() > limit && command.cla != 0x84 {
            self.rest = answer.data.split_off(limit);
            answer.status = Status::more(self.rest.len());
        }
        answer
    }
}

/// The image of a new card, as a memory takes it.
///
/// # Errors
/// None that an image could cause.
pub fn factory_image(image: &Image) -> Result<zeroize::Zeroizing<Vec<u8>>, serde_json::Error> {
    encode(image)
}

/// A blank resident's card.
pub fn blank_resident(card: Id, card_keys: super::secret::KeySet) -> Image {
    Image::Resident(Box::new(ResidentImage::blank(card, card_keys)))
}

fn load_keys(image: &ResidentImage) -> Keys {
    let mut keys = Keys::default();
    for slot in Slot::ALL {
        let stored = image.slot(slot).key.as_ref();
        let key = stored.and_then(|stored| RsaKey::load(stored.pkcs8.expose()));
        keys.set(slot, key);
    }
    keys
}

/// The basic channel, interindustry or proprietary, plain or secure messaging.
fn check_class(cla: u8) -> Result<(), Status> {
    match cla {
        0x00 | 0x80 | 0x04 | 0x0C | 0x84 | 0x8C => Ok(()),
        _ if cla & 0x60 != 0 => Err(Status::UNKNOWN_CLASS),
        _ if cla & 0x10 != 0 => Err(Status::NO_CHAINING),
        _ if cla & 0x03 != 0 => Err(Status::NO_LOGICAL_CHANNELS),
        _ => Err(Status::UNKNOWN_CLASS),
    }
}
