//! One decision, on a page of its own; what is entered becomes an act that waits for the
//! officer's signature.

use actix_web::{HttpResponse, web};
use askama::Template;
use pki_core::{disclosure::Decision, id::ApplicationId, officer::OfficerDeed};

use super::{
    answer::{Answer, Frame, answer, render},
    cases,
    desk::{Desk, Fields, field},
    fault::Fault,
};
use crate::app::officer;

/// What may be decided, by the last part of its address.
const DECISIONS: [&str; 7] = [
    "disclose",
    "no-record",
    "correct",
    "refuse",
    "extend",
    "hand-over",
    "posted",
];

#[derive(Template)]
#[template(path = "console/decision.html")]
struct DecisionPage {
    frame: Frame,
    id: String,
    version: String,
    decision: &'static str,
    two: bool,
    typed: Fields,
    addressee: String,
}

impl DecisionPage {
    fn typed(&self, name: &str) -> String {
        field(&self.typed, name)
    }
}

fn known(name: &str) -> Result<&'static str, Fault> {
    DECISIONS
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(Fault::nothing)
}

fn shown(
    desk: &Desk,
    id: ApplicationId,
    decision: &'static str,
    typed: Fields,
    fault: Option<&Fault>,
) -> Result<Answer, Fault> {
    let page = DecisionPage {
        frame: Frame::new(desk, "disclosures", "decision.title").telling(fault),
        id: id.to_string(),
        version: field(&typed, "version"),
        two: matches!(decision, "correct" | "refuse"),
        addressee: desk.app.office.addressee.name().to_owned(),
        decision,
        typed,
    };
    render(&page, fault)
}

/// The page of a decision; `version` is that of the request as it was seen.
pub async fn page(
    desk: Desk,
    path: web::Path<(String, String)>,
    query: web::Query<Fields>,
) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let (id, decision) = path.into_inner();
        let (id, decision) = (cases::id(&id)?, known(&decision)?);
        shown(desk, id, decision, query.into_inner(), None)
    })
    .await
}

/// Makes the act and goes on to its signature.
pub async fn propose(
    desk: Desk,
    path: web::Path<(String, String)>,
    fields: web::Form<Fields>,
) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let (id, decision) = path.into_inner();
        let (id, decision) = (cases::id(&id)?, known(&decision)?);
        let fields = fields.into_inner();
        let made = deed(id, decision, &fields)
            .and_then(|deed| Ok(officer::propose(&desk.app, &desk.officer, deed)?));
        match made {
            Ok(act) => Ok(Answer::Go(format!("/acts/{act}/propose"))),
            Err(fault) => shown(desk, id, decision, fields, Some(&fault)),
        }
    })
    .await
}

fn deed(case: ApplicationId, decision: &str, fields: &Fields) -> Result<OfficerDeed, Fault> {
    let version = field(fields, "version").parse().map_err(|_| {
        Fault::field(
            [
                "請求の画面から開き直してください。",
                "Open this page from the request.",
            ],
            "the version of the request is missing",
        )
    })?;
    let decide = |decision| OfficerDeed::Decide {
        case,
        version,
        decision,
    };
    Ok(match decision {
        "disclose" => decide(Decision::Disclose),
        "no-record" => decide(Decision::NoRecord),
        "correct" => decide(Decision::Correct {
            what: field(fields, "text"),
            revoke: match field(fields, "serial").as_str() {
                "" => None,
                serial => Some(serial.parse().map_err(|_| {
                    Fault::field(
                        [
                            "シリアル番号は画面に表示されたものを入力してください。",
                            "Enter the serial number as it is shown.",
                        ],
                        "not a serial number",
                    )
                })?),
            },
        }),
        "refuse" => decide(Decision::Refuse {
            reason: field(fields, "text"),
        }),
        "extend" => OfficerDeed::Extend {
            case,
            version,
            reason: field(fields, "text"),
            until: field(fields, "until").parse().map_err(|_| {
                Fault::field(
                    [
                        "期日は 2026-12-31 のように入力してください。",
                        "Enter the date like 2026-12-31.",
                    ],
                    "not a day of the calendar",
                )
            })?,
        },
        "hand-over" => OfficerDeed::HandOver { case, version },
        _ => OfficerDeed::Posted { case, version },
    })
}
