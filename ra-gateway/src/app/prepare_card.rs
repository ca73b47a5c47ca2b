//! Step 3: The card gets its two visit keys; and the relay that this and writing share.

use pki_core::{
    application::{Application, states::Visit},
    id::{CardId, VisitId},
};
use schema::wire::v1::ra::{
    CardChannelRequest, CardChannelResponse, CardRelayRequest, CardRelayResponse, ChannelPurpose,
};

use super::{
    App,
    caller::Clerk,
    card_keys::{of_card, put_key},
    channel::{Purpose, Relayed, WalkJob, Wanted},
    dossier::{Dossier, not_due},
    refusal::{Failure, Reason, Refused, parse, refuse},
    write_card,
};

impl App {
    /// Opens a channel to the card; an earlier one of this application at this terminal is
    /// given up.
    pub fn open_card_channel(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &CardChannelRequest,
    ) -> Result<CardChannelResponse, Failure> {
        let now = self.clock.now();
        let act = match request.purpose {
            ChannelPurpose::Prepare => "prepare-card",
            ChannelPurpose::Write => "write-card",
        };
        let mut answer = None;
        self.with_dossier(clerk, id, act, now, |dossier| {
            let card: CardId = parse("/card", &request.card)?;
            let keys = of_card(&*self.masters, &card)?;
            let (purpose, work) = match request.purpose {
                ChannelPurpose::Prepare => {
                    may_prepare(&dossier.state)?;
                    self.nothing_in_effect(dossier, &card)?;
                    let kiosk = self
                        .store
                        .kiosks(&clerk.municipality())?
                        .first()
                        .map(|kiosk| kiosk.id.clone())
                        .ok_or_else(|| {
                            Refused::new(
                                Reason::NoKiosk,
                                "this municipality has no kiosk in service",
                            )
                        })?
                        .parse()
                        .map_err(|fault| Failure::Broken(Box::new(fault)))?;
                    let visit = VisitId::from_bytes(self.entropy.id());
                    let work = put_key(
                        &*self.masters,
                        &keys,
                        (&card, dossier.state.case().certificate_kind),
                        &visit,
                        &kiosk,
                    )?;
                    (Purpose::Prepare { visit, kiosk }, vec![work])
                }
                ChannelPurpose::Write => {
                    // What is wrong in one certificate may be wrong in the others.
                    self.not_stopped()?;
                    write_card::plan(&dossier.state, card)?
                }
            };
            let wanted = Wanted {
                subject: *dossier.stored.id.as_bytes(),
                job: WalkJob {
                    application: dossier.stored.id,
                    version: dossier.stored.version,
                    purpose,
                },
                card,
                keys: &keys,
                work,
            };
            answer = Some(self.open_channel(&self.channels.walk, clerk, wanted, now)?);
            Ok(())
        })?;
        answer.ok_or_else(|| Failure::Broken("a channel was neither opened nor refused".into()))
    }

    /// The kiosk erases the key that is on a card, and the authority refuses a second
    /// certificate only at the end (Art 6). So it is asked before the card is touched.
    fn nothing_in_effect(&self, dossier: &Dossier, card: &CardId) -> Result<(), Failure> {
        for other in self.store.certified_beside(&dossier.stored, card)? {
            let Some(serial) = &other.index.serial else {
                continue;
            };
            // The one whose place the new certificate takes.
            let replaced = dossier.state.case().replaces.as_ref();
            if replaced.is_some_and(|replaced| replaced.to_string() == *serial) {
                continue;
            }
            // Beside it stands the holder's own certificate of the other kind.
            let other_case = self.opened(other.clone())?.state.case().clone();
            let same_kind = other_case.certificate_kind == dossier.state.case().certificate_kind;
            let same_holder = other.index.resident_hash.is_some()
                && other.index.resident_hash == dossier.stored.index.resident_hash;
            if same_holder && !same_kind {
                continue;
            }
            let record = self.authority.certificate(serial)?;
            if record.is_none_or(|record| record.status != "live") {
                continue;
            }
            if same_holder {
                return refuse(
                    Reason::CertificateInEffect,
                    "a certificate of this applicant is in effect (Art 6); revoke it first",
                );
            }
            return refuse(
                Reason::CardRefused,
                "this card carries a certificate that is in effect; take another card",
            );
        }
        Ok(())
    }

    /// Takes the card's answers and gives what comes next.
    pub fn relay_card(
        &self,
        clerk: &Clerk,
        channel: &str,
        request: &CardRelayRequest,
    ) -> Result<CardRelayResponse, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("relay-card");
        let outcome = (|| {
            let relayed =
                self.channels
                    .walk
                    .relay(clerk, channel, &request.responses, now, |job| {
                        entry.application = Some(job.application);
                    })?;
            match relayed {
                Relayed::More(commands) => Ok(CardRelayResponse {
                    commands,
                    done: false,
                }),
                Relayed::Done(card, job) => {
                    self.card_done(clerk, job, card)?;
                    Ok(CardRelayResponse {
                        commands: Vec::new(),
                        done: true,
                    })
                }
            }
        })();
        self.audited(&entry, now, outcome)
    }

    /// The card has done what the channel was for.
    fn card_done(&self, clerk: &Clerk, job: WalkJob, card: CardId) -> Result<(), Failure> {
        let now = self.clock.now();
        let mut dossier = self.dossier(clerk, &job.application)?;
        if dossier.stored.version != job.version {
            return refuse(
                Reason::ChangedMeanwhile,
                "the application was changed while the card was written to; read it again",
            );
        }
        match job.purpose {
            Purpose::Prepare { visit, kiosk } => {
                let next = Visit {
                    visit,
                    card,
                    kiosk,
                    prepared_at: now,
                };
                let state = prepared(dossier.state.clone(), next)?;
                let effect = crate::port::Effect::OpenVisit { visit, card, kiosk };
                self.advance(
                    clerk,
                    "prepare-card",
                    &mut dossier,
                    state,
                    vec![effect],
                    now,
                )
            }
            Purpose::Write { certificate_sha256 } => {
                self.note_card_written(clerk, &dossier, certificate_sha256, now)
            }
        }
    }

    fn note_card_written(
        &self,
        clerk: &Clerk,
        dossier: &Dossier,
        certificate_sha256: [u8; 32],
        now: jiff::Timestamp,
    ) -> Result<(), Failure> {
        let mut entry = clerk.entry("write-card");
        entry.application = Some(dossier.stored.id);
        entry.reference = Some(hex::encode(certificate_sha256));
        Ok(self.store.audit(&entry, now)?)
    }
}

/// Whether a new visit may be opened: as long as no certificate was asked for.
fn may_prepare(state: &Application) -> Result<(), Failure> {
    match state {
        Application::Identified(_) | Application::CardPrepared(_) | Application::KeyRead(_) => {
            Ok(())
        }
        Application::CharactersSettled(settled) if settled.intent.is_none() => Ok(()),
        other => not_due(other),
    }
}

/// The visit was opened on the card: an earlier one, its key and its characters are given up.
fn prepared(state: Application, visit: Visit) -> Result<Application, Failure> {
    let identified = match state {
        Application::Identified(state) => state,
        later => later
            .back_to_window()
            .map_err(|fault| Refused::new(Reason::StepNotDue, fault.to_string()))?,
    };
    identified
        .prepare_card(visit)
        .map(Application::CardPrepared)
        .map_err(|fault| Refused::new(Reason::NoKiosk, fault.to_string()).into())
}
