//! The use-cases: ordinary functions over [`App`]. They do; `pki_core` decides.

pub mod acknowledge;
pub mod answer_anew;
pub mod answer_ocsp;
pub mod authorise;
pub mod callers;
mod certify;
pub mod decide;
pub mod disclose;
pub mod enrol;
pub mod export_audit;
pub mod follow_register;
pub mod issue;
pub mod known;
pub mod letter;
pub mod limit;
pub mod look_up;
pub mod officer;
pub mod proof;
pub mod provide;
pub mod publish_crl;
pub mod records;
pub mod register_batch;
pub mod register_holds;
pub mod register_revocations;
pub mod rehearse_register;
pub mod resume;
pub mod retention;
pub mod revoke;
pub mod revoke_online;
mod service;
pub mod status_lease;
pub mod status_memory;
pub mod stop;
pub mod verifier;
mod work;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub use self::service::{Service, UserAuthentication};
use ::service::knocks::Knocks;
use pki_core::{
    certificate::{Profile, distribution_point::Place, issuer::Issuer},
    id::ResidentNumber,
    mode::Mode,
    person::{
        merger::Mergers,
        municipality::{MunicipalityCode, PrefectureCode},
    },
    revocation::register_brake::Brake,
};
pub use work::InWork;

use crate::{
    config::{CrlConfig, IssueConfig, OfficeConfig},
    port::{
        clock::{Clock, Stopwatch},
        entropy::Entropy,
        signer::Signer,
        store::{AuditEntry, Store},
        vault::{Vault, VaultError},
    },
};

/// A CA key of this authority.
pub struct Authority {
    /// In URLs, file names and the database.
    pub name: String,
    /// Label of its key in the token.
    pub key: String,
    pub issuer: Issuer,
}

/// Everything that the use-cases of `ca-server issue` work with.
pub struct App {
    pub node: String,
    pub prefecture: PrefectureCode,
    /// Whether what is issued here counts.
    pub mode: Mode,
    pub municipalities: Vec<Place>,
    /// Which of them were merged into others.
    pub mergers: Mergers,
    pub store: Arc<dyn Store>,
    pub signer: Arc<dyn Signer>,
    pub vault: Arc<dyn Vault>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub signing: Authority,
    pub signature_profile: Profile,
    /// `None`: this prefecture does not issue it.
    pub user_authentication: Option<UserAuthentication>,
    pub ocsp_responder_profile: Profile,
    pub infrastructure: Authority,
    pub party_profiles: BTreeMap<String, Profile>,
    pub crl: CrlConfig,
    /// How far an act's time may be from this clock.
    pub act_skew: Duration,
    /// Label of the key that signs heads of the audit log.
    pub audit_key: String,
    /// Whose name stands on papers.
    pub office: OfficeConfig,
    /// What the register may do without an officer's look.
    pub brake: Brake,
    /// Requests per terminal.
    pub limits: limit::Limits,
    /// Refused callers.
    pub strangers: Knocks,
    /// Certificates and keys of parties, as read.
    pub known: known::Known,
    /// What this process is issuing now.
    pub in_work: InWork,
    /// Wakes the publisher of CRLs.
    pub publisher: publish_crl::Bell,
    /// Knows when no status node says good of what was revoked.
    pub acknowledger: acknowledge::Acknowledger,
}

impl App {
    /// The use-cases over these ports.
    pub fn new(
        config: &IssueConfig,
        store: Arc<dyn Store>,
        signer: Arc<dyn Signer>,
        vault: Arc<dyn Vault>,
        (clock, stopwatch): (Arc<dyn Clock>, Arc<dyn Stopwatch>),
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let acknowledger = acknowledge::Acknowledger::new(Arc::clone(&store), stopwatch);
        let authority = |config: &crate::config::IssuerConfig| Authority {
            name: config.name.clone(),
            key: config.key.clone(),
            issuer: config.issuer.clone(),
        };
        Self {
            node: config.node.clone(),
            prefecture: config.prefecture,
            mode: config.mode,
            municipalities: config.municipalities.clone(),
            mergers: config.mergers.clone(),
            store,
            signer,
            vault,
            clock,
            entropy,
            signing: authority(&config.signing),
            signature_profile: config.signature_profile.clone(),
            user_authentication: config.user_authentication.as_ref().map(|config| {
                UserAuthentication {
                    authority: authority(&config.issuer),
                    profile: config.profile.clone(),
                }
            }),
            ocsp_responder_profile: config.ocsp_responder_profile.clone(),
            infrastructure: authority(&config.infrastructure),
            party_profiles: config.party_profiles.clone(),
            crl: config.crl.clone(),
            acknowledger,
            act_skew: config.limits.act_skew,
            audit_key: config.audit_key.clone(),
            office: config.office.clone(),
            brake: config
                .register
                .as_ref()
                .map_or_else(Brake::default, |register| register.brake),
            limits: limit::Limits::new(config.limits.requests_per_second),
            strangers: Knocks::default(),
            known: known::Known::default(),
            in_work: InWork::default(),
            publisher: publish_crl::Bell::default(),
        }
    }

    /// The municipality of that code, when it belongs to this prefecture's table.
    pub fn place(&self, code: MunicipalityCode) -> Option<&Place> {
        self.municipalities.iter().find(|place| place.code == code)
    }

    /// The CAs of residents' certificates and the infrastructure CA.
    pub fn authorities(&self) -> Vec<&Authority> {
        self.services()
            .map(|service| service.authority)
            .chain([&self.infrastructure])
            .collect()
    }

    /// An audit entry of something this node does by itself.
    fn own_entry(
        &self,
        at: jiff::Timestamp,
        event: &'static str,
        subject: String,
        detail: serde_json::Value,
    ) -> AuditEntry {
        AuditEntry {
            at,
            event,
            outcome: "done".to_owned(),
            actor: format!("node:{}", self.node),
            subject,
            detail,
        }
    }
}

/// How a resident is looked up: by a keyed hash of municipality and number in its register.
fn resident_hash(
    app: &App,
    municipality: MunicipalityCode,
    resident: &ResidentNumber,
) -> Result<[u8; 32], VaultError> {
    let named = format!("{municipality}/{}", resident.as_str());
    app.vault.hash("resident", &named)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

/// How a certificate is named in audit rows.
fn certificate_subject(issuer: &str, serial: &[u8]) -> String {
    format!("certificate:{issuer}/{}", hex::encode(serial))
}

/// The place that a sealed column is bound to.
fn sealed_place(issuer: &str, serial: &[u8], column: &str) -> String {
    format!("certificate/{issuer}/{}/{column}", hex::encode(serial))
}
