//! The secure channel to a card through a relay that understands nothing of it.
//!
//! Three rounds: (1) SELECT, the card's record, INITIALIZE UPDATE; (2) EXTERNAL
//! AUTHENTICATE; (3) the work itself, all commands at once. The state between rounds
//! lives in memory alone: an interrupted relay is simply started again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use pki_core::{
    card_channel::{
        ChannelFault, Command, KEY_VERSION_CARD, KeySet, Opening, PERSONALISATION_AID, Response,
        Scp03Channel, Scp03Host,
    },
    id::{ApplicationId, CardId, KioskId, OperatorId, TerminalId, VisitId},
};

/// How long a channel may stand between two rounds.
const LIFE_S: i64 = 120;
/// Most channels at once.
const MOST: usize = 4096;
/// State of a card whose key set has ended (docs/card-interface.md §2).
const TERMINATED: u8 = 4;

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Opening this visit at this kiosk.
    Prepare {
        /// The visit.
        visit: VisitId,
        /// The kiosk.
        kiosk: KioskId,
    },
    /// Writing the certificate with this digest and the CA's.
    Write {
        /// SHA-256 of the certificate.
        certificate_sha256: [u8; 32],
    },
}

/// Why a card did not take what was sent. The sentence is for the clerk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardFault {
    /// Answers are missing or too many.
    #[error("the card's answers do not match the commands; start again")]
    Answers,
    /// Not a card of this service.
    #[error("this card has no application of this service; take another card")]
    Foreign,
    /// Another card lies in the reader.
    #[error("another card lies in the reader")]
    Other,
    /// The card's key set has ended.
    #[error("this card is blocked; take another card")]
    Blocked,
    /// The card does not know the gateway's keys.
    #[error("this card was not made for this prefecture, or was tampered with")]
    Keys,
    /// The card refused a command.
    #[error("the card refused a command (status {0:04X}); start again")]
    Status(u16),
    /// The channel broke.
    #[error("the channel to the card broke; start again")]
    Broken,
}

impl From<ChannelFault> for CardFault {
    fn from(fault: ChannelFault) -> Self {
        match fault {
            ChannelFault::Status(status) => Self::Status(status),
            ChannelFault::NoKeySet(0x6983) => Self::Blocked,
            ChannelFault::NoKeySet(_) => Self::Foreign,
            ChannelFault::Cryptogram | ChannelFault::Refused(_) => Self::Keys,
            _ => Self::Broken,
        }
    }
}

enum State {
    Challenged(Scp03Host),
    Authenticating(Opening),
    Working(Scp03Channel),
}

/// One relay.
pub struct Relay {
    card: CardId,
    state: State,
    sent: usize,
    work: Vec<Command>,
}

/// What comes after a round.
pub enum Round {
    /// These commands go to the card.
    More(Relay, Vec<Vec<u8>>),
    /// The card has done the work.
    Done,
}

impl Relay {
    /// The first round for this card under its key set; `challenge` is random and used once.
    pub fn begin(
        card: CardId,
        keys: &KeySet,
        challenge: [u8; 8],
        work: Vec<Command>,
    ) -> (Self, Vec<Vec<u8>>) {
        let (host, initialize) = Scp03Host::begin(KEY_VERSION_CARD, keys, challenge);
        let commands = vec![
            Command::new(0x00, 0xA4, 0x04, 0x00)
                .with_data(&PERSONALISATION_AID)
                .with_le(256)
                .to_bytes(),
            Command::new(0x80, 0xCA, 0x00, 0x01).with_le(256).to_bytes(),
            initialize,
        ];
        let relay = Self {
            card,
            state: State::Challenged(host),
            sent: commands.len(),
            work,
        };
        (relay, commands)
    }

    /// Takes the answers of a round.
    pub fn take(self, answers: &[Vec<u8>]) -> Result<Round, CardFault> {
        let complete = answers.len() == self.sent;
        let broken_off = answers.len() < self.sent
            && answers
                .last()
                .and_then(|last| Response::parse(last))
                .is_some_and(|last| !last.is_ok());
        if !complete && !broken_off {
            return Err(CardFault::Answers);
        }
        match self.state {
            State::Challenged(host) => {
                let select = answers.first().ok_or(CardFault::Answers)?;
                let select = Response::parse(select).ok_or(CardFault::Answers)?;
                if !select.is_ok() {
                    return Err(CardFault::Foreign);
                }
                check_record(&self.card, answers.get(1).ok_or(CardFault::Answers)?)?;
                let initialize = answers.get(2).ok_or(CardFault::Answers)?;
                let (opening, authenticate) = host.answer(initialize)?;
                Ok(Round::More(
                    Self {
                        state: State::Authenticating(opening),
                        sent: 1,
                        ..self
                    },
                    vec![authenticate],
                ))
            }
            State::Authenticating(opening) => {
                let mut channel = opening.confirm(answers.first().ok_or(CardFault::Answers)?)?;
                let commands = self
                    .work
                    .iter()
                    .map(|command| channel.wrap(command))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Round::More(
                    Self {
                        card: self.card,
                        state: State::Working(channel),
                        sent: commands.len(),
                        work: Vec::new(),
                    },
                    commands,
                ))
            }
            State::Working(mut channel) => {
                for answer in answers {
                    channel.unwrap(answer)?;
                }
                if complete {
                    Ok(Round::Done)
                } else {
                    Err(CardFault::Broken)
                }
            }
        }
    }
}

/// Card record: `card id (16) || state (1) || key generation (1)`.
fn check_record(card: &CardId, answer: &[u8]) -> Result<(), CardFault> {
    let answer = Response::parse(answer).ok_or(CardFault::Answers)?;
    if !answer.is_ok() || answer.data.len() < 18 {
        return Err(CardFault::Foreign);
    }
    if answer.data[..16] != card.as_bytes()[..] {
        return Err(CardFault::Other);
    }
    if answer.data[16] == TERMINATED {
        return Err(CardFault::Blocked);
    }
    Ok(())
}

/// A channel between two rounds.
pub struct Channel {
    /// For which application.
    pub application: ApplicationId,
    /// At which version of it the channel was opened.
    pub version: u64,
    /// Through which terminal.
    pub terminal: TerminalId,
    /// By whom.
    pub operator: OperatorId,
    /// To which card.
    pub card: CardId,
    /// What for.
    pub purpose: Purpose,
    /// Its state.
    pub relay: Relay,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// All channels of this gateway node, by their random id.
#[derive(Default)]
pub struct Channels(Mutex<HashMap<String, Channel>>);

impl Channels {
    /// When a channel that is touched now is given up.
    #[must_use]
    pub fn expiry(now: Timestamp) -> Timestamp {
        now + SignedDuration::from_secs(LIFE_S)
    }

    /// Keeps a channel. Older ones of the same terminal and application, and those that
    /// ran out, are forgotten. `false` when there are too many.
    pub fn put(&self, id: String, channel: Channel, now: Timestamp) -> bool {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, other| {
            other.expires_at > now
                && (other.terminal != channel.terminal || other.application != channel.application)
        });
        if channels.len() >= MOST {
            return false;
        }
        channels.insert(id, channel);
        true
    }

    /// Takes a channel out: nobody else can go on with it meanwhile.
    pub fn take(&self, id: &str, terminal: TerminalId, operator: &OperatorId) -> Option<Channel> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = channels.get(id)?;
        if channel.terminal != terminal || channel.operator != *operator {
            return None;
        }
        channels.remove(id)
    }
}
