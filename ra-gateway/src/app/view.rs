//! An application as its terminal sees it: domain into message.

use pki_core::{
    application::{
        Application,
        certificate_kind::CertificateKind,
        identity::{IdentityVerdict, RecordedDecision},
        states::Issued,
    },
    calendar::JapaneseDay,
    person::{
        certificate_items::CertificateItems,
        four_items::{FourItems, Item},
    },
};
use schema::wire::{
    bytes::Base64,
    v1::{ca::CertificateItemsMessage, ra},
};

use super::{
    dossier::{resident, step},
    opening::{kind_told, message, shown},
};
use crate::port::StoredApplication;

fn item(items: &FourItems, item: Item) -> String {
    match item {
        Item::Name => items.name().as_str().to_owned(),
        Item::BirthDate => items.birth_date().code(),
        Item::Sex => items.sex().code().to_owned(),
        Item::Address => items.address().as_str().to_owned(),
    }
}

/// The four items of a form.
pub(super) fn items(items: &FourItems) -> ra::FourItemsMessage {
    ra::FourItemsMessage {
        name: item(items, Item::Name),
        birth_date: item(items, Item::BirthDate),
        sex: item(items, Item::Sex),
        address: item(items, Item::Address),
    }
}

/// A recorded decision, as far as the screen needs it.
pub(super) fn identity(recorded: &RecordedDecision) -> ra::IdentityView {
    let decision = recorded.decision();
    ra::IdentityView {
        decision: match decision.decision {
            IdentityVerdict::Accepted => ra::IdentityVerdict::Accepted,
            IdentityVerdict::Refused => ra::IdentityVerdict::Refused,
        },
        document: decision.document.kind.clone(),
        decided_by: decision.operator.to_string(),
        decided_at: decision.at.to_string(),
        register_seen_at: decision.register_seen_at().to_string(),
        confirmed_by: None,
        of_visit: decision
            .of_visit
            .as_ref()
            .map(|earlier| earlier.application.to_string()),
    }
}

/// Item by item. The register's own writing of an item that differs is not kept; it is
/// seen in a look-up.
fn comparison(items: &FourItems, decision: &RecordedDecision) -> Vec<ra::ItemComparison> {
    let found = decision.decision().register.as_ref();
    let differing = found.map(|found| found.items.differing());
    Item::ALL
        .into_iter()
        .map(|which| {
            let agrees = differing
                .as_ref()
                .is_some_and(|differing| !differing.contains(&which));
            let applied = item(items, which);
            ra::ItemComparison {
                item: which.field().to_owned(),
                agrees,
                registered: agrees.then(|| applied.clone()),
                applied,
            }
        })
        .collect()
}

/// The items as a certificate carries them.
pub(super) fn certificate_items(items: &CertificateItems) -> CertificateItemsMessage {
    let text = items.to_text();
    CertificateItemsMessage {
        name: text.name,
        name_substitution: text.name_substitution,
        birth_date: text.birth_date,
        sex: text.sex,
        address: text.address,
        address_substitution: text.address_substitution,
    }
}

fn certificate(issued: &Issued) -> ra::IssuedCertificateMessage {
    let certificate = &issued.certificate;
    ra::IssuedCertificateMessage {
        serial: certificate.serial.to_string(),
        certificate: Base64(certificate.certificate.clone()),
        issuer_certificate: Base64(certificate.issuer_certificate.clone()),
        certificate_sha256: certificate.sha256().to_string(),
    }
}

/// Who confirmed a decision on a written reply.
fn confirmed_by(state: &Application) -> Option<String> {
    let eyes = match state {
        Application::Identified(identified) => identified.confirmed_by.as_ref(),
        other => other.card_prepared()?.confirmed_by.as_ref(),
    };
    eyes.map(|eyes| eyes.operator.to_string())
}

/// An image that was judged wrong ends the application too, though its revocation may be due.
fn end(state: &Application) -> Option<ra::EndMessage> {
    let (cause, at) = match state.end() {
        Some(end) => (end.cause, end.at),
        None => {
            let judgement = state.issued()?.judgement?;
            (judgement.verdict.exit()?.cause, judgement.at)
        }
    };
    Some(ra::EndMessage {
        cause: cause.as_str().to_owned(),
        at: at.to_string(),
    })
}

/// The whole.
pub(super) fn application(
    stored: &StoredApplication,
    state: &Application,
    profile: &str,
    other_kind: Option<CertificateKind>,
    fee_yen: u32,
    open_days: u16,
) -> ra::Application {
    let case = state.case();
    let decision = state.identity();
    let prepared = state.card_prepared();
    let settled = state.characters_settled();
    ra::Application {
        id: case.id.to_string(),
        kind: message(case.kind),
        certificate_kind: kind_told(case.certificate_kind),
        other_kind: other_kind.map(kind_told),
        step: step(state),
        version: stored.version,
        municipality: stored.municipality.to_string(),
        applied_on: case.applied_on.to_string(),
        received_at: case.received_at.to_string(),
        resident: resident(state).map(ToString::to_string),
        items: items(&case.items),
        comparison: decision
            .map(|decision| comparison(&case.items, decision))
            .unwrap_or_default(),
        identity: decision.map(|recorded| ra::IdentityView {
            confirmed_by: confirmed_by(state),
            ..identity(recorded)
        }),
        replaces: case.replaces.as_ref().map(ToString::to_string),
        evidence: case.evidence.map(shown),
        proxy: case.proxy.as_ref().map(|proxy| ra::ProxyMessage {
            name: proxy.name.clone(),
            power_of_attorney_on: proxy.power_of_attorney_on.to_string(),
            seal_certificate_on: proxy.seal_certificate_on.to_string(),
        }),
        inquiry: match state {
            Application::InquirySent(sent) => Some(ra::InquiryView {
                sent_on: JapaneseDay::of(sent.inquiry.sent_at).to_string(),
                reply_by: sent.inquiry.reply_by.to_string(),
                decided: sent.decided.is_some(),
            }),
            _ => None,
        },
        open_until: state.open_until(open_days).map(|day| day.to_string()),
        identity_sha256: decision.map(|recorded| recorded.digest().to_string()),
        visit: prepared.map(|prepared| prepared.visit.visit.to_string()),
        kiosk: prepared.map(|prepared| prepared.visit.kiosk.to_string()),
        card: prepared.map(|prepared| prepared.visit.card.to_string()),
        spki_sha256: state
            .key_read()
            .map(|read| read.key.spki_sha256.to_string()),
        certificate_items: settled.map(|settled| certificate_items(&settled.certificate_items)),
        items_sha256: settled.map(|settled| hex::encode(settled.certificate_items.digest())),
        profile: profile.to_owned(),
        fee_yen,
        fee_taken_back: state.fee_taken_back().map(str::to_owned),
        certificate: state.issued().map(certificate),
        receipt: state.payment().map(|payment| ra::ReceiptMessage {
            number: payment.number.clone(),
            amount_yen: payment.amount_yen,
            received_at: payment.at.to_string(),
        }),
        end: end(state),
    }
}

/// One line of a list.
pub(super) fn line(stored: &StoredApplication, state: &Application) -> ra::ApplicationLine {
    let case = state.case();
    ra::ApplicationLine {
        id: case.id.to_string(),
        kind: message(case.kind),
        certificate_kind: kind_told(case.certificate_kind),
        step: step(state),
        received_at: case.received_at.to_string(),
        name: item(&case.items, Item::Name),
        serial: stored.index.serial.clone(),
    }
}
