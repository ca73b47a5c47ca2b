//! What happens with the card: opening a visit, one generation from end to end, a
//! change of password, giving a visit up.
//!
//! A generation is one connection and one channel. Whatever goes wrong before its
//! last command, the card is reset and holds nothing of this visit's key (§3.2).

use jiff::Timestamp;
use pki_core::application::certificate_kind::CertificateKind;
use pki_core::card_channel::{ChannelFault, Command, KeySet, wrap};
use pki_core::certificate::request::parse_card_request;
use pki_core::id::{CardId, KioskId, Sha256Digest, VisitId};
use pki_core::kiosk_record::{Generation, KioskRecord};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::channel::{VisitChannel, VisitChannelFault};
use super::keypair::{self, KeypairFault};
use super::master::{MasterFault, SealedMaster};
use super::password::Password;
use super::steps::{Ending, Phase, Visit};
use crate::card::jpki::Jpki;
use crate::card::personalise::{CardRecord, CardState, Personalisation, VisitRecord};
use crate::card::reader::with_card;
use crate::card::{CardFault, Reader};
use crate::hash::sha256;
use crate::local::{Kind, Problem};
use crate::party::{PartyKey, SignFault};

/// What the work at the card needs of the kiosk.
pub struct Tools<'a> {
    /// The card reader.
    pub reader: &'a dyn Reader,
    /// This kiosk's id.
    pub kiosk: KioskId,
    /// The kiosk master.
    pub master: &'a SealedMaster,
    /// The enrolled key that signs records.
    pub key: &'a PartyKey,
    /// SHA-256 of the running program.
    pub software_sha256: Sha256Digest,
}

/// Hears how far a generation is, and may stop it.
pub trait Progress {
    /// Told before each command; an ending stops the generation there.
    ///
    /// # Errors
    /// The ending, when the generation has to stop.
    fn reached(&self, phase: Phase, part: usize, whole: usize) -> Result<(), Ending>;
}

/// Why a visit's work failed.
#[derive(Debug, Error)]
pub enum VisitFault {
    /// Cancelled, out of time, switched off.
    #[error("stopped")]
    Stopped(Ending),
    /// The card or the channel.
    #[error("the card")]
    Channel(#[from] VisitChannelFault),
    /// The card is not ready for a kiosk: the window prepares it first.
    #[error("the card is not prepared for a kiosk")]
    NotPrepared(CardState),
    /// The visit is for another kiosk.
    #[error("the visit is for kiosk {0}")]
    OtherKiosk(String),
    /// Another card than at the beginning of the visit.
    #[error("another card than at the beginning")]
    OtherCard,
    /// The card does not know this kiosk's keys.
    #[error("card and kiosk do not know each other's keys")]
    NotGenuine,
    /// The card has a password already: the present one is needed for a new key.
    #[error("the present password is needed")]
    OldPasswordNeeded,
    /// The card refused the key: its own trial of the pair did not hold.
    #[error("the card refused the key")]
    KeyRefused,
    /// The card's request is not for the key it was given.
    #[error("the card's request is not for this key and visit")]
    Request,
    /// The master cannot be read.
    #[error("the kiosk master")]
    Master(#[from] MasterFault),
    /// The pair could not be made.
    #[error("the key pair")]
    Keypair(#[from] KeypairFault),
    /// The record could not be signed.
    #[error("the record")]
    Record(#[from] SignFault),
}

impl From<CardFault> for VisitFault {
    fn from(fault: CardFault) -> Self {
        Self::Channel(fault.into())
    }
}

/// Reads the card, checks that its visit is for this kiosk, and lets card and kiosk
/// show each other their keys. Nothing changes on the card.
///
/// # Errors
/// [`VisitFault`].
pub fn open(tools: &Tools<'_>) -> Result<Visit, VisitFault> {
    let (card, visit) = read(tools.reader)?;
    let visit = check(tools, &card, visit)?;
    let keys = keys(tools, &visit)?;
    genuine(VisitChannel::open(tools.reader, &keys)).map(drop)?;
    Ok(visit)
}

/// One generation, from the first command to the last. Gives the signed record.
/// The password is erased as soon as the card has it, the private key as soon as it
/// is wrapped; neither is held while blocks go to the card.
///
/// # Errors
/// [`VisitFault`]; the card then holds nothing of this visit's key. After a stop the
/// visit is given up on the card too.
pub fn generate(
    tools: &Tools<'_>,
    visit: &Visit,
    password: Password,
    old: Option<Password>,
    progress: &dyn Progress,
    now: Timestamp,
) -> Result<Vec<u8>, VisitFault> {
    let mut channel = reopen(tools, visit)?;
    let done = generate_in(&mut channel, tools, visit, password, old, progress, now);
    if let Err(VisitFault::Stopped(ending)) = &done {
        // The resident has left: nobody else shall set a password with these keys.
        if let Err(error) = channel.abandon() {
            tracing::warn!(%error, ?ending, "the visit could not be given up on the card");
        }
    }
    done
}

fn generate_in(
    channel: &mut VisitChannel,
    tools: &Tools<'_>,
    visit: &Visit,
    password: Password,
    old: Option<Password>,
    progress: &dyn Progress,
    now: Timestamp,
) -> Result<Vec<u8>, VisitFault> {
    let reached = |phase, part, whole| {
        progress
            .reached(phase, part, whole)
            .map_err(VisitFault::Stopped)
    };
    // 1. The card accepted this kiosk's keys. On renewal the resident proves the
    //    present password before a new one is set.
    reached(Phase::SettingPassword, 0, 2)?;
    let keys = keys(tools, visit)?;
    if let Some(old) = old {
        let wrapped = wrap_secret(&keys, old.as_bytes())?;
        drop(old);
        channel.put(0x05, &wrapped)?;
    }

    // 2. The new password goes to the card, wrapped; it takes effect at the last step.
    reached(Phase::SettingPassword, 1, 2)?;
    let wrapped = wrap_secret(&keys, password.as_bytes())?;
    drop(password);
    channel.put(0x02, &wrapped).map_err(|fault| match fault {
        VisitChannelFault::Channel(ChannelFault::Status(0x6985)) => VisitFault::OldPasswordNeeded,
        other => other.into(),
    })?;

    // 3. The pair is made and tried here; what comes back is its public half and the
    //    wrapped private one. Nothing else of it exists any more.
    reached(Phase::MakingKey, 0, 1)?;
    let pair = keypair::generate(&keys.dek)?;
    drop(keys);

    // 4. The card unwraps the key and tries it itself.
    channel
        .put_blocks(0x01, &pair.wrapped_private_key, |part, whole| {
            reached(Phase::StoringKey, part, whole)
        })
        .map_err(|fault| match fault {
            VisitFault::Channel(VisitChannelFault::Channel(ChannelFault::Status(0x6A80))) => {
                VisitFault::KeyRefused
            }
            other => other,
        })?;

    // 5. The card proves possession: a request for this key, this visit, this card.
    reached(Phase::MakingRequest, 0, 1)?;
    let digest = channel.make_request()?;
    let request = channel.read_request()?;
    let proven = parse_card_request(&request).map_err(|_| VisitFault::Request)?;
    let ours = sha256(&[&request])[..] == digest[..]
        && proven.public_key.spki_der() == pair.spki
        && proven.visit == visit.visit
        && proven.card == visit.card;
    if !ours {
        return Err(VisitFault::Request);
    }

    // 6. The card carries the kiosk's record to the window.
    let record = KioskRecord::new(Generation {
        kiosk: tools.kiosk,
        visit: VisitId::from_bytes(visit.visit),
        card: CardId::from_bytes(visit.card),
        spki_sha256: Sha256Digest::of(&pair.spki),
        software_sha256: tools.software_sha256,
        generated_at: now,
    })
    .signed(|message| tools.key.sign(message))?;
    channel.put_blocks(0x04, &record, |part, whole| {
        reached(Phase::Recording, part, whole)
    })?;

    // 7. Key, password and request take effect in one step; the visit keys are gone.
    reached(Phase::Finishing, 0, 1)?;
    channel.finish()?;
    Ok(record)
}

/// Changes the password of a key that is on the card: in the visit's channel when one
/// is open for this kiosk, else over the JPKI application's own command.
///
/// # Errors
/// [`VisitFault`]; a wrong old password tells the tries left.
pub fn change_password(
    tools: &Tools<'_>,
    kind: CertificateKind,
    old: &Password,
    new: &Password,
) -> Result<(), VisitFault> {
    let (card, visit) = read(tools.reader)?;
    if let Some(visit) = of_key(check(tools, &card, visit), kind) {
        let keys = keys(tools, &visit)?;
        let mut channel = genuine(VisitChannel::open(tools.reader, &keys))?;
        let (old, new) = (old.as_bytes(), new.as_bytes());
        let mut both = Zeroizing::new(Vec::with_capacity(1 + old.len() + new.len()));
        both.push(old.len() as u8);
        both.extend_from_slice(old);
        both.extend_from_slice(new);
        let wrapped = wrap_secret(&keys, &both)?;
        channel.send(&Command::new(0x80, 0x24, 0x01, 0x00).with_data(&wrapped))?;
        return Ok(());
    }
    Ok(with_card(tools.reader, |card| {
        let mut jpki = Jpki::select_for(card, kind)?;
        jpki.verify(old.as_bytes())?;
        jpki.change(new.as_bytes())
    })?)
}

/// Whether the card's key of that kind has a password with tries left.
///
/// # Errors
/// [`VisitFault`].
pub fn has_password(reader: &dyn Reader, kind: CertificateKind) -> Result<bool, VisitFault> {
    Ok(with_card(reader, |card| Jpki::select_for(card, kind)?.tries())? > 0)
}

/// Lets the card check its present password; nothing else changes but its tries.
///
/// # Errors
/// [`VisitFault`]; a wrong one tells the tries left.
pub fn check_password(
    tools: &Tools<'_>,
    kind: CertificateKind,
    present: &Password,
) -> Result<(), VisitFault> {
    let (card, visit) = read(tools.reader)?;
    if let Some(visit) = of_key(check(tools, &card, visit), kind) {
        let keys = keys(tools, &visit)?;
        let mut channel = genuine(VisitChannel::open(tools.reader, &keys))?;
        let wrapped = wrap_secret(&keys, present.as_bytes())?;
        return Ok(channel.put(0x05, &wrapped)?);
    }
    Ok(with_card(tools.reader, |card| {
        Jpki::select_for(card, kind)?.verify(present.as_bytes())
    })?)
}

/// The visit, where it is for that key.
fn of_key(visit: Result<Visit, VisitFault>, kind: CertificateKind) -> Option<Visit> {
    visit.ok().filter(|visit| visit.kind == kind)
}

/// Gives a visit up on the card: its keys are erased. Best effort, for a card that
/// still lies in the reader.
///
/// # Errors
/// [`VisitFault`].
pub fn abandon(tools: &Tools<'_>, visit: &Visit) -> Result<(), VisitFault> {
    Ok(reopen(tools, visit)?.abandon()?)
}

fn read(reader: &dyn Reader) -> Result<(CardRecord, Option<VisitRecord>), CardFault> {
    with_card(reader, |card| {
        let mut application = Personalisation::select(card)?;
        Ok((application.card_record()?, application.visit_record()?))
    })
}

fn check(
    tools: &Tools<'_>,
    card: &CardRecord,
    visit: Option<VisitRecord>,
) -> Result<Visit, VisitFault> {
    let visit = visit
        .filter(|_| card.state == CardState::Prepared)
        .ok_or(VisitFault::NotPrepared(card.state))?;
    if visit.kiosk != tools.kiosk.as_str() {
        return Err(VisitFault::OtherKiosk(visit.kiosk));
    }
    Ok(Visit {
        card: card.card,
        visit: visit.visit,
        kind: visit.kind,
    })
}

fn keys(tools: &Tools<'_>, visit: &Visit) -> Result<KeySet, MasterFault> {
    tools
        .master
        .visit_keys(tools.kiosk.as_bytes(), &visit.card, &visit.visit)
}

fn reopen(tools: &Tools<'_>, visit: &Visit) -> Result<VisitChannel, VisitFault> {
    let (card, found) = read(tools.reader)?;
    if card.card != visit.card {
        return Err(VisitFault::OtherCard);
    }
    if check(tools, &card, found)? != *visit {
        return Err(VisitFault::OtherCard);
    }
    genuine(VisitChannel::open(tools.reader, &keys(tools, visit)?))
}

fn genuine(opened: Result<VisitChannel, VisitChannelFault>) -> Result<VisitChannel, VisitFault> {
    opened.map_err(|fault| match fault {
        VisitChannelFault::Channel(
            ChannelFault::Cryptogram | ChannelFault::Refused(_) | ChannelFault::NoKeySet(_),
        ) => VisitFault::NotGenuine,
        other => other.into(),
    })
}

fn wrap_secret(keys: &KeySet, secret: &[u8]) -> Result<Vec<u8>, VisitFault> {
    let mut copy = secret.to_vec();
    let wrapped = wrap::kwp_wrap(&keys.dek, &copy).map_err(|_| VisitFault::NotGenuine);
    copy.zeroize();
    wrapped
}

impl From<VisitFault> for Problem {
    fn from(fault: VisitFault) -> Self {
        let detail = fault.to_string();
        match fault {
            VisitFault::Stopped(ending) => {
                let say = ending.say();
                Self::new(Kind::VisitEnded, detail, &say.ja, &say.en)
            }
            VisitFault::Channel(VisitChannelFault::Card(fault)) => fault.into(),
            VisitFault::Channel(VisitChannelFault::Channel(ChannelFault::Status(sw))) => {
                CardFault::from_status(sw).into()
            }
            VisitFault::Channel(VisitChannelFault::Channel(fault)) => {
                tracing::warn!(%fault, "secure channel");
                CardFault::Mute.into()
            }
            VisitFault::NotPrepared(CardState::KeyStored) => Self::new(
                Kind::CardOther,
                detail,
                "このカードにはもう鍵が入っています。カードを取って、窓口にお戻りください。",
                "The key is already on this card. Take it and go back to the window.",
            ),
            VisitFault::NotPrepared(_) => Self::new(
                Kind::CardOther,
                detail,
                "このカードはまだ準備されていません。先に窓口で手続きをしてください。",
                "This card is not prepared yet. Go to the window first.",
            ),
            VisitFault::OtherKiosk(kiosk) => Self::new(
                Kind::CardOther,
                detail,
                &format!("このカードは別の機械（{kiosk}）で使います。その機械でお試しください。"),
                &format!("This card is for another machine ({kiosk}). Use it there."),
            ),
            VisitFault::OtherCard => Self::new(
                Kind::CardOther,
                detail,
                "はじめと違うカードです。はじめのカードを置いてください。",
                "This is another card than at the beginning. Place the first one.",
            ),
            VisitFault::NotGenuine => Self::new(
                Kind::CardForeign,
                detail,
                "カードとこの機械の鍵が合いません。カードを取って、窓口にお知らせください。",
                "The card and this machine do not know each other. Take the card and tell the window.",
            ),
            VisitFault::OldPasswordNeeded => Self::new(
                Kind::PasswordRules,
                detail,
                "いまのパスワードも入力してください。",
                "Type the present password too.",
            ),
            VisitFault::KeyRefused | VisitFault::Request => {
                let say = Ending::Failed.say();
                Self::new(Kind::CardFaulty, detail, &say.ja, &say.en)
            }
            VisitFault::Channel(VisitChannelFault::Random)
            | VisitFault::Master(_)
            | VisitFault::Keypair(_)
            | VisitFault::Record(_) => {
                tracing::error!(error = %fault, source = ?std::error::Error::source(&fault).map(ToString::to_string), "visit");
                let say = Ending::Failed.say();
                Self::new(Kind::Internal, detail, &say.ja, &say.en)
            }
        }
    }
}
