//! Kept papers (各種申請書の保存): taken in by content, sealed in chunks, read with a row in
//! the audit, deleted on their day.

use jiff::Timestamp;
use pki_core::{
    application::Application,
    calendar::JapaneseDay,
    certificate::CertificateImage,
    id::{ApplicationId, IdempotencyKey, NoticeId, PaperId},
    kept_paper::{RetentionRule, content, order::may_delete},
};
use schema::wire::{bytes::Base64, v1::ra};

use super::{
    App,
    caller::{Clerk, Operator},
    refusal::{Failure, ItemError, Reason, Refused, parse, refuse},
};
use crate::port::{AuditEntry, Kept, PaperSubject, StoredPaper};

/// Bytes that are sealed at once.
const CHUNK: usize = 256 * 1024;
/// Most papers that one round of the upkeep looks at.
const ROUND: u32 = 200;

/// The chunk's name, which sealed bytes are bound to: none can be left out or moved.
fn context(id: &PaperId, number: usize, chunks: usize) -> String {
    format!("paper {id} {number}/{chunks}")
}

fn not_found() -> Failure {
    Refused::new(
        Reason::NotFound,
        "there is no such paper, application or notice in this municipality",
    )
    .into()
}

fn item<T>(pointer: &str, detail: impl Into<String>) -> Result<T, Failure> {
    Err(Refused::items(vec![ItemError {
        pointer: pointer.to_owned(),
        detail: detail.into(),
    }])
    .into())
}

pub(super) fn entry_of(operator: &Operator, act: &'static str, paper: &StoredPaper) -> AuditEntry {
    AuditEntry {
        application: match paper.subject {
            PaperSubject::Application(id) => Some(id),
            PaperSubject::Notice(_) => None,
        },
        reference: Some(format!("{} {}", paper.kind, paper.id)),
        ..operator.entry(act)
    }
}

impl App {
    /// Keeps a scan, once per idempotency key.
    pub fn keep_paper(
        &self,
        clerk: &Clerk,
        request: &ra::KeepPaperRequest,
    ) -> Result<ra::KeptPaper, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("keep-paper");
        let outcome = (|| {
            let subject = self.subject(clerk, request)?;
            if let PaperSubject::Application(id) = subject {
                entry.application = Some(id);
            }
            let Some(rule) = RetentionRule::find(&request.kind) else {
                return item("/kind", "is not in the list of kept papers");
            };
            let examined = match content::examine(&request.content.0) {
                Ok(examined) => examined,
                Err(fault) => return item("/content", fault.to_string()),
            };
            let id = PaperId::from_bytes(self.entropy.id());
            let chunks = self.sealed_chunks(&id, &request.content.0)?;
            let paper = StoredPaper {
                id,
                municipality: clerk.municipality(),
                idempotency_key: parse::<IdempotencyKey>(
                    "/idempotency_key",
                    &request.idempotency_key,
                )?,
                subject,
                kind: rule.kind.clone(),
                media: examined.media.as_str().to_owned(),
                bytes: request.content.0.len() as u64,
                pages: u32::try_from(examined.pages).unwrap_or(u32::MAX),
                chunks: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
                terminal: clerk.terminal.id,
                operator: clerk.operator.clone(),
                received_at: now,
                due_on: self.due_on(rule, &subject, clerk, now)?,
                hold: None,
            };
            match self
                .store
                .keep_paper(&paper, &chunks, &entry_of(clerk, "keep-paper", &paper))?
            {
                Kept::New => Ok(message(&paper)),
                Kept::Known(known) => {
                    let same = known.municipality == paper.municipality
                        && known.subject == paper.subject
                        && known.kind == paper.kind
                        && known.bytes == paper.bytes;
                    if !same {
                        return refuse(
                            Reason::KeyReused,
                            "the idempotency key was used for another paper; draw a new one",
                        );
                    }
                    Ok(message(&known))
                }
            }
        })();
        self.audited(&entry, now, outcome)
    }

    fn subject(
        &self,
        operator: &Operator,
        request: &ra::KeepPaperRequest,
    ) -> Result<PaperSubject, Failure> {
        match (&request.application, &request.notice) {
            (Some(id), None) => self.application_subject(operator, id),
            (None, Some(id)) => self.notice_subject(operator, id),
            _ => item("", "give either an application or a notice"),
        }
    }

    fn application_subject(&self, operator: &Operator, id: &str) -> Result<PaperSubject, Failure> {
        let id: ApplicationId = id.parse().map_err(|_| not_found())?;
        self.store
            .application(&id, &operator.municipality())?
            .ok_or_else(not_found)?;
        Ok(PaperSubject::Application(id))
    }

    fn notice_subject(&self, operator: &Operator, id: &str) -> Result<PaperSubject, Failure> {
        let id: NoticeId = id.parse().map_err(|_| not_found())?;
        self.store
            .notice(&id, &operator.municipality())?
            .ok_or_else(not_found)?;
        Ok(PaperSubject::Notice(id))
    }

    fn sealed_chunks(&self, id: &PaperId, content: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        let count = content.len().div_ceil(CHUNK);
        content
            .chunks(CHUNK)
            .enumerate()
            .map(|(number, chunk)| Ok(self.vault.seal(&context(id, number, count), chunk)?))
            .collect()
    }

    /// The day on which a paper is due, as far as is known now.
    fn due_on(
        &self,
        rule: &RetentionRule,
        subject: &PaperSubject,
        operator: &Operator,
        received_at: Timestamp,
    ) -> Result<JapaneseDay, Failure> {
        let expires = match subject {
            PaperSubject::Notice(_) => None,
            PaperSubject::Application(id) => expiry(&self.dossier(operator, id)?.state)?,
        };
        Ok(rule.due_on(JapaneseDay::of(received_at), expires))
    }

    /// Papers of an application.
    pub fn papers_of_application(
        &self,
        operator: &Operator,
        id: &str,
    ) -> Result<ra::KeptPapers, Failure> {
        self.listed(operator, |app| app.application_subject(operator, id))
    }

    /// Papers of a notice.
    pub fn papers_of_notice(
        &self,
        operator: &Operator,
        id: &str,
    ) -> Result<ra::KeptPapers, Failure> {
        self.listed(operator, |app| app.notice_subject(operator, id))
    }

    fn listed(
        &self,
        operator: &Operator,
        subject: impl FnOnce(&Self) -> Result<PaperSubject, Failure>,
    ) -> Result<ra::KeptPapers, Failure> {
        let now = self.clock.now();
        let outcome = (|| {
            let papers = self
                .store
                .papers_of(&subject(self)?, &operator.municipality())?;
            Ok(ra::KeptPapers {
                papers: papers.iter().map(message).collect(),
            })
        })();
        self.audited(&operator.entry("list-papers"), now, outcome)
    }

    pub(super) fn stored_paper(
        &self,
        operator: &Operator,
        id: &str,
    ) -> Result<StoredPaper, Failure> {
        let id: PaperId = id.parse().map_err(|_| not_found())?;
        self.store
            .paper(&id, &operator.municipality())?
            .ok_or_else(not_found)
    }

    /// A paper with its content. Who read it is in the audit before they have it.
    pub fn read_paper(
        &self,
        operator: &Operator,
        id: &str,
    ) -> Result<ra::KeptPaperContent, Failure> {
        const ACT: &str = "read-paper";
        let now = self.clock.now();
        let outcome = (|| {
            let paper = self.stored_paper(operator, id)?;
            let sealed = self.store.paper_chunks(&paper.id)?;
            let count = paper.chunks as usize;
            if sealed.len() != count {
                return Err(Failure::Broken("a paper lacks some of its chunks".into()));
            }
            let mut content = Vec::with_capacity(usize::try_from(paper.bytes).unwrap_or(0));
            for (number, chunk) in sealed.iter().enumerate() {
                let name = context(&paper.id, number, count);
                content.extend_from_slice(&self.vault.open(&name, chunk)?);
            }
            self.store.audit(&entry_of(operator, ACT, &paper), now)?;
            Ok(ra::KeptPaperContent {
                paper: message(&paper),
                content: Base64(content),
            })
        })();
        self.audited(&operator.entry(ACT), now, outcome)
    }

    /// Deletes papers whose day has come: one round of the gateway's upkeep. Gives how many
    /// were deleted and whether more wait.
    ///
    /// The day that a paper was stored with is the earliest: the certificate may have been
    /// issued since. So the rule is asked again before anything is deleted.
    pub fn delete_due_papers(&self) -> Result<(usize, bool), Failure> {
        let now = self.clock.now();
        let today = JapaneseDay::of(now);
        let due = self.store.papers_due(today, ROUND)?;
        let more = due.len() == ROUND as usize;
        let mut deleted = 0;
        for mut paper in due {
            let Some(rule) = RetentionRule::find(&paper.kind) else {
                return Err(Failure::Broken("a paper is of no kind in the list".into()));
            };
            let expires = match paper.subject {
                PaperSubject::Notice(_) => None,
                PaperSubject::Application(id) => {
                    match self.store.application(&id, &paper.municipality)? {
                        Some(stored) => expiry(&self.opened(stored)?.state)?,
                        None => None,
                    }
                }
            };
            let due_on = rule.due_on(JapaneseDay::of(paper.received_at), expires);
            if !may_delete(due_on, today, paper.hold.is_some()) {
                self.store.postpone_paper(&paper.id, due_on)?;
                continue;
            }
            paper.due_on = due_on;
            let entry = AuditEntry {
                act: "delete-paper",
                application: match paper.subject {
                    PaperSubject::Application(id) => Some(id),
                    PaperSubject::Notice(_) => None,
                },
                reference: Some(format!("{} {}", paper.kind, paper.id)),
                ..AuditEntry::default()
            };
            if self
                .store
                .delete_paper(&paper, &rule.named(), now, &entry)?
            {
                deleted += 1;
            }
        }
        metrics::counter!("ra_papers_deleted_total").increment(deleted as u64);
        Ok((deleted, more))
    }
}

/// The last day of an application's certificate.
fn expiry(state: &Application) -> Result<Option<JapaneseDay>, Failure> {
    state
        .issued()
        .map(|issued| {
            CertificateImage::decode(&issued.certificate.certificate)
                .map(|image| JapaneseDay::of(image.not_after))
                .map_err(|fault| Failure::Broken(Box::new(fault)))
        })
        .transpose()
}

pub(super) fn message(paper: &StoredPaper) -> ra::KeptPaper {
    let (application, notice) = match paper.subject {
        PaperSubject::Application(id) => (Some(id.to_string()), None),
        PaperSubject::Notice(id) => (None, Some(id.to_string())),
    };
    ra::KeptPaper {
        id: paper.id.to_string(),
        application,
        notice,
        kind: paper.kind.clone(),
        media: paper.media.clone(),
        bytes: paper.bytes,
        pages: paper.pages,
        received_at: paper.received_at.to_string(),
        due_on: paper.due_on.to_string(),
        held: paper.hold.is_some(),
    }
}
