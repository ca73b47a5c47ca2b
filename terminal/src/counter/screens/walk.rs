//! The page of an application: the one thing that is due.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use pki_core::application::identity::{DocumentKind, ExpiryRule};
use pki_core::id::ApplicationId;
use pki_core::person::four_items::{FourItems, FourItemsInput};
use schema::wire::v1::ra::{
    Application, CharacterFinding, CharacterFindings, FourItemsMessage, RegisterLookupRequest, Step,
};
use serde_json::Value;

use super::answer::{Answer, answer, render};
use super::case::{Case, Items, certificate_key, yen};
use super::days;
use super::desk::Desk;
use super::frame::{Frame, place};
use super::inquiry;
use super::intake::{as_items, look_up};
use super::same_visit;
use super::words::Language;
use crate::counter::Counter;
use crate::counter::http::{Window, id};
use crate::local::{Fields, Kind, Problem};

/// One item beside the register.
pub(super) struct Row {
    pub item: &'static str,
    pub applied: String,
    pub registered: Option<String>,
    pub agrees: bool,
}

/// A document for the list.
pub(super) struct Document {
    pub code: &'static str,
    pub name: &'static str,
    pub dated: bool,
}

/// What was typed of a document, shown again after a fault.
#[derive(Default)]
pub(super) struct Typed {
    pub document: String,
    pub issuer: String,
    pub expires: String,
    /// Code on a written reply.
    pub code: String,
    /// The document is looked at, whatever this visit has seen before.
    pub anew: bool,
}

impl Typed {
    /// From the form.
    pub fn of(fields: &Fields) -> Self {
        let text = |name| fields.text(name).to_owned();
        Self {
            document: text("document"),
            issuer: text("issuer"),
            expires: text("expires_on"),
            code: text("code"),
            anew: fields.filled("decision").is_some(),
        }
    }
}

fn document(desk: &Desk, kind: &'static DocumentKind) -> Document {
    Document {
        code: &kind.code,
        name: match desk.words.0 {
            Language::Japanese => &kind.japanese,
            Language::English => &kind.english,
        },
        dated: kind.expiry == ExpiryRule::Required,
    }
}

/// The accepted documents in the clerk's language.
pub(super) fn documents(desk: &Desk) -> Vec<Document> {
    let all = DocumentKind::all().iter();
    all.map(|kind| document(desk, kind)).collect()
}

/// Those with a photo, which identify at the first visit and identify a proxy.
pub(super) fn photo_documents(desk: &Desk) -> Vec<Document> {
    let photo = DocumentKind::all().iter().filter(|kind| kind.photo);
    photo.map(|kind| document(desk, kind)).collect()
}

/// Name of a document in the clerk's language.
pub(super) fn document_name(desk: &Desk, code: &str) -> String {
    let found = DocumentKind::find(code).map(|kind| document(desk, kind).name);
    found.unwrap_or(code).to_owned()
}

#[derive(Template)]
#[template(path = "counter/identity.html")]
struct IdentityPage {
    frame: Frame,
    case: Case,
    rows: Vec<Row>,
    /// Whether an item differs.
    differs: bool,
    documents: Vec<Document>,
    typed: Typed,
}

/// A page without more than the application.
macro_rules! plain {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name {
            frame: Frame,
            case: Case,
        }
    };
}
plain!(CardPage, "counter/card.html");
plain!(IssuePage, "counter/issue.html");
plain!(WritePage, "counter/write.html");
plain!(FeePage, "counter/fee.html");
plain!(HandOverPage, "counter/hand_over.html");
plain!(WithdrawalPage, "counter/withdrawal.html");
plain!(DifferencesPage, "counter/differences.html");

#[derive(Template)]
#[template(path = "counter/key.html")]
struct KeyPage {
    frame: Frame,
    case: Case,
    /// The card is back with its key.
    ready: bool,
}

struct Character {
    item: String,
    position: u32,
    before: String,
    after: String,
    finding: CharacterFinding,
}

#[derive(Template)]
#[template(path = "counter/characters.html")]
struct CharactersPage {
    frame: Frame,
    case: Case,
    list_version: String,
    characters: Vec<Character>,
}

/// An item of the certificate, character by character.
struct ImageItem {
    item: &'static str,
    /// Text and whether it is a substitute.
    characters: Vec<(char, bool)>,
}

#[derive(Template)]
#[template(path = "counter/image.html")]
struct ImagePage {
    frame: Frame,
    case: Case,
    items: Vec<ImageItem>,
    governor: String,
    from: String,
    until: String,
    serial: String,
    check_code: String,
    substitutes: bool,
}

#[derive(Template)]
#[template(path = "counter/exit.html")]
struct ExitPage {
    frame: Frame,
    case: Case,
    verdict: &'static str,
}

#[derive(Template)]
#[template(path = "counter/end.html")]
struct EndPage {
    frame: Frame,
    case: Case,
    step: &'static str,
    cause: Option<String>,
    at: Option<String>,
    rows: Vec<Row>,
    /// Key of the other certificate of the card, where it is issued and this one is handed over.
    other: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "counter/receipt.html")]
struct ReceiptPage {
    frame: Frame,
    case: Case,
    number: String,
    amount: String,
    received: String,
}

/// The page of an application as it stands, telling `problem`, with what was typed.
///
/// # Errors
/// What the gateway says.
pub(super) fn shown(
    counter: &Counter,
    desk: &Desk,
    id: &ApplicationId,
    problem: Option<&Problem>,
    typed: Typed,
) -> Result<Answer, Problem> {
    let application = counter.application(id)?;
    let case = Case::of(&application);
    let frame = |title| {
        Frame::new(counter, desk, title)
            .back_to("/screens/applications")
            .telling(problem)
    };
    match application.step {
        Step::Received if application.proxy.is_some() => {
            inquiry::before(counter, frame("inquiry.title"), &application, problem)
        }
        Step::InquirySent => {
            let frame = frame("reply.title");
            inquiry::after(counter, desk, frame, &application, problem, typed)
        }
        Step::Received => {
            let rows = compared(counter, &application)?;
            let differs = rows.iter().any(|row| !row.agrees);
            let frame = frame("step.identity");
            if !typed.anew
                && !differs
                && let Some(earlier) = same_visit::earlier(counter, &application)?
            {
                return same_visit::offered(desk, frame, case, rows, earlier, problem);
            }
            let page = IdentityPage {
                frame,
                differs,
                rows,
                case,
                documents: photo_documents(desk),
                typed,
            };
            render(&page, problem)
        }
        Step::Identified => {
            let frame = frame("step.card");
            render(&CardPage { frame, case }, problem)
        }
        Step::CardPrepared => {
            let frame = frame("step.key");
            let ready = frame.card.as_ref().is_some_and(|(card, state)| {
                application.card.as_ref() == Some(card) && state == "key-stored"
            });
            render(&KeyPage { frame, case, ready }, problem)
        }
        Step::KeyRead => {
            let found: CharacterFindings = serde_json::from_value(counter.characters(id)?)
                .map_err(|error| Problem::internal(&error))?;
            let page = CharactersPage {
                frame: frame("step.characters"),
                case,
                list_version: found.list_version,
                characters: characters(&application.items, found.findings),
            };
            render(&page, problem)
        }
        Step::CharactersSettled => {
            let frame = frame("step.issue");
            render(&IssuePage { frame, case }, problem)
        }
        Step::Issued => {
            let image = counter.image(id)?;
            render(&image_page(frame("step.image"), case, &image), problem)
        }
        Step::Confirmed => {
            let frame = frame("step.write");
            render(&WritePage { frame, case }, problem)
        }
        Step::Written => {
            let frame = frame("step.fee");
            render(&FeePage { frame, case }, problem)
        }
        Step::Paid => {
            let frame = frame("step.hand-over");
            render(&HandOverPage { frame, case }, problem)
        }
        Step::HandedOver | Step::Refused | Step::Cancelled | Step::Revoked => {
            let end = application.end.as_ref();
            let page = EndPage {
                frame: frame("end.title"),
                case,
                step: super::case::step_key(application.step),
                cause: end.map(|end| end.cause.clone()),
                at: end.map(|end| days::moment(&end.at)),
                rows: recorded(&application),
                other: application
                    .other_kind
                    .filter(|_| application.step == Step::HandedOver)
                    .map(certificate_key),
            };
            render(&page, problem)
        }
    }
}

const ITEMS: [&str; 4] = ["name", "birth_date", "sex", "address"];

fn item_key(item: &str) -> &'static str {
    match item {
        "name" => "item.name",
        "birth_date" => "item.birth-date",
        "sex" => "item.sex",
        _ => "item.address",
    }
}

/// The form beside the register, before the decision.
pub(super) fn compared(counter: &Counter, application: &Application) -> Result<Vec<Row>, Problem> {
    let items = &application.items;
    let asked = match &application.resident {
        Some(resident) => RegisterLookupRequest {
            resident: Some(resident.clone()),
            ..RegisterLookupRequest::default()
        },
        None => RegisterLookupRequest {
            name: Some(items.name.clone()),
            birth_date: Some(items.birth_date.clone()),
            ..RegisterLookupRequest::default()
        },
    };
    let registered = look_up(counter, &asked)?.first().map(as_items);
    let agreeing = registered
        .as_ref()
        .map(|registered| agreement(items, registered));
    let texts = |items: &FourItemsMessage| {
        let seen = Items::of(items);
        [seen.name, seen.birth_date, items.sex.clone(), seen.address]
    };
    let right = registered.as_ref().map(texts);
    let rows = texts(items)
        .into_iter()
        .enumerate()
        .map(|(i, applied)| Row {
            item: item_key(ITEMS[i]),
            applied,
            registered: right.as_ref().map(|texts| texts[i].clone()),
            agrees: agreeing.is_some_and(|agrees| agrees[i]),
        });
    Ok(rows.collect())
}

fn agreement(one: &FourItemsMessage, other: &FourItemsMessage) -> [bool; 4] {
    let parsed = |items: &FourItemsMessage| {
        FourItems::parse(FourItemsInput {
            name: &items.name,
            birth_date: &items.birth_date,
            sex: &items.sex,
            address: &items.address,
        })
        .ok()
    };
    match parsed(one).zip(parsed(other)) {
        Some((one, other)) => {
            let same = one.compare(&other);
            [same.name, same.birth_date, same.sex, same.address]
        }
        None => [
            one.name == other.name,
            one.birth_date == other.birth_date,
            one.sex == other.sex,
            one.address == other.address,
        ],
    }
}

/// The comparison as the gateway recorded it.
pub(super) fn recorded(application: &Application) -> Vec<Row> {
    let seen = |item: &str, text: &str| match item {
        "birth_date" => days::birth(text),
        _ => text.to_owned(),
    };
    let rows = application.comparison.iter().map(|one| Row {
        item: item_key(&one.item),
        applied: seen(&one.item, &one.applied),
        registered: one.registered.as_deref().map(|text| seen(&one.item, text)),
        agrees: one.agrees,
    });
    rows.collect()
}

fn characters(items: &FourItemsMessage, findings: Vec<CharacterFinding>) -> Vec<Character> {
    let character = |finding: CharacterFinding| {
        let text = if finding.item == "name" {
            &items.name
        } else {
            &items.address
        };
        let at = finding.position as usize;
        Character {
            item: finding.item.clone(),
            position: finding.position,
            before: text.chars().take(at).collect(),
            after: text.chars().skip(at + 1).collect(),
            finding,
        }
    };
    findings.into_iter().map(character).collect()
}

fn image_page(frame: Frame, case: Case, image: &Value) -> ImagePage {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut items: Vec<ImageItem> = ITEMS
        .iter()
        .map(|item| {
            let shown = &image["items"][item];
            let flagged = |at: usize| {
                let all = shown["substitutes"].as_array();
                all.is_some_and(|all| all.iter().any(|one| one.as_u64() == Some(at as u64)))
            };
            let value = text(&shown["value"]);
            ImageItem {
                item: item_key(item),
                characters: value
                    .chars()
                    .enumerate()
                    .map(|(i, c)| (c, flagged(i)))
                    .collect(),
            }
        })
        .collect();
    if let Some(name) = image["user"]["name"].as_str() {
        // It carries nothing of the person: name and use are what there is to compare.
        let plain = |item, text: &str| ImageItem {
            item,
            characters: text.chars().map(|c| (c, false)).collect(),
        };
        items = vec![
            plain("image.user-name", name),
            plain("image.user-use", &text(&image["user"]["use"])),
        ];
    }
    let names = image["issuer"]["japanese"].as_array();
    let governor = names.map_or_else(
        || text(&image["issuer"]["name"]),
        |names| names.iter().map(text).collect::<Vec<_>>().join("　"),
    );
    ImagePage {
        substitutes: items
            .iter()
            .any(|item| item.characters.iter().any(|(_, flag)| *flag)),
        frame,
        case,
        items,
        governor,
        from: text(&image["valid"]["from"]["era"]),
        until: text(&image["valid"]["until"]["era"]),
        serial: text(&image["serial"]),
        check_code: text(&image["check_code"]),
    }
}

/// An application's page.
pub async fn page(window: Window, desk: Desk, path: Path<String>) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        shown(counter, desk, &id(&path)?, None, Typed::default())
    })
    .await
}

pub(super) fn beside(
    counter: &Counter,
    desk: &Desk,
    path: &Path<String>,
    title: &'static str,
) -> Result<(Frame, Application), Problem> {
    let application = counter.application(&id(path)?)?;
    let frame = Frame::new(counter, desk, title)
        .back_to(format!("/screens/applications/{}", application.id));
    Ok((frame, application))
}

/// What may be wrong on the image.
pub async fn differences(
    window: Window,
    desk: Desk,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let (frame, application) = beside(counter, desk, &path, "differences.title")?;
        let case = Case::of(&application);
        render(&DifferencesPage { frame, case }, None)
    })
    .await
}

/// One exit, before it is taken.
pub async fn exit(
    window: Window,
    desk: Desk,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let (id, verdict) = path.into_inner();
        let verdict = ["person-wrong", "issuer-wrong", "substitute-wish"]
            .into_iter()
            .find(|known| *known == verdict)
            .ok_or_else(nothing)?;
        let (frame, application) = beside(counter, desk, &Path::from(id), "differences.title")?;
        let frame = frame.back_to(format!(
            "/screens/applications/{}/differences",
            application.id
        ));
        let case = Case::of(&application);
        render(
            &ExitPage {
                frame,
                case,
                verdict,
            },
            None,
        )
    })
    .await
}

/// Whether the applicant really withdraws.
pub async fn withdrawal(
    window: Window,
    desk: Desk,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let (frame, application) = beside(counter, desk, &path, "withdrawal.title")?;
        let case = Case::of(&application);
        render(&WithdrawalPage { frame, case }, None)
    })
    .await
}

/// The receipt, for the printer.
pub async fn receipt(
    window: Window,
    desk: Desk,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let (mut frame, application) = beside(counter, desk, &path, "receipt.title")?;
        frame.place = place(counter, Language::Japanese);
        let receipt = application.receipt.clone().ok_or_else(nothing)?;
        let page = ReceiptPage {
            frame,
            case: Case::of(&application),
            number: receipt.number,
            amount: yen(receipt.amount_yen),
            received: days::moment(&receipt.received_at),
        };
        render(&page, None)
    })
    .await
}

pub(super) fn nothing() -> Problem {
    Problem::new(
        Kind::NotFound,
        "there is no such page",
        "その画面はありません。一覧から選び直してください。",
        "There is no such page. Choose the application from the list.",
    )
}
