//! The clerk's screens: pages made here, on the terminal, that press the same buttons as
//! the local interface. One list of steps, the one thing to do next, the applicant's
//! items beside it. No address holds personal data; no page needs its script.

mod answer;
mod assets;
mod case;
mod days;
mod desk;
mod door;
mod frame;
mod inquiry;
mod intake;
mod list;
mod passwords;
mod press;
mod revocation;
mod standing;
mod walk;
mod words;

use actix_web::web::{self, ServiceConfig};

pub use words::{Language, Words};

/// The pages' route table.
pub fn routes(config: &mut ServiceConfig) {
    let one = |last: &str| format!("/screens/applications/{{id}}{last}");
    config
        .route("/", web::get().to(door::start))
        .route("/assets/{name}", web::get().to(assets::asset))
        .route("/screens/sign-in", web::get().to(door::page))
        .route("/screens/sign-in", web::post().to(door::sign_in))
        .route("/screens/lock", web::post().to(door::lock))
        .route("/screens/language", web::post().to(door::language))
        .route("/screens/applications", web::get().to(list::open))
        .route("/screens/applications/all", web::get().to(list::all))
        .route("/screens/new", web::get().to(intake::page))
        .route("/screens/new/search", web::post().to(intake::search))
        .route("/screens/new/items", web::post().to(intake::items))
        .route("/screens/new/receive", web::post().to(intake::receive))
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
        .route(&one(""), web::get().to(walk::page))
        .route(&one("/differences"), web::get().to(walk::differences))
        .route(&one("/differences/{verdict}"), web::get().to(walk::exit))
        .route(&one("/inquiry"), web::get().to(inquiry::page))
        .route(&one("/withdrawal"), web::get().to(walk::withdrawal))
        .route(&one("/receipt"), web::get().to(walk::receipt))
        .route(&one("/{button}"), web::post().to(press::press));
}
