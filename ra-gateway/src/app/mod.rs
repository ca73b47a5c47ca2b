//! The window's use-cases, in walking order. Each is an ordinary function that reads the
//! clock once; what a step may do is decided in `pki_core::application`.

pub mod caller;
pub mod look_up;
pub mod sign_in;

mod opening;

// The walk. The blank lines keep rustfmt from sorting it.
mod receive;

mod identify;

mod inquire;
mod same_visit;

mod prepare_card;

mod read_public_key;

mod settle_characters;

mod request_issue;

mod confirm_image;

mod write_card;

mod take_fee;

mod hand_over;

mod aside;

mod acts;
pub mod approval;
pub mod card_keys;
pub mod channel;
mod dossier;
pub mod export_audit;
mod find_certificate;
mod kept_papers;
pub mod kiosk;
mod lapse;
pub mod mode;
mod notices;
mod paper_orders;
mod places;
pub mod refusal;
pub mod register_events;
mod shift;
mod statistics;
pub mod stops;
mod till;
mod view;

use std::sync::Arc;

use jiff::Timestamp;
use pki_core::{
    application::{certificate_kind::CertificateKind, fee::FeeTable},
    mode::Mode,
    person::{municipality::PrefectureCode, substitution::SubstitutionList},
    release::Officers,
};
use service::knocks::Knocks;

use crate::{
    config::{IssuerConfig, UserAuthenticationConfig},
    port::{AuditEntry, Authority, Clock, Entropy, Masters, Register, Store, Vault},
};
use channel::Channels;
pub use places::KnownPlaces;
use refusal::Failure;
use register_events::RegisterEvents;
use stops::RefusedRelease;

/// What the prefecture has settled.
#[derive(Clone)]
pub struct Settings {
    /// The prefecture.
    pub prefecture: PrefectureCode,
    /// Whether what is issued counts.
    pub mode: Mode,
    /// Name of the certificate profile that is applied for.
    pub profile: String,
    /// What issued certificates must come from.
    pub issuer: IssuerConfig,
    /// `None`: the certificate for signing in is not issued here.
    pub user_authentication: Option<UserAuthenticationConfig>,
    /// By what officers of the authority are known.
    pub officers: Officers,
    /// What each kind of application costs.
    pub fees: FeeTable,
    /// What may stand for characters that a certificate cannot carry.
    pub substitutes: SubstitutionList,
    /// A session ends after so many seconds.
    pub session_s: i64,
    /// A session ends after so many seconds without use.
    pub session_idle_s: i64,
    /// How far an act's time may be from now, in seconds.
    pub act_skew_s: i64,
    /// Days in which the reply to a written inquiry is to be brought.
    pub inquiry_days: u16,
    /// Days for which an application stays open at one step.
    pub open_days: u16,
}

impl Settings {
    /// Name of the profile of such certificates and what they must come from; `None` for a kind
    /// that is not issued here.
    pub(crate) fn of(&self, kind: CertificateKind) -> Option<(&str, &IssuerConfig)> {
        match kind {
            CertificateKind::Signature => Some((&self.profile, &self.issuer)),
            CertificateKind::UserAuthentication => self
                .user_authentication
                .as_ref()
                .map(|user| (user.profile.as_str(), &user.issuer)),
        }
    }
}

/// The gateway's use-cases on its ports.
pub struct App {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The database.
    pub store: Arc<dyn Store>,
    /// Encryption at rest.
    pub vault: Arc<dyn Vault>,
    /// Masters of card and visit keys.
    pub masters: Arc<dyn Masters>,
    /// The resident register.
    pub register: Arc<dyn Register>,
    /// The certificate authority.
    pub authority: Arc<dyn Authority>,
    /// What the prefecture has settled.
    pub settings: Settings,
    /// Whether the authority is of this gateway's mode.
    pub authority_mode: Arc<mode::AuthorityMode>,
    /// Channels to cards.
    pub channels: Channels,
    /// Refusals that have no row of their own yet.
    pub knocks: Knocks,
    /// The file of places as last read.
    pub places: KnownPlaces,
    /// What the register did to certificates.
    pub events: RegisterEvents,
    /// The release of a stop that was refused last.
    pub refused_release: RefusedRelease,
}

impl App {
    /// The same use-cases on another store: with connections of its own, and channels.
    #[must_use]
    pub fn beside(&self, store: Arc<dyn Store>) -> Self {
        Self {
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            store,
            vault: Arc::clone(&self.vault),
            masters: Arc::clone(&self.masters),
            register: Arc::clone(&self.register),
            authority: Arc::clone(&self.authority),
            settings: self.settings.clone(),
            authority_mode: Arc::clone(&self.authority_mode),
            channels: Channels::default(),
            knocks: Knocks::default(),
            places: KnownPlaces::default(),
            events: RegisterEvents::default(),
            refused_release: RefusedRelease::default(),
        }
    }

    /// Writes a refusal into the audit before it is answered.
    fn audited<T>(
        &self,
        entry: &AuditEntry,
        now: Timestamp,
        outcome: Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Err(Failure::Refused(refused)) = &outcome {
            let entry = AuditEntry {
                refused: Some(refused.reason.name().to_owned()),
                ..entry.clone()
            };
            self.store.audit(&entry, now)?;
        }
        outcome
    }
}
