//! Step 5: Characters that the certificate cannot carry are settled with the applicant.

use pki_core::{
    application::Application,
    person::{
        four_items::Item,
        substitution::{self, Choice, SettleFault, code_points},
    },
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::{Clerk, Operator},
    dossier::{Move, not_due},
    refusal::{Failure, ItemError, Reason, Refused},
};

impl App {
    /// What cannot be carried, and what may stand for it.
    pub fn characters(
        &self,
        operator: &Operator,
        id: &str,
    ) -> Result<ra::CharacterFindings, Failure> {
        let now = self.clock.now();
        let mut found = Vec::new();
        self.with_dossier(operator, id, "characters", now, |dossier| {
            if dossier.state.key_read().is_none() {
                return not_due(&dossier.state);
            }
            let case = dossier.state.case();
            if case.certificate_kind.carries_items() {
                found = substitution::findings(&case.items, &self.settings.substitutes);
            }
            Ok(())
        })?;
        Ok(ra::CharacterFindings {
            list_version: self.settings.substitutes.version().to_owned(),
            findings: found
                .into_iter()
                .map(|finding| ra::CharacterFinding {
                    item: finding.item.field().to_owned(),
                    position: position(finding.position),
                    code_point: code_points(&finding.written),
                    character: finding.written,
                    candidates: finding
                        .candidates
                        .into_iter()
                        .map(|candidate| ra::SubstituteCandidate {
                            code_point: candidate.code_points(),
                            source: candidate.source.as_str().to_owned(),
                            character: candidate.text,
                        })
                        .collect(),
                    kana_allowed: finding.kana_allowed,
                })
                .collect(),
        })
    }

    /// Takes the applicant's choices; they may be changed until the issue is asked for.
    pub fn settle_characters(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::CharacterChoices,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "settle-characters", |_, state, now| {
            let choices = choices(request)?;
            let read = match state.clone() {
                Application::KeyRead(read) => read,
                Application::CharactersSettled(settled) => settled
                    .unsettle()
                    .map_err(|fault| Refused::new(Reason::StepNotDue, fault.to_string()))?,
                other => return not_due(&other),
            };
            let settled = read
                .settle(&choices, &self.settings.substitutes, now)
                .map_err(|faults| refused(&faults))?;
            if let Application::CharactersSettled(before) = &state
                && before.certificate_items == settled.certificate_items
            {
                return Ok(Move::Stay(state));
            }
            Ok(Application::CharactersSettled(settled).into())
        })
    }
}

fn position(position: usize) -> u32 {
    u32::try_from(position).expect("an item has at most some hundred characters")
}

fn choices(request: &ra::CharacterChoices) -> Result<Vec<Choice>, Failure> {
    request
        .choices
        .iter()
        .enumerate()
        .map(|(number, choice)| {
            let item = match choice.item.as_str() {
                "name" => Item::Name,
                "address" => Item::Address,
                _ => {
                    return Err(Refused::items(vec![ItemError {
                        pointer: format!("/choices/{number}/item"),
                        detail: "must be `name` or `address`".into(),
                    }])
                    .into());
                }
            };
            Ok(Choice {
                item,
                position: choice.position as usize,
                substitute: choice.substitute.clone(),
            })
        })
        .collect()
}

fn refused(faults: &[SettleFault]) -> Refused {
    Refused {
        reason: Reason::SubstituteInvalid,
        detail: "choose one substitute for each character that is named".into(),
        errors: faults
            .iter()
            .map(|fault| ItemError {
                pointer: "/choices".into(),
                detail: fault.to_string(),
            })
            .collect(),
    }
}
