//! Which application is open to a resident, told before one is taken in: from the gateway's
//! own records, the authority's, and the register.

use jiff::Timestamp;
use pki_core::{
    application::{
        Application,
        cause::ApplicationKind,
        certificate_kind::CertificateKind,
        opening::{Ended, Evidence, Held, NotOpen, Opening, Openings},
    },
    calendar::JapaneseDay,
    certificate::CertificateImage,
    id::{ApplicationId, ResidentNumber},
    person::municipality::MunicipalityCode,
    revocation::{ground::Ground, register_event::RegisterEventKind},
};
use schema::wire::v1::{ca::CertificateRecord, ra};

use super::{
    App,
    caller::Clerk,
    dossier::{Dossier, step},
    refusal::{Failure, Reason, Refused, parse},
};
use crate::port::{RegisterEntry, RegisterQuery, Residence};

/// Most applications of one resident that are looked at, newest first: more than a life has.
const LOOKED_AT: u32 = 50;

/// How a resident stands.
pub(super) struct Standing {
    pub openings: Openings,
    /// The register event that ended the last certificate.
    event: Option<RegisterEventKind>,
    unfinished: Vec<Dossier>,
}

impl App {
    /// What is open to the resident of this number, and why.
    pub fn openings(
        &self,
        clerk: &Clerk,
        request: &ra::OpeningsRequest,
    ) -> Result<ra::OpeningsResponse, Failure> {
        let now = self.clock.now();
        let entry = clerk.entry("openings");
        let outcome = (|| {
            let kind = kind_of(request.certificate_kind);
            self.profile_here(clerk, kind)?;
            let number: ResidentNumber = parse("/resident", &request.resident)?;
            let person = self
                .by_number(clerk.municipality(), &number)?
                .ok_or_else(|| {
                    Refused::new(
                        Reason::NotFound,
                        "the register of this municipality has nobody of that number",
                    )
                })?;
            let standing = self.standing(clerk.municipality(), &person, kind, None, now)?;
            let issued_here = CertificateKind::ALL
                .into_iter()
                .filter(|kind| self.profile_here(clerk, *kind).is_ok())
                .map(kind_told)
                .collect();
            Ok(self.told(&person, standing, issued_here))
        })();
        let told = self.audited(&entry, now, outcome)?;
        self.store.audit(&entry, now)?;
        Ok(told)
    }

    /// The register's entry of a number, whether its person lives there still or not.
    pub(super) fn by_number(
        &self,
        municipality: MunicipalityCode,
        number: &ResidentNumber,
    ) -> Result<Option<RegisterEntry>, Failure> {
        let query = RegisterQuery {
            resident: Some(number.clone()),
            ..RegisterQuery::default()
        };
        Ok(self.register.look_up(&municipality, &query, 1)?.pop())
    }

    /// How a person of the register stands with certificates of a kind, apart from the
    /// application `beside`: each kind is applied for, replaced and ended by itself.
    pub(super) fn standing(
        &self,
        municipality: MunicipalityCode,
        person: &RegisterEntry,
        kind: CertificateKind,
        beside: Option<ApplicationId>,
        now: Timestamp,
    ) -> Result<Standing, Failure> {
        // Certificates outlive mergers: the resident had another number before.
        let mut numbers = vec![(municipality, person.resident.clone())];
        numbers.extend(person.formerly.clone());
        let mut held = Vec::new();
        let mut unfinished = Vec::new();
        let mut events = Vec::new();
        for (place, number) in numbers {
            let hash = self
                .vault
                .keyed_hash("resident", number.as_str().as_bytes())?;
            for stored in self
                .store
                .applications_of_resident(&place, &hash, LOOKED_AT)?
            {
                if Some(stored.id) == beside {
                    continue;
                }
                let dossier = self.opened(stored)?;
                if dossier.state.case().certificate_kind != kind {
                    continue;
                }
                if let Some((one, event)) = self.held(&dossier, person, now)? {
                    events.extend(event.map(|event| (one.serial.clone(), event)));
                    held.push(one);
                }
                if dossier.stored.open && place == municipality {
                    unfinished.push(dossier);
                }
            }
        }
        let openings = Openings::of(held, municipality, now);
        let last = openings.last.as_ref().map(|held| &held.serial);
        let event = events
            .into_iter()
            .find_map(|(serial, event)| (Some(&serial) == last).then_some(event));
        Ok(Standing {
            openings,
            event,
            unfinished,
        })
    }

    /// The certificate of an application, with its status from the authority while it can
    /// be in effect.
    fn held(
        &self,
        dossier: &Dossier,
        person: &RegisterEntry,
        now: Timestamp,
    ) -> Result<Option<(Held, Option<RegisterEventKind>)>, Failure> {
        let Some(issued) = dossier.state.issued() else {
            return Ok(None);
        };
        let certificate = &issued.certificate;
        let image = CertificateImage::decode(&certificate.certificate)
            .map_err(|fault| Failure::Broken(Box::new(fault)))?;
        let mut held = Held {
            serial: certificate.serial.clone(),
            municipality: dossier.stored.municipality,
            issued_at: certificate.issued_at,
            not_after: image.not_after,
            ended: None,
            items: issued.case.items.compare(&person.items),
        };
        let mut event = None;
        if let Application::Revoked(revoked) = &dossier.state {
            held.ended = Some(Ended {
                ground: revoked.revocation.ground,
                at: revoked.revocation.revoked_at,
                next: revoked.cause.next_application(),
            });
        } else if now <= held.not_after {
            let serial = held.serial.to_string();
            // The authority knows every certificate that it gave out.
            let Some(record) = self.authority.certificate(&serial)? else {
                return Err(Failure::Broken(
                    "the authority does not know a certificate that it issued".into(),
                ));
            };
            held.ended = ended(&record)?;
        }
        if let Some(ended) = &mut held.ended
            && ended.ground == Ground::Article12
            && let Some(told) = self.register_event(held.municipality, &held.serial.to_string())?
        {
            ended.next = told.next;
            event = Some(told.kind);
        }
        Ok(Some((held, event)))
    }

    /// Whether an application of this kind is open to a person of the register; what the
    /// new certificate would replace.
    pub(super) fn admitted(
        &self,
        municipality: MunicipalityCode,
        person: &RegisterEntry,
        (kind, evidence): (ApplicationKind, Option<Evidence>),
        certificate_kind: CertificateKind,
        beside: Option<ApplicationId>,
        now: Timestamp,
    ) -> Result<Opening, Failure> {
        let standing = self.standing(municipality, person, certificate_kind, beside, now)?;
        standing
            .openings
            .admit(kind, evidence)
            .cloned()
            .map_err(|fault| not_open(&fault).into())
    }

    fn told(
        &self,
        person: &RegisterEntry,
        standing: Standing,
        issued_here: Vec<ra::CertificateKind>,
    ) -> ra::OpeningsResponse {
        let openings = standing.openings;
        let lives_here = person.residence == Residence::Resident;
        let open = openings.open.iter().filter(|_| lives_here);
        ra::OpeningsResponse {
            issued_here,
            residence: residence(person.residence),
            open: open
                .map(|opening| ra::OpeningMessage {
                    kind: message(opening.kind),
                    fee_yen: self.settings.fees.yen(opening.kind),
                    replaces: opening.replaces.as_ref().map(ToString::to_string),
                    evidence: opening.evidence.iter().copied().map(shown).collect(),
                })
                .collect(),
            last: openings.last.map(|held| ra::HeldMessage {
                serial: held.serial.to_string(),
                municipality: held.municipality.to_string(),
                until: JapaneseDay::of(held.not_after).to_string(),
                in_effect: openings.in_effect,
                renewal_from: openings.renewal_from.map(|day| day.to_string()),
                ended: held.ended.map(|ended| ra::HeldEnd {
                    ground: ended.ground.to_string(),
                    at: ended.at.to_string(),
                    event: standing.event.map(|event| event.to_string()),
                }),
            }),
            unfinished: standing
                .unfinished
                .iter()
                .map(|dossier| ra::UnfinishedApplication {
                    id: dossier.stored.id.to_string(),
                    kind: message(dossier.state.case().kind),
                    step: step(&dossier.state),
                    received_at: dossier.stored.received_at.to_string(),
                })
                .collect(),
        }
    }
}

/// What the authority's record says of the end of a certificate.
fn ended(record: &CertificateRecord) -> Result<Option<Ended>, Failure> {
    let strange = |what: &'static str| Failure::Broken(what.into());
    let Some(revocation) = &record.revocation else {
        return Ok(None);
    };
    Ok(Some(Ended {
        ground: revocation
            .ground
            .parse()
            .map_err(|_| strange("the authority told an unknown ground"))?,
        at: revocation
            .revoked_at
            .parse()
            .map_err(|_| strange("the authority told no time of a revocation"))?,
        next: None,
    }))
}

/// Why an application is not taken in, as a refusal.
pub(super) fn not_open(fault: &NotOpen) -> Refused {
    let reason = match fault {
        NotOpen::InEffect { .. } | NotOpen::Replace { .. } => Reason::CertificateInEffect,
        NotOpen::Otherwise { .. } | NotOpen::EvidenceMissing | NotOpen::EvidenceNotDue => {
            Reason::KindNotOpen
        }
    };
    Refused::new(reason, fault.to_string())
}

macro_rules! same_names {
    ($core:ident, $wire:ident: $($name:ident),* $(,)?) => {
        (
            |one: $core| match one { $($core::$name => ra::$wire::$name,)* },
            |one: ra::$wire| match one { $(ra::$wire::$name => $core::$name,)* },
        )
    };
}

macro_rules! kinds {
    () => {
        same_names!(ApplicationKind, ApplicationKind: First, Renewal, ReissueHolder,
            ReissueCardFailure, ReissueOfficeError, ReissueRegisterChange, ReissueMerger,
            ReissueAddressNotation, ReissueSubstitute)
    };
}

macro_rules! certificate_kinds {
    () => {
        same_names!(CertificateKind, CertificateKind: Signature, UserAuthentication)
    };
}

macro_rules! evidences {
    () => {
        same_names!(Evidence, Evidence: CardTried, DamageNotice, NotationNotice)
    };
}

/// A kind of certificate in a message.
pub(super) fn kind_told(kind: CertificateKind) -> ra::CertificateKind {
    certificate_kinds!().0(kind)
}

/// The kind of certificate that a message names.
pub(super) fn kind_of(message: ra::CertificateKind) -> CertificateKind {
    certificate_kinds!().1(message)
}

/// A kind in a message.
pub(super) fn message(kind: ApplicationKind) -> ra::ApplicationKind {
    kinds!().0(kind)
}

/// The kind that a message names.
pub(super) fn kind(message: ra::ApplicationKind) -> ApplicationKind {
    kinds!().1(message)
}

/// Evidence in a message.
pub(super) fn shown(evidence: Evidence) -> ra::Evidence {
    evidences!().0(evidence)
}

/// The evidence that a message names.
pub(super) fn evidence(message: ra::Evidence) -> Evidence {
    evidences!().1(message)
}

/// Residence in a message.
pub(super) const fn residence(residence: Residence) -> ra::Residence {
    match residence {
        Residence::Resident => ra::Residence::Resident,
        Residence::Moved => ra::Residence::Moved,
        Residence::Deceased => ra::Residence::Deceased,
        Residence::Deleted => ra::Residence::Deleted,
    }
}
