//! One application as the screens show it: where it stands, its items, its card.

use pki_core::person::era::BirthDate;
use schema::wire::v1::ra::{Application, ApplicationKind, CertificateKind, FourItemsMessage, Step};

use super::days;

/// The steps of the window in order: key of the text, the step at which it is due.
const STEPS: [(&str, Step); 9] = [
    ("identity", Step::Received),
    ("card", Step::Identified),
    ("key", Step::CardPrepared),
    ("characters", Step::KeyRead),
    ("issue", Step::CharactersSettled),
    ("image", Step::Issued),
    ("write", Step::Confirmed),
    ("fee", Step::Written),
    ("hand-over", Step::Paid),
];

/// One line in the list of steps.
pub struct Mark {
    /// Number, from 1.
    pub number: usize,
    /// Key of its name.
    pub step: &'static str,
    /// `done`, `now`, `todo`
    pub look: &'static str,
}

/// The four items for the eye.
pub struct Items {
    pub name: String,
    pub birth_date: String,
    /// Key: `man`, `woman`.
    pub sex: &'static str,
    pub address: String,
}

impl Items {
    /// As shown: the birth date in era form.
    pub fn of(items: &FourItemsMessage) -> Self {
        Self {
            name: items.name.clone(),
            birth_date: birth(&items.birth_date),
            sex: sex(&items.sex),
            address: items.address.clone(),
        }
    }
}

fn birth(text: &str) -> String {
    match text.parse::<BirthDate>() {
        Ok(date) => date.to_string(),
        Err(_) => days::birth(text),
    }
}

/// Key of the sex as registered.
pub fn sex(code: &str) -> &'static str {
    match code {
        "1" | "男" => "item.man",
        _ => "item.woman",
    }
}

/// An application for the page.
pub struct Case {
    pub id: String,
    pub items: Items,
    pub marks: Vec<Mark>,
    pub received: String,
    pub applied_on: String,
    pub resident: Option<String>,
    pub card: Option<String>,
    pub kiosk: Option<String>,
    pub serial: Option<String>,
    pub receipt: Option<String>,
    pub fee: String,
    /// Receipt number of the fee that was taken back last, so that it is due again.
    pub fee_taken_back: Option<String>,
    /// Key of the kind.
    pub kind: String,
    /// Key of the kind of certificate.
    pub certificate: &'static str,
    /// Whether it is the certificate for signing in.
    pub signs_in: bool,
    /// Serial of the certificate whose place the new one takes.
    pub replaces: Option<String>,
    /// Name of the proxy.
    pub proxy: Option<String>,
    /// Last day on which it can be gone on with, in era form.
    pub open_until: Option<String>,
    /// The key of the certificate in effect may be gone from the card.
    pub old_key_gone: bool,
    /// Whether it can be withdrawn still.
    pub may_withdraw: bool,
    /// Whether it can be revoked: issued and not ended.
    pub may_revoke: bool,
}

/// Key of the step at which an application stands.
pub fn step_key(step: Step) -> &'static str {
    match step {
        Step::InquirySent => "inquiry",
        Step::HandedOver => "handed-over",
        Step::Refused => "refused",
        Step::Cancelled => "cancelled",
        Step::Revoked => "revoked",
        due => STEPS
            .iter()
            .find(|(_, at)| *at == due)
            .map_or("handed-over", |(key, _)| key),
    }
}

fn marks(application: &Application) -> Vec<Mark> {
    // The inquiry is part of the identity check.
    let step = match application.step {
        Step::InquirySent => Step::Received,
        step => step,
    };
    let mark = |(i, (key, due)): (usize, &(&'static str, Step))| Mark {
        number: i + 2,
        step: key,
        look: match step {
            // An end: what was done before it shows in what there is.
            Step::Refused | Step::Cancelled | Step::Revoked => {
                let reached = match *due {
                    Step::Received => application.identity.is_some(),
                    Step::Identified => application.card.is_some(),
                    Step::CardPrepared => application.spki_sha256.is_some(),
                    Step::KeyRead => application.items_sha256.is_some(),
                    Step::CharactersSettled => application.certificate.is_some(),
                    _ => application.receipt.is_some(),
                };
                if reached { "done" } else { "todo" }
            }
            step if step > *due => "done",
            step if step == *due => "now",
            _ => "todo",
        },
    };
    let first = Mark {
        number: 1,
        step: "received",
        look: "done",
    };
    // Nobody is asked for substitutes where the certificate carries no name.
    let asked = |(_, due): &&(&str, Step)| {
        *due != Step::KeyRead || application.certificate_kind == CertificateKind::Signature
    };
    std::iter::once(first)
        .chain(STEPS.iter().filter(asked).enumerate().map(mark))
        .collect()
}

/// 1,000
pub fn yen(amount: u32) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// -1,000
pub fn yen_signed(amount: i64) -> String {
    let digits = yen(u32::try_from(amount.unsigned_abs()).unwrap_or(u32::MAX));
    if amount < 0 {
        format!("-{digits}")
    } else {
        digits
    }
}

impl Case {
    /// From what the gateway tells.
    pub fn of(application: &Application) -> Self {
        let day = application.applied_on.parse();
        Self {
            id: application.id.clone(),
            items: Items::of(&application.items),
            marks: marks(application),
            received: days::moment(&application.received_at),
            applied_on: day.map_or_else(|_| application.applied_on.clone(), days::era),
            resident: application.resident.clone(),
            card: application.card.as_deref().map(short),
            kiosk: application.kiosk.clone(),
            serial: application.certificate.as_ref().map(|c| c.serial.clone()),
            receipt: application.receipt.as_ref().map(|r| r.number.clone()),
            fee: yen(application.fee_yen),
            fee_taken_back: application.fee_taken_back.clone(),
            kind: kind_key(application.kind),
            certificate: certificate_key(application.certificate_kind),
            signs_in: application.certificate_kind == CertificateKind::UserAuthentication,
            replaces: application.replaces.as_deref().map(short),
            proxy: application.proxy.as_ref().map(|proxy| proxy.name.clone()),
            open_until: application.open_until.as_deref().map(days::day),
            old_key_gone: application.replaces.is_some()
                && (Step::CardPrepared..Step::Issued).contains(&application.step),
            may_withdraw: application.step < Step::Issued,
            may_revoke: (Step::Issued..=Step::HandedOver).contains(&application.step),
        }
    }
}

/// Key of a kind of certificate, as in messages.
pub const fn certificate_key(kind: CertificateKind) -> &'static str {
    match kind {
        CertificateKind::Signature => "signature",
        CertificateKind::UserAuthentication => "user-authentication",
    }
}

/// Name of a kind in keys and messages: `reissue-merger`.
pub fn kind_key(kind: ApplicationKind) -> String {
    let name = serde_json::to_value(kind).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

/// The end of an id, which is what people compare.
pub fn short(id: &str) -> String {
    match id.char_indices().rev().nth(7) {
        Some((from, _)) if from > 0 => format!("…{}", &id[from..]),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yen_are_grouped_by_thousands() {
        assert_eq!(yen(500), "500");
        assert_eq!(yen(1_000), "1,000");
        assert_eq!(yen(1_234_567), "1,234,567");
        assert_eq!(
            (yen_signed(-1_500), yen_signed(0)),
            ("-1,500".to_owned(), "0".to_owned())
        );
    }

    #[test]
    fn every_step_has_a_name_in_the_catalogue() {
        let words = super::super::Words(super::super::Language::Japanese);
        let ends = [
            "inquiry",
            "received",
            "handed-over",
            "refused",
            "cancelled",
            "revoked",
        ];
        for key in STEPS.iter().map(|(key, _)| *key).chain(ends) {
            let key = format!("step.{key}");
            assert_ne!(words.t(&key), key);
        }
    }
}
