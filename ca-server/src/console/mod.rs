//! The officers' console: pages over mutual TLS for officers and auditors of the authority.
//! Reading needs the certificate; each deciding act needs the officer's signature over a
//! statement of its own, and some a second officer's. No page needs a script.

mod acts;
mod answer;
mod audit_log;
mod cases;
mod decision;
mod desk;
mod door;
mod fault;
mod home;
mod lists;
mod parties;
mod register;
mod stops;
mod text;
mod words;

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig},
};

/// The pages' route table.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope("")
            .wrap(from_fn(door::officers_only))
            .app_data(web::FormConfig::default().limit(64 * 1024))
            .route("/", web::get().to(home::page))
            .route("/assets/{name}", web::get().to(text::asset))
            .route("/language", web::post().to(desk::language))
            .route("/disclosures", web::get().to(cases::list))
            .route("/disclosures/{id}", web::get().to(cases::page))
            .route(
                "/disclosures/{id}/answer.pdf",
                web::get().to(cases::answer_pdf),
            )
            .route(
                "/disclosures/{id}/extension.pdf",
                web::get().to(cases::extension_pdf),
            )
            .route(
                "/disclosures/{id}/{decision}",
                web::get().to(decision::page),
            )
            .route(
                "/disclosures/{id}/{decision}",
                web::post().to(decision::propose),
            )
            .route("/acts", web::get().to(acts::list))
            .route("/acts/{id}", web::get().to(acts::page))
            .route("/acts/{id}/{part}", web::get().to(acts::signing))
            .route("/acts/{id}/{part}", web::post().to(acts::sign))
            .route(
                "/acts/{id}/{part}/statement.json",
                web::get().to(acts::statement),
            )
            .route("/parties", web::get().to(parties::list))
            .route("/parties/enrol", web::get().to(parties::enrol_page))
            .route("/parties/enrol", web::post().to(parties::enrol))
            .route("/parties/{kind}/{id}", web::get().to(parties::page))
            .route(
                "/parties/{kind}/{id}/certificate.pem",
                web::get().to(parties::certificate),
            )
            .route(
                "/parties/{kind}/{id}/record.json",
                web::get().to(parties::record),
            )
            .route(
                "/parties/{kind}/{id}/{change}",
                web::post().to(parties::change),
            )
            .route("/stops", web::get().to(stops::list))
            .route("/stops/{id}", web::get().to(stops::page))
            .route("/stops/{id}/release", web::post().to(stops::release))
            .route(
                "/stops/{id}/release.json",
                web::get().to(stops::release_file),
            )
            .route("/lists", web::get().to(lists::page))
            .route("/lists/publish", web::post().to(lists::publish))
            .route("/register", web::get().to(register::page))
            .route(
                "/register/{municipality}/{batch}/{sha256}",
                web::get().to(register::hold),
            )
            .route(
                "/register/{municipality}/{batch}/{sha256}/{decision}",
                web::post().to(register::decide),
            )
            .route("/audit", web::get().to(audit_log::page))
            .route("/audit/rows.jsonl", web::get().to(audit_log::export))
            .default_service(web::to(door::nothing)),
    );
}
