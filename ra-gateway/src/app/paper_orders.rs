//! Orders about kept papers (保全・保全解除): asked for by one, approved by a supervisor's signature, given once.

use pki_core::{
    approval::Verdict,
    id::ApplicationId,
    kept_paper::order::{OrderFault, PaperOrder},
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::{BackOffice, Operator},
    kept_papers::{entry_of, message},
    refusal::{Failure, ItemError, Reason, Refused},
};
use crate::port::{AdvanceError, GivenOrder, PaperHold, PaperSubject, StoredPaper};

/// Most held papers that are listed.
const MOST: u32 = 200;

/// What a sealed reason is bound to.
fn context(paper: &StoredPaper, order: PaperOrder) -> String {
    format!("paper {} {}", paper.id, order.as_str())
}

const fn act(order: PaperOrder) -> &'static str {
    match order {
        PaperOrder::Hold => "hold-paper",
        PaperOrder::Release => "release-paper",
    }
}

fn changed(detail: &str) -> Failure {
    Refused::new(Reason::ChangedMeanwhile, detail).into()
}

fn fault(fault: OrderFault) -> Failure {
    changed(match fault {
        OrderFault::Held => "the paper is held already; look at its orders",
        OrderFault::NotHeld => "the paper is not held; look at its orders",
    })
}

fn application(paper: &StoredPaper) -> Option<ApplicationId> {
    match paper.subject {
        PaperSubject::Application(id) => Some(id),
        PaperSubject::Notice(_) => None,
    }
}

impl App {
    /// Holds a paper beyond its day, or releases it, as a supervisor has approved with this very reason. Said
    /// twice, it is done once.
    pub fn order_paper(
        &self,
        clerk: &BackOffice,
        id: &str,
        order: PaperOrder,
        request: &ra::PaperOrderRequest,
    ) -> Result<ra::KeptPaper, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry(act(order));
        let outcome = (|| {
            let mut paper = self.stored_paper(clerk, id)?;
            entry = entry_of(clerk, act(order), &paper);
            let before = self.store.paper_orders(&paper.id, &paper.municipality)?;
            if before
                .iter()
                .any(|one| one.order == order && Some(one.approval.to_string()) == request.approval)
            {
                return Ok(message(&paper));
            }
            order.may_be_given(paper.hold.is_some()).map_err(fault)?;
            let subject = order
                .subject(paper.id, application(&paper), &request.reason)
                .map_err(|fault| {
                    Refused::items(vec![ItemError {
                        pointer: "/reason".into(),
                        detail: fault.to_string(),
                    }])
                })?;
            let approved = self.approved(clerk, request.approval.as_deref(), &subject, now)?;
            let approval = approved.id();
            let (approved_by, _) = self.second_word(
                clerk,
                &approval.to_string(),
                &subject,
                Verdict::Approve,
                now,
            )?;
            let given = GivenOrder {
                approval,
                paper: paper.id,
                municipality: paper.municipality,
                order,
                reason: self
                    .vault
                    .seal(&context(&paper, order), subject.reason().as_bytes())?,
                by: clerk.operator.clone(),
                approved_by,
                at: now,
            };
            self.store
                .order_paper(&given, &entry)
                .map_err(|error| match error {
                    AdvanceError::Stale | AdvanceError::Taken => {
                        changed("the paper or the approval changed meanwhile; look at it again")
                    }
                    AdvanceError::Store(error) => error.into(),
                })?;
            paper.hold = match order {
                PaperOrder::Hold => Some(PaperHold {
                    by: given.by,
                    at: now,
                    reason: given.reason,
                }),
                PaperOrder::Release => None,
            };
            Ok(message(&paper))
        })();
        self.audited(&entry, now, outcome)
    }

    /// A paper with the orders about it.
    pub fn paper_orders(&self, operator: &Operator, id: &str) -> Result<ra::PaperOrders, Failure> {
        let now = self.clock.now();
        let outcome = (|| {
            let paper = self.stored_paper(operator, id)?;
            let orders = self
                .store
                .paper_orders(&paper.id, &paper.municipality)?
                .into_iter()
                .map(|one| {
                    let reason = self.vault.open(&context(&paper, one.order), &one.reason)?;
                    Ok(ra::PaperOrderMessage {
                        order: one.order.as_str().to_owned(),
                        reason: String::from_utf8_lossy(&reason).into_owned(),
                        by: one.by.to_string(),
                        approved_by: one.approved_by.to_string(),
                        at: one.at.to_string(),
                    })
                })
                .collect::<Result<_, Failure>>()?;
            Ok(ra::PaperOrders {
                paper: message(&paper),
                orders,
            })
        })();
        self.audited(&operator.entry("read-paper-orders"), now, outcome)
    }

    /// Papers of the operator's municipality that are held, those held longest first.
    pub fn held_papers(&self, operator: &Operator) -> Result<ra::KeptPapers, Failure> {
        let held = self.store.held_papers(&operator.municipality(), MOST)?;
        Ok(ra::KeptPapers {
            papers: held.iter().map(message).collect(),
        })
    }
}
