//! The papers of an application: what is kept, until when, and another scan.

use actix_web::HttpResponse;
use actix_web::web::{Json, Path};
use askama::Template;
use pki_core::id::PaperId;
use pki_core::kept_paper::RetentionRule;
use pki_core::kept_paper::content::Media;
use schema::wire::v1::ra::KeptPaper;

use super::answer::{Answer, answer, render, telling};
use super::case::Case;
use super::days;
use super::desk::Desk;
use super::frame::Frame;
use super::walk::nothing;
use super::words::Language;
use crate::counter::Counter;
use crate::counter::acts::random_id;
use crate::counter::http::{Window, blocking, id};
use crate::local::Problem;
use crate::local::upload::Upload;

/// A kind of paper in the clerk's language.
struct PaperKind {
    code: &'static str,
    name: &'static str,
}

/// A kept paper.
pub(super) struct Line {
    pub id: String,
    pub kind: String,
    pub received: String,
    pub pages: u32,
    size: String,
    pub until: String,
    pub held: bool,
}

#[derive(Template)]
#[template(path = "counter/papers.html")]
struct PapersPage {
    frame: Frame,
    case: Case,
    kinds: Vec<PaperKind>,
    lines: Vec<Line>,
    wish: String,
}

fn kind_name(rule: &'static RetentionRule, language: Language) -> &'static str {
    match language {
        Language::Japanese => &rule.japanese,
        Language::English => &rule.english,
    }
}

fn size(bytes: u64) -> String {
    if bytes < 1024 * 1024 {
        format!("{} KB", bytes.div_ceil(1024))
    } else {
        let tenths = ((bytes % (1 << 20)) * 10) >> 20;
        format!("{}.{tenths} MB", bytes >> 20)
    }
}

pub(super) fn line(paper: KeptPaper, language: Language) -> Line {
    Line {
        kind: RetentionRule::find(&paper.kind).map_or(paper.kind.clone(), |rule| {
            kind_name(rule, language).to_owned()
        }),
        received: days::short(&paper.received_at),
        pages: paper.pages,
        size: size(paper.bytes),
        until: paper.due_on.parse().map_or(paper.due_on, days::era),
        held: paper.held,
        id: paper.id,
    }
}

fn shown(
    counter: &Counter,
    desk: &Desk,
    path: &Path<String>,
    problem: Option<&Problem>,
) -> Result<Answer, Problem> {
    let id = id(path)?;
    let application = counter.application(&id)?;
    let language = desk.words.0;
    let page = PapersPage {
        frame: Frame::new(counter, desk, "papers.title")
            .back_to(format!("/screens/applications/{id}"))
            .telling(problem),
        case: Case::of(&application),
        kinds: RetentionRule::all()
            .iter()
            .map(|rule| PaperKind {
                code: &rule.kind,
                name: kind_name(rule, language),
            })
            .collect(),
        lines: counter
            .papers(&id)?
            .into_iter()
            .map(|paper| line(paper, language))
            .collect(),
        wish: hex::encode(random_id()?),
    };
    render(&page, problem)
}

/// The page.
pub async fn page(window: Window, desk: Desk, path: Path<String>) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        shown(counter, desk, &path, None)
    })
    .await
}

/// Keeps a scan.
pub async fn keep(
    window: Window,
    desk: Desk,
    path: Path<String>,
    upload: Upload,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let application = id(&path)?;
        let wish = Some(upload.text("wish").to_owned()).filter(|wish| !wish.is_empty());
        let kind = upload.text("kind").to_owned();
        match counter.keep_paper(&application, wish, &kind, upload.file) {
            Ok(_) => Ok(Answer::Go(format!(
                "/screens/applications/{application}/papers"
            ))),
            Err(problem) => telling(problem, |problem| {
                shown(counter, desk, &path, Some(problem))
            }),
        }
    })
    .await
}

/// The scan itself. It is shown as what it was examined to be, and can do nothing.
pub async fn content(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id: PaperId = path.parse().map_err(|_| nothing())?;
    let read = blocking(window, move |counter| counter.read_paper(&id.to_string())).await?;
    let media = Media::parse(&read.paper.media).ok_or_else(nothing)?;
    Ok(HttpResponse::Ok()
        .content_type(media.as_str())
        .insert_header(("Content-Disposition", "inline; filename=\"paper\""))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Cache-Control", "no-store"))
        .body(read.content.0))
}

/// The same list for programs.
pub async fn listed(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let papers = blocking(window, move |counter| counter.papers(&id)).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "papers": papers })))
}

/// A scan for programs: base64 in JSON would not fit the local limit, so the file is the
/// form's.
pub async fn kept(
    window: Window,
    path: Path<String>,
    upload: Upload,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let kind = upload.text("kind").to_owned();
    let kept = blocking(window, move |counter| {
        counter.keep_paper(&id, None, &kind, upload.file)
    });
    Ok(HttpResponse::Created().json(Json(kept.await?)))
}
