//! The clerk's screens: pages made here, on the terminal, that press the same buttons as
//! the local interface. One list of steps, the one thing to do next, the applicant's
//! items beside it. No address holds personal data; no page needs its script.

mod answer;
mod approvals;
mod assets;
mod case;
pub(super) mod days;
mod desk;
mod disclosure;
mod door;
mod frame;
mod inquiry;
mod intake;
mod list;
mod office;
mod paper_orders;
mod papers;
mod passwords;
mod press;
mod remittance;
mod revocation;
mod same_visit;
mod standing;
mod statistics;
mod till;
mod walk;
mod which;
mod words;

use actix_web::web::{self, ServiceConfig};

pub(super) use case::yen_signed;
pub(super) use frame::place;
pub use words::{Language, Words};

/// The pages' route table.
pub fn routes(config: &mut ServiceConfig) {
    let one = |last: &str| format!("/screens/applications/{{id}}{last}");
    config
        .route("/", web::get().to(door::start))
        .route("/assets/{name}", web::get().to(assets::asset))
        .route("/screens/sign-in", web::get().to(door::page))
        .route("/screens/sign-in", web::post().to(door::sign_in))
        .route("/screens/lock", web::get().to(door::locked))
        .route("/screens/lock", web::post().to(door::lock))
        .route("/screens/awake", web::post().to(door::awake))
        .route("/screens/language", web::post().to(door::language))
        .route("/screens/applications", web::get().to(list::open))
        .route("/screens/applications/all", web::get().to(list::all))
        .route("/screens/new", web::get().to(intake::page))
        .route("/screens/new/search", web::post().to(intake::search))
        .route("/screens/new/items", web::post().to(intake::items))
        .route("/screens/new/receive", web::post().to(intake::receive))
        .route("/screens/disclosures", web::get().to(disclosure::list))
        .route("/screens/disclosures/new", web::get().to(disclosure::new))
        .route(
            "/screens/disclosures/take",
            web::post().to(disclosure::take),
        )
        .route(
            "/screens/disclosures/{id}/correction",
            web::get().to(disclosure::correction),
        )
        .route(
            "/screens/disclosures/{id}/delivery",
            web::get().to(disclosure::delivery),
        )
        .route(
            "/screens/disclosures/{id}/deliver",
            web::post().to(disclosure::deliver),
        )
        .route(
            "/screens/disclosures/{id}/answer.pdf",
            web::get().to(super::http::disclosure_paper),
        )
        .route("/screens/revocation", web::get().to(revocation::page))
        .route("/screens/passwords", web::get().to(passwords::page))
        .route("/screens/passwords/find", web::post().to(passwords::find))
        .route("/screens/passwords/open", web::post().to(passwords::open))
        .route("/screens/notices/{id}", web::get().to(passwords::notice))
        .route(
            "/screens/notices/{id}/{button}",
            web::post().to(passwords::press),
        )
        .route(
            "/screens/revocation/person",
            web::get().to(revocation::person),
        )
        .route(
            "/screens/revocation/person",
            web::post().to(revocation::find_person),
        )
        .route(
            "/screens/revocation/erase",
            web::post().to(revocation::erase),
        )
        .route("/screens/revocation/find", web::post().to(revocation::find))
        .route(
            "/screens/revocation/revoke",
            web::post().to(revocation::revoke),
        )
        .configure(office_routes)
        .route(&one(""), web::get().to(walk::page))
        .route(&one("/differences"), web::get().to(walk::differences))
        .route(&one("/differences/{verdict}"), web::get().to(walk::exit))
        .route(&one("/identity"), web::get().to(same_visit::anew))
        .route(&one("/inquiry"), web::get().to(inquiry::page))
        .route(&one("/second-eyes"), web::post().to(inquiry::put_up))
        .route(&one("/withdrawal"), web::get().to(walk::withdrawal))
        .route(&one("/receipt"), web::get().to(walk::receipt))
        .route(&one("/papers"), web::get().to(papers::page))
        .route(&one("/papers"), web::post().to(papers::keep))
        .route("/screens/papers/{paper}", web::get().to(papers::content))
        .route(
            "/api/applications/{id}/papers",
            web::get().to(papers::listed),
        )
        .route(
            "/api/applications/{id}/papers",
            web::post().to(papers::kept),
        )
        .route(&one("/{button}"), web::post().to(press::press));
}

/// The office's pages.
fn office_routes(config: &mut ServiceConfig) {
    let at = |last: &str| format!("/screens/office{last}");
    let approval = |last: &str| at(&format!("/approvals/{{id}}{last}"));
    let day = |last: &str| at(&format!("/till/{{day}}{last}"));
    let fee = |last: &str| at(&format!("/fees/{{number}}{last}"));
    let month = |last: &str| at(&format!("/remittance/{{month}}{last}"));
    config
        .route(&at(""), web::get().to(office::menu))
        .route(&at("/shift"), web::get().to(office::shift))
        .route(&at("/shift/take-over"), web::post().to(office::take_over))
        .route(&at("/shift/extend"), web::post().to(office::extend))
        .route(&at("/approvals"), web::get().to(approvals::list))
        .route(&approval(""), web::get().to(approvals::page))
        .route(&approval("/decide"), web::post().to(approvals::decide))
        .route(
            &approval("/carry-out"),
            web::post().to(approvals::carry_out),
        )
        .route(&at("/papers"), web::get().to(paper_orders::held))
        .route(&at("/papers/{id}"), web::get().to(paper_orders::page))
        .route(&at("/papers/{id}/ask"), web::post().to(paper_orders::ask))
        .route(&at("/till"), web::get().to(till::next))
        .route(&day(""), web::get().to(till::page))
        .route(&day("/close"), web::post().to(till::close))
        .route(&day("/sheet"), web::get().to(till::sheet))
        .route(&fee(""), web::get().to(till::entry))
        .route(&fee("/correct"), web::post().to(till::correct))
        .route(&at("/remittance"), web::get().to(remittance::last))
        .route(&month(""), web::get().to(remittance::page))
        .route(&month("/remit"), web::post().to(remittance::remit))
        .route(&month("/sheet"), web::get().to(remittance::sheet))
        .route(&month("/csv"), web::get().to(remittance::csv))
        .route(&at("/statistics"), web::get().to(statistics::now))
        .route(&at("/statistics/{month}"), web::get().to(statistics::page))
        .route(
            &at("/statistics/{month}/csv"),
            web::get().to(statistics::csv),
        );
}
