//! A second operator at the first office, a supervisor (責任者): who confirms and approves what one person
//! may not do alone.

use super::authority::Party;
use super::place::{self, CardProgram};
use super::{MUNICIPALITY, Stack};
use crate::fault::Result;

/// The supervisor's id.
pub const SUPERVISOR: &str = "13101-0009";
/// PIN of the supervisor's card.
pub const SUPERVISOR_PIN: &str = "135790";
/// Name of the card among the cards.
const CARD: &str = "supervisor";

impl Stack {
    /// Enrols a supervisor and makes the card ready; it lies beside the readers.
    pub fn employ_supervisor(&self) -> Result<CardProgram> {
        let (layout, programs) = (&self.layout, &self.programs);
        let request =
            place::make_operator_card(layout, programs, CARD, SUPERVISOR, SUPERVISOR_PIN)?;
        let party = Party {
            kind: "operator",
            id: SUPERVISOR,
            municipality: Some(MUNICIPALITY),
            label: "千代田 責任者",
        };
        let (certificate, record) = self.authority()?.enrol(&party, &request)?;
        place::certify_operator_card(layout, programs, CARD, &certificate)?;
        let reception = self.reception()?;
        reception.register(&record)?;
        let role = ["role", "--id", SUPERVISOR, "--role", "supervisor"];
        reception.ra(&[&role[..], &["--by", "鈴木 一郎"]].concat())?;
        place::start_card(layout, programs, &self.service, CARD)
    }
}
