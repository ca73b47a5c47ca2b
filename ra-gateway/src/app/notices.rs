//! Notices about a card that its holder has: password services and erasures. They ask the
//! register and the gateway's own record, never the authority.

use jiff::Timestamp;
use pki_core::{
    application::{
        Application,
        certificate_kind::CertificateKind,
        identity::{IdentityCheck, IdentityDecision, IdentityVerdict, RecordedDecision},
    },
    id::{CardId, IdempotencyKey, NoticeId},
    notice::{self, Notice, NoticeFault, Opening, Service, Standing},
};
use schema::wire::v1::ra::{
    self, CardChannelResponse, CardRelayRequest, InterimPassword, NoticeRelayResponse,
};

use super::{
    App,
    caller::{Clerk, Operator},
    card_keys::{delete, initialise_password, of_card, reset_retry},
    channel::{NoticeJob, Relayed, Wanted},
    dossier::{Dossier, resident},
    identify::{compared, shown, wrong},
    opening::{kind_of, kind_told},
    refusal::{Failure, Reason, Refused, parse, refuse},
    view,
};
use crate::port::{AuditEntry, NoticeChange, OpenedNotice, RegisterQuery, Residence, StoredNotice};

/// Most notices in one list.
const MOST: u32 = 100;

/// The row's name, which sealed bytes are bound to.
fn context(id: &NoticeId) -> String {
    format!("notice {id}")
}

fn not_found() -> Failure {
    Refused::new(
        Reason::NotFound,
        "there is no such notice in this municipality",
    )
    .into()
}

fn entry_of(clerk: &Clerk, act: &'static str, notice: &Notice) -> AuditEntry {
    AuditEntry {
        application: Some(notice.application),
        reference: Some(format!("{} {}", notice.service.as_str(), notice.id)),
        ..clerk.entry(act)
    }
}

/// What the window is told of a fault.
fn refused(fault: NoticeFault) -> Failure {
    let reason = match fault {
        NoticeFault::Nothing | NoticeFault::Revoked => Reason::CardRefused,
        NoticeFault::InEffect => Reason::CertificateInEffect,
        NoticeFault::NotIdentified(_) => Reason::NotIdentified,
        NoticeFault::IdentityMissing => {
            return Refused::items(vec![super::refusal::ItemError {
                pointer: "/identity".to_owned(),
                detail: fault.to_string(),
            }])
            .into();
        }
        NoticeFault::NoChannel | NoticeFault::Step(_) => Reason::StepNotDue,
    };
    Refused::new(reason, fault.to_string()).into()
}

const fn service(wire: ra::CardService) -> Service {
    match wire {
        ra::CardService::Change => Service::Change,
        ra::CardService::Unlock => Service::Unlock,
        ra::CardService::Initialise => Service::Initialise,
        ra::CardService::Erase => Service::Erase,
    }
}

impl App {
    /// Takes a notice in, once per idempotency key. The holder is the one that the card's
    /// certificate was issued to here, and is asked for in the register again.
    pub fn open_notice(
        &self,
        clerk: &Clerk,
        request: &ra::NoticeRequest,
    ) -> Result<ra::Notice, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("open-notice");
        let outcome = (|| {
            let card: CardId = parse("/card", &request.card)?;
            let key: IdempotencyKey = parse("/idempotency_key", &request.idempotency_key)?;
            let kind = kind_of(request.certificate_kind);
            let dossier = self.dossier_on_card(clerk, &card, kind)?;
            entry.application = Some(dossier.stored.id);
            let issued = dossier
                .state
                .issued()
                .ok_or_else(|| refused(NoticeFault::Nothing))?;
            let serial = issued.certificate.serial.clone();
            entry.reference = Some(serial.to_string());
            let identity = match &request.identity {
                Some(identity) => Some(self.identified_again(clerk, &dossier, identity, now)?),
                None => None,
            };
            let notice = Notice::open(Opening {
                id: NoticeId::from_bytes(self.entropy.id()),
                idempotency_key: key,
                service: service(request.service),
                card,
                application: dossier.stored.id,
                serial,
                standing: Standing::of(&dossier.state),
                terminal: clerk.terminal.id,
                operator: clerk.operator.clone(),
                identity,
                now,
            })
            .map_err(refused)?;
            let stored = StoredNotice {
                id: notice.id,
                municipality: clerk.municipality(),
                idempotency_key: key,
                service: notice.service.as_str().to_owned(),
                step: notice.step().as_str().to_owned(),
                open: true,
                version: 1,
                application: notice.application,
                card,
                terminal: notice.terminal,
                operator: notice.operator.clone(),
                opened_at: now,
                changed_at: now,
                sealed: self.sealed_notice(&notice)?,
            };
            let (stored, notice) = match self
                .store
                .open_notice(&stored, &entry_of(clerk, "open-notice", &notice))?
            {
                OpenedNotice::New => {
                    metrics::counter!("ra_notices_total", "service" => notice.service.as_str())
                        .increment(1);
                    (stored, notice)
                }
                OpenedNotice::Known(known) => {
                    let first = self.opened_notice(&known)?;
                    if known.municipality != clerk.municipality()
                        || first.card != notice.card
                        || first.service != notice.service
                        || first.application != notice.application
                        || first.terminal != notice.terminal
                    {
                        return refuse(
                            Reason::KeyReused,
                            "the idempotency key was used for another notice; draw a new one",
                        );
                    }
                    (*known, first)
                }
            };
            Ok(message(&stored, &notice, &dossier))
        })();
        self.audited(&entry, now, outcome)
    }

    /// The application that the card's certificate of this kind comes from: the newest here.
    fn dossier_on_card(
        &self,
        operator: &Operator,
        card: &CardId,
        kind: CertificateKind,
    ) -> Result<Dossier, Failure> {
        self.store
            .certified_on_card(card, &operator.municipality())?
            .into_iter()
            .map(|stored| self.opened(stored))
            .find(|dossier| {
                dossier.as_ref().map_or(true, |dossier| {
                    dossier.state.case().certificate_kind == kind
                })
            })
            .ok_or_else(|| {
                Refused::new(
                    Reason::NotFound,
                    "no certificate of this kind was issued here for this card; look at the back of \
                     the copy where it was",
                )
            })?
    }

    /// The holder before the clerk now: the resident of the application, in the register,
    /// with the items of the certificate; document and face as the clerk saw them.
    fn identified_again(
        &self,
        clerk: &Clerk,
        dossier: &Dossier,
        identity: &ra::NoticeIdentity,
        now: Timestamp,
    ) -> Result<RecordedDecision, Failure> {
        let query = RegisterQuery {
            resident: resident(&dossier.state).cloned(),
            ..RegisterQuery::default()
        };
        let found = self
            .register
            .look_up(&clerk.municipality(), &query, 1)?
            .into_iter()
            .find(|entry| entry.residence == Residence::Resident);
        let decision = IdentityDecision::new(IdentityCheck {
            application: dossier.stored.id,
            terminal: clerk.terminal.id,
            operator: clerk.operator.clone(),
            at: now,
            register: found.map(|entry| compared(dossier.state.case(), &entry)),
            register_seen_at: now,
            document: shown(&identity.document)?,
            face_matches: identity.face_matches,
            decision: IdentityVerdict::Accepted,
            remark: identity.remark.clone(),
            inquiry: None,
        })
        .map_err(|fault| Failure::from(wrong("/identity", fault)))?;
        Ok(decision.record())
    }

    fn sealed_notice(&self, notice: &Notice) -> Result<Vec<u8>, Failure> {
        let json = zeroize::Zeroizing::new(notice.to_stored());
        Ok(self.vault.seal(&context(&notice.id), &json)?)
    }

    fn opened_notice(&self, stored: &StoredNotice) -> Result<Notice, Failure> {
        let json = self.vault.open(&context(&stored.id), &stored.sealed)?;
        Notice::from_stored(&json).map_err(|fault| Failure::Broken(Box::new(fault)))
    }

    fn notice_of(
        &self,
        operator: &Operator,
        id: &NoticeId,
    ) -> Result<(StoredNotice, Notice), Failure> {
        let stored = self
            .store
            .notice(id, &operator.municipality())?
            .ok_or_else(not_found)?;
        let notice = self.opened_notice(&stored)?;
        Ok((stored, notice))
    }

    fn shown_notice(
        &self,
        operator: &Operator,
        stored: &StoredNotice,
        notice: &Notice,
    ) -> Result<ra::Notice, Failure> {
        let dossier = self.dossier(operator, &notice.application)?;
        Ok(message(stored, notice, &dossier))
    }

    /// Brings a notice to its next state, with its audit row.
    fn change_notice(
        &self,
        clerk: &Clerk,
        act: &'static str,
        stored: &mut StoredNotice,
        next: &Notice,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let change = NoticeChange {
            id: stored.id,
            municipality: stored.municipality,
            expected: stored.version,
            step: next.step().as_str().to_owned(),
            open: next.step().is_open(),
            now,
            sealed: self.sealed_notice(next)?,
        };
        self.store
            .change_notice(&change, &entry_of(clerk, act, next))?;
        stored.version += 1;
        stored.step = change.step;
        stored.open = change.open;
        Ok(())
    }

    /// One notice.
    pub fn notice(&self, operator: &Operator, id: &str) -> Result<ra::Notice, Failure> {
        self.with_notice(operator, id, "read-notice", |_, _, _| Ok(()))
    }

    /// Notices of the operator's municipality, newest first.
    pub fn notices(&self, operator: &Operator, open_only: bool) -> Result<ra::NoticeList, Failure> {
        let stored = self
            .store
            .notices(&operator.municipality(), open_only, MOST)?;
        let notices = stored
            .iter()
            .map(|stored| self.shown_notice(operator, stored, &self.opened_notice(stored)?))
            .collect::<Result<_, Failure>>()?;
        Ok(ra::NoticeList { notices })
    }

    /// The terminal has set the holder's password. Said twice, it is done once.
    pub fn password_set(&self, clerk: &Clerk, id: &str) -> Result<ra::Notice, Failure> {
        const ACT: &str = "password-set";
        self.with_notice(clerk, id, ACT, |stored, notice, now| {
            if notice.step() == notice::NoticeStep::Done {
                return Ok(());
            }
            *notice = notice.clone().password_set(now).map_err(refused)?;
            self.change_notice(clerk, ACT, stored, notice, now)
        })
    }

    /// The notice is given up.
    pub fn give_up_notice(&self, clerk: &Clerk, id: &str) -> Result<ra::Notice, Failure> {
        const ACT: &str = "give-up-notice";
        self.with_notice(clerk, id, ACT, |stored, notice, now| {
            if notice.step() == notice::NoticeStep::GivenUp {
                return Ok(());
            }
            *notice = notice.clone().give_up(now).map_err(refused)?;
            self.change_notice(clerk, ACT, stored, notice, now)
        })
    }

    fn with_notice(
        &self,
        operator: &Operator,
        id: &str,
        act: &'static str,
        work: impl FnOnce(&mut StoredNotice, &mut Notice, Timestamp) -> Result<(), Failure>,
    ) -> Result<ra::Notice, Failure> {
        let now = self.clock.now();
        let mut entry = operator.entry(act);
        let outcome = (|| {
            let id: NoticeId = id.parse().map_err(|_| not_found())?;
            entry.reference = Some(id.to_string());
            let (mut stored, mut notice) = self.notice_of(operator, &id)?;
            entry.application = Some(notice.application);
            work(&mut stored, &mut notice, now)?;
            self.shown_notice(operator, &stored, &notice)
        })();
        self.audited(&entry, now, outcome)
    }

    /// Opens a channel to the card of a notice; an earlier one is given up. The card's keys
    /// are derived only after the state allows it.
    pub fn open_notice_channel(
        &self,
        clerk: &Clerk,
        id: &str,
    ) -> Result<CardChannelResponse, Failure> {
        let mut answer = None;
        self.with_notice(clerk, id, "open-notice-channel", |stored, notice, now| {
            notice.may_open_channel().map_err(refused)?;
            // What was revoked or re-issued since the notice was taken in is left alone.
            let kind = self
                .dossier(clerk, &notice.application)?
                .state
                .case()
                .certificate_kind;
            let dossier = self.dossier_on_card(clerk, &notice.card, kind)?;
            let standing = match notice.service {
                Service::Erase => Standing::Revoked,
                _ => Standing::Held,
            };
            if dossier.stored.id != notice.application || Standing::of(&dossier.state) != standing {
                return refuse(
                    Reason::ChangedMeanwhile,
                    "the certificate on this card has changed since; take a new notice in",
                );
            }
            let keys = of_card(&*self.masters, &notice.card)?;
            let (work, interim) = match notice.service {
                Service::Unlock | Service::Change => (reset_retry(kind), None),
                Service::Erase => (delete(kind), None),
                Service::Initialise => {
                    let interim = notice::interim_password(kind, &self.entropy.id());
                    (initialise_password(&keys, kind, &interim), Some(interim))
                }
            };
            let wanted = Wanted {
                subject: *notice.id.as_bytes(),
                job: NoticeJob {
                    notice: notice.id,
                    version: stored.version,
                    interim,
                },
                card: notice.card,
                keys: &keys,
                work: vec![work],
            };
            answer = Some(self.open_channel(&self.channels.notices, clerk, wanted, now)?);
            Ok(())
        })?;
        answer.ok_or_else(|| Failure::Broken("a channel was neither opened nor refused".into()))
    }

    /// Takes the card's answers and gives what comes next.
    pub fn relay_notice(
        &self,
        clerk: &Clerk,
        channel: &str,
        request: &CardRelayRequest,
    ) -> Result<NoticeRelayResponse, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("relay-notice");
        let outcome = (|| {
            let relayed =
                self.channels
                    .notices
                    .relay(clerk, channel, &request.responses, now, |job| {
                        entry.reference = Some(job.notice.to_string());
                    })?;
            match relayed {
                Relayed::More(commands) => Ok(NoticeRelayResponse {
                    commands,
                    done: false,
                    interim: None,
                }),
                Relayed::Done(_, job) => {
                    let now = self.clock.now();
                    let (mut stored, notice) = self.notice_of(clerk, &job.notice)?;
                    if stored.version != job.version {
                        return refuse(
                            Reason::ChangedMeanwhile,
                            "the notice was changed while the card was written to; read it again",
                        );
                    }
                    let next = notice.done_on_card(now).map_err(refused)?;
                    let act = match next.service {
                        Service::Erase => "erase-card",
                        _ => "notice-on-card",
                    };
                    self.change_notice(clerk, act, &mut stored, &next, now)?;
                    Ok(NoticeRelayResponse {
                        commands: Vec::new(),
                        done: true,
                        interim: job
                            .interim
                            .map(|password| InterimPassword(password.to_string())),
                    })
                }
            }
        })();
        self.audited(&entry, now, outcome)
    }

    /// When key and certificate of this application were erased from the card.
    pub(super) fn erased_at(
        &self,
        application: &pki_core::id::ApplicationId,
    ) -> Result<Option<Timestamp>, Failure> {
        for stored in self.store.notices_about(application)? {
            if stored.service == Service::Erase.as_str()
                && let Some(at) = self.opened_notice(&stored)?.ended_at
                && stored.step == notice::NoticeStep::Done.as_str()
            {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }
}

/// The standing of an application's certificate, in a message.
pub(super) const fn standing(state: &Application) -> &'static str {
    match Standing::of(state) {
        Standing::Nothing => "issued",
        Standing::Held => "held",
        Standing::Revoked => "revoked",
    }
}

fn message(stored: &StoredNotice, notice: &Notice, dossier: &Dossier) -> ra::Notice {
    ra::Notice {
        id: notice.id.to_string(),
        service: match notice.service {
            Service::Change => ra::CardService::Change,
            Service::Unlock => ra::CardService::Unlock,
            Service::Initialise => ra::CardService::Initialise,
            Service::Erase => ra::CardService::Erase,
        },
        step: match notice.step() {
            notice::NoticeStep::Open => ra::NoticeStep::Open,
            notice::NoticeStep::Interim => ra::NoticeStep::Interim,
            notice::NoticeStep::Done => ra::NoticeStep::Done,
            notice::NoticeStep::GivenUp => ra::NoticeStep::GivenUp,
        },
        version: stored.version,
        card: notice.card.to_string(),
        certificate_kind: kind_told(dossier.state.case().certificate_kind),
        application: notice.application.to_string(),
        serial: notice.serial.to_string(),
        items: view::items(&dossier.state.case().items),
        identity: notice.identity.as_ref().map(view::identity),
        opened_at: notice.opened_at.to_string(),
        ended_at: notice.ended_at.map(|at| at.to_string()),
    }
}
