//! Revocation lists: what is published, until when it holds, and publishing by hand.

use actix_web::HttpResponse;
use askama::Template;
use pki_core::officer::OfficerDeed;

use super::{
    answer::{Answer, Frame, answer, render},
    desk::Desk,
    fault::Fault,
    text,
};
use crate::{
    app::{App, officer, publish_crl},
    port::store::{CrlRecord, StoreError},
};

/// One list as it stands.
pub struct ListState {
    issuer: String,
    scope: String,
    record: Option<CrlRecord>,
    /// Its time is over, or there is none.
    pub late: bool,
    /// Something was revoked that is not in it yet.
    behind: bool,
}

struct Line {
    issuer: String,
    scope: String,
    number: String,
    made: String,
    until: String,
    entries: String,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "console/lists.html")]
struct ListsPage {
    frame: Frame,
    lines: Vec<Line>,
    token: Option<String>,
}

/// Every list that there has to be.
pub fn states(app: &App) -> Result<Vec<ListState>, StoreError> {
    let now = app.clock.now();
    publish_crl::all_scopes(app)?
        .into_iter()
        .map(|(issuer, scope)| {
            let partition = scope.partition();
            let scope = scope.name();
            let record = app.store.latest_crl(&issuer, &scope)?;
            let behind = match &record {
                Some(record) => app.store.changed(&issuer, partition, record.feed)?,
                None => true,
            };
            Ok(ListState {
                late: record
                    .as_ref()
                    .is_none_or(|record| record.next_update <= now),
                record,
                behind,
                issuer,
                scope,
            })
        })
        .collect()
}

/// The lists.
pub async fn page(desk: Desk) -> Result<HttpResponse, Fault> {
    answer(desk, |desk| {
        let words = desk.words;
        let none = || "—".to_owned();
        let lines = states(&desk.app)?
            .into_iter()
            .map(|list| {
                let shown = |text: &dyn Fn(&CrlRecord) -> String| {
                    list.record.as_ref().map_or_else(none, text)
                };
                Line {
                    number: shown(&|record| record.number.to_string()),
                    made: shown(&|record| text::moment(words, record.this_update)),
                    until: shown(&|record| text::moment(words, record.next_update)),
                    entries: shown(&|record| record.entries.to_string()),
                    state: match (list.late, list.behind) {
                        (true, _) => "late",
                        (false, true) => "behind",
                        (false, false) => "current",
                    },
                    issuer: list.issuer,
                    scope: list.scope,
                }
            })
            .collect();
        let page = ListsPage {
            frame: Frame::new(desk, "lists", "lists.title"),
            lines,
            token: desk.app.signer.trouble(),
        };
        render(&page, None)
    })
    .await
}

/// Publish now: an act to be signed.
pub async fn publish(desk: Desk) -> Result<HttpResponse, Fault> {
    answer(desk, |desk| {
        let act = officer::propose(&desk.app, &desk.officer, OfficerDeed::PublishLists)?;
        Ok(Answer::Go(format!("/acts/{act}/propose")))
    })
    .await
}
