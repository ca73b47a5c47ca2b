//! The registry: terminals, kiosks, operators, gateways, officers; enrolling, cutting off.

use actix_web::{HttpResponse, web};
use askama::Template;
use pki_core::{
    certificate::{image::CertificateImage, pem},
    officer::OfficerDeed,
};

use super::{
    answer::{Answer, Frame, answer, render},
    desk::{Desk, Fields, field},
    fault::Fault,
    text,
};
use crate::{
    app::officer::{self, ENROLLED_HERE},
    port::store::Party,
};

struct Line {
    kind: String,
    id: String,
    label: String,
    municipality: String,
    until: String,
    ended: bool,
    active: bool,
}

fn line(desk: &Desk, party: &Party) -> Line {
    let end = CertificateImage::decode(&party.certificate)
        .map(|image| image.not_after)
        .ok();
    Line {
        kind: party.kind.clone(),
        id: party.id.clone(),
        label: party.label.clone(),
        municipality: party.municipality.clone().unwrap_or_default(),
        until: end.map_or_else(String::new, |end| text::moment(desk.words, end)),
        ended: end.is_none_or(|end| end < desk.app.clock.now()),
        active: party.active,
    }
}

#[derive(Template)]
#[template(path = "console/parties.html")]
struct PartiesPage {
    frame: Frame,
    kind: String,
    kinds: [&'static str; 8],
    lines: Vec<Line>,
}

/// The registry, or one kind of it.
pub async fn list(desk: Desk, query: web::Query<Fields>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let kind = field(&query, "kind");
        let parties = desk.app.store.parties()?;
        let page = PartiesPage {
            lines: parties
                .iter()
                .filter(|party| kind.is_empty() || party.kind == kind)
                .map(|party| line(desk, party))
                .collect(),
            kinds: crate::app::enrol::KINDS,
            kind,
            frame: Frame::new(desk, "parties", "parties.title"),
        };
        render(&page, None)
    })
    .await
}

#[derive(Template)]
#[template(path = "console/party.html")]
struct PartyPage {
    frame: Frame,
    line: Line,
    fingerprint: String,
}

fn party(desk: &Desk, path: &(String, String)) -> Result<Party, Fault> {
    desk.app
        .store
        .party(&path.0, &path.1)?
        .ok_or_else(Fault::nothing)
}

/// One party.
pub async fn page(desk: Desk, path: web::Path<(String, String)>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let party = party(desk, &path)?;
        let page = PartyPage {
            line: line(desk, &party),
            fingerprint: hex::encode(party.certificate_sha256),
            frame: Frame::new(desk, "parties", "party.title"),
        };
        render(&page, None)
    })
    .await
}

/// Its certificate, PEM.
pub async fn certificate(
    desk: Desk,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let party = party(desk, &path)?;
        Ok(Answer::File(
            "application/x-pem-file",
            format!("{}-{}.pem", party.kind, party.id),
            pem::encode(pem::CERTIFICATE, &party.certificate).into_bytes(),
        ))
    })
    .await
}

/// Its record, as the gateway's registry takes it.
pub async fn record(desk: Desk, path: web::Path<(String, String)>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let party = party(desk, &path)?;
        let record = crate::command::record(&party).map_err(|error| Fault::internal(&*error))?;
        let json = serde_json::to_vec_pretty(&record).map_err(|error| Fault::internal(&error))?;
        let name = format!("{}-{}.json", party.kind, party.id);
        Ok(Answer::File("application/json", name, json))
    })
    .await
}

/// Suspend or resume: an act to be signed.
pub async fn change(
    desk: Desk,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let (kind, id, change) = path.into_inner();
        let deed = match change.as_str() {
            "suspend" => OfficerDeed::Suspend { kind, id },
            "resume" => OfficerDeed::Resume { kind, id },
            _ => return Err(Fault::nothing()),
        };
        let act = officer::propose(&desk.app, &desk.officer, deed)?;
        Ok(Answer::Go(format!("/acts/{act}/propose")))
    })
    .await
}

#[derive(Template)]
#[template(path = "console/enrol.html")]
struct EnrolPage {
    frame: Frame,
    kinds: [&'static str; 6],
    typed: Fields,
}

impl EnrolPage {
    fn typed(&self, name: &str) -> String {
        field(&self.typed, name)
    }
}

fn form(desk: &Desk, typed: Fields, fault: Option<&Fault>) -> Result<Answer, Fault> {
    let page = EnrolPage {
        frame: Frame::new(desk, "parties", "enrol.title").telling(fault),
        kinds: ENROLLED_HERE,
        typed,
    };
    render(&page, fault)
}

/// The form.
pub async fn enrol_page(desk: Desk) -> Result<HttpResponse, Fault> {
    answer(desk, |desk| form(desk, Fields::new(), None)).await
}

/// Makes the act and goes on to its signature.
pub async fn enrol(desk: Desk, fields: web::Form<Fields>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let fields = fields.into_inner();
        let deed = OfficerDeed::Enrol {
            kind: field(&fields, "kind"),
            id: field(&fields, "id"),
            municipality: Some(field(&fields, "municipality")).filter(|code| !code.is_empty()),
            label: field(&fields, "label"),
            request: field(&fields, "request") + "\n",
            replace: field(&fields, "replace") == "yes",
        };
        match officer::propose(&desk.app, &desk.officer, deed) {
            Ok(act) => Ok(Answer::Go(format!("/acts/{act}/propose"))),
            Err(error) => form(desk, fields, Some(&error.into())),
        }
    })
    .await
}
