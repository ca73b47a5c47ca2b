//! 住基異動: how far each municipality's register is followed, what stands in the way, and the
//! batches that the brake held.

use actix_web::{HttpResponse, web};
use askama::Template;
use pki_core::{id::Sha256Digest, officer::HeldBatch, person::municipality::MunicipalityCode};

use super::{
    answer::{Answer, Frame, answer, render},
    desk::Desk,
    fault::Fault,
    text,
};
use crate::{
    app::register_holds::{self, Feed},
    port::register_hold::{Hold, HoldState},
};

/// One municipality.
struct Line {
    code: String,
    name: String,
    batch: String,
    sequence: String,
    /// `followed`, `trouble`, or what became of the batch that was held.
    state: &'static str,
    /// What the register's side is told.
    trouble: Option<String>,
    hold: Option<HoldLine>,
}

/// One batch that was held.
struct HoldLine {
    address: String,
    code: String,
    batch: u64,
    ends: u64,
    state: &'static str,
    held_at: String,
    decided_by: String,
    decided_at: String,
}

fn hold_line(desk: &Desk, hold: &Hold) -> HoldLine {
    let (by, at) = hold.decided.clone().unzip();
    HoldLine {
        address: format!(
            "/register/{}/{}/{}",
            hold.name.municipality,
            hold.name.batch,
            hex::encode(hold.name.sha256)
        ),
        code: hold.name.municipality.clone(),
        batch: hold.name.batch,
        ends: hold.ends,
        state: hold.state.as_str(),
        held_at: text::moment(desk.words, hold.held_at),
        decided_by: by.unwrap_or_default(),
        decided_at: at.map_or_else(String::new, |at| text::moment(desk.words, at)),
    }
}

fn line(desk: &Desk, feed: Feed) -> Line {
    // The newest of them is the batch whose bytes are there now.
    let hold = feed.holds.first();
    let state = match (&feed.trouble, hold.map(|hold| hold.state)) {
        (Some(_), _) => "trouble",
        (None, Some(state)) => state.as_str(),
        (None, None) => "followed",
    };
    let shown = |number: u64| match number {
        0 => "—".to_owned(),
        number => number.to_string(),
    };
    Line {
        code: feed.municipality.to_string(),
        name: feed.name,
        batch: shown(feed.position.batch),
        sequence: shown(feed.position.sequence),
        state,
        hold: hold.map(|hold| hold_line(desk, hold)),
        trouble: feed.trouble,
    }
}

#[derive(Template)]
#[template(path = "console/register.html")]
struct RegisterPage {
    frame: Frame,
    lines: Vec<Line>,
    decided: Vec<HoldLine>,
}

/// Every municipality.
pub async fn page(desk: Desk) -> Result<HttpResponse, Fault> {
    answer(desk, |desk| {
        let lines = register_holds::feeds(&desk.app)?
            .into_iter()
            .map(|feed| line(desk, feed))
            .collect();
        let decided = register_holds::decided(&desk.app)?;
        let page = RegisterPage {
            lines,
            decided: decided.iter().map(|hold| hold_line(desk, hold)).collect(),
            frame: Frame::new(desk, "register", "register.title"),
        };
        render(&page, None)
    })
    .await
}

/// How many municipalities are followed, and how many wait for officers or for their register.
pub fn waiting(desk: &Desk) -> (usize, usize) {
    let feeds = register_holds::feeds(&desk.app).unwrap_or_default();
    let waits = |feed: &&Feed| feed.position.trouble.is_some();
    (feeds.len(), feeds.iter().filter(waits).count())
}

#[derive(Template)]
#[template(path = "console/hold.html")]
struct HoldPage {
    frame: Frame,
    line: HoldLine,
    name: String,
    sha256: String,
    events: u64,
    kinds: Vec<(&'static str, u64)>,
    in_effect: u64,
    ended_today: u64,
    allowed: u64,
    share: String,
    /// Which decisions can be made now.
    may_release: bool,
    may_refuse: bool,
}

/// Municipality, batch, SHA-256 of its bytes.
type Path = web::Path<(String, u64, String)>;

fn held(desk: &Desk, path: &(String, u64, String)) -> Result<(HeldBatch, Hold), Fault> {
    let municipality: MunicipalityCode = path.0.parse().map_err(|_| Fault::nothing())?;
    let sha256: Sha256Digest = path.2.parse().map_err(|_| Fault::nothing())?;
    let hold = register_holds::hold(&desk.app, municipality, path.1, &sha256)?
        .ok_or_else(Fault::nothing)?;
    let held = HeldBatch {
        municipality,
        batch: path.1,
        sha256,
        ends: hold.ends,
    };
    Ok((held, hold))
}

/// One batch that was held.
pub async fn hold(desk: Desk, path: Path) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let (held, hold) = held(desk, &path)?;
        let position = desk.app.store.register_position(&hold.name.municipality)?;
        let waits = position.batch < hold.name.batch && !desk.officer.auditor;
        // Tenths of a percent are enough to see whether it is one street or the whole town.
        let tenths = (hold.ends * 1_000)
            .checked_div(hold.standing.in_effect)
            .unwrap_or(0);
        let page = HoldPage {
            name: desk
                .app
                .place(held.municipality)
                .map_or_else(String::new, |place| place.municipality.clone()),
            sha256: held.sha256.to_string(),
            events: hold.kinds.values().sum(),
            kinds: hold
                .kinds
                .iter()
                .map(|(kind, count)| (kind.as_str(), *count))
                .collect(),
            in_effect: hold.standing.in_effect,
            ended_today: hold.standing.ended_today,
            allowed: hold.allowed,
            share: format!("{}.{}", tenths / 10, tenths % 10),
            may_release: waits && matches!(hold.state, HoldState::Held | HoldState::Refused),
            may_refuse: waits && hold.state == HoldState::Held,
            line: hold_line(desk, &hold),
            frame: Frame::new(desk, "register", "hold.title"),
        };
        render(&page, None)
    })
    .await
}

/// Release or refuse: an act to be signed.
pub async fn decide(
    desk: Desk,
    path: web::Path<(String, u64, String, String)>,
) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let (municipality, batch, sha256, decision) = path.into_inner();
        let to = match decision.as_str() {
            "release" => HoldState::Released,
            "refuse" => HoldState::Refused,
            _ => return Err(Fault::nothing()),
        };
        let (held, _) = held(desk, &(municipality, batch, sha256))?;
        let act = register_holds::propose(&desk.app, &desk.officer, held, to)?;
        Ok(Answer::Go(format!("/acts/{act}/propose")))
    })
    .await
}
