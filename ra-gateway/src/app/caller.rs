//! Who asks. A use-case takes one of these values, and only this module makes them:
//! having one is the permission.

use std::ops::Deref;

use jiff::Timestamp;
use pki_core::{
    application::extract::AtWork,
    certificate::{CertificateImage, PublicKey},
    id::{KioskId, OperatorId, Sha256Digest, TerminalId},
    operator::Role,
    person::municipality::MunicipalityCode,
};
use sha2::{Digest, Sha256};

use super::{
    App,
    refusal::{Failure, Reason, Refused, refuse},
};
use crate::port::{AuditEntry, Party, PartyKind, StoreError};

/// How much earlier a session's last use is written down again.
const TOUCH_AFTER_S: i64 = 60;

/// A terminal whose certificate is registered and that is not suspended.
#[derive(Clone)]
pub struct Terminal {
    /// Its id.
    pub id: TerminalId,
    /// Where it stands.
    pub municipality: MunicipalityCode,
    /// SHA-256 of its certificate.
    pub certificate_sha256: [u8; 32],
    /// Its enrolled key.
    pub public_key: PublicKey,
}

/// A kiosk whose certificate is registered and that is not suspended, unless a
/// use-case says so.
#[derive(Clone)]
pub struct Kiosk {
    /// Its id.
    pub id: KioskId,
    /// Where it stands.
    pub municipality: MunicipalityCode,
    /// Its enrolled key.
    pub public_key: PublicKey,
    /// It must take no further visit.
    pub suspended: bool,
}

/// An operator who is signed in at a terminal, whatever the role: may read.
#[derive(Clone)]
pub struct Operator {
    /// Where.
    pub terminal: Terminal,
    /// Who.
    pub operator: OperatorId,
    /// The operator card's enrolled key.
    pub public_key: PublicKey,
    /// What the operator may do.
    pub role: Role,
    /// SHA-256 of the session's secret.
    pub session: Sha256Digest,
}

/// An operator whose role lets them act (窓口担当, 責任者), here in the office behind the window:
/// the till, corrections, requests for approval.
#[derive(Clone)]
pub struct BackOffice(Operator);

/// An operator who acts for an applicant at the window, while it is open.
#[derive(Clone)]
pub struct Clerk(BackOffice);

/// An operator who may make final what is final, and approve (責任者).
#[derive(Clone)]
pub struct Supervisor(BackOffice);

impl Deref for BackOffice {
    type Target = Operator;

    fn deref(&self) -> &Operator {
        &self.0
    }
}

impl Deref for Clerk {
    type Target = BackOffice;

    fn deref(&self) -> &BackOffice {
        &self.0
    }
}

impl Deref for Supervisor {
    type Target = BackOffice;

    fn deref(&self) -> &BackOffice {
        &self.0
    }
}

impl Operator {
    /// An audit line in the operator's name.
    #[must_use]
    pub fn entry(&self, act: &'static str) -> AuditEntry {
        AuditEntry {
            operator: Some(self.operator.clone()),
            ..self.terminal.entry(act)
        }
    }

    /// Who is at work where: what makes two requests one visit.
    #[must_use]
    pub fn at_work(&self) -> AtWork {
        AtWork {
            terminal: self.terminal.id,
            operator: self.operator.clone(),
            session: self.session,
        }
    }

    /// The municipality that the operator acts for.
    #[must_use]
    pub const fn municipality(&self) -> MunicipalityCode {
        self.terminal.municipality
    }
}

impl Terminal {
    /// An audit line in the terminal's name.
    #[must_use]
    pub fn entry(&self, act: &'static str) -> AuditEntry {
        AuditEntry {
            act,
            terminal: Some(self.id),
            ..AuditEntry::default()
        }
    }
}

impl Kiosk {
    /// An audit line in the kiosk's name.
    #[must_use]
    pub fn entry(&self, act: &'static str) -> AuditEntry {
        AuditEntry {
            act,
            kiosk: Some(self.id),
            ..AuditEntry::default()
        }
    }
}

/// An operator's role.
pub(super) fn role_of(party: &Party) -> Result<Role, Failure> {
    party
        .role
        .ok_or_else(|| Failure::Broken("an operator is registered without a role".into()))
}

/// The key in a registered certificate, if the certificate is valid now.
pub(super) fn certified_key(party: &Party, now: Timestamp) -> Result<PublicKey, Failure> {
    let image = CertificateImage::decode(&party.certificate)
        .map_err(|fault| Failure::Broken(Box::new(fault)))?;
    if now < image.not_before || now > image.not_after {
        return refuse(
            Reason::PartyUnknown,
            format!(
                "the certificate of this {} is not valid now",
                party.kind.name()
            ),
        );
    }
    Ok(image.public_key)
}

impl App {
    /// The registered party of a client certificate. The registry is asked at each
    /// request, so a suspension takes effect on connections that are open.
    fn party(&self, certificate: &[u8]) -> Result<(Party, [u8; 32]), Failure> {
        let sha256: [u8; 32] = Sha256::digest(certificate).into();
        match self.store.party_by_certificate(&sha256)? {
            Some(party) => Ok((party, sha256)),
            None => {
                // Whoever is not known has no row: a flood of them would fill the log.
                metrics::counter!("ra_strangers_total").increment(1);
                self.knocks.count();
                refuse(
                    Reason::PartyUnknown,
                    "this certificate is not registered with the gateway",
                )
            }
        }
    }

    /// Writes the refusal of a known party down, unless it has had its rows of this
    /// minute.
    fn knocked<T>(
        &self,
        party: &Party,
        entry: &AuditEntry,
        now: Timestamp,
        outcome: Result<T, Failure>,
    ) -> Result<T, Failure> {
        let name = format!("{}:{}", party.kind.name(), party.id);
        if matches!(outcome, Err(Failure::Refused(_))) && !self.knocks.has_row(&name) {
            return outcome;
        }
        self.audited(entry, now, outcome)
    }

    /// Once a minute: one row for all refusals that have none. Gives their number.
    pub fn sum_up_knocks(&self) -> Result<u64, StoreError> {
        self.knocks.sum_up(|count| {
            let entry = AuditEntry {
                act: "connect",
                refused: Some(Reason::PartyUnknown.name().to_owned()),
                reference: Some(format!("{count} requests")),
                ..AuditEntry::default()
            };
            self.store.audit(&entry, self.clock.now())
        })
    }

    /// The terminal of a client certificate.
    pub fn terminal(&self, certificate: &[u8]) -> Result<Terminal, Failure> {
        let now = self.clock.now();
        let (party, certificate_sha256) = self.party(certificate)?;
        let check = || {
            if party.kind != PartyKind::Terminal {
                return refuse(Reason::WrongParty, "only a terminal may ask this");
            }
            if party.suspended {
                return refuse(Reason::PartySuspended, "this terminal is suspended");
            }
            Ok(Terminal {
                id: party
                    .id
                    .parse()
                    .map_err(|fault| Failure::Broken(Box::new(fault)))?,
                municipality: party.municipality,
                certificate_sha256,
                public_key: certified_key(&party, now)?,
            })
        };
        let entry = AuditEntry {
            act: "connect",
            terminal: party.id.parse().ok(),
            kiosk: if party.kind == PartyKind::Kiosk {
                party.id.parse().ok()
            } else {
                None
            },
            ..AuditEntry::default()
        };
        self.knocked(&party, &entry, now, check())
    }

    /// The kiosk of a client certificate. A suspended one is given too: it is told so.
    pub fn kiosk(&self, certificate: &[u8]) -> Result<Kiosk, Failure> {
        let now = self.clock.now();
        let (party, _) = self.party(certificate)?;
        let check = || {
            if party.kind != PartyKind::Kiosk {
                return refuse(Reason::WrongParty, "only a kiosk may ask this");
            }
            Ok(Kiosk {
                id: party
                    .id
                    .parse()
                    .map_err(|fault| Failure::Broken(Box::new(fault)))?,
                municipality: party.municipality,
                public_key: certified_key(&party, now)?,
                suspended: party.suspended,
            })
        };
        let entry = AuditEntry {
            act: "connect",
            reference: Some(party.id.clone()),
            ..AuditEntry::default()
        };
        self.knocked(&party, &entry, now, check())
    }

    /// The operator of a session at this terminal. Sessions end by time, by disuse, with
    /// the operator's or terminal's suspension, and with the terminal's certificate; the
    /// role is looked up at each request.
    pub fn operator(&self, terminal: Terminal, token: Option<&str>) -> Result<Operator, Failure> {
        let now = self.clock.now();
        let entry = terminal.entry("session");
        let found = self.operator_of(terminal, token, now);
        self.audited(&entry, now, found)
    }

    /// As [`App::operator`], for an operator who may act.
    pub fn back_office(
        &self,
        terminal: Terminal,
        token: Option<&str>,
    ) -> Result<BackOffice, Failure> {
        let operator = self.operator(terminal, token)?;
        let entry = operator.entry("session");
        let outcome = if operator.role.may_act() {
            Ok(BackOffice(operator))
        } else {
            refuse(
                Reason::RoleForbids,
                "an auditor reads; a clerk or supervisor has to do this",
            )
        };
        self.audited(&entry, self.clock.now(), outcome)
    }

    /// As [`App::back_office`], for work at the window: it has to be open.
    pub fn clerk(&self, terminal: Terminal, token: Option<&str>) -> Result<Clerk, Failure> {
        let clerk = self.back_office(terminal, token)?;
        let now = self.clock.now();
        let open = self.window_open(&clerk, now);
        self.audited(&clerk.entry("session"), now, open)?;
        Ok(Clerk(clerk))
    }

    /// As [`App::back_office`], for a supervisor.
    pub fn supervisor(
        &self,
        terminal: Terminal,
        token: Option<&str>,
    ) -> Result<Supervisor, Failure> {
        let clerk = self.back_office(terminal, token)?;
        let entry = clerk.entry("session");
        let outcome = if clerk.role.may_approve() {
            Ok(Supervisor(clerk))
        } else {
            refuse(Reason::RoleForbids, "a supervisor has to do this")
        };
        self.audited(&entry, self.clock.now(), outcome)
    }

    fn operator_of(
        &self,
        terminal: Terminal,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Operator, Failure> {
        let Some(token) = token else {
            return refuse(Reason::SessionRequired, "sign in with the operator card");
        };
        let invalid = || {
            Failure::from(Refused::new(
                Reason::SessionInvalid,
                "the session is over; sign in again",
            ))
        };
        let token_sha256: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let session = self.store.session(&token_sha256)?.ok_or_else(invalid)?;
        let idle = now.duration_since(session.seen_at).as_secs();
        if session.terminal != terminal.id
            || session.terminal_certificate_sha256 != terminal.certificate_sha256
            || now >= session.expires_at
            || idle >= self.settings.session_idle_s
        {
            return Err(invalid());
        }
        let party = self
            .store
            .party(PartyKind::Operator, session.operator.as_str())?
            .ok_or_else(invalid)?;
        if party.suspended {
            return refuse(Reason::PartySuspended, "this operator is suspended");
        }
        if party.municipality != terminal.municipality {
            return Err(invalid());
        }
        if idle >= TOUCH_AFTER_S {
            self.store.touch_session(&token_sha256, now)?;
        }
        self.employed(&terminal, &session.operator)?;
        Ok(Operator {
            public_key: certified_key(&party, now)?,
            role: role_of(&party)?,
            session: Sha256Digest::from_bytes(token_sha256),
            operator: session.operator,
            terminal,
        })
    }
}
