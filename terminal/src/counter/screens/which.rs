//! A card may carry two certificates: which of them is meant.

use askama::Template;
use schema::wire::v1::ra::{CertificateKind, FoundCertificate};
use serde_json::Value;

use super::answer::{Answer, render};
use super::case::certificate_key;
use super::desk::Desk;
use super::frame::Frame;
use super::walk::nothing;
use crate::counter::Counter;
use crate::local::{Fields, Problem};

/// One of them, or the page that asks.
pub(super) enum Which {
    One(Box<FoundCertificate>),
    Ask(Answer),
}

/// What is to be done to it: where the choice is posted, with which field.
pub(super) struct Wanted {
    pub title: &'static str,
    pub back: &'static str,
    pub action: &'static str,
    pub field: &'static str,
    pub value: String,
}

#[derive(Template)]
#[template(path = "counter/which.html")]
struct WhichPage {
    frame: Frame,
    action: &'static str,
    field: &'static str,
    value: String,
    /// Key of each kind, and the key that chooses it.
    choices: Vec<(&'static str, &'static str)>,
}

/// The kind that a form carries back; none where it does not say.
pub(super) fn kind(fields: &Fields) -> Result<Option<CertificateKind>, Problem> {
    let Some(word) = fields.filled("certificate") else {
        return Ok(None);
    };
    serde_json::from_value(Value::String(word))
        .map(Some)
        .map_err(|_| nothing())
}

/// The certificate on the card in the reader that the form names; else the only one that is `meant`;
/// else the clerk is asked.
pub(super) fn which(
    counter: &Counter,
    desk: &Desk,
    fields: &Fields,
    meant: impl Fn(&FoundCertificate) -> bool,
    wanted: Wanted,
) -> Result<Which, Problem> {
    if let Some(kind) = kind(fields)? {
        return counter
            .certificate_on_card(kind)
            .map(|found| Which::One(Box::new(found)));
    }
    let mut found = counter.certificates_on_card()?;
    let serving = found.iter().filter(|one| meant(one)).count();
    if serving > 1 {
        found.retain(|one| meant(one));
        found.sort_by_key(|one| one.certificate_kind);
        let page = WhichPage {
            frame: Frame::new(counter, desk, wanted.title).back_to(wanted.back),
            action: wanted.action,
            field: wanted.field,
            value: wanted.value,
            choices: found
                .iter()
                .map(|one| certificate_key(one.certificate_kind))
                .zip(["F5", "F6"])
                .collect(),
        };
        return render(&page, None).map(Which::Ask);
    }
    // Where none is, the newest: what follows says why it cannot be served.
    let at = found.iter().position(meant).unwrap_or(0);
    Ok(Which::One(Box::new(found.swap_remove(at))))
}
