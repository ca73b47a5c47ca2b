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
    id::{ApplicationId, CardId, KioskId, NoticeId, OperatorId, TerminalId, VisitId},
};
use schema::wire::{bytes::Base64, v1::ra::CardChannelResponse};
use zeroize::Zeroizing;

use super::{
    App,
    caller::Clerk,
    refusal::{Failure, Reason, Refused, refuse},
};

/// How long a channel may stand between two rounds.
const LIFE_S: i64 = 120;
/// Most channels at once.
const MOST: usize = 4096;
/// Most answers in one round, and longest answer in bytes.
const MOST_ANSWERS: usize = 64;
const LONGEST_ANSWER: usize = 300;
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
pub struct Channel<J> {
    /// What it belongs to: application or notice.
    pub subject: [u8; 16],
    /// What is done when the card has done its work.
    pub job: J,
    /// Through which terminal.
    pub terminal: TerminalId,
    /// By whom.
    pub operator: OperatorId,
    /// To which card.
    pub card: CardId,
    /// Its state.
    pub relay: Relay,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// The job of a channel of the walk.
pub struct WalkJob {
    /// For which application.
    pub application: ApplicationId,
    /// At which version of it the channel was opened.
    pub version: u64,
    /// What for.
    pub purpose: Purpose,
}

/// The job of a channel of a notice.
pub struct NoticeJob {
    /// For which notice.
    pub notice: NoticeId,
    /// At which version of it the channel was opened.
    pub version: u64,
    /// The password that stands on the card when it is done.
    pub interim: Option<Zeroizing<String>>,
}

/// All channels of this gateway node. Each lane has its own room, so that neither can take
/// up the other's.
#[derive(Default)]
pub struct Channels {
    /// Of applications.
    pub walk: Relays<WalkJob>,
    /// Of notices.
    pub notices: Relays<NoticeJob>,
}

/// Channels by their random id.
pub struct Relays<J>(Mutex<HashMap<String, Channel<J>>>);

impl<J> Default for Relays<J> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What comes after the card's answers.
pub enum Relayed<J> {
    /// These commands go to the card.
    More(Vec<Base64>),
    /// The card has done this job.
    Done(CardId, J),
}

/// A channel that is to be opened.
pub struct Wanted<'a, J> {
    /// What it belongs to: application or notice.
    pub subject: [u8; 16],
    /// What is done when the card has done its work.
    pub job: J,
    /// To which card.
    pub card: CardId,
    /// That card's keys.
    pub keys: &'a KeySet,
    /// What the card is to do.
    pub work: Vec<Command>,
}

impl App {
    /// Opens a channel through the clerk's terminal, and gives its id with the first commands.
    pub(super) fn open_channel<J>(
        &self,
        relays: &Relays<J>,
        clerk: &Clerk,
        wanted: Wanted<'_, J>,
        now: Timestamp,
    ) -> Result<CardChannelResponse, Failure> {
        let mut challenge = [0; 8];
        self.entropy.fill(&mut challenge);
        let (relay, commands) = Relay::begin(wanted.card, wanted.keys, challenge, wanted.work);
        let channel = hex::encode(self.entropy.id());
        relays.put(
            channel.clone(),
            Channel {
                subject: wanted.subject,
                job: wanted.job,
                terminal: clerk.terminal.id,
                operator: clerk.operator.clone(),
                card: wanted.card,
                relay,
                expires_at: expiry(now),
            },
            now,
        )?;
        Ok(CardChannelResponse {
            channel,
            commands: commands.into_iter().map(Base64).collect(),
        })
    }
}

/// When a channel that is touched now is given up.
#[must_use]
pub fn expiry(now: Timestamp) -> Timestamp {
    now + SignedDuration::from_secs(LIFE_S)
}

impl<J> Relays<J> {
    /// Keeps a channel. Older ones of the same terminal and subject, and those that ran
    /// out, are forgotten.
    ///
    /// # Errors
    /// [`Reason::TooManyRequests`] when there are too many.
    pub fn put(&self, id: String, channel: Channel<J>, now: Timestamp) -> Result<(), Failure> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, other| {
            other.expires_at > now
                && (other.terminal != channel.terminal || other.subject != channel.subject)
        });
        if channels.len() >= MOST {
            return refuse(Reason::TooManyRequests, "too many channels are open; wait");
        }
        channels.insert(id, channel);
        Ok(())
    }

    /// Takes a channel out: nobody else can go on with it meanwhile.
    fn take(&self, id: &str, terminal: TerminalId, operator: &OperatorId) -> Option<Channel<J>> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = channels.get(id)?;
        if channel.terminal != terminal || channel.operator != *operator {
            return None;
        }
        channels.remove(id)
    }

    /// Takes the card's answers and gives what comes next. The channel is over after a
    /// fault. `seen` is told the job as soon as it is known.
    ///
    /// # Errors
    /// [`Reason::ChannelUnknown`], [`Reason::CardRefused`], [`Reason::TooManyRequests`].
    pub fn relay(
        &self,
        clerk: &Clerk,
        id: &str,
        responses: &[Base64],
        now: Timestamp,
        seen: impl FnOnce(&J),
    ) -> Result<Relayed<J>, Failure> {
        if responses.len() > MOST_ANSWERS
            || responses
                .iter()
                .any(|answer| answer.0.len() > LONGEST_ANSWER)
        {
            return refuse(Reason::CardRefused, "no card answers so much");
        }
        let taken = self
            .take(id, clerk.terminal.id, &clerk.operator)
            .filter(|channel| channel.expires_at > now)
            .ok_or_else(|| {
                Refused::new(
                    Reason::ChannelUnknown,
                    "this channel is over; put the card in and start again",
                )
            })?;
        seen(&taken.job);
        let answers: Vec<Vec<u8>> = responses.iter().map(|answer| answer.0.clone()).collect();
        match taken
            .relay
            .take(&answers)
            .map_err(|fault| Refused::new(Reason::CardRefused, fault.to_string()))?
        {
            Round::More(relay, commands) => {
                let next = Channel {
                    relay,
                    expires_at: expiry(now),
                    ..taken
                };
                self.put(id.to_owned(), next, now)?;
                Ok(Relayed::More(commands.into_iter().map(Base64).collect()))
            }
            Round::Done => Ok(Relayed::Done(taken.card, taken.job)),
        }
    }
}
