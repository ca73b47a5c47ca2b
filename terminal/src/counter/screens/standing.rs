//! How a resident stands, told before an application is taken in: what is in effect, how
//! the last certificate ended, what is open, what was left unfinished.

use schema::wire::v1::ra::{Evidence, HeldMessage, OpeningMessage, OpeningsResponse, Residence};

use super::case::{kind_key, step_key, yen};
use super::days;

/// An application that nobody finished.
pub struct Unfinished {
    pub id: String,
    /// Key of its kind.
    pub kind: String,
    /// Key of its step.
    pub step: &'static str,
    pub received: String,
}

/// The last certificate, for the eye.
pub struct Told {
    /// `good`, `warn`
    pub look: &'static str,
    /// Key: `in-effect`, `ended`, `expired`.
    pub title: &'static str,
    pub in_effect: bool,
    pub until: String,
    pub renewal_from: Option<String>,
    /// The register event that ended it.
    pub event: Option<String>,
    pub ground: Option<String>,
    /// When it was ended.
    pub ended: String,
    /// It was applied for in a municipality that is part of this one now.
    pub merged: bool,
}

/// One application that can be taken in.
#[derive(Clone)]
pub struct Choice {
    /// Name of the kind.
    pub kind: String,
    /// Name of the evidence, empty where none is asked for.
    pub evidence: String,
    /// Key of the text.
    pub text: String,
    pub fee: String,
}

/// How the resident stands.
pub struct Standing {
    pub unfinished: Vec<Unfinished>,
    pub told: Option<Told>,
    pub choices: Vec<Choice>,
}

impl Standing {
    /// From what the gateway tells, at a window of `municipality`.
    pub fn of(told: OpeningsResponse, municipality: &str) -> Self {
        let unfinished = told.unfinished.into_iter().map(|one| Unfinished {
            id: one.id,
            kind: kind_key(one.kind),
            step: step_key(one.step),
            received: days::short(&one.received_at),
        });
        Self {
            unfinished: unfinished.collect(),
            told: told.last.map(|last| certificate(last, municipality)),
            choices: told.open.iter().flat_map(choices).collect(),
        }
    }

    /// The one that the screen proposes by itself: it rests on nothing that has to be seen.
    pub fn proposed(&self) -> Option<&Choice> {
        self.choices
            .iter()
            .find(|choice| choice.evidence.is_empty())
    }

    /// The choice of a form.
    pub fn chosen(&self, kind: &str, evidence: &str) -> Option<&Choice> {
        self.choices
            .iter()
            .find(|choice| choice.kind == kind && choice.evidence == evidence)
    }
}

fn certificate(last: HeldMessage, municipality: &str) -> Told {
    let ended = last.ended;
    Told {
        look: if last.in_effect { "good" } else { "warn" },
        title: match (&ended, last.in_effect) {
            (Some(_), _) => "ended",
            (None, true) => "in-effect",
            (None, false) => "expired",
        },
        in_effect: last.in_effect,
        until: days::day(&last.until),
        renewal_from: last.renewal_from.as_deref().map(days::day),
        event: ended.as_ref().and_then(|ended| ended.event.clone()),
        ground: ended.as_ref().map(|ended| ended.ground.clone()),
        ended: ended
            .map(|ended| days::moment(&ended.at))
            .unwrap_or_default(),
        merged: last.in_effect && last.municipality != municipality,
    }
}

fn choices(opening: &OpeningMessage) -> Vec<Choice> {
    let kind = kind_key(opening.kind);
    let choice = |evidence: &str| Choice {
        evidence: evidence.to_owned(),
        text: if evidence.is_empty() {
            kind.clone()
        } else {
            evidence.to_owned()
        },
        kind: kind.clone(),
        fee: yen(opening.fee_yen),
    };
    if opening.evidence.is_empty() {
        return vec![choice("")];
    }
    opening
        .evidence
        .iter()
        .map(|evidence| choice(evidence_key(*evidence)))
        .collect()
}

const fn evidence_key(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::CardTried => "card-tried",
        Evidence::DamageNotice => "damage-notice",
        Evidence::NotationNotice => "notation-notice",
    }
}

/// Key of where a person went.
pub const fn residence_key(residence: Residence) -> &'static str {
    match residence {
        Residence::Resident => "resident",
        Residence::Moved => "moved",
        Residence::Deceased => "deceased",
        Residence::Deleted => "deleted",
    }
}
