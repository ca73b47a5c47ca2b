//! Orders about a kept paper (保全・保全解除): in a dispute or an audit a paper outlives its day. The order is
//! given by two persons, once, with its reason; a held paper is not deleted, whatever its day.

use crate::approval::{ApprovedAct, Subject, SubjectFault};
use crate::calendar::JapaneseDay;
use crate::id::{ApplicationId, PaperId};

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaperOrder {
    /// 保全: it is kept beyond its day.
    Hold,
    /// 保全解除: its day counts again.
    Release,
}

/// Why an order is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    /// Another order was carried out before.
    #[error("the paper is held already")]
    Held,
    /// Nothing is to be released.
    #[error("the paper is not held")]
    NotHeld,
}

impl PaperOrder {
    /// Name in tables and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }

    /// The reverse of [`PaperOrder::as_str`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hold, Self::Release]
            .into_iter()
            .find(|order| order.as_str() == name)
    }

    /// The act that a second person approves.
    #[must_use]
    pub const fn approved_act(self) -> ApprovedAct {
        match self {
            Self::Hold => ApprovedAct::PaperHold,
            Self::Release => ApprovedAct::PaperRelease,
        }
    }

    /// What a second person approves: this order about this paper, for this reason.
    ///
    /// # Errors
    /// [`SubjectFault::Reason`]
    pub fn subject(
        self,
        paper: PaperId,
        application: Option<ApplicationId>,
        reason: &str,
    ) -> Result<Subject, SubjectFault> {
        Subject::new(self.approved_act(), application, &paper.to_string(), reason)
    }

    /// Whether a paper that stands like this takes the order.
    ///
    /// # Errors
    /// [`OrderFault`]
    pub const fn may_be_given(self, held: bool) -> Result<(), OrderFault> {
        match (self, held) {
            (Self::Hold, true) => Err(OrderFault::Held),
            (Self::Release, false) => Err(OrderFault::NotHeld),
            _ => Ok(()),
        }
    }
}

/// Whether a paper is deleted today: its day has come, and nobody ordered it to be held.
#[must_use]
pub fn may_delete(due_on: JapaneseDay, today: JapaneseDay, held: bool) -> bool {
    !held && due_on <= today
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_paper_is_not_held_again_and_only_a_held_one_is_released() {
        assert_eq!(PaperOrder::Hold.may_be_given(false), Ok(()));
        assert_eq!(PaperOrder::Hold.may_be_given(true), Err(OrderFault::Held));
        assert_eq!(PaperOrder::Release.may_be_given(true), Ok(()));
        assert_eq!(
            PaperOrder::Release.may_be_given(false),
            Err(OrderFault::NotHeld)
        );
    }

    #[test]
    fn an_order_is_for_one_paper_one_way_and_one_reason() {
        let paper = PaperId::from_bytes([7; 16]);
        let subject = |order: PaperOrder, paper, reason| {
            order.subject(paper, None, reason).map(|s| s.digest())
        };
        let asked = subject(PaperOrder::Hold, paper, "係争中").unwrap();
        assert_eq!(subject(PaperOrder::Hold, paper, " 係争中 "), Ok(asked));
        let another = PaperId::from_bytes([8; 16]);
        for other in [
            subject(PaperOrder::Release, paper, "係争中"),
            subject(PaperOrder::Hold, another, "係争中"),
            subject(PaperOrder::Hold, paper, "監査"),
        ] {
            assert_ne!(other.unwrap(), asked);
        }
        assert_eq!(
            subject(PaperOrder::Hold, paper, " "),
            Err(SubjectFault::Reason)
        );
        for order in [PaperOrder::Hold, PaperOrder::Release] {
            assert_eq!(PaperOrder::parse(order.as_str()), Some(order));
        }
        assert_eq!(PaperOrder::parse("shred"), None);
    }

    #[test]
    fn what_is_held_outlives_its_day() {
        let day = |text: &str| text.parse::<JapaneseDay>().unwrap();
        let due = day("2036-11-23");
        assert!(!may_delete(due, day("2036-11-22"), false));
        assert!(may_delete(due, due, false));
        assert!(!may_delete(due, due, true));
        assert!(!may_delete(due, day("2099-01-01"), true));
    }
}
