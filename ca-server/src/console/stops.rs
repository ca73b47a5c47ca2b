//! Gateways at which issuing has stopped, and their release by two officers.

use actix_web::{HttpResponse, web};
use askama::Template;
use pki_core::officer::OfficerDeed;

use super::{
    answer::{Answer, Frame, answer, render},
    desk::{Desk, Fields, field},
    fault::Fault,
    text,
};
use crate::{app::officer, port::stop::GatewayStop};

/// Most stops on the page.
const SHOWN: u32 = 200;

struct Line {
    id: String,
    gateway: String,
    serial: String,
    application: String,
    terminal: String,
    operator: String,
    since: String,
    /// When it was released; empty while it is not.
    released: String,
}

fn line(desk: &Desk, stop: &GatewayStop) -> Line {
    Line {
        id: stop.id.clone(),
        gateway: stop.gateway.clone(),
        serial: stop.serial.clone(),
        application: stop.application.clone(),
        terminal: stop.terminal.clone(),
        operator: stop.operator.clone(),
        since: text::moment(desk.words, stop.tripped_at),
        released: stop
            .release
            .as_ref()
            .map_or_else(String::new, |(_, at)| text::moment(desk.words, *at)),
    }
}

#[derive(Template)]
#[template(path = "console/stops.html")]
struct StopsPage {
    frame: Frame,
    open: Vec<Line>,
    released: Vec<Line>,
}

/// Open stops and those that were released.
pub async fn list(desk: Desk) -> Result<HttpResponse, Fault> {
    answer(desk, |desk| {
        let lines = |open| -> Result<Vec<Line>, Fault> {
            let stops = desk.app.store.stops(open, SHOWN)?;
            Ok(stops.iter().map(|stop| line(desk, stop)).collect())
        };
        let page = StopsPage {
            open: lines(true)?,
            released: lines(false)?,
            frame: Frame::new(desk, "stops", "stops.title"),
        };
        render(&page, None)
    })
    .await
}

#[derive(Template)]
#[template(path = "console/stop.html")]
struct StopPage {
    frame: Frame,
    line: Line,
    reason: String,
}

fn found(desk: &Desk, id: &str) -> Result<GatewayStop, Fault> {
    desk.app.store.stop(id)?.ok_or_else(Fault::nothing)
}

fn shown(desk: &Desk, id: &str, reason: String, fault: Option<&Fault>) -> Result<Answer, Fault> {
    let page = StopPage {
        line: line(desk, &found(desk, id)?),
        reason,
        frame: Frame::new(desk, "stops", "stop.title").telling(fault),
    };
    render(&page, fault)
}

/// One stop, with what to look at before it is released.
pub async fn page(desk: Desk, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| shown(desk, &id, String::new(), None)).await
}

/// The release as the gateway is given it, for one that cannot be reached.
pub async fn release_file(desk: Desk, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let stop = found(desk, &id)?;
        let (bytes, _) = stop.release.ok_or_else(Fault::nothing)?;
        let name = format!("release-{}.json", stop.id);
        Ok(Answer::File("application/json", name, bytes))
    })
    .await
}

/// Release: an act to be signed.
pub async fn release(
    desk: Desk,
    id: web::Path<String>,
    fields: web::Form<Fields>,
) -> Result<HttpResponse, Fault> {
    answer(desk, move |desk| {
        let stop = found(desk, &id)?;
        let reason = field(&fields, "reason");
        let deed = OfficerDeed::ReleaseStop {
            gateway: stop.gateway,
            stop: stop.id,
            serial: stop.serial,
            reason: reason.clone(),
        };
        match officer::propose(&desk.app, &desk.officer, deed) {
            Ok(act) => Ok(Answer::Go(format!("/acts/{act}/propose"))),
            Err(error) => shown(desk, &id, reason, Some(&error.into())),
        }
    })
    .await
}
